"""What everything else stands on: values, tapes, shapes and names. Knows no neural networks."""

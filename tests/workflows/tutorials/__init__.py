"""Programs as Keras' tutorials show them: `program(keras)` runs on npkeras and on Keras alike."""

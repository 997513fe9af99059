"""Learning from batches: what a model adds to a layer."""

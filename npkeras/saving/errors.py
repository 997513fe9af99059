"""What can be wrong with a file."""


class CorruptFileError(ValueError):
    """The file is not what its name says, is damaged, or holds what no model file should."""


class WeightsMismatchError(ValueError):
    """The file is sound but holds the weights of another model."""

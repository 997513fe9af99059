"""What can be wrong with a file, and warnings about one."""

from npkeras.core.warning import warn

__all__ = [
    "CorruptFileError",
    "MissingFileError",
    "UnsafeModelError",
    "WeightsMismatchError",
    "warn",
]


class CorruptFileError(ValueError, OSError):
    """The file is not what its name says, is damaged, or holds what no model file should.

    It is an `OSError` too: Keras has those of h5py for damaged files, and programs wait for them.
    """


class MissingFileError(FileNotFoundError, ValueError):
    """There is no such file: Keras says so with one or the other kind of error."""


class UnsafeModelError(CorruptFileError):
    """The file holds code, or asks for something that no model file may ask for."""


class WeightsMismatchError(ValueError):
    """The file is sound but holds the weights of another model."""

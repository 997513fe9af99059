"""What can be wrong with a file, and warnings about one."""

import os
import sys
import warnings

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class CorruptFileError(ValueError):
    """The file is not what its name says, is damaged, or holds what no model file should."""


class UnsafeModelError(CorruptFileError):
    """The file holds code, or asks for something that no model file may ask for."""


class WeightsMismatchError(ValueError):
    """The file is sound but holds the weights of another model."""


def warn(message: str) -> None:
    """Warn whoever called npkeras, however deep within it this is noticed."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, stacklevel=level)

"""npkeras.backend: settings, and a fresh start."""

from npkeras.core import names
from npkeras.core.config import (
    backend,
    enable_interactive_logging,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from npkeras.core.dtypes import is_float, is_int, result_type, standardize_dtype
from npkeras.core.names import get_uid
from npkeras.core.random import reset_global_seed
from npkeras.core.symbolic import KerasTensor


def is_float_dtype(dtype):
    """Whether a dtype, given as a name or in NumPy's or Python's way, is one of floats."""
    return is_float(dtype)


def is_int_dtype(dtype):
    """Whether a dtype, given as a name or in NumPy's or Python's way, is one of integers."""
    return is_int(dtype)


def is_keras_tensor(x):
    """Whether `x` is a symbolic tensor: an array to come.

    Example:
        >>> npkeras.backend.is_keras_tensor(npkeras.Input((3,)))
        True
    """
    return isinstance(x, KerasTensor)


def clear_session(free_memory=True):
    """Begin counting names anew, and forget the global seed: as after a restart.

    Args:
        free_memory: Taken for Keras' sake. Memory is freed when objects are dropped.
    """
    names.reset()
    reset_global_seed(None)
    enable_interactive_logging()


__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "get_uid",
    "image_data_format",
    "is_float_dtype",
    "is_int_dtype",
    "is_keras_tensor",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]

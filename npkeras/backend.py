"""npkeras.backend: settings, and a fresh start."""

from npkeras.core import names
from npkeras.core.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from npkeras.core.dtypes import result_type, standardize_dtype
from npkeras.core.random import reset_global_seed


def clear_session(free_memory=True):
    """Begin counting names anew, and forget the global seed: as after a restart.

    Args:
        free_memory: Taken for Keras' sake. Memory is freed when objects are dropped.
    """
    names.reset()
    reset_global_seed(None)


__all__ = [
    "backend",
    "clear_session",
    "epsilon",
    "floatx",
    "image_data_format",
    "result_type",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "standardize_dtype",
]

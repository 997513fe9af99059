"""npkeras.config: the settings of a process."""

from npkeras.core.config import (
    backend,
    epsilon,
    floatx,
    image_data_format,
    random_stream,
    set_epsilon,
    set_floatx,
    set_image_data_format,
    set_random_stream,
)
from npkeras.core.dtypes import dtype_policy, set_dtype_policy

__all__ = [
    "backend",
    "dtype_policy",
    "epsilon",
    "floatx",
    "image_data_format",
    "random_stream",
    "set_dtype_policy",
    "set_epsilon",
    "set_floatx",
    "set_image_data_format",
    "set_random_stream",
]

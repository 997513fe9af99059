"""`npkeras.mixed_precision`: computing in fewer bits than the weights have.

Example:
    >>> npkeras.mixed_precision.set_global_policy("mixed_float16")
    >>> layer = npkeras.layers.Dense(2)
    >>> layer.compute_dtype, layer.variable_dtype
    ('float16', 'float32')
    >>> npkeras.mixed_precision.set_global_policy("float32")
"""

from npkeras.core.dtypes import DTypePolicy, dtype_policy, set_dtype_policy
from npkeras.optimizers import LossScaleOptimizer

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]

# The names of Keras 2.
Policy = DTypePolicy
global_policy = dtype_policy
set_global_policy = set_dtype_policy

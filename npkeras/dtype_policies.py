"""`npkeras.dtype_policies`: what layers compute in, and what they keep their weights in."""

from npkeras.core import registry
from npkeras.core.dtypes import DTypePolicy, FloatDTypePolicy, get_dtype_policy

__all__ = ["DTypePolicy", "FloatDTypePolicy", "deserialize", "get", "serialize"]


def get(identifier):
    """A policy by its name, from a dtype, from its config, or as it is. None: the global one.

    Example:
        >>> get("mixed_float16").compute_dtype
        'float16'
    """
    return get_dtype_policy(identifier)


def serialize(dtype_policy):
    """A policy as JSON can hold it."""
    return registry.serialize(dtype_policy)


def deserialize(config, custom_objects=None):
    """The policy that `serialize` described. What is no config comes back as it is."""
    if not isinstance(config, dict):
        return config
    with registry.CustomObjectScope(custom_objects):
        return registry.deserialize(config, custom_objects, "dtype_policies")

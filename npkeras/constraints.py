"""`npkeras.constraints`: what weights are put back to after each update.

A constraint takes an array and returns one of the same shape.
"""

import numpy as np

from npkeras.core import check, config, registry
from npkeras.core.dtypes import as_array
from npkeras.core.registry import Configurable, register
from npkeras.core.tape import plain


class Constraint(Configurable):
    """Base class: `constraint(w)` returns what w is to be instead.

    Example:
        >>> class AtMostOne(npkeras.constraints.Constraint):
        ...     def __call__(self, w):
        ...         return np.minimum(w, 1)
        >>> AtMostOne()(np.array([0.5, 2.0]))
        array([0.5, 1. ])
    """

    def __call__(self, w):
        """What w is to be instead; w itself unless a subclass says so."""
        return w


@register("constraints")
class MaxNorm(Constraint):
    """Weights whose norm is above `max_value` are scaled back to it.

    Args:
        max_value: The greatest norm.
        axis: The axis, or axes, along which norms are taken: 0 for the weights into each unit of
            a `Dense` layer, (0, 1, 2) for those into each filter of a `Conv2D`.

    Source: Srivastava et al., 2014, "Dropout: a simple way to prevent neural networks from
    overfitting".

    Example:
        >>> npkeras.constraints.MaxNorm(2)(np.array([[3.0, 0.6], [4.0, 0.8]]))
        array([[1.19999998, 0.59999994],
               [1.59999997, 0.79999992]])
    """

    def __init__(self, max_value=2, axis=0):
        self.max_value = check.number(max_value, "max_value", "MaxNorm", low=0)
        self.axis = _axis(axis, "MaxNorm")

    def __call__(self, w):
        w, norms = _norms(w, self.axis)
        return w * (np.clip(norms, 0, self.max_value) / (config.epsilon() + norms))


@register("constraints")
class MinMaxNorm(Constraint):
    """Weights whose norm is outside [min_value, max_value] are scaled towards it.

    Args:
        min_value, max_value: The least and the greatest norm.
        rate: How much of the way: 1 brings the norm into the interval at once.
        axis: The axis, or axes, along which norms are taken.
    """

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value = check.number(min_value, "min_value", "MinMaxNorm", low=0)
        self.max_value = check.number(max_value, "max_value", "MinMaxNorm", low=0)
        self.rate = check.number(rate, "rate", "MinMaxNorm")
        self.axis = _axis(axis, "MinMaxNorm")

    def __call__(self, w):
        w, norms = _norms(w, self.axis)
        wanted = self.rate * np.clip(norms, self.min_value, self.max_value)
        wanted += (1 - self.rate) * norms
        return w * (wanted / (config.epsilon() + norms))


@register("constraints")
class NonNeg(Constraint):
    """Negative weights become 0."""

    def __call__(self, w):
        w = as_array(plain(w))
        return np.where(w < 0, w.dtype.type(0), w)


@register("constraints")
class UnitNorm(Constraint):
    """Weights are scaled to norm 1.

    Args:
        axis: The axis, or axes, along which norms are taken; None for all.
    """

    def __init__(self, axis=0):
        self.axis = _axis(axis, "UnitNorm")

    def __call__(self, w):
        w, norms = _norms(w, self.axis)
        return w / (config.epsilon() + norms)


def _norms(w, axis):
    """The weights as floats, and their norms along the axis, which is kept with length 1."""
    w = as_array(plain(w))
    if w.dtype.kind != "f":
        w = w.astype(config.floatx())
    axis = tuple(axis) if isinstance(axis, list) else axis
    return w, np.sqrt(np.sum(np.square(w), axis=axis, keepdims=True))


def _axis(axis, owner):
    """The axis as it was given, if it is an integer, several, or None."""
    axes = axis if isinstance(axis, (tuple, list)) else [axis]
    if axis is not None and not all(check.is_int(item) for item in axes):
        raise ValueError(
            f"`axis` of {owner} must be an integer, several, or None. "
            f"Received: axis={check.shown(axis)}"
        )
    return axis


def get(identifier):
    """The constraint that a name, config, class or callable stands for; None for None.

    Example:
        >>> npkeras.constraints.get("max_norm").max_value
        2
    """
    return registry.resolve("constraints", identifier)


def serialize(constraint):
    """A constraint as JSON can hold it."""
    return registry.serialize(constraint)


def deserialize(config, custom_objects=None):
    """The constraint that `serialize` described."""
    return registry.deserialize(config, custom_objects, "constraints")


# Keras' second names
max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm


__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]

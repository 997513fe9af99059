"""`npkeras.regularizers`: penalties on weights and outputs, added to the loss."""

import math

import numpy as np

from npkeras import ops
from npkeras.core import check, registry
from npkeras.core.registry import Configurable, register

_SMALLEST = 1e-12  # rows shorter than this are not stretched to unit vectors


class Regularizer(Configurable):
    """Base class: `regularizer(x)` returns the penalty on x, a scalar.

    Example:
        >>> class Roughness(npkeras.regularizers.Regularizer):
        ...     def __call__(self, x):
        ...         return npkeras.ops.sum(npkeras.ops.square(x[1:] - x[:-1]))
        >>> float(Roughness()(np.array([0.0, 1.0, 3.0])))
        5.0
    """

    def __call__(self, x):
        """The penalty on x; none unless a subclass says so."""
        return 0.0


@register("regularizers")
class L1(Regularizer):
    """`l1 * sum(|x|)`, which draws weights to exactly 0.

    Args:
        l1: How heavy the penalty is, a number that is not negative.

    Example:
        >>> float(npkeras.regularizers.L1(0.5)(np.array([3.0, -1.0])))
        2.0
    """

    def __init__(self, l1=0.01):
        self.l1 = _as_float32(_factor(0.01 if l1 is None else l1, "l1", "L1"))

    def __call__(self, x):
        return self.l1 * ops.sum(ops.absolute(x))


@register("regularizers")
class L2(Regularizer):
    """`l2 * sum(x**2)`, which keeps weights small.

    Args:
        l2: How heavy the penalty is, a number that is not negative.

    Example:
        >>> float(npkeras.regularizers.L2(0.5)(np.array([3.0, -1.0])))
        5.0
    """

    def __init__(self, l2=0.01):
        self.l2 = _factor(0.01 if l2 is None else l2, "l2", "L2")

    def __call__(self, x):
        return self.l2 * ops.sum(ops.square(x))


@register("regularizers", "l1_l2", "l1l2")
class L1L2(Regularizer):
    """`l1 * sum(|x|) + l2 * sum(x**2)`.

    Args:
        l1, l2: How heavy the two penalties are, numbers that are not negative.

    Example:
        >>> float(npkeras.regularizers.L1L2(l1=1.0, l2=0.5)(np.array([3.0, -1.0])))
        9.0
    """

    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = _factor(0.0 if l1 is None else l1, "l1", "L1L2")
        self.l2 = _factor(0.0 if l2 is None else l2, "l2", "L1L2")

    def __call__(self, x):
        penalty = 0.0
        if self.l1:
            penalty = self.l1 * ops.sum(ops.absolute(x))
        if self.l2:
            penalty = penalty + self.l2 * ops.sum(ops.square(x))
        return penalty


@register("regularizers")
class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean |cosine| between two rows, or columns, of a matrix.

    A matrix of one row has no two, and no penalty. With `mode="columns"` Keras takes square
    matrices only, and divides their rows by the norms of their columns; here columns are meant.

    Args:
        factor: How heavy the penalty is, a number that is not negative.
        mode: `"rows"` or `"columns"`.

    Shapes: x (rows, columns) -> ()

    Example:
        >>> penalty = npkeras.regularizers.OrthogonalRegularizer(1.0)
        >>> float(penalty(np.array([[1.0, 0.0], [3.0, 4.0]], "float32")))
        0.6000000238418579
    """

    def __init__(self, factor=0.01, mode="rows"):
        self.factor = _as_float32(_factor(factor, "factor", "OrthogonalRegularizer"))
        self.mode = check.one_of(("rows", "columns"), mode, "mode", "OrthogonalRegularizer")

    def __call__(self, x):
        if len(x.shape) != 2:
            raise ValueError(
                f"OrthogonalRegularizer expects a matrix. Received: x of shape {tuple(x.shape)}"
            )
        if self.mode == "columns":
            x = ops.transpose(x)
        squares = ops.sum(ops.square(x), axis=1, keepdims=True)
        smallest = max(_SMALLEST**2, float(np.finfo(x.dtype).tiny))
        directions = x / ops.sqrt(ops.maximum(squares, smallest))
        cosines = ops.matmul(directions, ops.transpose(directions))
        count = x.shape[0]
        others = 1 - np.eye(count, dtype=x.dtype)
        return self.factor / max(count * (count - 1), 1) * ops.sum(ops.absolute(cosines * others))


def _factor(value, name, owner):
    """A number that is finite and not negative; True and False count as 1 and 0."""
    value = float(value) if isinstance(value, bool) else value
    if math.isinf(check.number(value, name, owner, low=0)):
        raise ValueError(f"`{name}` of {owner} must be finite. Received: {name}={value}")
    return float(value)


def _as_float32(value):
    # Keras keeps this factor in float32, and so do its files.
    return float(np.float32(value))


def get(identifier):
    """The regularizer that a name, config, class or callable stands for; None for None.

    Example:
        >>> npkeras.regularizers.get("l2").l2
        0.01
    """
    return registry.resolve("regularizers", identifier)


def serialize(regularizer):
    """A regularizer as JSON can hold it."""
    return registry.serialize(regularizer)


def deserialize(config, custom_objects=None):
    """The regularizer that `serialize` described."""
    return registry.deserialize(config, custom_objects, "regularizers")


# Keras' second names
l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer


__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]

"""Images in other sizes."""

from __future__ import annotations

import numpy as np

from npkeras.core.dtypes import dtype_of
from npkeras.core.op import fused_op
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.kernels import resize as kernels
from npkeras.kernels.resize import METHODS
from npkeras.ops.activation import wide


def _infer(x, *, axes, factors, interpolation):
    shape = list(shape_of(x))
    for axis, factor in zip(axes, factors, strict=True):
        shape[axis] = None if shape[axis] is None else shape[axis] * factor
    return KerasTensor(shape, dtype_of(x))


@fused_op(_infer)
def _enlarge(x, *, axes, factors, interpolation, wanted):
    """x with axes that are some times as long, with weighted sums of neighbours between entries.

    Args:
        axes, factors: Which axes, and how many times.
        interpolation: `"bilinear"`, `"bicubic"`, `"lanczos3"`, `"lanczos5"` or `"nearest"`.
    """
    if interpolation == "nearest":
        return _repeated(x, axes, factors)
    steps = [
        (axis, kernels.resize_weights(x.shape[axis], x.shape[axis] * factor, interpolation))
        for axis, factor in zip(axes, factors, strict=True)
        if factor != 1
    ]
    y = wide(x)
    for axis, weights in steps:
        y = kernels.resize(y, axis, weights)

    def backward(dy):
        dx = wide(dy)
        for axis, weights in reversed(steps):
            dx = kernels.resize_back(dx, axis, weights)
        return (dx.astype(x.dtype, copy=False),)

    y = y if x.dtype.kind == "f" else np.rint(y)
    return y.astype(x.dtype, copy=y is x), backward


def _repeated(x, axes, factors):
    """Each entry several times in a row, along several axes at once."""
    spread, target, repeats = [], [], []
    for axis, length in enumerate(x.shape):
        spread.append(length)
        target.append(length)
        if axis in axes:
            repeats.append(len(spread))
            spread.append(1)
            target.append(factors[axes.index(axis)])
    shape = [n * dict(zip(axes, factors, strict=True)).get(i, 1) for i, n in enumerate(x.shape)]

    def backward(dy):
        dx = wide(dy).reshape(target).sum(axis=tuple(repeats))
        return (dx.astype(x.dtype, copy=False),)

    y = np.broadcast_to(x.reshape(spread), target).reshape(shape)
    return y.copy() if set(factors) == {1} else y, backward


enlarge = _enlarge

__all__ = ["METHODS", "enlarge"]

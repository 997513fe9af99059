"""Diagonals and triangles of matrices."""

from __future__ import annotations

import numpy as np

from npkeras.core import shapes
from npkeras.core.dtypes import dtype_of
from npkeras.core.op import op
from npkeras.core.shapes import normalize_axis, shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.ops.arrange import ravel
from npkeras.ops.composed import composed


@op(shapes.same, vjps=(lambda y, x, k=0: lambda dy: np.tril(dy, k),), numpy=np.tril)
def tril(x, k=0):
    """Zeros above the k-th diagonal of the last two axes."""
    return np.tril(x, k)


@op(shapes.same, vjps=(lambda y, x, k=0: lambda dy: np.triu(dy, k),), numpy=np.triu)
def triu(x, k=0):
    """Zeros below the k-th diagonal of the last two axes."""
    return np.triu(x, k)


def _length(shape, offset):
    """How many entries the diagonal of a matrix has."""
    if None in shape:
        return None
    rows, columns = shape
    return max(0, min(rows + min(offset, 0), columns - max(offset, 0)))


def _diagonal_infer(x, offset=0, axis1=0, axis2=1):
    shape = shape_of(x)
    a, b = normalize_axis(axis1, len(shape)), normalize_axis(axis2, len(shape))
    rest = [n for i, n in enumerate(shape) if i not in (a, b)]
    return KerasTensor([*rest, _length((shape[a], shape[b]), offset)], dtype_of(x))


def _diagonal_back(y, x, offset=0, axis1=0, axis2=1):
    shape, length = x.shape, y.shape[-1]
    rows, columns = np.arange(length) - min(offset, 0), np.arange(length) + max(offset, 0)

    def pullback(dy):
        dx = np.zeros(shape, dy.dtype)
        np.moveaxis(dx, (axis1, axis2), (-2, -1))[..., rows, columns] = dy
        return dx

    return pullback


@op(_diagonal_infer, vjps=(_diagonal_back,), numpy=np.diagonal)
def diagonal(x, offset=0, axis1=0, axis2=1):
    """The entries on a diagonal of the plane of two axes, along a new last axis."""
    return np.diagonal(x, offset, axis1, axis2)


def _matrix_infer(x, k=0):
    (length,) = shape_of(x)
    side = None if length is None else length + abs(k)
    return KerasTensor((side, side), dtype_of(x))


def _matrix_back(y, x, k=0):
    return lambda dy: np.diagonal(dy, k)


@op(_matrix_infer, vjps=(_matrix_back,))
def _matrix(x, k=0):
    return np.diag(x, k)


@composed(numpy=np.diag)
def diag(x, k=0):
    """The matrix with `x` on its k-th diagonal; of a matrix, that diagonal itself."""
    ndim = len(shape_of(x))
    if ndim not in (1, 2):
        raise ValueError(
            f"`diag` expects an array with one or two axes. Received one of shape {shape_of(x)}"
        )
    return _matrix(x, k) if ndim == 1 else diagonal(x, k)


@composed(numpy=np.diagflat)
def diagflat(x, k=0):
    """The matrix with all entries of `x` on its k-th diagonal."""
    return _matrix(ravel(x), k)

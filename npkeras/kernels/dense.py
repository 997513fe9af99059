"""Many rows times a small matrix, plus a bias, and what is rectified of it; and the way back.

A matrix that stays in the cache is read again at no cost. So the rows are taken a few at a time:
bias and rectifier find a product in the cache, the three products of the way back find their rows
there, and half of the rows are done on each core.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from npkeras.core.sums import column_sums
from npkeras.kernels import kernel
from npkeras.kernels.threads import in_halves

Array = np.ndarray

_SMALL_BYTES = 2**18  # of a matrix that stays in the cache beside the rows
_PIECE_BYTES = 2**18  # of the rows, before and after, that are taken at a time
_FEW = 256  # fewer rows at a time would make the products slow


class DenseGradients(NamedTuple):
    """Those that were wanted; None in place of the others."""

    x: Array | None
    weights: Array | None
    bias: Array | None


def is_tall(x: Array, weights: Array) -> bool:
    """Whether x has so many rows, and the matrix is so small, that this is the way to go."""
    return (
        len(x) >= 2 * _FEW
        and 0 < weights.nbytes <= _SMALL_BYTES
        and x.dtype == weights.dtype
        and x.dtype.char in "fd"
    )


def _pieces(rows: slice, weights: Array) -> Iterator[slice]:
    step = max(_FEW, _PIECE_BYTES // (sum(weights.shape) * weights.itemsize))
    for start in range(rows.start, rows.stop, step):
        yield slice(start, min(start + step, rows.stop))


@kernel
def dense_rows(x: Array, weights: Array, bias: Array | None, rectify: bool) -> Array:
    """x @ weights + bias, and of that max(y, 0) if `rectify`.

    Shapes: x (rows, features), weights (features, units), bias (units,) -> (rows, units)
    """
    y = np.empty((len(x), weights.shape[1]), x.dtype)
    zeros = np.zeros(weights.shape[1], x.dtype)  # a row of them is faster than the number

    def run(half: slice) -> None:
        for piece in _pieces(half, weights):
            part = np.matmul(x[piece], weights, out=y[piece])
            if bias is not None:
                part += bias
            if rectify:
                np.maximum(part, zeros, out=part)

    in_halves(run, len(x), x.size * weights.shape[1])
    return y


@kernel
def dense_rows_back(
    dy: Array, x: Array, weights: Array, rectified: Array | None, wanted: Sequence[bool]
) -> DenseGradients:
    """The gradients of x, weights and bias of `dense_rows`, for a gradient dy of its result.

        dx = dy weights',  dweights = x' dy,  dbias = sum(dy)

    Args:
        rectified: The result, if it was rectified: where it is 0 nothing flows back.
        wanted: Which of the three gradients are.

    Shapes: as in `dense_rows`; dy and rectified (rows, units)
    """
    dx = np.empty_like(x) if wanted[0] else None

    def run(half: slice) -> tuple[Array, Array]:
        dweights, dbias = np.zeros_like(weights), np.zeros(weights.shape[1], x.dtype)
        for piece in _pieces(half, weights):
            given = dy[piece]
            if rectified is not None:
                passed = (rectified[piece] > 0).astype(dy.dtype)
                given = np.multiply(given, passed, out=passed)
            if dx is not None:
                np.matmul(given, weights.T, out=dx[piece])
            if wanted[1]:
                dweights += np.matmul(x[piece].T, given)
            if wanted[2]:
                dbias += column_sums(given)
        return dweights, dbias

    (dweights, dbias), *others = in_halves(run, len(x), x.size * weights.shape[1])
    for more_weights, more_bias in others:
        dweights += more_weights
        dbias += more_bias
    return DenseGradients(dx, dweights if wanted[1] else None, dbias if wanted[2] else None)

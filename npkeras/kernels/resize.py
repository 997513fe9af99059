"""Resizing along an axis: each entry of the result is a weighted sum of a few neighbours.

    y[i] = sum over j of weights[i, j] x[j]

Entries lie in the middle of their cells, so entry i of the result, seen from x, is at
(i + 1/2) * length / new_length - 1/2. The methods differ in how weights fall off from there:

    bilinear    1 - |d|, up to a distance of 1
    bicubic     Keys, 1981, "Cubic convolution interpolation", with a = -1/2, up to 2
    lanczos r   sinc(d) sinc(d / r), up to r: Duchon, 1979
    area        how much of the cell of j lies in that of i

Neighbours beyond the edge do not take part, and the weights of the others sum to 1; for bilinear
ones the edge itself stands in for them. Where the result is shorter, `antialias` makes d count in
its wider cells, so that no entry of x is passed over. The weights are a matrix with a narrow band,
which is multiplied with in short pieces.
"""

from __future__ import annotations

import math

import numpy as np

from npkeras.kernels import kernel

Array = np.ndarray

METHODS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5", "area")

_PIECE = 16  # rows of the matrix that are multiplied with together
_CUBIC_STEPS = 1024  # TensorFlow looks the cubic up in a table of so many distances


def nearest(length: int, new_length: int) -> Array:
    """Which entry each of `new_length` cells has in its middle, rounded as in TensorFlow."""
    scale = np.float32(length) / np.float32(new_length)
    places = (np.arange(new_length, dtype=np.float32) + np.float32(0.5)) * scale
    return np.minimum(np.floor(places).astype(np.intp), length - 1)


def resize_weights(length: int, new_length: int, method: str, antialias: bool = False) -> Array:
    """The matrix (new_length, length) of a method, in float64."""
    scale = length / new_length
    places = np.arange(length)
    if method == "nearest":
        return (places == nearest(length, new_length)[:, None]).astype(float)
    if method == "area":
        return _shared(length, new_length)
    centers = (np.arange(new_length) + 0.5) * scale - 0.5
    width = max(scale, 1.0) if antialias else 1.0
    if method == "bilinear":
        if not antialias:
            centers = np.clip(centers, 0, length - 1)
        weights = np.maximum(1 - np.abs(places - centers[:, None]) / width, 0)
    elif method == "bicubic":
        if not antialias:
            first = np.floor(centers)
            centers = first + np.rint((centers - first) * _CUBIC_STEPS) / _CUBIC_STEPS
        weights = _cubic(np.abs(places - centers[:, None]) / width)
    else:
        weights = _lanczos(np.abs(places - centers[:, None]) / width, int(method[-1]))
    return weights / weights.sum(axis=1, keepdims=True)


def _shared(length: int, new_length: int) -> Array:
    """How much of each cell of x lies in each cell of the result, as parts of the latter."""
    edges = np.arange(new_length + 1)[:, None] * (length / new_length)
    places = np.arange(length)
    low, high = np.maximum(edges[:-1], places), np.minimum(edges[1:], places + 1)
    return np.maximum(high - low, 0) * (new_length / length)


def _cubic(d: Array) -> Array:
    near = (1.5 * d - 2.5) * d * d + 1
    far = ((-0.5 * d + 2.5) * d - 4) * d + 2
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def _lanczos(d: Array, radius: int) -> Array:
    return np.where(d < radius, np.sinc(d) * np.sinc(d / radius), 0)


def _pieces(weights: Array) -> list[tuple[slice, slice]]:
    """Rows of a matrix with a band, and the columns in which they are not all zero."""
    pieces = []
    for start in range(0, len(weights), _PIECE):
        rows = slice(start, min(start + _PIECE, len(weights)))
        used = np.flatnonzero(weights[rows].any(axis=0))
        pieces.append((rows, slice(int(used[0]), int(used[-1]) + 1)))
    return pieces


@kernel
def resize(x: Array, axis: int, weights: Array) -> Array:
    """`weights @ x` along an axis.

    What is not finite spreads to the entries that have a weight for it, and no further: 0 times it
    does not count.

    Shapes: x (..., length, ...), weights (new_length, length) -> (..., new_length, ...)
    """
    y, flat, result = _flat(x, axis, len(weights))
    weights = weights.astype(x.dtype, copy=False)
    finite = np.isfinite(x).all()
    for rows, columns in _pieces(weights):
        part, seen = weights[rows, columns], flat[:, columns]
        if finite or np.isfinite(seen).all():
            np.matmul(part, seen, out=result[:, rows])
        else:
            result[:, rows] = _sums(part, seen)
    return y


def _sums(weights: Array, x: Array) -> Array:
    """`weights @ x`, in which a weight of 0 leaves out what it stands for."""
    y = np.zeros((len(x), len(weights), x.shape[-1]), x.dtype)
    for row, out in zip(weights, np.moveaxis(y, 1, 0), strict=True):
        for place in np.flatnonzero(row):
            out += row[place] * x[:, place]
    return y


@kernel
def resize_back(dy: Array, axis: int, weights: Array) -> Array:
    """The gradient of `resize`: the same with the transposed matrix."""
    dx, flat, result = _flat(dy, axis, weights.shape[1])
    dx[...] = 0
    weights = weights.astype(dy.dtype, copy=False)
    for rows, columns in _pieces(weights):
        result[:, columns] += np.matmul(weights[rows, columns].T, flat[:, rows])
    return dx


def _flat(x: Array, axis: int, length: int) -> tuple[Array, Array, Array]:
    """A result with another length along an axis; it and x as (before, axis, after)."""
    y = np.empty((*x.shape[:axis], length, *x.shape[axis + 1 :]), x.dtype)
    before, after = math.prod(x.shape[:axis]), math.prod(x.shape[axis + 1 :])
    return y, x.reshape(before, x.shape[axis], after), y.reshape(before, length, after)

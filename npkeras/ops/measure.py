"""Ops that compare and measure: norms, distances, correlations, areas."""

from __future__ import annotations

import math

import numpy as np

from npkeras.core import check, shapes
from npkeras.core.dtypes import dtype_of, is_float
from npkeras.core.op import op
from npkeras.core.shapes import axes_of, float_dtype, normalize_axis, shape_of
from npkeras.ops import reduction
from npkeras.ops.arrange import expand_dims, moveaxis, reshape, swapaxes
from npkeras.ops.composed import composed
from npkeras.ops.decomposition import svd
from npkeras.ops.elementwise import (
    absolute,
    add,
    cast,
    clip,
    divide,
    log10,
    multiply,
    not_equal,
    power,
    sqrt,
    square,
    subtract,
)
from npkeras.ops.products import matmul

MATRIX_ORDERS = ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)


def _as_float(x):
    """x with floats for integers."""
    return x if is_float(dtype_of(x)) else cast(x, float_dtype(x))


@composed(numpy=np.linalg.norm)
def norm(x, ord=None, axis=None, keepdims=False):
    """The length of vectors, or the size of matrices: sqrt(sum(x**2)) unless `ord` is given.

    Args:
        x: An array.
        ord: For vectors p in sum(|x|**p)**(1/p), or inf, -inf, 0 (how many are not zero). For
            matrices "fro", "nuc", 1, -1, 2, -2, inf or -inf, as in NumPy.
        axis: The axis of the vectors, or the two of the matrices. None: all axes.
        keepdims: Whether these axes stay, with length 1.
    """
    ndim = len(shape_of(x))
    axes = axes_of(axis, ndim)
    if len(axes) not in (1, 2) and (ord is not None or axis is not None or ndim > 2):
        raise ValueError(
            f"`norm` works along one axis or two. Received: axis={axis!r} of {ndim} axes"
        )
    x = _as_float(x)
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        return sqrt(reduction.sum(square(x), axes, keepdims))
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    return _matrix_norm(x, ord, axes, keepdims)


def _vector_norm(x, ord, axis, keepdims):
    if isinstance(ord, str):
        raise ValueError(f"`ord` of norm must be a number for vectors. Received: ord={ord!r}")
    size = absolute(x)
    if ord == math.inf:
        return reduction.max(size, axis, keepdims)
    if ord == -math.inf:
        return reduction.min(size, axis, keepdims)
    if ord == 0:
        return reduction.sum(cast(not_equal(x, 0), dtype_of(x)), axis, keepdims)
    if ord == 1:
        return reduction.sum(size, axis, keepdims)
    return power(reduction.sum(power(size, float(ord)), axis, keepdims), 1 / ord)


def _matrix_norm(x, ord, axes, keepdims):
    check.one_of(MATRIX_ORDERS, ord, "ord", "norm")
    rows, columns = axes
    if ord in (1, -1, math.inf, -math.inf):
        over, then = (rows, columns) if ord in (1, -1) else (columns, rows)
        sums = reduction.sum(absolute(x), over, keepdims=True)
        extreme = reduction.max if ord > 0 else reduction.min
        result = extreme(sums, then, keepdims=True)
    else:
        values = svd(moveaxis(x, axes, (-2, -1)), compute_uv=False)
        take = {"nuc": reduction.sum, 2: reduction.max, -2: reduction.min}[ord]
        result = expand_dims(take(values, axis=-1), axes)
    return result if keepdims else reduction.max(result, axes)


@composed(numpy=np.kron)
def kron(x1, x2):
    """The Kronecker product: every entry of x1 times the whole of x2, in blocks."""
    shape1, shape2 = shape_of(x1), shape_of(x2)
    ndim = max(len(shape1), len(shape2))
    shape1 = (1,) * (ndim - len(shape1)) + shape1
    shape2 = (1,) * (ndim - len(shape2)) + shape2
    if None in shape1 + shape2:
        raise ValueError(f"`kron` needs known shapes. Received: {shape1} and {shape2}")
    spread1 = reshape(x1, [n for m in shape1 for n in (m, 1)])
    spread2 = reshape(x2, [n for m in shape2 for n in (1, m)])
    full = [m * n for m, n in zip(shape1, shape2, strict=True)]
    return reshape(multiply(spread1, spread2), full)


@composed(numpy=np.corrcoef)
def corrcoef(x):
    """The correlations between the rows of x: 1 where one rises exactly as the other does."""
    if len(shape_of(x)) != 2:
        raise ValueError(f"`corrcoef` expects a matrix. Received shape: {shape_of(x)}")
    x = cast(x, "float64") if dtype_of(x) == "int64" else _as_float(x)
    centered = subtract(x, reduction.mean(x, axis=-1, keepdims=True))
    products = matmul(centered, swapaxes(centered, 0, 1))
    lengths = sqrt(reduction.sum(square(centered), axis=-1, keepdims=True))
    return clip(divide(divide(products, lengths), swapaxes(lengths, 0, 1)), -1.0, 1.0)


def _steps(x, axis, ndim):
    """The distances between neighbouring points, laid along one of `ndim` axes."""
    distances = reduction.diff(x, 1, axis if len(shape_of(x)) > 1 else 0)
    if len(shape_of(x)) == 1 and ndim > 1:
        place = normalize_axis(axis, ndim)
        distances = expand_dims(distances, [i for i in range(ndim) if i != place])
    return distances


@composed(numpy=getattr(np, "trapezoid", None))
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The area under the lines that join the points (x, y), evenly spaced by `dx` without x."""
    y = _as_float(y)
    ndim = len(shape_of(y))
    first, second = _but_one_end(y, axis, ndim)
    widths = dx if x is None else cast(_steps(x, axis, ndim), dtype_of(y))
    return reduction.sum(multiply(multiply(add(first, second), 0.5), widths), axis)


def _but_one_end(y, axis, ndim):
    """y without its last entry along the axis, and without its first."""
    place = normalize_axis(axis, ndim)
    front = (slice(None),) * place
    return y[(*front, slice(None, -1))], y[(*front, slice(1, None))]


@composed
def cdist(x, y):
    """The distance between each row of x and each row of y.

    Shapes: x (..., rows, features), y (..., others, features) -> (..., rows, others)
    """
    widths = shape_of(x)[-1:], shape_of(y)[-1:]
    differ = None not in widths[0] + widths[1] and widths[0] != widths[1]
    if differ or min(len(shape_of(x)), len(shape_of(y))) < 2:
        raise ValueError(
            "`cdist` expects rows of the same length. "
            f"Received shapes: {shape_of(x)} and {shape_of(y)}"
        )
    difference = subtract(expand_dims(x, -2), expand_dims(y, -3))
    return sqrt(reduction.sum(square(difference), axis=-1))


@composed
def psnr(x1, x2, max_val):
    """The peak signal-to-noise ratio in decibels: 10 log10(max_val**2 / mean((x1 - x2)**2))."""
    lengths = zip(shape_of(x1), shape_of(x2), strict=False)
    differ = any(None not in pair and pair[0] != pair[1] for pair in lengths)
    if differ or len(shape_of(x1)) != len(shape_of(x2)):
        raise ValueError(
            "`psnr` expects images of one shape. "
            f"Received shapes: {shape_of(x1)} and {shape_of(x2)}"
        )
    error = reduction.mean(square(subtract(x1, x2)))
    return subtract(20 * math.log10(max_val), multiply(log10(error), 10.0))


def _vander_infer(x, N=None, increasing=False):
    (rows,) = shape_of(x)
    return shapes.KerasTensor((rows, rows if N is None else N), dtype_of(x))


def _vander_vjp(y, x, N=None, increasing=False):
    def pullback(dy):
        powers = np.arange(y.shape[1])
        slopes = np.power(x[:, None], np.maximum(powers - 1, 0)) * powers
        return (dy * (slopes if increasing else slopes[:, ::-1])).sum(axis=1, dtype=x.dtype)

    return pullback


@op(_vander_infer, vjps=(_vander_vjp,), numpy=np.vander)
def vander(x, N=None, increasing=False):
    """Columns of powers of x, from x**(N - 1) down to 1, or up from 1."""
    if x.ndim != 1:
        raise ValueError(f"`vander` expects a vector. Received shape: {x.shape}")
    return np.vander(x, N, increasing).astype(x.dtype, copy=False)

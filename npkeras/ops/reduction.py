"""Ops that make one number of many: sums, means, extremes, and where the extremes stand."""

from __future__ import annotations

import math

import numpy as np

from npkeras.core import check, shapes
from npkeras.core.dtypes import dtype_of, numpy_dtype, standardize_dtype
from npkeras.core.op import fused_op, op
from npkeras.core.shapes import axes_of
from npkeras.core.symbolic import KerasTensor
from npkeras.ops.composed import composed
from npkeras.ops.elementwise import divide, multiply, subtract


def spread(dy, shape, axis, keepdims):
    """The gradient of a reduced array, repeated along the axes that were reduced."""
    return np.broadcast_to(with_axes(dy, len(shape), axis, keepdims), shape)


def with_axes(reduced, ndim, axis, keepdims):
    """A reduced array with length 1 along the axes that were reduced."""
    if keepdims:
        return reduced
    if axis is None:
        return np.reshape(reduced, (1,) * ndim)
    return np.expand_dims(reduced, axes_of(axis, ndim))


def _axis(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def _count(shape, axis):
    if axis is None:
        return math.prod(shape)
    return math.prod(shape[i] for i in axes_of(axis, len(shape)))


def _as_float(x):
    return x if x.dtype.kind == "f" else x.astype(shapes.float_dtype(x))


# Sums and products -------------------------------------------------------------------------------


def wide(dtype):
    """Small integers are summed in 32 bits."""
    if dtype in ("bool", "int8", "int16"):
        return "int32"
    return "uint32" if dtype in ("uint8", "uint16") else dtype


def _add_up(x, axis, keepdims):
    """The sum of floats; those of float16 are added in float32 and rounded once."""
    if x.dtype.char == "e":
        total = np.add.reduce(x, axis=_axis(axis), keepdims=keepdims, dtype=np.float32)
        with np.errstate(over="ignore"):
            return total.astype(np.float16)
    return np.add.reduce(x, axis=_axis(axis), keepdims=keepdims)


def _sum_infer(x, axis=None, keepdims=False):
    shape = shapes.reduced_shape(shapes.shape_of(x), axis, keepdims)
    return KerasTensor(shape, wide(dtype_of(x)))


def _sum_vjp(y, x, axis=None, keepdims=False):
    shape = x.shape
    return lambda dy: spread(dy, shape, axis, keepdims)


@op(_sum_infer, vjps=(_sum_vjp,), numpy=np.sum)
def sum(x, axis=None, keepdims=False):
    """The sum over the given axes, over all of them if None."""
    if x.dtype.kind == "f":
        return _add_up(x, axis, keepdims)
    dtype = numpy_dtype(wide(dtype_of(x)))
    return np.add.reduce(x, axis=_axis(axis), keepdims=keepdims, dtype=dtype)


def _prod_infer(x, axis=None, keepdims=False, dtype=None):
    made = _sum_infer(x, axis, keepdims)
    return made if dtype is None else KerasTensor(made.shape, standardize_dtype(dtype))


def _prod_vjp(y, x, axis=None, keepdims=False, dtype=None):
    """The product of all the others: of those before times those after, right also for zeros."""

    def pullback(dy):
        axes = axes_of(axis, x.ndim)
        rest = tuple(i for i in range(x.ndim) if i not in axes)
        moved = x.transpose(rest + axes)
        flat = moved.reshape(*moved.shape[: len(rest)], _count(x.shape, axis))
        ones = np.ones_like(flat[..., :1])
        before = np.concatenate([ones, flat[..., :-1]], -1).cumprod(-1)
        after = np.concatenate([ones, flat[..., :0:-1]], -1).cumprod(-1)[..., ::-1]
        others = (before * after).reshape(moved.shape).transpose(np.argsort(rest + axes))
        return (with_axes(dy, x.ndim, axis, keepdims) * others).astype(x.dtype, copy=False)

    return pullback


@op(_prod_infer, vjps=(_prod_vjp,), numpy=np.prod)
def prod(x, axis=None, keepdims=False, dtype=None):
    """The product over the given axes."""
    dtype = numpy_dtype(wide(dtype_of(x)) if dtype is None else standardize_dtype(dtype))
    return np.multiply.reduce(x, axis=_axis(axis), keepdims=keepdims, dtype=dtype)


# Means and spreads -------------------------------------------------------------------------------


def _mean_vjp(y, x, axis=None, keepdims=False):
    shape, count = x.shape, _count(x.shape, axis)
    return lambda dy: spread(dy / count, shape, axis, keepdims)


@op(shapes.reduced_float, vjps=(_mean_vjp,), numpy=np.mean)
def mean(x, axis=None, keepdims=False):
    """The sum over the given axes, divided by the number of entries."""
    count = _count(x.shape, axis)
    dtype = x.dtype if x.dtype.kind == "f" else numpy_dtype(shapes.float_dtype(x))
    wide = np.float32 if dtype.char == "e" else dtype
    total = np.add.reduce(x, axis=_axis(axis), keepdims=keepdims, dtype=wide)
    if not count:
        return np.full_like(total, np.nan, dtype)
    return (total / count).astype(dtype, copy=False)


@composed(numpy=np.average)
def average(x, axis=None, weights=None):
    """The mean over the given axes, with a weight for each entry or each place on the axis."""
    if weights is None:
        return mean(x, axis)
    shape, own = shapes.shape_of(x), shapes.shape_of(weights)
    if len(own) == 1 != len(shape) and isinstance(axis, int):
        place = shapes.normalize_axis(axis, len(shape))
        weights = _along(weights, place, len(shape))
    weights = multiply(weights, np.ones(1, numpy_dtype(shapes.float_dtype(x, weights))))
    total = sum(multiply(x, weights), axis)
    return divide(total, sum(multiply(weights, _ones_like(x)), axis))


def _along(vector, axis, ndim):
    """A vector laid along one of `ndim` axes."""
    from_end = tuple(-1 - i for i in range(ndim - 1 - axis))
    if not from_end:
        return vector
    return _expanded(vector, from_end)


def _expanded_infer(x, axes):
    return KerasTensor(shapes.shape_of(x) + (1,) * len(axes), dtype_of(x))


@op(_expanded_infer, vjps=(lambda y, x, axes: lambda dy: dy.reshape(x.shape),))
def _expanded(x, axes):
    return x.reshape(x.shape + (1,) * len(axes))


@op(shapes.same)
def _ones_like(x):
    return np.ones_like(x)


def _variance(x, axis, keepdims):
    """The variance, and what is left of x without its mean: both in at least float32."""
    wide = x.astype(np.float32) if x.dtype == np.float16 else _as_float(x)
    count = _count(x.shape, axis)
    centered = wide - np.add.reduce(wide, axis=_axis(axis), keepdims=True) / max_of(count, 1)
    total = np.add.reduce(np.square(centered), axis=_axis(axis), keepdims=keepdims)
    return (total / count if count else np.full_like(total, np.nan)), centered


def max_of(a, b):
    """The larger of two plain numbers: `max` is an op in this module."""
    return a if a > b else b


@fused_op(shapes.reduced_float, arrays=1, numpy=np.var)
def var(x, axis=None, keepdims=False, *, wanted):
    """The mean of (x - mean(x))**2 over the given axes."""
    y, centered = _variance(x, axis, keepdims)
    if not wanted:
        del centered
        return y.astype(shapes.float_dtype(x), copy=False), None

    def backward(dy):
        dx = with_axes(dy * (2 / _count(x.shape, axis)), x.ndim, axis, keepdims) * centered
        return (dx.astype(x.dtype, copy=False),)

    return y.astype(x.dtype, copy=False), backward


@fused_op(shapes.reduced_float, arrays=1, numpy=np.std)
def std(x, axis=None, keepdims=False, *, wanted):
    """The square root of the variance over the given axes."""
    variance, centered = _variance(x, axis, keepdims)
    y = np.sqrt(variance)
    if not wanted:
        return y.astype(shapes.float_dtype(x), copy=False), None

    def backward(dy):
        scaled = dy / (y * _count(x.shape, axis))
        return ((with_axes(scaled, x.ndim, axis, keepdims) * centered).astype(x.dtype),)

    return y.astype(x.dtype, copy=False), backward


def _logsumexp_vjp(y, x, axis=None, keepdims=False):
    def pullback(dy):
        level = with_axes(np.where(np.isfinite(y), y, 0), x.ndim, axis, keepdims)
        return with_axes(dy, x.ndim, axis, keepdims) * np.exp(x - level)

    return pullback


@op(shapes.reduced_float, vjps=(_logsumexp_vjp,))
def logsumexp(x, axis=None, keepdims=False):
    """log(sum(e**x)) over the given axes, without overflow."""
    x = _as_float(x)
    top = x.max(axis=_axis(axis), keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0).astype(x.dtype, copy=False)
    with np.errstate(divide="ignore", over="ignore"):
        result = np.log(np.exp(x - top).sum(axis=_axis(axis), keepdims=True)) + top
    return result if keepdims else result.squeeze(axes_of(axis, x.ndim))


# Extremes ----------------------------------------------------------------------------------------


def _extreme_infer(x, axis=None, keepdims=False, initial=None):
    return shapes.reduced(x, axis, keepdims)


def _extreme_vjp(y, x, axis=None, keepdims=False, initial=None):
    """Entries that share the extreme share the gradient."""

    def pullback(dy):
        mask = x == with_axes(y, x.ndim, axis, keepdims)
        count = np.maximum(mask.sum(axis=_axis(axis), keepdims=True), 1).astype(x.dtype)
        return mask * (with_axes(dy, x.ndim, axis, keepdims) / count)

    return pullback


def _start(initial):
    return {} if initial is None else {"initial": initial}


@op(_extreme_infer, vjps=(_extreme_vjp,), numpy=np.max)
def max(x, axis=None, keepdims=False, initial=None):
    """The largest entry along the given axes, not less than `initial`."""
    return np.maximum.reduce(x, axis=_axis(axis), keepdims=keepdims, **_start(initial))


@op(_extreme_infer, vjps=(_extreme_vjp,), numpy=np.min)
def min(x, axis=None, keepdims=False, initial=None):
    """The smallest entry along the given axes, not more than `initial`."""
    return np.minimum.reduce(x, axis=_axis(axis), keepdims=keepdims, **_start(initial))


@composed(numpy=np.amax)
def amax(x, axis=None, keepdims=False):
    """The largest entry along the given axes."""
    return max(x, axis, keepdims)


@composed(numpy=np.amin)
def amin(x, axis=None, keepdims=False):
    """The smallest entry along the given axes."""
    return min(x, axis, keepdims)


@composed(numpy=np.ptp)
def ptp(x, axis=None, keepdims=False):
    """From peak to peak: the largest entry less the smallest."""
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


def first_of(function, x, axis, keepdims, worst):
    """The position of an extreme; NaN is passed over, and stands at 0 where nothing else is."""
    found = function(x, axis=axis, keepdims=True)
    if x.dtype.kind == "f":
        flat = x.reshape(-1) if axis is None else x
        at = found.reshape(-1) if axis is None else found
        if np.isnan(np.take_along_axis(flat, at, 0 if axis is None else axis)).any():
            found = function(np.where(np.isnan(x), worst, x), axis=axis, keepdims=True)
    if not keepdims:
        found = found.reshape(()) if axis is None else found.squeeze(axis)
    return found.astype(np.int32)


@op(shapes.reduced_int, numpy=np.argmax)
def argmax(x, axis=None, keepdims=False):
    """The position of the first largest entry along the axis, of the flattened array if None."""
    return first_of(np.argmax, x, axis, keepdims, -np.inf)


@op(shapes.reduced_int, numpy=np.argmin)
def argmin(x, axis=None, keepdims=False):
    """The position of the first smallest entry along the axis, of the flattened array if None."""
    return first_of(np.argmin, x, axis, keepdims, np.inf)


# Questions and counts ----------------------------------------------------------------------------


@op(shapes.reduced_bool, numpy=np.all)
def all(x, axis=None, keepdims=False):
    """Whether every entry along the given axes is true."""
    return np.all(x, axis=_axis(axis), keepdims=keepdims)


@op(shapes.reduced_bool, numpy=np.any)
def any(x, axis=None, keepdims=False):
    """Whether some entry along the given axes is true."""
    return np.any(x, axis=_axis(axis), keepdims=keepdims)


@op(shapes.reduced_int, numpy=np.count_nonzero)
def count_nonzero(x, axis=None):
    """How many entries along the given axes are not zero."""
    return np.asarray(np.count_nonzero(x, axis=_axis(axis)), np.int32)


# Running totals ----------------------------------------------------------------------------------


def _running_dtype(x, dtype):
    name = dtype_of(x) if dtype is None else standardize_dtype(dtype)
    return "int32" if name == "bool" else name


def _running_infer(x, axis=None, dtype=None):
    shape = shapes.shape_of(x)
    if axis is None:
        shape = (None if None in shape else math.prod(shape),)
    else:
        shapes.normalize_axis(axis, len(shape))
    return KerasTensor(shape, _running_dtype(x, dtype))


def _from_the_end(dy, axis):
    return np.flip(np.cumsum(np.flip(dy, axis), axis), axis)


def _cumsum_vjp(y, x, axis=None, dtype=None):
    shape, source = x.shape, x.dtype
    along = 0 if axis is None else axis
    return lambda dy: _from_the_end(dy, along).reshape(shape).astype(source, copy=False)


@op(_running_infer, vjps=(_cumsum_vjp,), numpy=np.cumsum)
def cumsum(x, axis=None, dtype=None):
    """The sum of all entries up to each one; of the flattened array if `axis` is None."""
    return np.cumsum(x, axis=axis, dtype=numpy_dtype(_running_dtype(x, dtype)))


def _cumprod_vjp(y, x, axis=None, dtype=None):
    """sum(dy * y from here on) / x; where x is 0, only the products up to the next 0 count."""

    def pullback(dy):
        flat = x.reshape(-1) if axis is None else x
        along = 0 if axis is None else axis
        zero = flat == 0
        dx = _from_the_end(dy * y, along) / np.where(zero, 1, flat)
        if zero.any():
            dx = np.where(zero, _through_zeros(dy, flat, along), dx)
        return dx.reshape(x.shape).astype(x.dtype, copy=False)

    return pullback


def _through_zeros(dy, x, axis):
    """The gradient at each first 0: what the products would be if it were 1. Elsewhere 0."""
    zero = x == 0
    first = zero & (np.cumsum(zero, axis) == 1)
    products = np.cumprod(np.where(first, 1, x), axis)
    return np.where(first, _from_the_end(dy * products, axis), 0)


@op(_running_infer, vjps=(_cumprod_vjp,), numpy=np.cumprod)
def cumprod(x, axis=None, dtype=None):
    """The product of all entries up to each one; of the flattened array if `axis` is None."""
    return np.cumprod(x, axis=axis, dtype=numpy_dtype(_running_dtype(x, dtype)))


def _diff_infer(a, n=1, axis=-1):
    check.non_negative_int(n, "n", "diff")
    shape = list(shapes.shape_of(a))
    axis = shapes.normalize_axis(axis, len(shape))
    shape[axis] = None if shape[axis] is None else max_of(shape[axis] - n, 0)
    return KerasTensor(shape, dtype_of(a))


def _diff_vjp(y, a, n=1, axis=-1):
    def pullback(dy):
        for _ in range(n):
            edge = np.zeros_like(np.take(dy, [0], axis))
            dy = -np.diff(dy, axis=axis, prepend=edge, append=edge)
        return dy

    return pullback if y.size else lambda dy: np.zeros_like(a)


@op(_diff_infer, vjps=(_diff_vjp,), numpy=np.diff)
def diff(a, n=1, axis=-1):
    """Each entry less the one before it, n times over."""
    return np.diff(a, n, axis)

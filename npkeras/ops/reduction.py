"""Ops that make one number of many: sums, means, extremes, and where the extremes stand."""

from __future__ import annotations

import math

import numpy as np

from npkeras.core import shapes
from npkeras.core.dtypes import dtype_of, numpy_dtype, result_type
from npkeras.core.op import numpy_function, op
from npkeras.core.shapes import axes_of
from npkeras.core.symbolic import KerasTensor


def spread(dy, shape, axis, keepdims):
    """The gradient of a reduced array, repeated along the axes that were reduced."""
    return np.broadcast_to(_with_axes(dy, len(shape), axis, keepdims), shape)


def _with_axes(reduced, ndim, axis, keepdims):
    """A reduced array with length 1 along the axes that were reduced."""
    if keepdims or axis is None:
        return reduced if np.ndim(reduced) else np.reshape(reduced, (1,) * ndim)
    return np.expand_dims(reduced, axes_of(axis, ndim))


def _axis(axis):
    return tuple(axis) if isinstance(axis, list) else axis


def _sum_dtype(dtype):
    """Small integers are summed in 32 bits."""
    if dtype in ("bool", "int8", "int16"):
        return "int32"
    return "uint32" if dtype in ("uint8", "uint16") else dtype


def _sum_shape(x, axis=None, keepdims=False):
    return KerasTensor(
        shapes.reduced_shape(shapes.shape_of(x), axis, keepdims), _sum_dtype(dtype_of(x))
    )


def _sum_vjp(y, x, axis=None, keepdims=False):
    shape = x.shape
    return lambda dy: spread(dy, shape, axis, keepdims)


@op(_sum_shape, vjps=(_sum_vjp,), numpy=np.sum)
def sum(x, axis=None, keepdims=False):
    """The sum over the given axes, over all of them if None."""
    if x.dtype.kind == "f":
        return x.sum(axis=_axis(axis), keepdims=keepdims)
    dtype = numpy_dtype(_sum_dtype(dtype_of(x)))
    return x.sum(axis=_axis(axis), keepdims=keepdims, dtype=dtype)


def _count(shape, axis):
    return math.prod(shape[i] for i in axes_of(axis, len(shape)))


def _mean_vjp(y, x, axis=None, keepdims=False):
    shape, count = x.shape, _count(x.shape, axis)
    return lambda dy: spread(dy / count, shape, axis, keepdims)


@op(shapes.reduced_float, vjps=(_mean_vjp,), numpy=np.mean)
def mean(x, axis=None, keepdims=False):
    """The sum over the given axes, divided by the number of entries."""
    if x.dtype.kind != "f":
        x = x.astype(shapes.float_dtype(x))
    return x.mean(axis=_axis(axis), keepdims=keepdims)


def _var_vjp(y, x, axis=None, keepdims=False):
    def pullback(dy):
        centered = x - x.mean(axis=_axis(axis), keepdims=True)
        centered *= 2 / _count(x.shape, axis)
        return _with_axes(dy, x.ndim, axis, keepdims) * centered

    return pullback


@op(shapes.reduced_float, vjps=(_var_vjp,), numpy=np.var)
def var(x, axis=None, keepdims=False):
    """The mean of (x - mean(x))**2 over the given axes."""
    if x.dtype.kind != "f":
        x = x.astype(shapes.float_dtype(x))
    return x.var(axis=_axis(axis), keepdims=keepdims)


def _std_vjp(y, x, axis=None, keepdims=False):
    pullback = _var_vjp(y, x, axis, keepdims)
    return lambda dy: pullback(dy * 0.5 / y)


@op(shapes.reduced_float, vjps=(_std_vjp,), numpy=np.std)
def std(x, axis=None, keepdims=False):
    """The square root of the variance over the given axes."""
    if x.dtype.kind != "f":
        x = x.astype(shapes.float_dtype(x))
    return x.std(axis=_axis(axis), keepdims=keepdims)


def _extreme_vjp(y, x, axis=None, keepdims=False, initial=None):
    """Entries that share the extreme share the gradient."""

    def pullback(dy):
        mask = x == _with_axes(y, x.ndim, axis, keepdims)
        count = np.maximum(mask.sum(axis=_axis(axis), keepdims=True), 1).astype(x.dtype)
        return mask * (_with_axes(dy, x.ndim, axis, keepdims) / count)

    return pullback


@op(shapes.reduced, vjps=(_extreme_vjp,), numpy=np.max)
def max(x, axis=None, keepdims=False, initial=None):
    """The largest entry along the given axes, not less than `initial`."""
    options = {} if initial is None else {"initial": initial}
    return x.max(axis=_axis(axis), keepdims=keepdims, **options)


@op(shapes.reduced, vjps=(_extreme_vjp,), numpy=np.min)
def min(x, axis=None, keepdims=False, initial=None):
    """The smallest entry along the given axes, not more than `initial`."""
    options = {} if initial is None else {"initial": initial}
    return x.min(axis=_axis(axis), keepdims=keepdims, **options)


amax, amin = max, min
numpy_function(np.amax, max)
numpy_function(np.amin, min)


def _prod_shape(x, axis=None, keepdims=False, dtype=None):
    made = _sum_shape(x, axis, keepdims)
    return made if dtype is None else KerasTensor(made.shape, result_type(dtype))


def _prod_vjp(y, x, axis=None, keepdims=False, dtype=None):
    """The product of all the others: of those before times those after, right also for zeros."""

    def pullback(dy):
        axes = axes_of(axis, x.ndim)
        rest = tuple(i for i in range(x.ndim) if i not in axes)
        moved = x.transpose(rest + axes)
        flat = moved.reshape(*moved.shape[: len(rest)], -1)
        ones = np.ones_like(flat[..., :1])
        before = np.concatenate([ones, flat[..., :-1]], -1).cumprod(-1)
        after = np.concatenate([ones, flat[..., :0:-1]], -1).cumprod(-1)[..., ::-1]
        others = (before * after).reshape(moved.shape).transpose(np.argsort(rest + axes))
        return (_with_axes(dy, x.ndim, axis, keepdims) * others).astype(x.dtype, copy=False)

    return pullback


@op(_prod_shape, vjps=(_prod_vjp,), numpy=np.prod)
def prod(x, axis=None, keepdims=False, dtype=None):
    """The product over the given axes."""
    dtype = numpy_dtype(dtype or _sum_dtype(dtype_of(x)))
    return x.prod(axis=_axis(axis), keepdims=keepdims, dtype=dtype)


@op(shapes.reduced_bool, numpy=np.all)
def all(x, axis=None, keepdims=False):
    """Whether every entry along the given axes is true."""
    return x.all(axis=_axis(axis), keepdims=keepdims)


@op(shapes.reduced_bool, numpy=np.any)
def any(x, axis=None, keepdims=False):
    """Whether some entry along the given axes is true."""
    return x.any(axis=_axis(axis), keepdims=keepdims)


@op(shapes.reduced_int, numpy=np.argmax)
def argmax(x, axis=None, keepdims=False):
    """The position of the first largest entry along the axis, of the flattened array if None."""
    return np.argmax(x, axis=axis, keepdims=keepdims).astype(np.int32)


@op(shapes.reduced_int, numpy=np.argmin)
def argmin(x, axis=None, keepdims=False):
    """The position of the first smallest entry along the axis, of the flattened array if None."""
    return np.argmin(x, axis=axis, keepdims=keepdims).astype(np.int32)

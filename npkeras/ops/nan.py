"""Reductions that leave out entries that are not numbers."""

from __future__ import annotations

import math

import numpy as np

from npkeras.core.dtypes import dtype_of, is_float
from npkeras.core.op import op
from npkeras.core.shapes import reduced_int
from npkeras.ops import reduction
from npkeras.ops.composed import composed
from npkeras.ops.elementwise import (
    cast,
    divide,
    isnan,
    logical_not,
    sqrt,
    square,
    subtract,
    where,
)


def _filled(x, value):
    """x with a value that changes nothing in place of NaN."""
    return where(isnan(x), value, x) if is_float(dtype_of(x)) else x


def _or_nan(result, x, axis, keepdims):
    """NaN where all entries were."""
    if not is_float(dtype_of(x)):
        return result
    return where(reduction.all(isnan(x), axis, keepdims), math.nan, result)


@composed(numpy=np.nansum)
def nansum(x, axis=None, keepdims=False):
    """The sum of the entries that are not NaN."""
    return reduction.sum(_filled(x, 0.0), axis, keepdims)


@composed(numpy=np.nanprod)
def nanprod(x, axis=None, keepdims=False):
    """The product of the entries that are not NaN."""
    return reduction.prod(_filled(x, 1.0), axis, keepdims)


@composed(numpy=np.nanmax)
def nanmax(x, axis=None, keepdims=False):
    """The largest of the entries that are not NaN."""
    return _or_nan(reduction.max(_filled(x, -math.inf), axis, keepdims), x, axis, keepdims)


@composed(numpy=np.nanmin)
def nanmin(x, axis=None, keepdims=False):
    """The smallest of the entries that are not NaN."""
    return _or_nan(reduction.min(_filled(x, math.inf), axis, keepdims), x, axis, keepdims)


@composed(numpy=np.nanmean)
def nanmean(x, axis=None, keepdims=False):
    """The mean of the entries that are not NaN."""
    if not is_float(dtype_of(x)):
        return reduction.mean(x, axis, keepdims)
    count = reduction.sum(cast(logical_not(isnan(x)), dtype_of(x)), axis, keepdims)
    total = reduction.sum(_filled(x, 0.0), axis, keepdims)
    return where(count == 0, math.nan, divide(total, reduction_floor(count)))


def reduction_floor(count):
    """A count to divide by: 1 in place of 0."""
    return where(count < 1, 1.0, count)


@composed(numpy=np.nanvar)
def nanvar(x, axis=None, keepdims=False):
    """The variance of the entries that are not NaN."""
    if not is_float(dtype_of(x)):
        return reduction.var(x, axis, keepdims)
    centered = where(isnan(x), 0.0, subtract(x, nanmean(x, axis, keepdims=True)))
    count = reduction.sum(cast(logical_not(isnan(x)), dtype_of(x)), axis, keepdims)
    total = reduction.sum(square(centered), axis, keepdims)
    return _or_nan(divide(total, reduction_floor(count)), x, axis, keepdims)


@composed(numpy=np.nanstd)
def nanstd(x, axis=None, keepdims=False):
    """The square root of the variance of the entries that are not NaN."""
    return sqrt(nanvar(x, axis, keepdims))


@composed(numpy=np.nancumsum)
def nancumsum(x, axis=None, dtype=None):
    """`cumsum` with 0 in place of NaN."""
    return reduction.cumsum(_filled(x, 0.0), axis, dtype)


@composed(numpy=np.nancumprod)
def nancumprod(x, axis=None, dtype=None):
    """`cumprod` with 1 in place of NaN."""
    return reduction.cumprod(_filled(x, 1.0), axis, dtype)


def _found(function, x, axis, keepdims, worst):
    positions = reduction.first_of(function, x, axis, keepdims, worst)
    if x.dtype.kind != "f":
        return positions
    nothing = np.isnan(x).all(axis=axis, keepdims=keepdims)
    return np.where(nothing, -1, positions).astype(np.int32)


@op(reduced_int, numpy=np.nanargmax)
def nanargmax(x, axis=None, keepdims=False):
    """The position of the largest entry that is not NaN, or -1."""
    return _found(np.argmax, x, axis, keepdims, -np.inf)


@op(reduced_int, numpy=np.nanargmin)
def nanargmin(x, axis=None, keepdims=False):
    """The position of the smallest entry that is not NaN, or -1."""
    return _found(np.argmin, x, axis, keepdims, np.inf)

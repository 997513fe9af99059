"""Ops about order: sorting, the largest few, medians and quantiles."""

from __future__ import annotations

import math

import numpy as np

from npkeras.core import check, shapes
from npkeras.core.dtypes import as_array, dtype_of, numpy_dtype
from npkeras.core.op import fused_op, op
from npkeras.core.shapes import axes_of
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.ops.composed import composed

METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def _sorted_infer(x, axis=-1):
    return KerasTensor(_sorted_shape(x, axis), dtype_of(x))


def _order_infer(x, axis=-1):
    return KerasTensor(_sorted_shape(x, axis), "int32")


def _sorted_shape(x, axis):
    shape = shapes.shape_of(x)
    if axis is None:
        return (None if None in shape else math.prod(shape),)
    shapes.normalize_axis(axis, len(shape))
    return shape


@fused_op(_sorted_infer, arrays=1, numpy=np.sort)
def sort(x, axis=-1, *, wanted):
    """The entries along the axis in rising order, NaN last; flattened if `axis` is None."""
    if not wanted:
        return np.sort(x, axis), None
    shape = x.shape
    x, along = (x.reshape(-1), 0) if axis is None else (x, axis)
    order = np.argsort(x, along, kind="stable")

    def backward(dy):
        dx = np.empty_like(dy)
        np.put_along_axis(dx, order, dy, along)
        return (dx.reshape(shape),)

    return np.take_along_axis(x, order, along), backward


@op(_order_infer, numpy=np.argsort)
def argsort(x, axis=-1):
    """Where the entries of the sorted array stood; equal ones keep their order."""
    return np.argsort(x, axis, kind="stable").astype(np.int32)


def _partition_infer(x, kth, axis=-1):
    return _order_infer(x, axis)


@op(_partition_infer, numpy=np.argpartition)
def argpartition(x, kth, axis=-1):
    """An order that puts the kth smallest entry in its place, smaller ones before it."""
    return np.argpartition(x, kth, axis).astype(np.int32)


# The largest few ---------------------------------------------------------------------------------


def _top_k_infer(x, k, sorted=True):
    shape = shapes.shape_of(x)
    _check_top_k(shape, k)
    shape = (*shape[:-1], k)
    return KerasTensor(shape, dtype_of(x)), KerasTensor(shape, "int32")


def _check_top_k(shape, k):
    check.non_negative_int(k, "k", "top_k")
    if not shape or (shape[-1] is not None and shape[-1] < k):
        raise ValueError(f"`top_k` of an array of shape {shape} cannot give k={k} entries.")


def largest(x, k):
    """Positions of the k largest entries of the last axis, the first of equal ones first.

    Found without sorting: what exceeds the kth largest, and as many of its equals as fit.
    """
    length = x.shape[-1]
    if x.dtype.kind == "f" and np.isnan(x).any():
        x = np.where(np.isnan(x), -np.inf, x)
    if not 0 < k < length:
        chosen = np.broadcast_to(np.arange(k), (*x.shape[:-1], k))
    else:
        least = np.partition(x, length - k, axis=-1)[..., length - k, None]
        above, equal = x > least, x == least
        room = k - above.sum(axis=-1, keepdims=True)
        chosen = np.nonzero(above | (equal & (np.cumsum(equal, axis=-1) <= room)))[-1]
        chosen = chosen.reshape(*x.shape[:-1], k)
    values = np.take_along_axis(x, chosen, -1)
    falling = k - 1 - np.argsort(values[..., ::-1], axis=-1, kind="stable")[..., ::-1]
    return np.take_along_axis(chosen, falling, -1)


@fused_op(_top_k_infer, arrays=1)
def top_k(x, k, sorted=True, *, wanted):
    """The k largest entries of the last axis, and where they stand, the largest first."""
    _check_top_k(x.shape, k)
    positions = largest(x, k)

    def backward(dys):
        dx = np.zeros_like(x)
        np.put_along_axis(dx, positions, dys[0], -1)
        return (dx,)

    return (np.take_along_axis(x, positions, -1), positions.astype(np.int32)), backward


def _in_top_k_infer(targets, predictions, k):
    return KerasTensor(shapes.shape_of(targets), "bool")


@op(_in_top_k_infer, arrays=2)
def in_top_k(targets, predictions, k):
    """Whether fewer than k classes are predicted higher than the target, row by row.

    False where a prediction is not finite, or the target is no class.

    Shapes: targets (rows,), predictions (rows, classes) -> (rows,)
    """
    classes = predictions.shape[-1]
    known = (targets >= 0) & (targets < classes)
    rows = np.arange(len(targets))
    own = predictions[rows, np.where(known, targets, 0)]
    higher = (predictions > own[:, None]).sum(axis=-1)
    return known & (higher < k) & np.isfinite(predictions).all(axis=-1)


# Quantiles ---------------------------------------------------------------------------------------


def _quantile_infer(x, q, axis=None, method="linear", keepdims=False, skip_nan=False):
    shape = shapes.reduced_shape(shapes.shape_of(x), axis, keepdims)
    return KerasTensor((*np.shape(plain(q)), *shape), shapes.float_dtype(x))


def _checked(q, method, owner):
    q = np.asarray(plain(q), np.float64)
    check.one_of(METHODS, method, "method", owner)
    if q.size and not (q.min() >= 0 and q.max() <= 1):
        raise ValueError(f"`q` of {owner} must lie in [0, 1]. Received: q={q.tolist()}"[:300])
    return q


def _between(q, counts, method):
    """For each quantile the two places it lies between, and how far it is past the first."""
    places = np.multiply.outer(q, np.maximum(counts - 1, 0))
    low, high = np.floor(places), np.ceil(places)
    if method == "lower":
        high = low
    elif method == "higher":
        low = high
    elif method == "nearest":
        low = high = np.round(places)
    share = np.where(low < high, 0.5, 0) if method == "midpoint" else places - low
    share = np.where(low < high, share, 0)
    return low.astype(np.intp), high.astype(np.intp), share


@fused_op(_quantile_infer, arrays=1)
def _quantile(x, q, axis=None, method="linear", keepdims=False, skip_nan=False, *, wanted):
    """Quantiles over some axes. With `skip_nan` NaN does not count, without it spreads."""
    dtype = numpy_dtype(shapes.float_dtype(x))
    axes = axes_of(axis, x.ndim)
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    moved = x.transpose(rest + axes)
    length = math.prod(x.shape[i] for i in axes)
    if not length:
        raise ValueError(f"A quantile of no entries is not known. Received: x.shape={x.shape}")
    rows = moved.reshape(-1, length).astype(dtype, copy=False)
    order = np.argsort(rows, axis=-1, kind="stable")
    ranked = np.take_along_axis(rows, order, -1)
    missing = np.isnan(rows).sum(axis=-1)
    low, high, share = _between(q.reshape(-1), length - missing * skip_nan, method)
    share = share.astype(dtype)
    first = np.take_along_axis(ranked, low.T, -1).T
    second = np.take_along_axis(ranked, high.T, -1).T
    with np.errstate(invalid="ignore"):
        y = np.where(first == second, first, first + (second - first) * share)
    unknown = missing == length if skip_nan else missing > 0
    y[:, unknown] = np.nan
    shape = tuple(1 if i in axes else n for i, n in enumerate(x.shape) if keepdims or i in rest)

    def backward(dy):
        dy = dy.reshape(low.shape)
        dranked = np.zeros_like(rows)
        at = np.arange(len(rows))
        for d, i, j, s in zip(dy, low, high, share, strict=True):
            dranked[at, i] += d * (1 - s)
            dranked[at, j] += d * s
        drows = np.empty_like(dranked)
        np.put_along_axis(drows, order, dranked, -1)
        return (drows.reshape(moved.shape).transpose(np.argsort(rest + axes)),)

    return y.reshape(q.shape + shape), backward


@composed(numpy=np.quantile)
def quantile(x, q, axis=None, method="linear", keepdims=False):
    """The value below which the share q of all entries lies.

    It is found between two entries in their order: `method` is how. `"linear"` takes the
    point between them, `"lower"`, `"higher"` and `"nearest"` one of the two, `"midpoint"`
    their mean.
    """
    return _quantile(_arrayed(x), _checked(q, method, "quantile"), axis, method, keepdims)


@composed(numpy=np.nanquantile)
def nanquantile(x, q, axis=None, method="linear", keepdims=False):
    """`quantile` of the entries that are not NaN."""
    q = _checked(q, method, "nanquantile")
    return _quantile(_arrayed(x), q, axis, method, keepdims, skip_nan=True)


@composed(numpy=np.percentile)
def percentile(x, q, axis=None, method="linear", keepdims=False):
    """`quantile` with q in percent."""
    return quantile(x, np.asarray(plain(q), np.float64) / 100, axis, method, keepdims)


@composed(numpy=np.nanpercentile)
def nanpercentile(x, q, axis=None, method="linear", keepdims=False):
    """`nanquantile` with q in percent."""
    return nanquantile(x, np.asarray(plain(q), np.float64) / 100, axis, method, keepdims)


@composed(numpy=np.median)
def median(x, axis=None, keepdims=False):
    """The middle one of the sorted entries, or the mean of the two in the middle."""
    return quantile(x, 0.5, axis, "linear", keepdims)


@composed(numpy=np.nanmedian)
def nanmedian(x, axis=None, keepdims=False):
    """`median` of the entries that are not NaN."""
    return nanquantile(x, 0.5, axis, "linear", keepdims)


def _arrayed(x):
    return x if hasattr(x, "shape") else as_array(x)

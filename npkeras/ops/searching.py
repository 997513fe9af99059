"""Where values lie, how often they occur, which ones there are, which of several to take."""

from __future__ import annotations

import numpy as np

from npkeras.core import check
from npkeras.core.dtypes import as_array, dtype_of
from npkeras.core.op import op
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.ops.composed import composed
from npkeras.ops.elementwise import where


def _searchsorted_infer(sorted_sequence, values, side="left"):
    return KerasTensor(shape_of(values), "int32")


@op(_searchsorted_infer, arrays=2, numpy=np.searchsorted)
def searchsorted(sorted_sequence, values, side="left"):
    """Where each value belongs in a rising sequence: before its equals, or behind them.

    Args:
        sorted_sequence: Rising numbers, along a single axis.
        values: An array.
        side: `"left"`: before entries equal to the value. `"right"`: behind them.
    """
    if sorted_sequence.ndim != 1:
        raise ValueError(
            "`searchsorted` expects a sequence with one axis. "
            f"Received one of shape {sorted_sequence.shape}"
        )
    return np.asarray(np.searchsorted(sorted_sequence, values, side), np.int32)


def _digitize_infer(x, bins):
    return KerasTensor(shape_of(x), "int32")


@op(_digitize_infer, arrays=2, numpy=np.digitize)
def digitize(x, bins):
    """The number of the bin that each entry falls into.

    Args:
        x: An array.
        bins: The rising bounds between the bins. A bin holds its lower bound.
    """
    return np.asarray(np.searchsorted(bins, x, side="right"), np.int32)


def _bincount_infer(x, weights=None, minlength=0, sparse=False):
    dtype = "int32" if weights is None else dtype_of(weights)
    return KerasTensor((*shape_of(x)[:-1], None), dtype)


@op(_bincount_infer, arrays=2, numpy=np.bincount)
def bincount(x, weights=None, minlength=0, sparse=False):
    """How often each of the numbers 0, 1, ... occurs, in each row of its own.

    Args:
        x: Integers that are not negative, (..., entries).
        weights: What each occurrence counts. None: 1.
        minlength: The least length of the result.
        sparse: Only False is supported.
    """
    if sparse:
        raise ValueError(f"`bincount` makes dense arrays only. Received: sparse={sparse}")
    if x.dtype.kind not in "iub" or (x.size and x.min() < 0):
        lowest = f"the least of which is {x.min()}" if x.size else "none"
        raise ValueError(
            "`bincount` expects integers that are not negative. "
            f"Received entries of dtype {x.dtype}, {lowest}"
        )
    length = max(minlength, int(x.max(initial=-1)) + 1)
    rows = x.reshape(-1, x.shape[-1]) if x.size else x.reshape(-1, 1)
    counts = np.zeros((len(rows), length), np.int32 if weights is None else weights.dtype)
    amounts = 1 if weights is None else weights.reshape(rows.shape)
    np.add.at(counts, (np.arange(len(rows))[:, None], rows), amounts)
    return counts.reshape(*x.shape[:-1], length) if x.size else counts.sum(0)


def _unravel_infer(indices, shape):
    return tuple(KerasTensor(shape_of(indices), dtype_of(indices)) for _ in shape)


@op(_unravel_infer, numpy=np.unravel_index)
def unravel_index(indices, shape):
    """Positions in the flat array as one array of positions for each axis.

    Args:
        indices: Integers. Negative ones count from the end.
        shape: The shape of the array.
    """
    total = int(np.prod(shape))
    wrong = (indices < -total) | (indices >= total)
    if wrong.any():
        raise ValueError(
            f"`unravel_index` received the index {indices[wrong].flat[0]}, which is out of range "
            f"for an array of shape {tuple(shape)}, with {total} entries."
        )
    positions = np.unravel_index(indices % max(total, 1), tuple(shape))
    return tuple(np.asarray(position, indices.dtype) for position in positions)


def _unique_infer(
    x,
    sorted=True,
    return_index=False,
    return_inverse=False,
    return_counts=False,
    axis=None,
    size=None,
    fill_value=None,
):
    shape = shape_of(x)
    if axis is None:
        values, inverse = (size,), shape
    else:
        axis = axis % len(shape)
        values, inverse = (*shape[:axis], size, *shape[axis + 1 :]), (shape[axis],)
    results = [KerasTensor(values, dtype_of(x))]
    for wanted, form in (
        (return_index, (size,)),
        (return_inverse, inverse),
        (return_counts, (size,)),
    ):
        if wanted:
            results.append(KerasTensor(form, "int32"))
    return tuple(results) if len(results) > 1 else results[0]


@op(_unique_infer)
def unique(
    x,
    sorted=True,
    return_index=False,
    return_inverse=False,
    return_counts=False,
    axis=None,
    size=None,
    fill_value=None,
):
    """The distinct entries of an array, or its distinct slices along an axis.

    Args:
        x: An array.
        sorted: Whether they rise. Otherwise they come in the order of their first appearance.
        return_index: Whether to return where each first appears.
        return_inverse: Whether to return, for each entry of `x`, which of them it is.
        return_counts: Whether to return how often each appears.
        axis: The axis whose slices to compare. None: compare entries.
        size: How many to return; what is missing is filled up.
        fill_value: What to fill up with. None: 0.
    """
    values, index, inverse, counts = np.unique(x, True, True, True, axis)
    place = 0 if axis is None else axis
    if not sorted:
        order = np.argsort(index, kind="stable")
        rank = np.argsort(order, kind="stable")
        values, inverse = np.take(values, order, place), rank[inverse]
        index, counts = index[order], counts[order]
    if size is not None:
        values = _resized(values, size, place, 0 if fill_value is None else fill_value)
        index = _resized(index, size, 0, 1)  # what Keras fills up with
        counts = _resized(counts, size, 0, 0)
    results = [values]
    for wanted, result in (
        (return_index, index),
        (return_inverse, inverse),
        (return_counts, counts),
    ):
        if wanted:
            results.append(np.asarray(result, np.int32))
    return tuple(results) if len(results) > 1 else results[0]


def _resized(values, size, axis, fill_value):
    length = values.shape[axis]
    if length >= size:
        return np.take(values, np.arange(size), axis)
    shape = [size - length if i == axis else n for i, n in enumerate(values.shape)]
    return np.concatenate([values, np.full(shape, as_array(fill_value), values.dtype)], axis)


def _isin_infer(x1, x2, assume_unique=False, invert=False):
    return KerasTensor(shape_of(x1), "bool")


@op(_isin_infer, arrays=2, numpy=np.isin)
def isin(x1, x2, assume_unique=False, invert=False):
    """Whether each entry of `x1` is among those of `x2`; whether it is not, with `invert`."""
    return np.isin(x1, x2, assume_unique=assume_unique, invert=invert)


def _nonzero_infer(x):
    return tuple(KerasTensor((None,), "int32") for _ in shape_of(x))


@op(_nonzero_infer)
def _nonzero(x):
    return tuple(positions.astype(np.int32) for positions in np.nonzero(x))


@composed(numpy=np.nonzero)
def nonzero(x):
    """The positions of the entries that are not zero: one array of positions for each axis."""
    return list(_nonzero(x))


def _listed(x):
    kind = type(x).__name__
    return f"a {kind} of {len(x)}" if isinstance(x, (list, tuple)) else f"a {kind}, not a list,"


@composed(numpy=np.select)
def select(condlist, choicelist, default=0):
    """From several arrays, for each entry, the first whose condition holds there.

    Args:
        condlist: A list of conditions.
        choicelist: A list of as many arrays, which all broadcast.
        default: What to take where no condition holds.
    """
    lists = [x for x in (condlist, choicelist) if isinstance(x, (list, tuple))]
    if len(lists) < 2 or len(condlist) != len(choicelist) or not condlist:
        raise ValueError(
            "`select` expects two lists, with as many conditions as choices. Received: "
            f"{_listed(condlist)} of conditions and {_listed(choicelist)} of choices"
        )
    result = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = where(condition, choice, result)
    return result


def _histogram_infer(x, bins=10, range=None):
    return KerasTensor((bins,), dtype_of(x)), KerasTensor((bins + 1,), dtype_of(x))


@op(_histogram_infer)
def histogram(x, bins=10, range=None):
    """How many entries fall into each of `bins` intervals of equal length, and their bounds.

    Args:
        x: An array with one axis.
        bins: How many intervals.
        range: The lowest and the highest bound. None: those of the entries.
    """
    check.non_negative_int(bins, "bins", "`histogram`")
    if x.ndim != 1:
        raise ValueError(f"`histogram` expects an array with one axis. Received shape {x.shape}")
    if range is not None and not range[0] < range[1]:
        raise ValueError(
            "The second bound in `range` of `histogram` must be above the first. "
            f"Received: range={range}"
        )
    counts, bounds = np.histogram(x, max(bins, 1), range)
    return counts[:bins].astype(x.dtype), bounds[: bins + 1].astype(x.dtype)

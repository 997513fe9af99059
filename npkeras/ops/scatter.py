"""Values put into an array at given places, and sums over segments: gathering, turned round."""

from __future__ import annotations

import numpy as np

from npkeras.core import check
from npkeras.core.dtypes import dtype_of
from npkeras.core.op import op
from npkeras.core.shapes import common_dtype, shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.ops.indexing import block_of

_REDUCTIONS = {"add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply}


def _places(indices, shape, owner):
    """Rows of positions as an index of an array of that shape."""
    indices = np.asarray(plain(indices))
    depth = indices.shape[-1] if indices.ndim else 0
    if not 0 < depth <= len(shape) or indices.dtype.kind not in "iu":
        raise ValueError(
            f"`{owner}` expects integer indices whose last axis has 1 to {len(shape)} entries, to "
            f"index shape {tuple(shape)}. Received indices of shape {indices.shape} and dtype "
            f"{indices.dtype}"
        )
    wrong = ((indices < 0) | (indices >= np.array(shape[:depth]))).any(axis=-1)
    if wrong.any():
        raise ValueError(
            f"`{owner}` received an index that is out of range: "
            f"{indices[wrong][0].tolist()}, for an array of shape {tuple(shape)}"
        )
    return tuple(np.moveaxis(indices, -1, 0))


# Scatter.


def _scatter_infer(indices, values, shape):
    return KerasTensor(shape, dtype_of(values))


def _scatter_back(y, indices, values, shape):
    places = _places(indices, y.shape, "scatter")
    return lambda dy: dy[places]


@op(_scatter_infer, vjps=(None, _scatter_back))
def scatter(indices, values, shape):
    """Zeros of a given shape, with values added at the given places; repeated places add up.

    Args:
        indices: Integers. Each row along the last axis is the index of an entry, or of a slice.
        values: What to put there.
        shape: The shape of the result.

    Shapes:
        indices (*places, depth), values (*places, *shape[depth:]) -> shape
    """
    y = np.zeros(tuple(shape), values.dtype)
    np.add.at(y, _places(indices, y.shape, "scatter"), values)
    return y


def _update_infer(inputs, indices, updates, reduction=None):
    return KerasTensor(shape_of(inputs), dtype_of(inputs))


def _update_inputs_back(y, inputs, indices, updates, reduction=None):
    places = _places(indices, y.shape, "scatter_update")
    if reduction == "add":
        return lambda dy: dy
    if reduction in ("max", "min"):
        share = _shares(y, inputs, updates, places)[0]
        return lambda dy: dy * share
    factors = np.zeros_like(y)
    if reduction == "mul":
        factors = np.ones_like(y)
        np.multiply.at(factors, places, updates)

    def pullback(dy):
        dx = dy.copy()
        dx[places] = dy[places] * factors[places]
        return dx

    return pullback


def _updates_back(y, inputs, indices, updates, reduction=None):
    places = _places(indices, y.shape, "scatter_update")
    if reduction in ("max", "min"):
        share = _shares(y, inputs, updates, places)[1]
        return lambda dy: dy[places] * share
    if reduction == "mul":
        factors = inputs[places] * _products_of_others(updates, places, y.shape)
        return lambda dy: dy[places] * factors
    return lambda dy: dy[places]


def _shares(y, inputs, updates, places):
    """How much of the gradient goes to the input and to each update that is the extreme."""
    kept, won = (inputs == y).astype(y.dtype), (updates == y[places]).astype(y.dtype)
    count = kept.copy()
    np.add.at(count, places, won)
    return kept / count, won / count[places]


def _products_of_others(values, places, shape):
    """For each value the product of the other values that go to the same place."""
    products, zeros = np.ones(shape, values.dtype), np.zeros(shape, np.intp)
    is_zero = values == 0
    np.multiply.at(products, places, np.where(is_zero, 1, values))
    np.add.at(zeros, places, is_zero)
    others = products[places] / np.where(is_zero, 1, values)
    return others * (zeros[places] == is_zero)  # no zero among the others


@op(_update_infer, vjps=(_update_inputs_back, None, _updates_back))
def scatter_update(inputs, indices, updates, reduction=None):
    """`inputs` with other values at the given places.

    Args:
        inputs: An array.
        indices: Integers. Each row along the last axis is the index of an entry, or of a slice.
        updates: What to put there.
        reduction: What becomes of the old entry: None to replace it, `"add"`, `"max"`, `"min"`
            or `"mul"` to combine it with the new ones.

    Shapes:
        inputs (*shape), indices (*places, depth), updates (*places, *shape[depth:]) -> shape
    """
    check.one_of((None, *_REDUCTIONS), reduction, "reduction", "`scatter_update`")
    places = _places(indices, inputs.shape, "scatter_update")
    y = inputs.copy()
    if reduction is None:
        y[places] = updates
    else:
        _REDUCTIONS[reduction].at(y, places, updates.astype(y.dtype, copy=False))
    return y


def _slice_update_infer(inputs, start_indices, updates):
    return KerasTensor(shape_of(inputs), common_dtype(inputs, updates))


def _slice_inputs_back(y, inputs, start_indices, updates):
    block = block_of(inputs, start_indices, updates.shape)

    def pullback(dy):
        dx = dy.copy()
        dx[block] = 0
        return dx

    return pullback


def _slice_updates_back(y, inputs, start_indices, updates):
    block = block_of(inputs, start_indices, updates.shape)
    return lambda dy: dy[block]


@op(_slice_update_infer, vjps=(_slice_inputs_back, None, _slice_updates_back))
def slice_update(inputs, start_indices, updates):
    """`inputs` with `updates` in place of the block whose first corner is `start_indices`."""
    y = inputs.copy()
    y[block_of(inputs, start_indices, updates.shape)] = updates
    return y


# Segments.


def _segment_infer(data, segment_ids, num_segments=None, sorted=False):
    return KerasTensor((num_segments, *shape_of(data)[1:]), dtype_of(data))


def _segments(data, segment_ids, num_segments, owner):
    """Which rows count, the segments they belong to, and how many segments there are."""
    ids = np.asarray(plain(segment_ids))
    if ids.ndim != 1 or not data.ndim or len(ids) != len(data):
        raise ValueError(
            f"`{owner}` expects one segment number for each row of the data. "
            f"Received: data of shape {data.shape}, segment_ids of shape {ids.shape}"
        )
    highest = int(ids.max(initial=-1))
    if num_segments is not None and highest >= num_segments:
        raise ValueError(
            f"`{owner}` received the segment number {highest}. "
            f"It must be less than num_segments={num_segments}."
        )
    kept = np.flatnonzero(ids >= 0)  # a negative number marks a row that belongs nowhere
    return kept, ids[kept], highest + 1 if num_segments is None else num_segments


def _reduced(function, data, segment_ids, num_segments, first):
    kept, ids, count = _segments(data, segment_ids, num_segments, f"segment_{function}")
    y = np.full((count, *data.shape[1:]), first, data.dtype)
    _REDUCTIONS[{"sum": "add", "prod": "mul"}.get(function, function)].at(y, ids, data[kept])
    return y


def _to_rows(kept, values, shape):
    """Values for the rows that count, zeros for the others."""
    if len(kept) == shape[0]:
        return values
    rows = np.zeros(shape, values.dtype)
    rows[kept] = values
    return rows


def _segment_sum_back(y, data, segment_ids, num_segments=None, sorted=False):
    shape = data.shape
    kept, ids, _ = _segments(data, segment_ids, num_segments, "segment_sum")
    return lambda dy: _to_rows(kept, dy[ids], shape)


def _segment_extreme_back(y, data, segment_ids, num_segments=None, sorted=False):
    kept, ids, _ = _segments(data, segment_ids, num_segments, "segment_max")
    won = (data[kept] == y[ids]).astype(data.dtype)
    count = np.zeros(y.shape, data.dtype)
    np.add.at(count, ids, won)
    share, shape = won / count[ids], data.shape
    return lambda dy: _to_rows(kept, dy[ids] * share, shape)


def _segment_prod_back(y, data, segment_ids, num_segments=None, sorted=False):
    kept, ids, _ = _segments(data, segment_ids, num_segments, "segment_prod")
    others, shape = _products_of_others(data[kept], ids, y.shape), data.shape
    return lambda dy: _to_rows(kept, dy[ids] * others, shape)


def _limits(dtype):
    return np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)


@op(_segment_infer, vjps=(_segment_sum_back, None))
def segment_sum(data, segment_ids, num_segments=None, sorted=False):
    """The sum of the rows that belong to each segment.

    Args:
        data: An array of rows.
        segment_ids: The segment of each row. A negative number leaves the row out.
        num_segments: How many segments there are. None: one more than the highest number.
        sorted: Whether the numbers never fall. It makes no difference here.

    Shapes:
        data (rows, ...), segment_ids (rows,) -> (num_segments, ...)
    """
    return _reduced("sum", data, segment_ids, num_segments, 0)


@op(_segment_infer, vjps=(_segment_prod_back, None))
def segment_prod(data, segment_ids, num_segments=None, sorted=False):
    """The product of the rows that belong to each segment; 1 for an empty one."""
    return _reduced("prod", data, segment_ids, num_segments, 1)


@op(_segment_infer, vjps=(_segment_extreme_back, None))
def segment_max(data, segment_ids, num_segments=None, sorted=False):
    """The largest entries of the rows of each segment; the lowest number for an empty one."""
    return _reduced("max", data, segment_ids, num_segments, _limits(data.dtype).min)


@op(_segment_infer, vjps=(_segment_extreme_back, None))
def segment_min(data, segment_ids, num_segments=None, sorted=False):
    """The smallest entries of the rows of each segment; the highest number for an empty one."""
    return _reduced("min", data, segment_ids, num_segments, _limits(data.dtype).max)

"""Entries picked out of an array by position, and put back: indexing, gathering, scattering."""

from __future__ import annotations

import builtins

import numpy as np

from npkeras.core import shapes
from npkeras.core.dtypes import as_array, dtype_of
from npkeras.core.op import Op, op
from npkeras.core.rows import RowGradient
from npkeras.core.shapes import normalize_axis, shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.core.variable import Variable
from npkeras.kernels.rows import gather_rows
from npkeras.ops.arrange import sum_along


def checked_indices(indices, length, owner):
    """Indices as integers counted from the front; an error names the first one out of range."""
    indices = as_array(indices)
    if indices.dtype.kind not in "iu":
        if indices.dtype.kind == "b" or (indices != np.trunc(indices)).any():
            raise TypeError(
                f"{owner} expects integer indices. Received indices of dtype {indices.dtype}."
            )
        indices = indices.astype(np.intp)
    if not indices.size:
        return indices
    low, high = int(indices.min()), int(indices.max())
    if low < -length or high >= length:
        wrong = high if high >= length else low
        raise ValueError(
            f"{owner} received the index {wrong}, which is out of range: "
            f"there are {length} entries, so indices lie in [0, {length})."
        )
    return np.where(indices < 0, indices + length, indices) if low < 0 else indices


def _take_infer(x, indices, axis=None):
    shape, picked = shape_of(x), shape_of(indices)
    if axis is None:
        return KerasTensor(picked, dtype_of(x))
    axis = normalize_axis(axis, len(shape))
    return KerasTensor((*shape[:axis], *picked, *shape[axis + 1 :]), dtype_of(x))


def _take_back(y, x, indices, axis=None):
    shape = x.shape
    length = x.size if axis is None else shape[axis]
    indices = checked_indices(indices, length, "`take`").reshape(-1)
    if axis is None:
        return lambda dy: sum_along(dy.reshape(-1), indices, length, 0).reshape(shape)
    axis = normalize_axis(axis, len(shape))
    rows = (*shape[:axis], -1, *shape[axis + 1 :])
    if not np.prod(shape):
        return lambda dy: np.zeros(shape, dy.dtype)
    return lambda dy: sum_along(dy.reshape(rows), indices, length, axis)


class _Take(Op):
    """`take`, whose gradient is a `RowGradient` where rows of a variable are looked up.

    What is not a variable has a history of its own, whose pullbacks expect whole arrays.
    """

    def lift(self, args, options):
        if isinstance(args[0], Variable) and _looks_up_rows(*args, **options):
            indices = args[1] if len(args) > 1 else options["indices"]
            if not isinstance(indices, KerasTensor):
                return look_up(args[0], indices)
        return super().lift(args, options)


def _looks_up_rows(x, indices=None, axis=None):
    return axis is not None and axis in (0, -x.ndim) and x.ndim > 1


def _look_up_infer(table, indices):
    return _take_infer(table, indices, 0)


def _look_up_back(y, table, indices):
    shape = table.shape
    indices = checked_indices(indices, shape[0], "`take`").reshape(-1)
    return lambda dy: RowGradient(indices, dy.reshape(-1, *shape[1:]), shape)


@op(_look_up_infer, vjps=(_look_up_back, None))
def look_up(table, indices):
    """The rows of a table at the given places. Its gradient holds those rows alone."""
    return gather_rows(table, checked_indices(indices, len(table), "`take`"))


def _take_entries(x, indices, axis=None):
    """The entries of `x` at the given places along an axis.

    Args:
        x: An array, such as a table of which rows are looked up with `axis=0`.
        indices: Integers of any shape. Negative ones count from the end.
        axis: The axis. None: `x` counts as laid out in one row.

    Shapes:
        x (..., length, ...), indices (*picked) -> (..., *picked, ...)

    Raises:
        ValueError: For an index out of range.
    """
    length = x.size if axis is None else x.shape[normalize_axis(axis, x.ndim)]
    return x.take(checked_indices(indices, length, "`take`"), axis)


_take_entries.__name__ = "take"
take = _Take(_take_entries, _take_infer, (_take_back, None), numpy=np.take)


def _take_along_infer(x, indices, axis=None):
    if axis is None:
        return KerasTensor(shape_of(indices), dtype_of(x))
    shape, picked = list(shape_of(x)), shape_of(indices)
    axis = normalize_axis(axis, len(shape))
    shape[axis] = 1
    others = [1 if i == axis else n for i, n in enumerate(picked)]
    shape = list(shapes.broadcast_shapes(tuple(shape), tuple(others)))
    shape[axis] = picked[axis]
    return KerasTensor(shape, dtype_of(x))


def _along(x, indices, axis):
    """The full index of what `take_along_axis` takes."""
    axis = normalize_axis(axis, x.ndim)
    indices = checked_indices(indices, x.shape[axis], "`take_along_axis`")
    grid = [
        np.arange(n).reshape([-1 if i == j else 1 for j in range(x.ndim)])
        for i, n in enumerate(x.shape)
    ]
    grid[axis] = indices
    return tuple(grid)


def _take_along_back(y, x, indices, axis=None):
    shape = x.shape
    flat = x.reshape(-1) if axis is None else x
    key = _along(flat, indices.reshape(-1) if axis is None else indices, axis or 0)
    flat_shape = flat.shape

    def pullback(dy):
        dx = np.zeros(flat_shape, dy.dtype)
        np.add.at(dx, key, dy.reshape(-1) if axis is None else dy)
        return dx.reshape(shape)

    return pullback


@op(_take_along_infer, vjps=(_take_along_back, None), numpy=np.take_along_axis)
def take_along_axis(x, indices, axis=None):
    """For each row along an axis the entries at that row's own places.

    Args:
        x: An array.
        indices: Integers, with as many axes as `x`. The other axes broadcast.
        axis: The axis. None: both arrays count as laid out in one row.
    """
    if axis is None:
        return x.reshape(-1)[_along(x.reshape(-1), indices.reshape(-1), 0)].reshape(indices.shape)
    if indices.ndim != x.ndim:
        raise ValueError(
            "`take_along_axis` expects indices with as many axes as the array. "
            f"Received shapes: {x.shape} and {indices.shape}"
        )
    return x[_along(x, indices, axis)]


def _plain_key(key):
    return tuple(map(plain, key)) if isinstance(key, tuple) else plain(key)


def _is_basic(key):
    """Whether the key picks each entry at most once: slices, integers, None, booleans."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(
        part is None
        or part is Ellipsis
        or isinstance(part, (builtins.slice, int, np.integer))
        or (isinstance(part, np.ndarray) and part.dtype == bool and len(parts) == 1)
        for part in parts
    )


def _get_item_infer(x, key):
    # Symbolic indices stand for arrays of zeros; an axis of theirs of unknown length is tried with
    # two lengths, and is unknown in the result if that makes a difference.
    small, large = (shapes.indexed(x, _tried_key(key, guess)) for guess in (61, 67))
    lengths = zip(small.shape, large.shape, strict=True)
    return KerasTensor([a if a == b else None for a, b in lengths], small.dtype)


def _tried_key(key, guess):
    if isinstance(key, tuple):
        return tuple(_tried_key(part, guess) for part in key)
    if not isinstance(key, KerasTensor):
        return plain(key)
    return np.zeros([guess if n is None else n for n in key.shape], int)


def _get_item_back(y, x, key):
    shape, key = x.shape, _plain_key(key)
    basic = _is_basic(key)

    def pullback(dy):
        dx = np.zeros(shape, dy.dtype)
        if basic:
            dx[key] = dy
        else:
            np.add.at(dx, key, dy)
        return dx

    return pullback


@op(_get_item_infer, vjps=(_get_item_back,), sign="getitem")
def get_item(x, key):
    """`x[key]`, for every kind of key that NumPy knows."""
    return np.asarray(x[_plain_key(key)])


def block_of(x, start_indices, shape):
    starts = [int(i) for i in np.atleast_1d(plain(start_indices))]
    lengths = [x.shape[i] - starts[i] if n == -1 else n for i, n in enumerate(shape)]
    if len(starts) != x.ndim or len(lengths) != x.ndim:
        raise ValueError(
            f"A slice of an array of shape {x.shape} needs {x.ndim} start indices and lengths. "
            f"Received: start_indices={starts}, shape={tuple(shape)}"
        )
    for start, length, n in zip(starts, lengths, x.shape, strict=True):
        if start < 0 or length < 0 or start + length > n:
            raise ValueError(
                f"The slice reaches beyond the array, of shape {x.shape}. "
                f"Received: start_indices={starts}, shape={tuple(shape)}"
            )
    return tuple(builtins.slice(a, a + n) for a, n in zip(starts, lengths, strict=True))


def _slice_infer(inputs, start_indices, shape):
    lengths = zip(shape, shape_of(inputs), plain(start_indices), strict=True)
    rest = [n if n != -1 or old is None else old - int(start) for n, old, start in lengths]
    return KerasTensor([None if n == -1 else n for n in rest], dtype_of(inputs))


def _slice_back(y, inputs, start_indices, shape):
    whole, block = inputs.shape, block_of(inputs, start_indices, shape)

    def pullback(dy):
        dx = np.zeros(whole, dy.dtype)
        dx[block] = dy
        return dx

    return pullback


@op(_slice_infer, vjps=(_slice_back,))
def slice(inputs, start_indices, shape):
    """The block of `inputs` with the given first corner and shape (-1: up to the end)."""
    return inputs[block_of(inputs, start_indices, shape)]

"""Pooling: the largest entry, or the mean, of each window that slides over the input.

A window of several axes is pooled one axis at a time, the last one first: the maximum of maxima is
the maximum, and so it is with sums. Along one axis a window of 2 is the `maximum` of two views.

For the way back of a maximum each axis keeps which of its entries won, a byte each. Of equal ones
the first wins, in the order of the rows of the input, as in TensorFlow.

What slides along an axis is a list: for each offset within the window the places at which it meets
the input, and the entries that it meets there. So axes may stand anywhere, and windows that differ
from place to place (adaptive pooling) are of the same kind.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from npkeras.kernels import kernel
from npkeras.kernels.convolution import Geometry
from npkeras.kernels.threads import in_halves

Array = np.ndarray

_PASSES = 16  # what is done to an entry, in multiply-adds


class Along(NamedTuple):
    """The windows along one axis."""

    axis: int
    length: int
    outputs: int
    offsets: tuple[tuple[Any, Any], ...]  # (places, entries) for each offset
    counts: Array  # how many entries each place sees
    apart: bool  # whether each entry is seen by one place at most
    whole: bool  # whether each offset meets the input at every place

    def part(self, index: Any) -> tuple[Any, ...]:
        return (*(slice(None),) * self.axis, index)


def sliding(axis: int, length: int, size: int, stride: int, before: int, outputs: int) -> Along:
    """Windows of one size, `stride` apart; the first begins `before` the input."""
    geometry = Geometry((size,), (stride,), (1,), (before,), (outputs,))
    pairs = [geometry.overlap((k,), (length,), slice(0, outputs)) for k in range(size)]
    offsets = tuple((places[0], entries[0]) for places, entries in pairs)
    start = np.arange(outputs) * stride - before
    counts = np.minimum(start + size, length) - np.maximum(start, 0)
    whole = bool((counts == size).all())
    return Along(axis, length, outputs, offsets, counts, stride >= size, whole)


def adaptive(axis: int, length: int, outputs: int) -> Along:
    """As many windows as asked for, together as long as the input and as equal as can be."""
    places = np.arange(outputs)
    start, stop = places * length // outputs, -(-(places + 1) * length // outputs)
    counts = stop - start
    offsets = []
    for k in range(int(counts.max(initial=0))):
        chosen = places[counts > k]
        offsets.append((chosen, start[chosen] + k))
    whole = bool((counts == counts[0]).all())
    return Along(axis, length, outputs, tuple(offsets), counts, False, whole)


def _result(x: Array, along: Along, length: int) -> tuple[int, ...]:
    return (*x.shape[: along.axis], length, *x.shape[along.axis + 1 :])


def _lowest(dtype: Any) -> Any:
    return -np.inf if dtype.kind == "f" else np.iinfo(dtype).min if dtype.kind in "iu" else False


@kernel
def max_pool(x: Array, windows: list[Along], keep: bool = False) -> tuple[Array, list[Array]]:
    """The largest entry of each window and, if asked for, which one it was along each axis.

    Shapes: x (any shape) -> the same, but for the axes of `windows`
    """

    def pool(part: slice) -> tuple[Array, list[Array]]:
        y, winners = x[part], []
        for along in reversed(windows):
            y, winner = _max_along(y, along, keep)
            winners.append(winner)
        return y, winners[::-1]

    (y, winners), *rest = in_halves(pool, len(x), _PASSES * x.size)
    for more, others in rest:
        y = np.concatenate([y, more])
        if keep:
            winners = [np.concatenate(pair) for pair in zip(winners, others, strict=True)]
    return y, winners


def _max_along(x: Array, along: Along, keep: bool) -> Any:
    if along.whole:
        return _max_of_all(x, along, keep)
    shape = _result(x, along, along.outputs)
    winner = np.zeros(shape, np.min_scalar_type(len(along.offsets))) if keep else None
    y = np.full(shape, _lowest(x.dtype), x.dtype)
    for k, (places, entries) in enumerate(along.offsets):
        found, at = x[along.part(entries)], along.part(places)
        if winner is not None:
            winner[at] = np.maximum(winner[at], _numbered(found > y[at], k, winner.dtype))
        y[at] = np.maximum(y[at], found)
    return y, winner


def _max_of_all(x: Array, along: Along, keep: bool) -> Any:
    """The same where each offset meets the input at every place."""
    first, *rest = [x[along.part(entries)] for _, entries in along.offsets]
    dtype = np.min_scalar_type(len(along.offsets))
    y, winner = first if rest else first.copy(), None
    if keep and not rest:
        winner = np.zeros(y.shape, dtype)
    for k, found in enumerate(rest, 1):
        if keep:
            better = _numbered(found > y, k, dtype)
            winner = better if winner is None else np.maximum(winner, better, out=winner)
        y = np.maximum(y, found, out=None if k == 1 else y)
    return y, winner


def _numbered(better: Array, k: int, dtype: Any) -> Array:
    """k where an entry is better, else 0: the last better one of all is the largest number."""
    return better.view(np.uint8) if k == 1 and dtype == np.uint8 else better * dtype.type(k)


@kernel
def max_pool_back(dy: Array, windows: list[Along], winners: list[Array]) -> Array:
    """The gradient of `max_pool`: all of it goes to the entry that won."""
    if not windows:  # each window is one entry
        return dy
    shape = dy.shape
    for along in windows:
        shape = (*shape[: along.axis], along.length, *shape[along.axis + 1 :])
    dx = np.empty(shape, dy.dtype)

    def back(part: slice) -> None:
        share, last = dy[part], len(windows) - 1
        for i, (along, winner) in enumerate(zip(windows, winners, strict=True)):
            share = _winners_take(share, along, winner[part], dx[part] if i == last else None)

    in_halves(back, len(dy), _PASSES * dx.size)
    return dx


def _winners_take(dy: Array, along: Along, winner: Array, dx: Array | None) -> Array:
    exact = along.whole and along.apart
    size = len(along.offsets)
    if dx is None:
        dx = np.empty(_result(dy, along, along.length), dy.dtype)
    if not exact or size * along.outputs != along.length:
        dx[...] = 0
    if exact:
        first = dx[along.part(along.offsets[0][1])]
        rest = dy
        for k in range(1, size):
            taken = dx[along.part(along.offsets[k][1])]
            np.multiply(dy, winner if size == 2 else winner == k, out=taken)
            rest = np.subtract(rest, taken, out=first)
        if size == 1:
            first[...] = dy
        return dx
    for k, (places, entries) in enumerate(along.offsets):
        at = along.part(places)
        _add(dx, along.part(entries), dy[at] * (winner[at] == k))
    return dx


def _add(target: Array, at: tuple[Any, ...], values: Array) -> None:
    if isinstance(at[-1], slice):
        target[at] += values
    else:  # windows of an adaptive pooling may share entries
        np.add.at(target, at, values)


@kernel
def average_pool(x: Array, windows: list[Along]) -> Array:
    """The mean of each window, over those of its entries that lie within the input.

    Shapes: x (any shape) -> the same, but for the axes of `windows`
    """
    ndim = x.ndim
    for along in reversed(windows):
        y = np.zeros(_result(x, along, along.outputs), x.dtype)
        for k, (places, entries) in enumerate(along.offsets):
            at, found = along.part(places), x[along.part(entries)]
            if k == 0 and along.whole:
                y[at] = found
            else:
                y[at] += found
        x = y
    x /= _counts(windows, ndim, x.dtype)
    return x


def _counts(windows: list[Along], ndim: int, dtype: Any) -> Any:
    """How many entries each window sees: one number, or an array that broadcasts."""
    if all(along.whole for along in windows):
        return dtype.type(math.prod(int(along.counts[0]) for along in windows))
    total = np.ones((1,) * ndim, dtype)
    for along in windows:
        total = total * along.counts.reshape([-1 if i == along.axis else 1 for i in range(ndim)])
    return total.astype(dtype)


@kernel
def average_pool_back(dy: Array, windows: list[Along]) -> Array:
    """The gradient of `average_pool`: each entry of a window gets an equal share."""
    dy = dy / _counts(windows, dy.ndim, dy.dtype)
    for along in windows:
        exact = along.whole and along.apart
        filled = exact and len(along.offsets) * along.outputs == along.length
        dx = (np.empty if filled else np.zeros)(_result(dy, along, along.length), dy.dtype)
        for places, entries in along.offsets:
            if exact:
                dx[along.part(entries)] = dy
            else:
                _add(dx, along.part(entries), dy[along.part(places)])
        dy = dx
    return dy

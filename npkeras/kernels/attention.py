"""Scaled dot-product attention: softmax(scale * q k' + bias) v for each head, and its way back.

The scores of all heads of a batch do not fit into the cache. Here a few heads at a time (of long
sequences: a few queries) go through all passes, in one buffer that does.

Where the lengths of the vectors show that no score is large, none has to be shifted before `exp`,
and what is masked is multiplied by zero.

Letters: B batch, K heads of the key, G heads of the query for each of those, T query steps, S key
steps. Heads stand before steps, as views of arrays in which they stand behind.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from npkeras.kernels import kernel
from npkeras.kernels.threads import halves, slices, together

Array = np.ndarray
Unit = tuple[slice, slice]  # some samples, some heads of the key

_BLOCK_BYTES = 3 * 2**19  # of scores: two such blocks, and what goes in and out, stay in the cache
_FEW_QUERIES = 64  # fewer at a time would make the products slow
_TWO = 2**18  # so many scores are worth a second thread
_BOUND = 20.0  # exp(20) is far from all limits, and so is the sum of many


class Mask(NamedTuple):
    """Where queries may not see keys, as numbers that broadcast with the scores."""

    seen: Array  # 1 where a query may see a key, else 0
    hidden: Array  # what is added to scores: 0, or next to which the score itself is rounded away
    blind: Array | None  # 1 for a query that may see nothing; None: there is none

    def part(self, at: tuple[slice, ...]) -> Mask:
        """What goes with a block of the scores."""
        blind = None if self.blind is None else _piece(self.blind, at)
        return Mask(_piece(self.seen, at), _piece(self.hidden, at), blind)


class Attended(NamedTuple):
    """The result, and what the way back needs."""

    y: Array  # (B, K, G, T, features of the value), a view of (B, T, K, G, features)
    weights: Array | None  # (B, K, G, T, S): the softmax

    def part(self, samples: slice) -> Attended:
        """That of some samples."""
        return Attended(self.y[samples], None if self.weights is None else self.weights[samples])


class Gradients(NamedTuple):
    """One for each argument that is wanted; None for the others."""

    query: Array | None
    key: Array | None
    value: Array | None
    scores: Array | None


def mask_of(seen: Array | None, dtype: np.dtype) -> Mask | None:
    """A mask of booleans of at most five axes, which broadcasts to (B, K, G, T, S)."""
    if seen is None or seen.all():
        return None
    seen = seen.reshape((1,) * (5 - seen.ndim) + seen.shape)
    blind = ~seen.any(axis=-1, keepdims=True)
    lowest = dtype.type(-0.7 * np.finfo(dtype).max)
    hidden = np.where(seen, dtype.type(0), lowest)
    return Mask(seen.astype(dtype), hidden, blind.astype(dtype) if blind.any() else None)


@kernel
def attention(
    query: Array,
    key: Array,
    value: Array,
    scale: float,
    bias: Array | None = None,
    mask: Mask | None = None,
    factors: Array | None = None,
    blind_sees_all: bool = True,
    keep: bool = False,
) -> Attended:
    """softmax(scale * query @ key' + bias) @ value.

    Args:
        bias: Added to the scores.
        mask: See `mask_of`.
        factors: What the weights are multiplied by before the values are: dropout.
        blind_sees_all: Whether a query that may see nothing gets the mean of the values, or 0.
        keep: Whether what the way back needs is to be kept.

    Shapes:
        query (B, K, G, T, features), key and value (B, K, 1, S, features), bias broadcasts to
        (B, K, G, T, S), factors (B, K, G, T, S)
    """
    batch, heads, groups, steps, _ = query.shape
    shape = (batch, heads, groups, steps, key.shape[3])
    y = np.empty((batch, steps, heads * groups * value.shape[-1]), query.dtype)
    weights = np.empty(shape, query.dtype) if keep else None
    found = Attended(headed(y, heads, groups), weights)
    attend(found, query, key, value, scale, bias, mask, factors, blind_sees_all)
    return found


def attend(
    found: Attended,
    query: Array,
    key: Array,
    value: Array,
    scale: float,
    bias: Array | None = None,
    mask: Mask | None = None,
    factors: Array | None = None,
    blind_sees_all: bool = True,
) -> None:
    """`attention`, whose result is written into arrays that are there already."""
    y, weights = found
    shape = (*query.shape[:-1], key.shape[3])
    shifted = bias is not None or not _bound(query, key, scale) <= _BOUND
    one = np.ones(shape[-1], query.dtype)

    def block(at: tuple[slice, ...], part: tuple[slice, ...], space: Array) -> None:
        x = space if weights is None else weights[at]
        scaled = query[at] * query.dtype.type(scale)
        np.matmul(scaled, key[part].swapaxes(-1, -2), out=x)
        if bias is not None:
            x += _piece(bias, at)
        part_of_mask = None if mask is None else mask.part(at)
        _exponentials(x, part_of_mask, shifted)
        blind = None if part_of_mask is None else part_of_mask.blind
        if blind is not None and not blind_sees_all:
            x *= 1 - blind
        total = np.matmul(x, one)
        if blind is not None and not blind_sees_all:
            total += blind[..., 0]
        x /= total[..., None]
        dropped = x if factors is None else np.multiply(x, factors[at], out=space)
        np.matmul(dropped, value[part], out=y[at])

    _for_all_blocks(shape, query.dtype, block)


def _exponentials(x: Array, mask: Mask | None, shifted: bool) -> None:
    """Scores become exp(scores), 0 where masked; 1 in all of a row that is masked throughout."""
    if shifted:
        if mask is not None:
            x += mask.hidden
        x -= x.max(axis=-1, keepdims=True, initial=-np.inf)
        np.exp(x, out=x)
        return
    np.exp(x, out=x)
    if mask is not None:
        x *= mask.seen
        if mask.blind is not None:
            x += mask.blind


@kernel
def attention_backward(
    dy: Array,
    query: Array,
    key: Array,
    value: Array,
    scale: float,
    attended: Attended,
    mask: Mask | None = None,
    factors: Array | None = None,
    wanted: tuple[bool, bool, bool, bool] = (True, True, True, True),
) -> Gradients:
    """From the gradient of the result of `attention` to those of query, key, value and scores.

    With P the softmax and D the factors:

        dvalue = (P * D)' dy
        dP = D * (dy value'),  dscores = P * (dP - sum(P * dP))
        dquery = scale * dscores key,  dkey = scale * dscores' query

    Shapes: dy (B, K, G, T, features of the value)
    """
    assert attended.weights is not None
    gradients = Gradients(
        _like(query) if wanted[0] else None,
        _like(key) if wanted[1] else None,
        _like(value) if wanted[2] else None,
        np.empty_like(attended.weights) if wanted[3] else None,
    )
    attend_backward(gradients, dy, query, key, value, scale, attended, mask, factors)
    return gradients


def attend_backward(
    gradients: Gradients,
    dy: Array,
    query: Array,
    key: Array,
    value: Array,
    scale: float,
    attended: Attended,
    mask: Mask | None = None,
    factors: Array | None = None,
) -> None:
    """`attention_backward`, whose results are written into arrays that are there already."""
    weights = attended.weights
    assert weights is not None
    dquery, dkey, dvalue, dscores = gradients
    shape, dtype = weights.shape, query.dtype
    factor = dtype.type(scale)

    def block(at: tuple[slice, ...], part: tuple[slice, ...], space: Array) -> None:
        x, first = weights[at], at[3].start == 0
        given = dy[at]
        if dvalue is not None:
            dropped = x if factors is None else np.multiply(x, factors[at], out=space)
            _add_product(dropped, given, dvalue[part], first)
        if dquery is None and dkey is None and dscores is None:
            return
        dx = np.matmul(given, value[part].swapaxes(-1, -2), out=space)
        if factors is not None:
            dx *= factors[at]
        dx -= np.vecdot(x, dx)[..., None]
        dx *= x
        if mask is not None and mask.blind is not None:
            dx *= 1 - _piece(mask.blind, at)
        if dscores is not None:
            dscores[at] = dx
        if dquery is not None:
            np.matmul(dx, key[part] * factor, out=dquery[at])
        if dkey is not None:
            _add_product(dx, query[at] * factor, dkey[part], first)

    _for_all_blocks(shape, dtype, block)


def _add_product(x: Array, rows: Array, total: Array, first: bool) -> None:
    """x' @ rows, summed over the heads that share one of the key's, into `total`."""
    if first and x.shape[2] == 1:
        np.matmul(x.swapaxes(-1, -2), rows, out=total)
        return
    found = np.matmul(x.swapaxes(-1, -2), rows).sum(axis=2, keepdims=True)
    if first:
        total[...] = found
    else:
        total += found


def headed(x: Array, heads: int, groups: int) -> Array:
    """(B, steps, heads * groups * features) as (B, heads, groups, steps, features): a view."""
    batch, steps, width = x.shape
    features = width // max(1, heads * groups)
    return x.reshape(batch, steps, heads, groups, features).transpose(0, 2, 3, 1, 4)


def _like(x: Array) -> Array:
    """Space for a gradient, with the steps before the heads."""
    batch, heads, groups, steps, features = x.shape
    return headed(np.empty((batch, steps, heads * groups * features), x.dtype), heads, groups)


def _bound(query: Array, key: Array, scale: float) -> float:
    """What no score exceeds: the product of the largest lengths of two vectors."""
    longest = [float(_squared_lengths(x).max(initial=0)) for x in (query, key)]
    return abs(scale) * float(np.sqrt(longest[0]) * np.sqrt(longest[1]))


def _squared_lengths(x: Array) -> Array:
    """Of all vectors; in the order in which they lie in memory, and so in long loops."""
    batch, heads, groups, steps, features = x.shape
    rows = x.transpose(0, 3, 1, 2, 4).reshape(batch, steps, heads * groups * features)
    return np.square(rows).reshape(-1, features) @ np.ones(features, x.dtype)


def _piece(x: Array, at: tuple[slice, ...]) -> Array:
    """The part of an array that broadcasts with the scores which goes with a block of them."""
    return x[tuple(s if n > 1 else slice(None) for s, n in zip(at, x.shape, strict=False))]


def _for_all_blocks(shape: tuple[int, ...], dtype: np.dtype, block: Callable[..., None]) -> None:
    """Call `block` for pieces of the scores, each small enough for the cache.

    It gets the piece's place in (B, K, G, T), the one in (B, K) of the keys, and a buffer. The
    queries of a head come one after another, and on one thread.
    """
    units = _units(shape, dtype.itemsize)
    if not units:
        return
    length = _queries(shape, dtype.itemsize)
    samples, heads = (s.stop - s.start for s in units[0])

    def work(some: list[Unit]) -> None:
        space = np.empty((samples, heads, shape[2], length, shape[4]), dtype)
        for b, k in some:
            for start in range(0, shape[3], length):
                t = slice(start, min(start + length, shape[3]))
                piece = space[: b.stop - b.start, : k.stop - k.start, :, : t.stop - start]
                block((b, k, slice(None), t), (b, k), piece)

    if len(units) > 1 and np.prod(shape) >= _TWO:
        first, second = halves(len(units))
        together(lambda: work(units[first]), lambda: work(units[second]))
    else:
        work(units)


def _queries(shape: tuple[int, ...], itemsize: int) -> int:
    """How many queries of one head of the key are taken at a time."""
    row = max(1, shape[2] * shape[4] * itemsize)
    return max(1, min(shape[3], max(_FEW_QUERIES, _BLOCK_BYTES // row)))


def _units(shape: tuple[int, ...], itemsize: int) -> list[Unit]:
    """Slices of samples and heads whose scores fill a block: all of them, each once."""
    batch, heads, groups, steps, keys = shape
    head = max(1, groups * steps * keys * itemsize)
    some = max(1, min(heads, _BLOCK_BYTES // head))
    samples = max(1, _BLOCK_BYTES // (head * heads)) if some == heads else 1
    return [(b, k) for b in slices(batch, samples) for k in slices(heads, some)]

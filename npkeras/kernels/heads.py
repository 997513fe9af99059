"""Multi-head attention as a whole: the heads are cut out of products, attend, and are mixed.

What a few samples need lies together in the cache: their products, scores and results. So a few
samples at a time go through everything, forward and backward, half of them on each core, and
heads are views of one array of products, never moved.

Where query, key and value are the same array their weights stand side by side, and there is one
product instead of three: also on the way back, where it adds the three gradients up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from npkeras.core.sums import column_sums
from npkeras.kernels import kernel
from npkeras.kernels.attention import (
    Attended,
    Gradients,
    Mask,
    attend,
    attend_backward,
    headed,
)
from npkeras.kernels.products import dot
from npkeras.kernels.threads import halves, slices, together

Array = np.ndarray

_BLOCK_BYTES = 3 * 2**19  # of the scores, and of the products, of the samples taken at a time
_TWO = 2**18  # so many scores are worth a second thread


class Weights(NamedTuple):
    """What heads are made with: four matrices (inputs, outputs), and as many biases or None."""

    kernels: Sequence[Array]  # of query, key, value, and of the mixture of the results
    biases: Sequence[Array | None]


class Kept(NamedTuple):
    """What the way back needs."""

    sources: list[_Source]
    products: list[Array]
    attended: Attended
    mixed: Array  # (B, T, heads * features): what `attended.y` is a view of


class HeadGradients(NamedTuple):
    """One for each input that was not None, and one for each kernel and bias."""

    inputs: list[Array]
    kernels: list[Array]
    biases: list[Array]


class _Source:
    """An input, and side by side the weights of all that is made of it: query, key or value."""

    def __init__(self, x: Array, weights: Weights, members: list[int], scale: float) -> None:
        self.x = x
        self.factors = [x.dtype.type(scale if i == 0 else 1) for i in members]
        kernels = [weights.kernels[i] for i in members]
        ends = np.cumsum([w.shape[1] for w in kernels])
        self.columns = [
            slice(end - w.shape[1], end) for w, end in zip(kernels, ends.tolist(), strict=True)
        ]
        self.kernel = self._beside(kernels)
        biases = [weights.biases[i] for i in members]
        self.bias = None if biases[0] is None else self._beside(biases)

    def _beside(self, arrays: Sequence[Any]) -> Array:
        scaled = [a * f for a, f in zip(arrays, self.factors, strict=True)]
        return np.concatenate(scaled, axis=-1)

    def apart(self, gradient: Array) -> list[Array]:
        """The gradients of query, key and value in that of the weights side by side."""
        return [
            gradient[..., part] * factor
            for part, factor in zip(self.columns, self.factors, strict=True)
        ]

    def space(self, samples: int) -> Array:
        return np.empty((samples, self.x.shape[1], self.kernel.shape[1]), self.x.dtype)


def _sources(inputs: Sequence[Array | None], weights: Weights, scale: float) -> list[_Source]:
    members: list[list[int]] = []
    for i, x in enumerate(inputs):
        members = [*members, [i]] if x is not None else [*members[:-1], [*members[-1], i]]
    return [_Source(inputs[some[0]], weights, some, scale) for some in members]  # type: ignore[arg-type]


def _by_heads(
    sources: list[_Source], products: list[Array], heads: tuple[int, int]
) -> tuple[Array, Array, Array]:
    """Query, key and value by heads, as views of the products of all sources."""
    query, key, value = (
        y[..., part] for s, y in zip(sources, products, strict=True) for part in s.columns
    )
    return headed(query, *heads), headed(key, heads[0], 1), headed(value, heads[0], 1)


@kernel
def attention_by_heads(
    query: Array,
    key: Array | None,
    value: Array | None,
    weights: Weights,
    heads: tuple[int, int],
    scale: float,
    mask: Mask | None = None,
    factors: Array | None = None,
    blind_sees_all: bool = True,
    keep: bool = False,
) -> tuple[Array, Kept | None]:
    """What `attention` makes of query, key and value times their weights, times the last weights.

    Args:
        query, key, value: Arrays that lie in one piece. None: the same as the one before.
        heads: How many the key has, and how many of the query share one of those.
        mask, factors, blind_sees_all, keep: As for `attention`.

    Shapes: query (B, T, any), key and value (B, S, any) -> (B, T, outputs)
    """
    sources = _sources((query, key, value), weights, scale)
    batch, steps, _ = query.shape
    last, bias = weights.kernels[3], weights.biases[3]
    shape = (batch, *heads, steps, sources[-1].x.shape[1])
    y = np.empty((batch, steps, last.shape[1]), query.dtype)
    mixed = np.empty((batch, steps, len(last)), query.dtype)
    found = Attended(headed(mixed, *heads), np.empty(shape, query.dtype) if keep else None)
    kept = [s.space(batch) for s in sources] if keep else None

    def work(parts: list[slice]) -> None:
        space = [s.space(_count(parts[0])) for s in sources] if kept is None else None
        for part in parts:
            products = _own(space, kept, part)
            for source, product in zip(sources, products, strict=True):
                _affine(source.x[part], source.kernel, source.bias, product)
            options = _masks(mask, factors, part)
            views = _by_heads(sources, products, heads)
            attend(found.part(part), *views, 1.0, None, *options, blind_sees_all)
            _affine(mixed[part], last, bias, y[part])

    _for_all_samples(shape, sources, work)
    return y, None if kept is None else Kept(sources, kept, found, mixed)


@kernel
def attention_by_heads_backward(
    dy: Array,
    weights: Weights,
    heads: tuple[int, int],
    kept: Kept,
    mask: Mask | None = None,
    factors: Array | None = None,
    want_inputs: bool = True,
) -> HeadGradients:
    """From the gradient of the result of `attention_by_heads` to those of inputs and weights.

    Each product y = x W + b has dx = dy W', dW = x' dy and db = sum(dy); what lies between the
    products is the business of `attention_backward`.
    """
    sources, products, found, mixed = kept
    last = weights.kernels[3]
    shape = (len(dy), *heads, dy.shape[1], sources[-1].x.shape[1])
    inputs = [np.empty_like(s.x) for s in sources] if want_inputs else []

    def work(parts: list[slice]) -> list[_Sums]:
        sums = [_Sums(s.kernel) for s in sources]
        last_sums = _Sums(last)
        space = [s.space(_count(parts[0])) for s in sources]
        dmixed_space = np.empty((_count(parts[0]), *mixed.shape[1:]), mixed.dtype)
        for part in parts:
            given = dy[part]
            last_sums.add(mixed[part], given)
            dmixed = dmixed_space[: len(given)]
            dot(_rows(given), last.T, out=_rows(dmixed))
            gradients = _own(space, None, part)
            attend_backward(
                Gradients(*_by_heads(sources, gradients, heads), None),
                headed(dmixed, *heads),
                *_by_heads(sources, [p[part] for p in products], heads),
                1.0,
                found.part(part),
                *_masks(mask, factors, part),
            )
            for i, (source, gradient) in enumerate(zip(sources, gradients, strict=True)):
                sums[i].add(source.x[part], gradient)
                if want_inputs:
                    dot(_rows(gradient), source.kernel.T, out=_rows(inputs[i][part]))
        return [*sums, last_sums]

    *sums, last_sums = _added(_for_all_samples(shape, sources, work))
    pairs = list(zip(sources, sums, strict=True))
    kernels = [g for source, total in pairs for g in source.apart(total.kernel)]
    biases = [g for source, total in pairs for g in source.apart(total.bias)]
    return HeadGradients(inputs, [*kernels, last_sums.kernel], [*biases, last_sums.bias])


class _Sums:
    """The gradients of a kernel and a bias, added up over pieces."""

    def __init__(self, kernel: Array) -> None:
        self.kernel, self.bias = np.zeros_like(kernel), np.zeros(kernel.shape[1], kernel.dtype)

    def add(self, x: Array, dy: Array) -> None:
        rows = _rows(dy)
        self.kernel += dot(_rows(x).T, rows)
        self.bias += column_sums(rows)


def _added(results: list[list[_Sums]]) -> list[_Sums]:
    """What was summed up in pieces, in one."""
    first, *others = results
    for other in others:
        for total, more in zip(first, other, strict=True):
            total.kernel += more.kernel
            total.bias += more.bias
    return first


def _rows(x: Array) -> Array:
    return x.reshape(-1, x.shape[-1])


def _count(part: slice) -> int:
    return part.stop - part.start


def _affine(x: Array, kernel: Array, bias: Array | None, y: Array) -> None:
    """Fill in y = x @ kernel + bias."""
    dot(_rows(x), kernel, out=_rows(y))
    if bias is not None:
        y += bias


def _own(space: list[Array] | None, kept: list[Array] | None, part: slice) -> list[Array]:
    """Where the products of some samples go: to their place, if they are kept."""
    if kept is not None:
        return [products[part] for products in kept]
    return [buffer[: _count(part)] for buffer in space or ()]


def _masks(mask: Mask | None, factors: Array | None, part: slice) -> tuple[Any, Any]:
    return mask and mask.part((part,)), None if factors is None else factors[part]


def _for_all_samples(
    shape: tuple[int, ...], sources: list[_Source], work: Callable[[list[slice]], Any]
) -> list[Any]:
    """What `work` returns for slices of the samples that fit into the cache, in one or two lists.

    Args:
        shape: That of the scores, (B, K, G, T, S).
    """
    samples, scores = shape[0], math.prod(shape[1:])
    entries = max(scores, *(s.x.shape[1] * s.kernel.shape[1] for s in sources))
    most = max(1, _BLOCK_BYTES // (entries * sources[0].x.itemsize))
    parts = slices(samples, most)
    if len(parts) == 1 or samples * scores < _TWO:
        return [work(parts)]
    if len(parts) % 2:
        parts = slices(samples, -(-samples // (len(parts) + 1)))
    first, second = halves(len(parts))
    return list(together(lambda: work(parts[first]), lambda: work(parts[second])))

"""Sums of products over named axes: what `einsum`, `tensordot` and `dot` come down to.

Axes carry labels. Two arrays are contracted by one matrix product: labels that both have and
the result keeps are a batch, labels that both have and the result lacks are summed over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy import ndarray

Labels = tuple[str, ...]


def product(a: ndarray, b: ndarray) -> ndarray:
    """a @ b; with one matrix on the right as one large product, not one per matrix of a batch.

    float16 is multiplied in float32 and rounded once.
    """
    if a.dtype == np.float16:
        return product(a.astype(np.float32), b.astype(np.float32)).astype(np.float16)
    if b.ndim == 2 and a.ndim > 2:
        rows = math.prod(a.shape[:-1])
        return (a.reshape(rows, a.shape[-1]) @ b).reshape(*a.shape[:-1], b.shape[1])
    return a @ b


def contract(arrays: Sequence[ndarray], labels: Sequence[Labels], kept: Labels) -> ndarray:
    """The sum over all labels that are not kept of the product of the arrays.

    A label may have length 1 in one array and another length in the next: it is then spread.
    The result can be a view, and can lack nothing that is in `kept`.
    """
    operands = [_diagonals(x, names) for x, names in zip(arrays, labels, strict=True)]
    lengths: dict[str, int] = {}
    for x, names in operands:
        for name, length in zip(names, x.shape, strict=True):
            if lengths.get(name, 1) == 1:
                lengths[name] = length
    operands = [_without_spread_axes(x, names, lengths) for x, names in operands]
    while len(operands) > 1:
        i, j = _cheapest_pair(operands, kept, lengths)
        right, left = operands.pop(j), operands.pop(i)
        others = {name for _, names in operands for name in names}
        operands.append(_pair(*left, *right, others | set(kept), kept))
    x, names = operands[0]
    x, names = _summed(x, names, set(kept))
    x = x.transpose([names.index(name) for name in kept if name in names])
    missing = [i for i, name in enumerate(kept) if name not in names]
    if missing:
        full = [lengths[name] for name in kept]
        x = np.broadcast_to(np.expand_dims(x, tuple(missing)), full)
    return x


def _diagonals(x: ndarray, names: Labels) -> tuple[ndarray, Labels]:
    """A label that stands twice in one array means its diagonal."""
    for name in names:
        while names.count(name) > 1:
            first, second = [i for i, n in enumerate(names) if n == name][:2]
            x = np.diagonal(x, axis1=first, axis2=second)
            names = tuple(n for i, n in enumerate(names) if i not in (first, second)) + (name,)
    return x, names


def _without_spread_axes(
    x: ndarray, names: Labels, lengths: dict[str, int]
) -> tuple[ndarray, Labels]:
    spread = [i for i, name in enumerate(names) if x.shape[i] == 1 != lengths[name]]
    if spread:
        x = x.squeeze(tuple(spread))
        names = tuple(name for i, name in enumerate(names) if i not in spread)
    return x, names


def _cheapest_pair(operands: list, kept: Labels, lengths: dict[str, int]) -> tuple[int, int]:
    """The two operands whose product is smallest compared with the two themselves."""
    if len(operands) == 2:
        return 0, 1

    def growth(i: int, j: int) -> int:
        others = {n for k, (_, names) in enumerate(operands) if k not in (i, j) for n in names}
        both = set(operands[i][1]) | set(operands[j][1])
        size = math.prod(lengths[n] for n in both if n in others or n in kept)
        return size - operands[i][0].size - operands[j][0].size

    pairs = [(i, j) for j in range(len(operands)) for i in range(j)]
    return min(pairs, key=lambda pair: growth(*pair))


def _summed(x: ndarray, names: Labels, wanted: set[str]) -> tuple[ndarray, Labels]:
    """The array summed over labels that nobody else wants."""
    alone = tuple(i for i, name in enumerate(names) if name not in wanted)
    if not alone:
        return x, names
    return x.sum(axis=alone, dtype=x.dtype), tuple(n for n in names if n in wanted)


def _pair(
    a: ndarray, a_names: Labels, b: ndarray, b_names: Labels, wanted: set[str], kept: Labels
) -> tuple[ndarray, Labels]:
    """Two arrays as one: labels that are not wanted any more are summed over."""
    a, a_names = _summed(a, a_names, wanted | set(b_names))
    b, b_names = _summed(b, b_names, wanted | set(a_names))
    batch = [n for n in a_names if n in b_names and n in wanted]
    over = [n for n in a_names if n in b_names and n not in wanted]
    a_free = [n for n in a_names if n not in b_names]
    b_free = [n for n in b_names if n not in a_names]
    if not over:
        return _spread_product(a, a_names, b, b_names)
    if kept and b_free and kept[-1] in a_free:  # the result then needs no other order of axes
        return _pair_in_order(b, b_names, a, a_names, batch, over, b_free, a_free)
    return _pair_in_order(a, a_names, b, b_names, batch, over, a_free, b_free)


def _pair_in_order(
    a: ndarray,
    a_names: Labels,
    b: ndarray,
    b_names: Labels,
    batch: list[str],
    over: list[str],
    a_free: list[str],
    b_free: list[str],
) -> tuple[ndarray, Labels]:
    left = _as_matrices(a, a_names, batch, a_free, over)
    right = _as_matrices(b, b_names, batch, over, b_free)
    a_lengths = [a.shape[a_names.index(n)] for n in batch + a_free]
    b_lengths = [b.shape[b_names.index(n)] for n in b_free]
    return product(left, right).reshape(a_lengths + b_lengths), (*batch, *a_free, *b_free)


def _as_matrices(
    x: ndarray, names: Labels, batch: list[str], rows: list[str], columns: list[str]
) -> ndarray:
    """The array with all row labels in one axis, all column labels in the next.

    Where the columns stand before the rows in memory, a transposed view avoids a copy.
    """
    order = {name: i for i, name in enumerate(names)}
    lengths = [x.shape[order[n]] for n in batch]
    height = math.prod(x.shape[order[n]] for n in rows)
    width = math.prod(x.shape[order[n]] for n in columns)
    if list(names) == batch + columns + rows:
        return x.reshape(*lengths, width, height).swapaxes(-1, -2)
    x = x.transpose([order[n] for n in batch + rows + columns])
    return x.reshape(*lengths, height, width)


def _spread_product(
    a: ndarray, a_names: Labels, b: ndarray, b_names: Labels
) -> tuple[ndarray, Labels]:
    """The product where nothing is summed over."""
    names = a_names + tuple(n for n in b_names if n not in a_names)
    a = a.reshape(a.shape + (1,) * (len(names) - a.ndim))
    b = b.transpose([b_names.index(n) for n in names if n in b_names])
    b = np.expand_dims(b, tuple(i for i, n in enumerate(names) if n not in b_names))
    return a * b, names

"""Sums of products over named axes: what `einsum`, `tensordot` and `dot` come down to.

Axes carry labels. Two arrays are contracted by one matrix product: labels that both have and
the result keeps are a batch, labels that both have and the result lacks are summed over.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy import ndarray

from npkeras.kernels.products import dot

Labels = tuple[str, ...]


def product(a: ndarray, b: ndarray) -> ndarray:
    """a @ b; with one matrix on the right as one large product, not one per matrix of a batch.

    float16 is multiplied in float32 and rounded once.
    """
    if a.dtype.char == "e":
        return product(a.astype(np.float32), b.astype(np.float32)).astype(np.float16)
    if b.ndim == 2 and a.ndim > 2:
        rows = math.prod(a.shape[:-1])
        return dot(a.reshape(rows, a.shape[-1]), b).reshape(*a.shape[:-1], b.shape[1])
    return dot(a, b) if a.ndim == b.ndim == 2 else a @ b


def contract(arrays: Sequence[ndarray], labels: Sequence[Labels], kept: Labels) -> ndarray:
    """The sum over all labels that are not kept of the product of the arrays.

    A label may have length 1 in one array and another length in the next: it is then spread.
    The result can be a view.
    """
    operands = [
        (x, names) if len(set(names)) == len(names) else _diagonals(x, names)
        for x, names in zip(arrays, labels, strict=True)
    ]
    while len(operands) > 1:
        i, j = (0, 1) if len(operands) == 2 else _cheapest_pair(operands, kept)
        right, left = operands.pop(j), operands.pop(i)
        others = frozenset(n for _, names in operands for n in names) | frozenset(kept)
        operands.append(_pair(*left, *right, others, kept))
    x, names = operands[0]
    if names == kept:
        return x
    x, names = _summed(x, names, frozenset(kept))
    return x.transpose([names.index(name) for name in kept])


def _diagonals(x: ndarray, names: Labels) -> tuple[ndarray, Labels]:
    """A label that stands twice in one array means its diagonal."""
    for name in names:
        while names.count(name) > 1:
            first, second = [i for i, n in enumerate(names) if n == name][:2]
            x = np.diagonal(x, axis1=first, axis2=second)
            names = tuple(n for i, n in enumerate(names) if i not in (first, second)) + (name,)
    return x, names


def _cheapest_pair(operands: list, kept: Labels) -> tuple[int, int]:
    """The two operands whose product is smallest compared with the two themselves."""
    lengths: dict[str, int] = {}
    for x, names in operands:
        for name, length in zip(names, x.shape, strict=True):
            lengths[name] = max(length, lengths.get(name, length))

    def growth(i: int, j: int) -> int:
        others = {n for k, (_, names) in enumerate(operands) if k not in (i, j) for n in names}
        both = set(operands[i][1]) | set(operands[j][1])
        size = math.prod(lengths[n] for n in both if n in others or n in kept)
        return size - operands[i][0].size - operands[j][0].size

    pairs = [(i, j) for j in range(len(operands)) for i in range(j)]
    return min(pairs, key=lambda pair: growth(*pair))


def _summed(x: ndarray, names: Labels, wanted: frozenset[str]) -> tuple[ndarray, Labels]:
    """The array summed over labels that nobody wants."""
    alone = tuple(i for i, name in enumerate(names) if name not in wanted)
    if not alone:
        return x, names
    return x.sum(axis=alone, dtype=x.dtype), tuple(n for n in names if n in wanted)


class _Form(NamedTuple):
    """How an operand becomes a stack of matrices; None for a step that is not needed."""

    summed: tuple[int, ...] | None
    order: tuple[int, ...] | None
    shape: tuple[int, ...] | None
    turned: bool

    def of(self, x: ndarray) -> ndarray:
        if self.summed:
            x = x.sum(axis=self.summed, dtype=x.dtype)
        if self.order:
            x = x.transpose(self.order)
        if self.shape is not None:
            x = x.reshape(self.shape)
        return x.swapaxes(-1, -2) if self.turned else x


class _Plan(NamedTuple):
    """How two operands are contracted: which is on the left, their forms, what comes out."""

    swapped: bool
    left: _Form
    right: _Form
    multiplied: bool  # entry by entry: nothing is summed over
    shape: tuple[int, ...]
    names: Labels


def _pair(
    a: ndarray, a_names: Labels, b: ndarray, b_names: Labels, wanted: frozenset[str], kept: Labels
) -> tuple[ndarray, Labels]:
    """Two arrays as one: labels that are not wanted any more are summed over."""
    plan = _planned(a.shape, a_names, b.shape, b_names, wanted, kept)
    if plan.swapped:
        a, b = b, a
    left, right = plan.left.of(a), plan.right.of(b)
    if plan.multiplied:
        return left * right, plan.names
    return product(left, right).reshape(plan.shape), plan.names


@functools.lru_cache(maxsize=1024)
def _planned(
    a_shape: tuple[int, ...],
    a_names: Labels,
    b_shape: tuple[int, ...],
    b_names: Labels,
    wanted: frozenset[str],
    kept: Labels,
) -> _Plan:
    a_dropped, a_lengths = _dropped(a_names, a_shape, b_names, b_shape, wanted)
    b_dropped, b_lengths = _dropped(b_names, b_shape, a_names, a_shape, wanted)
    a_free = [n for n in a_lengths if n not in b_lengths]
    b_free = [n for n in b_lengths if n not in a_lengths]
    batch = [n for n in a_lengths if n in b_lengths and n in wanted]
    over = [n for n in a_lengths if n in b_lengths and n not in wanted]
    if not over:
        names = (*a_lengths, *b_free)
        left = _spread_form(a_dropped, a_lengths, names)
        right = _spread_form(b_dropped, b_lengths, names)
        return _Plan(False, left, right, True, (), names)
    swapped = bool(kept and b_free and kept[-1] in a_free)  # the result is then in order
    if swapped:
        a_dropped, a_lengths, b_dropped, b_lengths = b_dropped, b_lengths, a_dropped, a_lengths
        a_free, b_free = b_free, a_free
    left = _matrix_form(a_dropped, a_lengths, batch, a_free, over)
    right = _matrix_form(b_dropped, b_lengths, batch, over, b_free)
    shape = [a_lengths[n] for n in batch + a_free] + [b_lengths[n] for n in b_free]
    return _Plan(swapped, left, right, False, tuple(shape), (*batch, *a_free, *b_free))


def _dropped(
    names: Labels,
    shape: tuple[int, ...],
    other_names: Labels,
    other_shape: tuple[int, ...],
    wanted: frozenset[str],
) -> tuple[tuple[int, ...], dict[str, int]]:
    """Axes to sum over beforehand: nobody wants them, or they are 1 long and to be spread."""
    others = dict(zip(other_names, other_shape, strict=True))
    axes, lengths = [], {}
    for i, (name, length) in enumerate(zip(names, shape, strict=True)):
        spread = length == 1 != others.get(name, 1)
        if spread or (name not in others and name not in wanted):
            axes.append(i)
        else:
            lengths[name] = length
    return tuple(axes), lengths


def _in_order(order: list[int]) -> tuple[int, ...] | None:
    return None if order == list(range(len(order))) else tuple(order)


def _matrix_form(
    dropped: tuple[int, ...],
    lengths: dict[str, int],
    batch: list[str],
    rows: list[str],
    columns: list[str],
) -> _Form:
    """All row labels in one axis, all column labels in the next.

    Where the columns stand before the rows in memory, a transposed view avoids a copy.
    """
    names = list(lengths)
    turned = names == batch + columns + rows and bool(rows and columns)
    first, second = (columns, rows) if turned else (rows, columns)
    order = [names.index(n) for n in batch + first + second]
    shape = [lengths[n] for n in batch]
    shape += [math.prod(lengths[n] for n in part) for part in (first, second)]
    whole = len(rows) == len(columns) == 1
    return _Form(dropped or None, _in_order(order), None if whole else tuple(shape), turned)


def _spread_form(dropped: tuple[int, ...], lengths: dict[str, int], names: Labels) -> _Form:
    """The axes in the order of `names`, 1 long where a label is lacking."""
    own = list(lengths)
    order = [own.index(n) for n in names if n in lengths]
    shape = tuple(lengths.get(n, 1) for n in names)
    return _Form(dropped or None, _in_order(order), shape, False)

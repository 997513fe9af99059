"""Batch normalization: per channel sums, and products with a number per channel.

An array is cut into pieces that stay in the cache while several passes run over them. Channels on
the last axis make inner loops as short as there are channels, so several rows are laid side by
side, and the numbers of the channels repeated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from npkeras.core.sums import column_sums
from npkeras.kernels import kernel

Array = np.ndarray

_PIECE_BYTES = 2**18
_INNER = 1024  # how many entries an inner loop should have at least


class _Layout:
    """How arrays of one shape are cut, and how a number per channel is spread to fit the pieces."""

    def __init__(self, x: Array, axis: int) -> None:
        rows, self.channels = math.prod(x.shape[:axis]), x.shape[axis]
        after = math.prod(x.shape[axis + 1 :])
        self.last = after == 1
        self.copies = _copies(rows, self.channels) if self.last else 1
        self.shape = (
            (rows // self.copies, self.copies * self.channels)
            if self.last
            else (rows, self.channels, after)
        )
        row_bytes = math.prod(self.shape[1:]) * x.itemsize
        self.step = max(1, _PIECE_BYTES // max(1, row_bytes))

    def pieces(self, *arrays: Array) -> Iterator[list[Array]]:
        views = [np.ascontiguousarray(array).reshape(self.shape) for array in arrays]
        for start in range(0, self.shape[0], self.step):
            yield [view[start : start + self.step] for view in views]

    def spread(self, values: Array) -> Array:
        if not self.last:
            return values[:, None]
        return np.concatenate((values,) * self.copies) if self.copies > 1 else values

    def buffer(self, dtype: np.dtype) -> Array:
        return np.empty((min(self.step, self.shape[0]), *self.shape[1:]), dtype)

    def total(self, dtype: np.dtype) -> Array:
        return np.zeros(self.shape[1] if self.last else self.channels, dtype)

    def add(self, total: Array, piece: Array) -> None:
        total += piece.sum(0) if self.last else piece.sum((0, 2))

    def per_channel(self, total: Array) -> Array:
        return total.reshape(self.copies, self.channels).sum(0)


def _copies(rows: int, channels: int) -> int:
    """How many rows to lay side by side: the most that divides them, for loops not too long."""
    most = min(rows, _INNER // max(1, channels))
    return next((n for n in range(most, 1, -1) if rows % n == 0), 1)


@kernel
def channel_moments(x: Array, axis: int) -> tuple[Array, Array]:
    """The mean and the variance of each channel.

    Shapes: x (..., channels at `axis`, ...) -> (channels,), (channels,)
    """
    layout = _Layout(x, axis)
    count = max(1, x.size // max(1, layout.channels))
    total, squares = layout.total(x.dtype), layout.total(x.dtype)
    for (piece,) in layout.pieces(x):
        layout.add(total, piece)
    mean = layout.per_channel(total) / x.dtype.type(count)
    spread, buffer = layout.spread(mean), layout.buffer(x.dtype)
    for (piece,) in layout.pieces(x):
        centered = np.subtract(piece, spread, out=buffer[: len(piece)])
        layout.add(squares, np.multiply(centered, centered, out=centered))
    return mean, layout.per_channel(squares) / x.dtype.type(count)


@kernel
def scale_channels(x: Array, factor: Array, shift: Array | None, axis: int) -> Array:
    """x * factor + shift, with a factor and a shift (if not None) for each channel."""
    layout, y = _Layout(x, axis), np.empty(x.shape, x.dtype)
    factor = layout.spread(factor)
    shift = None if shift is None else layout.spread(shift)
    for piece, out in layout.pieces(x, y):
        np.multiply(piece, factor, out=out)
        if shift is not None:
            out += shift
    return y


@kernel
def channel_sums(dy: Array, x: Array, mean: Array | None, axis: int) -> tuple[Array, Array]:
    """The sums of dy and of dy * (x - mean) over all but the channels; no mean counts as 0."""
    layout = _Layout(dy, axis)
    total, products = layout.total(dy.dtype), layout.total(dy.dtype)
    spread, buffer = None if mean is None else layout.spread(mean), layout.buffer(dy.dtype)
    for dy_piece, piece in layout.pieces(dy, x):
        layout.add(total, dy_piece)
        product = buffer[: len(piece)]
        if spread is None:
            np.multiply(piece, dy_piece, out=product)
        else:
            np.subtract(piece, spread, out=product)
            product *= dy_piece
        layout.add(products, product)
    return layout.per_channel(total), layout.per_channel(products)


@kernel
def scale_and_lean(
    dy: Array, x: Array, mean: Array, factor: Array, lean: Array, shift: Array, axis: int
) -> Array:
    """dy * factor + (x - mean) * lean + shift, with a number of each for each channel."""
    layout, dx = _Layout(dy, axis), np.empty(dy.shape, dy.dtype)
    mean, factor, lean, shift = (layout.spread(v) for v in (mean, factor, lean, shift))
    buffer = layout.buffer(dy.dtype)
    for dy_piece, piece, out in layout.pieces(dy, x, dx):
        leaning = np.subtract(piece, mean, out=buffer[: len(piece)])
        leaning *= lean
        leaning += shift
        np.multiply(dy_piece, factor, out=out)
        out += leaning
    return dx


class Standardized(NamedTuple):
    """The rows before scale and offset, and what each was multiplied by: for the way back."""

    rows: Array  # (rows, n)
    factor: Array  # (rows, 1)
    centered: bool


@kernel
def standardize_rows(
    x: Array,
    scale: Array | None,
    offset: Array | None,
    epsilon: float,
    center: bool,
    keep: bool = False,
) -> tuple[Array, Standardized | None]:
    """Every row less its mean (if `center`), over the root of its mean square plus epsilon.

    The result is multiplied by a scale and shifted by an offset, if they are not None.

    Args:
        keep: Whether what the way back needs is to be kept.

    Shapes: x (rows, n), scale and offset (n,) -> (rows, n)
    """
    rows, n = x.shape
    y, factor = np.empty_like(x), np.empty((rows, 1), x.dtype)
    kept = y if keep and scale is None and offset is None else np.empty_like(x) if keep else None
    each = np.full(n, 1 / max(1, n), x.dtype)
    for piece in _row_pieces(x):
        out = y[piece]
        plain = out if kept is None else kept[piece]
        if center:
            np.subtract(x[piece], (x[piece] @ each)[:, None], out=plain)
        centered = plain if center else x[piece]
        squares = np.square(centered) @ each
        factor[piece, 0] = 1 / np.sqrt(squares + x.dtype.type(epsilon))
        np.multiply(centered, factor[piece], out=plain)
        if scale is not None:
            np.multiply(plain, scale, out=out)
        elif offset is not None and plain is not out:
            out[...] = plain
        if offset is not None:
            out += offset
    return y, None if kept is None else Standardized(kept, factor, center)


@kernel
def standardize_rows_back(
    dy: Array, kept: Standardized, scale: Array | None
) -> tuple[Array, Array, Array]:
    """The gradients of x, scale and offset of `standardize_rows`.

    With x' the rows before scale and offset, and means over a row:

        dx = factor * (dy * scale - x' * mean(dy * scale * x') - mean(dy * scale))

    Shapes: dy (rows, n) -> (rows, n), (n,), (n,)
    """
    n = dy.shape[1]
    dx, dscale, doffset = np.empty_like(dy), np.zeros(n, dy.dtype), np.zeros(n, dy.dtype)
    each = np.full(n, 1 / max(1, n), dy.dtype)
    if scale is not None:
        each *= scale
    for piece in _row_pieces(dy):
        out, given, rows = dx[piece], dy[piece], kept.rows[piece]
        product = np.multiply(given, rows)
        doffset += column_sums(given)
        dscale += column_sums(product)
        leaning = product @ each
        np.multiply(rows, leaning[:, None], out=product)
        if kept.centered:
            product += (given @ each)[:, None]
        if scale is None:
            np.subtract(given, product, out=out)
        else:
            np.multiply(given, scale, out=out)
            out -= product
        out *= kept.factor[piece]
    return dx, dscale, doffset


def _row_pieces(x: Array) -> Iterator[slice]:
    step = max(1, _PIECE_BYTES // max(1, x.shape[1] * x.itemsize))
    for start in range(0, len(x), step):
        yield slice(start, start + step)

"""Depthwise convolution: each channel has windows of its own, and no channel sees another.

    y[o, c] = sum over k of x[o * stride + k * dilation - before, c] * weights[k, c]

There is no matrix to multiply by: NumPy's `einsum` adds the products of shifted views of x and of
the weights up in one pass, a few samples at a time so that all of it stays in the cache. Where
channels are few, the weights are repeated along the last axis of places: longer loops for NumPy.

Each channel may have several filters, `multiplier` of them: x is then read with its channels
repeated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from npkeras.kernels import kernel
from npkeras.kernels.convolution import (
    Array,
    Block,
    Geometry,
    Gradients,
    Reader,
    Steps,
    bent,
    blocks_of,
    finish,
    sum_of_places,
)
from npkeras.kernels.threads import in_halves

_BLOCK_BYTES = 2**19  # of a block's output; its input is as large
_FEW = 256  # with up to so many channels the weights are repeated
_SLOWER = 4  # how much longer than in a matmul a multiply-add takes, about


@kernel
def depthwise(
    x: Array,
    weights: Array,
    bias: Array | None,
    geometry: Geometry,
    rectify: bool = False,
    then: Steps = (),
) -> Array:
    """The depthwise convolution of x, plus a bias, and max(y, 0) if asked for.

    Args:
        then: What is done to the result then.

    Shapes:
        x (samples, *lengths, channels), weights (*window, channels, multiplier),
        bias (channels * multiplier,) -> (samples, *outputs, channels * multiplier)
    """
    filters = math.prod(weights.shape[-2:])
    y = np.empty((len(x), *geometry.outputs, filters), x.dtype)
    work = y.size * math.prod(geometry.window) * _SLOWER
    in_halves(
        lambda half: _depthwise(x[half], weights, bias, geometry, rectify, then, y[half]),
        len(x),
        work,
    )
    return y


def _depthwise(
    x: Array,
    weights: Array,
    bias: Array | None,
    geometry: Geometry,
    rectify: bool,
    then: Steps,
    y: Array,
) -> None:
    read = Reader(x, geometry, weights.shape[-1])
    merged = _merges(x, weights, geometry)
    rows = weights.reshape(*geometry.window, y.shape[-1])
    if merged:
        rows = np.tile(rows, geometry.outputs[-1])
    windows, offsets, places = _axes(geometry, merged)
    for block in _blocks(geometry, y):
        part = y[block]
        views = _windows(read(block), geometry, part.shape, merged)
        np.einsum(views, windows, rows, offsets, places, out=_joined(part, merged))
        finish(part, bias, rectify, then)


@kernel
def depthwise_back(
    x: Array,
    weights: Array,
    dy: Array,
    geometry: Geometry,
    want_x: bool,
    want_weights: bool,
    want_bias: bool,
    y: Array | None = None,
) -> Gradients:
    """The gradients of `depthwise` for a gradient `dy` of its result.

    Args:
        y: The result, if it was rectified.

    Shapes: as in `depthwise`; dy and y (samples, *outputs, channels * multiplier)
    """
    multiplier = weights.shape[-1]
    dx = np.zeros(x.shape, x.dtype) if want_x else None
    dweights = np.zeros((*geometry.window, dy.shape[-1]), x.dtype) if want_weights else None
    dbias = np.zeros(dy.shape[-1], x.dtype) if want_bias else None
    read, rows = Reader(x, geometry, multiplier), _rows(weights, geometry)
    merged = _merges(x, weights, geometry)
    windows, offsets, places = _axes(geometry, merged)
    for block in _blocks(geometry, dy):
        part = bent(dy[block], None if y is None else y[block])
        if dbias is not None:
            dbias += sum_of_places(part)
        if dweights is not None:
            views = _windows(read(block), geometry, part.shape, merged)
            sums = np.einsum(views, windows, _joined(part, merged), places, offsets)
            dweights += sums.reshape(*geometry.window, -1, dy.shape[-1]).sum(axis=-2)
        if dx is None:
            continue
        product = np.empty(part.shape, x.dtype)
        for i, offset in enumerate(np.ndindex(*geometry.window)):
            given = np.multiply(part, rows[i], out=product)
            if multiplier > 1:
                given = given.reshape(*given.shape[:-1], -1, multiplier).sum(axis=-1)
            chosen, inputs = geometry.overlap(offset, x.shape[1:-1], block[1])
            dx[(block[0], *inputs)] += given[(slice(None), *chosen)]
    return Gradients(dx, None if dweights is None else dweights.reshape(weights.shape), dbias)


def _blocks(geometry: Geometry, y: Array) -> Iterator[Block]:
    return blocks_of(len(y), geometry.outputs, y.shape[-1] * y.itemsize, _BLOCK_BYTES)


def _merges(x: Array, weights: Array, geometry: Geometry) -> bool:
    """Whether places along the last axis are one loop with their channels.

    They lie side by side then; where that axis is the only one, blocks may hold a part of it.
    """
    axes, channels = len(geometry.window), math.prod(weights.shape[-2:])
    dense = weights.shape[-1] > 1 or x.strides[-2:] == (x.shape[-1] * x.itemsize, x.itemsize)
    return axes > 1 and geometry.strides[-1] == 1 and channels <= _FEW and dense


def _windows(seen: Array, geometry: Geometry, shape: Any, merged: bool) -> Array:
    """A view (*window, samples, *places, channels) of what the places of a block see.

    Merged, the last two axes are one.
    """
    samples, *along, channel = seen.strides
    offsets = [step * d for step, d in zip(along, geometry.dilation, strict=True)]
    places = [step * s for step, s in zip(along, geometry.strides, strict=True)]
    if merged:
        shape, places = (*shape[:-2], shape[-2] * shape[-1]), places[:-1]
    strides = (*offsets, samples, *places, channel)
    return as_strided(seen, (*geometry.window, *shape), strides, writeable=False)


def _axes(geometry: Geometry, merged: bool) -> tuple[list[int], list[int], list[int]]:
    """The axes of `_windows`, of weights and of places, as `einsum` counts them."""
    count = len(geometry.window)
    windows = list(range(2 * count + 2 - merged))
    return windows, [*windows[:count], windows[-1]], windows[count:]


def _joined(part: Array, merged: bool) -> Array:
    """A block of places; merged, its last two axes are one."""
    return part.reshape(*part.shape[:-2], part.shape[-2] * part.shape[-1]) if merged else part


def _rows(weights: Array, geometry: Geometry) -> Array:
    """For each offset its weights, once for each place along the last axis of the output.

    Where that axis is the only one, blocks may hold a part of it: the weights then broadcast.
    """
    flat = weights.reshape(math.prod(geometry.window), 1, -1)
    return np.repeat(flat, geometry.outputs[-1], axis=1) if len(geometry.window) > 1 else flat

"""Depthwise convolution: each channel has windows of its own, and no channel sees another.

    y[o, c] = sum over k of x[o * stride + k * dilation - before, c] * weights[k, c]

There is no matrix to multiply by: y is summed up offset by offset, one product of a shifted view of
x and a row of weights each, a few samples at a time so that all of it stays in the cache. The row
repeats the weights along the last axis of places, which gives NumPy longer loops.

Each channel may have several filters, `multiplier` of them: x is then read with its channels
repeated.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from npkeras.kernels import kernel
from npkeras.kernels.convolution import (
    Array,
    Block,
    Geometry,
    Gradients,
    Reader,
    bent,
    blocks_of,
    finish,
    sum_of_places,
)

_BLOCK_BYTES = 2**20  # of a block's output; its input and one scratch array are as large


@kernel
def depthwise(
    x: Array, weights: Array, bias: Array | None, geometry: Geometry, rectify: bool = False
) -> Array:
    """The depthwise convolution of x, plus a bias, and max(y, 0) if asked for.

    Shapes:
        x (samples, *lengths, channels), weights (*window, channels, multiplier),
        bias (channels * multiplier,) -> (samples, *outputs, channels * multiplier)
    """
    filters = math.prod(weights.shape[-2:])
    y = np.empty((len(x), *geometry.outputs, filters), x.dtype)
    read, rows = Reader(x, geometry, weights.shape[-1]), _rows(weights, geometry)
    space = None
    for block in _blocks(geometry, y):
        part, seen = y[block], read(block)
        space = np.empty(part.shape, y.dtype) if space is None else space
        product = space[: part.shape[0], : part.shape[1]]
        for i, view in enumerate(_shifted(seen, geometry, part.shape)):
            np.multiply(view, rows[i], out=product if i else part)
            if i:
                part += product
        finish(part, bias, rectify)
    return y


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
    sums = np.zeros((math.prod(geometry.window), dy.shape[-1]), x.dtype) if want_weights else None
    dbias = np.zeros(dy.shape[-1], x.dtype) if want_bias else None
    read, rows = Reader(x, geometry, multiplier), _rows(weights, geometry)
    offsets = list(np.ndindex(*geometry.window))
    for block in _blocks(geometry, dy):
        part = bent(dy[block], None if y is None else y[block])
        if dbias is not None:
            dbias += sum_of_places(part)
        product = np.empty(part.shape, x.dtype)
        if sums is not None:
            for i, view in enumerate(_shifted(read(block), geometry, part.shape)):
                sums[i] += sum_of_places(np.multiply(view, part, out=product))
        if dx is None:
            continue
        for i, offset in enumerate(offsets):
            given = np.multiply(part, rows[i], out=product)
            if multiplier > 1:
                given = given.reshape(*given.shape[:-1], -1, multiplier).sum(axis=-1)
            chosen, inputs = geometry.overlap(offset, x.shape[1:-1], block[1])
            dx[(block[0], *inputs)] += given[(slice(None), *chosen)]
    return Gradients(dx, None if sums is None else sums.reshape(weights.shape), dbias)


def _blocks(geometry: Geometry, y: Array) -> Iterator[Block]:
    return blocks_of(len(y), geometry.outputs, y.shape[-1] * y.itemsize, _BLOCK_BYTES)


def _rows(weights: Array, geometry: Geometry) -> Array:
    """For each offset its weights, once for each place along the last axis of the output.

    Where that axis is the only one, blocks may hold a part of it: the weights then broadcast.
    """
    flat = weights.reshape(math.prod(geometry.window), 1, -1)
    return np.repeat(flat, geometry.outputs[-1], axis=1) if len(geometry.window) > 1 else flat


def _shifted(seen: Array, geometry: Geometry, shape: Any) -> Iterator[Array]:
    """For each offset, what it sees from the places of a block: views of their input."""
    for offset in np.ndindex(*geometry.window):
        slices: list[slice] = [slice(None)]
        for i, (k, stride, dilation) in enumerate(
            zip(offset, geometry.strides, geometry.dilation, strict=True)
        ):
            start = k * dilation
            slices.append(slice(start, start + (shape[i + 1] - 1) * stride + 1, stride))
        yield seen[tuple(slices)]

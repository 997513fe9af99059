"""Convolution: a small window of weights slides over the input, with any number of axes.

    y[o] = sum over k of x[o * stride + k * dilation - before] @ weights[k]

for each place o of the output and each offset k within the window; x is zero where the window
reaches beyond it. Laid side by side, the windows of all places are the rows of a matrix, the
patches, and the convolution is one matmul:

    y        = patches @ weights                   patches (places, offsets * channels)
    dweights = patches' @ dy
    dx[o * stride + k * dilation - before] += dy[o] @ weights[k]'      for each offset k

The patches repeat each entry of x once for each offset, so they are made a few samples at a time
(or a few rows of one sample) in one buffer that stays in the cache. Copying them costs a tenth of
the matmul. The bias and a rectifier are applied to each block while it is still in the cache.

With groups the channels fall into as many parts, each with its own weights: a matmul for each.
Where every channel is its own group, `kernels/depthwise.py` is the way to go.

Channels come last everywhere here: x (samples, *lengths, channels).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from npkeras.core.sums import column_sums
from npkeras.kernels import kernel
from npkeras.kernels.products import dot
from npkeras.kernels.threads import in_halves

Array = np.ndarray
Lengths = tuple[int, ...]
Block = tuple[slice, slice]  # of samples, and of places along the first axis of the output
Steps = tuple[tuple[np.ufunc, Array], ...]  # functions of the result and a number per channel

_BLOCK_BYTES = 2**21  # what the patches of a block and its output take
FEW = 3  # up to so many channels, patches have their places last: longer runs to copy and to add


class Geometry(NamedTuple):
    """How windows lie on the input; one entry for each axis that they slide along."""

    window: Lengths
    strides: Lengths
    dilation: Lengths
    before: Lengths  # how many zeros come before the input
    outputs: Lengths  # how many places there are

    def reach(self, axis: int, start: int, stop: int) -> tuple[int, int]:
        """The stretch of the input, from where to where, that places [start, stop) look at."""
        first = start * self.strides[axis] - self.before[axis]
        last = (stop - 1) * self.strides[axis] - self.before[axis]
        return first, last + (self.window[axis] - 1) * self.dilation[axis] + 1

    def is_pointwise(self, lengths: Lengths) -> bool:
        """Whether each place looks at the entry of the input with its own number."""
        ones = (1,) * len(lengths)
        return self.window == ones and self.strides == ones and self.outputs == lengths

    def stays_inside(self, lengths: Lengths) -> bool:
        """Whether no window reaches beyond the input."""
        return all(
            self.reach(i, 0, 1)[0] >= 0 and self.reach(i, 0, n)[1] <= length
            for i, (n, length) in enumerate(zip(self.outputs, lengths, strict=True))
        )

    def overlap(self, offset: Lengths, lengths: Lengths, rows: slice) -> Any:
        """Slices of places, and of the input where an offset of their windows meets it.

        Places along the first axis are counted from the start of `rows`.
        """
        places, inputs = [], []
        for i, (stride, k) in enumerate(zip(self.strides, offset, strict=True)):
            shift = k * self.dilation[i] - self.before[i]
            start, stop = (rows.start, rows.stop) if i == 0 else (0, self.outputs[i])
            first = max(start, -(shift // stride))
            last = min(stop - 1, (lengths[i] - 1 - shift) // stride)
            last = max(last, first - 1)
            places.append(slice(first - start, last + 1 - start))
            begin = first * stride + shift
            inputs.append(slice(begin, begin + max(0, (last - first) * stride + 1), stride))
        return tuple(places), tuple(inputs)


def blocks_of(samples: int, outputs: Lengths, place_bytes: int, limit: int) -> Iterator[Block]:
    """Samples and rows of the output that are worked on together."""
    rows = max(1, limit // max(1, math.prod(outputs[1:]) * place_bytes))
    if rows >= outputs[0]:
        most = rows // outputs[0]
        step = -(-samples // max(1, -(-samples // most)))  # blocks of one size
        for start in range(0, samples, max(1, step)):
            yield slice(start, min(start + step, samples)), slice(0, outputs[0])
        return
    for sample in range(samples):
        for start in range(0, outputs[0], rows):
            yield slice(sample, sample + 1), slice(start, min(start + rows, outputs[0]))


class Reader:
    """The parts of the input that blocks of windows look at, with zeros around where they reach."""

    def __init__(self, x: Array, geometry: Geometry, repeats: int = 1) -> None:
        self.x, self.geometry, self.repeats = x, geometry, repeats
        self.lengths = x.shape[1:-1]
        self.copies = repeats > 1 or not geometry.stays_inside(self.lengths)
        self._space: Array | None = None

    def __call__(self, block: Block) -> Array:
        """The part that a block looks at: a view where it lies within, else a copy in a buffer."""
        samples, rows = block
        ends = [(rows.start, rows.stop), *((0, n) for n in self.geometry.outputs[1:])]
        reach = [self.geometry.reach(i, *end) for i, end in enumerate(ends)]
        if not self.copies:
            return self.x[(samples, *(slice(*stretch) for stretch in reach))]
        shape = (samples.stop - samples.start, *(stop - start for start, stop in reach))
        space = self._buffer((*shape, self.x.shape[-1] * self.repeats))
        inside, source = [], []
        for (start, stop), length in zip(reach, self.lengths, strict=True):
            first = min(max(start, 0), length)
            count, gap = max(min(stop, length) - first, 0), max(first - start, 0)
            inside.append(slice(gap, gap + count))
            source.append(slice(first, first + count))
        space[:, : inside[0].start] = 0  # zeros beside the other axes are never written over
        space[:, inside[0].stop :] = 0
        part = self.x[(samples, *source)]
        if self.repeats > 1:
            part = np.repeat(part, self.repeats, axis=-1)
        space[(slice(None), *inside)] = part
        return space

    def _buffer(self, shape: Lengths) -> Array:
        if self._space is None:
            self._space = np.zeros(shape, self.x.dtype)
        return self._space[: shape[0], : shape[1]]


def _windows(part: Array, geometry: Geometry, groups: int) -> Array:
    """A view (groups, samples, *places, *window, channels of a group) of all windows in a part."""
    samples, channels = part.shape[0], part.shape[-1] // groups
    reach = (geometry.window[0] - 1) * geometry.dilation[0] + 1
    rows = (part.shape[1] - reach) // geometry.strides[0] + 1
    first, *steps, last = part.strides
    strides = [step * s for step, s in zip(steps, geometry.strides, strict=True)]
    inner = [step * d for step, d in zip(steps, geometry.dilation, strict=True)]
    shape = (groups, samples, rows, *geometry.outputs[1:], *geometry.window, channels)
    return as_strided(
        part, shape, (channels * last, first, *strides, *inner, last), writeable=False
    )


def _patches(
    x: Array, geometry: Geometry, filters: int, groups: int, limit: int = _BLOCK_BYTES
) -> Iterator[Any]:
    """Each block, with its patches (groups, places of all its samples, offsets * channels)."""
    axes, channels = len(geometry.window), x.shape[-1] // groups
    columns = math.prod(geometry.window) * channels
    blocks = _blocks(geometry, x, filters, limit)
    if geometry.is_pointwise(x.shape[1:-1]):
        for block in blocks:
            yield block, _by_group(x[block], groups)
        return
    read, space = Reader(x, geometry), np.empty(0, x.dtype)
    seen = view = space
    order = [0, *range(2 + axes, 3 + 2 * axes), *range(1, 2 + axes)]
    for block in blocks:
        part = read(block)
        if part.shape != seen.shape or not read.copies:  # else it is the same buffer
            seen, view = part, _windows(part, geometry, groups)
            view = view.transpose(order) if channels <= FEW else view
        if space.size < view.size:
            space = np.empty(view.size, x.dtype)
        copied = space[: view.size].reshape(view.shape)
        np.copyto(copied, view)
        if channels <= FEW:
            yield block, copied.reshape(groups, columns, -1).swapaxes(1, 2)
        else:
            yield block, copied.reshape(groups, -1, columns)


def _by_group(x: Array, groups: int) -> Array:
    """(..., channels) -> (groups, all of ..., channels of a group)"""
    channels = x.shape[-1] // groups
    return x.reshape(math.prod(x.shape[:-1]), groups, channels).transpose(1, 0, 2)


def finish(y: Array, bias: Array | None, rectify: bool, then: Steps = ()) -> None:
    """Add the bias, rectify and do what comes then, in place.

    Rows of several places are longer loops for NumPy.
    """
    rows = y.reshape(math.prod(y.shape[:-2]), y.shape[-2] * y.shape[-1])
    if bias is not None:
        rows += np.tile(bias, y.shape[-2])
    if rectify:
        np.maximum(rows, np.zeros(rows.shape[1:], y.dtype), out=rows)  # faster than a number
    for function, operand in then:
        function(rows, np.tile(operand, rows.shape[1] // len(operand)), out=rows)


def bent(dy: Array, y: Array | None) -> Array:
    """The gradient before a rectifier with the result y, if there was one."""
    if y is None:
        return dy
    passed = (y > 0).astype(dy.dtype)  # a product of numbers and booleans would take longer
    return np.multiply(dy, passed, out=passed)


def sum_of_places(dy: Array) -> Array:
    """The sums over all axes but the last."""
    return column_sums(dy.reshape(math.prod(dy.shape[:-1]), dy.shape[-1]))


def _blocks(
    geometry: Geometry, x: Array, filters: int, limit: int = _BLOCK_BYTES
) -> Iterator[Block]:
    place = (math.prod(geometry.window) * x.shape[-1] + filters) * x.itemsize
    return blocks_of(len(x), geometry.outputs, place, limit)


class Gradients(NamedTuple):
    """Those that were asked for; None in place of the others."""

    x: Array | None
    weights: Array | None
    bias: Array | None


@kernel
def convolve(
    x: Array,
    weights: Array,
    bias: Array | None,
    geometry: Geometry,
    rectify: bool = False,
    then: Steps = (),
) -> Array:
    """The convolution of x with the weights, plus a bias, and max(y, 0) if asked for.

    Args:
        then: What is done to the result then.

    Shapes:
        x (samples, *lengths, channels), weights (*window, channels / groups, filters),
        bias (filters,) -> (samples, *outputs, filters)
    """
    y = np.empty((len(x), *geometry.outputs, weights.shape[-1]), x.dtype)
    if y.size < weights.shape[-1] ** 2 and weights.shape[-2] == x.shape[-1]:
        # fewer places than filters: halves of the samples would each read all the weights
        _convolve(x, weights, bias, geometry, rectify, then, y, whole=True)
        return y
    in_halves(
        lambda part: _convolve(x[part], weights, bias, geometry, rectify, then, y[part]),
        len(x),
        y.size * (weights.size // max(1, weights.shape[-1])),
    )
    return y


def _convolve(
    x: Array,
    weights: Array,
    bias: Array | None,
    geometry: Geometry,
    rectify: bool,
    then: Steps,
    y: Array,
    whole: bool = False,
) -> None:
    """Fill y; `whole`: cutting the weights, not the samples, for the two cores."""
    filters, groups = weights.shape[-1], x.shape[-1] // weights.shape[-2]
    columns = _by_group(weights, groups)
    limit = max(_BLOCK_BYTES, weights.nbytes)  # each block's product reads them anew
    for block, patches in _patches(x, geometry, filters, groups, limit):
        part = y[block]
        if whole:
            dot(patches[0], columns[0], out=part.reshape(-1, filters))
        else:
            np.matmul(patches, columns, out=_by_group(part, groups))
        finish(part, bias, rectify, then)


@kernel
def convolve_back(
    x: Array,
    weights: Array,
    dy: Array,
    geometry: Geometry,
    want_x: bool,
    want_weights: bool,
    want_bias: bool,
    y: Array | None = None,
) -> Gradients:
    """The gradients of `convolve` for a gradient `dy` of its result.

    Args:
        y: The result, if it was rectified.

    Shapes: as in `convolve`; dy and y (samples, *outputs, filters)
    """
    dx = np.zeros(x.shape, x.dtype) if want_x else None

    def back(part: slice) -> Gradients:
        own = None if dx is None else dx[part]
        result = None if y is None else y[part]
        return _convolve_back(
            x[part], weights, dy[part], geometry, own, want_weights, want_bias, result
        )

    parts = in_halves(back, len(x), dy.size * (weights.size // max(1, weights.shape[-1])))
    sums = [None if a is None else sum(rest, a) for a, *rest in zip(*parts, strict=True)][1:]
    return Gradients(dx, *sums)


def _convolve_back(
    x: Array,
    weights: Array,
    dy: Array,
    geometry: Geometry,
    dx: Array | None,
    want_weights: bool,
    want_bias: bool,
    y: Array | None,
) -> Gradients:
    groups = x.shape[-1] // weights.shape[-2]
    spread = Spread(weights, geometry, dx, groups) if dx is not None else None
    dcolumns = np.zeros_like(_by_group(weights, groups)) if want_weights else None
    dbias = np.zeros(weights.shape[-1], x.dtype) if want_bias else None
    blocks: Any
    if want_weights:
        blocks = _patches(x, geometry, weights.shape[-1], groups)
    else:
        plain = _blocks(geometry, x, weights.shape[-1])
        blocks = ((block, None) for block in plain)
    for block, patches in blocks:
        part = bent(dy[block], None if y is None else y[block])
        columns = _by_group(part, groups)
        if dcolumns is not None:
            dcolumns += np.matmul(patches.swapaxes(1, 2), columns)
        if dbias is not None:
            dbias += sum_of_places(part)
        if spread is not None:
            spread(block, columns)
    dweights = None if dcolumns is None else dcolumns.transpose(1, 0, 2).reshape(weights.shape)
    return Gradients(None, dweights, dbias)


class Spread:
    """Adds to `target` what each place of a block gives to the entries that its window sees."""

    def __init__(self, weights: Array, geometry: Geometry, target: Array, groups: int) -> None:
        self.geometry, self.groups = geometry, groups
        self.lengths, self.channels = target.shape[1:-1], weights.shape[-2]
        self.target = target.reshape(*target.shape[:-1], groups, self.channels)
        size = math.prod(geometry.window)
        by_offset = weights.reshape(size, self.channels, groups, -1).transpose(2, 3, 0, 1)
        self.together = self.channels <= FEW  # one matmul for all offsets
        self.weights: Array
        if self.together:
            self.weights = by_offset.reshape(groups, -1, size * self.channels).swapaxes(1, 2)
        else:
            self.weights = by_offset.transpose(2, 0, 1, 3)
        self.offsets = list(np.ndindex(*geometry.window))
        self._known: dict[Any, list[Any]] = {}
        self._space: Array | None = None

    def __call__(self, block: Block, columns: Array) -> None:
        if self.geometry.is_pointwise(self.lengths):
            weights = self.weights.swapaxes(1, 2) if self.together else self.weights[0]
            np.matmul(columns, weights, out=self._pointwise(block))
            return
        rows = block[1]
        places = (
            block[0].stop - block[0].start,
            rows.stop - rows.start,
            *self.geometry.outputs[1:],
        )
        count, channels = math.prod(places), self.channels
        order = (*range(1, len(places) + 1), 0, len(places) + 1)
        size = len(self.offsets) * channels if self.together else channels
        space = self._buffer(self.groups * count * size, columns.dtype)
        if self.together:
            products = space.reshape(self.groups, size, count)
            np.matmul(self.weights, columns.swapaxes(1, 2), out=products)
        else:
            products = space.reshape(self.groups, count, channels)
        for i, (chosen, inputs) in enumerate(self._overlaps(rows)):
            if self.together:
                given = products[:, i * channels : (i + 1) * channels].swapaxes(1, 2)
            else:
                given = np.matmul(columns, self.weights[i], out=products)
            given = given.reshape(self.groups, *places, channels).transpose(order)
            self.target[(block[0], *inputs)] += given[(slice(None), *chosen)]

    def _overlaps(self, rows: slice) -> list[Any]:
        key = rows.start, rows.stop
        if self._known.get(key) is None:
            self._known = {
                key: [self.geometry.overlap(k, self.lengths, rows) for k in self.offsets]
            }
        return self._known[key]

    def _pointwise(self, block: Block) -> Array:
        part = self.target[block]
        return part.reshape(-1, self.groups, self.channels).transpose(1, 0, 2)

    def _buffer(self, size: int, dtype: Any) -> Array:
        if self._space is None:
            self._space = np.empty(size, dtype)
        return self._space[:size]


@kernel
def convolve_transposed(
    x: Array,
    weights: Array,
    bias: Array | None,
    geometry: Geometry,
    lengths: Lengths,
    rectify: bool = False,
) -> Array:
    """The way back of a convolution as an operation of its own, plus a bias.

    `geometry` is that of the convolution from the result, with axes of `lengths`, to x.

    Shapes:
        x (samples, *geometry.outputs, channels), weights (*window, filters, channels),
        bias (filters,) -> (samples, *lengths, filters)
    """
    y = np.zeros((len(x), *lengths, weights.shape[-2]), x.dtype)
    spread = Spread(weights, geometry, y, 1)
    for block in _blocks(geometry, y, weights.shape[-1]):
        spread(block, _by_group(x[block], 1))
    finish(y, bias, rectify)
    return y


@kernel
def convolve_transposed_back(
    x: Array,
    weights: Array,
    dy: Array,
    geometry: Geometry,
    want_x: bool,
    want_weights: bool,
    want_bias: bool,
    y: Array | None = None,
) -> Gradients:
    """The gradients of `convolve_transposed`: a convolution of `dy`, and the matmul of its patches.

    Shapes: as in `convolve_transposed`; dy and y (samples, *lengths, filters)
    """
    dy = bent(dy, y)
    dx = convolve(dy, weights, None, geometry) if want_x else None
    dweights = convolve_back(dy, weights, x, geometry, False, want_weights, False).weights
    return Gradients(dx, dweights, sum_of_places(dy) if want_bias else None)

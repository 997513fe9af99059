"""A convolution whose result is only looked at by a maximum over windows that do not overlap.

The places of the convolution fall into as many phases as a pooling window has entries: the first
entry of each window, the second of each, and so on. The patches of a block are laid out one phase
after the other, so that one matmul fills as many arrays of the shape of the result, and the
maximum is one of whole arrays. The result of the convolution never leaves the cache, places beyond
the last window are not computed at all, and as

    max(relu(a + bias), relu(b + bias)) = relu(max(a, b) + bias)

bias and rectifier are left for the few entries that win.

Phases meet in pairs, as in a tournament: first against second, third against fourth, the winners
of both. Of equal entries the earlier one wins. Which of two won is a byte for each match; on the
way back the gradient goes from the final to the entry that won all of its matches:

    dlater = d * won,  dearlier = d - dlater

Shapes: as in `kernels/convolution.py`, with channels last; pooled lengths in place of outputs.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from npkeras.kernels import kernel
from npkeras.kernels.convolution import (
    FEW,
    Geometry,
    Gradients,
    Lengths,
    Reader,
    Spread,
    bent,
    blocks_of,
    finish,
    sum_of_places,
)
from npkeras.kernels.threads import in_halves

Array = np.ndarray
Block = tuple[slice, slice]  # of samples, and of pooled places along the first axis

_BLOCK_BYTES = 2**22  # what the patches of a block and its output take


class Pooled(NamedTuple):
    """A convolution, and the windows of the maximum over its result."""

    geometry: Geometry  # of the places that some window sees
    size: Lengths  # how many of them a window sees along each axis

    @property
    def outputs(self) -> Lengths:
        pairs = zip(self.geometry.outputs, self.size, strict=True)
        return tuple(places // size for places, size in pairs)

    @property
    def phases(self) -> int:
        return math.prod(self.size)

    def places(self, block: Block) -> Block:
        """The block of the convolution that belongs to one of the result."""
        samples, rows = block
        return samples, slice(rows.start * self.size[0], rows.stop * self.size[0])


def pooled(geometry: Geometry, size: Lengths) -> Pooled:
    """The convolution without the places that no whole window sees."""
    seen = tuple(n // s * s for n, s in zip(geometry.outputs, size, strict=True))
    return Pooled(geometry._replace(outputs=seen), size)


@functools.cache
def matches_of(phases: int) -> list[tuple[int, int]]:
    """Who meets whom: the first phases of two stretches that lie side by side."""
    matches: list[tuple[int, int]] = []
    left = list(range(phases))
    while len(left) > 1:
        matches += zip(left[::2], left[1::2], strict=False)
        left = left[::2]
    return matches


def _blocks(form: Pooled, x: Array, filters: int) -> Iterator[Block]:
    place = form.phases * (math.prod(form.geometry.window) * x.shape[-1] + filters) * x.itemsize
    return blocks_of(len(x), form.outputs, place, _BLOCK_BYTES)


def _windows(part: Array, form: Pooled) -> Array:
    """A view (*size, samples, *pooled places, *window, channels) of all windows in a part."""
    geometry, size = form.geometry, form.size
    axes = range(len(size))
    reach = (geometry.window[0] - 1) * geometry.dilation[0] + 1
    rows = ((part.shape[1] - reach) // geometry.strides[0] + 1) // size[0]
    first, *steps, last = part.strides
    apart = [steps[i] * geometry.strides[i] for i in axes]
    inner = [steps[i] * geometry.dilation[i] for i in axes]
    shape = (*size, len(part), rows, *form.outputs[1:], *geometry.window, part.shape[-1])
    strides = (*apart, first, *(apart[i] * size[i] for i in axes), *inner, last)
    return as_strided(part, shape, strides, writeable=False)


def _patches(x: Array, form: Pooled, filters: int) -> Iterator[tuple[Block, Array]]:
    """Each block, with its patches (places of one phase after the other, offsets * channels)."""
    axes, channels = len(form.size), x.shape[-1]
    columns = math.prod(form.geometry.window) * channels
    read, space = Reader(x, form.geometry), np.empty(0, x.dtype)
    order = [*range(2 * axes + 1, 3 * axes + 2), *range(2 * axes + 1)]  # places last
    for block in _blocks(form, x, filters):
        view = _windows(read(form.places(block)), form)
        if channels <= FEW:
            view = view.transpose(order)
        if space.size < view.size:
            space = np.empty(view.size, x.dtype)
        copied = space[: view.size].reshape(view.shape)
        np.copyto(copied, view)
        if channels <= FEW:
            yield block, copied.reshape(columns, -1).T
        else:
            yield block, copied.reshape(-1, columns)


@kernel
def convolve_pooled(
    x: Array,
    weights: Array,
    bias: Array | None,
    form: Pooled,
    rectify: bool = False,
    keep: bool = False,
) -> tuple[Array, Array | None]:
    """The largest result of a convolution in each window, and if asked for who won each match.

    Shapes:
        x (samples, *lengths, channels), weights (*window, channels, filters), bias (filters,)
        -> (samples, *form.outputs, filters), (form.phases - 1, samples, *form.outputs, filters)
    """
    shape = (len(x), *form.outputs, weights.shape[-1])
    y = np.empty(shape, x.dtype)
    won = np.empty((form.phases - 1, *shape), bool) if keep else None
    columns = weights.reshape(-1, shape[-1])

    def run(half: slice) -> None:
        own = None if won is None else won[:, half]
        _convolve(x[half], columns, bias, form, rectify, y[half], own)

    in_halves(run, len(x), y.size * form.phases * len(columns))
    return y, won


def _convolve(
    x: Array,
    columns: Array,
    bias: Array | None,
    form: Pooled,
    rectify: bool,
    y: Array,
    won: Array | None,
) -> None:
    matches, filters = matches_of(form.phases), columns.shape[-1]
    space = np.empty(0, x.dtype)
    for block, patches in _patches(x, form, filters):
        if space.size < len(patches) * filters:
            space = np.empty(len(patches) * filters, x.dtype)
        found = space[: len(patches) * filters].reshape(-1, filters)
        np.matmul(patches, columns, out=found)
        best = y[block]
        phases = found.reshape(form.phases, *best.shape)
        if not matches:
            best[...] = phases[0]
        for i, (one, other) in enumerate(matches):
            if won is not None:
                np.greater(phases[other], phases[one], out=won[(i, *block)])
            final = best if i == len(matches) - 1 else phases[one]
            np.maximum(phases[one], phases[other], out=final)
        finish(best, bias, rectify)


@kernel
def convolve_pooled_back(
    x: Array,
    weights: Array,
    dy: Array,
    form: Pooled,
    won: Array,
    want_x: bool,
    want_weights: bool,
    want_bias: bool,
    y: Array | None = None,
) -> Gradients:
    """The gradients of `convolve_pooled` for a gradient `dy` of its result.

    Args:
        y: The result, if it was rectified.
    """
    dx = np.zeros(x.shape, x.dtype) if want_x else None

    def back(half: slice) -> tuple[Array | None, Array | None]:
        own = None if dx is None else dx[half]
        gradient = bent(dy[half], None if y is None else y[half])
        dbias = sum_of_places(gradient) if want_bias else None
        return _back(x[half], weights, gradient, form, won[:, half], own, want_weights), dbias

    parts = in_halves(back, len(x), dy.size * form.phases * (weights.size // weights.shape[-1]))
    sums = [None if a is None else sum(rest, a) for a, *rest in zip(*parts, strict=True)]
    return Gradients(dx, *sums)


def _back(
    x: Array,
    weights: Array,
    dy: Array,
    form: Pooled,
    won: Array,
    dx: Array | None,
    want_weights: bool,
) -> Array | None:
    filters = weights.shape[-1]
    spread = None if dx is None else Spread(weights, form.geometry, dx, 1)
    dcolumns = np.zeros((weights.size // filters, filters), x.dtype) if want_weights else None
    blocks: Any = _patches(x, form, filters)
    if dcolumns is None:
        blocks = ((block, None) for block in _blocks(form, x, filters))
    space = np.empty(0, x.dtype)
    for block, patches in blocks:
        part = dy[block]
        if space.size < part.size * form.phases:
            space = np.empty(part.size * form.phases, x.dtype)
        phases = space[: part.size * form.phases].reshape(form.phases, *part.shape)
        _losers_give_back(part, won[(slice(None), *block)], phases)
        if dcolumns is not None:
            dcolumns += np.matmul(patches.T, phases.reshape(-1, filters))
        if spread is not None:
            places = _in_order(phases, form.size)
            spread(form.places(block), places.reshape(1, -1, filters))
    return None if dcolumns is None else dcolumns.reshape(weights.shape)


def _losers_give_back(dy: Array, won: Array, phases: Array) -> None:
    """Fill the gradients of all phases: of each match the winner keeps what came to both."""
    given, matches = dy, matches_of(len(phases))
    if not matches:
        phases[0] = dy
    for i in reversed(range(len(matches))):
        one, other = matches[i]
        if i < len(matches) - 1:
            given = phases[one]
        np.copyto(phases[other], won[i])  # a product of numbers and booleans would take longer
        phases[other] *= given
        np.subtract(given, phases[other], out=phases[one])


def _in_order(phases: Array, size: Lengths) -> Array:
    """Phases, each (samples, *pooled, filters), as an array of the places as they lie."""
    axes = len(size)
    _, samples, *outputs, filters = phases.shape
    split = phases.reshape(*size, samples, *outputs, filters)
    order = [axes, *(i for k in range(axes) for i in (axes + 1 + k, k)), 2 * axes + 1]
    lengths = [n * s for n, s in zip(outputs, size, strict=True)]
    return split.transpose(order).reshape(samples, *lengths, filters)

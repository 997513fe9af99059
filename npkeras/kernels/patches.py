"""All windows of images side by side, and the way back, which adds them up."""

from __future__ import annotations

from typing import Any

import numpy as np

from npkeras.kernels import kernel
from npkeras.kernels.convolution import Geometry

Array = np.ndarray


@kernel
def patches(x: Array, geometry: Geometry) -> Array:
    """What each place of a window sees, with zeros where it reaches beyond the input.

    Shapes: x (samples, *lengths, channels) -> (samples, *places, *window, channels)
    """
    y = np.zeros((len(x), *geometry.outputs, *geometry.window, x.shape[-1]), x.dtype)
    for offset, places, entries in _meetings(geometry, x.shape[1:-1]):
        y[(slice(None), *places, *offset)] = x[(slice(None), *entries)]
    return y


@kernel
def patches_back(y: Array, geometry: Geometry, lengths: tuple[int, ...]) -> Array:
    """Each window added to where it comes from: the gradient of `patches`, which it leads back.

    Shapes: y (samples, *places, *window, channels) -> (samples, *lengths, channels)
    """
    x = np.zeros((len(y), *lengths, y.shape[-1]), y.dtype)
    for offset, places, entries in _meetings(geometry, lengths):
        x[(slice(None), *entries)] += y[(slice(None), *places, *offset)]
    return x


def _meetings(geometry: Geometry, lengths: tuple[int, ...]) -> Any:
    """For each offset within the window the places at which it meets the input, and where."""
    for offset in np.ndindex(*geometry.window):
        yield offset, *geometry.overlap(offset, lengths, slice(0, geometry.outputs[0]))

"""Rescaling: inputs in other units."""

import numpy as np

from npkeras import ops
from npkeras.core import check, config
from npkeras.core.registry import register
from npkeras.layers.base import Layer


@register("layers")
class Rescaling(Layer):
    """`inputs * scale + offset`, in training and outside it; integers become floats.

    Args:
        scale: A number, or an array of one for each channel.
        offset: What is added: likewise.

    Example:
        >>> Rescaling(1 / 255)(np.array([[0, 255]], "uint8"))
        array([[0., 1.]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        self.scale, self.offset = _numbers(scale, "scale"), _numbers(offset, "offset")

    def call(self, inputs):
        scale, offset = self._spread(self.scale), self._spread(self.offset)
        y = ops.multiply(ops.cast(inputs, self.compute_dtype), scale)
        return ops.add(y, offset) if offset.any() else y

    def _spread(self, numbers):
        """The numbers as an array that fits images."""
        array = np.asarray(numbers, np.dtype(self.compute_dtype))
        if array.ndim and config.image_data_format() == "channels_first":
            return array.reshape(*array.shape, *[1] * (3 - array.ndim))
        return array


def _numbers(value, name):
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise ValueError(
            f"`{name}` of Rescaling must be a number or an array of numbers. "
            f"Received: {name}={check.shown(value)}"
        )
    return value

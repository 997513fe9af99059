"""Layers that only rearrange."""

import math

from npkeras import ops
from npkeras.core import check, config
from npkeras.core.registry import register
from npkeras.layers.base import Layer


def data_format_of(data_format, owner):
    """`"channels_last"` or `"channels_first"`; None stands for the global setting."""
    if data_format is None:
        return config.image_data_format()
    return check.one_of(("channels_last", "channels_first"), data_format, "data_format", owner)


@register("layers")
class Flatten(Layer):
    """All entries of a sample in one axis.

    Args:
        data_format: Where the inputs keep their channels. With `"channels_first"` they are moved
            to the end first, so that weights that follow are the same for both.

    Shapes:
        inputs (batch, ...) -> (batch, product of the rest)
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format, "Flatten")
        self.built = True

    def call(self, inputs):
        ndim = len(inputs.shape)
        if self.data_format == "channels_first" and ndim > 1:
            inputs = ops.transpose(inputs, (0, *range(2, ndim), 1))
        lengths = inputs.shape[1:]
        if None in lengths:
            return ops.reshape(inputs, (inputs.shape[0] or -1, None))
        return ops.reshape(inputs, (-1, math.prod(lengths)))


@register("layers")
class Reshape(Layer):
    """The entries of a sample in another shape.

    Args:
        target_shape: The new shape of a sample, without the batch axis; one entry may be -1.

    Shapes:
        inputs (batch, ...) -> (batch, *target_shape)
    """

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        if check.is_int(target_shape):
            target_shape = (target_shape,)
        self.target_shape = tuple(target_shape)
        if sum(n == -1 for n in self.target_shape) > 1:
            raise ValueError(
                "`target_shape` of Reshape can have one entry of -1. "
                f"Received: target_shape={self.target_shape}"
            )
        self.built = True

    def call(self, inputs):
        return ops.reshape(inputs, (inputs.shape[0] or -1, *self._resolved(inputs.shape[1:])))

    def _resolved(self, lengths):
        """The target with -1 worked out, where the input's shape allows."""
        if None in lengths or -1 not in self.target_shape:
            total = None if None in lengths else math.prod(lengths)
            if total is not None and total != math.prod(self.target_shape):
                self._refuse(lengths)
            return tuple(None if n == -1 else n for n in self.target_shape)
        known = -math.prod(self.target_shape)
        if known == 0 or math.prod(lengths) % known:
            self._refuse(lengths)
        rest = math.prod(lengths) // known
        return tuple(rest if n == -1 else n for n in self.target_shape)

    def _refuse(self, lengths):
        raise ValueError(
            f"Layer {self.name!r} (Reshape) cannot give samples of shape {tuple(lengths)} the "
            f"shape {self.target_shape}: the number of entries differs."
        )

"""Adaptive pooling: windows that share out an input of any size into as many as asked for."""

from npkeras import ops
from npkeras.core import check
from npkeras.core.registry import register
from npkeras.layers.base import Layer
from npkeras.layers.convolution import defaults
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.reshaping import data_format_of
from npkeras.ops.sliding import per_axis


class _AdaptivePooling(Layer):
    """What they share.

    Window i of n begins at i / n of the input and ends at (i + 1) / n, rounded outwards to whole
    entries, so that neighbours may share one.
    """

    rank = None

    def __init__(self, output_size, data_format=None, **kwargs):
        super().__init__(**kwargs)
        owner = type(self).__name__
        if not check.is_int(output_size) and not isinstance(output_size, (tuple, list)):
            raise TypeError(
                f"`output_size` of {owner} must be an integer or a tuple of {self.rank} integers. "
                f"Received: output_size={check.shown(output_size)}"
            )
        self.output_size = per_axis(output_size, self.rank, "output_size", owner)
        self.data_format = data_format_of(data_format, owner)
        self.input_spec = InputSpec(ndim=self.rank + 2)


class _AdaptiveAveragePooling(_AdaptivePooling):
    def call(self, inputs):
        return ops.adaptive_average_pool(inputs, self.output_size, self.data_format)


class _AdaptiveMaxPooling(_AdaptivePooling):
    def call(self, inputs):
        return ops.adaptive_max_pool(inputs, self.output_size, self.data_format)


@register("layers")
@defaults()
class AdaptiveAveragePooling1D(_AdaptiveAveragePooling):
    """The mean of each feature of sequences, in as many windows as asked for.

    Args:
        output_size: How many steps the output has: an integer, or a tuple of one.
        data_format: `"channels_last"` for inputs (batch, steps, features), `"channels_first"` for
            (batch, features, steps). None: the global setting.

    Shapes:
        inputs (batch, steps, features) -> (batch, output_size, features)

    Example:
        >>> AdaptiveAveragePooling1D(3)(np.ones((2, 10, 4))).shape
        (2, 3, 4)
    """

    rank = 1


@register("layers")
@defaults()
class AdaptiveAveragePooling2D(_AdaptiveAveragePooling):
    """The mean of each channel of images, in as many windows as asked for.

    Args:
        output_size: How many rows and columns the output has: two integers, or one for both.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.

    Shapes:
        inputs (batch, rows, columns, channels) -> (batch, *output_size, channels)

    Example:
        >>> AdaptiveAveragePooling2D((2, 3))(np.ones((2, 9, 7, 4))).shape
        (2, 2, 3, 4)
    """

    rank = 2


@register("layers")
@defaults()
class AdaptiveAveragePooling3D(_AdaptiveAveragePooling):
    """The mean of each channel of volumes, in as many windows as asked for.

    Args:
        output_size: How many entries the output has along each axis: three integers, or one
            for all.
        data_format: `"channels_last"` for inputs (batch, a, b, c, channels),
            `"channels_first"` for (batch, channels, a, b, c). None: the global setting.

    Shapes:
        inputs (batch, a, b, c, channels) -> (batch, *output_size, channels)

    Example:
        >>> AdaptiveAveragePooling3D(2)(np.ones((1, 5, 6, 7, 4))).shape
        (1, 2, 2, 2, 4)
    """

    rank = 3


@register("layers")
@defaults()
class AdaptiveMaxPooling1D(_AdaptiveMaxPooling):
    """The maximum of each feature of sequences, in as many windows as asked for.

    Args:
        output_size: How many steps the output has: an integer, or a tuple of one.
        data_format: `"channels_last"` for inputs (batch, steps, features), `"channels_first"` for
            (batch, features, steps). None: the global setting.

    Shapes:
        inputs (batch, steps, features) -> (batch, output_size, features)

    Example:
        >>> AdaptiveMaxPooling1D(3)(np.ones((2, 10, 4))).shape
        (2, 3, 4)
    """

    rank = 1


@register("layers")
@defaults()
class AdaptiveMaxPooling2D(_AdaptiveMaxPooling):
    """The maximum of each channel of images, in as many windows as asked for.

    Args:
        output_size: How many rows and columns the output has: two integers, or one for both.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.

    Shapes:
        inputs (batch, rows, columns, channels) -> (batch, *output_size, channels)

    Example:
        >>> AdaptiveMaxPooling2D((2, 3))(np.ones((2, 9, 7, 4))).shape
        (2, 2, 3, 4)
    """

    rank = 2


@register("layers")
@defaults()
class AdaptiveMaxPooling3D(_AdaptiveMaxPooling):
    """The maximum of each channel of volumes, in as many windows as asked for.

    Args:
        output_size: How many entries the output has along each axis: three integers, or one
            for all.
        data_format: `"channels_last"` for inputs (batch, a, b, c, channels),
            `"channels_first"` for (batch, channels, a, b, c). None: the global setting.

    Shapes:
        inputs (batch, a, b, c, channels) -> (batch, *output_size, channels)

    Example:
        >>> AdaptiveMaxPooling3D(2)(np.ones((1, 5, 6, 7, 4))).shape
        (1, 2, 2, 2, 4)
    """

    rank = 3


__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
]

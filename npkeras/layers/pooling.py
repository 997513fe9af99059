"""Pooling: many entries along some axes become one."""

from npkeras import ops
from npkeras.core.registry import register
from npkeras.layers.base import Layer
from npkeras.layers.convolution import defaults
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.reshaping import data_format_of
from npkeras.ops.sliding import padding_of, per_axis


class _GlobalPooling(Layer):
    """What the global poolings share."""

    rank = 1

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format, type(self).__name__)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def _axes(self, inputs):
        first = 1 if self.data_format == "channels_last" else 2
        axes = tuple(range(first, first + self.rank))
        if 0 in [inputs.shape[axis] for axis in axes]:
            what = "sequences of at least one step" if self.rank == 1 else "at least one entry"
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects {what}. "
                f"Received an input of shape {tuple(inputs.shape)}."
            )
        return axes


class _GlobalAveragePooling(_GlobalPooling):
    def call(self, inputs):
        return ops.mean(inputs, axis=self._axes(inputs), keepdims=bool(self.keepdims))


class _GlobalMaxPooling(_GlobalPooling):
    def call(self, inputs):
        return ops.max(inputs, axis=self._axes(inputs), keepdims=bool(self.keepdims))


@register("layers", "GlobalAvgPool1D")
class GlobalAveragePooling1D(_GlobalPooling):
    """The mean over time: of the steps that a mask leaves, if there is one.

    A sample of which the mask leaves no step has mean 0. (Keras divides 0 by 0 there.)

    Args:
        data_format: `"channels_last"` for inputs (batch, steps, features), `"channels_first"` for
            (batch, features, steps). None: the global setting.
        keepdims: Whether to keep the axis of the steps, with length 1.

    Shapes:
        inputs (batch, steps, features), mask (batch, steps) -> (batch, features)

    Example:
        >>> GlobalAveragePooling1D()(np.array([[[1.0], [3.0]]]), mask=np.array([[True, False]]))
        array([[1.]], dtype=float32)
    """

    supports_masking = True

    def call(self, inputs, mask=None):
        (axis,) = self._axes(inputs)
        keepdims = bool(self.keepdims)
        if mask is None:
            return ops.mean(inputs, axis=axis, keepdims=keepdims)
        weights = ops.expand_dims(ops.cast(mask, inputs.dtype), 3 - axis)
        total = ops.sum(ops.multiply(inputs, weights), axis=axis, keepdims=keepdims)
        count = ops.sum(weights, axis=axis, keepdims=keepdims)
        return ops.divide(total, ops.maximum(count, 1))

    def compute_mask(self, inputs, mask=None):
        return None


@register("layers", "GlobalMaxPool1D")
class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The maximum over time.

    As in Keras, a mask is not looked at: padded steps take part.

    Args:
        data_format: `"channels_last"` for inputs (batch, steps, features), `"channels_first"` for
            (batch, features, steps). None: the global setting.
        keepdims: Whether to keep the axis of the steps, with length 1.

    Shapes:
        inputs (batch, steps, features) -> (batch, features)

    Example:
        >>> GlobalMaxPooling1D()(np.array([[[1.0, 4.0], [3.0, 2.0]]]))
        array([[3., 4.]], dtype=float32)
    """


@register("layers", "GlobalAvgPool2D")
class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean of each channel of images.

    Args:
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.
        keepdims: Whether to keep the axes of rows and columns, with length 1.

    Shapes:
        inputs (batch, rows, columns, channels) -> (batch, channels)

    Example:
        >>> GlobalAveragePooling2D()(np.ones((2, 4, 5, 3))).shape
        (2, 3)
    """

    rank = 2


@register("layers", "GlobalMaxPool2D")
class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The maximum of each channel of images.

    Args:
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.
        keepdims: Whether to keep the axes of rows and columns, with length 1.

    Shapes:
        inputs (batch, rows, columns, channels) -> (batch, channels)

    Example:
        >>> GlobalMaxPooling2D()(np.ones((2, 4, 5, 3))).shape
        (2, 3)
    """

    rank = 2


@register("layers", "GlobalAvgPool3D")
class GlobalAveragePooling3D(_GlobalAveragePooling):
    """The mean of each channel of volumes.

    Args:
        data_format: `"channels_last"` for inputs (batch, a, b, c, channels),
            `"channels_first"` for (batch, channels, a, b, c). None: the global setting.
        keepdims: Whether to keep the axes a, b and c, with length 1.

    Shapes:
        inputs (batch, a, b, c, channels) -> (batch, channels)

    Example:
        >>> GlobalAveragePooling3D()(np.ones((2, 4, 5, 6, 3))).shape
        (2, 3)
    """

    rank = 3


@register("layers", "GlobalMaxPool3D")
class GlobalMaxPooling3D(_GlobalMaxPooling):
    """The maximum of each channel of volumes.

    Args:
        data_format: `"channels_last"` for inputs (batch, a, b, c, channels),
            `"channels_first"` for (batch, channels, a, b, c). None: the global setting.
        keepdims: Whether to keep the axes a, b and c, with length 1.

    Shapes:
        inputs (batch, a, b, c, channels) -> (batch, channels)

    Example:
        >>> GlobalMaxPooling3D()(np.ones((2, 4, 5, 6, 3))).shape
        (2, 3)
    """

    rank = 3


class _Pooling(Layer):
    """What the poolings with windows share."""

    rank = None

    def __init__(
        self, pool_size, strides=None, padding="valid", data_format=None, name=None, **kwargs
    ):
        super().__init__(name=name, **kwargs)
        owner = type(self).__name__
        self.pool_size = per_axis(pool_size, self.rank, "pool_size", owner)
        strides = self.pool_size if strides is None else strides
        self.strides = per_axis(strides, self.rank, "strides", owner)
        padding_of(padding, owner)
        self.padding = padding
        self.data_format = data_format_of(data_format, owner)
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def _options(self):
        return self.pool_size, self.strides, self.padding, self.data_format


class _MaxPooling(_Pooling):
    def call(self, inputs):
        return ops.max_pool(inputs, *self._options())


class _AveragePooling(_Pooling):
    def call(self, inputs):
        return ops.average_pool(inputs, *self._options())


@register("layers", "MaxPool1D")
@defaults(pool_size=2)
class MaxPooling1D(_MaxPooling):
    """The maximum of each feature in windows that slide along time.

    Args:
        pool_size: How many steps a window sees.
        strides: How far apart the windows are. None: as far as they are long.
        padding: `"valid"`: windows stay within the inputs. `"same"`: they may reach beyond;
            there is nothing there.
        data_format: `"channels_last"` for inputs (batch, steps, features),
            `"channels_first"` for (batch, features, steps). None: the global setting.

    Shapes:
        inputs (batch, steps, features) -> (batch, places, features)

    Example:
        >>> MaxPooling1D(2)(np.ones((2, 9, 3))).shape
        (2, 4, 3)
    """

    rank = 1


@register("layers", "AvgPool1D")
@defaults()
class AveragePooling1D(_AveragePooling):
    """The mean of each feature in windows that slide along time.

    Args:
        pool_size: How many steps a window sees.
        strides: How far apart the windows are. None: as far as they are long.
        padding: `"valid"`: windows stay within the inputs. `"same"`: they may reach beyond;
            what lies there does not count.
        data_format: `"channels_last"` for inputs (batch, steps, features),
            `"channels_first"` for (batch, features, steps). None: the global setting.

    Shapes:
        inputs (batch, steps, features) -> (batch, places, features)

    Example:
        >>> AveragePooling1D(2)(np.ones((2, 9, 3))).shape
        (2, 4, 3)
    """

    rank = 1


@register("layers", "MaxPool2D")
@defaults(pool_size=(2, 2))
class MaxPooling2D(_MaxPooling):
    """The maximum of each channel in windows that slide over images.

    Args:
        pool_size: The rows and columns that a window sees: two integers, or one for both.
        strides: How far apart the windows are. None: as far as they are long.
        padding: `"valid"`: windows stay within the inputs. `"same"`: they may reach beyond;
            there is nothing there.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.

    Shapes:
        inputs (batch, rows, columns, channels) -> (batch, new_rows, new_columns, channels)

    Example:
        >>> MaxPooling2D((2, 3))(np.ones((2, 8, 9, 3))).shape
        (2, 4, 3, 3)
    """

    rank = 2


@register("layers", "AvgPool2D")
@defaults()
class AveragePooling2D(_AveragePooling):
    """The mean of each channel in windows that slide over images.

    Args:
        pool_size: The rows and columns that a window sees: two integers, or one for both.
        strides: How far apart the windows are. None: as far as they are long.
        padding: `"valid"`: windows stay within the inputs. `"same"`: they may reach beyond;
            what lies there does not count.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.

    Shapes:
        inputs (batch, rows, columns, channels) -> (batch, new_rows, new_columns, channels)

    Example:
        >>> AveragePooling2D((2, 3))(np.ones((2, 8, 9, 3))).shape
        (2, 4, 3, 3)
    """

    rank = 2


@register("layers", "MaxPool3D")
@defaults(pool_size=(2, 2, 2))
class MaxPooling3D(_MaxPooling):
    """The maximum of each channel in windows that slide through volumes.

    Args:
        pool_size: How far a window reaches along each axis: three integers, or one for all.
        strides: How far apart the windows are. None: as far as they are long.
        padding: `"valid"`: windows stay within the inputs. `"same"`: they may reach beyond;
            there is nothing there.
        data_format: `"channels_last"` for inputs (batch, a, b, c, channels),
            `"channels_first"` for (batch, channels, a, b, c). None: the global setting.

    Shapes:
        inputs (batch, a, b, c, channels) -> (batch, new_a, new_b, new_c, channels)

    Example:
        >>> MaxPooling3D(2)(np.ones((1, 4, 5, 6, 3))).shape
        (1, 2, 2, 3, 3)
    """

    rank = 3


@register("layers", "AvgPool3D")
@defaults()
class AveragePooling3D(_AveragePooling):
    """The mean of each channel in windows that slide through volumes.

    Args:
        pool_size: How far a window reaches along each axis: three integers, or one for all.
        strides: How far apart the windows are. None: as far as they are long.
        padding: `"valid"`: windows stay within the inputs. `"same"`: they may reach beyond;
            what lies there does not count.
        data_format: `"channels_last"` for inputs (batch, a, b, c, channels),
            `"channels_first"` for (batch, channels, a, b, c). None: the global setting.

    Shapes:
        inputs (batch, a, b, c, channels) -> (batch, new_a, new_b, new_c, channels)

    Example:
        >>> AveragePooling3D(2)(np.ones((1, 4, 5, 6, 3))).shape
        (1, 2, 2, 3, 3)
    """

    rank = 3


__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
]

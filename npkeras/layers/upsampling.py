"""Upsampling: images and sequences with more entries."""

from npkeras.core import check
from npkeras.core.registry import register
from npkeras.layers.base import Layer
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.reshaping import data_format_of, refuse_no_int
from npkeras.ops.resizing import METHODS, enlarge
from npkeras.ops.sliding import per_axis


class _UpSampling(Layer):
    """What the three share: entries along some axes become several."""

    rank = None
    data_format = "channels_last"
    interpolation = "nearest"

    def _finish(self):
        self.input_spec = InputSpec(ndim=self.rank + 2)
        self.built = True

    def call(self, inputs):
        first = 1 if self.data_format == "channels_last" else 2
        axes = tuple(range(first, first + self.rank))
        factors = (self.size,) if check.is_int(self.size) else self.size
        return enlarge(inputs, axes=axes, factors=factors, interpolation=self.interpolation)


@register("layers")
class UpSampling1D(_UpSampling):
    """Each step of a sequence several times in a row.

    Args:
        size: How many times.

    Shapes:
        inputs (batch, steps, features) -> (batch, steps * size, features)

    Example:
        >>> UpSampling1D(2)(np.array([[[1.0], [3.0]]]))[0, :, 0]
        array([1., 1., 3., 3.], dtype=float32)
    """

    rank = 1

    def __init__(self, size=2, **kwargs):
        super().__init__(**kwargs)
        refuse_no_int(size, "size", "UpSampling1D")
        self.size = check.positive_int(size, "size", "UpSampling1D")
        self._finish()


@register("layers")
class UpSampling2D(_UpSampling):
    """Images some times as high and wide.

    Args:
        size: How many times: one integer, or one for rows and one for columns.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.
        interpolation: `"nearest"` repeats each pixel. `"bilinear"`, `"bicubic"`, `"lanczos3"` and
            `"lanczos5"` blend 2, 4, 6 or 10 pixels along each axis; `"area"` is the same as
            `"nearest"` here.

    Shapes:
        inputs (batch, rows, columns, channels) -> (batch, rows * size, columns * size, channels)

    Example:
        >>> UpSampling2D((1, 2))(np.array([[[[1.0], [3.0]]]]))[0, :, :, 0]
        array([[1., 1., 3., 3.]], dtype=float32)
    """

    rank = 2

    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", **kwargs):
        super().__init__(**kwargs)
        self.size = per_axis(size, 2, "size", "UpSampling2D")
        self.data_format = data_format_of(data_format, "UpSampling2D")
        name = interpolation.lower() if isinstance(interpolation, str) else interpolation
        self.interpolation = check.one_of(METHODS, name, "interpolation", "UpSampling2D")
        self._finish()


@register("layers")
class UpSampling3D(_UpSampling):
    """Each entry of a volume several times in a row, along each of three axes.

    Args:
        size: How many times: one integer, or one for each axis.
        data_format: `"channels_last"` for inputs (batch, a, b, c, channels), `"channels_first"` for
            (batch, channels, a, b, c). None: the global setting.

    Shapes:
        inputs (batch, a, b, c, channels) -> the same with longer axes

    Example:
        >>> UpSampling3D((1, 2, 3))(np.ones((1, 2, 2, 2, 1))).shape
        (1, 2, 4, 6, 1)
    """

    rank = 3

    def __init__(self, size=(2, 2, 2), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.size = per_axis(size, 3, "size", "UpSampling3D")
        self.data_format = data_format_of(data_format, "UpSampling3D")
        self._finish()


__all__ = ["UpSampling1D", "UpSampling2D", "UpSampling3D"]

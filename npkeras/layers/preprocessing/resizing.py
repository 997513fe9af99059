"""Images in another size, and their middle."""

from npkeras import ops
from npkeras.core import check
from npkeras.core.registry import register
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.layers.base import Layer
from npkeras.layers.convolution import defaults
from npkeras.layers.reshaping import data_format_of
from npkeras.ops.resizing import check_ways
from npkeras.ops.sliding import image_axes


class _Sized(Layer):
    """Layers whose outputs have a height and a width of their own."""

    def __init__(self, height, width, data_format=None, **kwargs):
        super().__init__(**kwargs)
        owner = type(self).__name__
        self.height = check.positive_int(height, "height", owner)
        self.width = check.positive_int(width, "width", owner)
        self.data_format = data_format_of(data_format, owner)

    def _title(self):
        return f"Layer {self.name!r} ({type(self).__name__})"


@register("layers")
class Resizing(_Sized):
    """Images in another size, in training and outside it. Integers stay integers.

    Args:
        height, width: The size of the outputs.
        interpolation: `"nearest"`, `"bilinear"`, `"bicubic"`, `"lanczos3"`, `"lanczos5"` or
            `"area"`, as in `ops.image.resize`.
        crop_to_aspect_ratio: Whether to cut off two edges first, so that shapes are not distorted.
        pad_to_aspect_ratio: Whether to add two edges first, for the same purpose.
        fill_mode: How: `"constant"`.
        fill_value: What these edges hold.
        antialias: Whether pixels of smaller images blend all pixels around them.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.

    Shapes:
        inputs (batch, rows, columns, channels) -> (batch, height, width, channels); or one image,
        without the axis of the batch

    Example:
        >>> Resizing(2, 2)(np.arange(16, dtype="float32").reshape(4, 4, 1))[:, :, 0]
        array([[ 2.5,  4.5],
               [10.5, 12.5]], dtype=float32)
    """

    def __init__(
        self,
        height,
        width,
        interpolation="bilinear",
        crop_to_aspect_ratio=False,
        pad_to_aspect_ratio=False,
        fill_mode="constant",
        fill_value=0.0,
        antialias=False,
        data_format=None,
        **kwargs,
    ):
        super().__init__(height, width, data_format, **kwargs)
        check_ways(
            interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, fill_mode, type(self).__name__
        )
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode, self.fill_value = fill_mode, fill_value
        self.antialias = antialias

    def call(self, inputs):
        image_axes(inputs, self.data_format, self._title())  # refuses what is no image
        return ops.image.resize(
            inputs,
            (self.height, self.width),
            interpolation=self.interpolation,
            antialias=self.antialias,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio,
            pad_to_aspect_ratio=self.pad_to_aspect_ratio,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )


@register("layers")
@defaults()
class CenterCrop(_Sized):
    """The middle of images, in training and outside it. Integers become floats.

    Images that are too small are resized, with as much cut off as keeps shapes undistorted.

    Args:
        height, width: The size of the outputs.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.

    Shapes:
        inputs (batch, rows, columns, channels) -> (batch, height, width, channels); or one image,
        without the axis of the batch

    Example:
        >>> CenterCrop(2, 1)(np.arange(16, dtype="float32").reshape(4, 4, 1))[:, :, 0]
        array([[5.],
               [9.]], dtype=float32)
    """

    def call(self, inputs):
        x = ops.cast(inputs, self.compute_dtype)
        *axes, _ = image_axes(x, self.data_format, self._title())
        shape, size = list(shape_of(x)), (self.height, self.width)
        if None in [shape[axis] for axis in axes]:  # only shapes have unknown axes
            for axis, length in zip(axes, size, strict=True):
                shape[axis] = length
            return KerasTensor(shape, x.dtype)
        if any(shape[axis] < length for axis, length in zip(axes, size, strict=True)):
            return ops.image.resize(
                x, size, crop_to_aspect_ratio=True, data_format=self.data_format
            )
        key = [slice(None)] * len(shape)
        for axis, length in zip(axes, size, strict=True):
            start = (shape[axis] - length) // 2
            key[axis] = slice(start, start + length)
        return x[tuple(key)]


__all__ = ["CenterCrop", "Resizing"]

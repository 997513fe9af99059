"""Colours of images: as shades of grey, and as hue, saturation and value."""

from __future__ import annotations

from npkeras.core.dtypes import dtype_of, is_float
from npkeras.core.shapes import shape_of
from npkeras.ops.arrange import stack
from npkeras.ops.composed import composed
from npkeras.ops.elementwise import absolute, cast, clip, equal, where
from npkeras.ops.reduction import max, min
from npkeras.ops.sliding import image_axes
from npkeras.ops.special import divide_no_nan

_GREY = (0.2989, 0.587, 0.114)  # how bright red, green and blue are


def _channels(images, data_format, owner):
    """The three channels of images, in float32 at least, and their axis."""
    *_, axis = image_axes(images, data_format, owner)
    if shape_of(images)[axis] not in (3, None):
        raise ValueError(
            f"{owner} expects images with 3 channels. Received images of shape {shape_of(images)}"
        )
    dtype = dtype_of(images)
    x = images if dtype in ("float32", "float64") else cast(images, "float32")
    before = (slice(None),) * axis
    return [x[(*before, i)] for i in range(3)], axis


def _refuse_integers(images, owner):
    if not is_float(dtype_of(images)):
        raise ValueError(
            f"{owner} expects images of floats from 0 to 1. Received the dtype {dtype_of(images)}"
        )


@composed
def rgb_to_grayscale(images, data_format=None):
    """Shades of grey: 0.2989 red + 0.587 green + 0.114 blue. The dtype stays.

    Args:
        images: One image or a batch, in colours; or in grey, which is left as it is.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.

    Shapes: images (samples, height, width, 3) -> (samples, height, width, 1); the same without
        the axis of samples.
    """
    owner = "`rgb_to_grayscale`"
    if shape_of(images)[image_axes(images, data_format, owner)[2]] == 1:
        return images
    colors, axis = _channels(images, data_format, owner)
    red, green, blue = (color * weight for color, weight in zip(colors, _GREY, strict=True))
    return cast(stack([red + green + blue], axis), dtype_of(images))


@composed
def rgb_to_hsv(images, data_format=None):
    """Hue, saturation and value of colours, all from 0 to 1.

    Value is the largest of red, green and blue; saturation, how far the smallest is below it, as a
    part of it; hue, where in the circle red, green, blue the colour is.

    Args:
        images: One image or a batch, of floats from 0 to 1.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.

    Shapes: images (samples, height, width, 3) -> the same; also without the axis of samples.
    """
    owner = "`rgb_to_hsv`"
    _refuse_integers(images, owner)
    (red, green, blue), axis = _channels(images, data_format, owner)
    colors = stack([red, green, blue], -1)
    value, least = max(colors, axis=-1), min(colors, axis=-1)
    spread = value - least
    saturation = where(value > 0, divide_no_nan(spread, value), 0.0)
    from_green = divide_no_nan(blue - red, 6.0 * spread) + 2 / 6
    from_blue = divide_no_nan(red - green, 6.0 * spread) + 4 / 6
    hue = where(equal(green, value), from_green, from_blue)
    hue = where(equal(red, value), divide_no_nan(green - blue, 6.0 * spread), hue)
    hue = where(spread > 0, hue, 0.0)
    hue = where(hue < 0, hue + 1.0, hue)
    return cast(stack([hue, saturation, value], axis), dtype_of(images))


@composed
def hsv_to_rgb(images, data_format=None):
    """Red, green and blue of hue, saturation and value: the way back of `rgb_to_hsv`.

    Args:
        images: One image or a batch, of floats from 0 to 1.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.

    Shapes: images (samples, height, width, 3) -> the same; also without the axis of samples.
    """
    owner = "`hsv_to_rgb`"
    _refuse_integers(images, owner)
    (hue, saturation, value), axis = _channels(images, data_format, owner)
    place = hue * 6.0
    pure = (
        clip(absolute(place - 3.0) - 1.0, 0, 1),
        clip(2.0 - absolute(place - 2.0), 0, 1),
        clip(2.0 - absolute(place - 4.0), 0, 1),
    )
    colors = [(1.0 - saturation + saturation * color) * value for color in pure]
    return cast(stack(colors, axis), dtype_of(images))


__all__ = ["hsv_to_rgb", "rgb_to_grayscale", "rgb_to_hsv"]

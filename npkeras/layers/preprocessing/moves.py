"""Images turned, zoomed and shifted at random."""

import numpy as np

from npkeras import ops
from npkeras.core import check
from npkeras.core.registry import register
from npkeras.core.shapes import shape_of
from npkeras.layers.preprocessing.augmentation import (
    Augmentation,
    factor_range,
    samples_in,
    uniform,
)
from npkeras.ops.affine import FILL_MODES, INTERPOLATIONS


class _Moved(Augmentation):
    """Layers whose pixels are looked up elsewhere in the image."""

    def __init__(self, fill_mode, interpolation, seed, fill_value, data_format, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.fill_mode = _known(fill_mode, FILL_MODES, "fill_mode", type(self).__name__)
        self.interpolation = _known(
            interpolation, INTERPOLATIONS, "interpolation", type(self).__name__
        )
        self.fill_value = fill_value

    def _size(self, shape):
        """The number of rows and of columns."""
        return shape[-3:-1] if self.data_format == "channels_last" else shape[-2:]

    def _matrices(self, transformation, size):
        """The transforms as `ops.image.affine_transform` takes them."""
        raise NotImplementedError

    def transform_images(self, images, transformation, training=True):
        """The images, moved as was drawn, in the compute dtype."""
        images = ops.cast(images, self.compute_dtype)
        return self._moved(images, transformation, self.interpolation)

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Masks, moved as their images are; no new classes come about."""
        return self._moved(segmentation_masks, transformation, "nearest")

    def _moved(self, images, transformation, interpolation):
        if transformation is None:
            return images
        return ops.image.affine_transform(
            images,
            self._matrices(transformation, self._size(shape_of(images))),
            interpolation=interpolation,
            fill_mode=self.fill_mode,
            fill_value=self.fill_value,
            data_format=self.data_format,
        )


@register("layers")
class RandomRotation(_Moved):
    """In training, turns each image around its middle.

    Args:
        factor: By how much, from low to high for (low, high), in turns: 0.5 is half a turn. A
            number stands for (-number, number). What is positive turns clockwise.
        fill_mode: What lies beyond the edges: `"reflect"` (the image mirrored), `"wrap"` (the image
            again), `"constant"` (`fill_value`) or `"nearest"` (the edge).
        interpolation: `"bilinear"` blends four pixels, `"nearest"` takes the closest one.
        seed: Where the random numbers start.
        fill_value: What `"constant"` shows.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.

    Shapes:
        inputs (batch, rows, columns, channels) -> the same; or one image, without the batch

    Example:
        >>> RandomRotation((0.5, 0.5))(np.arange(3.0).reshape(1, 3, 1)).round(3)[0, :, 0]
        array([2., 1., 0.], dtype=float32)
    """

    def __init__(
        self,
        factor,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = factor_range(factor, "factor", "RandomRotation", -1, 1)

    def _draw(self, shape, seed):
        low, high = self.factor
        return {"angle": uniform((samples_in(shape),), low * 360.0, high * 360.0, seed)}

    def _matrices(self, transformation, size):
        angle = transformation["angle"] * np.float32(np.pi / 180)
        rows, columns = (np.float32(n - 1) for n in size)
        cos, sin = np.cos(angle), np.sin(angle)
        # what is added last is as in Keras, for the sake of the last place
        across = (columns - cos * columns + sin * rows) / np.float32(2)
        down = (rows - sin * columns - cos * rows) / np.float32(2)
        zeros = np.zeros_like(angle)
        return np.stack([cos, -sin, across, sin, cos, down, zeros, zeros], axis=1)


@register("layers")
class RandomZoom(_Moved):
    """In training, shows each image smaller or larger.

    Args:
        height_factor: How many more rows are seen, from low to high for (low, high), as parts of
            the image, in (-1, 1]: above 0 the image gets smaller. A number stands for
            (-number, number).
        width_factor: The same for columns. None: as for rows, so that shapes are not distorted.
        fill_mode: What lies beyond the edges: `"reflect"` (the image mirrored), `"wrap"` (the image
            again), `"constant"` (`fill_value`) or `"nearest"` (the edge).
        interpolation: `"bilinear"` blends four pixels, `"nearest"` takes the closest one.
        seed: Where the random numbers start.
        fill_value: What `"constant"` shows.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.

    Shapes:
        inputs (batch, rows, columns, channels) -> the same; or one image, without the batch

    Example:
        >>> RandomZoom((-0.5, -0.5))(np.arange(5.0).reshape(1, 5, 1))[0, :, 0]
        array([1. , 1.5, 2. , 2.5, 3. ], dtype=float32)
    """

    _lowest_is_excluded = True

    def __init__(
        self,
        height_factor,
        width_factor=None,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self.height_lower, self.height_upper = _bounds(height_factor, "height_factor", self)
        if width_factor is not None:
            self.width_lower, self.width_upper = _bounds(width_factor, "width_factor", self)

    def _draw(self, shape, seed):
        shape = (samples_in(shape), 1)
        height = uniform(shape, 1.0 + self.height_lower, 1.0 + self.height_upper, seed)
        width = height
        if self.width_factor is not None:
            width = uniform(shape, 1.0 + self.width_lower, 1.0 + self.width_upper, seed)
        return {"height_zoom": height, "width_zoom": width}

    def _matrices(self, transformation, size):
        down, across = transformation["height_zoom"][:, 0], transformation["width_zoom"][:, 0]
        rows, columns = (np.float32((n - 1) / 2) for n in size)
        zeros, one = np.zeros_like(down), np.float32(1)
        across_by, down_by = columns * (one - across), rows * (one - down)
        return np.stack([across, zeros, across_by, zeros, down, down_by, zeros, zeros], axis=1)


@register("layers")
class RandomTranslation(_Moved):
    """In training, shifts each image.

    Args:
        height_factor: How far down, from low to high for (low, high), as parts of the image, in
            [-1, 1]; below 0, up. A number stands for (-number, number).
        width_factor: How far to the right, likewise.
        fill_mode: What lies beyond the edges: `"reflect"` (the image mirrored), `"wrap"` (the image
            again), `"constant"` (`fill_value`) or `"nearest"` (the edge).
        interpolation: `"bilinear"` blends four pixels, `"nearest"` takes the closest one.
        seed: Where the random numbers start.
        fill_value: What `"constant"` shows.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.

    Shapes:
        inputs (batch, rows, columns, channels) -> the same; or one image, without the batch

    Example:
        >>> layer = RandomTranslation(0.0, (0.25, 0.25), fill_mode="nearest")
        >>> layer(np.arange(4.0).reshape(1, 4, 1))[0, :, 0]
        array([0., 0., 1., 2.], dtype=float32)
    """

    _lowest_is_excluded = False

    def __init__(
        self,
        height_factor,
        width_factor,
        fill_mode="reflect",
        interpolation="bilinear",
        seed=None,
        fill_value=0.0,
        data_format=None,
        **kwargs,
    ):
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self.height_lower, self.height_upper = _bounds(height_factor, "height_factor", self)
        self.width_lower, self.width_upper = _bounds(width_factor, "width_factor", self)

    def _draw(self, shape, seed):
        rows, columns = (np.float32(n) for n in self._size(shape))
        shape = (samples_in(shape), 1)
        down = uniform(shape, self.height_lower, self.height_upper, seed) * rows
        across = uniform(shape, self.width_lower, self.width_upper, seed) * columns
        return {"translations": np.concatenate([across, down], axis=1)}

    def _matrices(self, transformation, size):
        across, down = transformation["translations"].T
        zeros, ones = np.zeros_like(down), np.ones_like(down)
        return np.stack([ones, zeros, -across, zeros, ones, -down, zeros, zeros], axis=1)


def _known(value, allowed, name, owner):
    """The value, if it is one of those allowed; else a NotImplementedError, as in Keras."""
    try:
        return check.one_of(allowed, value, name, owner)
    except ValueError as error:
        raise NotImplementedError(str(error)) from None


def _bounds(factor, name, layer):
    """The two ends of a factor of rows or columns, each of them within -1 and 1."""
    pair = isinstance(factor, (tuple, list))
    ends = factor if pair else [factor]
    low = "above -1" if layer._lowest_is_excluded else "at least -1"
    if (
        len(ends) != (2 if pair else 1)
        or not all(isinstance(end, (int, float)) and -1 <= end <= 1 for end in ends)
        or (layer._lowest_is_excluded and min(ends) == -1)
    ):
        raise ValueError(
            f"`{name}` of {type(layer).__name__} must be a number, or two of them, {low} and at "
            f"most 1. Received: {name}={check.shown(factor)}"
        )
    return tuple(sorted(ends)) if len(ends) == 2 else (-abs(ends[0]), abs(ends[0]))


__all__ = ["RandomRotation", "RandomTranslation", "RandomZoom"]

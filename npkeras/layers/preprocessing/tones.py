"""Images with more or less contrast, brighter and darker, at random."""

from npkeras import ops
from npkeras.core import check
from npkeras.core.registry import register
from npkeras.layers.preprocessing.augmentation import (
    Augmentation,
    factor_range,
    one_for_each,
    uniform,
)
from npkeras.ops.sliding import image_axes


@register("layers")
class RandomContrast(Augmentation):
    """In training, takes each channel of an image further from its mean, or nearer to it.

    `(x - mean) * f + mean`, with a random f for each image, cut off at the ends of the range.

    Args:
        factor: f is from 1 - less to 1 + more, for (less, more), in [0, 1]; a number stands for
            (0, number).
        value_range: The lowest and the highest value of images.
        seed: Where the random numbers start.

    Shapes:
        inputs (batch, rows, columns, channels) -> the same; or one image, without the batch

    Example:
        >>> layer = RandomContrast((-1.0, 1.0), value_range=(0, 10))
        >>> layer(np.array([3.0, 6.0]).reshape(1, 2, 1)).round(3)[0, :, 0]
        array([1.5, 7.5], dtype=float32)
    """

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.factor = factor_range(factor, "factor", "RandomContrast", 0, 1)
        self.value_range = _checked_range(value_range, "RandomContrast")
        if value_range[0] > value_range[1]:
            raise ValueError(
                "`value_range` of RandomContrast must be the lowest and the highest value, in this "
                f"order. Received: value_range={value_range}"
            )

    def _draw(self, shape, seed):
        less, more = self.factor
        ends = 1.0 - less, 1.0 + more
        return {"contrast_factor": uniform(one_for_each(shape), *ends, seed, self.compute_dtype)}

    def transform_images(self, images, transformation, training=True):
        """The images with the contrast that was drawn, in the compute dtype."""
        if transformation is None:
            return images
        images = ops.cast(images, self.compute_dtype)
        *axes, _ = image_axes(images, self.data_format, self._title())
        mean = ops.mean(images, axis=tuple(axes), keepdims=True)
        y = (images - mean) * transformation["contrast_factor"] + mean
        return ops.clip(y, *self.value_range)


@register("layers")
class RandomBrightness(Augmentation):
    """In training, makes each image brighter or darker by one number for all of its pixels.

    Images of integers stay integers. As in Keras, those of 8 bits then wrap around at their ends
    and not stop there: make them floats before.

    Args:
        factor: How much is added, from low to high for (low, high), as parts of the range, in
            [-1, 1]; a number stands for (-number, number).
        value_range: The lowest and the highest value of images.
        seed: Where the random numbers start.

    Shapes:
        inputs (batch, rows, columns, channels) -> the same; or one image, without the batch

    Example:
        >>> layer = RandomBrightness((0.5, 0.5), value_range=(0, 10))
        >>> layer(np.array([3.0, 6.0]).reshape(1, 2, 1))[0, :, 0]
        array([ 8., 10.], dtype=float32)
    """

    def __init__(self, factor, value_range=(0, 255), seed=None, **kwargs):
        super().__init__(seed, **kwargs)
        self.factor = factor_range(factor, "factor", "RandomBrightness", -1, 1)
        self.value_range = sorted(_checked_range(value_range, "RandomBrightness"))

    def _draw(self, shape, seed):
        low, high = self.value_range
        delta = uniform(one_for_each(shape), *self.factor, seed)
        return {"rgb_delta": delta * delta.dtype.type(high - low)}

    def transform_images(self, images, transformation, training=True):
        """The images, brighter or darker."""
        if transformation is None:
            return images
        dtype = images.dtype
        delta = transformation["rgb_delta"]
        if dtype.kind in "iu":
            delta = delta.astype("int64")  # a negative float would be anything as an unsigned one
        y = ops.add(images, delta.astype(dtype))
        return ops.cast(ops.clip(y, *self.value_range), dtype)


def _checked_range(value_range, owner):
    if (
        not isinstance(value_range, (tuple, list))
        or len(value_range) != 2
        or not all(isinstance(value, (int, float)) for value in value_range)
    ):
        raise ValueError(
            f"`value_range` of {owner} must be two numbers. "
            f"Received: value_range={check.shown(value_range)}"
        )
    return value_range


__all__ = ["RandomBrightness", "RandomContrast"]

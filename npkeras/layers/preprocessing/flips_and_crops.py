"""Images mirrored at random, and random parts of them."""

from npkeras import ops
from npkeras.core import check
from npkeras.core.random import make_default_seed
from npkeras.core.registry import register
from npkeras.core.shapes import shape_of
from npkeras.layers.preprocessing.augmentation import Augmentation, one_for_each, uniform
from npkeras.ops.sliding import image_axes

MODES = ("horizontal", "vertical", "horizontal_and_vertical")


@register("layers")
class RandomFlip(Augmentation):
    """In training, mirrors every second image or so.

    With `"horizontal_and_vertical"` an image is either turned by half a turn or left as it is: as
    in Keras, both ways go together.

    Args:
        mode: `"horizontal"` swaps left and right, `"vertical"` top and bottom,
            `"horizontal_and_vertical"` both.
        seed: Where the random numbers start.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.

    Shapes:
        inputs (batch, rows, columns, channels) -> the same; or one image, without the batch

    Example:
        >>> RandomFlip("horizontal", seed=3)(np.arange(3.0).reshape(1, 3, 1))[0, :, 0]
        array([2., 1., 0.], dtype=float32)
    """

    def __init__(self, mode="horizontal_and_vertical", seed=None, data_format=None, **kwargs):
        super().__init__(seed, data_format, **kwargs)
        self.mode = check.one_of(MODES, mode, "mode", "RandomFlip")

    def _draw(self, shape, seed):
        return {"flips": uniform(one_for_each(shape), 0.0, 1.0, seed) <= 0.5}

    def transform_images(self, images, transformation, training=True):
        """The images, some of them mirrored, in the compute dtype."""
        images = ops.cast(images, self.compute_dtype)
        if transformation is None:
            return images
        rows, columns, _ = image_axes(images, self.data_format, self._title())
        axes = {"horizontal": (columns,), "vertical": (rows,)}.get(self.mode, (rows, columns))
        return ops.where(transformation["flips"], ops.flip(images, axes), images)

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Masks, mirrored as their images are."""
        return self.transform_images(segmentation_masks, transformation, training)


@register("layers")
class RandomCrop(Augmentation):
    """In training, takes a part of each image, the same one throughout a batch.

    Images without rows or columns to spare are resized: what is resized begins where the largest
    part in the wanted ratio, in the middle, does, and is no larger than the outputs. Outside
    training images stay whole, in their own size and dtype. Both are as in Keras 3.15.

    Args:
        height, width: The size of the outputs.
        seed: Where the random numbers start.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.

    Shapes:
        inputs (batch, rows, columns, channels) -> (batch, height, width, channels); or one image,
        without the axis of the batch

    Example:
        >>> RandomCrop(1, 2, seed=2)(np.arange(12.0).reshape(2, 6, 1))[0, :, 0]
        array([6., 7.], dtype=float32)
    """

    def __init__(self, height, width, seed=None, data_format=None, name=None, **kwargs):
        # As in Keras, where no seed is given the config has one of its own, drawn first.
        config_seed = make_default_seed() if seed is None else seed
        super().__init__(seed, data_format, name=name, **kwargs)
        self.seed = config_seed
        self.height = check.positive_int(height, "height", "RandomCrop")
        self.width = check.positive_int(width, "width", "RandomCrop")
        self.autocast = False

    def _shape(self, images):
        rows, columns, _ = image_axes(images, self.data_format, self._title())
        shape = list(shape_of(images))
        shape[rows], shape[columns] = self.height, self.width
        return shape

    def _spare(self, shape):
        """How many rows and columns are left over."""
        height, width = shape[-3:-1] if self.data_format == "channels_last" else shape[-2:]
        return height - self.height, width - self.width

    def _draw(self, shape, seed):
        spare = self._spare(shape)
        if min(spare) <= 0:
            return {}
        starts = [int(uniform((), 0.0, float(n + 1), seed)) for n in spare]
        return dict(zip(("h_start", "w_start"), starts, strict=True))

    def transform_images(self, images, transformation, training=True):
        """A part of each image, in the compute dtype."""
        if transformation is None:
            return images
        images = ops.cast(images, self.compute_dtype)
        shape, size = shape_of(images), (self.height, self.width)
        starts = transformation.values() if transformation else self._middle(shape)
        axes = image_axes(images, self.data_format, self._title())[:2]
        key = [slice(None)] * len(shape)
        for axis, start, length in zip(axes, starts, size, strict=True):
            key[axis] = slice(start, start + length)
        part = images[tuple(key)]
        if transformation:
            return part
        return ops.image.resize(part, size, data_format=self.data_format)

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """The same part of each mask."""
        return self.transform_images(segmentation_masks, transformation, training)

    def _middle(self, shape):
        """Where the largest part in the ratio of the outputs begins, in the middle of an image."""
        spare = self._spare(shape)
        height, width = spare[0] + self.height, spare[1] + self.width
        rows, columns = (
            int(width * self.height / self.width),
            int(height * self.width / self.height),
        )
        return max(height - max(rows, 1), 0) // 2, max(width - max(columns, 1), 0) // 2


__all__ = ["RandomCrop", "RandomFlip"]

"""What layers share that change images at random, in training only."""

import math

from npkeras.core import check, random
from npkeras.core.random import SeedGenerator
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.layers.base import Layer
from npkeras.layers.reshaping import data_format_of
from npkeras.ops.sliding import image_axes


class Augmentation(Layer):
    """A layer that draws a transformation for each image of a batch, and applies it.

    Outside training images come out as they are. A layer called on its own is in training, unless
    it is told otherwise. Besides images it takes dicts with `"images"`, and with
    `"segmentation_masks"` that are to be changed alike; what else they hold is handed on.

    Args:
        seed: Where the random numbers start.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.
    """

    def __init__(self, seed=None, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format, type(self).__name__)
        self.seed = seed
        self.generator = SeedGenerator(seed)
        self.built = True

    def call(self, data, training=True):
        if not isinstance(data, dict):
            return self._augmented({"images": data}, training)["images"]
        if "images" not in data:
            raise KeyError(
                f"{self._title()} takes images, or a dict with 'images'. Received a dict with "
                f"{', '.join(map(repr, data)) or 'nothing'}."
            )
        if "bounding_boxes" in data:
            raise NotImplementedError(
                f"{self._title()} does not change bounding boxes. Received a dict with "
                f"{', '.join(map(repr, data))}: leave out 'bounding_boxes'."
            )
        return self._augmented(data, training)

    def _augmented(self, data, training):
        images = data["images"]
        image_axes(images, self.data_format, self._title())  # refuses what is no image
        changed = dict(data)
        masks = data.get("segmentation_masks")
        if isinstance(images, KerasTensor):
            changed["images"] = KerasTensor(self._shape(images), self.compute_dtype)
            if masks is not None:
                changed["segmentation_masks"] = KerasTensor(self._shape(masks), masks.dtype)
            return changed
        drawn = self.get_random_transformation(data, training=training) if training else None
        changed["images"] = self.transform_images(images, drawn, training=training)
        if masks is not None:
            changed["segmentation_masks"] = self.transform_segmentation_masks(
                masks, drawn, training=training
            )
        return changed

    def _shape(self, images):
        """The shape of the outputs for such images."""
        return shape_of(images)

    def get_random_transformation(self, data, training=True, seed=None):
        """What happens to each image: a dict of arrays; None outside training.

        Args:
            data: One image, a batch of images, or a dict with `"images"`.
            training: Whether anything happens.
            seed: A `SeedGenerator`. None: the layer's own.
        """
        if not training:
            return None
        images = data["images"] if isinstance(data, dict) else data
        return self._draw(shape_of(images), self.generator if seed is None else seed)

    def _draw(self, shape, seed):
        raise NotImplementedError

    def transform_images(self, images, transformation, training=True):
        """The images, changed as `get_random_transformation` says."""
        raise NotImplementedError

    def transform_segmentation_masks(self, segmentation_masks, transformation, training=True):
        """Masks, changed as their images are. Where an image's shape stays, so does its mask."""
        return segmentation_masks

    def transform_labels(self, labels, transformation, training=True):
        """The labels, as they are."""
        return labels

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        return {**super().get_config(), "data_format": self.data_format}

    def _title(self):
        return f"Layer {self.name!r} ({type(self).__name__})"


def samples_in(shape):
    """How many images there are in a batch; a single one is one."""
    return shape[0] if len(shape) == 4 else 1


def one_for_each(shape):
    """The shape of one number for each image, which broadcasts with the images."""
    return (1,) * 3 if len(shape) == 3 else (shape[0], 1, 1, 1)


def uniform(shape, low, high, seed, dtype="float32"):
    """Numbers spread evenly over [low, high), the next ones that a generator gives."""
    return random.uniform(shape, random.draw_seed(seed), dtype, low, high)


def factor_range(factor, name, owner, low, high):
    """A factor as the two ends of what is drawn from, in order.

    A number stands for both signs of it, as far as they are allowed. Of two numbers only what lies
    wholly outside is refused, as in Keras.
    """
    wanted = f"`{name}` of {owner} must be a number from {low} to {high}, or two of them"
    if isinstance(factor, (tuple, list)):
        if len(factor) == 2 and all(map(_is_number, factor)):
            if factor[0] <= high and factor[1] >= low:
                return tuple(sorted(factor))
    elif _is_number(factor) and low <= factor <= high:
        size = abs(factor)
        return max(-size, low), size
    raise ValueError(f"{wanted}. Received: {name}={check.shown(factor)}")


def _is_number(value):
    return isinstance(value, (int, float)) and not math.isnan(value)


__all__ = ["Augmentation", "factor_range", "one_for_each", "samples_in", "uniform"]

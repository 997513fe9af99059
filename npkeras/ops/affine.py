"""Images moved, turned, stretched and seen at an angle."""

from __future__ import annotations

import numpy as np

from npkeras.core import check
from npkeras.core.dtypes import as_array, dtype_of, is_float
from npkeras.core.op import fused_op
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.kernels import affine as kernels
from npkeras.kernels.affine import FILL_MODES, INTERPOLATIONS
from npkeras.ops.activation import wide
from npkeras.ops.arrange import transpose
from npkeras.ops.composed import composed
from npkeras.ops.sliding import image_axes


def _infer(images, transforms, *, interpolation, fill_mode, fill_value):
    return KerasTensor(shape_of(images), dtype_of(images))


@fused_op(_infer, arrays=2)
def _affine(images, transforms, *, interpolation, fill_mode, fill_value, wanted):
    """Each image (rows, columns, channels) through its transform.

    The gradient is that of TensorFlow: dy through the inverse transforms. It is the true one only
    where the map keeps areas; transforms have none.
    """
    transforms = as_array(transforms).astype(np.float32, copy=False)
    ways = interpolation, fill_mode
    y = kernels.affine(images, transforms, *ways, fill_value)

    def backward(dy):
        if not is_float(dtype_of(images)):
            return None, None
        dx = kernels.affine(wide(dy), kernels.inverse(transforms), *ways)
        return dx.astype(images.dtype, copy=False), None

    return y, backward


def check_fill(interpolation, fill_mode, owner):
    """Refuse what no map can be asked for."""
    check.one_of(INTERPOLATIONS, interpolation, "interpolation", owner)
    check.one_of(FILL_MODES, fill_mode, "fill_mode", owner)


def _check_transforms(images, transforms, owner):
    """The transforms in two axes, if there are eight numbers for each image, or for all."""
    shape = shape_of(transforms)
    if len(shape) not in (1, 2) or shape[-1] not in (8, None):
        raise ValueError(
            f"`transform` of {owner} must be eight numbers for each image, or for all: of shape "
            f"(8,) or (samples, 8). Received: transform of shape {shape}"
        )
    samples = shape_of(images)[0] if len(shape_of(images)) == 4 else 1
    if len(shape) == 2 and None not in (shape[0], samples) and shape[0] not in (1, samples):
        raise ValueError(
            f"`transform` of {owner} must be one for each image, or one for all. "
            f"Received: transform of shape {shape}, images of shape {shape_of(images)}"
        )
    return transforms[None] if len(shape) == 1 else transforms


@composed
def affine_transform(
    images,
    transform,
    interpolation="bilinear",
    fill_mode="constant",
    fill_value=0,
    data_format=None,
):
    """Images whose pixels are looked up elsewhere: moved, turned, stretched. The dtype stays.

    The pixel (x, y) of the result, column and row, shows what the image has at

        ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k),    k = c0 x + c1 y + 1

    The gradient by the images is, as in TensorFlow, the gradient of the result through the inverse
    transform; the transform has none.

    Args:
        images: One image or a batch of images.
        transform: (a0, a1, a2, b0, b1, b2, c0, c1), or as many for each image.
        interpolation: `"nearest"` takes the closest pixel, `"bilinear"` blends four.
        fill_mode: What lies beyond the edges: `"constant"` (`fill_value`), `"nearest"` (the edge),
            `"wrap"` (the image again) or `"reflect"` (the image mirrored).
        fill_value: What `"constant"` shows.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.

    Shapes: images (samples, height, width, channels) -> the same; the same without the axis of
        samples.

    Raises:
        ValueError: For images or transforms of another rank, or an unknown interpolation or mode.

    Example:
        >>> left = [1, 0, 1, 0, 1, 0, 0, 0]  # each pixel shows its right neighbour
        >>> ops.image.affine_transform(np.arange(3.0).reshape(1, 3, 1), left)[0, :, 0]
        array([1., 2., 0.])
    """
    owner = "`affine_transform`"
    check_fill(interpolation, fill_mode, owner)
    *_, channels = image_axes(images, data_format, owner)
    if not isinstance(images, KerasTensor) and np.dtype(dtype_of(images)).kind not in "iuf":
        raise TypeError(
            f"{owner} takes images of numbers. Received images of dtype {dtype_of(images)}"
        )
    if not hasattr(transform, "shape"):
        transform = as_array(transform)
    transform = _check_transforms(images, transform, owner)
    single = len(shape_of(images)) == 3
    x = images[None] if single else images
    first = channels == len(shape_of(images)) - 3
    x = transpose(x, (0, 2, 3, 1)) if first else x
    y = _affine(
        x, transform, interpolation=interpolation, fill_mode=fill_mode, fill_value=fill_value
    )
    y = transpose(y, (0, 3, 1, 2)) if first else y
    return y[0] if single else y


__all__ = ["FILL_MODES", "INTERPOLATIONS", "affine_transform", "check_fill"]

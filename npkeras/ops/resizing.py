"""Images in other sizes."""

from __future__ import annotations

import numpy as np

from npkeras.core import check
from npkeras.core.dtypes import dtype_of
from npkeras.core.op import fused_op
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.kernels import resize as kernels
from npkeras.kernels.resize import METHODS
from npkeras.ops.activation import wide
from npkeras.ops.arrange import pad
from npkeras.ops.composed import composed
from npkeras.ops.sliding import image_axes, refuse_no_entries


def _enlarge_infer(x, *, axes, factors, interpolation):
    shape = list(shape_of(x))
    for axis, factor in zip(axes, factors, strict=True):
        shape[axis] = None if shape[axis] is None else shape[axis] * factor
    return KerasTensor(shape, dtype_of(x))


@fused_op(_enlarge_infer)
def _enlarge(x, *, axes, factors, interpolation, wanted):
    """x with axes that are some times as long, with weighted sums of neighbours between entries.

    Args:
        axes, factors: Which axes, and how many times.
        interpolation: One of `METHODS`.
    """
    if interpolation == "nearest":
        return _repeated(x, axes, factors)
    sizes = [x.shape[axis] * factor for axis, factor in zip(axes, factors, strict=True)]
    return _blended(x, axes, sizes, interpolation)


def _resize_infer(x, *, axes, sizes, interpolation, antialias):
    shape = list(shape_of(x))
    for axis, size in zip(axes, sizes, strict=True):
        shape[axis] = size
    return KerasTensor(shape, dtype_of(x))


@fused_op(_resize_infer)
def _resize(x, *, axes, sizes, interpolation, antialias, wanted):
    """x with axes of other lengths.

    Args:
        axes, sizes: Which axes, and how long they become.
        interpolation: One of `METHODS`.
        antialias: Whether each entry of a shorter axis sees all that lies in its cell.
    """
    if interpolation == "nearest":
        return _chosen(x, axes, sizes)
    return _blended(x, axes, sizes, interpolation, antialias)


def _blended(x, axes, sizes, interpolation, antialias=False):
    """Weighted sums, one axis after the other; integers are rounded and stay in their range."""
    refuse_no_entries([x.shape[axis] for axis in axes], "Resizing")
    steps = [
        (axis, kernels.resize_weights(x.shape[axis], size, interpolation, antialias))
        for axis, size in zip(axes, sizes, strict=True)
        if size != x.shape[axis]
    ]
    y = wide(x)
    for axis, weights in steps:
        y = kernels.resize(y, axis, weights)

    def backward(dy):
        dx = wide(dy)
        for axis, weights in reversed(steps):
            dx = kernels.resize_back(dx, axis, weights)
        return (dx.astype(x.dtype, copy=False),)

    return _in_dtype(y, x), backward


def _in_dtype(y, x):
    if x.dtype.kind in "iu" and y is not x:
        limits = np.iinfo(x.dtype)
        y = np.clip(np.rint(y.astype(np.float64)), limits.min, limits.max)
    return y.astype(x.dtype, copy=y is x)


def _chosen(x, axes, sizes):
    """The entry in the middle of each new cell."""
    refuse_no_entries([x.shape[axis] for axis in axes], "Resizing")
    y = x
    for axis, size in zip(axes, sizes, strict=True):
        y = y.take(kernels.nearest(x.shape[axis], size), axis)

    def backward(dy):
        dx = wide(dy)
        for axis, size in reversed(list(zip(axes, sizes, strict=True))):
            weights = kernels.resize_weights(x.shape[axis], size, "nearest")
            dx = kernels.resize_back(dx, axis, weights)
        return (dx.astype(x.dtype, copy=False),)

    return y, backward


def _repeated(x, axes, factors):
    """Each entry several times in a row, along several axes at once."""
    spread, target, repeats = [], [], []
    for axis, length in enumerate(x.shape):
        spread.append(length)
        target.append(length)
        if axis in axes:
            repeats.append(len(spread))
            spread.append(1)
            target.append(factors[axes.index(axis)])
    shape = [n * dict(zip(axes, factors, strict=True)).get(i, 1) for i, n in enumerate(x.shape)]

    def backward(dy):
        dx = wide(dy).reshape(target).sum(axis=tuple(repeats))
        return (dx.astype(x.dtype, copy=False),)

    y = np.broadcast_to(x.reshape(spread), target).reshape(shape)
    return y.copy() if set(factors) == {1} else y, backward


enlarge = _enlarge


def size_of_images(size, owner):
    """The two lengths, of rows and of columns, that images are to have."""
    try:
        values = None if isinstance(size, str) else tuple(size)
    except TypeError:
        raise TypeError(
            f"`size` of {owner} must be two integers, (height, width). "
            f"Received: size={check.shown(size)}"
        ) from None
    if values is None or len(values) != 2 or not all(check.is_int(n) and n > 0 for n in values):
        raise ValueError(
            f"`size` of {owner} must be two positive integers, (height, width). "
            f"Received: size={check.shown(size)}"
        )
    return int(values[0]), int(values[1])


def check_ways(interpolation, crop, pad_, fill_mode, owner):
    """Refuse what `resize` cannot be asked for."""
    check.one_of(METHODS, interpolation, "interpolation", owner)
    check.one_of(("constant",), fill_mode, "fill_mode", owner)
    if crop and pad_:
        raise ValueError(
            f"Only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` of {owner} can be True. "
            f"Received: crop_to_aspect_ratio={crop}, pad_to_aspect_ratio={pad_}"
        )


@composed
def resize(
    images,
    size,
    interpolation="bilinear",
    antialias=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    fill_mode="constant",
    fill_value=0.0,
    data_format=None,
):
    """Images in another size. Their dtype stays; integers are rounded.

    Args:
        images: One image or a batch of images.
        size: (height, width) of the result.
        interpolation: `"nearest"` takes the closest pixel. `"bilinear"`, `"bicubic"`, `"lanczos3"`
            and `"lanczos5"` blend 2, 4, 6 or 10 pixels along each axis, `"area"` all that lie in
            the new one.
        antialias: Whether pixels of a smaller image blend all pixels around them, so that fine
            patterns do not turn into coarse ones.
        crop_to_aspect_ratio: Whether to cut off two edges first, so that shapes are not distorted.
        pad_to_aspect_ratio: Whether to add two edges first, for the same purpose.
        fill_mode: How: `"constant"`.
        fill_value: What these edges hold.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.

    Shapes: images (samples, height, width, channels) -> (samples, *size, channels); the same
        without the axis of samples.

    Raises:
        ValueError: For images of another rank, an unknown interpolation, or both ways to keep the
            ratio.
    """
    owner = "`resize`"
    size = size_of_images(size, owner)
    check_ways(interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, fill_mode, owner)
    *axes, _ = image_axes(images, data_format, owner)
    lengths = [shape_of(images)[axis] for axis in axes]
    if None not in lengths:  # else only shapes are asked for, and this does not change them
        if crop_to_aspect_ratio:
            images = _cropped(images, axes, lengths, size)
        elif pad_to_aspect_ratio:
            images = _padded(images, axes, lengths, size, fill_value)
    return _resize(
        images, axes=tuple(axes), sizes=size, interpolation=interpolation, antialias=bool(antialias)
    )


def _in_ratio(lengths, size):
    """How long each axis would be beside the other one, in the ratio of the result."""
    height, width = lengths
    return int(width * size[0] / size[1]), int(height * size[1] / size[0])


def _cropped(images, axes, lengths, size):
    key = [slice(None)] * len(shape_of(images))
    for axis, length, other in zip(axes, lengths, _in_ratio(lengths, size), strict=True):
        kept = min(length, max(other, 1))
        start = (length - kept) // 2
        key[axis] = slice(start, start + kept)
    return images[tuple(key)]


def _padded(images, axes, lengths, size, fill_value):
    widths = [(0, 0)] * len(shape_of(images))
    for axis, length, other in zip(axes, lengths, _in_ratio(lengths, size), strict=True):
        each = (max(length, other) - length) // 2  # at both ends, as in Keras
        widths[axis] = (each, each)
    return pad(images, tuple(widths), constant_values=fill_value)


__all__ = ["METHODS", "check_ways", "enlarge", "resize", "size_of_images"]

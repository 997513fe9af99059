"""Edges of images: cut off, and added."""

from __future__ import annotations

from npkeras.core import check
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.ops.arrange import pad
from npkeras.ops.composed import composed
from npkeras.ops.sliding import image_axes


def _ends(start, end, target, length, names, owner, sign):
    """How many entries go or come at both ends of an axis, None for one that is not known.

    Two of `start`, `end` and `target`, the length of the result, say it all.
    """
    if sum(value is None for value in (start, end, target)) != 1:
        values = zip(names, (start, end, target), strict=True)
        given = ", ".join(f"{name}={check.shown(value)}" for name, value in values)
        raise ValueError(
            f"{owner} needs two of {', '.join(f'`{name}`' for name in names)}. Received: {given}"
        )
    for name, value in zip(names, (start, end, target), strict=True):
        if value is not None:
            check.non_negative_int(value, name, owner)
    if length is None:
        return start, end, target
    change = None if target is None else sign * (target - length)
    start = change - end if start is None else start
    end = change - start if end is None else end
    target = length + sign * (start + end)
    if min(start, end, target) < 0:
        raise ValueError(
            f"{owner} cannot be asked for this along an axis of {length}: {names[0]}={start}, "
            f"{names[1]}={end}, {names[2]}={target}."
        )
    return start, end, target


def _both(images, edges, data_format, owner, sign):
    """For each of the two axes its number and its `_ends`."""
    *axes, _ = image_axes(images, data_format, owner)
    what = "padding" if sign > 0 else "cropping"
    names = [
        (f"top_{what}", f"bottom_{what}", "target_height"),
        (f"left_{what}", f"right_{what}", "target_width"),
    ]
    shape = shape_of(images)
    return {
        axis: _ends(*ends, shape[axis], of_axis, owner, sign)
        for axis, ends, of_axis in zip(axes, edges, names, strict=True)
    }


def _shape(images, both):
    """The shape of the result where an axis is not known: only shapes are asked for."""
    shape = list(shape_of(images))
    for axis, (_, _, target) in both.items():
        shape[axis] = target
    return KerasTensor(shape, images.dtype)


@composed
def pad_images(
    images,
    top_padding=None,
    left_padding=None,
    bottom_padding=None,
    right_padding=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Images with zeros around them.

    Args:
        images: One image or a batch of images.
        top_padding, bottom_padding, target_height: How many rows there are above, below and in
            all: two of the three.
        left_padding, right_padding, target_width: The same for columns.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.

    Shapes: images (samples, height, width, channels)
        -> (samples, target_height, target_width, channels); the same without the axis of samples.
    """
    rows, columns = (
        (top_padding, bottom_padding, target_height),
        (left_padding, right_padding, target_width),
    )
    both = _both(images, (rows, columns), data_format, "`pad_images`", 1)
    shape = shape_of(images)
    if None in [shape[axis] for axis in both]:
        return _shape(images, both)
    widths = [both[axis][:2] if axis in both else (0, 0) for axis in range(len(shape))]
    return pad(images, tuple(widths))


@composed
def crop_images(
    images,
    top_cropping=None,
    left_cropping=None,
    bottom_cropping=None,
    right_cropping=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Images without some rows and columns at their edges.

    Args:
        images: One image or a batch of images.
        top_cropping, bottom_cropping, target_height: How many rows go above and below, and how
            many stay: two of the three.
        left_cropping, right_cropping, target_width: The same for columns.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.

    Shapes: images (samples, height, width, channels)
        -> (samples, target_height, target_width, channels); the same without the axis of samples.
    """
    rows, columns = (
        (top_cropping, bottom_cropping, target_height),
        (left_cropping, right_cropping, target_width),
    )
    both = _both(images, (rows, columns), data_format, "`crop_images`", -1)
    shape = shape_of(images)
    if None in [shape[axis] for axis in both]:
        return _shape(images, both)
    key = [slice(None)] * len(shape)
    for axis, (start, _, target) in both.items():
        key[axis] = slice(start, start + target)
    return images[tuple(key)]


__all__ = ["crop_images", "pad_images"]

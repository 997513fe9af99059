"""Windows of images as arrays: taken out of them, and put back."""

from __future__ import annotations

import math

import numpy as np

from npkeras.core import check
from npkeras.core.dtypes import dtype_of
from npkeras.core.op import fused_op
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.kernels import patches as kernels
from npkeras.kernels.convolution import Geometry
from npkeras.ops.activation import wide
from npkeras.ops.arrange import expand_dims, squeeze
from npkeras.ops.composed import composed
from npkeras.ops.convolution import refuse_strides_with_dilation
from npkeras.ops.sliding import (
    format_of,
    images,
    output_length,
    output_lengths,
    padding_of,
    per_axis,
    shape_with,
    span,
    zeros_before,
)


def _sliding(x, size, strides, dilation_rate, padding, data_format, owner):
    lengths, channels = images(x, data_format, owner, counts=(len(size),))
    outputs = output_lengths(lengths, size, strides, dilation_rate, padding, owner)
    return lengths, outputs, channels


def _patches_infer(x, *, size, strides, dilation_rate, padding, data_format, owner):
    _, outputs, channels = _sliding(x, size, strides, dilation_rate, padding, data_format, owner)
    entries = None if channels is None else math.prod(size) * channels
    return KerasTensor(shape_with(x, outputs, entries, data_format, owner), dtype_of(x))


@fused_op(_patches_infer)
def _patches(x, *, size, strides, dilation_rate, padding, data_format, owner, wanted):
    """All windows, each as the channels of a place."""
    lengths, outputs, channels = _sliding(
        x, size, strides, dilation_rate, padding, data_format, owner
    )
    along = zip(lengths, outputs, size, strides, dilation_rate, strict=True)
    before = tuple(zeros_before(*one, padding) for one in along)
    geometry = Geometry(size, strides, dilation_rate, before, outputs)
    first = data_format == "channels_first"
    y = kernels.patches(np.moveaxis(x, 1, -1) if first else x, geometry)
    y = y.reshape(len(x), *outputs, math.prod(size) * channels)

    def backward(dy):
        dy = np.moveaxis(wide(dy), 1, -1) if first else wide(dy)
        dx = kernels.patches_back(
            dy.reshape(len(x), *outputs, *size, channels), geometry, tuple(lengths)
        )
        return ((np.moveaxis(dx, -1, 1) if first else dx).astype(x.dtype, copy=False),)

    return (np.moveaxis(y, -1, 1) if first else y), backward


def _extracted(x, size, strides, dilation_rate, padding, data_format, owner):
    count = len(size)
    strides = size if strides is None else per_axis(strides, count, "strides", owner)
    dilation_rate = per_axis(dilation_rate, count, "dilation_rate", owner)
    refuse_strides_with_dilation(strides, dilation_rate, owner)
    ndim = len(shape_of(x))
    if ndim not in (count + 1, count + 2):
        raise ValueError(
            f"{owner} with windows of {count} axes expects inputs with {count + 1} axes, or "
            f"{count + 2} for a batch. Received inputs of shape {shape_of(x)}"
        )
    y = _patches(
        expand_dims(x, 0) if ndim == count + 1 else x,
        size=size,
        strides=strides,
        dilation_rate=dilation_rate,
        padding=padding_of(padding, owner),
        data_format=format_of(data_format, owner),
        owner=owner,
    )
    return squeeze(y, 0) if ndim == count + 1 else y


def _window(size, counts, owner):
    """The lengths of a window: those given, or as many as there are axes at least."""
    if not check.is_int(size) and not isinstance(size, (tuple, list)):
        raise TypeError(
            f"`size` of {owner} must be an integer or a tuple of integers. "
            f"Received: size={check.shown(size)}"
        )
    count = counts[0] if check.is_int(size) else len(size)
    if count not in counts:
        kind = ValueError if len(counts) > 1 else TypeError  # as in Keras
        raise kind(
            f"`size` of {owner} must have {' or '.join(map(str, counts))} entries. "
            f"Received: size={check.shown(size)}"
        )
    return per_axis(size, count, "size", owner)


@composed
def extract_patches(images, size, strides=None, dilation_rate=1, padding="valid", data_format=None):
    """All windows of images, each as the channels of a place: row by row, pixel by pixel.

    Args:
        images: One image or a batch; or volumes, if `size` has three entries.
        size: The rows and columns of a window: two integers, or one for both.
        strides: How far apart windows are. None: side by side.
        dilation_rate: How far apart the pixels are that a window sees; either this or `strides`
            is 1.
        padding: `"valid"`: windows stay within the images. `"same"`: zeros around them.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.

    Shapes: images (samples, height, width, channels) -> (samples, rows, columns, entries of a
        window); the same without the axis of samples.
    """
    owner = "`extract_patches`"
    size = _window(size, (2, 3), owner)
    return _extracted(images, size, strides, dilation_rate, padding, data_format, owner)


@composed
def extract_patches_3d(
    volumes, size, strides=None, dilation_rate=1, padding="valid", data_format=None
):
    """All windows of volumes, each as the channels of a place.

    Args:
        volumes: One volume or a batch.
        size: How far a window reaches: three integers, or one for all axes.
        strides, dilation_rate, padding, data_format: As in `extract_patches`.

    Shapes: volumes (samples, a, b, c, channels) -> (samples, *places, entries of a window); the
        same without the axis of samples.
    """
    owner = "`extract_patches_3d`"
    size = _window(size, (3,), owner)
    return _extracted(volumes, size, strides, dilation_rate, padding, data_format, owner)


# As matrices: the layout of `im2col`, channels first.


def _blocks(lengths, kernel_size, dilation, padding, stride, owner):
    """How windows lie on images of these lengths, None where that is not known."""
    window = per_axis(kernel_size, 2, "kernel_size", owner)
    dilation = per_axis(dilation, 2, "dilation", owner)
    before = per_axis(padding, 2, "padding", owner, low=0)
    strides = per_axis(stride, 2, "stride", owner)
    outputs = tuple(
        output_length(None if n is None else n + 2 * p, k, s, d, "valid")
        for n, p, k, s, d in zip(lengths, before, window, strides, dilation, strict=True)
    )
    if any(n is not None and n <= 0 for n in outputs):
        reach = tuple(span(k, d) for k, d in zip(window, dilation, strict=True))
        raise ValueError(
            f"{owner} has no place for a window of {reach} in images of {tuple(lengths)} with a "
            f"padding of {before}. Use larger images, a smaller window or more padding."
        )
    return Geometry(window, strides, dilation, before, outputs)


def _unfold_geometry(x, kernel_size, dilation, padding, stride):
    owner = "`unfold`"
    lengths, channels = images(x, "channels_first", owner, counts=(2,))
    return _blocks(lengths, kernel_size, dilation, padding, stride, owner), channels


def _unfold_infer(x, kernel_size, dilation=1, padding=0, stride=1):
    geometry, channels = _unfold_geometry(x, kernel_size, dilation, padding, stride)
    rows = None if channels is None else channels * math.prod(geometry.window)
    columns = None if None in geometry.outputs else math.prod(geometry.outputs)
    return KerasTensor((shape_of(x)[0], rows, columns), dtype_of(x))


def _as_columns(y, geometry):
    """(samples, *places, *window, channels) -> (samples, channels * window, places)."""
    return y.transpose(0, 5, 3, 4, 1, 2).reshape(
        len(y), y.shape[-1] * math.prod(geometry.window), math.prod(geometry.outputs)
    )


def _as_windows(y, geometry):
    channels = y.shape[1] // math.prod(geometry.window)
    y = y.reshape(len(y), channels, *geometry.window, *geometry.outputs)
    return y.transpose(0, 4, 5, 2, 3, 1)


@fused_op(_unfold_infer, arrays=1)
def unfold(x, kernel_size, dilation=1, padding=0, stride=1, *, wanted):
    """All windows of images as the columns of matrices (`im2col`).

    Args:
        x: Images, with channels first.
        kernel_size: The rows and columns of a window: two integers, or one for both.
        dilation: How far apart the pixels are that a window sees.
        padding: How many zeros there are around the images, at each edge.
        stride: How far apart windows are.

    Shapes: x (samples, channels, height, width)
        -> (samples, channels * entries of a window, windows)
    """
    geometry, _ = _unfold_geometry(x, kernel_size, dilation, padding, stride)
    y = _as_columns(kernels.patches(np.moveaxis(x, 1, -1), geometry), geometry)
    lengths = x.shape[2:]

    def backward(dy):
        dx = kernels.patches_back(_as_windows(wide(dy), geometry), geometry, lengths)
        return (np.moveaxis(dx, -1, 1).astype(x.dtype, copy=False),)

    return y, backward


def _fold_plan(x, output_size, kernel_size, dilation, padding, stride):
    owner = "`fold`"
    lengths = per_axis(output_size, 2, "output_size", owner)
    geometry = _blocks(lengths, kernel_size, dilation, padding, stride, owner)
    shape, entries = shape_of(x), math.prod(geometry.window)
    if len(shape) != 3 or (shape[1] is not None and shape[1] % entries):
        raise ValueError(
            f"{owner} expects inputs of shape (samples, channels * {entries}, windows). "
            f"Received inputs of shape {shape}"
        )
    if shape[2] not in (None, math.prod(geometry.outputs)):
        raise ValueError(
            f"{owner} expects {math.prod(geometry.outputs)} windows for images of {lengths}. "
            f"Received inputs of shape {shape}"
        )
    return lengths, geometry


def _fold_infer(x, output_size, kernel_size, dilation=1, padding=0, stride=1):
    lengths, geometry = _fold_plan(x, output_size, kernel_size, dilation, padding, stride)
    samples, rows, _ = shape_of(x)
    channels = None if rows is None else rows // math.prod(geometry.window)
    return KerasTensor((samples, channels, *lengths), dtype_of(x))


@fused_op(_fold_infer, arrays=1)
def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1, *, wanted):
    """The columns of matrices as windows of images, added up where these overlap (`col2im`).

    Args:
        x: What `unfold` gives.
        output_size: The height and width of the images: two integers, or one for both.
        kernel_size, dilation, padding, stride: As in `unfold`.

    Shapes: x (samples, channels * entries of a window, windows)
        -> (samples, channels, *output_size)
    """
    lengths, geometry = _fold_plan(x, output_size, kernel_size, dilation, padding, stride)
    summed = wide(x) if x.dtype.kind == "f" else x
    y = kernels.patches_back(_as_windows(summed, geometry), geometry, lengths)

    def backward(dy):
        dx = kernels.patches(np.moveaxis(dy, 1, -1), geometry)
        return (_as_columns(dx, geometry),)

    return np.moveaxis(y, -1, 1).astype(x.dtype, copy=False), backward


__all__ = ["extract_patches", "extract_patches_3d", "fold", "unfold"]

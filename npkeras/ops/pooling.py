"""Pooling: the largest entry, or the mean, of windows that slide over images and sequences."""

from __future__ import annotations

import numpy as np

from npkeras.core.dtypes import dtype_of
from npkeras.core.op import fused_op
from npkeras.core.shapes import float_dtype
from npkeras.core.symbolic import KerasTensor
from npkeras.kernels import pooling as kernels
from npkeras.ops.activation import wide
from npkeras.ops.sliding import (
    format_of,
    images,
    output_lengths,
    padding_of,
    per_axis,
    refuse_no_entries,
    shape_with,
    zeros_before,
)


def _first_axis(data_format, owner):
    return 1 if format_of(data_format, owner) == "channels_last" else 2


def _sliding(inputs, pool_size, strides, padding, data_format, owner):
    """The lengths of the result, and what the windows along each axis are made of."""
    lengths, channels = images(inputs, data_format, owner)
    count = len(lengths)
    size = per_axis(pool_size, count, "pool_size", owner)
    strides = size if strides is None else per_axis(strides, count, "strides", owner)
    padding = padding_of(padding, owner)
    ones = (1,) * count
    outputs = output_lengths(lengths, size, strides, ones, padding, owner)
    return outputs, channels, list(zip(lengths, outputs, size, strides, ones, strict=True)), padding


def _windows(inputs, pool_size, strides, padding, data_format, owner):
    _, _, along, padding = _sliding(inputs, pool_size, strides, padding, data_format, owner)
    first = _first_axis(data_format, owner)
    return [
        kernels.sliding(
            first + i,
            length,
            size,
            stride,
            zeros_before(length, outputs, size, stride, 1, padding),
            outputs,
        )
        for i, (length, outputs, size, stride, _) in enumerate(along)
        if (size, stride) != (1, 1)
    ]


def _max_infer(inputs, pool_size, strides=None, padding="valid", data_format=None):
    owner = "`max_pool`"
    lengths, channels, *_ = _sliding(inputs, pool_size, strides, padding, data_format, owner)
    return KerasTensor(shape_with(inputs, lengths, channels, data_format, owner), dtype_of(inputs))


def _maximum(inputs, windows, wanted):
    y, winners = kernels.max_pool(inputs, windows, bool(wanted))
    return y, lambda dy: (kernels.max_pool_back(dy, windows, winners),)


@fused_op(_max_infer, arrays=1)
def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None, *, wanted):
    """The largest entry of each window, for each channel.

    Of equal entries the first one gets the gradient.

    Args:
        inputs: The images, sequences or volumes.
        pool_size: How long the windows are; one integer, or one for each axis.
        strides: How far apart they are. None: as far as they are long.
        padding: `"valid"`: windows stay within the inputs. `"same"`: they may reach beyond, where
            there is nothing.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.

    Shapes: inputs (samples, *lengths, channels) -> (samples, *places, channels)
    """
    windows = _windows(inputs, pool_size, strides, padding, data_format, "`max_pool`")
    return _maximum(inputs, windows, wanted)


def _average_infer(inputs, pool_size, strides=None, padding="valid", data_format=None):
    owner = "`average_pool`"
    lengths, channels, *_ = _sliding(inputs, pool_size, strides, padding, data_format, owner)
    shape = shape_with(inputs, lengths, channels, data_format, owner)
    return KerasTensor(shape, float_dtype(inputs))


def _average(inputs, windows):
    dtype = np.dtype(float_dtype(inputs))
    y = kernels.average_pool(wide(inputs), windows).astype(dtype, copy=False)

    def backward(dy):
        return (kernels.average_pool_back(wide(dy), windows).astype(dtype, copy=False),)

    return y, backward


@fused_op(_average_infer, arrays=1)
def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None, *, wanted):
    """The mean of each window, for each channel.

    Args:
        inputs: The images, sequences or volumes.
        pool_size: How long the windows are; one integer, or one for each axis.
        strides: How far apart they are. None: as far as they are long.
        padding: `"valid"`: windows stay within the inputs. `"same"`: they may reach beyond; what
            lies there does not count.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.

    Shapes: inputs (samples, *lengths, channels) -> (samples, *places, channels)
    """
    windows = _windows(inputs, pool_size, strides, padding, data_format, "`average_pool`")
    return _average(inputs, windows)


# Adaptive


def _adaptive(inputs, output_size, data_format, owner):
    lengths, channels = images(inputs, data_format, owner)
    size = per_axis(output_size, len(lengths), "output_size", owner)
    refuse_no_entries(lengths, owner)
    return lengths, channels, size


def _adaptive_windows(inputs, output_size, data_format, owner):
    lengths, _, size = _adaptive(inputs, output_size, data_format, owner)
    first = _first_axis(data_format, owner)
    return [
        kernels.adaptive(first + i, length, n)
        for i, (length, n) in enumerate(zip(lengths, size, strict=True))
    ]


def _adaptive_shape(inputs, output_size, data_format, owner):
    _, channels, size = _adaptive(inputs, output_size, data_format, owner)
    return shape_with(inputs, size, channels, data_format, owner)


def _adaptive_max_infer(inputs, output_size, data_format=None):
    shape = _adaptive_shape(inputs, output_size, data_format, "`adaptive_max_pool`")
    return KerasTensor(shape, dtype_of(inputs))


@fused_op(_adaptive_max_infer, arrays=1)
def adaptive_max_pool(inputs, output_size, data_format=None, *, wanted):
    """The largest entry of each of a given number of windows, whatever the size of the inputs.

    Args:
        inputs: The images, sequences or volumes.
        output_size: How many windows there are; one integer, or one for each axis.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.

    Shapes: inputs (samples, *lengths, channels) -> (samples, *output_size, channels)
    """
    windows = _adaptive_windows(inputs, output_size, data_format, "`adaptive_max_pool`")
    return _maximum(inputs, windows, wanted)


def _adaptive_average_infer(inputs, output_size, data_format=None):
    shape = _adaptive_shape(inputs, output_size, data_format, "`adaptive_average_pool`")
    return KerasTensor(shape, float_dtype(inputs))


@fused_op(_adaptive_average_infer, arrays=1)
def adaptive_average_pool(inputs, output_size, data_format=None, *, wanted):
    """The mean of each of a given number of windows, whatever the size of the inputs.

    Args:
        inputs: The images, sequences or volumes.
        output_size: How many windows there are; one integer, or one for each axis.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.

    Shapes: inputs (samples, *lengths, channels) -> (samples, *output_size, channels)
    """
    windows = _adaptive_windows(inputs, output_size, data_format, "`adaptive_average_pool`")
    return _average(inputs, windows)

"""Convolutions, and what they are made of.

Channels come last inside. Where they come first, views with the axes in the other order go in and
out, so that a chain of such ops copies nothing.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from npkeras.core.op import fused_op
from npkeras.core.shapes import common_dtype, shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.kernels import convolution as kernels
from npkeras.kernels import depthwise as depthwise_kernels
from npkeras.kernels.convolution import Geometry
from npkeras.ops.activation import wide
from npkeras.ops.composed import composed
from npkeras.ops.sliding import (
    format_of,
    images,
    output_lengths,
    padding_of,
    per_axis,
    refuse_no_entries,
    shape_with,
    span,
    zeros_before,
)


class _Plan(NamedTuple):
    """What a call comes to: lengths and channels of the result, and how windows lie."""

    lengths: tuple
    channels: int
    window: tuple
    strides: tuple
    dilation: tuple
    padding: str
    inputs: tuple

    def geometry(self):
        along = zip(
            self.inputs, self.lengths, self.window, self.strides, self.dilation, strict=True
        )
        before = tuple(zeros_before(*one, self.padding) for one in along)
        return Geometry(self.window, self.strides, self.dilation, before, self.lengths)


def _options(count, strides, dilation_rate, owner):
    strides = per_axis(strides, count, "strides", owner)
    return strides, per_axis(dilation_rate, count, "dilation_rate", owner)


def _kernel_shape(kernel, count, owner):
    shape = shape_of(kernel)
    if len(shape) != count + 2:
        raise ValueError(
            f"{owner} expects a kernel with as many axes as the inputs, {count + 2}. "
            f"Received a kernel of shape {shape}"
        )
    return shape


def refuse_strides_with_dilation(strides, dilation_rate, owner):
    """As in Keras, a convolution has either."""
    if max(strides) > 1 and max(dilation_rate) > 1:
        raise ValueError(
            f"{owner} takes either strides or a dilation rate above 1, not both. "
            f"Received: strides={strides}, dilation_rate={dilation_rate}"
        )


def _planned(inputs, kernel, options, owner, depthwise=False):
    """The plan of a convolution, or of a depthwise one, for arrays or symbolic tensors."""
    strides, padding, data_format, dilation_rate = options
    lengths, channels = images(inputs, data_format, owner)
    *window, taken, filters = _kernel_shape(kernel, len(lengths), owner)
    strides, dilation = _options(len(lengths), strides, dilation_rate, owner)
    padding = padding_of(padding, owner, ("valid", "same", "causal"))
    if depthwise:
        _check_channels(channels, taken, shape_of(kernel), owner)
        filters = None if None in (filters, taken) else filters * taken
    else:
        refuse_strides_with_dilation(strides, dilation, owner)
        _check_groups(channels, taken, filters, shape_of(kernel), owner)
    outputs = output_lengths(lengths, window, strides, dilation, padding, owner)
    return _Plan(outputs, filters, tuple(window), strides, dilation, padding, lengths)


def _check_channels(channels, taken, shape, owner):
    if None not in (channels, taken) and channels != taken:
        raise ValueError(
            f"{owner} expects a kernel of shape (*window, channels, multiplier) for inputs with "
            f"{channels} channels. Received a kernel of shape {shape}"
        )


def _check_groups(channels, taken, filters, shape, owner):
    if None in (channels, taken):
        return
    groups = channels // taken if taken and channels % taken == 0 else 0
    if not groups or (filters is not None and filters % groups):
        raise ValueError(
            f"{owner} expects a kernel of shape (*window, channels / groups, filters), with "
            f"filters that fall into as many groups, for inputs with {channels} channels. Received "
            f"a kernel of shape {shape}"
        )


def _infer(inputs, kernel, options, owner, depthwise=False, bias=None):
    plan = _planned(inputs, kernel, options, owner, depthwise)
    shape = shape_with(inputs, plan.lengths, plan.channels, options[2], owner)
    return KerasTensor(shape, common_dtype(*(x for x in (inputs, kernel, bias) if x is not None)))


def _wide(x):
    return x if x is None or x.dtype.kind != "f" else wide(x)


def _channels_last(x, data_format):
    return x if data_format == "channels_last" else np.moveaxis(x, 1, -1)


def _channels_back(y, data_format):
    return y if data_format == "channels_last" else np.moveaxis(y, -1, 1)


def run_kernel(forward, back, arrays, data_format, rectify, wanted):
    """A kernel and its way back, on views with the channels last, in at least float32."""
    dtype = arrays[0].dtype
    x, weights, bias = map(_wide, arrays)
    x = _channels_last(x, data_format)
    y = forward(x, weights, bias, rectify)

    def backward(dy):
        dy = _channels_last(_wide(dy), data_format)
        dx, *rest = back(x, weights, dy, *(i in wanted for i in range(3)), y if rectify else None)
        if dx is not None:
            dx = _channels_back(dx, data_format)
        return [None if g is None else g.astype(dtype, copy=False) for g in (dx, *rest)]

    return _channels_back(y, data_format).astype(dtype, copy=False), backward


@functools.lru_cache(maxsize=1024)
def known_plan(shape, kernel, options, owner, depthwise):
    """The plan and the geometry for shapes and for the options of a layer, which are in order."""
    specs = KerasTensor(shape), KerasTensor(kernel)
    plan = _planned(*specs, options, owner, depthwise)
    return plan, plan.geometry()


def _convolved(
    arrays, options, owner, wanted, depthwise=False, rectify=False, known=False, then=()
):
    inputs, kernel, bias = arrays
    if known:
        plan, geometry = known_plan(inputs.shape, kernel.shape, options, owner, depthwise)
    else:
        plan = _planned(inputs, kernel, options, owner, depthwise)
        geometry = plan.geometry()
    data_format = format_of(options[2], owner)
    channels = inputs.shape[1 if data_format == "channels_first" else -1]
    forward, back, form = kernels.convolve, kernels.convolve_back, kernel.shape
    if depthwise or kernel.shape[-2] == 1 < channels:  # each channel is a group
        forward, back = depthwise_kernels.depthwise, depthwise_kernels.depthwise_back
        form = (*plan.window, channels, plan.channels // channels)
    y, backward = run_kernel(
        lambda x, weights, bias, rectify: forward(x, weights, bias, geometry, rectify, then),
        lambda x, weights, dy, *more: back(x, weights, dy, geometry, *more),
        (inputs, kernel.reshape(form), bias),
        data_format,
        rectify,
        wanted,
    )

    def shaped(dy):
        dx, dkernel, dbias = backward(dy)
        return dx, None if dkernel is None else dkernel.reshape(kernel.shape), dbias

    return y, shaped


def _of_two(result):
    """What a kernel says of three arrays, for an op of the first two."""
    y, backward = result
    return y, lambda dy: backward(dy)[:2]


def _conv_infer(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    return _infer(inputs, kernel, (strides, padding, data_format, dilation_rate), "`conv`")


@fused_op(_conv_infer, promote=slice(0, 2), arrays=2)
def conv(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1, *, wanted):
    """The convolution of inputs with a kernel, along one, two or three axes.

    Args:
        inputs: The images, sequences or volumes.
        kernel: The window of weights, for each channel of the input and each filter. Where it has
            fewer channels than the inputs, these fall into groups that have filters of their own.
        strides: How far apart the places of the window are; one integer, or one for each axis.
        padding: `"valid"`: the window stays within the inputs. `"same"`: zeros around them, so that
            each entry (with strides: each of every few) is the middle of a window. `"causal"`:
            zeros before them, so that no window sees what comes later.
        data_format: `"channels_last"` or `"channels_first"`. None: the global setting.
        dilation_rate: How far apart the entries are that a window sees.

    Shapes:
        inputs (samples, *lengths, channels), kernel (*window, channels / groups, filters)
        -> (samples, *places, filters)
    """
    options = (strides, padding, data_format, dilation_rate)
    return _of_two(_convolved((inputs, kernel, None), options, "`conv`", wanted))


def _depthwise_infer(inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1):
    options = (strides, padding, data_format, dilation_rate)
    return _infer(inputs, kernel, options, "`depthwise_conv`", True)


@fused_op(_depthwise_infer, promote=slice(0, 2), arrays=2)
def depthwise_conv(
    inputs, kernel, strides=1, padding="valid", data_format=None, dilation_rate=1, *, wanted
):
    """A convolution in which no channel sees another.

    Args:
        inputs: The images or sequences.
        kernel: Windows of weights: for each channel as many as it is to have filters.
        strides, padding, data_format, dilation_rate: As in `conv`.

    Shapes:
        inputs (samples, *lengths, channels), kernel (*window, channels, multiplier)
        -> (samples, *places, channels * multiplier)
    """
    options = (strides, padding, data_format, dilation_rate)
    return _of_two(_convolved((inputs, kernel, None), options, "`depthwise_conv`", wanted, True))


@composed
def separable_conv(
    inputs,
    depthwise_kernel,
    pointwise_kernel,
    strides=1,
    padding="valid",
    data_format=None,
    dilation_rate=1,
):
    """A depthwise convolution, and one with windows of a single entry that mixes the channels.

    Args:
        inputs: The images or sequences.
        depthwise_kernel: The kernel of the first.
        pointwise_kernel: That of the second.
        strides, padding, data_format, dilation_rate: As in `conv`, for the first.

    Shapes:
        inputs (samples, *lengths, channels), depthwise_kernel (*window, channels, multiplier),
        pointwise_kernel (*ones, channels * multiplier, filters) -> (samples, *places, filters)
    """
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, data_format=data_format)


# What layers call: with a bias and a rectifier, which cost no pass of their own.


def _layer_infer(
    inputs, kernel, bias=None, *, options, owner, depthwise=False, rectify=False, then=()
):
    return _infer(inputs, kernel, options, owner, depthwise, bias)


@fused_op(_layer_infer, promote=slice(0, 3))
def _convolution(
    inputs, kernel, bias=None, *, options, owner, depthwise=False, rectify=False, then=(), wanted
):
    """`conv` or `depthwise_conv`, plus a bias, and max(y, 0) if asked for.

    `then` is what comes after that, (function, numbers of the channels) each: a function of the
    result and of those, in place. It has no gradient.
    """
    arrays = inputs, kernel, bias
    return _convolved(arrays, options, owner, wanted, depthwise, rectify, True, then)


convolution_now = _convolution

# Transposed


def _transposed_length(length, window, stride, dilation, padding, extra):
    """How long the result is along an axis; with `extra` known, it is what windows cover and that.

    Without, it is the length for which a convolution with the same arguments leads back.
    """
    if length is None or (window is None and (padding == "valid" or extra is not None)):
        return None
    if extra is None and padding == "same":
        return length * stride
    reach = span(window, dilation)
    if extra is None:
        return length * stride + max(reach - stride, 0)
    covered = (length - 1) * stride + reach
    return covered - (2 * (reach // 2) if padding == "same" else 0) + extra


def _transposed_plan(inputs, kernel, options, owner):
    """The shape of the result, and the plan of the convolution that leads back."""
    strides, padding, output_padding, data_format, dilation_rate = options
    lengths, channels = images(inputs, data_format, owner)
    refuse_no_entries(lengths, owner)
    count = len(lengths)
    *window, filters, taken = _kernel_shape(kernel, count, owner)
    if None not in (channels, taken) and channels != taken:
        raise ValueError(
            f"{owner} expects a kernel of shape (*window, filters, channels) for inputs with "
            f"{channels} channels. Received a kernel of shape {shape_of(kernel)}"
        )
    strides, dilation = _options(count, strides, dilation_rate, owner)
    padding = padding_of(padding, owner)
    extra = (None,) * count
    if output_padding is not None:
        extra = per_axis(output_padding, count, "output_padding", owner, low=0)
    along = list(zip(lengths, window, strides, dilation, strict=True))
    results = tuple(
        _transposed_length(*one, padding, more) for one, more in zip(along, extra, strict=True)
    )
    if any(n is not None and n <= 0 for n in results):
        raise ValueError(
            f"{owner} would give axes of {results} for inputs with axes of {tuple(lengths)}. "
            "Use larger inputs or a larger `output_padding`."
        )
    return _Plan(lengths, filters, tuple(window), strides, dilation, padding, results)


def _transposed_infer(
    inputs,
    kernel,
    strides=1,
    padding="valid",
    output_padding=None,
    data_format=None,
    dilation_rate=1,
):
    options = (strides, padding, output_padding, data_format, dilation_rate)
    return _transposed_shape(inputs, kernel, options, "`conv_transpose`")


def _transposed_shape(inputs, kernel, options, owner, bias=None):
    plan = _transposed_plan(inputs, kernel, options, owner)
    shape = shape_with(inputs, plan.inputs, plan.channels, options[3], owner)
    return KerasTensor(shape, common_dtype(*(x for x in (inputs, kernel, bias) if x is not None)))


def _convolved_transposed(arrays, options, owner, wanted, rectify=False):
    plan = _transposed_plan(*arrays[:2], options, owner)
    geometry, lengths = plan.geometry(), plan.inputs
    return run_kernel(
        lambda x, weights, bias, rectify: kernels.convolve_transposed(
            x, weights, bias, geometry, lengths, rectify
        ),
        lambda x, weights, dy, *more: kernels.convolve_transposed_back(
            x, weights, dy, geometry, *more
        ),
        arrays,
        format_of(options[3], owner),
        rectify,
        wanted,
    )


@fused_op(_transposed_infer, promote=slice(0, 2), arrays=2)
def conv_transpose(
    inputs,
    kernel,
    strides=1,
    padding="valid",
    output_padding=None,
    data_format=None,
    dilation_rate=1,
    *,
    wanted,
):
    """The way back of a convolution: each entry adds its window of weights to the result.

    Source: Dumoulin & Visin, 2016, arxiv.org/abs/1603.07285, Chapter 4.

    Args:
        inputs: What a convolution with these arguments may have given.
        kernel: Its kernel.
        strides, padding, data_format, dilation_rate: As in `conv`, for that convolution; `padding`
            is not `"causal"`.
        output_padding: How much longer the result is than what the windows cover. None: as long as
            the input of that convolution, or the longest of those that it may have had.

    Shapes:
        inputs (samples, *places, channels), kernel (*window, filters, channels)
        -> (samples, *lengths, filters)
    """
    options = (strides, padding, output_padding, data_format, dilation_rate)
    arrays = (inputs, kernel, None)
    return _of_two(_convolved_transposed(arrays, options, "`conv_transpose`", wanted))


def _transposed_layer_infer(inputs, kernel, bias=None, *, options, owner, rectify=False):
    return _transposed_shape(inputs, kernel, options, owner, bias)


@fused_op(_transposed_layer_infer, promote=slice(0, 3))
def _convolution_transposed(inputs, kernel, bias=None, *, options, owner, rectify=False, wanted):
    """`conv_transpose`, plus a bias, and max(y, 0) if asked for."""
    return _convolved_transposed((inputs, kernel, bias), options, owner, wanted, rectify)


convolution_transposed = _convolution_transposed

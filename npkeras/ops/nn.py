"""Normalization: means and variances, and what is divided by them."""

from __future__ import annotations

import numpy as np

from npkeras.core import check, config
from npkeras.core.dtypes import dtype_of
from npkeras.core.op import fused_op
from npkeras.core.shapes import axes_of, float_dtype, reduced_shape, same_float, shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.ops.activation import floats, wide
from npkeras.ops.arrange import reshape
from npkeras.ops.composed import composed
from npkeras.ops.elementwise import (
    absolute,
    add,
    cast,
    divide,
    maximum,
    multiply,
    power,
    sqrt,
    subtract,
)
from npkeras.ops.reduction import sum as total


def _moments_infer(x, axes, keepdims=False, synchronized=False):
    shape = reduced_shape(shape_of(x), axes, keepdims)
    return KerasTensor(shape, float_dtype(x)), KerasTensor(shape, float_dtype(x))


@fused_op(_moments_infer, arrays=1)
def moments(x, axes, keepdims=False, synchronized=False, *, wanted):
    """The mean and the variance along axes.

    Args:
        x: An array. Half precision is computed in single precision.
        axes: The axes, or a single one.
        keepdims: Whether the axes stay, with length 1.
        synchronized: Only False is supported: there is one device.

    Returns:
        Two arrays, the mean and the variance.
    """
    if synchronized:
        raise ValueError(
            "`moments` works on a single device. Received: synchronized=True. Leave it out."
        )
    dtype, x = floats(x).dtype, wide(x)
    axes = axes_of(axes, x.ndim)
    mean = x.mean(axes, keepdims=True)
    centered = x - mean
    variance = np.square(centered).mean(axes, keepdims=True)
    count = x.size // max(mean.size, 1)
    kept = mean.shape
    form = reduced_shape(x.shape, axes, keepdims)

    def backward(dys):
        dmean, dvariance = (dy.reshape(kept) / count for dy in dys)
        return (np.asarray(dmean + 2 * centered * dvariance, dtype),)

    limit = np.finfo(dtype).max
    return (
        np.clip(mean, -limit, limit).astype(dtype, copy=False).reshape(form),
        np.minimum(variance, limit).astype(dtype, copy=False).reshape(form),
    ), backward


@composed
def normalize(x, axis=-1, order=2, epsilon=None):
    """x divided by its norm along an axis or several, and by at least `epsilon`.

    Args:
        x: An array.
        axis: The axis, a tuple of axes, or None for all of them.
        order: Which norm: the sum of |x|**order, to the power of 1 / order.
        epsilon: The least that is divided by. None: `epsilon()`.
    """
    check.positive_int(order, "order", "`normalize`")
    epsilon = config.epsilon() if epsilon is None else epsilon
    axis = axes_of(axis, len(shape_of(x)))
    if order == 1:
        norm = total(absolute(x), axis=axis, keepdims=True)
    elif order == 2:
        square = total(multiply(x, x), axis=axis, keepdims=True)
        return divide(x, sqrt(maximum(square, epsilon**2)))
    else:
        norm = power(total(power(absolute(x), order), axis=axis, keepdims=True), 1 / order)
    return divide(x, maximum(norm, epsilon))


@composed
def batch_normalization(x, mean, variance, axis, offset=None, scale=None, epsilon=1e-3):
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, with statistics along one axis.

    Args:
        x: An array.
        mean, variance, offset, scale: One number for each entry along the axis; the last two may
            be None.
        axis: The axis, usually that of the channels.
        epsilon: Keeps the division away from zero.
    """
    shape = shape_of(x)
    (axis,) = axes_of(axis, len(shape))
    along = tuple(shape[axis] if i == axis else 1 for i in range(len(shape)))

    def spread(statistic, name):
        found = shape_of(statistic)
        if len(found) != 1 or None not in (found[0], shape[axis]) and found[0] != shape[axis]:
            raise ValueError(
                f"`{name}` of `batch_normalization` must have one entry for each of the "
                f"{shape[axis]} along axis {axis}. Received: {name} of shape {found}"
            )
        return reshape(statistic, along if shape[axis] is not None else _unknown(along))

    factor = divide(1, sqrt(add(spread(variance, "variance"), epsilon)))
    if scale is not None:
        factor = multiply(factor, spread(scale, "scale"))
    shift = multiply(spread(mean, "mean"), factor)
    shift = subtract(0 if offset is None else spread(offset, "offset"), shift)
    return cast(add(multiply(x, factor), shift), dtype_of(x))


def _unknown(shape):
    return tuple(-1 if n is None else n for n in shape)


@fused_op(same_float, arrays=1)
def _standardized(x, *, axes, epsilon, center, wanted):
    """x less its mean (if `center`), over the root of its mean square plus `epsilon`."""
    dtype, x = floats(x).dtype, wide(x)
    y = x - x.mean(axes, keepdims=True) if center else x
    factor = 1 / np.sqrt(np.square(y).mean(axes, keepdims=True) + epsilon)
    y = y * factor

    def backward(dy):
        dx = dy - y * (dy * y).mean(axes, keepdims=True)
        if center:
            dx -= dy.mean(axes, keepdims=True)
        return ((dx * factor).astype(dtype, copy=False),)

    return y.astype(dtype, copy=False), backward


def _along(weight, shape, axes):
    """A weight with one entry for each along the axes, in a shape that broadcasts with x."""
    if len(shape_of(weight)) == len(axes):
        return reshape(weight, _unknown([n if i in axes else 1 for i, n in enumerate(shape)]))
    return weight


@composed
def layer_normalization(x, gamma=None, beta=None, axis=-1, epsilon=None, **kwargs):
    """x less its mean along axes, over its standard deviation, times `gamma`, plus `beta`.

    Source: Ba et al., 2016, arxiv.org/abs/1607.06450.

    Args:
        x: An array.
        gamma, beta: Weights along the axes, or None.
        axis: The axis, or several.
        epsilon: What is added to the variance. None: `epsilon()`.
    """
    check.no_more(kwargs, "`layer_normalization`")
    return _weighted(x, gamma, beta, axis, epsilon, True)


@composed
def rms_normalization(x, scale=None, axis=-1, epsilon=None):
    """x over the root of its mean square along axes, times `scale`.

    Source: Zhang & Sennrich, 2019, arxiv.org/abs/1910.07467.

    Args:
        x: An array.
        scale: Weights along the axes, or None.
        axis: The axis, or several.
        epsilon: What is added to the mean square. None: `epsilon()`.
    """
    return _weighted(x, scale, None, axis, epsilon, False)


def _weighted(x, scale, offset, axis, epsilon, center):
    epsilon = config.epsilon() if epsilon is None else epsilon
    shape = shape_of(x)
    axes = axes_of(axis, len(shape))
    y = _standardized(x, axes=axes, epsilon=epsilon, center=center)
    if scale is not None:
        y = multiply(y, _along(scale, shape, axes))
    return y if offset is None else add(y, _along(offset, shape, axes))

"""Normalization: means and variances, and what is divided by them."""

from __future__ import annotations

import math

import numpy as np

from npkeras.core import check, config
from npkeras.core.dtypes import dtype_of
from npkeras.core.op import fused_op
from npkeras.core.shapes import axes_of, float_dtype, reduced_shape, same_float, shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.kernels.normalization import (
    channel_moments,
    channel_sums,
    scale_and_lean,
    scale_channels,
    standardize_rows,
    standardize_rows_back,
)
from npkeras.ops.activation import floats, wide
from npkeras.ops.arrange import reshape
from npkeras.ops.composed import composed
from npkeras.ops.elementwise import (
    add,
    cast,
    divide,
    maximum,
    multiply,
    sqrt,
)
from npkeras.ops.measure import norm
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
        order: Which norm, as in `norm`: along one axis the sum of |x|**order, to the power of
            1 / order. Along several 2 is the square root of the sum of squares; 1, of a matrix,
            the largest sum of a column.
        epsilon: The least that is divided by. None: `epsilon()`.
    """
    check.positive_int(order, "order", "`normalize`")
    epsilon = config.epsilon() if epsilon is None else epsilon
    axis = axes_of(axis, len(shape_of(x)))
    if order == 2:
        square = total(multiply(x, x), axis=axis, keepdims=True)
        return divide(x, sqrt(maximum(square, epsilon**2)))
    return divide(x, maximum(norm(x, order, axis, keepdims=True), epsilon))


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

    def checked(statistic, name):
        found = shape_of(statistic)
        if len(found) != 1 or None not in (found[0], shape[axis]) and found[0] != shape[axis]:
            raise ValueError(
                f"`{name}` of `batch_normalization` must have one entry for each of the "
                f"{shape[axis]} along axis {axis}. Received: {name} of shape {found}"
            )
        return statistic

    statistics = checked(mean, "mean"), checked(variance, "variance")
    weights = (
        None if scale is None else checked(scale, "scale"),
        None if offset is None else checked(offset, "offset"),
    )
    y = standardized(x, *statistics, *weights, axis=axis, epsilon=epsilon)
    return y if dtype_of(y) == dtype_of(x) else cast(y, dtype_of(x))


@fused_op(same_float, arrays=5)
def _by_statistics(x, mean, variance, scale, offset, *, axis, epsilon, wanted):
    """`batch_normalization`, with the axis counted from the front."""
    result, x = floats(x).dtype, wide(x)
    dtypes = [None if a is None else a.dtype for a in (mean, variance, scale, offset)]
    inverse, factor, shift = factor_and_shift(mean, variance, scale, offset, epsilon, x.dtype)
    y = scale_channels(x, factor, shift, axis)

    def backward(dy):
        dy = dy.astype(x.dtype, copy=False)
        dx = scale_channels(dy, factor, None, axis) if 0 in wanted else None
        gradients = [None] * 4
        if set(wanted) - {0}:
            total, dfactor = channel_sums(dy, x, mean.astype(x.dtype, copy=False), axis)
            dvariance = dfactor * factor * inverse * inverse * x.dtype.type(-0.5)
            gradients = [-total * factor, dvariance, dfactor * inverse, total]
        gradients = [
            None if dtype is None or g is None else g.astype(dtype, copy=False)
            for g, dtype in zip(gradients, dtypes, strict=True)
        ]
        return None if dx is None else dx.astype(result, copy=False), *gradients

    return y.astype(result, copy=False), backward


standardized = _by_statistics  # what layers call it


def factor_and_shift(mean, variance, scale, offset, epsilon, dtype):
    """1 / sqrt(variance + epsilon), and what `batch_normalization` multiplies by and adds."""
    variance = floats(variance)
    inverse = 1 / np.sqrt(variance + variance.dtype.type(epsilon))
    factor = inverse if scale is None else inverse * scale
    shift = -mean * factor if offset is None else offset - mean * factor
    return inverse, factor.astype(dtype, copy=False), shift.astype(dtype, copy=False)


@fused_op(same_float, arrays=3)
def _scaled(x, factor, shift, *, axis, wanted):
    """x * factor + shift, with a factor and a shift for each entry along an axis."""
    result, dtypes = floats(x).dtype, (factor.dtype, shift.dtype)
    x = wide(x)
    factor = factor.astype(x.dtype, copy=False)
    y = scale_channels(x, factor, shift.astype(x.dtype, copy=False), axis)

    def backward(dy):
        dy = dy.astype(x.dtype, copy=False)
        dx = dfactor = dshift = None
        if 0 in wanted:
            dx = scale_channels(dy, factor, None, axis).astype(result, copy=False)
        if 1 in wanted or 2 in wanted:
            dshift, dfactor = channel_sums(dy, x, None, axis)
            dfactor, dshift = dfactor.astype(dtypes[0]), dshift.astype(dtypes[1])
        return dx, dfactor, dshift

    return y.astype(result, copy=False), backward


def batch_moments(x, axis, mask=None):
    """The mean and the variance of a plain array for each entry along an axis.

    Args:
        x: An array. Half precision is computed in single precision.
        axis: The axis, usually that of the channels.
        mask: True where an entry counts; it has all axes but the last.
    """
    x = wide(x)
    if mask is None:
        return channel_moments(x, axis)
    counted, count, others = _counted(x, axis, mask)
    mean = np.sum(x, others, keepdims=True, where=counted) / count
    variance = np.sum(np.square(x - mean), others, where=counted) / count.reshape(-1)
    return mean.reshape(-1), variance


def _counted(x, axis, mask):
    """Where entries count, how many do for each along the axis, and the other axes."""
    counted = np.broadcast_to(np.asarray(mask, bool)[..., None], x.shape)
    others = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    count = np.sum(counted, others, x.dtype, keepdims=True)
    return counted, count + x.dtype.type(config.epsilon()), others


@fused_op(same_float, arrays=3)
def _batch_standardized(x, scale, offset, *, mean, variance, axis, epsilon, mask=None, wanted):
    """`batch_normalization` with the moments of x itself, through which the gradient flows too.

    Args:
        x: An array.
        scale, offset: One number for each entry along the axis, or None.
        mean, variance: What `batch_moments` gave.
        axis: The axis, counted from the front.
        epsilon: What is added to the variance.
        mask: What `batch_moments` was given.
    """
    result, x = floats(x).dtype, wide(x)
    inverse = 1 / np.sqrt(variance + x.dtype.type(epsilon))
    factor = inverse if scale is None else inverse * scale.astype(x.dtype, copy=False)
    shift = -mean * factor
    if offset is not None:
        shift += offset
    y = scale_channels(x, factor, shift, axis)

    def backward(dy):
        dy = dy.astype(x.dtype, copy=False)
        doffset, dscale = channel_sums(dy, x, mean, axis)
        dscale *= inverse
        dx = None
        if 0 in wanted:
            count = x.size // max(1, mean.size) if mask is None else _counted(x, axis, mask)[1]
            drawn = -factor / np.reshape(count, -1).astype(x.dtype)
            sides = mean, factor, drawn * dscale * inverse, drawn * doffset
            dx = (
                scale_and_lean(dy, x, *sides, axis)
                if mask is None
                else _scale_and_lean_where(dy, x, *sides, axis, mask)
            ).astype(result, copy=False)
        return (
            dx,
            None if scale is None else dscale.astype(scale.dtype, copy=False),
            None if offset is None else doffset.astype(offset.dtype, copy=False),
        )

    return y.astype(result, copy=False), backward


batch_standardized = _batch_standardized  # what layers call it


def _scale_and_lean_where(dy, x, mean, factor, lean, shift, axis, mask):
    """`scale_and_lean`, where entries that do not count only have their factor."""
    leaning = scale_and_lean(np.zeros_like(dy), x, mean, factor, lean, shift, axis)
    return scale_channels(dy, factor, None, axis) + np.where(_counted(x, axis, mask)[0], leaning, 0)


def _unknown(shape):
    return tuple(-1 if n is None else n for n in shape)


@fused_op(same_float, arrays=3)
def _standardized(x, scale, offset, *, axes, epsilon, center, wanted):
    """x less its mean (if `center`), over the root of its mean square plus `epsilon`.

    It is multiplied by a scale and shifted by an offset, with an entry for each along the axes,
    or None.
    """
    result, x = floats(x).dtype, wide(x)
    axes = sorted(axes)
    order = [*(i for i in range(x.ndim) if i not in axes), *axes]
    back = np.argsort(order)
    moved = x.transpose(order)
    length = math.prod(x.shape[i] for i in axes)
    count = x.size // length if length else math.prod(x.shape[i] for i in order[: -len(axes)])
    rows = np.ascontiguousarray(moved).reshape(count, length)
    flat = None if scale is None else scale.astype(x.dtype, copy=False).reshape(-1)
    shift = None if offset is None else offset.astype(x.dtype, copy=False).reshape(-1)
    y, kept = standardize_rows(rows, flat, shift, epsilon, center, bool(wanted))

    def backward(dy):
        dy = np.ascontiguousarray(dy.astype(x.dtype, copy=False).transpose(order))
        dx, dscale, doffset = standardize_rows_back(dy.reshape(rows.shape), kept, flat)
        return (
            dx.reshape(moved.shape).transpose(back).astype(result, copy=False),
            None if scale is None else dscale.reshape(scale.shape).astype(scale.dtype, copy=False),
            None
            if offset is None
            else doffset.reshape(offset.shape).astype(offset.dtype, copy=False),
        )

    return y.reshape(moved.shape).transpose(back).astype(result, copy=False), backward


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
    lengths = [shape[i] for i in axes]
    if all(
        weight is None or (len(shape_of(weight)) == len(axes) and _agree(shape_of(weight), lengths))
        for weight in (scale, offset)
    ):
        return _standardized(x, scale, offset, axes=axes, epsilon=epsilon, center=center)
    y = _standardized(x, None, None, axes=axes, epsilon=epsilon, center=center)
    if scale is not None:
        y = multiply(y, _along(scale, shape, axes))
    return y if offset is None else add(y, _along(offset, shape, axes))


def _agree(shape, lengths):
    return all(None in pair or pair[0] == pair[1] for pair in zip(shape, lengths, strict=True))


def group_normalization(x, groups, scale, offset, axis, epsilon):
    """x, cut into groups along an axis, with every sample's groups at mean 0 and variance 1.

    Half precision gives single precision.

    Args:
        x: An array.
        groups: How many groups of one size there are.
        scale, offset: Weights for each entry along the axis, or None.
        axis: The axis, which is not the first.
        epsilon: What is added to the variance.
    """
    shape = shape_of(x)
    (axis,) = axes_of(axis, len(shape))
    cut = (*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])
    axes = tuple(i for i in range(1, len(cut)) if i != axis)
    x = cast(x, "float32") if dtype_of(x) == "float16" else x
    y = _standardized(reshape(x, cut), None, None, axes=axes, epsilon=epsilon, center=True)
    y = reshape(y, shape)
    if scale is not None and offset is not None:
        return _scaled(y, scale, offset, axis=axis)
    if scale is not None:
        return multiply(y, _along(scale, shape, (axis,)))
    return y if offset is None else add(y, _along(offset, shape, (axis,)))

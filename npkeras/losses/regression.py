"""Losses between numbers: how far predictions are from their targets."""

import math

import numpy as np

from npkeras import ops
from npkeras.core import check, config, shapes
from npkeras.core.op import fused_op
from npkeras.core.registry import register
from npkeras.losses.base import LossFunctionWrapper, matched


@register("losses", "mse", "MSE")
def mean_squared_error(y_true, y_pred):
    """mean((y_true - y_pred)**2) over the last axis.

    Example:
        >>> npkeras.losses.mean_squared_error([[0.0, 2.0]], [[1.0, 2.0]])
        array([0.5], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "mean_squared_error")
    return _mean_of_squares(y_true, y_pred)


@fused_op(shapes.without_last_axis)
def _mean_of_squares(y_true, y_pred, *, wanted):
    """mean((y_true - y_pred)**2) over the last axis. Only the error is kept."""
    error = y_pred - y_true
    values = np.square(error).mean(axis=-1)

    def backward(dvalues):
        dy_pred = error * np.expand_dims(dvalues * (2 / error.shape[-1]), -1)
        return -dy_pred if 0 in wanted else None, dy_pred

    return values, backward


@register("losses", "mae", "MAE")
def mean_absolute_error(y_true, y_pred):
    """mean(|y_true - y_pred|) over the last axis.

    Example:
        >>> npkeras.losses.mean_absolute_error([[0.0, 2.0]], [[3.0, 2.0]])
        array([1.5], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "mean_absolute_error")
    return ops.mean(ops.abs(ops.subtract(y_true, y_pred)), axis=-1)


@register("losses", "mape", "MAPE")
def mean_absolute_percentage_error(y_true, y_pred):
    """100 * mean(|y_true - y_pred| / max(|y_true|, epsilon)) over the last axis.

    A target of 0 makes it huge: epsilon is 1e-7.

    Example:
        >>> npkeras.losses.mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 4.0]])
        array([25.], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "mean_absolute_percentage_error")
    scale = ops.maximum(ops.abs(y_true), config.epsilon())
    error = ops.abs(ops.divide(ops.subtract(y_true, y_pred), scale))
    return ops.multiply(ops.mean(error, axis=-1), 100.0)


@register("losses", "msle", "MSLE")
def mean_squared_logarithmic_error(y_true, y_pred):
    """mean((log(1 + y_true) - log(1 + y_pred))**2) over the last axis.

    For targets that grow over orders of magnitude; numbers below epsilon count as epsilon.

    Example:
        >>> npkeras.losses.mean_squared_logarithmic_error([[0.0]], [[np.e - 1]]).round(4)
        array([1.], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "mean_squared_logarithmic_error")
    epsilon = config.epsilon()
    log_true = ops.log1p(ops.maximum(y_true, epsilon))
    log_pred = ops.log1p(ops.maximum(y_pred, epsilon))
    return ops.mean(ops.square(ops.subtract(log_pred, log_true)), axis=-1)


@register("losses")
def huber(y_true, y_pred, delta=1.0):
    """Squared near the target, straight far from it; the mean over the last axis.

        0.5 * error**2                     where |error| <= delta
        delta * |error| - 0.5 * delta**2   elsewhere

    Source: Huber, 1964, doi.org/10.1214/aoms/1177703732.

    Args:
        y_true, y_pred: Targets and predictions of one shape.
        delta: Where the parabola becomes a line.

    Example:
        >>> npkeras.losses.huber([[0.0, 0.0]], [[1.0, 3.0]])
        array([1.5], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "huber")
    size = ops.abs(ops.subtract(y_pred, y_true))
    near = ops.multiply(ops.square(size), 0.5)
    far = ops.subtract(ops.multiply(size, delta), 0.5 * delta**2)
    return ops.mean(ops.where(ops.less_equal(size, delta), near, far), axis=-1)


@register("losses")
def log_cosh(y_true, y_pred):
    """mean(log(cosh(y_pred - y_true))) over the last axis.

    Nearly error**2 / 2 where the error is small, and |error| - log(2) where it is large.

    Example:
        >>> npkeras.losses.log_cosh([[0.0]], [[100.0]]).round(3)
        array([99.307], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "log_cosh")
    error = ops.subtract(y_pred, y_true)
    values = ops.subtract(ops.logaddexp(error, ops.negative(error)), math.log(2.0))
    return ops.mean(values, axis=-1)


@register("losses")
def cosine_similarity(y_true, y_pred, axis=-1):
    """-cos of the angle between targets and predictions: -1 where they point the same way.

        -sum(y_true / |y_true| * y_pred / |y_pred|)

    Args:
        y_true, y_pred: Vectors of one shape. A vector of zeros has similarity 0 with any other.
        axis: The axis, or axes, along which the vectors lie.

    Example:
        >>> npkeras.losses.cosine_similarity([[0.0, 2.0]], [[3.0, 3.0]]).round(4)
        array([-0.7071], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "cosine_similarity")
    product = ops.multiply(_unit(y_true, axis), _unit(y_pred, axis))
    return ops.negative(ops.sum(product, axis=axis))


def _unit(x, axis):
    """x / max(|x|, epsilon)."""
    squares = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.multiply(x, ops.rsqrt(ops.maximum(squares, config.epsilon() ** 2)))


@register("losses")
def poisson(y_true, y_pred):
    """mean(y_pred - y_true * log(y_pred + epsilon)) over the last axis.

    The negative log-likelihood of counts `y_true` whose expected numbers are `y_pred`, without
    the term that depends on the counts alone.

    Example:
        >>> npkeras.losses.poisson([[2.0]], [[1.0]]).round(4)
        array([1.], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "poisson")
    log_rate = ops.log(ops.add(y_pred, config.epsilon()))
    return ops.mean(ops.subtract(y_pred, ops.multiply(y_true, log_rate)), axis=-1)


@register("losses")
class MeanSquaredError(LossFunctionWrapper):
    """The mean of (y_true - y_pred)**2: the usual loss of regression.

    Args:
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true, y_pred (batch, ..., features)

    Example:
        >>> loss = npkeras.losses.MeanSquaredError()
        >>> float(loss([[0.0, 1.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]))
        0.5
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_squared_error", dtype=None):
        super().__init__(mean_squared_error, reduction, name, dtype)


@register("losses")
class MeanAbsoluteError(LossFunctionWrapper):
    """The mean of |y_true - y_pred|: like the squared error, but outliers weigh less.

    Args:
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true, y_pred (batch, ..., features)
    """

    def __init__(self, reduction="sum_over_batch_size", name="mean_absolute_error", dtype=None):
        super().__init__(mean_absolute_error, reduction, name, dtype)


@register("losses")
class MeanAbsolutePercentageError(LossFunctionWrapper):
    """The mean of |y_true - y_pred| / |y_true|, in percent.

    Args:
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true, y_pred (batch, ..., features)
    """

    def __init__(
        self, reduction="sum_over_batch_size", name="mean_absolute_percentage_error", dtype=None
    ):
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


@register("losses")
class MeanSquaredLogarithmicError(LossFunctionWrapper):
    """The mean of (log(1 + y_true) - log(1 + y_pred))**2.

    Args:
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true, y_pred (batch, ..., features)
    """

    def __init__(
        self, reduction="sum_over_batch_size", name="mean_squared_logarithmic_error", dtype=None
    ):
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


@register("losses")
class Huber(LossFunctionWrapper):
    """Squared near the target, straight far from it: robust against outliers. See `huber`.

    Args:
        delta: The error at which the parabola becomes a line.
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true, y_pred (batch, ..., features)
    """

    def __init__(self, delta=1.0, reduction="sum_over_batch_size", name="huber_loss", dtype=None):
        check.number(delta, "delta", "Huber", low=0)
        super().__init__(huber, reduction, name, dtype, delta=delta)


@register("losses")
class LogCosh(LossFunctionWrapper):
    """The mean of log(cosh(y_pred - y_true)): a smooth `Huber`.

    Args:
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true, y_pred (batch, ..., features)
    """

    def __init__(self, reduction="sum_over_batch_size", name="log_cosh", dtype=None):
        super().__init__(log_cosh, reduction, name, dtype)


@register("losses")
class CosineSimilarity(LossFunctionWrapper):
    """-cos of the angle between targets and predictions: -1 where they point the same way.

    Args:
        axis: The axis along which the vectors lie.
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true, y_pred (batch, ..., features)
    """

    def __init__(
        self, axis=-1, reduction="sum_over_batch_size", name="cosine_similarity", dtype=None
    ):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)


@register("losses")
class Poisson(LossFunctionWrapper):
    """The loss of counts: mean(y_pred - y_true * log(y_pred)). See `poisson`.

    Args:
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true, y_pred (batch, ..., features)
    """

    def __init__(self, reduction="sum_over_batch_size", name="poisson", dtype=None):
        super().__init__(poisson, reduction, name, dtype)

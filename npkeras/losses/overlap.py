"""Losses of segmentation: how little two regions overlap."""

from npkeras import ops
from npkeras.core import check, config
from npkeras.core.registry import register
from npkeras.losses.base import LossFunctionWrapper, matched


@register("losses")
def dice(y_true, y_pred, axis=None):
    """1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred)).

    0 where two regions, given as the probability of each pixel to lie in them, are the same;
    1 where they do not meet, or are both empty. Source: Milletari et al., 2016,
    arxiv.org/abs/1606.04797, without the squares of their equation 2.

    Args:
        y_true, y_pred: Regions, in one shape.
        axis: The axes over which to sum; None for all, which gives one value.

    Example:
        >>> npkeras.losses.dice([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]], axis=1).round(4)
        array([0.3333], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "dice")
    shared = ops.sum(ops.multiply(y_true, y_pred), axis=axis)
    total = ops.add(ops.sum(y_true, axis=axis), ops.sum(y_pred, axis=axis))
    ratio = ops.divide(ops.multiply(shared, 2.0), ops.add(total, config.epsilon()))
    return ops.subtract(1.0, ratio)


@register("losses")
def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """1 - shared / (shared + alpha * missed + beta * wrongly predicted).

        shared = sum(y_true * y_pred)
        missed = sum(y_true * (1 - y_pred))
        wrongly predicted = sum((1 - y_true) * y_pred)

    With alpha = beta = 1/2 it is `dice`. Source: Salehi et al., 2017, arxiv.org/abs/1706.05721,
    where alpha and beta stand the other way round; here they do what they do in Keras.

    Args:
        y_true, y_pred: Regions, in one shape.
        alpha: How much missed pixels count.
        beta: How much wrongly predicted pixels count.
        axis: The axes over which to sum; None for all, which gives one value.

    Example:
        >>> loss = npkeras.losses.tversky
        >>> loss([[1.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]], alpha=1.0, axis=1).round(4)
        array([0.5], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "tversky")
    shared = ops.sum(ops.multiply(y_true, y_pred), axis=axis)
    wrong = ops.sum(ops.multiply(ops.subtract(1.0, y_true), y_pred), axis=axis)
    missed = ops.sum(ops.multiply(y_true, ops.subtract(1.0, y_pred)), axis=axis)
    errors = ops.add(ops.multiply(missed, alpha), ops.multiply(wrong, beta))
    total = ops.add(ops.add(shared, errors), config.epsilon())
    return ops.subtract(1.0, ops.divide(shared, total))


@register("losses")
class Dice(LossFunctionWrapper):
    """1 - the Dice coefficient: how little two regions overlap. See `dice`.

    Args:
        reduction, name: As for every `Loss`.
        axis: The axes over which to sum; None for all.
        dtype: As for every `Loss`.

    Shapes:
        y_true, y_pred (batch, ...)
    """

    def __init__(self, reduction="sum_over_batch_size", name="dice", axis=None, dtype=None):
        super().__init__(dice, reduction, name, dtype, axis=axis)


@register("losses")
class Tversky(LossFunctionWrapper):
    """`Dice` with separate weights for what is missed and what is wrongly predicted.

    Args:
        alpha: How much missed pixels count.
        beta: How much wrongly predicted pixels count.
        reduction, name: As for every `Loss`.
        axis: The axes over which to sum; None for all.
        dtype: As for every `Loss`.

    Shapes:
        y_true, y_pred (batch, ...)
    """

    def __init__(
        self,
        alpha=0.5,
        beta=0.5,
        reduction="sum_over_batch_size",
        name="tversky",
        axis=None,
        dtype=None,
    ):
        check.number(alpha, "alpha", "Tversky", low=0)
        check.number(beta, "beta", "Tversky", low=0)
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)

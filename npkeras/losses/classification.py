"""Losses between classes: cross-entropies and what grew out of them."""

import warnings

import numpy as np

from npkeras import ops
from npkeras.core import check, config
from npkeras.core.attach import attached, set_mask
from npkeras.core.dtypes import as_array
from npkeras.core.registry import register
from npkeras.core.shapes import shape_of
from npkeras.core.tape import plain
from npkeras.losses.base import LossFunctionWrapper, as_floats, in_dtype, matched
from npkeras.ops.loss import labels_of


@register("losses", "bce", "BCE")
def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-mean(y_true * log(y_pred) + (1 - y_true) * log(1 - y_pred)) along an axis.

    Args:
        y_true: What is so: 0 or 1, or a probability.
        y_pred: What is predicted, in the same shape: probabilities, or logits.
        from_logits: Whether `y_pred` are logits, the numbers before a sigmoid.
        label_smoothing: How far targets are pulled towards 1/2, between 0 and 1.
        axis: The axis, or axes, over which the mean is taken.

    Example:
        >>> npkeras.losses.binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).round(4)
        array([0.6931], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "binary_crossentropy")
    _check_binary(y_true, y_pred, from_logits, "binary_crossentropy")
    y_true = _smoothed(y_true, label_smoothing, 2)
    values = ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits)
    return ops.mean(values, axis=axis)


@register("losses")
def binary_focal_crossentropy(
    y_true,
    y_pred,
    apply_class_balancing=False,
    alpha=0.25,
    gamma=2.0,
    from_logits=False,
    label_smoothing=0.0,
    axis=-1,
):
    """The binary cross-entropy, where it is easy to predict made small.

    With p the probability given to what is so, each cross-entropy is multiplied by

        (1 - p)**gamma,  and with class balancing by alpha for ones, 1 - alpha for zeros.

    Source: Lin et al., 2017, arxiv.org/abs/1708.02002, equations 4 and 5.

    Args:
        y_true, y_pred, from_logits, label_smoothing, axis: As for `binary_crossentropy`.
        apply_class_balancing: Whether to weigh by `alpha`.
        alpha: The weight of class 1; class 0 has 1 - alpha.
        gamma: How strongly easy samples are made small; 0 leaves them as they are.

    Example:
        >>> npkeras.losses.binary_focal_crossentropy([[1.0]], [[0.5]]).round(4)
        array([0.1733], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "binary_focal_crossentropy")
    _check_binary(y_true, y_pred, from_logits, "binary_focal_crossentropy")
    y_true = _smoothed(y_true, label_smoothing, 2)
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    values = ops.binary_crossentropy(y_true, y_pred, from_logits=False)
    values = ops.multiply(ops.power(ops.subtract(1.0, _given_to(y_true, y_pred)), gamma), values)
    if apply_class_balancing:
        values = ops.multiply(_given_to(y_true, alpha), values)
    return ops.mean(values, axis=axis)


def _given_to(y_true, probability):
    """y_true * p + (1 - y_true) * (1 - p): the probability given to what is so."""
    ones = ops.multiply(y_true, probability)
    zeros = ops.multiply(ops.subtract(1.0, y_true), ops.subtract(1.0, probability))
    return ops.add(ones, zeros)


@register("losses")
def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-sum(y_true * log(y_pred)) along an axis, for targets as probabilities of classes.

    Args:
        y_true: One-hot targets, or probabilities.
        y_pred: Predicted probabilities in the same shape, or logits. Probabilities that do not
            add up to 1 are first divided by their sum.
        from_logits: Whether `y_pred` are logits, the numbers before a softmax.
        label_smoothing: How much of each target is spread evenly over all classes, in [0, 1].
        axis: The axis of the classes.

    Example:
        >>> npkeras.losses.categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).round(4)
        array([0.6931], dtype=float32)
    """
    y_pred = as_floats(y_pred)
    y_true = in_dtype(y_true, y_pred.dtype)
    _warn_of_single_class(y_pred.shape, axis, "categorical_crossentropy")
    if label_smoothing:
        y_true = _smoothed(y_true, label_smoothing, y_pred.shape[axis])
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@register("losses")
def categorical_focal_crossentropy(
    y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """The categorical cross-entropy, where it is easy to predict made small.

        -sum(alpha * (1 - y_pred)**gamma * y_true * log(y_pred))

    Source: Lin et al., 2017, arxiv.org/abs/1708.02002.

    Args:
        y_true, y_pred, from_logits, label_smoothing, axis: As for `categorical_crossentropy`.
        alpha: A weight for all classes, or one for each.
        gamma: How strongly easy samples are made small; 0 leaves them as they are.

    Example:
        >>> loss = npkeras.losses.categorical_focal_crossentropy
        >>> loss([[0.0, 1.0]], [[0.5, 0.5]]).round(4)
        array([0.0433], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "categorical_focal_crossentropy")
    _warn_of_single_class(y_pred.shape, axis, "categorical_focal_crossentropy")
    y_true = _smoothed(y_true, label_smoothing, y_pred.shape[axis])
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    y_pred = ops.divide(y_pred, ops.sum(y_pred, axis=axis, keepdims=True))
    y_pred = ops.clip(y_pred, config.epsilon(), 1.0 - config.epsilon())
    crossentropy = ops.negative(ops.multiply(y_true, ops.log(y_pred)))
    weight = ops.multiply(ops.power(ops.subtract(1.0, y_pred), gamma), _like(alpha, y_pred))
    return ops.sum(ops.multiply(weight, crossentropy), axis=axis)


@register("losses")
def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """-log(y_pred[class]) for each sample, for targets given as class numbers.

    Args:
        y_true: The number of the class of each sample, from 0, in shape (...) or (..., 1).
        y_pred: Predicted probabilities of the classes, or logits, in shape (..., classes).
        from_logits: Whether `y_pred` are logits, the numbers before a softmax.
        ignore_class: A class number whose samples do not count, -1 for example. Their loss is
            0, and the means of the class `SparseCategoricalCrossentropy` leave them out.
        axis: The axis of the classes.

    Example:
        >>> npkeras.losses.sparse_categorical_crossentropy(np.array([1]), [[0.5, 0.5]]).round(4)
        array([0.6931], dtype=float32)
    """
    y_pred = as_floats(y_pred)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis)
    y_true = _class_numbers(y_true, y_pred)
    counts = np.not_equal(plain(y_true), ignore_class)
    y_true = np.where(counts, plain(y_true), 0)
    values = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits, axis)
    values = ops.where(counts, values, 0.0)
    set_mask(values, counts)
    return values


@register("losses")
def categorical_generalized_cross_entropy(y_true, y_pred, q):
    """(1 - p**q) / q, with p the probability given to the right class.

    Between the cross-entropy (q towards 0) and the absolute error (q towards 1), which wrong
    labels disturb less. Source: Zhang & Sabuncu, 2018, arxiv.org/abs/1805.07836.

    Args:
        y_true: Class numbers, in shape (...) or (..., 1).
        y_pred: Predicted probabilities, in shape (..., classes).
        q: Between 0 and 1.

    Example:
        >>> loss = npkeras.losses.categorical_generalized_cross_entropy
        >>> loss(np.array([1]), [[0.75, 0.25]], q=0.5)
        array([1.], dtype=float32)
    """
    y_pred = as_floats(y_pred)
    labels = _class_numbers(y_true, y_pred)
    if isinstance(plain(labels), np.ndarray):
        owner = "categorical_generalized_cross_entropy"
        labels = labels_of(plain(labels), y_pred.shape[-1], owner)
    one_hot = ops.one_hot(labels, y_pred.shape[-1], dtype=str(y_pred.dtype))
    p = ops.sum(ops.multiply(one_hot, y_pred), axis=-1)
    return ops.divide(ops.subtract(1.0, ops.power(p, q)), q)


@register("losses", "kld", "KLD")
def kl_divergence(y_true, y_pred):
    """sum(y_true * log(y_true / y_pred)) over the last axis.

    How far the probabilities `y_pred` are from `y_true`; both are first clipped to
    [epsilon, 1].

    Example:
        >>> npkeras.losses.kl_divergence([[0.5, 0.5]], [[0.25, 0.75]]).round(4)
        array([0.1438], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "kl_divergence")
    y_true = ops.clip(y_true, config.epsilon(), 1.0)
    y_pred = ops.clip(y_pred, config.epsilon(), 1.0)
    return ops.sum(ops.multiply(y_true, ops.log(ops.divide(y_true, y_pred))), axis=-1)


@register("losses")
def hinge(y_true, y_pred):
    """mean(max(1 - y_true * y_pred, 0)) over the last axis, for targets -1 and 1.

    Targets that are all 0 or 1 are read as -1 and 1.

    Example:
        >>> npkeras.losses.hinge([[-1.0, 1.0]], [[0.5, 2.0]])
        array([0.75], dtype=float32)
    """
    return ops.mean(_margins(y_true, y_pred, "hinge"), axis=-1)


@register("losses")
def squared_hinge(y_true, y_pred):
    """mean(max(1 - y_true * y_pred, 0)**2) over the last axis, for targets -1 and 1.

    Targets that are all 0 or 1 are read as -1 and 1.

    Example:
        >>> npkeras.losses.squared_hinge([[-1.0, 1.0]], [[1.0, 2.0]])
        array([2.], dtype=float32)
    """
    return ops.mean(ops.square(_margins(y_true, y_pred, "squared_hinge")), axis=-1)


def _margins(y_true, y_pred, owner):
    y_true, y_pred = matched(y_true, y_pred, owner)
    labels = plain(y_true)
    if isinstance(labels, np.ndarray) and ((labels == 0) | (labels == 1)).all():
        y_true = ops.subtract(ops.multiply(y_true, 2.0), 1.0)
    return ops.maximum(ops.subtract(1.0, ops.multiply(y_true, y_pred)), 0.0)


@register("losses")
def categorical_hinge(y_true, y_pred):
    """max(1 + max((1 - y_true) * y_pred) - sum(y_true * y_pred), 0) over the last axis.

    Zero where the right class scores at least 1 more than every other one.

    Example:
        >>> npkeras.losses.categorical_hinge([[0.0, 1.0]], [[0.5, 1.0]])
        array([0.5], dtype=float32)
    """
    y_true, y_pred = matched(y_true, y_pred, "categorical_hinge")
    right = ops.sum(ops.multiply(y_true, y_pred), axis=-1)
    wrong = ops.max(ops.multiply(ops.subtract(1.0, y_true), y_pred), axis=-1)
    return ops.maximum(ops.add(ops.subtract(wrong, right), 1.0), 0.0)


def _check_binary(y_true, y_pred, from_logits, owner):
    """Refuse targets that cannot be probabilities; warn of predictions that cannot."""
    targets, predictions = plain(y_true), plain(y_pred)
    if not isinstance(targets, np.ndarray) or not targets.size:
        return
    low, high = targets.min(), targets.max()
    if low < -0.5 or high > 1.5:  # a little noise on the targets is a known trick
        raise ValueError(
            f"The loss `{owner}` expects targets between 0 and 1. Received targets from {low:g} "
            f"to {high:g}. For labels -1 and 1 use `hinge`; for class numbers "
            "`sparse_categorical_crossentropy`."
        )
    if from_logits or attached(y_pred, "logits") is not None:
        return
    if isinstance(predictions, np.ndarray) and not _within_unit_interval(predictions):
        # without values, as Python shows a text once and not once for each batch
        warnings.warn(
            f"The loss `{owner}` expects probabilities, and was given predictions outside [0, 1]. "
            "If they are logits, use `from_logits=True`; otherwise end the model with a sigmoid.",
            stacklevel=3,
        )


def _within_unit_interval(x):
    return not (x.min() < -1e-6 or x.max() > 1 + 1e-6)  # also true of NaN, which is another matter


def _warn_of_single_class(shape, axis, owner):
    if len(shape) == 2 and shape[axis] == 1:
        warnings.warn(
            f"The loss `{owner}` was given predictions of shape {tuple(shape)}: with a single "
            "class it is always 0. For two classes use `binary_crossentropy`.",
            stacklevel=3,
        )


def _class_numbers(y_true, y_pred):
    """Targets with one axis less than the predictions."""
    if not hasattr(y_true, "shape"):
        y_true = as_array(y_true)
    column = len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1
    return ops.squeeze(y_true, -1) if column else y_true


def _smoothed(y_true, label_smoothing, classes):
    """Targets with some of their weight spread evenly over the classes."""
    if not label_smoothing:
        return y_true
    kept = ops.multiply(y_true, 1.0 - label_smoothing)
    return ops.add(kept, label_smoothing / classes)


def _like(value, x):
    """A number, or one for each class, in the dtype of `x`."""
    return value if isinstance(value, (int, float)) else in_dtype(as_array(value), x.dtype)


class _Smoothing(LossFunctionWrapper):
    """A loss whose targets may be smoothed."""

    def __init__(self, fn, reduction, name, dtype, *, label_smoothing, **arguments):
        owner = type(self).__name__
        check.number(label_smoothing, "label_smoothing", owner, low=0, high=1)
        super().__init__(fn, reduction, name, dtype, label_smoothing=label_smoothing, **arguments)


@register("losses")
class BinaryCrossentropy(_Smoothing):
    """The cross-entropy of yes and no: -log of the probability given to what is so.

    For a model that ends in a sigmoid, or, with `from_logits`, in plain numbers.

    Args:
        from_logits: Whether predictions are logits, the numbers before a sigmoid.
        label_smoothing: How far targets are pulled towards 1/2, between 0 and 1.
        axis: The axis over which the mean is taken first.
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true, y_pred (batch, ...)

    Example:
        >>> loss = npkeras.losses.BinaryCrossentropy(from_logits=True)
        >>> round(float(loss([[1.0], [0.0]], [[0.0], [0.0]])), 4)
        0.6931
    """

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_crossentropy",
        dtype=None,
    ):
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@register("losses")
class BinaryFocalCrossentropy(_Smoothing):
    """The binary cross-entropy with easy samples made small. See `binary_focal_crossentropy`.

    Args:
        apply_class_balancing: Whether to weigh ones by `alpha` and zeros by 1 - `alpha`.
        alpha: The weight of class 1.
        gamma: How strongly easy samples are made small.
        from_logits, label_smoothing, axis: As for `BinaryCrossentropy`.
        reduction, name, dtype: As for every `Loss`.
    """

    def __init__(
        self,
        apply_class_balancing=False,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="binary_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@register("losses")
class CategoricalCrossentropy(_Smoothing):
    """-log of the probability given to the right class, for one-hot targets.

    Args:
        from_logits: Whether predictions are logits, the numbers before a softmax.
        label_smoothing: How much of each target is spread evenly over all classes.
        axis: The axis of the classes.
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true, y_pred (batch, ..., classes)

    Example:
        >>> loss = npkeras.losses.CategoricalCrossentropy()
        >>> round(float(loss([[0.0, 1.0]], [[0.2, 0.8]])), 4)
        0.2231
    """

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_crossentropy",
        dtype=None,
    ):
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@register("losses")
class CategoricalFocalCrossentropy(_Smoothing):
    """The cross-entropy with easy samples made small. See `categorical_focal_crossentropy`.

    Args:
        alpha: A weight for all classes, or one for each.
        gamma: How strongly easy samples are made small.
        from_logits, label_smoothing, axis: As for `CategoricalCrossentropy`.
        reduction, name, dtype: As for every `Loss`.
    """

    def __init__(
        self,
        alpha=0.25,
        gamma=2.0,
        from_logits=False,
        label_smoothing=0.0,
        axis=-1,
        reduction="sum_over_batch_size",
        name="categorical_focal_crossentropy",
        dtype=None,
    ):
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@register("losses")
class SparseCategoricalCrossentropy(LossFunctionWrapper):
    """-log of the probability given to the right class, for targets given as class numbers.

    Args:
        from_logits: Whether predictions are logits, the numbers before a softmax.
        ignore_class: A class number whose samples do not count, -1 for example.
        reduction: As for every `Loss`.
        axis: The axis of the classes.
        name, dtype: As for every `Loss`.

    Shapes:
        y_true (batch, ...) or (batch, ..., 1), y_pred (batch, ..., classes)

    Example:
        >>> loss = npkeras.losses.SparseCategoricalCrossentropy()
        >>> round(float(loss([1], [[0.2, 0.8]])), 4)
        0.2231
    """

    def __init__(
        self,
        from_logits=False,
        ignore_class=None,
        reduction="sum_over_batch_size",
        axis=-1,
        name="sparse_categorical_crossentropy",
        dtype=None,
    ):
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


@register("losses")
class CategoricalGeneralizedCrossEntropy(LossFunctionWrapper):
    """(1 - p**q) / q: a cross-entropy that wrong labels disturb less.

    See `categorical_generalized_cross_entropy`.

    Args:
        q: Between 0, near the cross-entropy, and 1, near the absolute error.
        reduction, name, dtype: As for every `Loss`.
    """

    def __init__(
        self,
        q=0.5,
        reduction="sum_over_batch_size",
        name="categorical_generalized_cross_entropy",
        dtype=None,
    ):
        check.number(q, "q", "CategoricalGeneralizedCrossEntropy", low=0, below=1)
        if not q:
            raise ValueError(
                "`q` of CategoricalGeneralizedCrossEntropy must be above 0. Received: q=0. "
                "That limit is `SparseCategoricalCrossentropy`."
            )
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)


@register("losses")
class KLDivergence(LossFunctionWrapper):
    """sum(y_true * log(y_true / y_pred)): how far one distribution is from another.

    Args:
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true, y_pred (batch, ..., classes)
    """

    def __init__(self, reduction="sum_over_batch_size", name="kl_divergence", dtype=None):
        super().__init__(kl_divergence, reduction, name, dtype)


@register("losses")
class Hinge(LossFunctionWrapper):
    """max(1 - y_true * y_pred, 0): the loss of support vector machines. See `hinge`.

    Args:
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true (batch, ...) of -1 and 1, or 0 and 1; y_pred in the same shape
    """

    def __init__(self, reduction="sum_over_batch_size", name="hinge", dtype=None):
        super().__init__(hinge, reduction, name, dtype)


@register("losses")
class SquaredHinge(LossFunctionWrapper):
    """max(1 - y_true * y_pred, 0)**2. See `squared_hinge`.

    Args:
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true (batch, ...) of -1 and 1, or 0 and 1; y_pred in the same shape
    """

    def __init__(self, reduction="sum_over_batch_size", name="squared_hinge", dtype=None):
        super().__init__(squared_hinge, reduction, name, dtype)


@register("losses")
class CategoricalHinge(LossFunctionWrapper):
    """How much the right class lacks to score 1 more than the best of the others.

    Args:
        reduction, name, dtype: As for every `Loss`.

    Shapes:
        y_true (batch, ..., classes) one-hot, y_pred in the same shape
    """

    def __init__(self, reduction="sum_over_batch_size", name="categorical_hinge", dtype=None):
        super().__init__(categorical_hinge, reduction, name, dtype)


def crossentropy_named(name):
    """The cross-entropy that fits the shapes, for the names "crossentropy" and "ce"; else None."""
    if isinstance(name, str) and name.lower() in ("crossentropy", "ce"):
        return _fitting_crossentropy
    return None


def _fitting_crossentropy(y_true, y_pred):
    """The cross-entropy that the shapes ask for, as the metric "accuracy" is chosen.

    One number per sample asks for the binary one, one-hot targets for the categorical one, class
    numbers for the sparse one.
    """
    true, predicted = shape_of(y_true), shape_of(y_pred)
    if predicted[-1:] == (1,):
        return binary_crossentropy(y_true, y_pred)
    if len(true) < len(predicted) or true[-1:] == (1,):
        return sparse_categorical_crossentropy(y_true, y_pred)
    return categorical_crossentropy(y_true, y_pred)

"""How often predictions are right."""

import numpy as np

from npkeras.core import check
from npkeras.core.config import floatx
from npkeras.core.registry import register
from npkeras.metrics.base import array_of, same_shape
from npkeras.metrics.mean import MeanMetricWrapper
from npkeras.ops.head import best_class


def accuracy(y_true, y_pred):
    """1 where targets and predictions are equal, 0 elsewhere, entry by entry."""
    y_true, y_pred = same_shape(y_true, y_pred, "accuracy")
    return (y_true == y_pred).astype(floatx())


def binary_accuracy(y_true, y_pred, threshold=0.5):
    """1 where a prediction is on its target's side of a threshold, entry by entry.

    Args:
        y_true: 0 and 1.
        y_pred: Numbers: those above the threshold stand for 1.
        threshold: The threshold.

    Example:
        >>> npkeras.metrics.binary_accuracy([[1.0, 0.0]], [[0.9, 0.6]])
        array([[1., 0.]], dtype=float32)
    """
    y_true, y_pred = same_shape(y_true, y_pred, "binary_accuracy")
    return (y_true == (y_pred > threshold)).astype(floatx())


def categorical_accuracy(y_true, y_pred):
    """1 where the largest prediction belongs to the largest target, sample by sample.

    Example:
        >>> npkeras.metrics.categorical_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]])
        array([1., 0.], dtype=float32)
    """
    best = array_of(y_true).argmax(axis=-1)
    return _equal(best, array_of(y_pred).argmax(axis=-1), "categorical_accuracy")


def sparse_categorical_accuracy(y_true, y_pred):
    """1 where the largest prediction is that of the target, sample by sample.

    Args:
        y_true: Class numbers, in shape (...) or (..., 1).
        y_pred: Scores of the classes, in shape (..., classes).

    Example:
        >>> npkeras.metrics.sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.4, 0.6]])
        array([1., 0.], dtype=float32)
    """
    best = best_class(y_pred if hasattr(y_pred, "shape") else array_of(y_pred))
    return _equal(class_numbers(y_true, best.ndim), best, "sparse_categorical_accuracy")


def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """1 where the class of the target is among the k that score highest, sample by sample.

    Args:
        y_true: One-hot targets.
        y_pred: Scores of the classes, in the same shape.
        k: How many guesses there are. Classes that score alike count as one guess.

    Example:
        >>> scores = [[0.1, 0.3, 0.6], [0.1, 0.3, 0.6]]
        >>> npkeras.metrics.top_k_categorical_accuracy([[0, 1, 0], [1, 0, 0]], scores, k=2)
        array([1., 0.], dtype=float32)
    """
    return sparse_top_k_categorical_accuracy(array_of(y_true).argmax(axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5, from_sorted_ids=False):
    """1 where the class of the target is among the k that score highest, sample by sample.

    Args:
        y_true: Class numbers, in shape (...) or (..., 1).
        y_pred: Scores of the classes, in shape (..., classes); or the class numbers
            themselves, from the highest score down.
        k: How many guesses there are. Classes that score alike count as one guess.
        from_sorted_ids: Whether `y_pred` holds sorted class numbers and no scores.

    Example:
        >>> scores = [[0.1, 0.3, 0.6], [0.1, 0.3, 0.6]]
        >>> npkeras.metrics.sparse_top_k_categorical_accuracy([1, 0], scores, k=2)
        array([1., 0.], dtype=float32)
    """
    y_true, y_pred = array_of(y_true), array_of(y_pred)
    shape = y_true.shape
    labels = class_numbers(y_true, y_pred.ndim - 1)
    if labels.shape != y_pred.shape[:-1]:
        raise _misfit("sparse_top_k_categorical_accuracy", y_pred.shape[:-1], shape)
    if from_sorted_ids:
        found = (y_pred[..., :k] == labels[..., None]).any(axis=-1)
    else:
        found = _among_largest(labels.astype(np.intp), y_pred, k)
    return found.reshape(shape).astype(floatx())


def _among_largest(labels, scores, k):
    """Whether fewer than k scores lie above that of the label, and all of them are finite."""
    classes = scores.shape[-1]
    exists = (labels >= 0) & (labels < classes)
    own = np.take_along_axis(scores, np.where(exists, labels, 0)[..., None], axis=-1)
    above = np.count_nonzero(scores > own, axis=-1)
    return exists & (above < k) & np.isfinite(scores).all(axis=-1)


def class_numbers(y_true, ndim):
    """Class numbers with `ndim` axes: a last axis of length 1 more is dropped."""
    y_true = array_of(y_true)
    return y_true[..., 0] if y_true.ndim == ndim + 1 and y_true.shape[-1] == 1 else y_true


def _equal(y_true, best, owner):
    if y_true.shape != best.shape:
        raise _misfit(owner, best.shape, y_true.shape)
    return (y_true == best).astype(floatx())


def _misfit(owner, wanted, received):
    return ValueError(
        f"The metric `{owner}` expects one class number per sample, in shape {wanted}. Received "
        f"targets of shape {received}. For one-hot targets use "
        f"`{owner.removeprefix('sparse_')}`, for class numbers the metric whose name begins "
        "with `sparse_`."
    )


@register("metrics")
class Accuracy(MeanMetricWrapper):
    """How often predictions equal their targets.

    For predictions that are class numbers already. In `compile`, the string "accuracy" stands
    for the accuracy that fits the shapes of targets and predictions.

    Args:
        name, dtype: As for every `Metric`.

    Example:
        >>> metric = npkeras.metrics.Accuracy()
        >>> float(metric([1, 2, 3, 4], [0, 2, 3, 4]))
        0.75
    """

    _direction = "up"

    def __init__(self, name="accuracy", dtype=None):
        super().__init__(accuracy, name, dtype)


@register("metrics")
class BinaryAccuracy(MeanMetricWrapper):
    """How often predictions are on their targets' side of a threshold.

    Args:
        name, dtype: As for every `Metric`.
        threshold: Predictions above it stand for 1.

    Example:
        >>> metric = npkeras.metrics.BinaryAccuracy()
        >>> float(metric([[1], [1], [0], [0]], [[0.98], [1], [0], [0.6]]))
        0.75
    """

    _direction = "up"

    def __init__(self, name="binary_accuracy", dtype=None, threshold=0.5):
        check.number(threshold, "threshold", "BinaryAccuracy")
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


@register("metrics")
class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction belongs to the right class, for one-hot targets.

    Args:
        name, dtype: As for every `Metric`.

    Example:
        >>> metric = npkeras.metrics.CategoricalAccuracy()
        >>> float(metric([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]]))
        0.5
    """

    _direction = "up"

    def __init__(self, name="categorical_accuracy", dtype=None):
        super().__init__(categorical_accuracy, name, dtype)


@register("metrics")
class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction belongs to the right class, for class numbers.

    Args:
        name, dtype: As for every `Metric`.

    Example:
        >>> metric = npkeras.metrics.SparseCategoricalAccuracy()
        >>> float(metric([1, 0], [[0.2, 0.8], [0.4, 0.6]]))
        0.5
    """

    _direction = "up"

    def __init__(self, name="sparse_categorical_accuracy", dtype=None):
        super().__init__(sparse_categorical_accuracy, name, dtype)


@register("metrics")
class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the k that score highest, for one-hot targets.

    Args:
        k: How many guesses there are.
        name, dtype: As for every `Metric`.
    """

    _direction = "up"

    def __init__(self, k=5, name="top_k_categorical_accuracy", dtype=None):
        check.positive_int(k, "k", "TopKCategoricalAccuracy")
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


@register("metrics")
class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the right class is among the k that score highest, for class numbers.

    Args:
        k: How many guesses there are.
        name, dtype: As for every `Metric`.
        from_sorted_ids: Whether predictions are class numbers, from the highest score down.
    """

    _direction = "up"

    def __init__(
        self, k=5, name="sparse_top_k_categorical_accuracy", dtype=None, from_sorted_ids=False
    ):
        check.positive_int(k, "k", "SparseTopKCategoricalAccuracy")
        super().__init__(
            sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids
        )


def accuracy_for(y_true_shape, y_pred_shape):
    """The accuracy that the string "accuracy" stands for, given shapes of targets and predictions.

    One number per sample asks for `BinaryAccuracy`, one-hot targets for `CategoricalAccuracy`,
    class numbers for `SparseCategoricalAccuracy`.
    """
    if y_pred_shape[-1:] == (1,):
        return BinaryAccuracy
    if len(y_true_shape) < len(y_pred_shape) or tuple(y_true_shape)[-1:] == (1,):
        return SparseCategoricalAccuracy
    return CategoricalAccuracy

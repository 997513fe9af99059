"""Intersection over union: how well predicted regions cover the true ones."""

import warnings

import numpy as np

from npkeras.core import check
from npkeras.core.registry import register
from npkeras.metrics.base import Metric, add_to, array_of, quotient


class _Confusion(Metric):
    """Counts how often each class was taken for each other one."""

    _direction = "up"

    def _start(self, num_classes, target_class_ids, ignore_class, axis):
        owner = type(self).__name__
        self.num_classes = check.positive_int(num_classes, "num_classes", owner)
        self.target_class_ids = target_class_ids
        self.total_confusion_matrix = self.add_variable(
            (num_classes, num_classes), "zeros", name="total_confusion_matrix"
        )
        for class_id in target_class_ids:
            if not check.is_int(class_id) or not 0 <= class_id < num_classes:
                raise ValueError(
                    f"`target_class_ids` of {owner} must be class numbers in [0, {num_classes}). "
                    f"Received: {class_id!r}"
                )
        self.ignore_class = ignore_class
        self.axis = axis

    def _add(self, y_true, y_pred, sample_weight):
        """Add class numbers. What is no class from 0 to `num_classes` - 1 is left out."""
        y_true, y_pred = y_true.ravel(), y_pred.ravel()
        if y_true.size != y_pred.size:
            raise ValueError(
                f"The metric {self.name!r} expects as many targets as predictions. Received "
                f"{y_true.size} targets and {y_pred.size} predictions."
            )
        y_true, y_pred = y_true.astype("int64"), y_pred.astype("int64")
        weights = self._weights(sample_weight, y_true.size)
        n = self.num_classes
        known = (y_true >= 0) & (y_true < n) & (y_pred >= 0) & (y_pred < n)
        if self.ignore_class is not None:
            known &= y_true != self.ignore_class
        pairs = y_true[known] * n + y_pred[known]
        sums = np.bincount(pairs, None if weights is None else weights[known], n * n)
        add_to(self.total_confusion_matrix, sums.reshape(n, n))

    def _weights(self, sample_weight, size):
        if sample_weight is None:
            return None
        weights = array_of(sample_weight)
        if weights.dtype.kind == "f" and "int" in self.dtype:
            warnings.warn(
                f"{type(self).__name__} counts in {self.dtype}, which cuts off the fractions of "
                'sample weights. Use `dtype="float32"` to keep them.',
                stacklevel=4,
            )
        weights = weights.astype(self.dtype).ravel()
        if weights.size not in (1, size):
            raise ValueError(
                f"The metric {self.name!r} expects one weight, or one for each of {size} "
                f"predictions. Received: sample_weight of {weights.size} entries"
            )
        return np.broadcast_to(weights, (size,))

    def result(self):
        """The mean over the target classes that were seen or predicted; 0 if none was."""
        matrix = self.total_confusion_matrix.value.astype("float64")
        shared = np.diag(matrix)[list(self.target_class_ids)]
        either = (matrix.sum(axis=0) + matrix.sum(axis=1))[list(self.target_class_ids)] - shared
        seen = either > 0
        return np.float32(quotient(shared, either)[seen].mean() if seen.any() else 0)


@register("metrics")
class IoU(_Confusion):
    """Intersection over union: TP / (TP + FP + FN), averaged over some of the classes.

    Args:
        num_classes: How many classes there are.
        target_class_ids: The class numbers to average over.
        name: Its name.
        dtype: The dtype of the counts. None: int64.
        ignore_class: A class number whose pixels do not count: that of a border, say.
        sparse_y_true, sparse_y_pred: Whether targets, predictions, are class numbers; if not,
            they are scores, of which the largest is taken.
        axis: The axis of the scores.

    Example:
        >>> metric = npkeras.metrics.IoU(num_classes=2, target_class_ids=[0])
        >>> round(float(metric([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        super().__init__(name=name, dtype=dtype or "int64")
        self._start(num_classes, list(target_class_ids), ignore_class, axis)
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true, y_pred: Targets and predictions, as class numbers or as scores.
            sample_weight: Weights for the pixels.
        """
        y_true, y_pred = array_of(y_true), array_of(y_pred)
        if not self.sparse_y_true:
            y_true = y_true.argmax(axis=self.axis)
        if not self.sparse_y_pred:
            y_pred = y_pred.argmax(axis=self.axis)
        self._add(y_true, y_pred, sample_weight)


@register("metrics")
class BinaryIoU(IoU):
    """Intersection over union for yes-or-no pixels.

    Args:
        target_class_ids: Which of the classes 0 and 1 to average over.
        threshold: Predictions from it on stand for 1.
        name: Its name.
        dtype: The dtype of the counts. None: int64.

    Example:
        >>> metric = npkeras.metrics.BinaryIoU(threshold=0.3)
        >>> round(float(metric([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
        0.3333
    """

    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = check.number(threshold, "threshold", "BinaryIoU")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true: 0 and 1.
            y_pred: Scores.
            sample_weight: Weights for the pixels.
        """
        super().update_state(y_true, array_of(y_pred) >= self.threshold, sample_weight)


@register("metrics")
class MeanIoU(IoU):
    """Intersection over union, averaged over all classes.

    Args:
        num_classes: How many classes there are.
        name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis: As for `IoU`.

    Example:
        >>> metric = npkeras.metrics.MeanIoU(num_classes=2)
        >>> round(float(metric([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self,
        num_classes,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        check.positive_int(num_classes, "num_classes", type(self).__name__)
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )


@register("metrics")
class OneHotIoU(IoU):
    """`IoU` for one-hot targets.

    Args:
        num_classes: How many classes there are.
        target_class_ids: The class numbers to average over.
        name, dtype, ignore_class, sparse_y_pred, axis: As for `IoU`.
    """

    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_pred=False,
        axis=-1,
    ):
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


@register("metrics")
class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` for one-hot targets.

    Args:
        num_classes: How many classes there are.
        name, dtype, ignore_class, sparse_y_pred, axis: As for `IoU`.
    """

    def __init__(
        self,
        num_classes,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_pred=False,
        axis=-1,
    ):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

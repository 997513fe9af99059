"""Right and wrong answers to yes-or-no questions, counted at one threshold or many."""

import numpy as np

from npkeras.core import check
from npkeras.core.registry import register, serialize
from npkeras.metrics.base import Metric, add_to, aligned_weights, quotient, same_shape

COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


class Thresholds:
    """One threshold or several; a prediction above a threshold is a yes."""

    def __init__(self, given, default, owner):
        values = default if given is None else given
        self.values = list(values) if isinstance(values, (list, tuple, np.ndarray)) else [values]
        if given is not None:
            for value in self.values:
                check.number(value, "thresholds", owner, low=0, high=1)
        self._order = np.argsort(self.values, kind="stable")

    def __len__(self):
        return len(self.values)

    def counts(self, labels, scores, weights):
        """The four counts at each threshold.

        Every score is put between the two thresholds it lies between; what is above a
        threshold is then a sum over all places behind it, however many thresholds there are.

        Shapes:
            labels, scores, weights (samples, columns) -> four of (thresholds, columns)
        """
        ordered = np.asarray(self.values, scores.dtype)[self._order]
        places = np.searchsorted(ordered, scores, side="left")  # how many thresholds lie below
        places[np.isnan(scores)] = 0
        positives = self._above(places, np.where(labels, weights, 0))
        negatives = self._above(places, np.where(labels, 0, weights))
        true_positives, false_positives = positives[1:], negatives[1:]
        true_negatives = negatives[:1] - false_positives
        false_negatives = positives[:1] - true_positives
        by_count = (true_positives, false_positives, true_negatives, false_negatives)
        back = np.argsort(self._order)
        return {name: count[back] for name, count in zip(COUNTS, by_count, strict=True)}

    def _above(self, places, weights):
        """For each place the sum of the weights at it or behind it, column by column."""
        rows, columns = len(self.values) + 1, places.shape[1]
        flat = places * columns + np.arange(columns)
        sums = np.bincount(flat.ravel(), weights.ravel(), rows * columns)
        return sums.reshape(rows, columns)[::-1].cumsum(axis=0)[::-1]


def questions(y_true, y_pred, sample_weight, owner, class_id=None, top_k=None):
    """Labels as booleans, scores and weights, all of one shape."""
    y_true, y_pred = same_shape(y_true, y_pred, owner)
    labels, scores = y_true != 0, y_pred
    if scores.dtype.kind != "f":
        scores = scores.astype("float32")
    weights = np.ones((), scores.dtype)
    if sample_weight is not None:
        weights = aligned_weights(sample_weight, scores.shape, owner)
    weights = np.broadcast_to(weights, scores.shape)
    if top_k is not None:
        scores = _only_largest(scores, top_k, owner)
    if class_id is not None:
        if not class_id < scores.shape[-1]:
            raise ValueError(
                f"The metric `{owner}` looks at the class number class_id={class_id}. Received "
                f"predictions of shape {scores.shape}, which have {scores.shape[-1]} classes."
            )
        labels, scores, weights = (x[..., class_id] for x in (labels, scores, weights))
    return labels, scores, weights


def _only_largest(scores, k, owner):
    """Scores with all but the k largest of each row far below any threshold."""
    if k > scores.shape[-1]:
        raise ValueError(
            f"The metric `{owner}` asks for the top_k={k} classes. Received predictions of "
            f"shape {scores.shape}, which have {scores.shape[-1]}."
        )
    best = np.argsort(-scores, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(scores, -np.inf)
    np.put_along_axis(kept, best, np.take_along_axis(scores, best, axis=-1), axis=-1)
    return kept


def as_column(*arrays):
    return tuple(np.reshape(x, (-1, 1)) for x in arrays)


class _Counting(Metric):
    """A metric whose state is some of the four counts, one number for each threshold."""

    counted = COUNTS

    def _make_counts(self, thresholds, shape=None):
        self._thresholds = thresholds
        shape = (len(thresholds),) if shape is None else shape
        for name in self.counted:
            setattr(self, name, self.add_variable(shape, "zeros", name=name))

    def _add(self, labels, scores, weights):
        columns = as_column(labels, scores, weights)
        counts = self._thresholds.counts(*columns)
        for name in self.counted:
            add_to(getattr(self, name), counts[name][:, 0])


class _OneCount(Metric):
    """One of the four counts."""

    counted = ""

    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self._thresholds = Thresholds(thresholds, 0.5, type(self).__name__)
        self.thresholds = self._thresholds.values
        self.accumulator = self.add_variable((len(self._thresholds),), "zeros", name="accumulator")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true: Labels: 0 is no, anything else is yes.
            y_pred: Scores between 0 and 1, in the same shape.
            sample_weight: Weights for samples, or for each value.
        """
        columns = as_column(*questions(y_true, y_pred, sample_weight, self.name))
        add_to(self.accumulator, self._thresholds.counts(*columns)[self.counted][:, 0])

    def result(self):
        """The count, or one for each threshold."""
        return one_or_all(self.accumulator.value)

    def get_config(self):
        return {**super().get_config(), "thresholds": serialize(self.init_thresholds)}


def one_or_all(values):
    """The only entry, or the array."""
    return values[0] if len(values) == 1 else values


@register("metrics")
class TruePositives(_OneCount):
    """How many of those that are so were predicted to be so.

    Args:
        thresholds: Predictions above it are a yes: a number in [0, 1] or a list. None: 0.5.
        name, dtype: As for every `Metric`.

    Example:
        >>> metric = npkeras.metrics.TruePositives()
        >>> float(metric([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0]))
        2.0
    """

    counted = "true_positives"


@register("metrics")
class TrueNegatives(_OneCount):
    """How many of those that are not so were predicted not to be so.

    Args:
        thresholds: Predictions above it are a yes: a number in [0, 1] or a list. None: 0.5.
        name, dtype: As for every `Metric`.
    """

    counted = "true_negatives"


@register("metrics")
class FalsePositives(_OneCount):
    """How many of those that are not so were predicted to be so.

    Args:
        thresholds: Predictions above it are a yes: a number in [0, 1] or a list. None: 0.5.
        name, dtype: As for every `Metric`.
    """

    counted = "false_positives"


@register("metrics")
class FalseNegatives(_OneCount):
    """How many of those that are so were predicted not to be so.

    Args:
        thresholds: Predictions above it are a yes: a number in [0, 1] or a list. None: 0.5.
        name, dtype: As for every `Metric`.
    """

    counted = "false_negatives"


class _Share(_Counting):
    """True positives as a share of them and another count."""

    _direction = "up"
    other = ""

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        owner = type(self).__name__
        self.init_thresholds = thresholds
        self.top_k = None if top_k is None else check.positive_int(top_k, "top_k", owner)
        self.class_id = None
        if class_id is not None:
            self.class_id = check.non_negative_int(class_id, "class_id", owner)
        default = 0.5 if top_k is None else float(np.finfo("float32").min)
        self.counted = ("true_positives", self.other)
        self._make_counts(Thresholds(thresholds, default, owner))
        self.thresholds = self._thresholds.values

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true: Labels: 0 is no, anything else is yes.
            y_pred: Scores between 0 and 1, in the same shape.
            sample_weight: Weights for samples, or for each value.
        """
        self._add(*questions(y_true, y_pred, sample_weight, self.name, self.class_id, self.top_k))

    def result(self):
        """The share, or one for each threshold."""
        right, other = self.true_positives.value, getattr(self, self.other).value
        return one_or_all(quotient(right, right + other).astype(self.dtype))

    def get_config(self):
        return {**super().get_config(), "thresholds": serialize(self.init_thresholds)}


@register("metrics")
class Precision(_Share):
    """Of those predicted to be so, the share that are: TP / (TP + FP). 0 if there are none.

    Args:
        thresholds: Predictions above it are a yes: a number in [0, 1] or a list. None: 0.5, or
            none at all with `top_k`.
        top_k: Only the k classes that score highest in a row can be a yes.
        class_id: Only this class counts. None: all do.
        name, dtype: As for every `Metric`.

    Example:
        >>> metric = npkeras.metrics.Precision()
        >>> round(float(metric([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
        0.6667
    """

    other = "false_positives"


@register("metrics")
class Recall(_Share):
    """Of those that are so, the share predicted to be: TP / (TP + FN). 0 if there are none.

    Args:
        thresholds: Predictions above it are a yes: a number in [0, 1] or a list. None: 0.5, or
            none at all with `top_k`.
        top_k: Only the k classes that score highest in a row can be a yes.
        class_id: Only this class counts. None: all do.
        name, dtype: As for every `Metric`.

    Example:
        >>> metric = npkeras.metrics.Recall()
        >>> round(float(metric([0, 1, 1, 1], [1.0, 0.0, 1.0, 1.0])), 4)
        0.6667
    """

    other = "false_negatives"


class _BestUnderConstraint(_Counting):
    """The largest of one share at all thresholds where another share is large enough."""

    _direction = "up"

    def _start(self, value, name, num_thresholds, class_id):
        owner = type(self).__name__
        check.number(value, name, owner, low=0, high=1)
        self.value = value
        self.num_thresholds = check.positive_int(num_thresholds, "num_thresholds", owner)
        self.class_id = None
        if class_id is not None:
            self.class_id = check.non_negative_int(class_id, "class_id", owner)
        grid = np.linspace(0, 1, num_thresholds).tolist() if num_thresholds > 1 else [0.5]
        self._make_counts(Thresholds(grid, None, owner))
        self.thresholds = self._thresholds.values

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true: Labels: 0 is no, anything else is yes.
            y_pred: Scores between 0 and 1, in the same shape.
            sample_weight: Weights for samples, or for each value.
        """
        self._add(*questions(y_true, y_pred, sample_weight, self.name, self.class_id))

    def result(self):
        """The largest share, or 0 if the other is never large enough."""
        wanted, constrained = self._shares()
        allowed = constrained >= np.asarray(self.value, self.dtype)  # 7 of 10 are 0.7, in float32
        best = wanted[allowed].max() if allowed.any() else 0
        return np.asarray(best, self.dtype)[()]

    def _share(self, a, b):
        a, b = getattr(self, a).value, getattr(self, b).value
        return quotient(a, a + b)

    def _sensitivity(self):
        return self._share("true_positives", "false_negatives")

    def _specificity(self):
        return self._share("true_negatives", "false_positives")

    def _precision(self):
        return self._share("true_positives", "false_positives")


@register("metrics")
class SensitivityAtSpecificity(_BestUnderConstraint):
    """The best sensitivity, TP / (TP + FN), where specificity, TN / (TN + FP), is high enough.

    Args:
        specificity: The specificity to reach, in [0, 1].
        num_thresholds: How many thresholds to try between 0 and 1.
        class_id: Only this class counts. None: all do.
        name, dtype: As for every `Metric`.
    """

    def __init__(self, specificity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._start(specificity, "specificity", num_thresholds, class_id)
        self.specificity = specificity

    def _shares(self):
        return self._sensitivity(), self._specificity()


@register("metrics")
class SpecificityAtSensitivity(_BestUnderConstraint):
    """The best specificity, TN / (TN + FP), where sensitivity, TP / (TP + FN), is high enough.

    Args:
        sensitivity: The sensitivity to reach, in [0, 1].
        num_thresholds: How many thresholds to try between 0 and 1.
        class_id: Only this class counts. None: all do.
        name, dtype: As for every `Metric`.
    """

    def __init__(self, sensitivity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._start(sensitivity, "sensitivity", num_thresholds, class_id)
        self.sensitivity = sensitivity

    def _shares(self):
        return self._specificity(), self._sensitivity()


@register("metrics")
class PrecisionAtRecall(_BestUnderConstraint):
    """The best precision, TP / (TP + FP), where recall, TP / (TP + FN), is high enough.

    Args:
        recall: The recall to reach, in [0, 1].
        num_thresholds: How many thresholds to try between 0 and 1.
        class_id: Only this class counts. None: all do.
        name, dtype: As for every `Metric`.
    """

    def __init__(self, recall, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._start(recall, "recall", num_thresholds, class_id)
        self.recall = recall

    def _shares(self):
        return self._precision(), self._sensitivity()


@register("metrics")
class RecallAtPrecision(_BestUnderConstraint):
    """The best recall, TP / (TP + FN), where precision, TP / (TP + FP), is high enough.

    Args:
        precision: The precision to reach, in [0, 1].
        num_thresholds: How many thresholds to try between 0 and 1.
        class_id: Only this class counts. None: all do.
        name, dtype: As for every `Metric`.
    """

    def __init__(self, precision, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self._start(precision, "precision", num_thresholds, class_id)
        self.precision = precision

    def _shares(self):
        return self._sensitivity(), self._precision()

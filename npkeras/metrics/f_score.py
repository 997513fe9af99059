"""F-scores: precision and recall in one number."""

import numpy as np

from npkeras.core import check, config
from npkeras.core.registry import register
from npkeras.metrics.base import Metric, add_to, aligned_weights, array_of, same_shape

AVERAGES = (None, "micro", "macro", "weighted")
NOTHING = 1e-9  # the largest score of a row must exceed this to be a guess at all


@register("metrics")
class FBetaScore(Metric):
    """The harmonic mean of precision and recall, with recall weighing beta times as much.

        (1 + beta**2) * precision * recall / (beta**2 * precision + recall)

    As in Keras, `npkeras.config.epsilon()` is added to what is divided by: it counts where the
    weights of samples are tiny.

    Args:
        average: How the scores of the classes become one. None: they do not; `"micro"`:
            counts over all classes together; `"macro"`: their mean; `"weighted"`: their mean
            by how often each class is right.
        beta: How much more recall weighs.
        threshold: Scores above it are a yes. None: the largest score of each row is.
        name, dtype: As for every `Metric`.

    Shapes:
        y_true one-hot or many-hot, y_pred scores, both (batch, classes)

    Example:
        >>> metric = npkeras.metrics.FBetaScore(beta=2.0, threshold=0.5)
        >>> metric.update_state([[1, 1], [1, 0]], [[0.2, 0.6], [0.6, 0.8]])
        >>> metric.result().round(4)
        array([0.5556, 0.8333], dtype=float32)
    """

    _direction = "up"

    def __init__(self, average=None, beta=1.0, threshold=None, name="fbeta_score", dtype=None):
        super().__init__(name=name, dtype=dtype)
        owner = type(self).__name__
        self.average = check.one_of(AVERAGES, average, "average", owner)
        for value, argument in ((beta, "beta"), (threshold, "threshold")):
            if value is not None and not isinstance(value, float):
                raise ValueError(
                    f"`{argument}` of {owner} must be a float. "
                    f"Received: {argument}={check.shown(value)}"
                )
            if value is not None and value <= 0:
                raise ValueError(
                    f"`{argument}` of {owner} must be above 0. Received: {argument}={value}"
                )
        if threshold is not None:
            check.number(threshold, "threshold", owner, high=1)
        self.beta = beta
        self.threshold = threshold
        self._axis = None if average == "micro" else 0
        self._built = False

    def _build(self, classes):
        shape = () if self.average == "micro" else (classes,)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", name="false_positives")
        self.false_negatives = self.add_variable(shape, "zeros", name="false_negatives")
        self.intermediate_weights = self.add_variable(shape, "zeros", name="intermediate_weights")
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true, y_pred: Targets and scores, in shape (batch, classes).
            sample_weight: Weights for samples.
        """
        y_true, y_pred = same_shape(y_true, y_pred, self.name)
        if y_true.ndim != 2:
            raise ValueError(
                f"{type(self).__name__} expects targets and scores of shape (batch, classes). "
                f"Received: y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}"
            )
        if not self._built:
            self._build(y_true.shape[1])
        y_true = array_of(y_true, self.dtype)
        guesses = self._guesses(y_pred).astype(self.dtype)
        weights = np.ones((), self.dtype)
        if sample_weight is not None:
            weights = aligned_weights(sample_weight, y_true.shape, self.name)
        for variable, values in (
            (self.true_positives, guesses * y_true),
            (self.false_positives, guesses * (1 - y_true)),
            (self.false_negatives, (1 - guesses) * y_true),
            (self.intermediate_weights, y_true),
        ):
            add_to(variable, (values * weights).sum(axis=self._axis))

    def _guesses(self, scores):
        if self.threshold is not None:
            return scores > self.threshold
        return (scores >= scores.max(axis=-1, keepdims=True)) & (np.abs(scores) > NOTHING)

    def result(self):
        """The score, or one for each class."""
        if not self._built:
            return np.zeros((), self.dtype)[()]
        right, least = self.true_positives.value, config.epsilon()
        precision = right / (right + self.false_positives.value + least)
        recall = right / (right + self.false_negatives.value + least)
        below = self.beta**2 * precision + recall + least
        scores = (1 + self.beta**2) * precision * recall / below
        if self.average == "macro":
            scores = scores.mean()
        elif self.average == "weighted":
            weights = self.intermediate_weights.value
            scores = (scores * weights / (weights.sum() + least)).sum()
        return scores.astype(self.dtype)[()]


@register("metrics")
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall.

        2 * precision * recall / (precision + recall)

    Args:
        average: As for `FBetaScore`.
        threshold: Scores above it are a yes. None: the largest score of each row is.
        name, dtype: As for every `Metric`.

    Example:
        >>> metric = npkeras.metrics.F1Score(threshold=0.5)
        >>> metric.update_state([[1, 1], [1, 0]], [[0.2, 0.6], [0.6, 0.8]])
        >>> metric.result().round(4)
        array([0.6667, 0.6667], dtype=float32)
    """

    def __init__(self, average=None, threshold=None, name="f1_score", dtype=None):
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self):
        config = super().get_config()
        config.pop("beta", None)
        return config

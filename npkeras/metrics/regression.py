"""Metrics between numbers."""

import warnings

import numpy as np

from npkeras import losses
from npkeras.core import check, config
from npkeras.core.registry import register
from npkeras.losses.base import as_floats
from npkeras.metrics.base import Metric, add_to, aligned_weights, array_of, same_shape
from npkeras.metrics.mean import Mean, MeanMetricWrapper


def _cosine(y_true, y_pred, axis=-1):
    """cos of the angle between targets and predictions."""
    return -losses.cosine_similarity(y_true, y_pred, axis=axis)


def pearson_correlation(y_true, y_pred, axis=-1):
    """The correlation of targets and predictions along an axis, between -1 and 1.

        mean((y_true - mean(y_true)) * (y_pred - mean(y_pred))) / (std(y_true) * std(y_pred))

    Numbers that are all the same correlate with nothing: nan.

    Example:
        >>> npkeras.metrics.pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]]).round(4)
        array([1.], dtype=float32)
    """
    y_true, y_pred, _, _ = _centered(y_true, y_pred, axis, "pearson_correlation")
    with np.errstate(invalid="ignore", divide="ignore"):
        y_true = y_true / np.sqrt((y_true**2).mean(axis=axis, keepdims=True))
        y_pred = y_pred / np.sqrt((y_pred**2).mean(axis=axis, keepdims=True))
        return (y_true * y_pred).mean(axis=axis)


def concordance_correlation(y_true, y_pred, axis=-1):
    """How near (prediction, target) lies to the line through the origin at 45 degrees.

        2 * covariance / (var(y_true) + var(y_pred) + (mean(y_true) - mean(y_pred))**2)

    Like the correlation, but 1 only where predictions equal targets. Source: Lin, 1989,
    doi.org/10.2307/2532051.

    Example:
        >>> npkeras.metrics.concordance_correlation([[0.0, 2.0]], [[1.0, 3.0]]).round(4)
        array([0.6667], dtype=float32)
    """
    y_true, y_pred, mean_true, mean_pred = _centered(
        y_true, y_pred, axis, "concordance_correlation"
    )
    covariance = (y_true * y_pred).mean(axis=axis)
    spread = (y_true**2).mean(axis=axis) + (y_pred**2).mean(axis=axis)
    distance = np.squeeze(mean_true - mean_pred, axis) ** 2
    epsilon = y_pred.dtype.type(config.epsilon())
    return 2 * covariance / (spread + distance + epsilon)


def _centered(y_true, y_pred, axis, owner):
    """Both without their means along an axis, and these means."""
    y_true, y_pred = same_shape(y_true, y_pred, owner)
    y_pred = as_floats(y_pred)
    y_true = y_true.astype(y_pred.dtype)
    mean_true = y_true.mean(axis=axis, keepdims=True)
    mean_pred = y_pred.mean(axis=axis, keepdims=True)
    return y_true - mean_true, y_pred - mean_pred, mean_true, mean_pred


@register("metrics", "mse", "MSE")
class MeanSquaredError(MeanMetricWrapper):
    """The mean of (y_true - y_pred)**2.

    Args:
        name, dtype: As for every `Metric`.
    """

    _direction = "down"

    def __init__(self, name="mean_squared_error", dtype=None):
        super().__init__(losses.mean_squared_error, name, dtype)


@register("metrics", "mae", "MAE")
class MeanAbsoluteError(MeanMetricWrapper):
    """The mean of |y_true - y_pred|.

    Args:
        name, dtype: As for every `Metric`.
    """

    _direction = "down"

    def __init__(self, name="mean_absolute_error", dtype=None):
        super().__init__(losses.mean_absolute_error, name, dtype)


@register("metrics", "mape", "MAPE")
class MeanAbsolutePercentageError(MeanMetricWrapper):
    """The mean of |y_true - y_pred| / |y_true|, in percent.

    Args:
        name, dtype: As for every `Metric`.
    """

    _direction = "down"

    def __init__(self, name="mean_absolute_percentage_error", dtype=None):
        super().__init__(losses.mean_absolute_percentage_error, name, dtype)


@register("metrics", "msle", "MSLE")
class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """The mean of (log(1 + y_true) - log(1 + y_pred))**2.

    Args:
        name, dtype: As for every `Metric`.
    """

    _direction = "down"

    def __init__(self, name="mean_squared_logarithmic_error", dtype=None):
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype)


@register("metrics")
class LogCoshError(MeanMetricWrapper):
    """The mean of log(cosh(y_pred - y_true)).

    Args:
        name, dtype: As for every `Metric`.
    """

    _direction = "down"

    def __init__(self, name="logcosh", dtype=None):
        super().__init__(losses.log_cosh, name, dtype)


@register("metrics")
class CosineSimilarity(MeanMetricWrapper):
    """The mean cosine of the angle between targets and predictions: 1 is best.

    Args:
        name, dtype: As for every `Metric`.
        axis: The axis along which the vectors lie.
    """

    _direction = "up"

    def __init__(self, name="cosine_similarity", dtype=None, axis=-1):
        super().__init__(_cosine, name, dtype, axis=axis)


@register("metrics")
class PearsonCorrelation(MeanMetricWrapper):
    """The mean correlation of targets and predictions. See `pearson_correlation`.

    Args:
        name, dtype: As for every `Metric`.
        axis: The axis along which to correlate: -1 within samples, 0 within the batch.
    """

    _direction = "up"

    def __init__(self, name="pearson_correlation", dtype=None, axis=-1):
        super().__init__(pearson_correlation, name, dtype, axis=axis)


@register("metrics")
class ConcordanceCorrelation(MeanMetricWrapper):
    """The mean concordance of targets and predictions. See `concordance_correlation`.

    Args:
        name, dtype: As for every `Metric`.
        axis: The axis along which to correlate: -1 within samples, 0 within the batch.
    """

    _direction = "up"

    def __init__(self, name="concordance_correlation", dtype=None, axis=-1):
        super().__init__(concordance_correlation, name, dtype, axis=axis)


@register("metrics")
class RootMeanSquaredError(Mean):
    """The square root of the mean of (y_true - y_pred)**2, over all batches together.

    Args:
        name, dtype: As for every `Metric`.

    Example:
        >>> metric = npkeras.metrics.RootMeanSquaredError()
        >>> float(metric([[0.0], [0.0]], [[3.0], [3.0]]))
        3.0
    """

    _direction = "down"

    def __init__(self, name="root_mean_squared_error", dtype=None):
        super().__init__(name, dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true, y_pred: Targets and predictions of one shape.
            sample_weight: Weights for samples, or for each value.
        """
        y_true, y_pred = same_shape(y_true, y_pred, "root_mean_squared_error")
        error = array_of(y_pred, self.dtype) - array_of(y_true, self.dtype)
        super().update_state(error**2, sample_weight)

    def result(self):
        """The root of the mean."""
        return np.sqrt(super().result())


AGGREGATIONS = ("uniform_average", "variance_weighted_average", None)


@register("metrics")
class R2Score(Metric):
    """How much of the targets' variance is explained: 1 is all, 0 no more than by their mean.

        1 - sum((y_true - y_pred)**2) / sum((y_true - mean(y_true))**2)

    for each output. With p = `num_regressors` and n the number of targets seen it is adjusted
    to 1 - (1 - R2) * (n - 1) / (n - p - 1).

    Args:
        class_aggregation: How the scores of several outputs become one: `"uniform_average"`,
            `"variance_weighted_average"`, or None for one score per output.
        num_regressors: How many inputs the model has, for the adjusted score; 0: unadjusted.
        name, dtype: As for every `Metric`.

    Shapes:
        y_true, y_pred (batch, outputs)

    Example:
        >>> metric = npkeras.metrics.R2Score()
        >>> round(float(metric([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
        0.5714
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation="uniform_average",
        num_regressors=0,
        name="r2_score",
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.class_aggregation = check.one_of(
            AGGREGATIONS, class_aggregation, "class_aggregation", "R2Score"
        )
        self.num_regressors = check.non_negative_int(num_regressors, "num_regressors", "R2Score")
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._built = False

    def _build(self, outputs):
        shape = (outputs,)
        self.squared_sum = self.add_variable(shape, "zeros", name="squared_sum")
        self.sum = self.add_variable(shape, "zeros", name="sum")
        self.total_mse = self.add_variable(shape, "zeros", name="residual")
        self.count = self.add_variable(shape, "zeros", name="count")
        self._built = True

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true, y_pred: Targets and predictions, in shape (batch, outputs).
            sample_weight: Weights for samples, or for each value.
        """
        y_true, y_pred = same_shape(y_true, y_pred, "r2_score")
        if y_true.ndim != 2:
            raise ValueError(
                "R2Score expects targets and predictions of shape (batch, outputs). "
                f"Received: y_true.shape={y_true.shape}, y_pred.shape={y_pred.shape}"
            )
        if not self._built:
            self._build(y_true.shape[1])
        y_true, y_pred = array_of(y_true, self.dtype), array_of(y_pred, self.dtype)
        weights = np.ones((1, 1), self.dtype)
        if sample_weight is not None:
            weights = aligned_weights(sample_weight, y_true.shape, self.name)
        add_to(self.sum, (weights * y_true).sum(axis=0))
        add_to(self.squared_sum, (weights * y_true**2).sum(axis=0))
        add_to(self.total_mse, (weights * (y_true - y_pred) ** 2).sum(axis=0))
        add_to(self.count, np.broadcast_to(weights, y_true.shape).sum(axis=0))
        add_to(self.num_samples, y_true.size)

    def result(self):
        """The score, or one for each output."""
        if not self._built:
            return np.zeros((), self.dtype)[()]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self.sum.value / self.count.value
            variance = self.squared_sum.value - self.sum.value * mean
            scores = 1 - self.total_mse.value / variance
        scores = np.where(np.isinf(scores), 0, scores).astype(self.dtype)
        return self._adjusted(self._aggregated(scores, variance))

    def _aggregated(self, scores, variance):
        if self.class_aggregation == "uniform_average":
            return scores.mean()
        if self.class_aggregation == "variance_weighted_average":
            return (scores * variance).sum() / variance.sum()
        return scores

    def _adjusted(self, score):
        n, p = self.num_samples.value, self.num_regressors
        if not p:
            return score
        if p >= n - 1:
            warnings.warn(
                f"R2Score has seen {n:g} targets, too few to adjust for num_regressors={p}. The "
                "unadjusted score is returned.",
                stacklevel=3,
            )
            return score
        return 1 - (1 - score) * ((n - 1) / (n - p - 1))

"""Metrics: what is said of a model, gathered over batches."""

from npkeras.core import registry
from npkeras.losses import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_hinge,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from npkeras.metrics.accuracy import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    accuracy_for,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from npkeras.metrics.auc import AUC
from npkeras.metrics.base import Metric
from npkeras.metrics.classification import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    Hinge,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from npkeras.metrics.confusion import (
    FalseNegatives,
    FalsePositives,
    Precision,
    PrecisionAtRecall,
    Recall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)
from npkeras.metrics.f_score import F1Score, FBetaScore
from npkeras.metrics.mean import Mean, MeanMetricWrapper, Sum
from npkeras.metrics.perplexity import Perplexity
from npkeras.metrics.regression import (
    ConcordanceCorrelation,
    CosineSimilarity,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    PearsonCorrelation,
    R2Score,
    RootMeanSquaredError,
    concordance_correlation,
    pearson_correlation,
)
from npkeras.metrics.segmentation import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU


def get(identifier):
    """The metric that a name, config, class, function or object stands for; None for None.

    Example:
        >>> npkeras.metrics.get("mse")
        <MeanSquaredError name=mean_squared_error>
    """
    return registry.resolve("metrics", identifier)


def for_name(identifier, y_true, y_pred):
    """The metric that `compile(metrics=[identifier])` stands for.

    `"accuracy"` and `"acc"` stand for the accuracy that fits the shapes of targets and
    predictions. A metric given by name keeps that name: `"mse"` is logged as `mse`.

    Args:
        identifier: A name, config, class, function or metric.
        y_true, y_pred: Targets and predictions, or anything else with their shapes.
    """
    if identifier in ("accuracy", "acc"):
        return accuracy_for(y_true.shape, y_pred.shape)(name=identifier)
    metric = get(identifier)
    if isinstance(identifier, str) and isinstance(metric, Metric):
        metric.name = identifier
    if metric is not None and not isinstance(metric, Metric):
        name = getattr(metric, "name", None) or getattr(metric, "__name__", None)
        metric = MeanMetricWrapper(metric, name=name)
    return metric


def serialize(metric):
    """A metric as JSON can hold it."""
    return registry.serialize(metric)


def deserialize(config, custom_objects=None):
    """The metric that `serialize` described, or that has this name."""
    return registry.deserialize(config, custom_objects, "metrics")


__all__ = [
    "AUC",
    "Accuracy",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "BinaryIoU",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "ConcordanceCorrelation",
    "CosineSimilarity",
    "F1Score",
    "FBetaScore",
    "FalseNegatives",
    "FalsePositives",
    "Hinge",
    "IoU",
    "KLDivergence",
    "LogCoshError",
    "Mean",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanIoU",
    "MeanMetricWrapper",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Metric",
    "OneHotIoU",
    "OneHotMeanIoU",
    "PearsonCorrelation",
    "Perplexity",
    "Poisson",
    "Precision",
    "PrecisionAtRecall",
    "R2Score",
    "Recall",
    "RecallAtPrecision",
    "RootMeanSquaredError",
    "SensitivityAtSpecificity",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy",
    "SpecificityAtSensitivity",
    "SquaredHinge",
    "Sum",
    "TopKCategoricalAccuracy",
    "TrueNegatives",
    "TruePositives",
    "accuracy_for",
    "binary_accuracy",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_accuracy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_hinge",
    "concordance_correlation",
    "deserialize",
    "for_name",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "pearson_correlation",
    "poisson",
    "serialize",
    "sparse_categorical_accuracy",
    "sparse_categorical_crossentropy",
    "sparse_top_k_categorical_accuracy",
    "squared_hinge",
    "top_k_categorical_accuracy",
]

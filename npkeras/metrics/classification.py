"""The losses of classification, averaged over batches."""

from npkeras import losses
from npkeras.core.registry import register
from npkeras.metrics.mean import MeanMetricWrapper


@register("metrics", "bce", "BCE")
class BinaryCrossentropy(MeanMetricWrapper):
    """The mean binary cross-entropy.

    Args:
        name, dtype: As for every `Metric`.
        from_logits: Whether predictions are logits, the numbers before a sigmoid.
        label_smoothing: How far targets are pulled towards 1/2.
    """

    _direction = "down"

    def __init__(
        self, name="binary_crossentropy", dtype=None, from_logits=False, label_smoothing=0
    ):
        super().__init__(
            losses.binary_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
        )


@register("metrics")
class CategoricalCrossentropy(MeanMetricWrapper):
    """The mean categorical cross-entropy, for one-hot targets.

    Args:
        name, dtype: As for every `Metric`.
        from_logits: Whether predictions are logits, the numbers before a softmax.
        label_smoothing: How much of each target is spread evenly over all classes.
        axis: The axis of the classes.
    """

    _direction = "down"

    def __init__(
        self,
        name="categorical_crossentropy",
        dtype=None,
        from_logits=False,
        label_smoothing=0,
        axis=-1,
    ):
        super().__init__(
            losses.categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


@register("metrics")
class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """The mean categorical cross-entropy, for class numbers.

    Args:
        name, dtype: As for every `Metric`.
        from_logits: Whether predictions are logits, the numbers before a softmax.
        ignore_class: A class number whose samples have loss 0. They still count, so the mean
            gets smaller; `Perplexity` leaves them out.
        axis: The axis of the classes.
    """

    _direction = "down"

    def __init__(
        self,
        name="sparse_categorical_crossentropy",
        dtype=None,
        from_logits=False,
        ignore_class=None,
        axis=-1,
    ):
        super().__init__(
            losses.sparse_categorical_crossentropy,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )


@register("metrics")
class KLDivergence(MeanMetricWrapper):
    """The mean of sum(y_true * log(y_true / y_pred)).

    Args:
        name, dtype: As for every `Metric`.
    """

    _direction = "down"

    def __init__(self, name="kl_divergence", dtype=None):
        super().__init__(losses.kl_divergence, name, dtype)


@register("metrics")
class Poisson(MeanMetricWrapper):
    """The mean of y_pred - y_true * log(y_pred).

    Args:
        name, dtype: As for every `Metric`.
    """

    _direction = "down"

    def __init__(self, name="poisson", dtype=None):
        super().__init__(losses.poisson, name, dtype)


@register("metrics")
class Hinge(MeanMetricWrapper):
    """The mean of max(1 - y_true * y_pred, 0).

    Args:
        name, dtype: As for every `Metric`.
    """

    _direction = "down"

    def __init__(self, name="hinge", dtype=None):
        super().__init__(losses.hinge, name, dtype)


@register("metrics")
class SquaredHinge(MeanMetricWrapper):
    """The mean of max(1 - y_true * y_pred, 0)**2.

    Args:
        name, dtype: As for every `Metric`.
    """

    _direction = "down"

    def __init__(self, name="squared_hinge", dtype=None):
        super().__init__(losses.squared_hinge, name, dtype)


@register("metrics")
class CategoricalHinge(MeanMetricWrapper):
    """The mean of how much the right class lacks to score 1 more than the best of the others.

    Args:
        name, dtype: As for every `Metric`.
    """

    _direction = "down"

    def __init__(self, name="categorical_hinge", dtype=None):
        super().__init__(losses.categorical_hinge, name, dtype)

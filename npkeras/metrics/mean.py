"""Mean and Sum of what each batch brings, and metrics made of any function."""

import math

import numpy as np

from npkeras.core import registry
from npkeras.core.attach import get_mask
from npkeras.core.registry import register
from npkeras.core.tape import Traced, no_grad
from npkeras.losses.base import weights_with_mask
from npkeras.metrics.base import Metric, add_to, aligned_weights, array_of


def _weighted(values, sample_weight, dtype, owner):
    """Values and their weights (or None), as arrays that broadcast."""
    if sample_weight is None:
        return array_of(values, dtype), None
    mask = get_mask(values)
    values, weights = array_of(values, dtype), array_of(sample_weight, dtype)
    if mask is not None:
        weights = weights_with_mask(weights, mask, dtype, False, owner)
    return values, aligned_weights(weights, values.shape, owner)


@register("metrics")
class Mean(Metric):
    """The weighted mean of all values given so far.

    Values with several axes are first averaged over all but the first, so each sample counts
    once however many entries it has. No values yet: 0.

    Args:
        name: Its name.
        dtype: The dtype of the state.

    Example:
        >>> metric = npkeras.metrics.Mean()
        >>> metric.update_state([1.0, 3.0, 5.0, 7.0], sample_weight=[1, 1, 0, 0])
        >>> float(metric.result())
        2.0
    """

    def __init__(self, name="mean", dtype=None):
        super().__init__(dtype=dtype, name=name)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values, sample_weight=None):
        """Add values.

        Args:
            values: A number, or an array whose first axis is that of the samples.
            sample_weight: Weights for samples, or for each value. None: all weigh 1.
        """
        if np.ndim(sample_weight) == 0 and sample_weight is not None and get_mask(values) is None:
            self._add_alike(array_of(values, self._dtype), sample_weight)
            return
        values, weights = _weighted(values, sample_weight, self._dtype, self.name)
        samples = values.shape[0] if values.ndim else 1
        entries = values.size // samples if samples else 1  # of one sample
        if weights is None:
            add_to(self.total, values.sum() / entries)
            add_to(self.count, samples)
        else:
            add_to(self.total, (values * weights).sum() / entries)
            add_to(self.count, np.broadcast_to(weights, values.shape).sum() / entries)

    def _add_alike(self, values, weight):
        """Add the mean of some values as one sample of that weight."""
        weight = float(weight)
        if math.isnan(weight):
            aligned_weights(weight, (), self.name)  # refuses it
        add_to(self.total, values.sum() / (values.size or 1) * weight)
        add_to(self.count, weight)

    def result(self):
        """The mean."""
        count = self.count.value
        return self.total.value / count if count else np.zeros_like(self.total.value)[()]


@register("metrics")
class Sum(Metric):
    """The weighted sum of all values given so far.

    Args:
        name: Its name.
        dtype: The dtype of the state.

    Example:
        >>> metric = npkeras.metrics.Sum()
        >>> metric.update_state([1.0, 3.0])
        >>> float(metric.result())
        4.0
    """

    def __init__(self, name="sum", dtype=None):
        super().__init__(dtype=dtype, name=name)
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, values, sample_weight=None):
        """Add values.

        Args:
            values: A number or an array.
            sample_weight: Weights for samples, or for each value. None: all weigh 1.
        """
        values, weights = _weighted(values, sample_weight, self._dtype, self.name)
        add_to(self.total, (values if weights is None else values * weights).sum())

    def result(self):
        """The sum."""
        return self.total.value[()]


@register("metrics")
class MeanMetricWrapper(Mean):
    """The weighted mean of a function of targets and predictions.

    Args:
        fn: A function of `(y_true, y_pred)` that returns one value per sample.
        name: Its name.
        dtype: The dtype of the state.
        kwargs: What the function is called with besides.

    Example:
        >>> metric = npkeras.metrics.MeanMetricWrapper(npkeras.losses.mean_squared_error)
        >>> metric.update_state([[0.0], [0.0]], [[1.0], [3.0]])
        >>> float(metric.result())
        5.0
    """

    def __init__(self, fn, name=None, dtype=None, **kwargs):
        super().__init__(name=name, dtype=dtype)
        self._fn = fn
        self._arguments = kwargs
        vars(self).update(kwargs)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch.

        Args:
            y_true, y_pred: What the function takes.
            sample_weight: Weights for samples, or for each value. None: all weigh 1. Values
                under a mask attached to `y_pred` weigh nothing.
        """
        mask = get_mask(y_pred)
        if isinstance(y_pred, Traced) or isinstance(y_true, Traced):
            with no_grad():
                values = self._fn(y_true, y_pred, **self._arguments)
        else:
            values = self._fn(y_true, y_pred, **self._arguments)
        if mask is not None:
            if sample_weight is not None:
                sample_weight = array_of(sample_weight, self._dtype)
            sample_weight = weights_with_mask(sample_weight, mask, self._dtype, False, self.name)
        super().update_state(values, sample_weight=sample_weight)

    def get_config(self):
        config = super().get_config()
        if type(self) is MeanMetricWrapper:
            config["fn"] = registry.serialize(self._fn)
        return {**config, **registry.serialize(self._arguments)}

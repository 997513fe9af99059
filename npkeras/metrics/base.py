"""Metric: what is said of a model after many batches, from a state that each batch adds to."""

import numpy as np

from npkeras.core import names, registry
from npkeras.core.dtypes import as_array, numpy_dtype
from npkeras.core.registry import Configurable, register
from npkeras.core.shapes import spreads_to
from npkeras.core.tape import plain
from npkeras.core.variable import Variable
from npkeras.losses.base import float_dtype_of, same_rank


@register("metrics")
class Metric(Configurable):
    """A number, or several, gathered over batches.

    A metric of your own makes its state with `add_weight`, adds each batch to it in
    `update_state`, and computes from it in `result`.

    Args:
        dtype: The dtype of the state. None: `floatx()`.
        name: Its name. None: from the name of the class.

    Example:
        >>> class Largest(npkeras.metrics.Metric):
        ...     def __init__(self, name="largest", **kwargs):
        ...         super().__init__(name=name, **kwargs)
        ...         self.largest = self.add_weight(name="largest", initializer="zeros")
        ...
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.largest.assign(np.maximum(self.largest.value, np.max(y_pred)))
        ...
        ...     def result(self):
        ...         return self.largest.value
        >>> metric = Largest()
        >>> metric.update_state([0.0, 1.0], [0.5, 3.0])
        >>> float(metric.result())
        3.0
    """

    _direction = None  # "up" or "down": which way is better, for callbacks that ask

    def __init__(self, dtype=None, name=None):
        self.name = name or names.auto_name(type(self).__name__)
        self._dtype = float_dtype_of(dtype)
        self._state = []

    @property
    def dtype(self):
        """The name of the dtype of the state."""
        return self._dtype

    @property
    def variables(self):
        """The state: what `reset_state` sets to zero."""
        self._check_begun()
        found = {id(variable): variable for variable in self._state}
        for value in vars(self).values():
            if isinstance(value, Variable):
                found.setdefault(id(value), value)
            elif isinstance(value, Metric):
                found.update((id(variable), variable) for variable in value.variables)
        return list(found.values())

    def add_variable(self, shape, initializer, dtype=None, aggregation="sum", name=None):
        """Make a variable that belongs to the state.

        Args:
            shape: Its shape.
            initializer: What it holds before the first batch.
            dtype: Its dtype. None: the metric's.
            aggregation: Taken for Keras' sake; it concerns several devices.
            name: Its name.
        """
        self._check_begun()
        if isinstance(initializer, str):
            initializer = registry.resolve("initializers", initializer)
        with names.name_scope(self.name):
            variable = Variable(
                initializer, shape, dtype or self.dtype, False, aggregation=aggregation, name=name
            )
        self._state.append(variable)
        return variable

    def add_weight(self, shape=(), initializer=None, dtype=None, name=None):
        """`add_variable` for a single number, unless a shape is given; zeros if nothing is said."""
        return self.add_variable(shape, initializer or "zeros", dtype=dtype, name=name)

    def update_state(self, *args, **kwargs):
        """Add a batch to the state."""
        raise NotImplementedError(f"{type(self).__name__} does not define `update_state`.")

    def result(self):
        """The value so far: a number, an array, or a dict of numbers."""
        raise NotImplementedError(f"{type(self).__name__} does not define `result`.")

    def reset_state(self):
        """Forget all batches."""
        for variable in self.variables:
            variable.value = np.zeros_like(variable.value)

    def __call__(self, *args, **kwargs):
        """Add a batch to the state, and return the value so far."""
        self._check_begun()
        self.update_state(*args, **kwargs)
        return self.result()

    def stateless_update_state(self, metric_variables, *args, **kwargs):
        """The state after a batch, given the state before it; the metric itself is unchanged."""
        with _borrowed(self, metric_variables) as variables:
            self.update_state(*args, **kwargs)
            return [variable.value for variable in variables]

    def stateless_result(self, metric_variables):
        """The value that a state stands for; the metric itself is unchanged."""
        with _borrowed(self, metric_variables):
            return self.result()

    def stateless_reset_state(self):
        """The state before the first batch; the metric itself is unchanged."""
        return [np.zeros_like(variable.value) for variable in self.variables]

    def get_config(self):
        config = super().get_config()
        return {"name": self.name, "dtype": self.dtype, **config}

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"

    def _check_begun(self):
        if not hasattr(self, "_state"):
            name = type(self).__name__
            raise RuntimeError(
                f"The metric {name} has no state yet: its `__init__` did not call "
                "`super().__init__()`."
            )


class _borrowed:
    """Inside this `with` block a metric's variables hold another state."""

    def __init__(self, metric, values):
        self.variables = metric.variables
        if len(values) != len(self.variables):
            raise ValueError(
                f"The metric {metric.name!r} has {len(self.variables)} variables. Received: "
                f"metric_variables of length {len(values)}"
            )
        self.values = values

    def __enter__(self):
        self.own = [variable.value for variable in self.variables]
        for variable, value in zip(self.variables, self.values, strict=True):
            variable.assign(value)
        return self.variables

    def __exit__(self, *error):
        for variable, value in zip(self.variables, self.own, strict=True):
            variable.value = value


def array_of(x, dtype=None):
    """The bare array of anything, in a dtype if one is given."""
    x = plain(x)
    if type(x) is not np.ndarray:
        x = as_array(x)
    return x if dtype is None or x.dtype == dtype else x.astype(numpy_dtype(dtype))


def add_to(variable, amount):
    """Add to a variable of the state, in its own dtype."""
    value = variable.value
    variable.value = np.asarray(value + amount, value.dtype)


def quotient(a, b):
    """a / b, and 0 where b is 0."""
    return np.divide(
        a, b, out=np.zeros(np.broadcast_shapes(np.shape(a), np.shape(b))), where=b != 0
    )


def same_shape(y_true, y_pred, owner):
    """Targets and predictions as bare arrays of one shape; (n,) beside (n, 1) will do."""
    y_true, y_pred = array_of(y_true), array_of(y_pred)
    if y_true.shape != y_pred.shape:
        y_true, y_pred = same_rank(y_true, y_pred)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"The metric `{owner}` expects targets of the same shape as the predictions: "
            f"{y_pred.shape}. Received targets of shape {y_true.shape}."
        )
    return y_true, y_pred


def aligned_weights(sample_weight, shape, owner):
    """Weights whose axes line up with the first axes of values of a shape, and broadcast.

    (batch,) becomes (batch, 1) beside values (batch, time): each sample weighs as a whole.
    """
    weights = array_of(sample_weight)
    if np.isnan(weights).any():
        raise ValueError(
            f"The sample weights of the metric `{owner}` must be numbers. Received: "
            f"sample_weight with NaN at position {np.argwhere(np.isnan(weights))[0].tolist()}"
        )
    if weights.ndim == len(shape) + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    missing = len(shape) - weights.ndim
    if missing < 0 or not spreads_to(weights.shape, shape[: weights.ndim]):
        raise ValueError(
            f"The metric `{owner}` weighs values of shape {tuple(shape)}. Received: "
            f"sample_weight of shape {weights.shape}, which does not fit its first axes."
        )
    return weights.reshape(weights.shape + (1,) * missing)

"""Loss: how one value per sample becomes one number, with sample weights and masks."""

import numpy as np

from npkeras import ops
from npkeras.core import check, config, names, registry, tree
from npkeras.core.attach import get_mask
from npkeras.core.dtypes import as_array, get_dtype_policy, is_float, numpy_dtype
from npkeras.core.registry import Configurable, register
from npkeras.core.shapes import broadcast_shapes, shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import Traced, plain

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


@register("losses")
class Loss(Configurable):
    """What training makes small: a number computed from targets and predictions.

    A loss of your own overrides `call(y_true, y_pred)`, which returns one value per sample (or
    per time step, per pixel); what is done with these values is said once, here:

        value = reduction(sample_weight * mask * call(y_true, y_pred))

    A mask attached to the predictions leaves out samples. The means then divide by the number
    of samples that count, not by that of all samples.

    Args:
        name: Its name. None: from the name of the class.
        reduction: What becomes of the values. `"sum_over_batch_size"` and `"mean"`: their mean;
            `"sum"`: their sum; `"mean_with_sample_weight"`: their sum over the sum of the
            weights; `"none"` or None: they are returned as they are.
        dtype: The dtype in which the loss is computed. None: `floatx()`.

    Example:
        >>> class Absolute(npkeras.losses.Loss):
        ...     def call(self, y_true, y_pred):
        ...         return npkeras.ops.mean(npkeras.ops.abs(y_true - y_pred), axis=-1)
        >>> float(Absolute()(np.zeros((2, 1)), np.ones((2, 1))))
        1.0
    """

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        self.name = name or names.auto_name(type(self).__name__)
        self.reduction = check.one_of(REDUCTIONS, reduction, "reduction", type(self).__name__)
        self._given_dtype = dtype
        self._dtype = float_dtype_of(dtype)

    @property
    def dtype(self):
        """The name of the dtype in which the loss is computed."""
        return self._dtype

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The reduced loss.

        Args:
            y_true: The targets.
            y_pred: The predictions, in the same shape, unless the loss says otherwise.
            sample_weight: How much each value counts: a number, or an array that broadcasts
                against the values `call` returns.
        """
        if y_true is None or y_pred is None:
            raise ValueError(
                f"The loss {self.name!r} needs targets and predictions. Received: "
                f"y_true={check.shown(plain(y_true))}, y_pred={check.shown(plain(y_pred))}"
            )
        mask = get_mask(y_pred)
        values = self.call(in_dtype(y_true, self._dtype), in_dtype(y_pred, self._dtype))
        own_mask = get_mask(values)
        if own_mask is not None:
            mask = own_mask if mask is None else np.logical_and(plain(mask), own_mask)
        values = in_dtype(values, self._dtype)
        return reduce_values(values, sample_weight, mask, self.reduction, self.name)

    def call(self, y_true, y_pred):
        """One value per sample; every loss says here what it is."""
        raise NotImplementedError(f"{type(self).__name__} does not define `call(y_true, y_pred)`.")

    def get_config(self):
        config = {"name": self.name, "reduction": self.reduction, **super().get_config()}
        config.pop("dtype", None)
        if self._given_dtype is not None:
            config["dtype"] = self._dtype
        return config

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name!r}, reduction={self.reduction!r}>"


@register("losses")
class LossFunctionWrapper(Loss):
    """A loss made of a function of `(y_true, y_pred)` that returns one value per sample.

    Args:
        fn: The function.
        reduction, name, dtype: As for every `Loss`; the name is the function's if None.
        kwargs: What the function is called with besides.
    """

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **kwargs):
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self._arguments = kwargs
        vars(self).update(kwargs)  # `huber.delta` reads, and saves, what was given

    def call(self, y_true, y_pred):
        if not isinstance(y_true, (dict, list, tuple)):
            y_true, y_pred = same_rank(y_true, y_pred)
        return self.fn(y_true, y_pred, **self._arguments)

    def get_config(self):
        return {**super().get_config(), **registry.serialize(self._arguments)}


def reduce_values(values, sample_weight, mask, reduction, owner):
    """The values weighted, masked and reduced (see `Loss`)."""
    weights = None
    if sample_weight is not None:
        weights = _checked_weights(sample_weight, values, owner)
    if mask is not None:
        rescale = reduction in ("sum_over_batch_size", "mean")
        weights = weights_with_mask(weights, mask, values.dtype, rescale, owner)
    if weights is not None:
        values, weights = same_rank(values, weights)
        _check_broadcast(shape_of(weights), shape_of(values), owner)
        values = ops.multiply(values, weights)
    if reduction in ("none", None) or not values.ndim or 0 in values.shape:
        return values
    if reduction == "sum":
        return ops.sum(values)
    if reduction == "mean_with_sample_weight" and weights is not None:
        total = ops.sum(weights)
        return ops.divide(ops.sum(values), total) if plain(total) != 0 else ops.sum(values) * 0
    return ops.mean(values)


def weights_with_mask(weights, mask, dtype, rescale, owner):
    """Sample weights that are zero where the mask is False.

    With `rescale` what is left counts for more, so that a mean over all values is the mean over
    those that count: mask * (number of all / number of those that count).
    """
    mask = np.asarray(plain(mask)).astype(numpy_dtype(str(dtype)))
    if rescale:
        counting = np.count_nonzero(mask)
        mask = mask * mask.dtype.type(mask.size / counting if counting else 0)
    if weights is None:
        return mask
    mask, weights = same_rank(mask, weights)
    _check_broadcast(shape_of(weights), mask.shape, owner)
    return ops.multiply(weights, mask)


def _checked_weights(sample_weight, values, owner):
    weights = in_dtype(sample_weight, values.dtype)
    if np.isnan(plain(weights)).any():
        raise ValueError(
            f"The sample weights for {owner!r} must be numbers. Received: sample_weight with NaN "
            f"at position {np.argwhere(np.isnan(plain(weights)))[0].tolist()}"
        )
    return weights


def _check_broadcast(weights, values, owner):
    if weights == values:
        return
    try:
        broadcast_shapes(weights, values)
    except ValueError as error:
        raise ValueError(
            f"{owner!r} weighs values of shape {values}. Received: sample_weight of shape "
            f"{weights}, which does not broadcast against it. Give one weight per sample, in shape "
            f"{values[:1] + (1,) * (len(values) - 1)}, or one per value."
        ) from error


def same_rank(x1, x2):
    """Two values whose ranks differ by a last axis of length 1, brought to one rank.

    (n,) beside (n, 1) becomes (n, 1); of higher ranks the last axis of length 1 is dropped.
    Anything else stays as it is.
    """
    shape1, shape2 = x1.shape, x2.shape
    if len(shape1) == len(shape2):
        return x1, x2
    if len(shape1) == len(shape2) + 1 and shape1[-1] == 1:
        return _aligned(x1, x2)
    if len(shape2) == len(shape1) + 1 and shape2[-1] == 1:
        return _aligned(x2, x1)[::-1]
    return x1, x2


def _aligned(longer, shorter):
    if shorter.ndim == 1:
        return longer, ops.expand_dims(shorter, -1)
    return (ops.squeeze(longer, -1) if shorter.ndim else longer), shorter


def matched(y_true, y_pred, owner):
    """Targets and predictions as floats of one dtype and one shape.

    Raises:
        ValueError: If their shapes differ. NumPy would spread (n, 1) over (n, 3), and the
            loss would be a number that means nothing. Only a single number is spread.
    """
    y_pred = as_floats(y_pred)
    y_true = in_dtype(y_true, y_pred.dtype)
    if y_true.shape == y_pred.shape:
        return y_true, y_pred
    y_true, y_pred = same_rank(y_true, y_pred)
    if not fits(y_true.shape, y_pred.shape) and y_true.ndim and y_pred.ndim:
        raise ValueError(
            f"The loss `{owner}` expects targets of the same shape as the predictions: "
            f"{tuple(y_pred.shape)}. Received targets of shape {tuple(y_true.shape)}."
        )
    return y_true, y_pred


def fits(shape1, shape2):
    """Whether two shapes are the same as far as they are known."""
    return len(shape1) == len(shape2) and all(
        m == n or m is None or n is None for m, n in zip(shape1, shape2, strict=True)
    )


def as_floats(x):
    """Predictions as floats: integers become `floatx()`."""
    if not hasattr(x, "shape"):
        x = as_array(x)
    if type(x) is np.ndarray and x.dtype.kind == "f":
        return x
    return x if is_float(x.dtype) else in_dtype(x, config.floatx())


def float_dtype_of(dtype):
    """The name of the dtype to compute in, given as a name, a dtype, a policy or None."""
    return config.floatx() if dtype is None else get_dtype_policy(dtype).compute_dtype


def in_dtype(x, dtype):
    """A value, or each value of a nest, in one dtype. The same object if it has it already."""
    if isinstance(x, (np.ndarray, Traced, KerasTensor)):
        if x.dtype == dtype:
            return x
        whole = type(x) is np.ndarray and x.dtype.kind in "iub"  # nothing to differentiate
        return x.astype(dtype) if whole else ops.cast(x, dtype)
    if isinstance(x, dict) or (isinstance(x, (list, tuple)) and _holds_arrays(x)):
        return tree.map(lambda leaf: in_dtype(leaf, dtype), x)
    return as_array(x).astype(numpy_dtype(dtype))


def _holds_arrays(x):
    kinds = (np.ndarray, Traced, KerasTensor, dict)
    return any(isinstance(leaf, kinds) for leaf in tree.leaves(x))

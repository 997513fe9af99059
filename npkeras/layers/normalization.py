"""Normalization: inputs shifted and scaled to mean 0 and variance 1, or to norm 1."""

import warnings

import numpy as np

from npkeras import constraints, initializers, ops, regularizers
from npkeras.core import check
from npkeras.core.dtypes import is_float
from npkeras.core.registry import register
from npkeras.core.shapes import shape_of, spreads_to
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.layers.base import Layer
from npkeras.layers.input_spec import InputSpec
from npkeras.ops.normalization import (
    batch_moments,
    batch_standardized,
    group_normalization,
    standardized,
)


class _Normalizing(Layer):
    """What normalizations with a scale `gamma` and an offset `beta` share."""

    supports_masking = True

    def _keep_arguments(self, epsilon, center, scale, **of_weights):
        self.epsilon = check.number(epsilon, "epsilon", type(self).__name__)
        self.center, self.scale = center, scale
        for name, value in of_weights.items():
            kind = name.rpartition("_")[2]
            getters = {
                "initializer": initializers.get,
                "regularizer": regularizers.get,
                "constraint": constraints.get,
            }
            setattr(self, name, getters[kind](value))
        self.gamma = self.beta = None

    def _add_gamma_and_beta(self, shape):
        for name, wanted in (("gamma", self.scale), ("beta", self.center)):
            if wanted:
                weight = self.add_weight(
                    shape=shape,
                    initializer=getattr(self, f"{name}_initializer"),
                    regularizer=getattr(self, f"{name}_regularizer"),
                    constraint=getattr(self, f"{name}_constraint"),
                    autocast=False,
                    name=name,
                )
                setattr(self, name, weight)

    def _in_compute_dtype(self, y):
        if y.dtype is self._compute or str(y.dtype) == self.compute_dtype:
            return y
        return ops.cast(y, self.compute_dtype)


def _known_lengths(input_shape, axes, layer):
    """The lengths of some axes, which the weights depend on."""
    lengths = tuple(input_shape[axis] for axis in _within(input_shape, axes, layer))
    if None in lengths:
        raise ValueError(
            f"Layer {layer.name!r} ({type(layer).__name__}) needs to know the length of its inputs "
            f"along axis {layer.axis}. Received an input shape of {tuple(input_shape)}."
        )
    return lengths


def _within(input_shape, axes, layer):
    """The axes, if the inputs have them."""
    ndim = len(input_shape)
    if not all(-ndim <= axis < ndim for axis in axes):
        raise ValueError(
            f"Layer {layer.name!r} ({type(layer).__name__}) normalizes along axis {layer.axis}, "
            f"which its inputs lack. Received an input of shape {tuple(input_shape)}."
        )
    return axes


def _wide(weight):
    """A weight in at least single precision."""
    return (
        ops.cast(weight, "float32") if weight is not None and weight.dtype == "float16" else weight
    )


def _axis_or_axes(axis, owner):
    """An integer, or a list of them."""
    if check.is_int(axis):
        return int(axis)
    is_list = isinstance(axis, (list, tuple))
    if not is_list or not axis or not all(map(check.is_int, axis)):
        raise (ValueError if is_list else TypeError)(
            f"`axis` of {owner} must be an integer or a list of integers. "
            f"Received: axis={check.shown(axis)}"
        )
    return [int(a) for a in axis]


@register("layers")
class BatchNormalization(_Normalizing):
    """Every channel to mean 0 and variance 1, then times `gamma`, plus `beta`.

    In training with the mean and the variance of the batch, of which moving averages are kept:
    average <- momentum * average + (1 - momentum) * batch's. Outside training, and where the layer
    is not `trainable`, with the moving averages. An empty batch leaves these as they are.

    With `renorm` the outputs of training are close to those outside training, as they are
    corrected by what slower averages say: normalized * r + d, without a gradient through r and d.
    Source: Ioffe & Szegedy, 2015, arxiv.org/abs/1502.03167; Ioffe, 2017, arxiv.org/abs/1702.03275.

    Args:
        axis: The axis of the channels; a list of one is taken too.
        momentum: How much of the moving averages stays in every step.
        epsilon: What is added to the variance.
        center, scale: Whether there is a `beta`, a `gamma`.
        beta_initializer, gamma_initializer: What they are before training.
        moving_mean_initializer, moving_variance_initializer: Where the averages begin.
        beta_regularizer, gamma_regularizer: Penalties on them, added to the loss.
        beta_constraint, gamma_constraint: Applied to them after every update.
        renorm: Whether to correct the outputs of training.
        renorm_clipping: A dict of bounds: `rmin` and `rmax` of r, `dmax` of |d|.
        renorm_momentum: How much of the averages behind the correction stays.
        synchronized: Only False is taken: there is one device.

    Call arguments:
        mask: True where an entry counts for the batch's mean and variance; it has all axes of the
            inputs but the last.

    Example:
        >>> layer = BatchNormalization(epsilon=0)
        >>> layer(np.array([[1.0, 4.0], [3.0, 8.0]]), training=True)
        array([[-1., -1.],
               [ 1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        renorm=False,
        renorm_clipping=None,
        renorm_momentum=0.99,
        synchronized=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.axis = _one_axis(axis)
        self.momentum = float(check.number(momentum, "momentum", "BatchNormalization"))
        self._keep_arguments(
            epsilon,
            center,
            scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            moving_mean_initializer=moving_mean_initializer,
            moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )
        self.epsilon = float(epsilon)
        self.synchronized = _never(synchronized)
        self.renorm = renorm
        self.renorm_clipping = (
            _checked_clipping(renorm_clipping or {}) if renorm else renorm_clipping
        )
        self.renorm_momentum = check.number(
            renorm_momentum, "renorm_momentum", "BatchNormalization"
        )
        self.moving_mean = self.moving_variance = None

    def build(self, input_shape):
        shape = _known_lengths(input_shape, (self.axis,), self)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: shape[0]})
        self._add_gamma_and_beta(shape)
        averages = ["moving_mean", "moving_variance"]
        averages += ["moving_stddev", "renorm_mean", "renorm_stddev"] if self.renorm else []
        for name in averages:
            average = self.add_weight(
                shape=shape,
                initializer=self._first_average(name),
                trainable=False,
                autocast=False,
                name=name,
            )
            setattr(self, name, average)

    def _first_average(self, name):
        """The initializer of a moving average: standard deviations begin as roots of variances."""
        if name.endswith("mean"):
            return self.moving_mean_initializer
        initializer = self.moving_variance_initializer
        if name == "moving_variance":
            return initializer
        return lambda shape, dtype=None: np.sqrt(plain(initializer(shape, dtype=dtype)))

    def call(self, inputs, training=None, mask=None):
        ndim = len(inputs.shape)
        if mask is not None:
            self._check_mask(shape_of(mask), inputs.shape)
        if isinstance(inputs, KerasTensor):
            return KerasTensor(inputs.shape, self.compute_dtype)
        if not is_float(inputs.dtype):
            inputs = ops.cast(inputs, "float32")
        if training and self.trainable:
            y = self._by_batch(inputs, self.axis % ndim, plain(mask))
        else:
            weights = self.moving_mean, self.moving_variance, self.gamma, self.beta
            if self.variable_dtype == "float16":
                weights = map(_wide, weights)
            y = standardized(inputs, *weights, axis=self.axis % ndim, epsilon=self.epsilon)
        return self._in_compute_dtype(y)

    def _check_mask(self, mask_shape, shape):
        if len(mask_shape) != len(shape) - 1 or not spreads_to(mask_shape, shape[:-1]):
            raise ValueError(
                f"Layer {self.name!r} (BatchNormalization) expects a mask that has all axes of the "
                f"inputs but the last. Received inputs of shape {tuple(shape)} and a mask "
                f"of shape {tuple(mask_shape)}."
            )

    def _by_batch(self, inputs, axis, mask):
        mean, variance = batch_moments(plain(inputs), axis, mask)
        scale, offset = _wide(self.gamma), _wide(self.beta)
        if self.renorm:
            scale, offset = self._corrected(scale, offset, mean, variance)
        if inputs.size:
            self._update_averages(mean, variance)
        return batch_standardized(
            inputs,
            scale,
            offset,
            mean=mean,
            variance=variance,
            axis=axis,
            epsilon=self.epsilon,
            mask=mask,
        )

    def _corrected(self, scale, offset, mean, variance):
        """The scale and the offset with what the slower averages say."""
        bounds, dtype = self.renorm_clipping, mean.dtype.type
        slow_mean = self.renorm_mean.value.astype(dtype)
        slow_stddev = self.renorm_stddev.value.astype(dtype)
        slow_stddev = np.maximum(slow_stddev, np.sqrt(dtype(self.epsilon)))
        r = np.sqrt(variance + dtype(self.epsilon)) / slow_stddev
        d = (mean - slow_mean) / slow_stddev
        if bounds.get("rmin") is not None:
            r = np.maximum(r, dtype(bounds["rmin"]))
        if bounds.get("rmax") is not None:
            r = np.minimum(r, dtype(bounds["rmax"]))
        if bounds.get("dmax") is not None:
            d = np.clip(d, -dtype(bounds["dmax"]), dtype(bounds["dmax"]))
        if scale is not None:
            r, d = ops.multiply(r, scale), ops.multiply(d, scale)
        return r, d if offset is None else ops.add(d, offset)

    def _update_averages(self, mean, variance):
        def update(average, value, momentum):
            old = average.value.astype(value.dtype, copy=False)
            average.assign(old * momentum + value * (1 - momentum))
            return old * momentum + value * (1 - momentum)

        update(self.moving_mean, mean, self.momentum)
        if not self.renorm:
            update(self.moving_variance, variance, self.momentum)
            return
        epsilon = variance.dtype.type(self.epsilon)
        stddev = np.sqrt(variance + epsilon)
        update(self.renorm_mean, mean, self.renorm_momentum)
        update(self.renorm_stddev, stddev, self.renorm_momentum)
        moved = update(self.moving_stddev, stddev, self.momentum)
        self.moving_variance.assign(np.maximum(moved * moved - epsilon, 0))


def _never(synchronized):
    if synchronized:
        raise ValueError(
            "BatchNormalization works on a single device. Received: synchronized=True. Leave it "
            "out."
        )
    return False


def _one_axis(axis):
    """An integer; Keras 2 wrote a list of one into its files."""
    bare = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis
    if not check.is_int(bare):
        raise ValueError(
            "`axis` of BatchNormalization must be an integer, or a list of one. "
            f"Received: axis={check.shown(axis)}"
        )
    return int(bare)


def _checked_clipping(bounds):
    known = ("rmax", "rmin", "dmax")
    given = {name: bounds.get(name) for name in known if bounds.get(name) is not None}
    low, high = given.get("rmin"), given.get("rmax")
    if (
        set(bounds) - set(known)
        or (low is not None and high is not None and high < low)
        or given.get("dmax", 0) < 0
    ):
        raise ValueError(
            "`renorm_clipping` of BatchNormalization must be a dict of some of `rmin`, `rmax` (not "
            f"below `rmin`) and `dmax` (not negative). Received: renorm_clipping={bounds}"
        )
    return bounds


@register("layers")
class LayerNormalization(_Normalizing):
    """Every sample to mean 0 and variance 1 along axes, then times `gamma`, plus `beta`.

    Source: Ba et al., 2016, arxiv.org/abs/1607.06450.

    Args:
        axis: The axis, or a list of axes, that mean and variance are taken along, and along which
            the weights lie.
        epsilon: What is added to the variance.
        center, scale: Whether there is a `beta`, a `gamma`.
        beta_initializer, gamma_initializer: What they are before training.
        beta_regularizer, gamma_regularizer: Penalties on them, added to the loss.
        beta_constraint, gamma_constraint: Applied to them after every update.

    Example:
        >>> LayerNormalization(epsilon=0)(np.array([[1.0, 3.0], [4.0, 8.0]]))
        array([[-1.,  1.],
               [-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        self.rms_scaling = kwargs.pop("rms_scaling", False)
        if self.rms_scaling:
            warnings.warn(
                "`rms_scaling` of LayerNormalization divides by the standard deviation, not by the "
                "root mean square. Use RMSNormalization.",
                stacklevel=2,
            )
        super().__init__(**kwargs)
        self.axis = _axis_or_axes(axis, "LayerNormalization")
        self._keep_arguments(
            epsilon,
            center,
            scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )

    def build(self, input_shape):
        self.axis = _sorted_axes(self.axis)
        shape = _known_lengths(input_shape, self.axis, self)
        if self.rms_scaling:  # always with a scale, never with an offset
            self.scale, self.center, given = True, False, (self.scale, self.center)
            self._add_gamma_and_beta(shape)
            self.scale, self.center = given
        else:
            self._add_gamma_and_beta(shape)

    def call(self, inputs):
        if isinstance(inputs, KerasTensor):
            return KerasTensor(inputs.shape, self.compute_dtype)
        if not self.rms_scaling:
            y = ops.layer_normalization(inputs, self.gamma, self.beta, self.axis, self.epsilon)
            return self._in_compute_dtype(y)
        _, variance = ops.moments(inputs, self.axis, keepdims=True)
        y = ops.multiply(inputs, ops.rsqrt(ops.add(variance, self.epsilon)))
        axes = {axis % inputs.ndim for axis in self.axis}
        along = [n if i in axes else 1 for i, n in enumerate(inputs.shape)]
        return self._in_compute_dtype(ops.multiply(y, ops.reshape(self.gamma, along)))

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        return {**super().get_config(), "rms_scaling": self.rms_scaling}


def _sorted_axes(axis):
    return sorted(axis) if isinstance(axis, list) else [axis]


@register("layers")
class GroupNormalization(_Normalizing):
    """Every group of channels of a sample to mean 0 and variance 1, then scaled and shifted.

    Source: Wu & He, 2018, arxiv.org/abs/1803.08494.

    Args:
        groups: How many groups the channels are cut into; -1 for as many as there are channels.
        axis: The axis of the channels, which is not that of the samples.
        epsilon: What is added to the variance.
        center, scale: Whether there is a `beta`, a `gamma`, with an entry for each channel.
        beta_initializer, gamma_initializer: What they are before training.
        beta_regularizer, gamma_regularizer: Penalties on them, added to the loss.
        beta_constraint, gamma_constraint: Applied to them after every update.

    Example:
        >>> GroupNormalization(2, epsilon=0)(np.array([[1.0, 3.0, 4.0, 8.0]]))
        array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        groups=32,
        axis=-1,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not check.is_int(groups) or (groups < 1 and groups != -1):
            raise ValueError(
                "`groups` of GroupNormalization must be a positive integer, or -1 for one group a "
                f"channel. Received: groups={check.shown(groups)}"
            )
        self.groups = int(groups)
        if not check.is_int(axis) or axis == 0:
            raise ValueError(
                "`axis` of GroupNormalization must be an integer other than 0. "
                f"Received: axis={check.shown(axis)}"
            )
        self.axis = int(axis)
        self._keep_arguments(
            epsilon,
            center,
            scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
        )

    def build(self, input_shape):
        (channels,) = _known_lengths(input_shape, (self.axis,), self)
        if self.groups == -1:
            self.groups = channels
        if channels % self.groups or self.groups > channels:
            raise ValueError(
                f"Layer {self.name!r} (GroupNormalization) cuts channels into groups of one size. "
                f"Received: groups={self.groups}, and inputs with {channels} channels."
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})
        self._add_gamma_and_beta((channels,))

    def call(self, inputs):
        if isinstance(inputs, KerasTensor):
            return KerasTensor(inputs.shape, self.compute_dtype)
        weights = _wide(self.gamma), _wide(self.beta)
        y = group_normalization(inputs, self.groups, *weights, self.axis, self.epsilon)
        return self._in_compute_dtype(y)


@register("layers")
class UnitNormalization(Layer):
    """Inputs divided by their norm: the root of the sum of squares along axes becomes 1.

    Args:
        axis: The axis, or a list of axes.

    Example:
        >>> UnitNormalization()(np.array([[3.0, 4.0]]))
        array([[0.6, 0.8]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = _axis_or_axes(axis, "UnitNormalization")
        self.built = True

    def call(self, inputs):
        _within(inputs.shape, _sorted_axes(self.axis), self)
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)


@register("layers")
class RMSNormalization(Layer):
    """Inputs divided by the root of their mean square along axes, then times `scale`.

    Source: Zhang & Sennrich, 2019, arxiv.org/abs/1910.07467.

    Args:
        axis: The axis, or a list of axes, that the mean is taken along, and along which the
            weights lie.
        epsilon: What is added to the mean square.

    Example:
        >>> RMSNormalization()(np.array([[1.0, 7.0]]))
        array([[0.2, 1.4]], dtype=float32)
    """

    def __init__(self, axis=-1, epsilon=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.axis = _axis_or_axes(axis, "RMSNormalization")
        self.epsilon = check.number(epsilon, "epsilon", "RMSNormalization")

    def build(self, input_shape):
        self.axis = _sorted_axes(self.axis)
        shape = _known_lengths(input_shape, self.axis, self)
        self.scale = self.add_weight(shape=shape, initializer="ones", name="scale")

    def call(self, x):
        return ops.rms_normalization(x, scale=self.scale, axis=self.axis, epsilon=self.epsilon)

"""Activations as layers."""

import warnings

from npkeras import activations, constraints, initializers, ops, regularizers
from npkeras.core import check
from npkeras.core.deferred import settled
from npkeras.core.dtypes import is_float
from npkeras.core.registry import register
from npkeras.core.shapes import shape_of, spreads_to
from npkeras.layers.base import Layer
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.signatures import is_users


class _Elementwise(Layer):
    """A layer whose output has the shape of its input, entry by entry."""

    supports_masking = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.built = True


@register("layers")
class Activation(_Elementwise):
    """Applies an activation: a function, or a name such as `"relu"`.

    Args:
        activation: The function, or its name.

    Example:
        >>> Activation("relu")(np.array([-1.0, 2.0]))
        array([0., 2.], dtype=float32)
    """

    def __init__(self, activation, **kwargs):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs):
        return activated(self.activation, inputs)


def activated(activation, x):
    """What an activation makes of a value; None, which may be set later, leaves it as it is.

    A user's own function sees a bare array where no tape runs.
    """
    if activation is None:
        return x
    return activation(settled(x) if is_users(activation) else x)


@register("layers")
class ReLU(_Elementwise):
    """`min(max(x, 0), max_value)`, with a slope below a threshold if asked for.

    f(x) = max_value for x >= max_value, x for threshold < x < max_value, and
    negative_slope (x - threshold) from the threshold down.

    Args:
        max_value: The largest output. None: no bound.
        negative_slope: The slope below the threshold.
        threshold: Where the straight line begins.

    Example:
        >>> ReLU(max_value=6, negative_slope=0.5)(np.array([-1.0, 2.0, 8.0]))
        array([-0.5,  2. ,  6. ], dtype=float32)
    """

    def __init__(self, max_value=None, negative_slope=0.0, threshold=0.0, **kwargs):
        super().__init__(**kwargs)
        if max_value is not None:
            check.number(max_value, "max_value", "ReLU", low=0)
        self.max_value = max_value
        self.negative_slope = check.number(negative_slope, "negative_slope", "ReLU", low=0)
        self.threshold = check.number(threshold, "threshold", "ReLU", low=0)

    def call(self, inputs):
        return activations.relu(
            inputs,
            negative_slope=self.negative_slope,
            max_value=self.max_value,
            threshold=self.threshold,
        )


@register("layers")
class LeakyReLU(_Elementwise):
    """x where x is above 0, and negative_slope * x elsewhere.

    Source: Maas et al., 2013, "Rectifier nonlinearities improve neural network acoustic models".

    Args:
        negative_slope: The slope below 0. `alpha`, its name in Keras 2, is taken too.

    Example:
        >>> LeakyReLU(negative_slope=0.5)(np.array([-1.0, 2.0]))
        array([-0.5,  2. ], dtype=float32)
    """

    def __init__(self, negative_slope=0.3, **kwargs):
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
            warnings.warn("`alpha` of LeakyReLU is now `negative_slope`.", stacklevel=2)
        super().__init__(**kwargs)
        self.negative_slope = check.number(negative_slope, "negative_slope", "LeakyReLU", low=0)

    def call(self, inputs):
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)


@register("layers")
class PReLU(Layer):
    """x where x is above 0, and alpha * x elsewhere, with a learned alpha for each entry.

    Source: He et al., 2015, arxiv.org/abs/1502.01852.

    Args:
        alpha_initializer: What alpha is before training.
        alpha_regularizer: Penalty on it, added to the loss.
        alpha_constraint: Applied to it after every update.
        shared_axes: The axes along which entries share an alpha; the first axis of a sample is 1.

    Example:
        >>> PReLU(alpha_initializer="ones")(np.array([[-1.0, 2.0]]))
        array([[-1.,  2.]], dtype=float32)
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer="Zeros",
        alpha_regularizer=None,
        alpha_constraint=None,
        shared_axes=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        axes = [shared_axes] if check.is_int(shared_axes) else shared_axes
        if axes is not None and (
            not isinstance(axes, (list, tuple)) or not all(map(check.is_int, axes)) or 0 in axes
        ):
            raise ValueError(
                "`shared_axes` of PReLU must be a list of integers other than 0. "
                f"Received: shared_axes={check.shown(shared_axes)}"
            )
        self.shared_axes = None if axes is None else list(axes)

    def build(self, input_shape):
        ndim = len(input_shape)
        axes = self.shared_axes or []
        if not all(-ndim < axis < ndim for axis in axes):
            raise ValueError(
                f"Layer {self.name!r} (PReLU) shares alpha along axes {axes}, which its inputs "
                f"lack. Received an input of shape {tuple(input_shape)}."
            )
        shared = {axis % ndim for axis in axes}
        shape = [1 if i in shared else input_shape[i] for i in range(1, ndim)]
        if None in shape:
            raise ValueError(
                f"Layer {self.name!r} (PReLU) needs to know the length of all axes of a sample, "
                f"save `shared_axes`. Received an input shape of {tuple(input_shape)}."
            )
        self.alpha = self.add_weight(
            shape=shape,
            initializer=self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )
        known = {i: input_shape[i] for i in range(1, ndim) if axes and i not in shared}
        self.input_spec = InputSpec(ndim=ndim, axes=known)

    def call(self, inputs):
        below = ops.multiply(self.alpha, activations.relu(ops.negative(inputs)))
        return ops.subtract(activations.relu(inputs), below)


@register("layers")
class ELU(_Elementwise):
    """x where x is above 0, and alpha * (exp(x) - 1) elsewhere.

    Source: Clevert et al., 2016, arxiv.org/abs/1511.07289.

    Args:
        alpha: Minus the value that very negative inputs tend to.

    Example:
        >>> ELU(alpha=2.0)(np.array([-100.0, 2.0]))
        array([-2.,  2.], dtype=float32)
    """

    def __init__(self, alpha=1.0, **kwargs):
        super().__init__(**kwargs)
        self.alpha = check.number(alpha, "alpha", "ELU")

    def call(self, inputs):
        return activations.elu(inputs, alpha=self.alpha)


@register("layers")
class Softmax(_Elementwise):
    """`exp(x) / sum(exp(x))` along one or several axes: positive numbers that sum to 1.

    Args:
        axis: The axis, or axes, along which the outputs sum to 1.

    Call arguments:
        mask: True where an entry takes part; it broadcasts to the inputs. The others get 0.

    Example:
        >>> Softmax()(np.array([[1.0, 5.0, 1.0]]), mask=np.array([[True, False, True]]))
        array([[0.5, 0. , 0.5]], dtype=float32)
    """

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs, mask=None):
        if mask is None:
            return activations.softmax(inputs, axis=self.axis)
        self._check_mask(shape_of(mask), shape_of(inputs))
        dtype = inputs.dtype if is_float(inputs.dtype) else self.compute_dtype
        lowest = -3e4 if str(dtype) == "float16" else -1e9
        shifted = ops.add(inputs, ops.where(mask, 0.0, lowest))
        result = activations.softmax(ops.cast(shifted, dtype), axis=self.axis)
        return ops.multiply(result, ops.cast(mask, dtype))

    def _check_mask(self, shape, expected):
        if not spreads_to(shape, expected):
            raise ValueError(
                f"Layer {self.name!r} (Softmax) expects a mask that broadcasts to its inputs, of "
                f"shape {tuple(expected)}. Received a mask of shape {tuple(shape)}."
            )

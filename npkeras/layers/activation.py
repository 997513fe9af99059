"""Activations as layers."""

from npkeras import activations, ops
from npkeras.core import check
from npkeras.core.dtypes import is_float
from npkeras.core.registry import register
from npkeras.core.shapes import shape_of
from npkeras.layers.base import Layer


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
        return self.activation(inputs)


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
        aligned = zip(reversed(shape), reversed(expected), strict=False)
        if len(shape) > len(expected) or any(
            None not in (n, m) and n not in (1, m) for n, m in aligned
        ):
            raise ValueError(
                f"Layer {self.name!r} (Softmax) expects a mask that broadcasts to its inputs, of "
                f"shape {tuple(expected)}. Received a mask of shape {tuple(shape)}."
            )

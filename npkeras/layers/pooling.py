"""Pooling: many entries along some axes become one."""

from npkeras import ops
from npkeras.core.registry import register
from npkeras.layers.base import Layer
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.reshaping import data_format_of


class _GlobalPooling1D(Layer):
    """What the two global poolings over time share."""

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self.data_format = data_format_of(data_format, type(self).__name__)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=3)
        self.built = True

    def _steps_axis(self, inputs):
        axis = 1 if self.data_format == "channels_last" else 2
        if inputs.shape[axis] == 0:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects sequences of at least one "
                f"step. Received an input of shape {tuple(inputs.shape)}."
            )
        return axis


@register("layers", "GlobalAvgPool1D")
class GlobalAveragePooling1D(_GlobalPooling1D):
    """The mean over time: of the steps that a mask leaves, if there is one.

    A sample of which the mask leaves no step has mean 0. (Keras divides 0 by 0 there.)

    Args:
        data_format: `"channels_last"` for inputs (batch, steps, features), `"channels_first"` for
            (batch, features, steps). None: the global setting.
        keepdims: Whether to keep the axis of the steps, with length 1.

    Shapes:
        inputs (batch, steps, features), mask (batch, steps) -> (batch, features)

    Example:
        >>> GlobalAveragePooling1D()(np.array([[[1.0], [3.0]]]), mask=np.array([[True, False]]))
        array([[1.]], dtype=float32)
    """

    supports_masking = True

    def call(self, inputs, mask=None):
        axis = self._steps_axis(inputs)
        if mask is None:
            return ops.mean(inputs, axis=axis, keepdims=self.keepdims)
        weights = ops.expand_dims(ops.cast(mask, inputs.dtype), 3 - axis)
        total = ops.sum(ops.multiply(inputs, weights), axis=axis, keepdims=self.keepdims)
        count = ops.sum(weights, axis=axis, keepdims=self.keepdims)
        return ops.divide(total, ops.maximum(count, 1))

    def compute_mask(self, inputs, mask=None):
        return None


@register("layers", "GlobalMaxPool1D")
class GlobalMaxPooling1D(_GlobalPooling1D):
    """The maximum over time.

    As in Keras, a mask is not looked at: padded steps take part.

    Args:
        data_format: `"channels_last"` for inputs (batch, steps, features), `"channels_first"` for
            (batch, features, steps). None: the global setting.
        keepdims: Whether to keep the axis of the steps, with length 1.

    Shapes:
        inputs (batch, steps, features) -> (batch, features)

    Example:
        >>> GlobalMaxPooling1D()(np.array([[[1.0, 4.0], [3.0, 2.0]]]))
        array([[3., 4.]], dtype=float32)
    """

    def call(self, inputs):
        return ops.max(inputs, axis=self._steps_axis(inputs), keepdims=self.keepdims)


__all__ = ["GlobalAveragePooling1D", "GlobalMaxPooling1D"]

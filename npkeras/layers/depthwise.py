"""Depthwise and separable convolutions: one channel at a time, and then across channels."""

from npkeras import constraints, initializers, regularizers
from npkeras.core import check
from npkeras.core.registry import register
from npkeras.layers.convolution import Sliding, defaults
from npkeras.ops.waiting_convolution import convolution


class _Depthwise(Sliding):
    """What the layers with windows for each channel share."""

    def _keep_depthwise(self, depth_multiplier, initializer, regularizer, constraint):
        owner = type(self).__name__
        self.depth_multiplier = check.positive_int(depth_multiplier, "depth_multiplier", owner)
        self.depthwise_initializer = initializers.get(initializer)
        self.depthwise_regularizer = regularizers.get(regularizer)
        self.depthwise_constraint = constraints.get(constraint)

    def _add_depthwise(self, channels, name):
        return self.add_weight(
            shape=(*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
            name=name,
        )


class _DepthwiseConvolution(_Depthwise):
    """The depthwise convolutions along one and two axes."""

    def __init__(
        self,
        kernel_size,
        strides=1,
        padding="valid",
        depth_multiplier=1,
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self._keep_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._keep_depthwise(
            depth_multiplier, depthwise_initializer, depthwise_regularizer, depthwise_constraint
        )
        self._keep_bias(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape):
        channels = self._known_channels(input_shape)
        self.kernel = self._add_depthwise(channels, "kernel")
        self._add_bias(channels * self.depth_multiplier)

    def call(self, inputs):
        return self._activated(
            convolution, inputs, self.kernel, options=self._options(), depthwise=True
        )


@register("layers")
@defaults()
class DepthwiseConv1D(_DepthwiseConvolution):
    """A convolution along time in which no feature sees another.

    Args:
        kernel_size: How many steps a window sees.
        strides: How far apart the windows are.
        padding: `"valid"` or `"same"`, as in `Conv1D`.
        depth_multiplier: How many filters each feature has.
        data_format: `"channels_last"` for inputs (batch, steps, features), `"channels_first"` for
            (batch, features, steps). None: the global setting.
        dilation_rate: How far apart the steps are that a window sees.
        activation: A function applied to the output, or its name. None for none.
        use_bias: Whether to add a bias.
        depthwise_initializer, bias_initializer: What the weights are before training.
        depthwise_regularizer, bias_regularizer: Penalties on the weights, added to the loss.
        activity_regularizer: Penalty on the output, added to the loss.
        depthwise_constraint, bias_constraint: Applied to the weights after every update.

    Shapes:
        inputs (batch, steps, features) -> (batch, places, features * depth_multiplier)
        kernel (kernel_size, features, depth_multiplier), bias (features * depth_multiplier,)

    Example:
        >>> DepthwiseConv1D(3, depth_multiplier=2)(np.ones((2, 10, 5))).shape
        (2, 8, 10)
    """

    rank = 1


@register("layers")
@defaults(strides=(1, 1), dilation_rate=(1, 1))
class DepthwiseConv2D(_DepthwiseConvolution):
    """A convolution of images in which no channel sees another.

    Args:
        kernel_size: The rows and columns that a window sees.
        strides: How far apart the windows are.
        padding: `"valid"` or `"same"`, as in `Conv2D`.
        depth_multiplier: How many filters each channel has.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.
        dilation_rate: How far apart the pixels are that a window sees.
        activation: A function applied to the output, or its name. None for none.
        use_bias: Whether to add a bias.
        depthwise_initializer, bias_initializer: What the weights are before training.
        depthwise_regularizer, bias_regularizer: Penalties on the weights, added to the loss.
        activity_regularizer: Penalty on the output, added to the loss.
        depthwise_constraint, bias_constraint: Applied to the weights after every update.

    Shapes:
        inputs (batch, rows, columns, channels)
        -> (batch, new_rows, new_columns, channels * depth_multiplier)
        kernel (*kernel_size, channels, depth_multiplier), bias (channels * depth_multiplier,)

    Example:
        >>> DepthwiseConv2D(3, padding="same")(np.ones((2, 8, 8, 5))).shape
        (2, 8, 8, 5)
    """

    rank = 2


class _SeparableConvolution(_Depthwise):
    """The separable convolutions along one and two axes."""

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        depth_multiplier=1,
        activation=None,
        use_bias=True,
        depthwise_initializer="glorot_uniform",
        pointwise_initializer="glorot_uniform",
        bias_initializer="zeros",
        depthwise_regularizer=None,
        pointwise_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        depthwise_constraint=None,
        pointwise_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = check.positive_int(filters, "filters", type(self).__name__)
        self._keep_window(kernel_size, strides, padding, data_format, dilation_rate)
        self._keep_depthwise(
            depth_multiplier, depthwise_initializer, depthwise_regularizer, depthwise_constraint
        )
        self._keep_bias(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.pointwise_initializer = initializers.get(pointwise_initializer)
        self.pointwise_regularizer = regularizers.get(pointwise_regularizer)
        self.pointwise_constraint = constraints.get(pointwise_constraint)

    def build(self, input_shape):
        channels = self._known_channels(input_shape)
        self.depthwise_kernel = self._add_depthwise(channels, "depthwise_kernel")
        self.pointwise_kernel = self.add_weight(
            shape=((1,) * self.rank + (channels * self.depth_multiplier, self.filters)),
            initializer=self.pointwise_initializer,
            regularizer=self.pointwise_regularizer,
            constraint=self.pointwise_constraint,
            name="pointwise_kernel",
        )
        self._add_bias(self.filters)

    def call(self, inputs):
        kernel, owner = self.depthwise_kernel, self._title()
        y = convolution(inputs, kernel, options=self._options(), owner=owner, depthwise=True)
        options = (1, "valid", self.data_format, 1)
        return self._activated(convolution, y, self.pointwise_kernel, options=options)


@register("layers", "SeparableConvolution1D")
@defaults()
class SeparableConv1D(_SeparableConvolution):
    """A depthwise convolution along time, then one step at a time a mixture of its features.

    Args:
        filters: How many features each step of the output has.
        kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier: As in
            `DepthwiseConv1D`.
        activation: A function applied to the output, or its name. None for none.
        use_bias: Whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: What the weights are before
            training.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: Penalties on the weights.
        activity_regularizer: Penalty on the output, added to the loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: Applied after every update.

    Shapes:
        inputs (batch, steps, features) -> (batch, places, filters)
        depthwise_kernel (kernel_size, features, depth_multiplier),
        pointwise_kernel (1, features * depth_multiplier, filters), bias (filters,)

    Example:
        >>> SeparableConv1D(4, 3)(np.ones((2, 10, 5))).shape
        (2, 8, 4)
    """

    rank = 1


@register("layers", "SeparableConvolution2D")
@defaults(strides=(1, 1), dilation_rate=(1, 1))
class SeparableConv2D(_SeparableConvolution):
    """A depthwise convolution of images, then pixel by pixel a mixture of its channels.

    Source: Chollet, 2017, arxiv.org/abs/1610.02357.

    Args:
        filters: How many channels the output has.
        kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier: As in
            `DepthwiseConv2D`.
        activation: A function applied to the output, or its name. None for none.
        use_bias: Whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: What the weights are before
            training.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: Penalties on the weights.
        activity_regularizer: Penalty on the output, added to the loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: Applied after every update.

    Shapes:
        inputs (batch, rows, columns, channels) -> (batch, new_rows, new_columns, filters)
        depthwise_kernel (*kernel_size, channels, depth_multiplier),
        pointwise_kernel (1, 1, channels * depth_multiplier, filters), bias (filters,)

    Example:
        >>> SeparableConv2D(4, 3, padding="same")(np.ones((2, 8, 8, 5))).shape
        (2, 8, 8, 4)
    """

    rank = 2


__all__ = ["DepthwiseConv1D", "DepthwiseConv2D", "SeparableConv1D", "SeparableConv2D"]

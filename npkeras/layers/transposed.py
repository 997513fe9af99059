"""Transposed convolutions: from fewer places to more."""

from npkeras import constraints, initializers, regularizers
from npkeras.core import check
from npkeras.core.registry import register
from npkeras.layers.convolution import Sliding, defaults
from npkeras.ops.convolution import convolution_transposed, refuse_strides_with_dilation
from npkeras.ops.sliding import per_axis


class _ConvolutionTransposed(Sliding):
    """The transposed convolutions along one, two and three axes."""

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        output_padding=None,
        data_format=None,
        dilation_rate=1,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        owner = type(self).__name__
        self.filters = check.positive_int(filters, "filters", owner)
        self._keep_window(kernel_size, strides, padding, data_format, dilation_rate)
        refuse_strides_with_dilation(self.strides, self.dilation_rate, owner)
        self.output_padding = self._checked(output_padding, owner)
        self._keep_bias(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def _checked(self, output_padding, owner):
        if output_padding is None:
            return None
        extra = per_axis(output_padding, self.rank, "output_padding", owner, low=0)
        if any(n >= stride for n, stride in zip(extra, self.strides, strict=True)):
            raise ValueError(
                f"`output_padding` of {owner} must be smaller than `strides` along each axis. "
                f"Received: output_padding={output_padding}, strides={self.strides}"
            )
        return extra

    def build(self, input_shape):
        channels = self._known_channels(input_shape)
        self.kernel = self.add_weight(
            shape=(*self.kernel_size, self.filters, channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self._add_bias(self.filters)

    def call(self, inputs):
        strides, padding, *rest = self._options()
        options = (strides, padding, self.output_padding, *rest)
        return self._activated(convolution_transposed, inputs, self.kernel, options=options)


@register("layers", "Convolution1DTranspose")
@defaults()
class Conv1DTranspose(_ConvolutionTransposed):
    """The way back of a convolution along time: each step adds a window of weights to the output.

    Args:
        filters: How many features each step of the output has.
        kernel_size: How many steps of the output a step of the inputs adds to.
        strides: How many steps of the output lie between two steps of the inputs.
        padding: `"valid"`: the output holds all that windows add to. `"same"`: it is `strides`
            times as long as the inputs.
        output_padding: How many steps more the output has, fewer than `strides`, beyond what the
            windows cover. None: as `padding` says.
        data_format: `"channels_last"` for inputs (batch, steps, features), `"channels_first"` for
            (batch, features, steps). None: the global setting.
        dilation_rate: How far apart the steps of a window are.
        activation: A function applied to the output, or its name. None for none.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: What the weights are before training.
        kernel_regularizer, bias_regularizer: Penalties on the weights, added to the loss.
        activity_regularizer: Penalty on the output, added to the loss.
        kernel_constraint, bias_constraint: Applied to the weights after every update.

    Shapes:
        inputs (batch, steps, features) -> (batch, more_steps, filters)
        kernel (kernel_size, filters, features), bias (filters,)

    Example:
        >>> Conv1DTranspose(4, 3, strides=2, padding="same")(np.ones((2, 10, 5))).shape
        (2, 20, 4)
    """

    rank = 1


@register("layers", "Convolution2DTranspose")
@defaults(strides=(1, 1), dilation_rate=(1, 1))
class Conv2DTranspose(_ConvolutionTransposed):
    """The way back of a convolution of images: each pixel adds a window of weights to the output.

    Source: Zeiler et al., 2010, "Deconvolutional networks".

    Args:
        filters: How many channels the output has.
        kernel_size: The rows and columns of the output that a pixel adds to.
        strides: How far apart in the output two pixels of the inputs are.
        padding, output_padding, dilation_rate: As in `Conv1DTranspose`, for both axes.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.
        activation: A function applied to the output, or its name. None for none.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: What the weights are before training.
        kernel_regularizer, bias_regularizer: Penalties on the weights, added to the loss.
        activity_regularizer: Penalty on the output, added to the loss.
        kernel_constraint, bias_constraint: Applied to the weights after every update.

    Shapes:
        inputs (batch, rows, columns, channels) -> (batch, more_rows, more_columns, filters)
        kernel (*kernel_size, filters, channels), bias (filters,)

    Example:
        >>> Conv2DTranspose(1, 4, strides=2, padding="same")(np.ones((2, 7, 7, 8))).shape
        (2, 14, 14, 1)
    """

    rank = 2


@register("layers", "Convolution3DTranspose")
@defaults(("data_format", "output_padding"), strides=(1, 1, 1), dilation_rate=(1, 1, 1))
class Conv3DTranspose(_ConvolutionTransposed):
    """The way back of a convolution of volumes: each entry adds a window of weights to the output.

    Args:
        filters: How many channels the output has.
        kernel_size: How far a window reaches along each of three axes.
        strides: How far apart in the output two entries of the inputs are.
        padding, output_padding, dilation_rate: As in `Conv1DTranspose`, for all three axes.
        data_format: `"channels_last"` for inputs (batch, a, b, c, channels), `"channels_first"` for
            (batch, channels, a, b, c). None: the global setting.
        activation: A function applied to the output, or its name. None for none.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: What the weights are before training.
        kernel_regularizer, bias_regularizer: Penalties on the weights, added to the loss.
        activity_regularizer: Penalty on the output, added to the loss.
        kernel_constraint, bias_constraint: Applied to the weights after every update.

    Shapes:
        inputs (batch, a, b, c, channels) -> (batch, more_a, more_b, more_c, filters)
        kernel (*kernel_size, filters, channels), bias (filters,)

    Example:
        >>> Conv3DTranspose(2, 2, strides=2)(np.ones((1, 2, 3, 4, 5))).shape
        (1, 4, 6, 8, 2)
    """

    rank = 3


__all__ = ["Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"]

"""Convolutions: a window of weights slides over the inputs."""

import functools
import inspect

from npkeras import activations, constraints, initializers, ops, regularizers
from npkeras.core import check
from npkeras.core.registry import register
from npkeras.layers.activation import activated
from npkeras.layers.base import Layer
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.reshaping import data_format_of
from npkeras.layers.unbuilt import MadeByBuild
from npkeras.layers.unsupported import refuse_lora_and_quantization
from npkeras.ops.convolution import convolution_now, refuse_strides_with_dilation
from npkeras.ops.sliding import padding_of, per_axis
from npkeras.ops.waiting_convolution import convolution

_RELU = activations.relu, ops.relu


def defaults(first=(), **changed):
    """Decorator: a class whose constructor shows other defaults than that of its base.

    Also without any: arguments that do not fit then make an error that names the class.

    Args:
        first: Two arguments of which the first is to come before the second.
        changed: The defaults.
    """

    def decorate(cls):
        inherited = cls.__init__
        signature = inspect.signature(inherited)
        parameters = [
            p.replace(default=changed.get(p.name, p.default)) for p in signature.parameters.values()
        ]
        if first:
            names = [p.name for p in parameters]
            moved = parameters.pop(names.index(first[0]))
            parameters.insert(names.index(first[1]), moved)
        signature = signature.replace(parameters=parameters)

        @functools.wraps(inherited)
        def __init__(self, *args, **kwargs):
            try:
                bound = signature.bind(self, *args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{cls.__name__}.__init__(): {error}") from None
            bound.apply_defaults()
            arguments = dict(list(bound.arguments.items())[1:])
            inherited(self, **arguments.pop("kwargs", {}), **arguments)

        __init__.__signature__ = signature
        __init__.__qualname__ = f"{cls.__qualname__}.__init__"
        cls.__init__ = __init__
        return cls

    return decorate


class Sliding(Layer):
    """What all layers with a window of weights share."""

    rank = None  # how many axes the window slides along
    paddings = ("valid", "same")
    quiet_activity_regularizer = False

    def _keep_window(self, kernel_size, strides, padding, data_format, dilation_rate):
        owner = type(self).__name__
        self.kernel_size = per_axis(kernel_size, self.rank, "kernel_size", owner)
        self.strides = per_axis(strides, self.rank, "strides", owner)
        self.padding = padding_of(padding, owner, self.paddings)
        self.data_format = data_format_of(data_format, owner)
        self.dilation_rate = per_axis(dilation_rate, self.rank, "dilation_rate", owner)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _keep_bias(self, activation, use_bias, initializer, regularizer, constraint):
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(initializer)
        self.bias_regularizer = regularizers.get(regularizer)
        self.bias_constraint = constraints.get(constraint)

    def _known_channels(self, input_shape):
        axis = -1 if self.data_format == "channels_last" else 1
        channels = input_shape[axis] if len(input_shape) == self.rank + 2 else None
        if channels is None:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects inputs with {self.rank + 2} "
                f"axes and a known number of channels. Received an input shape of {input_shape}."
            )
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})
        return channels

    def _add_bias(self, filters):
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _title(self):
        return f"Layer {self.name!r} ({type(self).__name__})"

    def _options(self):
        return self.strides, self.padding, self.data_format, self.dilation_rate

    def _activated(self, op, inputs, kernel, **options):
        """The result of an op with the bias and the activation, a rectifier within the op."""
        rectify = self.activation in _RELU
        y = op(inputs, kernel, self.bias, owner=self._title(), rectify=rectify, **options)
        return y if rectify else activated(self.activation, y)


class _Convolution(Sliding):
    """The convolutions along one, two and three axes."""

    weights_in_files = ("kernel", "bias")
    kernel = MadeByBuild()
    bias = MadeByBuild()

    def __init__(
        self,
        filters,
        kernel_size,
        strides=1,
        padding="valid",
        data_format=None,
        dilation_rate=1,
        groups=1,
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
        adaptation = kwargs.pop("lora_rank", None), kwargs.pop("lora_alpha", None)
        refuse_lora_and_quantization(type(self).__name__, *adaptation, None)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        owner = type(self).__name__
        self.filters = check.positive_int(filters, "filters", owner)
        self.groups = check.positive_int(groups, "groups", owner)
        if self.filters % self.groups:
            raise ValueError(
                f"`filters` of {owner} must be a multiple of `groups`. "
                f"Received: filters={filters}, groups={groups}"
            )
        self._keep_window(kernel_size, strides, padding, data_format, dilation_rate)
        refuse_strides_with_dilation(self.strides, self.dilation_rate, owner)
        self._keep_bias(activation, use_bias, bias_initializer, bias_regularizer, bias_constraint)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape):
        channels = self._known_channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{self._title()} expects inputs whose channels fall into {self.groups} groups. "
                f"Received an input shape of {input_shape}."
            )
        self.kernel = self.add_weight(
            shape=(*self.kernel_size, channels // self.groups, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self._add_bias(self.filters)

    def convolution_op(self, inputs, kernel):
        """The convolution alone, without bias and activation. For subclasses to override.

        Args:
            inputs: What the layer was called on, in its compute dtype.
            kernel: The layer's `kernel`, or what a subclass has made of it.
        """
        return convolution_now(inputs, kernel, options=self._options(), owner=self._title())

    def call(self, inputs):
        if getattr(self.convolution_op, "__func__", None) is _Convolution.convolution_op:
            return self._activated(convolution, inputs, self.kernel, options=self._options())
        y = self.convolution_op(inputs, self.kernel)
        if self.bias is not None:
            last = self.data_format == "channels_last"
            y = ops.add(y, self.bias if last else ops.reshape(self.bias, (-1, *(1,) * self.rank)))
        return activated(self.activation, y)


@register("layers", "Convolution1D")
@defaults()
class Conv1D(_Convolution):
    """A convolution along time: `activation(conv(inputs, kernel) + bias)`.

    Args:
        filters: How many features each step of the output has.
        kernel_size: How many steps a window sees.
        strides: How far apart the windows are.
        padding: `"valid"`: windows stay within the sequence. `"same"`: zeros at both ends, so that
            each step is in the middle of a window. `"causal"`: zeros before the first step, so that
            each step is the last one of its window.
        data_format: `"channels_last"` for inputs (batch, steps, features), `"channels_first"` for
            (batch, features, steps). None: the global setting.
        dilation_rate: How far apart the steps are that a window sees.
        groups: Into how many groups the features fall; each group of filters sees one of them.
        activation: A function applied to the output, or its name. None for none.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: What the weights are before training.
        kernel_regularizer, bias_regularizer: Penalties on the weights, added to the loss.
        activity_regularizer: Penalty on the output, added to the loss.
        kernel_constraint, bias_constraint: Applied to the weights after every update.

    Shapes:
        inputs (batch, steps, features) -> (batch, places, filters)
        kernel (kernel_size, features / groups, filters), bias (filters,)

    Example:
        >>> Conv1D(4, 3, padding="causal")(np.ones((2, 10, 5))).shape
        (2, 10, 4)
    """

    rank = 1
    paddings = ("valid", "same", "causal")


@register("layers", "Convolution2D")
@defaults(strides=(1, 1), dilation_rate=(1, 1))
class Conv2D(_Convolution):
    """A convolution of images: `activation(conv(inputs, kernel) + bias)`.

    Source: LeCun et al., 1989, "Backpropagation applied to handwritten zip code recognition".

    Args:
        filters: How many channels the output has.
        kernel_size: The rows and columns that a window sees: two integers, or one for both.
        strides: How far apart the windows are.
        padding: `"valid"`: windows stay within the image. `"same"`: zeros around it, so that each
            pixel is in the middle of a window.
        data_format: `"channels_last"` for inputs (batch, rows, columns, channels),
            `"channels_first"` for (batch, channels, rows, columns). None: the global setting.
        dilation_rate: How far apart the pixels are that a window sees.
        groups: Into how many groups the channels fall; each group of filters sees one of them.
        activation: A function applied to the output, or its name. None for none.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: What the weights are before training.
        kernel_regularizer, bias_regularizer: Penalties on the weights, added to the loss.
        activity_regularizer: Penalty on the output, added to the loss.
        kernel_constraint, bias_constraint: Applied to the weights after every update.

    Shapes:
        inputs (batch, rows, columns, channels) -> (batch, new_rows, new_columns, filters)
        kernel (*kernel_size, channels / groups, filters), bias (filters,)

    Example:
        >>> Conv2D(8, 3, strides=2, activation="relu")(np.ones((2, 28, 28, 1))).shape
        (2, 13, 13, 8)
    """

    rank = 2


@register("layers", "Convolution3D")
@defaults(strides=(1, 1, 1), dilation_rate=(1, 1, 1))
class Conv3D(_Convolution):
    """A convolution of volumes, or of films: `activation(conv(inputs, kernel) + bias)`.

    Args:
        filters: How many channels the output has.
        kernel_size: How far a window reaches along each of three axes: three integers, or one.
        strides: How far apart the windows are.
        padding: `"valid"` or `"same"`, as in `Conv2D`.
        data_format: `"channels_last"` for inputs (batch, a, b, c, channels), `"channels_first"` for
            (batch, channels, a, b, c). None: the global setting.
        dilation_rate: How far apart the entries are that a window sees.
        groups: Into how many groups the channels fall; each group of filters sees one of them.
        activation: A function applied to the output, or its name. None for none.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: What the weights are before training.
        kernel_regularizer, bias_regularizer: Penalties on the weights, added to the loss.
        activity_regularizer: Penalty on the output, added to the loss.
        kernel_constraint, bias_constraint: Applied to the weights after every update.

    Shapes:
        inputs (batch, a, b, c, channels) -> (batch, new_a, new_b, new_c, filters)
        kernel (*kernel_size, channels / groups, filters), bias (filters,)

    Example:
        >>> Conv3D(4, 3, padding="same")(np.ones((1, 5, 6, 7, 2))).shape
        (1, 5, 6, 7, 4)
    """

    rank = 3


__all__ = ["Conv1D", "Conv2D", "Conv3D"]

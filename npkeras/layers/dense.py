"""Dense: every output sees every input."""

from npkeras import activations, constraints, initializers, regularizers
from npkeras.core import check
from npkeras.core.registry import register
from npkeras.layers.activation import activated
from npkeras.layers.base import Layer
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.unbuilt import MadeByBuild
from npkeras.layers.unsupported import refuse_lora_and_quantization
from npkeras.ops.head import dense

_RELU = activations.get("relu")


@register("layers")
class Dense(Layer):
    """A fully connected layer: `activation(inputs @ kernel + bias)`.

    Every entry along the last axis of the output is a weighted sum of all the entries
    along the last axis of the input; the other axes are carried along.

    Args:
        units: How many entries the last axis of the output has.
        activation: A function applied to the output, or its name. None for none.
        use_bias: Whether to add a bias.
        kernel_initializer, bias_initializer: What the weights are before training.
        kernel_regularizer, bias_regularizer: Penalties on the weights, added to the loss.
        activity_regularizer: Penalty on the output, added to the loss.
        kernel_constraint, bias_constraint: Applied to the weights after every update.
        lora_rank, lora_alpha, quantization_config: Not supported; only None is taken.

    Shapes:
        inputs (batch, ..., features) -> (batch, ..., units)
        kernel (features, units), bias (units,)

    Example:
        >>> layer = Dense(3, activation="relu")
        >>> layer(np.ones((2, 5))).shape
        (2, 3)
    """

    supports_masking = True
    weights_in_files = ("kernel", "bias")
    kernel = MadeByBuild()
    bias = MadeByBuild()
    not_in_config = frozenset({"lora_rank", "lora_alpha"})

    def __init__(
        self,
        units,
        activation=None,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        lora_rank=None,
        lora_alpha=None,
        quantization_config=None,
        **kwargs,
    ):
        refuse_lora_and_quantization("Dense", lora_rank, lora_alpha, quantization_config)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = check.positive_int(units, "units", "Dense")
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.quantization_config = None
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape):
        features = known_features(input_shape, self)
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})
        self.kernel = self.add_weight(
            shape=(features, self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def call(self, inputs, training=None):
        if self.activation is _RELU:
            return dense(inputs, self.kernel, self.bias, rectify=True)
        return activated(self.activation, dense(inputs, self.kernel, self.bias))


def known_features(input_shape, layer):
    """The length of the last axis, which the weights depend on."""
    features = input_shape[-1] if input_shape else None
    if features is None:
        raise ValueError(
            f"Layer {layer.name!r} ({type(layer).__name__}) needs to know the length of the last "
            f"axis of its inputs. Received an input shape of {input_shape}."
        )
    return features

"""EinsumDense: a dense layer over any axes, which an equation names."""

import copy
import re

from npkeras import activations, constraints, initializers, ops, regularizers
from npkeras.core import check
from npkeras.core.registry import register
from npkeras.layers.activation import activated
from npkeras.layers.base import Layer
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.unbuilt import MadeByBuild
from npkeras.layers.unsupported import refuse_lora_and_quantization

_EQUATION = re.compile(r"(\.{3})?([a-zA-Z]+)(\.{3})?,([a-zA-Z]+)->(\.{3})?([a-zA-Z]+)(\.{3})?")


@register("layers")
class EinsumDense(Layer):
    """A dense layer over any axes: `activation(einsum(equation, inputs, kernel) + bias)`.

    The axes of the kernel are as long as those of the inputs and outputs with the same letters.

    Args:
        equation: Letters for the axes of the inputs, of the kernel and of the outputs, such as
            "abc,cd->abd". Inputs and outputs may both begin, or both end, with "...", which
            stands for any further axes.
        output_shape: How long the axes of the outputs are, without the first one (and without
            those behind "..."); None where the inputs say it. An int for a single one.
        activation: A function applied to the output, or its name. None for none.
        bias_axes: The letters of the outputs along which there is a bias, such as "d". None: no
            bias.
        kernel_initializer, bias_initializer: What the weights are before training.
        kernel_regularizer, bias_regularizer: Penalties on the weights, added to the loss.
        kernel_constraint, bias_constraint: Applied to the weights after every update.
        lora_rank, lora_alpha, gptq_unpacked_column_size, quantization_config: Not supported; only
            None is taken.

    Shapes:
        as the equation says

    Example:
        >>> EinsumDense("abc,cde->abde", output_shape=(None, 4, 2))(np.ones((2, 5, 3))).shape
        (2, 5, 4, 2)
    """

    quiet_activity_regularizer = False
    weights_in_files = ("kernel", "bias")
    kernel = MadeByBuild()
    bias = MadeByBuild()
    not_in_config = frozenset({"lora_rank", "lora_alpha", "gptq_unpacked_column_size"})

    def __init__(
        self,
        equation,
        output_shape,
        activation=None,
        bias_axes=None,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        lora_rank=None,
        lora_alpha=None,
        gptq_unpacked_column_size=None,
        quantization_config=None,
        **kwargs,
    ):
        refuse_lora_and_quantization("EinsumDense", lora_rank, lora_alpha, quantization_config)
        if gptq_unpacked_column_size is not None:
            raise ValueError(
                "npkeras does not support `gptq_unpacked_column_size` of EinsumDense: it has no "
                f"quantization. Leave it None. Received: {gptq_unpacked_column_size=}"
            )
        super().__init__(**kwargs)
        self.equation = _checked(equation)
        self.output_shape = check.shape(output_shape, "output_shape", "EinsumDense")
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.quantization_config = None

    def build(self, input_shape):
        kernel_shape, bias_shape = _weight_shapes(self, input_shape)
        self.input_spec = InputSpec(ndim=len(input_shape))
        self.kernel = self.add_weight(
            shape=kernel_shape,
            initializer=_with_axes(self.kernel_initializer, self.equation),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if bias_shape is not None:
            self.bias = self.add_weight(
                shape=bias_shape,
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def call(self, inputs, training=None):
        outputs = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            outputs = ops.add(outputs, self.bias)
        return activated(self.activation, outputs)


def _checked(equation):
    """The equation, if it has one of the three forms."""
    match = _EQUATION.fullmatch(equation) if isinstance(equation, str) else None
    if match is None or match[1] != match[5] or match[3] != match[7] or match[1] and match[3]:
        raise ValueError(
            "`equation` of EinsumDense must be of the form 'ab,bc->ac', '...a,ab->...b' or "
            f"'ab...,bc->ac...', with any letters. Received: equation={check.shown(equation)}"
        )
    return equation


def _with_axes(initializer, equation):
    """An initializer that knows which axes of the kernel the outputs have; the rest are inputs."""
    if not isinstance(initializer, initializers.VarianceScaling) or (
        initializer.input_axes is not None or initializer.output_axes is not None
    ):
        return initializer
    *_, kernel, _, outputs, _ = _EQUATION.fullmatch(equation).groups()
    initializer = copy.copy(initializer)
    initializer.input_axes = [i for i, letter in enumerate(kernel) if letter not in outputs]
    initializer.output_axes = [i for i, letter in enumerate(kernel) if letter in outputs]
    return initializer


def _weight_shapes(layer, input_shape):
    """The shapes of the kernel and of the bias (None: there is none)."""
    left, inputs, right, kernel, _, outputs, _ = _EQUATION.fullmatch(layer.equation).groups()
    hidden = len(input_shape) - len(inputs)
    if hidden < 0 or (hidden and not (left or right)):
        raise _refused(layer, f"does not fit inputs of shape {input_shape}")
    given = dict(zip(inputs, input_shape[hidden if left else 0 :], strict=False))
    own = layer.output_shape if left and hidden else (input_shape[0], *layer.output_shape)
    made = dict(zip(outputs, own, strict=False))
    if len(own) < len(outputs):
        raise _refused(layer, f"has more outputs than output_shape={layer.output_shape}")
    for letter, length in made.items():
        known = given.get(letter)
        if None not in (known, length) and known != length:
            raise _refused(
                layer,
                f"says that axis {letter!r} of inputs and outputs is the same, but it is {known} "
                f"long in the inputs of shape {input_shape} and {length} in "
                f"output_shape={layer.output_shape}",
            )
        if letter not in given and letter not in kernel:
            raise _refused(layer, f"does not say where axis {letter!r} of the outputs is from")
    lost = [letter for letter in kernel if letter not in given and letter not in made]
    if lost:
        raise _refused(layer, f"has an axis {lost[0]!r} of the kernel that is found nowhere else")
    lengths = {**made, **{letter: n for letter, n in given.items() if letter in kernel}}
    kernel_shape = [lengths[letter] for letter in kernel]
    bias_shape = _bias_shape(layer, outputs, made, hidden if right else 0)
    if None in (*kernel_shape, *(bias_shape or ())):
        raise _refused(layer, f"needs to know more than an input shape of {input_shape}")
    return kernel_shape, bias_shape


def _bias_shape(layer, outputs, lengths, behind):
    """One entry for each along the axes of the bias, to broadcast with the outputs."""
    axes = layer.bias_axes
    if not axes:
        return None
    unknown = [letter for letter in axes if letter not in outputs]
    if unknown:
        raise _refused(layer, f"has no axis {unknown[0]!r} of the outputs for bias_axes={axes!r}")
    first = min(outputs.index(letter) for letter in axes)
    shape = [lengths[letter] if letter in axes else 1 for letter in outputs[first:]]
    return shape + [1] * behind


def _refused(layer, why):
    return ValueError(
        f"The equation {layer.equation!r} of layer {layer.name!r} (EinsumDense) {why}."
    )

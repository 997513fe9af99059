"""SimpleRNN: a layer that reads sequences with a plain state, and its cell."""

import numpy as np

from npkeras import activations, constraints, initializers, regularizers
from npkeras.core import check
from npkeras.core.dtypes import numpy_dtype
from npkeras.core.random import SeedGenerator, dropout_mask
from npkeras.core.registry import CustomObjectScope, register
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import is_symbolic
from npkeras.layers.base import Layer
from npkeras.layers.dense import known_features
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.lstm import _of_cell, _weighted
from npkeras.layers.recurrent import (
    RNN,
    DropoutRNNCell,
    dropout_rate,
    forget_masks,
    prepare_masks,
    unless_zero,
    zero_states,
)
from npkeras.ops.recurrent import simple_rnn

_USUAL = activations.get("tanh")


def _made_from(cls, config, custom_objects=None):
    """A layer like the one whose `get_config` gave `config`.

    What is in the config becomes objects only in `__init__`, in the order in which Keras makes
    them: those without a seed draw one.
    """
    with CustomObjectScope(custom_objects):
        return cls(**config)


@register("layers")
class SimpleRNNCell(DropoutRNNCell, Layer):
    """One step of a plain recurrent network, for use in `RNN`.

    Source: Elman, 1990, "Finding structure in time". With x the inputs and h the state:

        h <- activation(x @ W + h @ U + b)

    Args:
        units: How many entries the output and the state have.
        activation: What the sum is bent by.
        use_bias: Whether to add b.
        kernel_initializer, recurrent_initializer, bias_initializer: What W, U and b are before
            training.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: Penalties on W, U and b.
        kernel_constraint, recurrent_constraint, bias_constraint: Applied after every update.
        dropout: The part of the inputs to drop in training, the same at all steps.
        recurrent_dropout: The part of h to drop where a step reads it.
        seed: Where the random numbers for dropout start.

    Shapes:
        inputs (batch, features), states [h] or h, (batch, units) -> h (batch, units), the states
        W = kernel (features, units), U = recurrent_kernel (units, units), b = bias (units,)

    Example:
        >>> layer = RNN(SimpleRNNCell(4))
        >>> layer(np.ones((2, 5, 3))).shape
        (2, 4)
    """

    def __init__(
        self,
        units,
        activation="tanh",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        owner = type(self).__name__
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)  # draws its seed before the initializers do
        self.units = check.positive_int(units, "units", owner)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = dropout_rate(dropout, "dropout", owner)
        self.recurrent_dropout = dropout_rate(recurrent_dropout, "recurrent_dropout", owner)
        self.state_size = self.units
        self.output_size = self.units

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(known_features(input_shape, self), self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, self.units),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
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

    def get_initial_state(self, batch_size=None):
        """Zeros for h."""
        return zero_states(self.state_size, batch_size, numpy_dtype(self.compute_dtype))

    def _new_mask(self, like, rate):
        return dropout_mask(shape_of(like), rate, self.seed_generator, self.compute_dtype)

    def call(self, sequence, states, training=False):
        listed = isinstance(states, (list, tuple))
        h = states[0] if listed else states
        input_mask = state_mask = None
        if training and not is_symbolic([sequence, h]):
            input_mask = self.get_dropout_mask(sequence)
            state_mask = self.get_recurrent_dropout_mask(h)
        weights = [self.kernel, self.recurrent_kernel]
        if self.bias is not None:
            weights.append(self.bias)
        h = self.activation(_weighted(sequence, h, input_mask, state_mask, *weights))
        return h, [h] if listed else h

    from_config = classmethod(_made_from)


def drawn_masks(cell, sequences, states, training):
    """The masks of a whole sequence for its inputs and its state, each one array or None.

    Masks that differ between gates are stacked: (gates, batch, ...).
    """
    if is_symbolic([sequences, states]):
        return None, None
    prepare_masks([cell], sequences, states, training)
    masks = (cell._input_mask, cell._state_mask) if training else (None, None)
    forget_masks([cell])
    return [np.stack(mask) if isinstance(mask, list) else mask for mask in masks]


@register("layers")
class SimpleRNN(RNN):
    """Reads sequences step by step, with a state that is also its output.

    With the usual activation the whole sequence is one op, forward and backward; others take a
    loop over the cell and are slower. The formula is in `SimpleRNNCell`.

    Args:
        units: How many entries the output and the state have.
        activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed: As in
            `SimpleRNNCell`.
        activity_regularizer: A penalty on the output, added to the loss.
        return_sequences, return_state, go_backwards, stateful, unroll: As in `RNN`.

    Call arguments:
        sequences: The inputs.
        initial_state: The state to begin with, [h] or h (batch, units).
        mask: False at steps to leave out.
        training: Whether to use dropout.

    Shapes:
        sequences (batch, steps, features), mask (batch, steps)
        -> (batch, steps, units) with `return_sequences`, otherwise (batch, units);
        with `return_state` also h (batch, units)

    Example:
        >>> output, h = SimpleRNN(4, return_sequences=True, return_state=True)(np.ones((2, 5, 3)))
        >>> output.shape, h.shape
        ((2, 5, 4), (2, 4))
    """

    quiet_activity_regularizer = False

    def __init__(
        self,
        units,
        activation="tanh",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        seed=None,
        **kwargs,
    ):
        cell = SimpleRNNCell(
            units, activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout,
            seed, name="simple_rnn_cell",
            dtype=kwargs.get("dtype"), trainable=kwargs.get("trainable", True),
        )  # fmt: skip
        options = return_sequences, return_state, go_backwards, stateful, unroll
        super().__init__(cell, *options, activity_regularizer=activity_regularizer, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    units = _of_cell("units")
    activation = _of_cell("activation")
    use_bias = _of_cell("use_bias")
    kernel_initializer = _of_cell("kernel_initializer")
    recurrent_initializer = _of_cell("recurrent_initializer")
    bias_initializer = _of_cell("bias_initializer")
    kernel_regularizer = _of_cell("kernel_regularizer")
    recurrent_regularizer = _of_cell("recurrent_regularizer")
    bias_regularizer = _of_cell("bias_regularizer")
    kernel_constraint = _of_cell("kernel_constraint")
    recurrent_constraint = _of_cell("recurrent_constraint")
    bias_constraint = _of_cell("bias_constraint")
    dropout = _of_cell("dropout")
    recurrent_dropout = _of_cell("recurrent_dropout")

    def build(self, sequences_shape, initial_state_shape=None):
        super().build(sequences_shape, initial_state_shape)
        self.input_spec = InputSpec(ndim=3, axes={-1: sequences_shape[-1]})

    def inner_loop(self, sequences, initial_state, mask, training=False):
        cell = self.cell
        if cell.activation != _USUAL:
            return super().inner_loop(sequences, initial_state, mask, training)
        output, h = simple_rnn(
            sequences,
            cell.kernel,
            cell.recurrent_kernel,
            cell.bias,
            *map(unless_zero, initial_state),
            mask,
            *drawn_masks(cell, sequences, initial_state, training),
            return_sequences=self.return_sequences,
            go_backwards=self.go_backwards,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        return output, output, [h]

    def get_config(self):
        config = super().get_config()
        return {name: value for name, value in config.items() if name not in ("cell", "seed")}

    from_config = classmethod(_made_from)

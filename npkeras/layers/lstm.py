"""LSTM: a layer that reads sequences and remembers, and its cell."""

import numpy as np

from npkeras import activations, constraints, initializers, ops, regularizers
from npkeras.core import check
from npkeras.core.dtypes import numpy_dtype
from npkeras.core.random import SeedGenerator
from npkeras.core.registry import register
from npkeras.core.symbolic import is_symbolic
from npkeras.layers.base import Layer
from npkeras.layers.dense import known_features
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.recurrent import (
    RNN,
    DropoutRNNCell,
    dropout_rate,
    forget_masks,
    prepare_masks,
    unless_zero,
    zero_states,
)
from npkeras.ops.recurrent import lstm

_USUAL = activations.get("tanh"), activations.get("sigmoid")


@register("layers")
class LSTMCell(DropoutRNNCell, Layer):
    """One step of an LSTM, for use in `RNN`.

    Source: Hochreiter & Schmidhuber, 1997, "Long short-term memory"; the forget gate f: Gers,
    Schmidhuber & Cummins, 2000, "Learning to forget". With x the inputs and h, c the states:

        i, f, o = recurrent_activation(x @ W + h @ U + b)     a third each
        g = activation(x @ W + h @ U + b)
        c <- f * c + i * g
        h <- o * activation(c)

    Args:
        units: How many entries the output and each state have.
        activation: What g and c are bent by.
        recurrent_activation: What the gates are bent by.
        use_bias: Whether to add b.
        kernel_initializer, recurrent_initializer, bias_initializer: What W, U and b are before
            training.
        unit_forget_bias: Whether the forget gate's part of b begins as 1, so that a new cell
            remembers (Jozefowicz et al., 2015).
        kernel_regularizer, recurrent_regularizer, bias_regularizer: Penalties on W, U and b.
        kernel_constraint, recurrent_constraint, bias_constraint: Applied after every update.
        dropout: The part of the inputs to drop in training, the same at all steps.
        recurrent_dropout: The part of h to drop where the gates read it.
        seed: Where the random numbers for dropout start.

    Shapes:
        inputs (batch, features), states [h, c], each (batch, units) -> h (batch, units), [h, c]
        W = kernel (features, 4 * units): the gates i, f, g, o side by side
        U = recurrent_kernel (units, 4 * units), b = bias (4 * units,)

    Example:
        >>> layer = RNN(LSTMCell(4))
        >>> layer(np.ones((2, 5, 3))).shape
        (2, 4)
    """

    gates = 4

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        unit_forget_bias=True,
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
        kwargs.pop("implementation", None)  # older Keras: how to multiply, never what comes out
        super().__init__(**kwargs)
        owner = type(self).__name__
        self.units = check.positive_int(units, "units", owner)
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.unit_forget_bias = unit_forget_bias
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = dropout_rate(dropout, "dropout", owner)
        self.recurrent_dropout = dropout_rate(recurrent_dropout, "recurrent_dropout", owner)
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.state_size = [self.units, self.units]
        self.output_size = self.units

    def build(self, input_shape):
        self.kernel = self.add_weight(
            shape=(known_features(input_shape, self), 4 * self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, 4 * self.units),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(4 * self.units,),
                initializer=self._first_bias if self.unit_forget_bias else self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _first_bias(self, shape, dtype=None):
        """The bias before training, with ones for the forget gate."""
        units = self.units
        first = self.bias_initializer((units,), dtype=dtype)
        rest = self.bias_initializer((2 * units,), dtype=dtype)
        return np.concatenate([first, np.ones(units, dtype), rest])

    def get_initial_state(self, batch_size=None):
        """Zeros for h and c."""
        return zero_states(self.state_size, batch_size, numpy_dtype(self.compute_dtype))

    def call(self, inputs, states, training=False):
        h, c = states
        input_mask = state_mask = None
        if training and not is_symbolic([inputs, h]):
            input_mask = self.get_dropout_mask(inputs)
            state_mask = self.get_recurrent_dropout_mask(h)
        weights = [self.kernel, self.recurrent_kernel]
        if self.bias is not None:
            weights.append(self.bias)
        if isinstance(input_mask, list) or isinstance(state_mask, list):  # one for each gate
            input_masks, state_masks = input_mask or [None] * 4, state_mask or [None] * 4
            parts = [ops.split(weight, 4, axis=-1) for weight in weights]
            z = [
                _weighted(
                    inputs, h, input_masks[gate], state_masks[gate], *(p[gate] for p in parts)
                )
                for gate in range(4)
            ]
        else:
            z = _weighted(inputs, h, input_mask, state_mask, *weights)
            z = ops.split(z, 4, axis=-1)
        i, f, o = (self.recurrent_activation(z[gate]) for gate in (0, 1, 3))
        c = ops.add(ops.multiply(f, c), ops.multiply(i, self.activation(z[2])))
        h = ops.multiply(o, self.activation(c))
        return h, [h, c]


def _weighted(x, h, input_mask, state_mask, kernel, recurrent_kernel, bias=None):
    """x @ W + h @ U + b, with what dropout leaves of x and h."""
    x = x if input_mask is None else ops.multiply(x, input_mask)
    h = h if state_mask is None else ops.multiply(h, state_mask)
    z = ops.add(ops.matmul(x, kernel), ops.matmul(h, recurrent_kernel))
    return z if bias is None else ops.add(z, bias)


def _of_cell(name):
    return property(lambda self: getattr(self.cell, name), doc=f"`{name}` of the cell.")


@register("layers")
class LSTM(RNN):
    """Reads sequences step by step, with a memory that it decides what to do with.

    With the usual activations the whole sequence is one op, forward and backward; others take a
    loop over the cell and are slower. The formulas are in `LSTMCell`.

    Args:
        units: How many entries the output and each state have.
        activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer,
            bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout,
            recurrent_dropout, seed: As in `LSTMCell`.
        activity_regularizer: A penalty on the output, added to the loss.
        return_sequences, return_state, go_backwards, stateful, unroll: As in `RNN`.
        use_cudnn: Taken for Keras' sake; it changes nothing here.

    Call arguments:
        sequences: The inputs.
        initial_state: The states [h, c] to begin with, each (batch, units).
        mask: False at steps to leave out.
        training: Whether to use dropout.

    Shapes:
        sequences (batch, steps, features), mask (batch, steps)
        -> (batch, steps, units) with `return_sequences`, otherwise (batch, units);
        with `return_state` also h and c (batch, units)

    Example:
        >>> output, h, c = LSTM(4, return_sequences=True, return_state=True)(np.ones((2, 5, 3)))
        >>> output.shape, h.shape, c.shape
        ((2, 5, 4), (2, 4), (2, 4))
    """

    quiet_activity_regularizer = False

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
        use_bias=True,
        kernel_initializer="glorot_uniform",
        recurrent_initializer="orthogonal",
        bias_initializer="zeros",
        unit_forget_bias=True,
        kernel_regularizer=None,
        recurrent_regularizer=None,
        bias_regularizer=None,
        activity_regularizer=None,
        kernel_constraint=None,
        recurrent_constraint=None,
        bias_constraint=None,
        dropout=0.0,
        recurrent_dropout=0.0,
        seed=None,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        use_cudnn="auto",
        **kwargs,
    ):
        kwargs.pop("implementation", None)
        self.use_cudnn = check.one_of(("auto", True, False), use_cudnn, "use_cudnn", "LSTM")
        cell = LSTMCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer,
            recurrent_initializer, bias_initializer, unit_forget_bias, kernel_regularizer,
            recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, name="lstm_cell",
            dtype=kwargs.get("dtype"), trainable=kwargs.get("trainable", True),
        )  # fmt: skip
        options = return_sequences, return_state, go_backwards, stateful, unroll
        super().__init__(cell, *options, activity_regularizer=activity_regularizer, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    units = _of_cell("units")
    activation = _of_cell("activation")
    recurrent_activation = _of_cell("recurrent_activation")
    use_bias = _of_cell("use_bias")
    kernel_initializer = _of_cell("kernel_initializer")
    recurrent_initializer = _of_cell("recurrent_initializer")
    bias_initializer = _of_cell("bias_initializer")
    unit_forget_bias = _of_cell("unit_forget_bias")
    kernel_regularizer = _of_cell("kernel_regularizer")
    recurrent_regularizer = _of_cell("recurrent_regularizer")
    bias_regularizer = _of_cell("bias_regularizer")
    kernel_constraint = _of_cell("kernel_constraint")
    recurrent_constraint = _of_cell("recurrent_constraint")
    bias_constraint = _of_cell("bias_constraint")
    dropout = _of_cell("dropout")
    recurrent_dropout = _of_cell("recurrent_dropout")
    seed = _of_cell("seed")

    def build(self, sequences_shape, initial_state_shape=None):
        super().build(sequences_shape, initial_state_shape)
        self.input_spec = InputSpec(ndim=3, axes={-1: sequences_shape[-1]})

    def inner_loop(self, sequences, initial_state, mask, training=False):
        cell = self.cell
        if (cell.activation, cell.recurrent_activation) != _USUAL:
            return super().inner_loop(sequences, initial_state, mask, training)
        dropouts = None, None
        if not is_symbolic([sequences, initial_state]):
            prepare_masks([cell], sequences, initial_state, training)
            if training:
                dropouts = map(_stacked, (cell._input_mask, cell._state_mask))
            forget_masks([cell])
        output, h, c = lstm(
            sequences,
            cell.kernel,
            cell.recurrent_kernel,
            cell.bias,
            *map(unless_zero, initial_state),
            mask,
            *dropouts,
            return_sequences=self.return_sequences,
            go_backwards=self.go_backwards,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        return output, output, [h, c]

    def get_config(self):
        config = super().get_config()
        return {name: value for name, value in config.items() if name not in ("cell", "use_cudnn")}


def _stacked(mask):
    """The masks of the gates as one array; one that serves all gates, or None, as it is."""
    return np.stack(mask) if isinstance(mask, list) else mask

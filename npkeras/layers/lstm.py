"""LSTM: a layer that reads sequences and remembers, and its cell."""

import numpy as np

from npkeras import activations, ops
from npkeras.core import check
from npkeras.core.random import SeedGenerator
from npkeras.core.registry import register
from npkeras.layers.recurrent_base import RecurrentCell, RecurrentLayer, of_cell, weighted
from npkeras.ops.recurrent import lstm


@register("layers")
class LSTMCell(RecurrentCell):
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
        self._keep(
            units, activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout,
            seed,
        )  # fmt: skip
        self.recurrent_activation = activations.get(recurrent_activation)
        self.unit_forget_bias = unit_forget_bias
        self.seed_generator = SeedGenerator(seed)
        self.state_size = [self.units, self.units]

    def _first_bias(self):
        return self._remembering if self.unit_forget_bias else self.bias_initializer

    def _remembering(self, shape, dtype=None):
        """The bias before training, with ones for the forget gate."""
        units = self.units
        first = self.bias_initializer((units,), dtype=dtype)
        rest = self.bias_initializer((2 * units,), dtype=dtype)
        return np.concatenate([first, np.ones(units, dtype), rest])

    def call(self, inputs, states, training=False):
        h, c = states
        input_mask, state_mask = self._masks(inputs, h, training)
        weights = self._weights()
        if isinstance(input_mask, list) or isinstance(state_mask, list):  # one for each gate
            input_masks, state_masks = input_mask or [None] * 4, state_mask or [None] * 4
            parts = [ops.split(weight, 4, axis=-1) for weight in weights]
            z = [
                weighted(inputs, h, input_masks[gate], state_masks[gate], *(p[gate] for p in parts))
                for gate in range(4)
            ]
        else:
            z = weighted(inputs, h, input_mask, state_mask, *weights)
            z = ops.split(z, 4, axis=-1)
        i, f, o = (self.recurrent_activation(z[gate]) for gate in (0, 1, 3))
        c = ops.add(ops.multiply(f, c), ops.multiply(i, self.activation(z[2])))
        h = ops.multiply(o, self.activation(c))
        return h, [h, c]


@register("layers")
class LSTM(RecurrentLayer):
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

    cell_class = LSTMCell
    usual = {**RecurrentLayer.usual, "recurrent_activation": activations.get("sigmoid")}

    recurrent_activation = of_cell("recurrent_activation")
    unit_forget_bias = of_cell("unit_forget_bias")
    seed = of_cell("seed")

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

    def whole(self, *arrays, **options):
        return lstm(*arrays, **options)

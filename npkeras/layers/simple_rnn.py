"""SimpleRNN: a layer that reads sequences with a plain state, and its cell."""

from npkeras.core.random import SeedGenerator
from npkeras.core.registry import register
from npkeras.layers.recurrent_base import RecurrentCell, RecurrentLayer, weighted
from npkeras.ops.recurrent import simple_rnn


@register("layers")
class SimpleRNNCell(RecurrentCell):
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

    always_draws = True

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
        self.seed_generator = SeedGenerator(seed)  # draws its seed before the initializers do
        self._keep(
            units, activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout,
            seed,
        )  # fmt: skip

    def call(self, sequence, states, training=False):
        listed = isinstance(states, (list, tuple))
        h = states[0] if listed else states
        masks = self._masks(sequence, h, training)
        h = self.activation(weighted(sequence, h, *masks, *self._weights()))
        return h, [h] if listed else h


@register("layers")
class SimpleRNN(RecurrentLayer):
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

    not_in_config = frozenset({"cell", "seed"})
    cell_class = SimpleRNNCell

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

    def whole(self, *arrays, **options):
        return simple_rnn(*arrays, **options)

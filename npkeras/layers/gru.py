"""GRU: a layer that reads sequences and decides what to keep, and its cell."""

from npkeras import activations, ops
from npkeras.core import check
from npkeras.core.random import SeedGenerator
from npkeras.core.registry import register
from npkeras.layers.recurrent_base import RecurrentCell, RecurrentLayer, of_cell
from npkeras.ops.recurrent import gru


@register("layers")
class GRUCell(RecurrentCell):
    """One step of a GRU, for use in `RNN`.

    Source: Cho et al., 2014, "Learning phrase representations using RNN encoder-decoder for
    statistical machine translation". With x the inputs and h the state:

        z, r = recurrent_activation(x @ W + b + h @ U + c)       a third each
        n = activation(x @ W + b + r * (h @ U + c))              with `reset_after`
        n = activation(x @ W + b + (r * h) @ U)                  otherwise
        h <- z * h + (1 - z) * n

    Args:
        units: How many entries the output and the state have.
        activation: What n is bent by.
        recurrent_activation: What the gates are bent by.
        use_bias: Whether to add b and c.
        kernel_initializer, recurrent_initializer, bias_initializer: What W, U, and b and c are
            before training.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: Penalties on W, U and the
            biases.
        kernel_constraint, recurrent_constraint, bias_constraint: Applied after every update.
        dropout: The part of the inputs to drop in training, the same at all steps.
        recurrent_dropout: The part of h to drop where the gates read it.
        reset_after: Whether r is applied after the matmul and not before. Only then there is c.
        seed: Where the random numbers for dropout start.

    Shapes:
        inputs (batch, features), states [h] or h, (batch, units) -> h (batch, units), the states
        W = kernel (features, 3 * units): z, r, n side by side
        U = recurrent_kernel (units, 3 * units)
        b, c = bias (2, 3 * units) with `reset_after`, otherwise b = bias (3 * units,)

    Example:
        >>> layer = RNN(GRUCell(4))
        >>> layer(np.ones((2, 5, 3))).shape
        (2, 4)
    """

    gates = 3

    def __init__(
        self,
        units,
        activation="tanh",
        recurrent_activation="sigmoid",
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
        reset_after=True,
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
        self.reset_after = bool(reset_after)
        self.seed_generator = SeedGenerator(seed)

    @property
    def bias_rows(self):
        return (2,) if self.reset_after else ()

    def call(self, inputs, states, training=False):
        listed = isinstance(states, (list, tuple))
        h = states[0] if listed else states
        input_masks, state_masks = self._masks(inputs, h, training)
        input_bias, state_bias = self.bias, None
        if self.bias is not None and self.reset_after:
            input_bias, state_bias = ops.unstack(self.bias, axis=0)
        x_z, x_r, x_n = _products(_dropped(inputs, input_masks), self.kernel, input_bias)
        hs = _dropped(h, state_masks)
        if self.reset_after:
            h_z, h_r, h_n = _products(hs, self.recurrent_kernel, state_bias)
        else:
            of_z, of_r, of_n = ops.split(self.recurrent_kernel, 3, axis=-1)
            h_z, h_r = ops.matmul(hs[0], of_z), ops.matmul(hs[1], of_r)
        z = self.recurrent_activation(ops.add(x_z, h_z))
        r = self.recurrent_activation(ops.add(x_r, h_r))
        if self.reset_after:
            h_n = ops.multiply(r, h_n)
        else:
            h_n = ops.matmul(ops.multiply(r, hs[2]), of_n)
        n = self.activation(ops.add(x_n, h_n))
        h = ops.add(ops.multiply(z, h), ops.multiply(ops.subtract(1.0, z), n))
        return h, [h] if listed else h


def _dropped(x, masks):
    """What dropout leaves of x, for each gate."""
    if masks is None:
        return [x] * 3
    if isinstance(masks, list):
        return [ops.multiply(x, mask) for mask in masks]
    return [ops.multiply(x, masks)] * 3


def _products(xs, weights, bias):
    """For each gate its x @ its third of the weights + its third of the bias."""
    if xs[0] is xs[1]:
        y = ops.matmul(xs[0], weights)
        return ops.split(y if bias is None else ops.add(y, bias), 3, axis=-1)
    ys = [ops.matmul(x, w) for x, w in zip(xs, ops.split(weights, 3, axis=-1), strict=True)]
    if bias is None:
        return ys
    return [ops.add(y, b) for y, b in zip(ys, ops.split(bias, 3, axis=-1), strict=True)]


@register("layers")
class GRU(RecurrentLayer):
    """Reads sequences step by step, with a state of which it decides what to keep.

    With the usual activations the whole sequence is one op, forward and backward; others take a
    loop over the cell and are slower. The formulas are in `GRUCell`.

    Args:
        units: How many entries the output and the state have.
        activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout,
            seed, reset_after: As in `GRUCell`.
        activity_regularizer: A penalty on the output, added to the loss.
        return_sequences, return_state, go_backwards, stateful, unroll: As in `RNN`.
        use_cudnn: Taken for Keras' sake; it changes nothing here.

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
        >>> output, h = GRU(4, return_sequences=True, return_state=True)(np.ones((2, 5, 3)))
        >>> output.shape, h.shape
        ((2, 5, 4), (2, 4))
    """

    cell_class = GRUCell
    usual = {**RecurrentLayer.usual, "recurrent_activation": activations.get("sigmoid")}

    recurrent_activation = of_cell("recurrent_activation")
    reset_after = of_cell("reset_after")
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
        reset_after=True,
        use_cudnn="auto",
        **kwargs,
    ):
        kwargs.pop("implementation", None)
        self.use_cudnn = check.one_of(("auto", True, False), use_cudnn, "use_cudnn", "GRU")
        cell = GRUCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer,
            recurrent_initializer, bias_initializer, kernel_regularizer, recurrent_regularizer,
            bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout,
            recurrent_dropout, reset_after, seed, name="gru_cell",
            dtype=kwargs.get("dtype"), trainable=kwargs.get("trainable", True),
        )  # fmt: skip
        options = return_sequences, return_state, go_backwards, stateful, unroll
        super().__init__(cell, *options, activity_regularizer=activity_regularizer, **kwargs)

    def whole(self, *arrays, **options):
        return gru(*arrays, reset_after=self.reset_after, **options)

"""What `SimpleRNN`, `GRU` and `LSTM` share: of their cells, and of the layers themselves."""

import numpy as np

from npkeras import activations, constraints, initializers, ops, regularizers
from npkeras.core import check
from npkeras.core.dtypes import numpy_dtype
from npkeras.core.registry import CustomObjectScope
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


def _made_from(cls, config, custom_objects=None):
    """A layer like the one whose `get_config` gave `config`.

    What is in the config becomes objects only in `__init__`, in the order in which Keras makes
    them: those without a seed draw one.
    """
    with CustomObjectScope(custom_objects):
        return cls(**config)


class RecurrentCell(DropoutRNNCell, Layer):
    """What the cells of `SimpleRNN`, `GRU` and `LSTM` share.

    Their kernels have `units` columns for each of the `gates`.
    """

    bias_rows = ()  # the axes of the bias before its columns

    def _keep(
        self, units, activation, use_bias, kernel_initializer, recurrent_initializer,
        bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer,
        kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed,
    ):  # fmt: skip
        """Check and store the arguments of the constructor that all cells have."""
        owner = type(self).__name__
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
        self.seed = seed
        self.state_size = self.units
        self.output_size = self.units

    def build(self, input_shape):
        columns = self.gates * self.units
        self.kernel = self.add_weight(
            shape=(known_features(input_shape, self), columns),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, columns),
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(*self.bias_rows, columns),
                initializer=self._first_bias(),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _first_bias(self):
        """What the bias is before training, as an initializer."""
        return self.bias_initializer

    def get_initial_state(self, batch_size=None):
        """Zeros for each state."""
        return zero_states(self.state_size, batch_size, numpy_dtype(self.compute_dtype))

    def _weights(self):
        """The kernel, the recurrent kernel and, if there is one, the bias."""
        own = self.kernel, self.recurrent_kernel, self.bias
        return own if self.bias is not None else own[:2]

    from_config = classmethod(_made_from)


def weighted(x, h, input_mask, state_mask, kernel, recurrent_kernel, bias=None):
    """x @ W + h @ U + b, with what dropout leaves of x and h."""
    x = x if input_mask is None else ops.multiply(x, input_mask)
    h = h if state_mask is None else ops.multiply(h, state_mask)
    z = ops.add(ops.matmul(x, kernel), ops.matmul(h, recurrent_kernel))
    return z if bias is None else ops.add(z, bias)


def of_cell(name):
    """A property that shows an attribute of the cell."""
    return property(lambda self: getattr(self.cell, name), doc=f"`{name}` of the cell.")


class RecurrentLayer(RNN):
    """What `SimpleRNN`, `GRU` and `LSTM` share: they make their cell themselves.

    With the cell's `usual` activations the whole sequence is one op, `whole`.
    """

    input_spec = InputSpec(ndim=3)
    quiet_activity_regularizer = False
    not_in_config = frozenset({"cell", "use_cudnn"})
    cell_class = RecurrentCell
    usual = {"activation": activations.get("tanh")}

    units = of_cell("units")
    activation = of_cell("activation")
    use_bias = of_cell("use_bias")
    kernel_initializer = of_cell("kernel_initializer")
    recurrent_initializer = of_cell("recurrent_initializer")
    bias_initializer = of_cell("bias_initializer")
    kernel_regularizer = of_cell("kernel_regularizer")
    recurrent_regularizer = of_cell("recurrent_regularizer")
    bias_regularizer = of_cell("bias_regularizer")
    kernel_constraint = of_cell("kernel_constraint")
    recurrent_constraint = of_cell("recurrent_constraint")
    bias_constraint = of_cell("bias_constraint")
    dropout = of_cell("dropout")
    recurrent_dropout = of_cell("recurrent_dropout")

    def build(self, sequences_shape, initial_state_shape=None):
        super().build(sequences_shape, initial_state_shape)
        self.input_spec = InputSpec(ndim=3, axes={-1: sequences_shape[-1]})

    def whole(self, *arrays, **options):
        """The op that takes the usual cell along whole sequences: the output, then the states."""
        raise NotImplementedError

    def inner_loop(self, sequences, initial_state, mask, training=False):
        cell = self.cell
        usual = all(getattr(cell, name) == function for name, function in self.usual.items())
        if not usual or type(cell) is not self.cell_class:
            return super().inner_loop(sequences, initial_state, mask, training)
        output, *states = self.whole(
            sequences,
            cell.kernel,
            cell.recurrent_kernel,
            cell.bias,
            *map(unless_zero, initial_state),
            mask,
            *self._drawn_masks(sequences, initial_state, training),
            return_sequences=self.return_sequences,
            go_backwards=self.go_backwards,
            zero_output_for_mask=self.zero_output_for_mask,
        )
        return output, output, states

    def _drawn_masks(self, sequences, states, training):
        """The masks of a whole sequence for its inputs and its state, each one array or None.

        Masks that differ between gates are stacked: (gates, batch, ...).
        """
        cell = self.cell
        if is_symbolic([sequences, states]):
            return None, None
        prepare_masks(cell, sequences, states, training)
        masks = (cell._input_mask, cell._state_mask) if training else (None, None)
        forget_masks(cell)
        return [np.stack(mask) if isinstance(mask, list) else mask for mask in masks]

    from_config = classmethod(_made_from)

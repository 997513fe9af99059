"""RNN: any cell taken along a sequence; what recurrent layers and their cells have in common."""

import numpy as np

from npkeras import ops
from npkeras.core import check, tree
from npkeras.core.dtypes import numpy_dtype
from npkeras.core.random import dropout_mask
from npkeras.core.registry import deserialize, register, serialize
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor, is_symbolic
from npkeras.core.tape import plain
from npkeras.core.variable import Variable
from npkeras.layers.base import Layer
from npkeras.layers.signatures import call_signature
from npkeras.ops.recurrent import rnn


class DropoutRNNCell:
    """What cells with dropout share: masks that stay the same for all steps of a sequence.

    The masks are drawn when first asked for and kept until they are reset. If `recurrent_dropout`
    is used and there are several gates, each has masks of its own: a mask is then a list of arrays.

    A cell has `dropout`, `recurrent_dropout` and `seed_generator`.
    """

    gates = 1
    always_draws = False  # whether a call draws masks outside training too, which it does not use
    _input_mask = None
    _state_mask = None

    def get_dropout_mask(self, step_input):
        """What the inputs of a step are multiplied by in training; None without dropout."""
        if self._input_mask is None and self.dropout > 0:
            self._input_mask = self._new_mask(step_input, self.dropout)
        return self._input_mask

    def get_recurrent_dropout_mask(self, step_input):
        """What the state is multiplied by in training; None without recurrent dropout."""
        if self._state_mask is None and self.recurrent_dropout > 0:
            self._state_mask = self._new_mask(step_input, self.recurrent_dropout)
        return self._state_mask

    def reset_dropout_mask(self):
        """Have the next call draw another mask for the inputs."""
        self._input_mask = None

    def reset_recurrent_dropout_mask(self):
        """Have the next call draw another mask for the state."""
        self._state_mask = None

    def _masks(self, step_input, state, training):
        """The masks for the inputs and for the state of a step, or None."""
        if not (training or self.always_draws) or is_symbolic([step_input, state]):
            return None, None
        masks = self.get_dropout_mask(step_input), self.get_recurrent_dropout_mask(state)
        return masks if training else (None, None)

    def _arrays_of_a_mask(self):
        return self.gates if self.recurrent_dropout > 0 else 1

    def _new_mask(self, like, rate):
        arrays = [
            dropout_mask(shape_of(like), rate, self.seed_generator, self.compute_dtype)
            for _ in range(self._arrays_of_a_mask())
        ]
        return arrays if len(arrays) > 1 else arrays[0]

    def _pass_over_masks(self):
        """Move the generator on as far as drawing both masks would.

        Keras draws them outside training too, and does not use them.
        """
        for rate in (self.dropout, self.recurrent_dropout):
            for _ in range(self._arrays_of_a_mask() if rate > 0 else 0):
                self.seed_generator.next()


def dropout_rate(rate, name, owner):
    """The rate, brought into [0, 1]."""
    return min(1.0, max(0.0, check.number(rate, name, owner)))


def zero_states(state_size, batch_size, dtype):
    """A list of zeros (batch_size, size), one for each size; a size may have several axes."""
    if batch_size is None:
        raise ValueError(
            "States that begin as zeros have a row for each sample: `get_initial_state` needs the "
            "`batch_size`. Received: batch_size=None"
        )
    sizes = state_size if isinstance(state_size, (list, tuple)) else [state_size]
    return [
        np.zeros((batch_size, *(size if isinstance(size, (list, tuple)) else (size,))), dtype)
        for size in sizes
    ]


def unless_zero(state):
    """None for a state of zeros that nothing is learnt from: kernels have less to do then."""
    return None if isinstance(state, np.ndarray) and not state.any() else state


@register("layers")
class RNN(Layer):
    """Takes a cell along the steps of sequences.

    The cell is a layer whose call `(inputs of a step, states)` returns `(output, new states)`, with
    an attribute `state_size`: a number, or a list of numbers, one for each state. It may have
    `output_size`, and `get_initial_state(batch_size)` for states that do not begin as zeros.

    Args:
        cell: The cell, or a list of cells, one on top of the other.
        return_sequences: Whether to return the outputs of all steps or only the last.
        return_state: Whether to return the last states too.
        go_backwards: Whether to take the last step first. The outputs come in the order taken.
        stateful: Whether each batch goes on with the states in which the one before it ended,
            row by row. Batches must then all be of one size, known beforehand.
        unroll: Taken for Keras' sake; it changes nothing here.
        zero_output_for_mask: Whether the output is zero at masked steps. Otherwise they repeat
            the output before them.

    Call arguments:
        sequences: The inputs. A list [sequences, *states] is taken apart.
        initial_state: The states to begin with, a list as long as `state_size`.
        mask: False at steps to leave out: they carry the states on unchanged.
        training: Whether to use dropout; handed to the cell.

    Shapes:
        sequences (batch, steps, ...), mask (batch, steps)
        -> (batch, steps, ...) or (batch, ...), and the states

    Example:
        >>> cells = [npkeras.layers.LSTMCell(8), npkeras.layers.LSTMCell(4)]
        >>> layer = RNN(cells, return_sequences=True)
        >>> layer(np.ones((2, 5, 3))).shape
        (2, 5, 4)
    """

    supports_masking = True
    untracked = Layer.untracked | {"states"}
    input_advice = (
        "It takes (samples, steps, features). Below another recurrent layer, one needs "
        "`return_sequences=True`."
    )

    def __init__(
        self,
        cell,
        return_sequences=False,
        return_state=False,
        go_backwards=False,
        stateful=False,
        unroll=False,
        zero_output_for_mask=False,
        **kwargs,
    ):
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        _check_cell(cell, "RNN")
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.states = None

    @property
    def state_size(self):
        """The sizes of the states, as a list."""
        size = self.cell.state_size
        return list(size) if isinstance(size, (list, tuple)) else [size]

    def build(self, sequences_shape, initial_state_shape=None):
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if self.stateful:
            self._make_states(sequences_shape[0])

    def _make_states(self, batch_size):
        if batch_size is None:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) is stateful and needs to know the "
                "batch size beforehand: give it in `Input(batch_shape=(batch, steps, features))`."
            )
        dtype = self.variable_dtype
        self.states = tree.map(
            lambda state: Variable(state, dtype=dtype, trainable=False, name="rnn_state"),
            self.get_initial_state(batch_size),
        )

    def get_initial_state(self, batch_size):
        """The states a sequence begins with, unless told otherwise: zeros for most cells."""
        if hasattr(self.cell, "get_initial_state"):
            states = self.cell.get_initial_state(batch_size=batch_size)
        else:
            states = zero_states(self.state_size, batch_size, numpy_dtype(self.compute_dtype))
        return list(states) if isinstance(states, (list, tuple)) else [states]

    def reset_states(self):
        """Have the next batch begin anew. Only a stateful layer remembers anything."""
        self.reset_state()

    def reset_state(self):
        """Have the next batch begin anew. Only a stateful layer remembers anything."""
        for state in tree.leaves(self.states) if self.states is not None else ():
            state.assign(np.zeros(state.shape, state.dtype))

    def __call__(self, *args, **kwargs):
        if args and isinstance(args[0], (list, tuple)) and "initial_state" not in kwargs:
            (sequences, *states), *rest = args  # the states beside the inputs, as in Keras 2
            return super().__call__(sequences, *rest, **kwargs, **_given_states(states))
        return super().__call__(*args, **kwargs)

    def call(self, sequences, initial_state=None, mask=None, training=False):
        shape = shape_of(sequences)
        if shape[1] == 0:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects sequences of at least one "
                f"step. Received an input of shape {shape}."
            )
        states = self._first_states(shape[0], initial_state)
        output, outputs, states = self.inner_loop(
            sequences, states, self._read_mask(mask, shape), training
        )
        result, states = self._cast([outputs if self.return_sequences else output, states])
        if is_symbolic(states):
            if isinstance(self.cell, StackedRNNCells):
                states = map(_without_list, states, self.state_size)
        elif self.stateful:
            for variable, state in zip(tree.leaves(self.states), tree.leaves(states), strict=True):
                variable.assign(plain(state))
        return (result, *states) if self.return_state else result

    def _first_states(self, batch_size, initial_state):
        """The states to begin with, checked, in the compute dtype."""
        if self.stateful:
            expected = shape_of(tree.leaves(self.states)[0])[0]
            if batch_size not in (None, expected):
                raise ValueError(
                    f"Layer {self.name!r} ({type(self).__name__}) is stateful and holds states for "
                    f"batches of {expected} rows. Received a batch of {batch_size}. Feed batches "
                    "of one size, or make it with stateful=False."
                )
        if initial_state is None:
            if self.stateful:
                return tree.map(lambda state: self._cast(state.value), self.states)
            if batch_size is not None:
                return self._cast(self.get_initial_state(batch_size))
            return tree.map(
                lambda state: KerasTensor((None, *shape_of(state)[1:]), self.compute_dtype),
                self.get_initial_state(1),
            )
        if not isinstance(initial_state, (list, tuple)):
            initial_state = [initial_state]
        self._check_states(initial_state, batch_size)
        return tree.map(lambda state: _for_rows(state, batch_size), self._cast(list(initial_state)))

    def _check_states(self, states, batch_size):
        leaves = tree.leaves(states)
        sizes = [
            size if isinstance(size, (list, tuple)) else (size,) for size in _flat(self.state_size)
        ]
        counts = [len(_flat(size)) for size in self.state_size]
        fits = [len(tree.leaves(state)) for state in states] == counts and all(
            tuple(shape_of(state)[1:]) in (tuple(size), (None,) * len(size))
            and (batch_size is None or shape_of(state)[0] in (batch_size, 1, None))
            for state, size in zip(leaves, sizes, strict=True)
        )
        if not fits:
            batch = "batch" if batch_size is None else batch_size
            raise ValueError(
                f"`initial_state` of layer {self.name!r} ({type(self).__name__}) must hold "
                f"{len(sizes)} arrays, of shapes {[(batch, *size) for size in sizes]}. "
                f"Received shapes {[tuple(shape_of(state)) for state in leaves]}."
                + (" Each cell of a stack has a list of its own." if max(counts) > 1 else "")
            )

    def _read_mask(self, mask, shape):
        """The mask as booleans (batch, steps), or None."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        if mask is None or isinstance(mask, KerasTensor) or None in shape[:2]:
            return None  # a mask has no bearing on shapes
        mask = np.asarray(plain(mask)).astype(bool, copy=False)
        if mask.ndim == 3 and mask.shape[-1] == 1:
            mask = mask[..., 0]
        if mask.shape == (1, shape[1]):
            mask = np.broadcast_to(mask, tuple(shape[:2]))
        if mask.shape != tuple(shape[:2]):
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects a mask of shape "
                f"{tuple(shape[:2])}, one entry for each step. Received a mask of shape "
                f"{mask.shape}."
            )
        return mask

    def inner_loop(self, sequences, initial_state, mask, training=False):
        """Take the cell along the steps: the last output, all outputs, the last states."""
        takes_training = _takes_training(self.cell)

        def step(inputs, states):
            states = list(states)
            if takes_training:
                return self.cell(inputs, states, training=training)
            return self.cell(inputs, states)

        if not is_symbolic([sequences, initial_state]):
            prepare_masks(self.cell, sequences, initial_state, training)
        try:
            return rnn(
                step, sequences, initial_state, go_backwards=self.go_backwards, mask=mask,
                unroll=self.unroll, zero_output_for_mask=self.zero_output_for_mask,
                return_all_outputs=self.return_sequences,
            )  # fmt: skip
        finally:
            forget_masks(self.cell)

    def compute_mask(self, inputs, previous_mask):
        """The mask of the outputs, if there is one output for each step; states have none."""
        mask = previous_mask[0] if isinstance(previous_mask, (list, tuple)) else previous_mask
        mask = mask if self.return_sequences else None
        return [mask, *[None] * len(self.state_size)] if self.return_state else mask

    def get_config(self):
        config = super().get_config()
        if "cell" in config:
            config["cell"] = serialize(self.cell)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        if "cell" in config:
            config["cell"] = deserialize(config["cell"], custom_objects, "layers")
        return super().from_config(config)


@register("layers")
class StackedRNNCells(Layer):
    """Cells one on top of the other, as one cell: each reads the output of the one below.

    Args:
        cells: The cells, the lowest first.

    Shapes: inputs (batch, features) -> the output of the last cell, and a list of states a cell;
        a state that came without a list goes without one
    """

    def __init__(self, cells, **kwargs):
        for cell in cells:
            _check_cell(cell, "StackedRNNCells")
        super().__init__(**kwargs)
        self.cells = list(cells)

    @property
    def state_size(self):
        """The sizes of each cell's states: a list of lists, or of numbers."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self):
        """The size of the last cell's output."""
        return _output_size(self.cells[-1])

    def get_initial_state(self, batch_size=None):
        """The states each cell begins with."""
        dtype = numpy_dtype(self.compute_dtype)
        return [
            cell.get_initial_state(batch_size=batch_size)
            if hasattr(cell, "get_initial_state")
            else _without_list(zero_states(cell.state_size, batch_size, dtype), cell.state_size)
            for cell in self.cells
        ]

    def build(self, input_shape):
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], *_output_shape(cell))

    def call(self, inputs, states, training=False, **kwargs):
        new_states = []
        for cell, state in zip(self.cells, states, strict=True):
            given = {**kwargs, "training": training} if _takes_training(cell) else kwargs
            bare = not isinstance(state, (list, tuple))
            inputs, state = cell(inputs, [state] if bare else list(state), **given)
            new_states.append(tree.leaves(state)[0] if bare else state)
        return inputs, new_states

    def get_config(self):
        config = super().get_config()
        config["cells"] = [serialize(cell) for cell in self.cells]
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        cells = [deserialize(cell, custom_objects, "layers") for cell in config["cells"]]
        return super().from_config({**config, "cells": cells})


def _given_states(states):
    return {"initial_state": states} if states else {}


def _check_cell(cell, owner):
    if not hasattr(cell, "call"):
        raise ValueError(
            f"A cell of {owner} must have a method `call`. Received: cell={check.shown(cell)}"
        )
    if not hasattr(cell, "state_size"):
        raise ValueError(
            f"A cell of {owner} must have an attribute `state_size`: a number, or one for each "
            f"state. Received: cell={check.shown(cell)}"
        )


def _flat(sizes):
    """Sizes of states as a flat list; a tuple is the size of one state of several axes."""
    if not isinstance(sizes, list):
        return [sizes]
    return [size for part in sizes for size in _flat(part)]


def _without_list(states, size):
    """The one state of a cell whose size is a number; other states as they are."""
    one = isinstance(states, list) and len(states) == 1 and not isinstance(size, list)
    return states[0] if one else states


def _for_rows(state, batch_size):
    """A state for each row; one row serves all."""
    if batch_size is None or is_symbolic(state) or shape_of(state)[0] == batch_size:
        return state
    return ops.broadcast_to(state, (batch_size, *shape_of(state)[1:]))


def _output_size(cell):
    return getattr(cell, "output_size", None) or _flat(cell.state_size)[0]


def _output_shape(cell):
    """The shape of a cell's output, without the batch."""
    size = _output_size(cell)
    return tuple(size) if isinstance(size, (list, tuple)) else (size,)


def _takes_training(cell):
    return call_signature(type(cell)).takes_training


def _cells_of(cell):
    """The cells of a stack, the lowest first, also those of stacks within it."""
    if isinstance(cell, StackedRNNCells):
        return [inner for one in cell.cells for inner in _cells_of(one)]
    return [cell]


def _states_of(cell, states):
    """The states of each of `_cells_of`."""
    if isinstance(cell, StackedRNNCells):
        pairs = zip(cell.cells, states, strict=True)
        return [inner for one, own in pairs for inner in _states_of(one, own)]
    return [states]


def prepare_masks(cell, sequences, states, training):
    """Have the cells draw the masks of this sequence: those of the inputs before the state's."""
    batch, _, *shape = shape_of(sequences)
    for one, own in zip(_cells_of(cell), _states_of(cell, states), strict=True):
        if isinstance(one, DropoutRNNCell):
            if training or one.always_draws:
                one.get_dropout_mask(np.broadcast_to(np.float32(0), (batch, *shape)))
                one.get_recurrent_dropout_mask(tree.leaves(own)[0])
            else:
                one._pass_over_masks()
        shape = _output_shape(one)


def forget_masks(cell):
    """Have the next sequence draw masks of its own."""
    for one in _cells_of(cell):
        if isinstance(one, DropoutRNNCell):
            one.reset_dropout_mask()
            one.reset_recurrent_dropout_mask()

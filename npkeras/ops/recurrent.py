"""Recurrent ops: LSTM, GRU and plain networks as one op each, and `rnn` for any step function."""

from __future__ import annotations

import numpy as np

from npkeras.core import tree
from npkeras.core.dtypes import dtype_of, result_type
from npkeras.core.op import fused_op
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor, is_symbolic
from npkeras.core.tape import plain
from npkeras.kernels import recurrent as kernels
from npkeras.kernels.gru import gru as gru_kernel
from npkeras.kernels.gru import gru_backward
from npkeras.kernels.simple_rnn import simple_rnn as simple_rnn_kernel
from npkeras.kernels.simple_rnn import simple_rnn_backward
from npkeras.ops.arrange import stack, unstack
from npkeras.ops.create import zeros_like
from npkeras.ops.elementwise import where


def _infer(x, kernel, recurrent_kernel, return_sequences, states):
    """The output and so many states."""
    batch, time, _ = shape_of(x)
    units = shape_of(recurrent_kernel)[0]
    output = (batch, time, units) if return_sequences else (batch, units)
    dtype = result_type(dtype_of(x), dtype_of(kernel))
    return tuple(KerasTensor(shape, dtype) for shape in (output, *[(batch, units)] * states))


def _infer_lstm(x, kernel, recurrent_kernel, *arrays, return_sequences=False, **options):
    return _infer(x, kernel, recurrent_kernel, return_sequences, states=2)


def _infer_one_state(x, kernel, recurrent_kernel, *arrays, return_sequences=False, **options):
    return _infer(x, kernel, recurrent_kernel, return_sequences, states=1)


def _computed_in(arrays):
    """The arrays in the dtype to compute in, and the dtype in which they meet.

    Integers meet floats in the floats' dtype, as Keras has it and NumPy does not.
    """
    given = [a.dtype for a in arrays if a is not None]
    dtype = np.result_type(*[d for d in given if d.kind == "f"])
    inner = np.dtype(np.float32) if dtype == np.float16 else dtype
    if any(d != inner for d in given):
        arrays = [None if a is None else a.astype(inner, copy=False) for a in arrays]
    return arrays, dtype


def _all_in(dtype, arrays):
    return [None if a is None else a.astype(dtype, copy=False) for a in arrays]


@fused_op(_infer_lstm)
def lstm(
    x,
    kernel,
    recurrent_kernel,
    bias=None,
    h=None,
    c=None,
    mask=None,
    input_dropout=None,
    recurrent_dropout=None,
    *,
    wanted,
    return_sequences=False,
    go_backwards=False,
    zero_output_for_mask=False,
):
    """An LSTM with its usual activations, over whole sequences.

    Half precision is computed in single precision and rounded at the end.

    Args:
        h, c: The states to begin with; zeros if None.
        mask: False at steps to leave out.
        input_dropout, recurrent_dropout: Factors for x, and for h where the gates read it.
        return_sequences: Whether the output holds all steps or only the last.
        go_backwards: Whether to take the last step first.
        zero_output_for_mask: Whether the output at a masked step is zero, not repeated.

    Shapes:
        x (batch, time, features), kernel (features, 4 * units): the gates i, f, g, o
        recurrent_kernel (units, 4 * units), bias (4 * units,), h and c (batch, units)
        mask (batch, time), input_dropout (batch, features) or (4, batch, features),
        recurrent_dropout (batch, units) or (4, batch, units)
        -> output (batch, time, units) or (batch, units), h and c (batch, units)
    """
    arrays = (x, kernel, recurrent_kernel, bias, h, c, input_dropout, recurrent_dropout)
    arrays, dtype = _computed_in(arrays)
    *outputs, trace = kernels.lstm(
        *arrays[:6], mask, *arrays[6:], return_sequences, go_backwards, zero_output_for_mask,
        bool(wanted),
    )  # fmt: skip

    def backward(dys):
        dys = _all_in(arrays[0].dtype, dys)
        want_weights = any(i in wanted for i in (1, 2, 3))
        gradients = kernels.lstm_backward(*dys, trace, 0 in wanted, want_weights)
        return (*_all_in(dtype, gradients), None, None, None)

    return tuple(_all_in(dtype, outputs)), backward


@fused_op(_infer_one_state)
def gru(
    x,
    kernel,
    recurrent_kernel,
    bias=None,
    h=None,
    mask=None,
    input_dropout=None,
    recurrent_dropout=None,
    *,
    wanted,
    reset_after=True,
    return_sequences=False,
    go_backwards=False,
    zero_output_for_mask=False,
):
    """A GRU with its usual activations, over whole sequences.

    Half precision is computed in single precision and rounded at the end.

    Args:
        h: The state to begin with; zeros if None.
        mask: False at steps to leave out.
        input_dropout, recurrent_dropout: Factors for x, and for h where the gates read it.
        reset_after: Whether the reset gate is applied after the matmul of h and not before.
        return_sequences: Whether the output holds all steps or only the last.
        go_backwards: Whether to take the last step first.
        zero_output_for_mask: Whether the output at a masked step is zero, not repeated.

    Shapes:
        x (batch, time, features), kernel (features, 3 * units): the gates z, r, n
        recurrent_kernel (units, 3 * units), h (batch, units), mask (batch, time)
        bias (2, 3 * units), for x and for h, with `reset_after`, otherwise (3 * units,)
        input_dropout (batch, features) or (3, batch, features),
        recurrent_dropout (batch, units) or (3, batch, units)
        -> output (batch, time, units) or (batch, units), h (batch, units)
    """
    arrays = (x, kernel, recurrent_kernel, bias, h, input_dropout, recurrent_dropout)
    arrays, dtype = _computed_in(arrays)
    *outputs, trace = gru_kernel(
        *arrays[:5], mask, *arrays[5:], reset_after, return_sequences, go_backwards,
        zero_output_for_mask, bool(wanted),
    )  # fmt: skip
    return _one_state(outputs, dtype, arrays[0].dtype, gru_backward, trace, wanted)


@fused_op(_infer_one_state)
def simple_rnn(
    x,
    kernel,
    recurrent_kernel,
    bias=None,
    h=None,
    mask=None,
    input_dropout=None,
    recurrent_dropout=None,
    *,
    wanted,
    return_sequences=False,
    go_backwards=False,
    zero_output_for_mask=False,
):
    """h <- tanh(x @ kernel + h @ recurrent_kernel + bias), over whole sequences.

    Half precision is computed in single precision and rounded at the end.

    Args:
        h, mask, input_dropout, recurrent_dropout, return_sequences, go_backwards,
            zero_output_for_mask: As in `gru`.

    Shapes:
        x (batch, time, features), kernel (features, units), recurrent_kernel (units, units)
        bias (units,), h (batch, units), mask (batch, time)
        input_dropout (batch, features), recurrent_dropout (batch, units)
        -> output (batch, time, units) or (batch, units), h (batch, units)
    """
    arrays = (x, kernel, recurrent_kernel, bias, h, input_dropout, recurrent_dropout)
    arrays, dtype = _computed_in(arrays)
    *outputs, trace = simple_rnn_kernel(
        *arrays[:5], mask, *arrays[5:], return_sequences, go_backwards, zero_output_for_mask,
        bool(wanted),
    )  # fmt: skip
    return _one_state(outputs, dtype, arrays[0].dtype, simple_rnn_backward, trace, wanted)


def _one_state(outputs, dtype, inner, kernel_backward, trace, wanted):
    """What the op of a network with one state returns: its outputs and its backward pass."""

    def backward(dys):
        want_weights = any(i in wanted for i in (1, 2, 3))
        gradients = kernel_backward(*_all_in(inner, dys), trace, 0 in wanted, want_weights)
        return (*_all_in(dtype, gradients), None, None, None)

    return tuple(_all_in(dtype, outputs)), backward


def rnn(
    step_function,
    inputs,
    initial_states,
    go_backwards=False,
    mask=None,
    constants=None,
    unroll=False,
    input_length=None,
    time_major=False,
    zero_output_for_mask=False,
    return_all_outputs=True,
):
    """Take a step function along the time axis of the inputs.

    Args:
        step_function: A function of (inputs of a step, states) that returns (output, states).
            The states come as a tuple, with the constants behind them.
        inputs: The sequences.
        initial_states: A list of states, possibly nested.
        go_backwards: Whether to take the last step first. Outputs come in the order taken.
        mask: False at steps to leave out: they carry the states on and repeat the output before
            them, which is zero if there is none.
        constants: Arrays given to every step.
        unroll: Taken for Keras' sake: the loop is always a plain one.
        input_length: Taken for Keras' sake: the length is that of the inputs.
        time_major: Whether time is the first axis of inputs, mask and outputs, and not the
            second.
        zero_output_for_mask: Whether the output at a masked step is zero instead.
        return_all_outputs: Whether the outputs hold all steps or only the last.

    Shapes: inputs (batch, time, ...), mask (batch, time)

    Returns:
        The last output (batch, ...), the outputs (batch, time or 1, ...), the last states.
    """
    if is_symbolic([inputs, initial_states]):
        return _infer_rnn(
            step_function, inputs, initial_states, constants, time_major, return_all_outputs
        )
    axis = 0 if time_major else 1
    steps = unstack(inputs, axis=axis)
    if not steps:
        raise ValueError(
            f"`rnn` expects sequences of at least one step. Received inputs of shape "
            f"{tuple(inputs.shape)}."
        )
    kept = _steps_of_mask(mask, len(steps), time_major)
    if go_backwards:
        steps.reverse()
        kept.reverse()
    constants = tuple(constants or ())
    output, states, outputs = None, initial_states, []
    for x, keep in zip(steps, kept, strict=True):
        y, new_states = step_function(x, (*states, *constants))
        new_states = tree.pack(states, tree.leaves(new_states))
        if keep is not None:
            before = y if output is None or zero_output_for_mask else output
            if before is y:
                before = tree.map(zeros_like, y)
            y = tree.map(_chosen(keep), y, before)
            new_states = tree.map(_chosen(keep), new_states, states)
        output, states = y, new_states
        outputs.append(y)
    if not return_all_outputs:
        outputs = outputs[-1:]
    outputs = tree.map(lambda *parts: stack(parts, axis=axis), *outputs)
    return output, outputs, states


def _steps_of_mask(mask, length, time_major):
    """For each step which rows take it (batch,), or None if all do."""
    if mask is None:
        return [None] * length
    mask = np.asarray(plain(mask)).astype(bool, copy=False)
    if mask.ndim == 3 and mask.shape[-1] == 1:
        mask = mask[..., 0]
    mask = mask if time_major else mask.T
    if len(mask) != length:
        raise ValueError(
            f"`rnn` expects a mask of {length} steps, as many as the inputs have. Received a mask "
            f"of {len(mask)} steps."
        )
    return [None if step.all() else step for step in mask]


def _chosen(keep):
    """A function that takes the rows of its first argument where `keep`, else of the second."""

    def choose(new, old):
        rows = keep.reshape(-1, *[1] * (len(new.shape) - 1))
        return where(rows, new, old)

    return choose


def _infer_rnn(step_function, inputs, initial_states, constants, time_major, return_all_outputs):
    """What `rnn` returns for symbolic inputs: one step tells all shapes."""
    axis = 0 if time_major else 1
    shape = list(inputs.shape)
    length = shape.pop(axis)
    step = KerasTensor(shape, inputs.dtype)
    output, states = step_function(step, (*initial_states, *(constants or ())))

    def along_time(y):
        lead = list(y.shape)
        lead.insert(axis, length if return_all_outputs else 1)
        return KerasTensor(lead, y.dtype)

    states = tree.pack(initial_states, tree.leaves(states))
    return output, tree.map(along_time, output), states

"""A plain recurrent network over whole sequences: Elman, 1990.

    h <- tanh(weights [x; h; 1])                    one matmul a step

It is laid out as the LSTM is, and for the same reasons (see `kernels/recurrent.py`): arrays are
feature-major, (features, batch) for each step, and `xh` holds x, h and a row of ones for the bias
below one another, so that h is written where the next step reads it.

Legend: B batch, T time, F features, U units, K rows of `xh`: F + U + 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from npkeras.kernels import kernel
from npkeras.kernels.halves import Halves, run_backward, run_forward
from npkeras.kernels.recurrent import _in_order, _read_mask, _shared

Array = np.ndarray

_BLOCK_BYTES = 2**18  # slopes of so many bytes at a time stay in the cache of one core


class SimpleRNNTrace(NamedTuple):
    """What the backward pass needs to know of the forward pass."""

    kernel: Array  # (F, U)
    recurrent_kernel: Array  # (U, U)
    xh: Array  # (T + 1, K, B), in memory (K, T + 1, B)
    states: Array  # (T + 1, U, B)
    masked: Array | None  # (T, B): where a step is left out
    visible: Array | None  # (B, T): where the output is the state; elsewhere it is zero
    input_factors: Array | None  # (F, B)
    state_factors: Array | None  # (U, B)
    use_bias: bool
    go_backwards: bool
    return_sequences: bool


class SimpleRNNGradients(NamedTuple):
    """The gradients of the arguments; None for those nobody asked for."""

    x: Array | None
    kernel: Array | None
    recurrent_kernel: Array | None
    bias: Array | None
    h: Array


@kernel
def simple_rnn(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    h: Array | None = None,
    mask: Array | None = None,
    input_dropout: Array | None = None,
    recurrent_dropout: Array | None = None,
    return_sequences: bool = False,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    keep: bool = False,
) -> tuple[Array, Array, SimpleRNNTrace | Halves | None]:
    """Run a plain recurrent network with its usual activation over whole sequences.

    Args:
        h: The state to begin with; zeros if None.
        mask: False at steps to leave out: they carry the state on and repeat the output before
            them, which is zero if there is none.
        input_dropout, recurrent_dropout: Factors for x, and for h where a step reads it; the same
            at all steps.
        return_sequences: Whether the output holds all steps, in the order in which they were
            taken, or only the last.
        go_backwards: Whether to take the last step first.
        zero_output_for_mask: Whether the output is zero at masked steps instead.
        keep: Whether `simple_rnn_backward` will follow.

    Shapes:
        x (B, T, F), kernel (F, U), recurrent_kernel (U, U), bias (U,), h (B, U), mask (B, T)
        input_dropout (B, F), recurrent_dropout (B, U)
        -> output (B, T, U) or (B, U), h (B, U), trace or None
    """
    own = kernel, recurrent_kernel, bias
    options = return_sequences, go_backwards, zero_output_for_mask, keep

    def run(*rows: Array | None) -> Any:
        return _simple_rnn(own, options, *rows)  # type: ignore[arg-type]

    work = kernel.size + recurrent_kernel.size
    return run_forward(run, (x, h, mask), (input_dropout, recurrent_dropout), work)


def _simple_rnn(
    own: tuple[Array, Array, Array | None],
    options: tuple[bool, bool, bool, bool],
    x: Array,
    h: Array | None,
    mask: Array | None,
    input_dropout: Array | None,
    recurrent_dropout: Array | None,
) -> tuple[Array, Array, SimpleRNNTrace | None]:
    kernel, recurrent_kernel, bias = own
    return_sequences, go_backwards, zero_output_for_mask, keep = options
    batch, time, features = x.shape
    units = len(recurrent_kernel)
    masked, visible = _read_mask(mask, go_backwards, zero_output_for_mask, h is not None)
    input_factors = None if input_dropout is None else np.ascontiguousarray(input_dropout.T)
    state_factors = None if recurrent_dropout is None else np.ascontiguousarray(recurrent_dropout.T)
    last_row = np.zeros(units, kernel.dtype) if bias is None else bias
    weights = np.ascontiguousarray(np.concatenate([kernel, recurrent_kernel, last_row[None]]).T)
    xh = places(time, (features + units + 1, batch), x.dtype, keep)
    states = seen = xh[:, features:-1]
    if state_factors is not None:  # the steps read other states than the user
        states = np.empty(seen.shape, x.dtype) if keep else _shared(time, seen[0].copy())
    states[0] = 0 if h is None else h.T
    if state_factors is not None:
        np.multiply(states[0], state_factors, out=seen[0])
    xh[:, -1] = 1
    y = np.empty((batch, time, units), x.dtype) if return_sequences else None
    steps = _in_order(x, go_backwards).transpose(1, 2, 0)
    _forward(steps, weights, xh, states, masked, (input_factors, state_factors), y)
    last = states[time].T.copy()
    output = shown(last if y is None else y, visible)
    if not keep:
        return output, last, None
    trace = SimpleRNNTrace(
        kernel, recurrent_kernel, xh, states, masked, visible, input_factors, state_factors,
        bias is not None, go_backwards, return_sequences,
    )  # fmt: skip
    return output, last, trace


def places(time: int, shape: tuple[int, ...], dtype: np.dtype, keep: bool) -> Array:
    """Memory for time + 1 steps (..., B), step by step along the last axis but one, or one
    place that serves all steps."""
    if keep:
        return np.moveaxis(np.empty((*shape[:-1], time + 1, shape[-1]), dtype), -2, 0)
    return _shared(time, np.empty(shape, dtype))


def shown(output: Array, visible: Array | None) -> Array:
    """`output` (B, T, U) or (B, U), with zeros where the state is not to be seen."""
    if visible is None:
        return output
    where = visible if output.ndim == 3 else visible[:, -1]
    return np.where(where[..., None], output, output.dtype.type(0))


def _forward(
    steps: Array,
    weights: Array,
    xh: Array,
    states: Array,
    masked: Array | None,
    factors: tuple[Array | None, Array | None],
    y: Array | None,
) -> None:
    """Fill `xh` and `states`, and `y` if there is one."""
    time, features, batch = steps.shape
    state_factors = factors[1]
    whole = xh.strides[0] != 0  # all steps have places of their own
    if whole:
        _fill(xh[:time, :features], steps, factors[0], masked)
    z = np.empty((states.shape[1], batch), states.dtype)
    seen = xh[1:, features:-1]
    views = zip(range(time), xh, states, states[1:], seen, _where_some(masked, time), strict=False)
    for t, xh_t, h_before, h, seen_h, skips in views:
        if not whole:
            skipped = None if masked is None else masked[t : t + 1]
            _fill(xh_t[None, :features], steps[t : t + 1], factors[0], skipped)
        np.matmul(weights, xh_t, out=z)
        if skips is None:
            np.tanh(z, out=h)
        else:  # h may lie where the state before it does
            np.tanh(z, out=z)
            np.copyto(z, h_before, where=skips)
            np.copyto(h, z)
        if state_factors is not None:
            np.multiply(h, state_factors, out=seen_h)
        if y is not None:
            y[:, t] = h.T


def _where_some(masked: Array | None, time: int) -> list[Array | None]:
    """`masked` (T, B) step by step; None for a step that all rows take."""
    if masked is None:
        return [None] * time
    return [step if step.any() else None for step in masked]


def _fill(xs: Array, steps: Array, factors: Array | None, masked: Array | None) -> None:
    """Put steps (n, F, B) into `xs`, with zeros where they are masked (n, B)."""
    if factors is None:
        xs[...] = steps
    else:
        np.multiply(steps, factors, out=xs)
    if masked is not None:
        np.copyto(xs, xs.dtype.type(0), where=masked[:, None])  # may have been NaN


@kernel
def simple_rnn_backward(
    dy: Array | None,
    dh: Array | None,
    trace: SimpleRNNTrace | Halves,
    want_x: bool = True,
    want_weights: bool = True,
) -> SimpleRNNGradients:
    """From the gradients of the output and the last state to those of the arguments.

    Args:
        dy, dh: Gradients of the output and of the last h; None for zero.
        trace: What `simple_rnn` returned with `keep=True`. It is not written into.
        want_x, want_weights: Whether the gradients of x, and of the weights, are wanted.
    """

    def run(dy: Array | None, dh: Array | None, trace: Any) -> SimpleRNNGradients:
        return _simple_rnn_backward(dy, dh, trace, want_x, want_weights)

    return run_backward(run, (dy, dh), trace, ("kernel", "recurrent_kernel", "bias"))


def _simple_rnn_backward(
    dy: Array | None, dh: Array | None, trace: SimpleRNNTrace, want_x: bool, want_weights: bool
) -> SimpleRNNGradients:
    dy_steps, dh_t = flowing_in(dy, dh, trace.states, trace.visible, trace.return_sequences)
    dz = _backward(dy_steps, dh_t, trace)
    dx = None
    if want_x:
        dx = input_gradient(
            dz[None], trace.kernel.T[None], trace.input_factors, trace.states, trace.go_backwards
        )
    dweights: tuple[Array | None, Array | None, Array | None] = (None, None, None)
    if want_weights:
        features = len(trace.kernel)
        parts = weight_gradient(trace.xh, dz)
        dweights = parts[:features], parts[features:-1], parts[-1] if trace.use_bias else None
    return SimpleRNNGradients(dx, *dweights, h=dh_t.T)


def flowing_in(
    dy: Array | None,
    dh: Array | None,
    states: Array,
    visible: Array | None,
    return_sequences: bool,
) -> tuple[Array | None, Array]:
    """What flows into the steps (T, U, B), if anything does, and into the last state (U, B)."""
    if dh is None:
        dh_t = np.zeros(states.shape[1:], states.dtype)
    else:
        dh_t = dh.T.astype(states.dtype, order="C")
    if dy is None:
        return None, dh_t
    if return_sequences:
        dy = dy if visible is None else dy * visible[..., None]
        return np.ascontiguousarray(dy.transpose(1, 2, 0)), dh_t
    dy = dy if visible is None else dy * visible[:, -1:]
    np.add(dh_t, dy.T, out=dh_t)
    return None, dh_t


def _blocks(states: Array) -> Iterator[tuple[int, Array]]:
    """From the last steps to the first: where a block begins, and its slopes 1 - h**2 (n, U, B),
    which may be written into."""
    time = len(states) - 1
    length = max(1, min(time, _BLOCK_BYTES // max(1, states[0].size * states.itemsize)))
    space = np.empty((length, *states.shape[1:]), states.dtype)
    one = states.dtype.type(1)
    for stop in range(time, 0, -length):
        start = max(0, stop - length)
        block, slopes = states[start + 1 : stop + 1], space[: stop - start]
        np.multiply(block, block, out=slopes)
        np.subtract(one, slopes, out=slopes)
        yield start, slopes


def _backward(dy: Array | None, dh: Array, trace: SimpleRNNTrace) -> Array:
    """The gradient of what tanh is taken of, (U, T B). `dh` becomes that of the first state."""
    states, factors = trace.states, trace.state_factors
    time, units, batch = len(states) - 1, *states.shape[1:]
    recurrent = np.ascontiguousarray(trace.recurrent_kernel)
    partly = _where_some(trace.masked, time)
    dz = np.empty((units, time, batch), states.dtype)
    passed = np.empty_like(dh)
    for start, slopes in _blocks(states):
        for j in range(len(slopes) - 1, -1, -1):  # each slope becomes what it is a factor of
            t, dz_t = start + j, slopes[j]
            if dy is not None:
                np.add(dh, dy[t], out=dh)
            skips = partly[t]
            np.multiply(dh, dz_t, out=dz_t)
            if skips is not None:
                np.copyto(dz_t, dz_t.dtype.type(0), where=skips)
                np.multiply(dh, skips, out=passed)  # what passes a masked step by
            np.matmul(recurrent, dz_t, out=dh)
            if factors is not None:
                np.multiply(dh, factors, out=dh)
            if skips is not None:
                np.add(dh, passed, out=dh)
        dz[:, start : start + len(slopes)] = slopes.transpose(1, 0, 2)
    return dz.reshape(units, time * batch)


def weight_gradient(inputs: Array, dz: Array) -> Array:
    """The gradient of weights that were applied to `inputs` at each step: one matmul.

    Shapes: inputs (T + 1, ..., K, B), in memory (..., K, T + 1, B); dz (..., N, T B) -> (..., K, N)
    """
    inputs = np.moveaxis(inputs, 0, -2)
    rows = inputs.reshape(*inputs.shape[:-2], -1)[..., : dz.shape[-1]]
    return np.matmul(rows, dz.swapaxes(-1, -2))


def input_gradient(
    dz: Array, weights: Array, factors: Array | None, states: Array, go_backwards: bool
) -> Array:
    """The gradient of x (B, T, F).

    Shapes: dz (G, N, T B), weights (G, N, F), factors (F, B) or (G, F, B), states (T + 1, U, B)
    """
    features, time, batch = weights.shape[-1], len(states) - 1, states.shape[2]
    dx = np.matmul(dz.transpose(0, 2, 1), weights).reshape(len(dz), time, batch, features)
    if factors is not None:
        factors = factors.reshape(-1, features, batch)
        np.multiply(dx, factors.transpose(0, 2, 1)[:, None], out=dx)
    dx = dx[0] if len(dz) == 1 else dx.sum(axis=0)
    return np.ascontiguousarray(_in_order(dx.transpose(1, 0, 2), go_backwards))

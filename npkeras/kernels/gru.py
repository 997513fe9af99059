"""The GRU over whole sequences: Cho et al., 2014.

    z, r = sigmoid(weights_z, weights_r [x; h; 1])      how much of h to keep, and to read
    n = tanh(weights_n [x; 1] + r (recurrent_n [h; 1]))                   `reset_after`
    n = tanh(weights_n [x; 1] + recurrent_n (r h))                        otherwise
    h <- z h + (1 - z) n

It is laid out as the LSTM is, and for the same reasons (see `kernels/recurrent.py`): arrays are
feature-major, (features, batch) for each step, sigmoid(a) = (1 + tanh(a / 2)) / 2 with the halves
in the weights, and the factors of the backward pass are made for many steps at a time. What is
different:

- x and h are in arrays of their own, `xs` and `hs`, each with a row of ones for a bias: r stands
  between the two parts of n.
- `gates` holds for each step four blocks (units, batch): n, u = 1 - z, r, and m, which is the part
  of n that comes from h if r is applied after the matmul, and r h if before.
  u = sigmoid(-a) where z = sigmoid(a), so that h <- h + u (n - h).

A masked step has u = 0: h is carried on to the bit, and all factors of the backward pass vanish by
themselves. One more row of `xs` says where a step is masked, and its weight, too large for any a
to matter beside it, makes it so.

Dropout may give each gate a mask of its own; then there are three `xs`, or three `hs`, and three
matmuls instead of one.

Legend: B batch, T time, F features, U units, G groups (1 or 3), K rows of `xs`: F, one for the
bias, one for the mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from npkeras.kernels import kernel
from npkeras.kernels.halves import Halves, run_backward, run_forward
from npkeras.kernels.recurrent import _fill, _in_order, _read_mask, _shared
from npkeras.kernels.simple_rnn import (
    flowing_in,
    input_gradient,
    places,
    shown,
    weight_gradient,
)

Array = np.ndarray

_BLOCK_BYTES = 2**19  # gates of so many bytes at a time stay in the cache of one core


class GRUTrace(NamedTuple):
    """What the backward pass of a GRU needs to know of the forward pass."""

    kernel: Array  # (F, 3 U)
    recurrent_kernel: Array  # (U, 3 U)
    xs: Array  # (T + 1, G, K, B), in memory (G, K, T + 1, B)
    hs: Array  # (T + 1, G, U + 1, B), in memory (G, U + 1, T + 1, B)
    states: Array  # (T + 1, U, B)
    gates: Array  # (T, 4, U, B)
    visible: Array | None  # (B, T): where the output is the state; elsewhere it is zero
    input_factors: Array | None  # (1 or 3, F, B)
    state_factors: Array | None  # (1 or 3, U, B)
    use_bias: bool
    reset_after: bool
    go_backwards: bool
    return_sequences: bool


class GRUGradients(NamedTuple):
    """The gradients of a GRU's arguments; None for those nobody asked for."""

    x: Array | None
    kernel: Array | None
    recurrent_kernel: Array | None
    bias: Array | None
    h: Array


@kernel
def gru(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    h: Array | None = None,
    mask: Array | None = None,
    input_dropout: Array | None = None,
    recurrent_dropout: Array | None = None,
    reset_after: bool = True,
    return_sequences: bool = False,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    keep: bool = False,
) -> tuple[Array, Array, GRUTrace | Halves | None]:
    """Run a GRU with its usual activations over whole sequences.

    Args:
        h: The state to begin with; zeros if None.
        mask: False at steps to leave out: they carry the state on and repeat the output before
            them, which is zero if there is none.
        input_dropout, recurrent_dropout: Factors for x, and for h where the gates read it; the
            same at all steps, and for all gates or one for each of z, r, n.
        reset_after: Whether r is applied after the matmul of h and not before.
        return_sequences: Whether the output holds all steps, in the order in which they were
            taken, or only the last.
        go_backwards: Whether to take the last step first.
        zero_output_for_mask: Whether the output is zero at masked steps instead.
        keep: Whether `gru_backward` will follow.

    Shapes:
        x (B, T, F), kernel (F, 3 U), recurrent_kernel (U, 3 U): gates z, r, n
        bias (2, 3 U), for x and for h, with `reset_after`, otherwise (3 U,)
        h (B, U), mask (B, T)
        input_dropout (B, F) or (3, B, F), recurrent_dropout (B, U) or (3, B, U)
        -> output (B, T, U) or (B, U), h (B, U), trace or None
    """
    weights = kernel, recurrent_kernel, bias
    options = reset_after, return_sequences, go_backwards, zero_output_for_mask, keep

    def run(*rows: Array | None) -> Any:
        return _gru(weights, options, *rows)  # type: ignore[arg-type]

    work = kernel.size + recurrent_kernel.size
    return run_forward(run, (x, h, mask), (input_dropout, recurrent_dropout), work)


def _gru(
    weights_of_gates: tuple[Array, Array, Array | None],
    options: tuple[bool, bool, bool, bool, bool],
    x: Array,
    h: Array | None,
    mask: Array | None,
    input_dropout: Array | None,
    recurrent_dropout: Array | None,
) -> tuple[Array, Array, GRUTrace | None]:
    kernel, recurrent_kernel, bias = weights_of_gates
    reset_after, return_sequences, go_backwards, zero_output_for_mask, keep = options
    batch, time, features = x.shape
    units = len(recurrent_kernel)
    factors = _factors(input_dropout, 1), _factors(recurrent_dropout, 0)
    masked, visible = _read_mask(mask, go_backwards, zero_output_for_mask, h is not None)
    groups = [1 if f is None else len(f) for f in factors]
    weights = _stacked(kernel, recurrent_kernel, bias, masked is not None, groups, reset_after)
    xs = places(time, (groups[0], weights[0].shape[2], batch), x.dtype, keep)
    hs = places(time, (groups[1], units + 1, batch), x.dtype, keep)
    gates = np.empty((time if keep else 1, 4, units, batch), x.dtype)
    xs[:, :, features:] = 1
    hs[:, :, -1] = 1
    states = hs[:, 0, :-1]
    if factors[1] is not None:  # the gates see other states than the user
        states = np.empty(states.shape, x.dtype) if keep else _shared(time, states[0].copy())
    states[0] = 0 if h is None else h.T
    y = np.empty((batch, time, units), x.dtype) if return_sequences else None
    steps = _in_order(x, go_backwards).transpose(1, 2, 0)
    _forward(steps, weights, xs, hs, states, gates, masked, factors, y)
    last = states[time].T.copy()
    output = shown(last if y is None else y, visible)
    if not keep:
        return output, last, None
    trace = GRUTrace(
        kernel, recurrent_kernel, xs, hs, states, gates, visible, *factors,
        bias is not None, reset_after, go_backwards, return_sequences,
    )  # fmt: skip
    return output, last, trace


def _factors(dropout: Array | None, turn: int) -> Array | None:
    """A dropout mask feature-major, (1, ..., B) or (3, ..., B) for the gates moved on by `turn`."""
    if dropout is None:
        return None
    if dropout.ndim == 2:
        return np.ascontiguousarray(dropout.T)[None]
    return np.ascontiguousarray(np.roll(dropout, turn, axis=0).transpose(0, 2, 1))


def _turned(matrix: Array) -> Array:
    """Columns z, r, n as n, z, r."""
    units = matrix.shape[-1] // 3
    return np.concatenate([matrix[..., -units:], matrix[..., :-units]], axis=-1)


def _grouped(matrix: Array, groups: int) -> Array:
    """A matrix (K, N) as (G, N / G, K)."""
    return matrix.T.reshape(groups, matrix.shape[1] // groups, len(matrix))


def _stacked(
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    masked: bool,
    groups: list[int],
    reset_after: bool,
) -> tuple[Array, Array, Array | None]:
    """The weights of x for n, u, r; of h for u, r, and m with `reset_after`; of r h for n if not.

    Those of the sigmoids are halved, and those of u have the other sign than those of z.
    """
    units, dtype = len(recurrent_kernel), kernel.dtype
    if bias is None:
        bias = np.zeros((2, 3 * units), dtype)
    elif not reset_after:
        bias = np.stack([bias, np.zeros_like(bias)])
    signs = np.repeat(np.array([-0.5, 0.5, 1], dtype), units)  # z, r, n
    of_x = np.concatenate([kernel, bias[:1]]) * signs
    if masked:
        closing = np.zeros((1, 3 * units), dtype)
        closing[:, :units] = -np.sqrt(np.finfo(dtype).max)
        of_x = np.concatenate([of_x, closing])
    of_h = np.concatenate([recurrent_kernel, bias[1:]]) * signs
    of_x = np.ascontiguousarray(_grouped(_turned(of_x), groups[0]))
    if reset_after:
        return of_x, np.ascontiguousarray(_grouped(of_h, groups[1])), None
    of_h, of_n = of_h[:, : 2 * units], recurrent_kernel[:, 2 * units :]
    of_h = _grouped(of_h, min(2, groups[1]))
    return of_x, np.ascontiguousarray(of_h), np.ascontiguousarray(of_n.T)


def _forward(
    steps: Array,
    weights: tuple[Array, Array, Array | None],
    xs: Array,
    hs: Array,
    states: Array,
    gates: Array,
    masked: Array | None,
    factors: tuple[Array | None, Array | None],
    y: Array | None,
) -> None:
    """Fill `xs`, `hs`, `states` and `gates`, and `y` if there is one."""
    time, units, batch = len(steps), *gates.shape[2:]
    of_x, of_h, of_n = weights
    input_factors, state_factors = factors
    whole = xs.strides[0] != 0  # all steps have places of their own
    if whole:
        _fill(xs[:time], steps, input_factors, masked)
    if state_factors is not None:
        np.multiply(states[0], state_factors, out=hs[0, :, :-1])
    blocks = np.empty((3, units, batch), gates.dtype)
    n_of_x, sigmoids_of_x = blocks[0], blocks[1:]
    from_x = blocks.reshape(*of_x.shape[:2], batch)
    change = np.empty((units, batch), gates.dtype)
    half = gates.dtype.type(0.5)
    views = _views(time, xs, hs, states, gates, of_h.shape[:2])
    for t, x, h_ones, from_h, sigmoids, n, u, r, m, h_read, h_before, h, seen in views:
        if not whole:
            skipped = None if masked is None else masked[t : t + 1]
            _fill(x[None], steps[t : t + 1], input_factors, skipped)
        np.matmul(of_x, x, out=from_x)
        np.matmul(of_h, h_ones, out=from_h)
        np.add(sigmoids, sigmoids_of_x, out=sigmoids)
        np.tanh(sigmoids, out=sigmoids)
        np.multiply(sigmoids, half, out=sigmoids)
        np.add(sigmoids, half, out=sigmoids)
        if of_n is None:
            np.multiply(r, m, out=n)
        else:
            np.multiply(r, h_read, out=m)
            np.matmul(of_n, m, out=n)
        np.add(n, n_of_x, out=n)
        np.tanh(n, out=n)
        np.subtract(n, h_before, out=change)
        np.multiply(change, u, out=change)
        np.add(h_before, change, out=h)
        if state_factors is not None:
            np.multiply(h, state_factors, out=seen)
        if y is not None:
            y[:, t] = h.T


def _views(
    time: int, xs: Array, hs: Array, states: Array, gates: Array, form: tuple[int, ...]
) -> Iterator[Any]:
    """What a step reads and writes, for each step. Its matmul of h gives a result of `form`."""
    if len(gates) < time:
        gates = _shared(time, gates[0])[:time]
    groups, rows = form
    from_h = gates[:, 1 : 1 + groups * rows // gates.shape[2]]
    from_h = from_h.reshape(time, groups, rows, gates.shape[3])
    return zip(
        range(time), xs, hs[:, :groups], from_h, gates[:, 1:3], *gates.swapaxes(0, 1),
        hs[:, -1, :-1], states, states[1:], hs[1:, :, :-1],
        strict=False,
    )  # fmt: skip


@kernel
def gru_backward(
    dy: Array | None,
    dh: Array | None,
    trace: GRUTrace | Halves,
    want_x: bool = True,
    want_weights: bool = True,
) -> GRUGradients:
    """From the gradients of a GRU's output and last state to those of its arguments.

    Args:
        dy, dh: Gradients of the output and of the last h; None for zero.
        trace: What `gru` returned with `keep=True`. It is not written into.
        want_x, want_weights: Whether the gradients of x, and of the weights, are wanted.
    """

    def run(dy: Array | None, dh: Array | None, trace: Any) -> GRUGradients:
        return _gru_backward(dy, dh, trace, want_x, want_weights)

    return run_backward(run, (dy, dh), trace, ("kernel", "recurrent_kernel", "bias"))


def _gru_backward(
    dy: Array | None, dh: Array | None, trace: GRUTrace, want_x: bool, want_weights: bool
) -> GRUGradients:
    dy_steps, dh_t = flowing_in(dy, dh, trace.states, trace.visible, trace.return_sequences)
    dz = _backward(dy_steps, dh_t, trace)
    dx = None
    if want_x:
        groups = trace.xs.shape[1]
        dx = input_gradient(
            _in_groups(dz[:3], groups), _grouped(_turned(trace.kernel), groups),
            trace.input_factors, trace.states, trace.go_backwards,
        )  # fmt: skip
    dweights: tuple[Array | None, Array | None, Array | None] = (None, None, None)
    if want_weights:
        dweights = _weight_gradients(dz, trace)
    return GRUGradients(dx, *dweights, h=dh_t.T)


def _blocks(trace: GRUTrace) -> Iterator[tuple[int, Array]]:
    """From the last steps to the first: where a block begins, and its factors (n, 5, U, B),
    which may be written into.

    The first two take dh to what n and z are functions of: u (1 - n**2), (h - n) u (1 - u); the
    last, 1 - u, to the h before. With `reset_after` the two between take dh to what r is a
    function of and to m: m r (1 - r) and r, each times the first factor. Otherwise m is r h, and
    they take the gradient of m to what r is a function of and to h: m (1 - r) and r.
    """
    gates, states = trace.gates, trace.states
    time = len(gates)
    length = max(1, min(time, _BLOCK_BYTES // max(1, gates[:1].nbytes)))
    space = np.empty((length, 5, *gates.shape[2:]), gates.dtype)
    one = gates.dtype.type(1)
    read = None if trace.state_factors is None else trace.state_factors[-1]
    for stop in range(time, 0, -length):
        start = max(0, stop - length)
        n, u, r, m = gates[start:stop].swapaxes(0, 1)
        factors = space[: stop - start]
        of_n, of_z, of_r, of_m, of_h = factors.swapaxes(0, 1)
        np.subtract(one, u, out=of_h)
        np.subtract(states[start:stop], n, out=of_z)
        np.multiply(of_z, u, out=of_z)
        np.multiply(of_z, of_h, out=of_z)
        np.multiply(n, n, out=of_n)
        np.subtract(one, of_n, out=of_n)
        np.multiply(of_n, u, out=of_n)
        np.subtract(one, r, out=of_r)
        np.multiply(of_r, m, out=of_r)
        if trace.reset_after:
            np.multiply(r, of_n, out=of_m)
            np.multiply(of_r, of_m, out=of_r)
        elif read is None:
            np.copyto(of_m, r)
        else:
            np.multiply(r, read, out=of_m)
        yield start, factors


def _backward(dy: Array | None, dh: Array, trace: GRUTrace) -> Array:
    """The gradients of what n, z and r are functions of, and of m with `reset_after`: (4, U, T B).

    `dh` becomes that of the first state.
    """
    gates, factors = trace.gates, trace.state_factors
    time, _, units, batch = gates.shape
    back, back_from_n = _recurrent(trace)
    passed = dh[None] if len(back) == 1 else np.empty((len(back), units, batch), gates.dtype)
    factors = None if factors is None else factors[: len(back)]
    shape = len(back), back.shape[2], batch
    dm = np.empty_like(dh)
    dz = np.empty((4, units, time, batch), gates.dtype)
    for start, block in _blocks(trace):
        for j in range(len(block) - 1, -1, -1):  # each factor becomes what it is a factor of
            of_t, t = block[j], start + j
            if dy is not None:
                np.add(dh, dy[t], out=dh)
            if back_from_n is None:
                np.multiply(dh, of_t, out=of_t)
                flowing = of_t[1:4]
            else:
                np.multiply(dh, of_t[:2], out=of_t[:2])
                np.multiply(dh, of_t[4], out=of_t[4])
                np.matmul(back_from_n, of_t[0], out=dm)
                np.multiply(dm, of_t[2:4], out=of_t[2:4])
                np.add(of_t[4], of_t[3], out=of_t[4])
                flowing = of_t[1:3]
            np.matmul(back, flowing.reshape(shape), out=passed)
            if factors is not None:
                np.multiply(passed, factors, out=passed)
            if len(back) > 1:
                np.sum(passed, axis=0, out=dh)
            np.add(dh, of_t[4], out=dh)
        dz[:, :, start : start + len(block)] = block[:, :4].transpose(1, 2, 0, 3)
    return dz.reshape(4, units, time * batch)


def _recurrent(trace: GRUTrace) -> tuple[Array, Array | None]:
    """What takes the gradients of z, r and m back to h (G, U, N / G), and of n to m (U, U)."""
    weights, groups = trace.recurrent_kernel, trace.hs.shape[1]
    units = len(weights)
    if trace.reset_after:
        return np.ascontiguousarray(_grouped(weights, groups).transpose(0, 2, 1)), None
    both = _grouped(weights[:, : 2 * units], min(2, groups)).transpose(0, 2, 1)
    return np.ascontiguousarray(both), np.ascontiguousarray(weights[:, 2 * units :])


def _in_groups(dz: Array, groups: int) -> Array:
    """Blocks (N, U, T B) as (G, N U / G, T B)."""
    return dz.reshape(groups, len(dz) * dz.shape[1] // groups, dz.shape[2])


def _weight_gradients(dz: Array, trace: GRUTrace) -> tuple[Array, Array, Array | None]:
    """The gradients of kernel, recurrent kernel and bias: one matmul for x and for h."""
    features, units = trace.kernel.shape[0], len(trace.recurrent_kernel)
    of_x = _beside(weight_gradient(trace.xs, _in_groups(dz[:3], trace.xs.shape[1])))
    of_x = np.concatenate([of_x[:, units:], of_x[:, :units]], axis=1)
    groups = trace.hs.shape[1]
    if trace.reset_after:
        of_h = _beside(weight_gradient(trace.hs, _in_groups(dz[1:], groups)))
        dbias = np.stack([of_x[features], of_h[-1]])
    else:
        groups = min(2, groups)
        both = _beside(weight_gradient(trace.hs[:, :groups], _in_groups(dz[1:3], groups)))
        m = trace.gates[:, 3].transpose(1, 0, 2).reshape(dz.shape[1:])
        of_h = np.concatenate([both[:-1], np.matmul(m, dz[0].T)], axis=1)
        dbias = of_x[features]
    return of_x[:features], of_h[:units], dbias if trace.use_bias else None


def _beside(groups: Array) -> Array:
    """Matrices (G, K, N) beside one another: (K, G N)."""
    return groups.transpose(1, 0, 2).reshape(groups.shape[1], -1)

"""The LSTM over whole sequences: Hochreiter & Schmidhuber, 1997; forget gate: Gers et al., 2000.

    z = weights [x; h; 1]                           all gates of a step in one matmul
    o, i, f = sigmoid(z_o, z_i, z_f),  g = tanh(z_g)
    c <- i g + f c
    h <- o tanh(c)

Why it is laid out as it is:

- Inside, arrays are feature-major: (features, batch) for each step. `xh` holds x, h and a row of
  ones for the bias below one another, so h is written where the next step reads it, and
  nothing is ever concatenated.
- `gates` holds for each step six blocks (units, batch): o, i, f, g, the c before the step, and
  tanh(c) after it. Thus i g and f c are one product of two neighbouring pairs.
- sigmoid(z) = (1 + tanh(z / 2)) / 2: with the weights of o, i and f halved beforehand, one tanh
  serves all four gates.
- The backward pass multiplies dh and dc by factors that only depend on the gates; they are made
  for as many steps at a time as fit into the cache, since a call costs more than its work.
- In inference time has stride 0: all steps share one place, and nothing is kept.

A masked step has o = i = 0 and f = 1: c is carried on, and all factors of the backward pass
vanish by themselves. One more row of `xh` says where a step is masked, and its weights, too large
for any z to matter beside them, make it so. Only h has to be carried on explicitly.

Dropout of the states gives each gate a mask of its own. Then there are four `xh`, one for each
gate, and four matmuls instead of one; `groups` counts them, and is 1 otherwise.

Legend: B batch, T time, F features, U units, G groups, K rows of `xh`: F + U, one for the bias, one
for the mask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from npkeras.kernels import kernel
from npkeras.kernels.halves import Halves, run_backward, run_forward
from npkeras.kernels.threads import beside

Array = np.ndarray

_STEPS = 4
_BLOCK_BYTES = 2**19  # gates of so many bytes at a time stay in the cache of one core


class LSTMTrace(NamedTuple):
    """What the backward pass of an LSTM needs to know of the forward pass."""

    kernel: Array  # (F, 4 U)
    recurrent_kernel: Array  # (U, 4 U)
    xh: Array  # (T + 1, G, K, B), in memory (G, K, T + 1, B)
    gates: Array  # (T + 1, 6, U, B)
    carried: list[Array | None]  # (B,) for each step: 1 where h is carried on over it
    visible: Array | None  # (B, T): where the output is the state; elsewhere it is zero
    input_factors: Array | None  # (1 or 4, F, B)
    state_factors: Array | None  # (1 or 4, U, B)
    use_bias: bool
    go_backwards: bool
    return_sequences: bool


class LSTMGradients(NamedTuple):
    """The gradients of an LSTM's arguments; None for those nobody asked for."""

    x: Array | None
    kernel: Array | None
    recurrent_kernel: Array | None
    bias: Array | None
    h: Array
    c: Array


@kernel
def lstm(
    x: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None = None,
    h: Array | None = None,
    c: Array | None = None,
    mask: Array | None = None,
    input_dropout: Array | None = None,
    recurrent_dropout: Array | None = None,
    return_sequences: bool = False,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    keep: bool = False,
) -> tuple[Array, Array, Array, LSTMTrace | Halves | None]:
    """Run an LSTM with its usual activations over whole sequences.

    Args:
        h, c: The states to begin with; zeros if None.
        mask: False at steps to leave out: they carry the states on and repeat the output
            before them, which is zero if there is none.
        input_dropout, recurrent_dropout: Factors for x, and for h where the gates read it; the
            same at all steps, and for all gates or one for each of i, f, g, o.
        return_sequences: Whether the output holds all steps, in the order in which they were
            taken, or only the last.
        go_backwards: Whether to take the last step first.
        zero_output_for_mask: Whether the output is zero at masked steps instead.
        keep: Whether `lstm_backward` will follow.

    Shapes:
        x (B, T, F), kernel (F, 4 U), recurrent_kernel (U, 4 U), bias (4 U,): gates i, f, g, o
        h, c (B, U), mask (B, T)
        input_dropout (B, F) or (4, B, F), recurrent_dropout (B, U) or (4, B, U)
        -> output (B, T, U) or (B, U), h (B, U), c (B, U), trace or None
    """

    weights = kernel, recurrent_kernel, bias
    options = return_sequences, go_backwards, zero_output_for_mask, keep

    def run(*rows: Array | None) -> Any:
        return _lstm(weights, options, *rows)  # type: ignore[arg-type]

    work = kernel.size + recurrent_kernel.size
    return run_forward(run, (x, h, c, mask), (input_dropout, recurrent_dropout), work)


def _lstm(
    weights_of_gates: tuple[Array, Array, Array | None],
    options: tuple[bool, bool, bool, bool],
    x: Array,
    h: Array | None,
    c: Array | None,
    mask: Array | None,
    input_dropout: Array | None,
    recurrent_dropout: Array | None,
) -> tuple[Array, Array, Array, LSTMTrace | None]:
    kernel, recurrent_kernel, bias = weights_of_gates
    return_sequences, go_backwards, zero_output_for_mask, keep = options
    batch, time, features = x.shape
    units = len(recurrent_kernel)
    rows = features + units
    factors = _factors(input_dropout), _factors(recurrent_dropout)
    groups = max(1 if f is None else len(f) for f in factors)
    masked, visible = _read_mask(mask, go_backwards, zero_output_for_mask, h is not None)
    weights = _stacked(kernel, recurrent_kernel, bias, masked is not None, groups)
    xh, gates = _places(time, weights.shape[2], units, batch, groups, x.dtype, keep)
    states = xh[:, 0, features:rows]
    if factors[1] is not None:  # the gates see other states than the user
        states = np.empty_like(states) if keep else _shared(time, states[0].copy())
    states[0] = 0 if h is None else h.T
    gates[0, 4] = 0 if c is None else c.T
    xh[:, :, rows:] = 1
    y = np.empty((batch, time, units), x.dtype) if return_sequences else None
    steps = _in_order(x, go_backwards).transpose(1, 2, 0)
    carried = _carried(masked, time, h is not None, x.dtype)
    _forward(steps, weights, xh, gates, states, masked, carried, factors, y)
    h, c = states[time].T.copy(), gates[time, 4].T.copy()
    output = h if y is None else y
    if visible is not None:
        shown = visible if return_sequences else visible[:, -1]
        output = np.where(shown[..., None], output, output.dtype.type(0))
    if not keep:
        return output, h, c, None
    trace = LSTMTrace(
        kernel, recurrent_kernel, xh, gates, carried, visible, *factors,
        bias is not None, go_backwards, return_sequences,
    )  # fmt: skip
    return output, h, c, trace


def _in_order(x: Array, go_backwards: bool) -> Array:
    """`x` (B, T, ...) with its steps in the order in which they are taken."""
    return x[:, ::-1] if go_backwards else x


def _read_mask(
    mask: Array | None, go_backwards: bool, zero_output: bool, given_state: bool
) -> tuple[Array | None, Array | None]:
    """Where steps are left out (T, B), and where outputs are shown (B, T); None for nowhere."""
    if mask is None or mask.all():
        return None, None
    mask = _in_order(mask.astype(bool, copy=False), go_backwards)
    visible = None
    if zero_output:
        visible = mask
    elif given_state:  # the state before the first real step is not zero, but the output is
        visible = np.logical_or.accumulate(mask, axis=1)
    return np.ascontiguousarray(~mask.T), visible


def _carried(
    masked: Array | None, time: int, given_state: bool, dtype: np.dtype
) -> list[Array | None]:
    """For each step 1 where a row is masked and its h is not zero (B,); None if nowhere.

    Before the first step that a row takes its h is zero, unless a first state was given.
    """
    if masked is None:
        return [None] * time
    if not given_state:
        masked = masked & np.logical_or.accumulate(~masked, axis=0)
    rows = masked.astype(dtype)
    return [
        row if any_row else None for row, any_row in zip(rows, map(np.any, masked), strict=True)
    ]


def _factors(dropout: Array | None) -> Array | None:
    """A dropout mask feature-major, (1, ..., B) or (4, ..., B) for the gates o, i, f, g."""
    if dropout is None:
        return None
    if dropout.ndim == 2:
        return np.ascontiguousarray(dropout.T)[None]
    return np.ascontiguousarray(np.roll(dropout, 1, axis=0).transpose(0, 2, 1))


def _turned(matrix: Array) -> Array:
    """Columns i, f, g, o as o, i, f, g."""
    units = matrix.shape[-1] // 4
    return np.concatenate([matrix[..., -units:], matrix[..., :-units]], axis=-1)


def _grouped(matrix: Array, groups: int) -> Array:
    """A matrix (K, 4 U) with turned columns as (G, 4 U / G, K)."""
    return matrix.T.reshape(groups, matrix.shape[1] // groups, len(matrix))


def _stacked(
    kernel: Array, recurrent_kernel: Array, bias: Array | None, masked: bool, groups: int
) -> Array:
    """The weights as (G, 4 U / G, K), gates o, i, f, g, those of the sigmoids halved."""
    parts = [kernel, recurrent_kernel] if bias is None else [kernel, recurrent_kernel, bias[None]]
    if masked:
        beyond = np.sqrt(np.finfo(kernel.dtype).max)
        closing = np.array([-beyond, beyond, 0, -beyond], kernel.dtype)  # i, f, g, o
        parts.append(np.repeat(closing, len(recurrent_kernel))[None])
    weights = _turned(np.concatenate(parts))
    weights[:, : 3 * len(recurrent_kernel)] *= weights.dtype.type(0.5)
    return _grouped(weights, groups)


def _shared(time: int, place: Array) -> Array:
    """`place` as an array of time + 1 steps, which all lie at that place."""
    return np.ndarray((time + 1, *place.shape), place.dtype, place, strides=(0, *place.strides))


def _places(
    time: int, rows: int, units: int, batch: int, groups: int, dtype: np.dtype, keep: bool
) -> tuple[Array, Array]:
    """Memory for `xh` and `gates`: for all steps, or one that serves all."""
    if keep:
        xh = np.empty((groups, rows, time + 1, batch), dtype).transpose(2, 0, 1, 3)
        return xh, np.empty((time + 1, 6, units, batch), dtype)
    one = np.empty((groups, rows, batch), dtype), np.empty((6, units, batch), dtype)
    return _shared(time, one[0]), _shared(time, one[1])


def _forward(
    steps: Array,
    weights: Array,
    xh: Array,
    gates: Array,
    states: Array,
    masked: Array | None,
    carried: list[Array | None],
    factors: tuple[Array | None, Array | None],
    y: Array | None,
) -> None:
    """Fill `xh`, `gates` and `states`, and `y` if there is one."""
    time, features, batch = steps.shape
    groups, units = xh.shape[1], gates.shape[2]
    half = gates.dtype.type(0.5)
    input_factors, state_factors = factors
    whole = xh.strides[0] != 0  # all steps have places of their own
    if whole:
        _fill(xh[:time], steps, input_factors, masked)
    products = np.empty((2, units, batch), gates.dtype)
    seen = xh[:, :, features : features + units]
    if state_factors is not None:
        np.multiply(states[0], state_factors, out=seen[0])
    z = gates[:, :4].reshape(time + 1, groups, 4 * units // groups, batch)
    passed = np.empty((units, batch), gates.dtype)
    views = zip(
        range(time), xh, z, gates[:, :4], gates[:, :3], gates[:, 1:3], gates[:, 3:5], gates[1:, 4],
        gates[:, 5], gates[:, 0], states[1:], carried,
        strict=False,
    )  # fmt: skip
    for t, xh_t, z_t, four, sigmoids, i_f, g_c, c, tanh_c, o, h, skips in views:
        if not whole:
            skipped = None if masked is None else masked[t : t + 1]
            _fill(xh_t[None], steps[t : t + 1], input_factors, skipped)
        np.matmul(weights, xh_t, out=z_t)
        np.tanh(four, out=four)
        np.multiply(sigmoids, half, out=sigmoids)
        np.add(sigmoids, half, out=sigmoids)
        np.multiply(i_f, g_c, out=products)
        np.add(products[0], products[1], out=c)
        np.tanh(c, out=tanh_c)
        if skips is not None:  # before h is written, which may be where this state lies
            np.multiply(states[t], skips, out=passed)
        np.multiply(o, tanh_c, out=h)
        if skips is not None:
            np.add(h, passed, out=h)
        if state_factors is not None:
            np.multiply(h, state_factors, out=seen[t + 1])
        if y is not None:
            y[:, t] = h.T


def _fill(xh: Array, steps: Array, factors: Array | None, masked: Array | None) -> None:
    """Put steps (n, F, B), and where they are masked (n, B), into `xh` (n, G, K, B)."""
    places = xh[:, :, : steps.shape[1]]
    if factors is None:
        for t in range(0, len(steps), _STEPS):  # a few steps are turned within the cache
            places[t : t + _STEPS] = steps[t : t + _STEPS, None]
    else:
        np.multiply(steps[:, None], factors, out=places)
    if masked is not None:
        np.copyto(places, places.dtype.type(0), where=masked[:, None, None])  # may have been NaN
        xh[:, :, -1] = masked[:, None]


@kernel
def lstm_backward(
    dy: Array | None,
    dh: Array | None,
    dc: Array | None,
    trace: LSTMTrace | Halves,
    want_x: bool = True,
    want_weights: bool = True,
) -> LSTMGradients:
    """From the gradients of an LSTM's output and last states to those of its arguments.

    Args:
        dy, dh, dc: Gradients of the output, the last h and the last c; None for zero.
        trace: What `lstm` returned with `keep=True`. It is not written into.
        want_x, want_weights: Whether the gradients of x, and of the weights, are wanted.
    """

    def run(dy: Array | None, dh: Array | None, dc: Array | None, trace: Any) -> LSTMGradients:
        return _lstm_backward(dy, dh, dc, trace, want_x, want_weights)

    return run_backward(run, (dy, dh, dc), trace, ("kernel", "recurrent_kernel", "bias"))


def _lstm_backward(
    dy: Array | None,
    dh: Array | None,
    dc: Array | None,
    trace: LSTMTrace,
    want_x: bool,
    want_weights: bool,
) -> LSTMGradients:
    _, _, units, batch = trace.gates.shape
    dtype = trace.gates.dtype
    dh_t = np.zeros((units, batch), dtype) if dh is None else dh.T.astype(dtype, order="C")
    dc_t = np.zeros((units, batch), dtype) if dc is None else dc.T.astype(dtype, order="C")
    dy_steps = None
    if dy is not None and trace.return_sequences:
        if trace.visible is not None:
            dy = dy * trace.visible[..., None]
        dy_steps = np.ascontiguousarray(dy.transpose(1, 2, 0))
    elif dy is not None:
        shown = dy if trace.visible is None else dy * trace.visible[:, -1:]
        np.add(dh_t, shown.T, out=dh_t)
    sums = _Sums(trace, want_x, want_weights)
    _backward(dy_steps, dh_t, dc_t, trace, sums)
    return LSTMGradients(sums.x(), *sums.weights(), h=dh_t.T, c=dc_t.T)


def _blocks(trace: LSTMTrace) -> Iterator[tuple[int, Array]]:
    """From the last steps to the first: where a block begins, and its factors (n, 5, U, B).

    They may be written into, and stay until the next block but one.

    The factors take dh to c and to z_o, and dc to z_i, z_f and z_g:
    o (1 - tanh(c)**2), tanh(c) o (1 - o);  g i (1 - i), c f (1 - f), i (1 - g**2).
    """
    gates = trace.gates
    time = len(gates) - 1
    length = max(1, min(time, _BLOCK_BYTES // max(1, gates[0].nbytes)))
    spaces = [np.empty((length, 5, *gates.shape[2:]), gates.dtype) for _ in range(2)]
    one = gates.dtype.type(1)
    for stop in range(time, 0, -length):
        start = max(0, stop - length)
        block = gates[start:stop]
        spaces.reverse()
        factors = spaces[0][: stop - start]
        sigmoids, slopes = block[:, :3], factors[:, 1:4]
        np.multiply(sigmoids, sigmoids, out=slopes)
        np.subtract(sigmoids, slopes, out=slopes)
        np.multiply(slopes[:, 0], block[:, 5], out=slopes[:, 0])
        np.multiply(slopes[:, 1:], block[:, 3:5], out=slopes[:, 1:])
        tanhs, slopes = block[:, 3::2], factors[:, 4::-4]  # g and tanh(c)
        np.multiply(tanhs, tanhs, out=slopes)
        np.subtract(one, slopes, out=slopes)
        np.multiply(slopes, block[:, 1::-1], out=slopes)
        yield start, factors


def _backward(dy: Array | None, dh: Array, dc: Array, trace: LSTMTrace, sums: _Sums) -> None:
    """Give `sums` the gradient of z, block by block.

    `dh` and `dc` become those of the first states.
    """
    gates, state_factors = trace.gates, trace.state_factors
    units, batch = gates.shape[2:]
    groups = trace.xh.shape[1]
    recurrent = _grouped(_turned(trace.recurrent_kernel), groups).transpose(0, 2, 1)
    passed = dh[None] if groups == 1 else np.empty((groups, units, batch), gates.dtype)
    for start, factors in _blocks(trace):
        for j in range(len(factors) - 1, -1, -1):  # each factor becomes what it is a factor of
            t = start + j
            to_c, via_h, via_c = factors[j, 0], factors[j, :2], factors[j, 2:]
            if dy is not None:
                np.add(dh, dy[t], out=dh)
            np.multiply(dh, via_h, out=via_h)
            np.add(dc, to_c, out=dc)
            np.multiply(dc, via_c, out=via_c)
            np.multiply(dc, gates[t, 2], out=dc)
            skips = trace.carried[t]
            if skips is not None:
                np.multiply(dh, skips, out=to_c)  # what passes a masked step by
            dz_t = factors[j, 1:].reshape(groups, 4 * units // groups, batch)
            np.matmul(recurrent, dz_t, out=passed)
            if state_factors is not None:
                np.multiply(passed, state_factors, out=passed)
            if groups > 1:
                np.sum(passed, axis=0, out=dh)
            if skips is not None:
                np.add(dh, to_c, out=dh)
        sums.add(start, factors[:, 1:])


class _Sums:
    """The gradients of weights and inputs, from that of z: one matmul for a block of steps.

    They are made on the second core, if there is one, while the first goes on with the steps
    before.
    """

    def __init__(self, trace: LSTMTrace, want_x: bool, want_weights: bool) -> None:
        self.trace = trace
        _, groups, rows, batch = trace.xh.shape
        features, units = len(trace.kernel), len(trace.recurrent_kernel)
        dtype = trace.gates.dtype
        self.dweights = self.dx = None
        if want_weights:
            self.dweights = np.zeros((groups, rows, 4 * units // groups), dtype)
        if want_x:
            self.dx = np.empty((batch, len(trace.gates) - 1, features), dtype)
            self.kernel = _grouped(_turned(trace.kernel), groups)
        self.wait: Callable[[], None] | None = None

    def add(self, start: int, dz: Array) -> None:
        """Take in the gradients of z (n, 4, U, B) of some steps, which must stay until the next."""
        if self.wait is not None:
            self.wait()
        self.wait = beside(lambda: self._add(start, dz))

    def _add(self, start: int, dz: Array) -> None:
        steps, _, units, batch = dz.shape
        groups, rows = self.trace.xh.shape[1:3]
        dz = dz.transpose(1, 2, 0, 3).reshape(groups, 4 * units // groups, steps * batch)
        if self.dweights is not None:
            xh = self.trace.xh[start : start + steps].transpose(1, 2, 0, 3)
            xh = xh.reshape(groups, rows, steps * batch)
            self.dweights += np.matmul(xh, dz.transpose(0, 2, 1))
        if self.dx is not None:
            dx = np.matmul(dz.transpose(0, 2, 1), self.kernel)
            dx = dx.reshape(groups, steps, batch, len(self.trace.kernel))
            factors = self.trace.input_factors
            if factors is not None:
                np.multiply(dx, factors.transpose(0, 2, 1)[:, None], out=dx)
            dx = dx[0] if groups == 1 else dx.sum(axis=0)
            place = _in_order(self.dx, self.trace.go_backwards)
            place[:, start : start + steps] = dx.transpose(1, 0, 2)

    def x(self) -> Array | None:
        """The gradient of x (B, T, F)."""
        if self.wait is not None:
            self.wait()
        self.wait = None
        return self.dx

    def weights(self) -> tuple[Array | None, Array | None, Array | None]:
        """The gradients of kernel, recurrent kernel and bias."""
        if self.dweights is None:
            return None, None, None
        features, units = len(self.trace.kernel), len(self.trace.recurrent_kernel)
        turned = self.dweights.transpose(1, 0, 2).reshape(-1, 4 * units)
        dweights = np.concatenate([turned[:, units:], turned[:, :units]], axis=1)
        dbias = dweights[features + units] if self.trace.use_bias else None
        return dweights[:features], dweights[features : features + units], dbias

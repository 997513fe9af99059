"""LSTM, GRU and plain networks as one op each, and `rnn` for any step function."""

import numpy as np
import pytest

from npkeras import ops
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import GradientTape, Traced
from npkeras.ops.recurrent import gru, lstm, rnn, simple_rnn
from tests.checks import check_gradients, check_shape_rule

BATCH, STEPS, FEATURES, UNITS = 2, 4, 3, 2
MASK = np.array([[0, 1, 1, 0], [1, 0, 0, 1]], bool)


def arrays(dtype="float64"):
    random = np.random.default_rng(0)
    shapes = [
        (BATCH, STEPS, FEATURES), (FEATURES, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,),
        (BATCH, UNITS), (BATCH, UNITS),
    ]  # fmt: skip
    return [random.normal(size=shape).astype(dtype) for shape in shapes]


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("mask", [None, MASK])
def test_lstm_gradients(sequences, mask):
    check_gradients(lambda *a: lstm(*a, mask, return_sequences=sequences), *arrays())


def test_lstm_shapes():
    for sequences in (True, False):
        check_shape_rule(
            lambda *a: lstm(*a, return_sequences=sequences),  # noqa: B023
            *arrays("float32"),
            unknown=False,
        )
    x = KerasTensor((None, None, FEATURES))
    shapes = [y.shape for y in lstm(x, *arrays("float32")[1:], return_sequences=True)]
    assert shapes == [(None, None, UNITS), (None, UNITS), (None, UNITS)]


def test_lstm_without_the_arrays_that_may_be_missing():
    x, kernel, recurrent_kernel, bias, *_ = arrays()
    zeros = np.zeros((BATCH, UNITS))
    expected = lstm(x, kernel, recurrent_kernel, 0 * bias, zeros, zeros)
    for a, b in zip(lstm(x, kernel, recurrent_kernel), expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_lstm_in_half_precision_is_rounded_only_at_the_end():
    halves = arrays("float16")
    expected = lstm(*[a.astype("float32") for a in halves])
    for a, b in zip(lstm(*halves), expected, strict=True):
        assert a.dtype == "float16"
        np.testing.assert_array_equal(a, b.astype("float16"))
    traced = [Traced(a, object()) for a in halves]
    with GradientTape() as tape:
        y, _, _ = lstm(*traced)
    for gradient, array in zip(tape.gradient(y, traced), halves, strict=True):
        assert (gradient.dtype, gradient.shape) == ("float16", array.shape)


def test_lstm_brings_mixed_dtypes_to_the_wider_one():
    x, *rest = arrays("float32")
    for y in lstm(x.astype("float64"), *rest):
        assert y.dtype == "float64"


def test_lstm_asks_only_for_the_gradients_that_are_wanted():
    given = arrays()
    for i in range(6):
        mixed = [Traced(a, object()) if i == j else a for j, a in enumerate(given)]
        with GradientTape() as tape:
            y, _, _ = lstm(*mixed)
        assert tape.gradient(y, mixed[i]).shape == given[i].shape


def add_up(x, states):
    total = ops.add(states[0], x)
    return ops.multiply(total, 2.0), [total]


def zeros():
    return [np.zeros((BATCH, FEATURES))]


def test_rnn_walks_along_the_steps():
    x = arrays()[0]
    last, outputs, states = rnn(add_up, x, zeros())
    np.testing.assert_allclose(outputs, 2 * np.cumsum(x, axis=1))
    np.testing.assert_array_equal(last, outputs[:, -1])
    np.testing.assert_allclose(states[0], x.sum(axis=1))


def test_rnn_backwards_starts_at_the_end():
    x = arrays()[0]
    for a, b in zip(
        rnn(add_up, x, zeros(), go_backwards=True), rnn(add_up, x[:, ::-1], zeros()), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_rnn_leaves_masked_steps_out():
    x = np.ones((2, 4, 1))
    first = [np.full((2, 1), 10.0)]
    last, outputs, states = rnn(add_up, x, first, mask=MASK)
    np.testing.assert_array_equal(outputs[..., 0], [[0, 22, 24, 24], [22, 22, 22, 24]])
    np.testing.assert_array_equal(last[:, 0], [24, 24])
    np.testing.assert_array_equal(states[0][:, 0], [12, 12])
    _, outputs, _ = rnn(add_up, x, first, mask=MASK, zero_output_for_mask=True)
    np.testing.assert_array_equal(outputs[..., 0], [[0, 22, 24, 0], [22, 0, 0, 24]])
    _, outputs, _ = rnn(add_up, x, first, mask=MASK, go_backwards=True)
    np.testing.assert_array_equal(outputs[..., 0], [[0, 22, 24, 24], [22, 22, 22, 24]])
    _, outputs, _ = rnn(add_up, x, first, mask=MASK[..., None], return_all_outputs=False)
    np.testing.assert_array_equal(outputs[:, 0, 0], [24, 24])


def test_rnn_with_time_first():
    x = arrays()[0]
    expected = rnn(add_up, x, zeros(), mask=MASK)
    found = rnn(add_up, x.swapaxes(0, 1), zeros(), mask=MASK.T, time_major=True)
    np.testing.assert_array_equal(found[1], expected[1].swapaxes(0, 1))
    np.testing.assert_array_equal(found[0], expected[0])


def test_rnn_hands_constants_to_every_step():
    x = np.ones((2, 3, 1))

    def step(x, states):
        return x + states[1], [states[0]]

    _, outputs, states = rnn(step, x, [np.zeros((2, 1))], constants=[np.full((2, 1), 5.0)])
    assert (outputs == 6).all() and len(states) == 1


def test_rnn_with_nested_states_and_a_bare_one_returned():
    def step(x, states):
        (a, b), c = states
        return x, [[ops.add(a, x), b], c]

    x = np.ones((2, 3, 1))
    state = np.zeros((2, 1))
    _, _, states = rnn(step, x, [[state, state], state])
    assert (states[0][0] == 3).all() and not states[1].any()
    _, _, states = rnn(lambda x, states: (x, x), x, [state])
    assert (states[0] == 1).all()


@pytest.mark.parametrize("mask", [None, MASK])
def test_rnn_gradients(mask):
    x = arrays()[0]
    check_gradients(lambda x, s: rnn(add_up, x, [s], mask=mask)[:2], x, zeros()[0])


def test_rnn_shapes():
    x, state = KerasTensor((None, None, FEATURES)), KerasTensor((None, FEATURES))
    for everything, length in ((True, None), (False, 1)):
        last, outputs, states = rnn(add_up, x, [state], return_all_outputs=everything)
        assert last.shape == states[0].shape == (None, FEATURES)
        assert outputs.shape == (None, length, FEATURES)


def test_rnn_without_steps_is_refused():
    with pytest.raises(ValueError, match=r"at least one step.*\(2, 0, 3\)"):
        rnn(add_up, np.zeros((2, 0, 3)), zeros())


def test_rnn_with_a_mask_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"mask of 4 steps.*Received a mask of 3 steps"):
        rnn(add_up, np.zeros((2, 4, 3)), zeros(), mask=np.ones((2, 3), bool))


def arrays_of(op, reset_after=True):
    gates = 3 if op is gru else 1
    random = np.random.default_rng(0)
    bias = (2, 3 * UNITS) if gates == 3 and reset_after else (gates * UNITS,)
    shapes = [
        (BATCH, STEPS, FEATURES), (FEATURES, gates * UNITS), (UNITS, gates * UNITS), bias,
        (BATCH, UNITS),
    ]  # fmt: skip
    return [random.normal(size=shape) for shape in shapes]


ONE_STATE = pytest.mark.parametrize(
    "op, options",
    [(gru, {}), (gru, {"reset_after": False}), (simple_rnn, {})],
    ids=["gru", "gru, reset before", "simple_rnn"],
)


@ONE_STATE
@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("mask", [None, MASK])
def test_gradients_of_networks_with_one_state(op, options, sequences, mask):
    check_gradients(
        lambda *a: op(*a, mask, return_sequences=sequences, **options), *arrays_of(op, **options)
    )


@ONE_STATE
def test_shapes_and_dtypes_of_networks_with_one_state(op, options):
    singles = [a.astype("float32") for a in arrays_of(op, **options)]
    for sequences in (True, False):
        check_shape_rule(
            lambda *a: op(*a, return_sequences=sequences, **options),  # noqa: B023
            *singles,
            unknown=False,
        )
    halves = [a.astype("float16") for a in singles]
    expected = op(*[a.astype("float32") for a in halves], **options)
    for a, b in zip(op(*halves, **options), expected, strict=True):
        assert a.dtype == "float16"
        np.testing.assert_array_equal(a, b.astype("float16"))


@ONE_STATE
def test_networks_with_one_state_give_only_the_gradients_that_are_wanted(op, options):
    given = arrays_of(op, **options)
    for i in range(5):
        mixed = [Traced(a, object()) if i == j else a for j, a in enumerate(given)]
        with GradientTape() as tape:
            y, _ = op(*mixed, **options)
        assert tape.gradient(y, mixed[i]).shape == given[i].shape

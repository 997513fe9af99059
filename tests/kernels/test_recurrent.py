"""The LSTM kernel: against a plain loop, central differences, and at the edges."""

import itertools

import numpy as np
import pytest

from npkeras.kernels import recurrent as module
from npkeras.kernels.recurrent import lstm, lstm_backward
from tests.checks import numeric_gradient

BATCH, TIME, FEATURES, UNITS = 3, 5, 2, 4


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def plain_lstm(
    x, kernel, recurrent_kernel, bias, h, c, mask=None, input_dropout=None,
    recurrent_dropout=None, return_sequences=False, go_backwards=False,
    zero_output_for_mask=False,
):  # fmt: skip
    """One row after another, one step after another, one gate after another."""
    batch, time, _ = x.shape
    units = len(recurrent_kernel)
    y, h, c = np.zeros((batch, time, units)), h.copy(), c.copy()

    def factor(dropout, gate, row):
        if dropout is None:
            return 1.0
        return dropout[row] if dropout.ndim == 2 else dropout[gate, row]

    for row, (place, t) in itertools.product(
        range(batch), enumerate(range(time)[:: -1 if go_backwards else 1])
    ):
        if mask is not None and not mask[row, t]:
            y[row, place] = 0 if zero_output_for_mask or place == 0 else y[row, place - 1]
            continue
        gates = []
        for gate in range(4):
            columns = slice(gate * units, (gate + 1) * units)
            z = (x[row, t] * factor(input_dropout, gate, row)) @ kernel[:, columns]
            z += (h[row] * factor(recurrent_dropout, gate, row)) @ recurrent_kernel[:, columns]
            gates.append(z + (0 if bias is None else bias[columns]))
        c[row] = sigmoid(gates[1]) * c[row] + sigmoid(gates[0]) * np.tanh(gates[2])
        h[row] = sigmoid(gates[3]) * np.tanh(c[row])
        y[row, place] = h[row]
    return (y if return_sequences else y[:, -1]), h, c


def arrays_of(dtype="float64", seed=0, batch=BATCH, time=TIME, scale=0.7):
    random = np.random.default_rng(seed)
    shapes = [
        (batch, time, FEATURES), (FEATURES, 4 * UNITS), (UNITS, 4 * UNITS), (4 * UNITS,),
        (batch, UNITS), (batch, UNITS),
    ]  # fmt: skip
    return [(random.normal(size=shape) * scale).astype(dtype) for shape in shapes]


MASKS = {
    "none": None,
    "all": np.ones((BATCH, TIME), bool),
    "padded before": np.arange(TIME) >= np.array([[0], [2], [4]]),
    "padded after": np.arange(TIME) < np.array([[5], [3], [1]]),
    "holes": np.array([[1, 0, 1, 0, 1], [0, 0, 1, 1, 0], [0, 1, 0, 0, 1]], bool),
    "nothing left of a row": np.array([[1, 1, 1, 1, 1], [0, 0, 0, 0, 0], [1, 0, 0, 0, 0]], bool),
    "nothing left of a step": np.array([[1, 0, 1, 1, 0]] * 3, bool),
    "nothing left": np.zeros((BATCH, TIME), bool),
}
FACTOR = np.random.default_rng(5)
DROPOUTS = {
    "none": (None, None),
    "inputs": (2.0 * FACTOR.integers(0, 2, (BATCH, FEATURES)), None),
    "states": (None, 1.5 * FACTOR.integers(0, 2, (4, BATCH, UNITS))),
    "states, one for all gates": (None, 1.5 * FACTOR.integers(0, 2, (BATCH, UNITS))),
    "both": (
        2.0 * FACTOR.integers(0, 2, (4, BATCH, FEATURES)),
        1.5 * FACTOR.integers(0, 2, (4, BATCH, UNITS)),
    ),
    "inputs one for all, states by gate": (
        2.0 * FACTOR.integers(0, 2, (BATCH, FEATURES)),
        1.5 * FACTOR.integers(0, 2, (4, BATCH, UNITS)),
    ),
}


@pytest.fixture(params=[2**19, 1], ids=["one block", "a block a step"])
def blocks(request, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_BYTES", request.param)


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("dropout", DROPOUTS)
def test_equals_a_plain_loop(mask, dropout):
    arrays = arrays_of()
    flags = ("return_sequences", "go_backwards", "zero_output_for_mask", "keep")
    for values in itertools.product([False, True], repeat=4):
        options = dict(zip(flags, values, strict=True))
        kept = options.pop("keep")
        expected = plain_lstm(*arrays, MASKS[mask], *DROPOUTS[dropout], **options)
        *found, trace = lstm(*arrays, MASKS[mask], *DROPOUTS[dropout], **options, keep=kept)
        assert (trace is not None) == kept
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def check_backward(arrays, without=(), **options):
    """All gradients, with something flowing back from the output and from both states."""
    options_of_kernel = dict(options)
    random = np.random.default_rng(3)
    *outputs, trace = lstm(*arrays, **options_of_kernel, keep=True)
    dys = [random.normal(size=y.shape) for y in outputs]
    copies = [dy.copy() for dy in dys]
    gradients = lstm_backward(*dys, trace)
    for dy, copy in zip(dys, copies, strict=True):
        np.testing.assert_array_equal(dy, copy, "a gradient was written into")
    for i in range(len(arrays)):
        if i in without:
            continue
        expected = numeric_gradient(lambda *a: lstm(*a, **options)[:3], arrays, i, dys)
        np.testing.assert_allclose(gradients[i], expected, rtol=1e-6, atol=1e-7, err_msg=str(i))


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("return_sequences, go_backwards", [(True, False), (False, True)])
def test_gradients(mask, return_sequences, go_backwards, blocks):
    options = {"return_sequences": return_sequences, "go_backwards": go_backwards}
    check_backward(arrays_of(), mask=MASKS[mask], **options)


@pytest.mark.parametrize("mask", ["holes", "padded before"])
@pytest.mark.parametrize("return_sequences", [True, False])
def test_gradients_where_masked_outputs_are_zero(mask, return_sequences):
    options = {"return_sequences": return_sequences, "zero_output_for_mask": True}
    check_backward(arrays_of(), mask=MASKS[mask], **options)


@pytest.mark.parametrize("mask", ["none", "holes"])
@pytest.mark.parametrize("dropout", list(DROPOUTS)[1:])
def test_gradients_with_dropout(mask, dropout):
    inputs, states = DROPOUTS[dropout]
    options = {"input_dropout": inputs, "recurrent_dropout": states, "mask": MASKS[mask]}
    check_backward(arrays_of(), return_sequences=True, **options)


def test_without_bias_and_first_states():
    x, kernel, recurrent_kernel, *_ = arrays_of()
    zeros = np.zeros((BATCH, UNITS))
    for options in ({}, {"mask": MASKS["holes"], "return_sequences": True}):
        expected = plain_lstm(x, kernel, recurrent_kernel, None, zeros, zeros, **options)
        *found, _ = lstm(x, kernel, recurrent_kernel, **options)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
        check_backward([x, kernel, recurrent_kernel], **options)
    *_, trace = lstm(x, kernel, recurrent_kernel, keep=True)
    assert lstm_backward(zeros, None, None, trace).bias is None


def test_what_is_not_wanted_is_not_computed():
    arrays = arrays_of()
    *_, trace = lstm(*arrays, keep=True)
    dy = np.ones((BATCH, UNITS))
    gradients = lstm_backward(dy, None, None, trace, want_x=False)
    assert gradients.x is None and gradients.kernel is not None
    gradients = lstm_backward(dy, None, None, trace, want_weights=False)
    assert gradients.x is not None
    assert gradients.kernel is gradients.recurrent_kernel is gradients.bias is None


def test_missing_gradients_count_as_zero():
    *_, trace = lstm(*arrays_of(), return_sequences=True, keep=True)
    dy, zeros = np.ones((BATCH, TIME, UNITS)), np.zeros((BATCH, UNITS))
    for a, b in zip(
        lstm_backward(dy, None, None, trace), lstm_backward(dy, zeros, zeros, trace), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    for gradient in lstm_backward(None, None, None, trace):
        assert not gradient.any()


def test_the_backward_pass_can_be_repeated():
    *_, trace = lstm(*arrays_of(), mask=MASKS["holes"], keep=True)
    dy = np.ones((BATCH, UNITS))
    for a, b in zip(
        lstm_backward(dy, dy, dy, trace), lstm_backward(dy, dy, dy, trace), strict=True
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype, tolerance", [("float16", 1e-2), ("float32", 1e-5)])
def test_dtype_is_kept(dtype, tolerance):
    arrays = arrays_of(dtype)
    mask = MASKS["holes"]
    *found, trace = lstm(*arrays, mask, return_sequences=True, keep=True)
    expected = plain_lstm(*[a.astype("float64") for a in arrays], mask, return_sequences=True)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    for array, gradient in zip(arrays, lstm_backward(*found, trace), strict=True):
        assert (gradient.dtype, gradient.shape) == (dtype, array.shape)


@pytest.mark.parametrize("dropout", ["none", "states"])
@pytest.mark.parametrize("batch, time", [(0, 3), (1, 1), (2, 0)])
def test_empty_and_single(batch, time, dropout):
    arrays = arrays_of(batch=batch, time=time)
    inputs, states = (None if d is None else d[..., :batch, :] for d in DROPOUTS[dropout])
    for sequences in (True, False):
        options = {"return_sequences": sequences, "recurrent_dropout": states}
        y, h, c, trace = lstm(*arrays, **options, keep=True)
        assert y.shape == ((batch, time, UNITS) if sequences else (batch, UNITS))
        assert h.shape == c.shape == (batch, UNITS)
        for array, gradient in zip(arrays, lstm_backward(y, h, c, trace), strict=True):
            assert gradient.shape == array.shape
            if not y.size and not h.size:
                assert not gradient.any()


def test_saturated_gates_stay_finite():
    arrays = arrays_of("float32", scale=1e4)
    with np.errstate(all="raise", under="ignore"):
        *outputs, trace = lstm(*arrays[:4], keep=True)
        gradients = lstm_backward(*outputs, trace)
    for array in (*outputs, *gradients):
        assert np.isfinite(array).all()


def test_what_stands_at_masked_steps_does_not_matter():
    arrays, mask = arrays_of(), MASKS["holes"]
    expected = lstm(*arrays, mask, return_sequences=True)[:3]
    arrays[0][~mask] = np.nan
    for keep in (False, True):
        found = lstm(*arrays, mask, return_sequences=True, keep=keep)[:3]
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    *outputs, trace = lstm(*arrays, mask, return_sequences=True, keep=True)
    gradients = lstm_backward(*outputs, trace)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert not gradients.x[~mask].any()


def test_arguments_are_not_written_into_and_results_are_not_views_of_one_another():
    arrays = arrays_of()
    copies = [a.copy() for a in arrays]
    *first, trace = lstm(*arrays, MASKS["holes"], keep=True)
    kept = [a.copy() for a in first]
    lstm_backward(*first, trace)
    *second, _ = lstm(*arrays, MASKS["holes"])
    for a, b in zip(arrays + first, copies + kept, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)

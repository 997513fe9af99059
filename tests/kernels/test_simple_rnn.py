"""The kernel of plain recurrent networks: against a plain loop, differences, and at the edges."""

import itertools

import numpy as np
import pytest

from npkeras.kernels import simple_rnn as module
from npkeras.kernels.simple_rnn import simple_rnn, simple_rnn_backward
from tests.checks import numeric_gradient
from tests.kernels.test_recurrent import BATCH, FEATURES, MASKS, TIME, UNITS


def plain_rnn(
    x, kernel, recurrent_kernel, bias, h, mask=None, input_dropout=None, recurrent_dropout=None,
    return_sequences=False, go_backwards=False, zero_output_for_mask=False,
):  # fmt: skip
    """One row after another, one step after another."""
    batch, time, _ = x.shape
    y, h = np.zeros((batch, time, len(recurrent_kernel))), h.copy()
    for row, (place, t) in itertools.product(
        range(batch), enumerate(range(time)[:: -1 if go_backwards else 1])
    ):
        if mask is not None and not mask[row, t]:
            y[row, place] = 0 if zero_output_for_mask or place == 0 else y[row, place - 1]
            continue
        seen = x[row, t] * (1 if input_dropout is None else input_dropout[row])
        read = h[row] * (1 if recurrent_dropout is None else recurrent_dropout[row])
        z = seen @ kernel + read @ recurrent_kernel
        y[row, place] = h[row] = np.tanh(z + (0 if bias is None else bias))
    return (y if return_sequences else y[:, -1]), h


def arrays_of(dtype="float64", seed=0, batch=BATCH, time=TIME, scale=0.7):
    random = np.random.default_rng(seed)
    shapes = [
        (batch, time, FEATURES), (FEATURES, UNITS), (UNITS, UNITS), (UNITS,), (batch, UNITS),
    ]  # fmt: skip
    return [(random.normal(size=shape) * scale).astype(dtype) for shape in shapes]


FACTOR = np.random.default_rng(5)
INPUTS = 1.5 * FACTOR.integers(0, 2, (BATCH, FEATURES))
STATES = 1.5 * FACTOR.integers(0, 2, (BATCH, UNITS))
DROPOUTS = {
    "none": (None, None),
    "inputs": (INPUTS, None),
    "states": (None, STATES),
    "both": (INPUTS, STATES),
}


@pytest.fixture(params=[2**18, 1], ids=["one block", "a block a step"])
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
        expected = plain_rnn(*arrays, MASKS[mask], *DROPOUTS[dropout], **options)
        *found, trace = simple_rnn(*arrays, MASKS[mask], *DROPOUTS[dropout], **options, keep=kept)
        assert (trace is not None) == kept
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def check_backward(arrays, **options):
    """All gradients, with something flowing back from the output and from the state."""
    random = np.random.default_rng(3)
    *outputs, trace = simple_rnn(*arrays, **options, keep=True)
    dys = [random.normal(size=y.shape) for y in outputs]
    copies = [dy.copy() for dy in dys]
    gradients = simple_rnn_backward(*dys, trace)
    for dy, copy in zip(dys, copies, strict=True):
        np.testing.assert_array_equal(dy, copy, "a gradient was written into")
    for i in range(len(arrays)):
        expected = numeric_gradient(lambda *a: simple_rnn(*a, **options)[:2], arrays, i, dys)
        np.testing.assert_allclose(gradients[i], expected, rtol=1e-6, atol=1e-7, err_msg=str(i))


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("return_sequences, go_backwards", [(True, False), (False, True)])
def test_gradients(mask, return_sequences, go_backwards, blocks):
    options = {"return_sequences": return_sequences, "go_backwards": go_backwards}
    check_backward(arrays_of(), mask=MASKS[mask], **options)


@pytest.mark.parametrize("return_sequences", [True, False])
def test_gradients_where_masked_outputs_are_zero(return_sequences):
    options = {"return_sequences": return_sequences, "zero_output_for_mask": True}
    check_backward(arrays_of(), mask=MASKS["holes"], **options)


@pytest.mark.parametrize("mask", ["none", "holes"])
@pytest.mark.parametrize("dropout", list(DROPOUTS)[1:])
def test_gradients_with_dropout(mask, dropout):
    inputs, states = DROPOUTS[dropout]
    options = {"input_dropout": inputs, "recurrent_dropout": states, "mask": MASKS[mask]}
    check_backward(arrays_of(), return_sequences=True, **options)


def test_without_bias_and_first_state():
    x, kernel, recurrent_kernel, *_ = arrays_of()
    zeros = np.zeros((BATCH, UNITS))
    expected = plain_rnn(x, kernel, recurrent_kernel, None, zeros)
    *found, trace = simple_rnn(x, kernel, recurrent_kernel, keep=True)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    assert simple_rnn_backward(zeros, None, trace).bias is None
    check_backward([x, kernel, recurrent_kernel], mask=MASKS["holes"])


def test_what_is_not_wanted_is_not_computed():
    *_, trace = simple_rnn(*arrays_of(), keep=True)
    dy = np.ones((BATCH, UNITS))
    gradients = simple_rnn_backward(dy, None, trace, want_x=False)
    assert gradients.x is None and gradients.kernel is not None
    gradients = simple_rnn_backward(dy, None, trace, want_weights=False)
    assert gradients.x is not None
    assert gradients.kernel is gradients.recurrent_kernel is gradients.bias is None


def test_missing_gradients_count_as_zero_and_the_trace_is_left_alone():
    *_, trace = simple_rnn(*arrays_of(), MASKS["holes"], return_sequences=True, keep=True)
    dy, zeros = np.ones((BATCH, TIME, UNITS)), np.zeros((BATCH, UNITS))
    for a, b in zip(
        simple_rnn_backward(dy, None, trace), simple_rnn_backward(dy, zeros, trace), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    for gradient in simple_rnn_backward(None, None, trace):
        assert not gradient.any()


@pytest.mark.parametrize("dtype, tolerance", [("float16", 1e-2), ("float32", 1e-5)])
def test_dtype_is_kept(dtype, tolerance):
    arrays, mask = arrays_of(dtype), MASKS["holes"]
    *found, trace = simple_rnn(*arrays, mask, return_sequences=True, keep=True)
    expected = plain_rnn(*[a.astype("float64") for a in arrays], mask, return_sequences=True)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    for array, gradient in zip(arrays, simple_rnn_backward(*found, trace), strict=True):
        assert (gradient.dtype, gradient.shape) == (dtype, array.shape)


@pytest.mark.parametrize("dropout", ["none", "states"])
@pytest.mark.parametrize("batch, time", [(0, 3), (1, 1), (2, 0)])
def test_empty_and_single(batch, time, dropout):
    arrays = arrays_of(batch=batch, time=time)
    _, states = DROPOUTS[dropout]
    states = None if states is None else states[:batch]
    for sequences in (True, False):
        options = {"return_sequences": sequences, "recurrent_dropout": states}
        y, h, trace = simple_rnn(*arrays, **options, keep=True)
        assert y.shape == ((batch, time, UNITS) if sequences else (batch, UNITS))
        assert h.shape == (batch, UNITS)
        for array, gradient in zip(arrays, simple_rnn_backward(y, h, trace), strict=True):
            assert gradient.shape == array.shape
            assert y.size or h.size or not gradient.any()


def test_what_stands_at_masked_steps_does_not_matter():
    arrays, mask = arrays_of(), MASKS["holes"]
    expected = simple_rnn(*arrays, mask, return_sequences=True)[:2]
    arrays[0][~mask] = np.nan
    for keep in (False, True):
        *found, trace = simple_rnn(*arrays, mask, return_sequences=True, keep=keep)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    gradients = simple_rnn_backward(*found, trace)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert not gradients.x[~mask].any()


def test_arguments_are_not_written_into_and_results_are_not_views_of_one_another():
    arrays = arrays_of()
    copies = [a.copy() for a in arrays]
    *first, trace = simple_rnn(*arrays, MASKS["holes"], keep=True)
    kept = [a.copy() for a in first]
    simple_rnn_backward(*first, trace)
    *second, _ = simple_rnn(*arrays, MASKS["holes"])
    for a, b in zip(arrays + first, copies + kept, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)

"""The GRU kernel: against a plain loop, central differences, and at the edges."""

import itertools

import numpy as np
import pytest

from npkeras.kernels import gru as module
from npkeras.kernels.gru import gru, gru_backward
from tests.checks import numeric_gradient
from tests.kernels.test_recurrent import BATCH, FEATURES, MASKS, TIME, UNITS, sigmoid


def plain_gru(
    x, kernel, recurrent_kernel, bias, h, mask=None, input_dropout=None, recurrent_dropout=None,
    reset_after=True, return_sequences=False, go_backwards=False, zero_output_for_mask=False,
):  # fmt: skip
    """One row after another, one step after another, one gate after another."""
    batch, time, _ = x.shape
    units = len(recurrent_kernel)
    y, h = np.zeros((batch, time, units)), h.copy()
    input_bias, state_bias = np.zeros((2, 3 * units)) if bias is None else (bias, 0 * bias)
    if bias is not None and reset_after:
        input_bias, state_bias = bias

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
        parts, read = [], [h[row] * factor(recurrent_dropout, gate, row) for gate in range(3)]
        for gate in range(3):
            columns = slice(gate * units, (gate + 1) * units)
            seen = x[row, t] * factor(input_dropout, gate, row)
            of_h = read[gate] @ recurrent_kernel[:, columns] + state_bias[columns]
            parts.append((seen @ kernel[:, columns] + input_bias[columns], of_h))
        z, r = sigmoid(sum(parts[0])), sigmoid(sum(parts[1]))
        of_h = r * parts[2][1]
        if not reset_after:
            of_h = (r * read[2]) @ recurrent_kernel[:, 2 * units :]
        h[row] = z * h[row] + (1 - z) * np.tanh(parts[2][0] + of_h)
        y[row, place] = h[row]
    return (y if return_sequences else y[:, -1]), h


def arrays_of(reset_after=True, dtype="float64", seed=0, batch=BATCH, time=TIME, scale=0.7):
    random = np.random.default_rng(seed)
    shapes = [
        (batch, time, FEATURES), (FEATURES, 3 * UNITS), (UNITS, 3 * UNITS),
        (2, 3 * UNITS) if reset_after else (3 * UNITS,), (batch, UNITS),
    ]  # fmt: skip
    return [(random.normal(size=shape) * scale).astype(dtype) for shape in shapes]


FACTOR = np.random.default_rng(5)


def factors(*shape):
    return 1.5 * FACTOR.integers(0, 2, (*shape, BATCH, UNITS))


DROPOUTS = {
    "none": (None, None),
    "inputs": (factors()[:, :FEATURES], None),
    "states": (None, factors(3)),
    "states, one for all gates": (None, factors()),
    "both": (factors(3)[..., :FEATURES], factors(3)),
    "inputs by gate": (factors(3)[..., :FEATURES], None),
    "inputs one for all, states by gate": (factors()[:, :FEATURES], factors(3)),
}
variants = pytest.mark.parametrize("reset_after", [True, False], ids=["after", "before"])


@pytest.fixture(params=[2**19, 1], ids=["one block", "a block a step"])
def blocks(request, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_BYTES", request.param)


@variants
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("dropout", DROPOUTS)
def test_equals_a_plain_loop(mask, dropout, reset_after):
    arrays = arrays_of(reset_after)
    flags = ("return_sequences", "go_backwards", "zero_output_for_mask", "keep")
    for values in itertools.product([False, True], repeat=4):
        options = dict(zip(flags, values, strict=True), reset_after=reset_after)
        kept = options.pop("keep")
        expected = plain_gru(*arrays, MASKS[mask], *DROPOUTS[dropout], **options)
        *found, trace = gru(*arrays, MASKS[mask], *DROPOUTS[dropout], **options, keep=kept)
        assert (trace is not None) == kept
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)


def check_backward(arrays, **options):
    """All gradients, with something flowing back from the output and from the state."""
    random = np.random.default_rng(3)
    *outputs, trace = gru(*arrays, **options, keep=True)
    dys = [random.normal(size=y.shape) for y in outputs]
    copies = [dy.copy() for dy in dys]
    gradients = gru_backward(*dys, trace)
    for dy, copy in zip(dys, copies, strict=True):
        np.testing.assert_array_equal(dy, copy, "a gradient was written into")
    for i in range(len(arrays)):
        expected = numeric_gradient(lambda *a: gru(*a, **options)[:2], arrays, i, dys)
        np.testing.assert_allclose(gradients[i], expected, rtol=1e-6, atol=1e-7, err_msg=str(i))


@variants
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("return_sequences, go_backwards", [(True, False), (False, True)])
def test_gradients(mask, return_sequences, go_backwards, reset_after, blocks):
    check_backward(
        arrays_of(reset_after), mask=MASKS[mask], reset_after=reset_after,
        return_sequences=return_sequences, go_backwards=go_backwards,
    )  # fmt: skip


@variants
@pytest.mark.parametrize("return_sequences", [True, False])
def test_gradients_where_masked_outputs_are_zero(return_sequences, reset_after):
    check_backward(
        arrays_of(reset_after), mask=MASKS["holes"], reset_after=reset_after,
        return_sequences=return_sequences, zero_output_for_mask=True,
    )  # fmt: skip


@variants
@pytest.mark.parametrize("mask", ["none", "holes"])
@pytest.mark.parametrize("dropout", list(DROPOUTS)[1:])
def test_gradients_with_dropout(mask, dropout, reset_after):
    inputs, states = DROPOUTS[dropout]
    check_backward(
        arrays_of(reset_after), mask=MASKS[mask], input_dropout=inputs, recurrent_dropout=states,
        reset_after=reset_after, return_sequences=True,
    )  # fmt: skip


@variants
def test_without_bias_and_first_state(reset_after):
    x, kernel, recurrent_kernel, *_ = arrays_of()
    zeros = np.zeros((BATCH, UNITS))
    for options in ({}, {"mask": MASKS["holes"], "return_sequences": True}):
        options["reset_after"] = reset_after
        expected = plain_gru(x, kernel, recurrent_kernel, None, zeros, **options)
        *found, _ = gru(x, kernel, recurrent_kernel, **options)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
        check_backward([x, kernel, recurrent_kernel], **options)
    *_, trace = gru(x, kernel, recurrent_kernel, reset_after=reset_after, keep=True)
    assert gru_backward(zeros, None, trace).bias is None


def test_what_is_not_wanted_is_not_computed():
    *_, trace = gru(*arrays_of(), keep=True)
    dy = np.ones((BATCH, UNITS))
    gradients = gru_backward(dy, None, trace, want_x=False)
    assert gradients.x is None and gradients.kernel is not None
    gradients = gru_backward(dy, None, trace, want_weights=False)
    assert gradients.x is not None
    assert gradients.kernel is gradients.recurrent_kernel is gradients.bias is None


@variants
def test_missing_gradients_count_as_zero_and_the_trace_is_left_alone(reset_after):
    *_, trace = gru(
        *arrays_of(reset_after), MASKS["holes"], reset_after=reset_after,
        return_sequences=True, keep=True,
    )  # fmt: skip
    dy, zeros = np.ones((BATCH, TIME, UNITS)), np.zeros((BATCH, UNITS))
    for a, b in zip(gru_backward(dy, None, trace), gru_backward(dy, zeros, trace), strict=True):
        np.testing.assert_array_equal(a, b)
    for gradient in gru_backward(None, None, trace):
        assert not gradient.any()


@variants
@pytest.mark.parametrize("dtype, tolerance", [("float16", 1e-2), ("float32", 1e-5)])
def test_dtype_is_kept(dtype, tolerance, reset_after):
    arrays = arrays_of(reset_after, dtype)
    options = {"mask": MASKS["holes"], "return_sequences": True, "reset_after": reset_after}
    *found, trace = gru(*arrays, **options, keep=True)
    expected = plain_gru(*[a.astype("float64") for a in arrays], **options)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == dtype
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
    for array, gradient in zip(arrays, gru_backward(*found, trace), strict=True):
        assert (gradient.dtype, gradient.shape) == (dtype, array.shape)


@variants
@pytest.mark.parametrize("dropout", ["none", "states"])
@pytest.mark.parametrize("batch, time", [(0, 3), (1, 1), (2, 0)])
def test_empty_and_single(batch, time, dropout, reset_after):
    arrays = arrays_of(reset_after, batch=batch, time=time)
    _, states = DROPOUTS[dropout]
    states = None if states is None else states[..., :batch, :]
    for sequences in (True, False):
        options = {"return_sequences": sequences, "recurrent_dropout": states}
        y, h, trace = gru(*arrays, **options, reset_after=reset_after, keep=True)
        assert y.shape == ((batch, time, UNITS) if sequences else (batch, UNITS))
        assert h.shape == (batch, UNITS)
        for array, gradient in zip(arrays, gru_backward(y, h, trace), strict=True):
            assert gradient.shape == array.shape
            assert y.size or h.size or not gradient.any()


@variants
def test_saturated_gates_stay_finite(reset_after):
    arrays = arrays_of(reset_after, "float32", scale=1e4)
    with np.errstate(all="raise", under="ignore"):
        *outputs, trace = gru(*arrays[:4], reset_after=reset_after, keep=True)
        gradients = gru_backward(*outputs, trace)
    for array in (*outputs, *gradients):
        assert np.isfinite(array).all()


@variants
def test_what_stands_at_masked_steps_does_not_matter(reset_after):
    arrays, mask = arrays_of(reset_after), MASKS["holes"]
    options = {"return_sequences": True, "reset_after": reset_after}
    expected = gru(*arrays, mask, **options)[:2]
    arrays[0][~mask] = np.nan
    for keep in (False, True):
        *found, trace = gru(*arrays, mask, **options, keep=keep)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)
    gradients = gru_backward(*found, trace)
    assert all(np.isfinite(gradient).all() for gradient in gradients)
    assert not gradients.x[~mask].any()


def test_arguments_are_not_written_into_and_results_are_not_views_of_one_another():
    arrays = arrays_of()
    copies = [a.copy() for a in arrays]
    *first, trace = gru(*arrays, MASKS["holes"], keep=True)
    kept = [a.copy() for a in first]
    gru_backward(*first, trace)
    *second, _ = gru(*arrays, MASKS["holes"])
    for a, b in zip(arrays + first, copies + kept, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)

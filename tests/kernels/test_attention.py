"""Attention block by block: equal to the formula in one piece, whatever the blocks."""

import numpy as np
import pytest

from npkeras.kernels import attention as module
from npkeras.kernels.attention import attention, attention_backward, mask_of
from tests.checks import numeric_gradient

B, K, G, T, S, FEATURES, SIZE = 3, 2, 2, 5, 4, 3, 2
SCALE = 0.7


def arrays_of(dtype="float64", batch=B, steps=T, keys=S):
    random = np.random.default_rng(0)
    shapes = (
        (batch, K, G, steps, FEATURES),
        (batch, K, 1, keys, FEATURES),
        (batch, K, 1, keys, SIZE),
    )
    return [random.normal(size=shape).astype(dtype) for shape in shapes]


def seen_of(kind):
    random = np.random.default_rng(1)
    seen = {
        "none": None,
        "keys": random.random((B, 1, 1, 1, S)) < 0.7,
        "pairs": random.random((B, K, G, T, S)) < 0.7,
    }[kind]
    if kind == "pairs":
        seen[1, 1, :, 2] = False
    return seen


def step_by_step(query, key, value, bias, seen, factors, blind_sees_all):
    scores = SCALE * np.einsum("bkgth,bkish->bkgts", query, key)
    scores = scores if bias is None else scores + bias
    if seen is not None:
        scores = np.where(seen, scores, -1e300)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    if seen is not None and not blind_sees_all:
        weights = weights * seen
    weights = weights if factors is None else weights * factors
    return np.einsum("bkgts,bkisv->bkgtv", weights, value)


@pytest.fixture(params=[1, 300, 2**20], ids=["tiny blocks", "a few heads", "one block"])
def blocks(request, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_BYTES", request.param)
    monkeypatch.setattr(module, "_FEW_QUERIES", 2)


@pytest.fixture(params=[20.0, -1.0], ids=["not shifted", "shifted"])
def bound(request, monkeypatch):
    monkeypatch.setattr(module, "_BOUND", request.param)


@pytest.mark.parametrize("kind", ["none", "keys", "pairs"])
@pytest.mark.parametrize("blind_sees_all", [True, False])
@pytest.mark.parametrize("with_factors", [True, False])
def test_equals_the_formula(blocks, bound, kind, blind_sees_all, with_factors):
    query, key, value = arrays_of()
    seen = seen_of(kind)
    random = np.random.default_rng(2)
    shape = (B, K, G, T, S)
    factors = (random.random(shape) < 0.5) * 2.0 if with_factors else None
    bias = random.normal(size=(1, K, 1, T, S)) if kind == "pairs" else None
    mask = mask_of(seen, query.dtype)

    def run(query, key, value):
        return step_by_step(query, key, value, bias, seen, factors, blind_sees_all)

    options = SCALE, bias, mask, factors, blind_sees_all
    found = attention(query, key, value, *options, True)
    np.testing.assert_allclose(found.y, run(query, key, value), rtol=1e-10, atol=1e-13)
    np.testing.assert_array_equal(attention(query, key, value, *options).y, found.y)
    dy = random.normal(size=found.y.shape)
    gradients = attention_backward(dy, query, key, value, SCALE, found, mask, factors)
    for i, gradient in enumerate(gradients[:3]):
        expected = numeric_gradient(run, [query, key, value], i, [dy])
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


def test_the_gradient_of_the_scores_is_that_of_the_bias(blocks):
    arrays, bias = arrays_of(), np.random.default_rng(3).normal(size=(B, K, G, T, S))
    found = attention(*arrays, SCALE, bias, keep=True)
    dy = np.random.default_rng(4).normal(size=found.y.shape)
    scores = attention_backward(
        dy, *arrays, SCALE, found, wanted=(False, False, False, True)
    ).scores

    def run(bias):
        return step_by_step(*arrays, bias, None, None, True)

    np.testing.assert_allclose(scores, numeric_gradient(run, [bias], 0, [dy]), rtol=1e-6, atol=1e-8)


def test_what_is_not_wanted_is_neither_kept_nor_computed():
    arrays = arrays_of()
    assert attention(*arrays, SCALE).weights is None
    found = attention(*arrays, SCALE, keep=True)
    nothing = attention_backward(found.y, *arrays, SCALE, found, wanted=(False,) * 4)
    assert nothing == (None,) * 4


@pytest.mark.parametrize("size", [1e3, 1e18], ids=["large", "the product overflows"])
def test_far_scores_stay_finite(size):
    query, key, value = arrays_of("float32")
    found = attention(query * np.float32(size), key, value, SCALE, keep=True)
    gradients = attention_backward(found.y, query, key, value, SCALE, found)
    assert np.isfinite(found.y).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients)


def test_a_masked_score_far_above_the_others_does_not_hide_them():
    query, key, value = arrays_of("float32")
    key[:, :, :, 0] *= 1000
    seen = np.array([False, True, True, True])
    found = attention(query, key, value, SCALE, None, mask_of(seen, query.dtype)).y
    expected = attention(query, key[:, :, :, 1:], value[:, :, :, 1:], SCALE).y
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_mask_that_hides_nothing_is_none():
    assert mask_of(np.ones((2, 3), bool), np.dtype("float32")) is None
    assert mask_of(None, np.dtype("float32")) is None


def test_two_threads_give_the_numbers_of_one(monkeypatch):
    arrays = arrays_of("float32")
    monkeypatch.setattr(module, "_BLOCK_BYTES", 200)
    one = attention(*arrays, SCALE).y
    monkeypatch.setattr(module, "_TWO", 1)
    np.testing.assert_array_equal(attention(*arrays, SCALE).y, one)


@pytest.mark.parametrize("batch, steps, keys", [(0, T, S), (B, 0, S), (1, 1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_few_or_no_rows(batch, steps, keys, dtype):
    arrays = arrays_of(dtype, batch, steps, keys)
    found = attention(*arrays, SCALE, keep=True)
    assert found.y.shape == (batch, K, G, steps, SIZE)
    gradients = attention_backward(found.y, *arrays, SCALE, found)[:3]
    assert [g.shape for g in gradients] == [x.shape for x in arrays]
    assert {g.dtype.name for g in (found.y, *gradients)} == {dtype}


def test_results_lie_in_memory_as_the_layers_read_them():
    y = attention(*arrays_of(), SCALE).y
    assert y.transpose(0, 3, 1, 2, 4).flags.c_contiguous

"""Multi-head attention as a whole, against its products and `attention` one after another."""

import numpy as np
import pytest

from npkeras.kernels import attention as scores
from npkeras.kernels import heads as module
from npkeras.kernels.attention import attention, headed, mask_of
from npkeras.kernels.heads import Weights, attention_by_heads, attention_by_heads_backward
from tests.checks import numeric_gradient

B, T, K, FEATURES, SIZE, OUTPUTS = 5, 3, 2, 2, 3, 4
SCALE = 0.6
# Which inputs there are; the others are the same as the one before.
INPUTS = {"self": (True, False, False), "key is value": (True, True, False), "three": (True,) * 3}


def problem(kind, groups=1, bias=True):
    """Inputs, None for those that are the same as the one before, and weights."""
    random = np.random.default_rng(0)
    steps = [T] if kind == "self" else [T, 4, 4]
    inputs = [
        random.normal(size=(B, steps[i], 3 + i)) if given else None
        for i, given in enumerate(INPUTS[kind])
    ]
    sources = [0, 0, 0]
    for i in (1, 2):
        sources[i] = i if inputs[i] is not None else sources[i - 1]
    widths = K * groups * FEATURES, K * FEATURES, K * SIZE
    shapes = [(inputs[j].shape[-1], width) for j, width in zip(sources, widths, strict=True)]
    shapes.append((K * groups * SIZE, OUTPUTS))
    kernels = [random.normal(size=shape) for shape in shapes]
    biases = [random.normal(size=shape[1]) if bias else None for shape in shapes]
    return inputs, kernels, biases


def step_by_step(inputs, kernels, biases, groups, *options):
    products, x = [], None
    for i in range(3):
        x = x if inputs[i] is None else inputs[i]
        y = x @ kernels[i]
        y = y if biases[i] is None else y + biases[i]
        products.append(headed(y, K, groups if i == 0 else 1))
    y = attention(*products, SCALE, None, *options).y
    y = y.transpose(0, 3, 1, 2, 4).reshape(*inputs[0].shape[:2], -1) @ kernels[3]
    return y if biases[3] is None else y + biases[3]


@pytest.fixture(params=[1, 200, 2**21], ids=["samples alone", "a few", "all at once"])
def blocks(request, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_BYTES", request.param)
    monkeypatch.setattr(scores, "_BLOCK_BYTES", request.param)
    monkeypatch.setattr(module, "_TWO", 0)


@pytest.mark.parametrize("kind", INPUTS)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("hidden", ["none", "some, with dropout"])
def test_it_is_its_parts_one_after_another(blocks, kind, groups, bias, hidden):
    inputs, kernels, biases = problem(kind, groups, bias)
    steps = [x for x in inputs if x is not None][-1].shape[1]
    random = np.random.default_rng(1)
    mask = factors = None
    if hidden != "none":
        seen = random.random((B, 1, 1, T, steps)) < 0.6
        seen[2, :, :, 1] = False
        mask = mask_of(seen, np.dtype("float64"))
        factors = (random.random((B, K, groups, T, steps)) < 0.5) * 2.0
    options = mask, factors, hidden == "none"

    def run(*arrays):
        count = len(given)
        own = iter(arrays[:count])
        filled = [None if x is None else next(own) for x in inputs]
        rest = arrays[count:]
        return step_by_step(filled, rest[:4], rest[4:] if bias else biases, groups, *options)

    given = [x for x in inputs if x is not None]
    arrays = [*given, *kernels, *(biases if bias else ())]
    weights = Weights(kernels, biases)
    y, kept = attention_by_heads(*inputs, weights, (K, groups), SCALE, *options, keep=True)
    np.testing.assert_allclose(y, run(*arrays), rtol=1e-10, atol=1e-12)
    plain, nothing = attention_by_heads(*inputs, weights, (K, groups), SCALE, *options)
    np.testing.assert_array_equal(plain, y)
    assert nothing is None

    dy = random.normal(size=y.shape)
    found = attention_by_heads_backward(dy, weights, (K, groups), kept, mask, factors)
    gradients = [*found.inputs, *found.kernels, *(found.biases if bias else ())]
    for i, gradient in enumerate(gradients):
        expected = numeric_gradient(run, arrays, i, [dy])
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-7)


def test_gradients_of_inputs_that_nobody_wants_are_not_computed():
    inputs, kernels, biases = problem("three")
    weights = Weights(kernels, biases)
    y, kept = attention_by_heads(*inputs, weights, (K, 1), SCALE, keep=True)
    found = attention_by_heads_backward(y, weights, (K, 1), kept, want_inputs=False)
    assert found.inputs == []
    wanted = attention_by_heads_backward(y, weights, (K, 1), kept)
    for gradient, expected in zip(found.kernels, wanted.kernels, strict=True):
        np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize("samples", [1, 2, 3, 7])
def test_every_sample_is_done_once(blocks, samples):
    """Halves of the samples, an odd number of pieces, more pieces than samples."""
    inputs, kernels, biases = problem("self")
    inputs[0] = np.random.default_rng(2).normal(size=(samples, T, 3))
    weights = Weights(kernels, biases)
    y, kept = attention_by_heads(*inputs, weights, (K, 1), SCALE, keep=True)
    np.testing.assert_allclose(y, step_by_step(inputs, kernels, biases, 1), rtol=1e-10)
    found = attention_by_heads_backward(np.ones_like(y), weights, (K, 1), kept)
    np.testing.assert_allclose(found.biases[3], samples * T)

"""The head over many classes: equal to its parts one after another, in blocks of any size."""

import numpy as np
import pytest

from npkeras.kernels import head as module
from npkeras.kernels.head import head_crossentropy
from npkeras.kernels.softmax import softmax
from tests.checks import numeric_gradient

ROWS, FEATURES, CLASSES = 7, 3, 5


def arrays_of(dtype="float64", rows=ROWS):
    random = np.random.default_rng(0)
    shapes = (rows, FEATURES), (FEATURES, CLASSES), (CLASSES,)
    arrays = [random.normal(size=shape).astype(dtype) for shape in shapes]
    return (*arrays, random.integers(0, CLASSES, rows))


def step_by_step(x, kernel, bias, labels, weights):
    logits = x @ kernel + (0 if bias is None else bias)
    probabilities = softmax(logits)
    loss = -np.log(probabilities[np.arange(len(x)), labels])
    dlogits = (probabilities - np.eye(CLASSES)[labels]) * weights[:, None]
    return loss, logits.argmax(-1), dlogits @ kernel.T, x.T @ dlogits, dlogits.sum(0)


@pytest.mark.parametrize("block", [1, CLASSES * 8 * 2, 2**20], ids=["one row", "two rows", "all"])
@pytest.mark.parametrize("with_bias", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_equals_its_parts_one_after_another(block, with_bias, weighted, monkeypatch):
    monkeypatch.setattr(module, "_BLOCK_BYTES", block)
    x, kernel, bias, labels = arrays_of()
    bias = bias if with_bias else None
    weights = np.linspace(0, 2, ROWS) if weighted else None
    found = head_crossentropy(x, kernel, bias, labels, weights, True, True)
    expected = step_by_step(x, kernel, bias, labels, np.ones(ROWS) if weights is None else weights)
    for a, b in zip(found[: 5 if with_bias else 4], expected, strict=False):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    assert (found.dbias is None) == (bias is None)


def test_gradients():
    x, kernel, bias, labels = arrays_of()

    def loss(x, kernel, bias):
        return head_crossentropy(x, kernel, bias, labels).loss

    dy = np.linspace(-1, 1, ROWS)
    found = head_crossentropy(x, kernel, bias, labels, dy, True, True)[2:]
    for i, gradient in enumerate(found):
        expected = numeric_gradient(loss, [x, kernel, bias], i, [dy])
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


def test_what_is_not_wanted_is_not_computed():
    assert head_crossentropy(*arrays_of())[2:] == (None, None, None)


def test_far_logits_stay_finite():
    x, kernel, bias, labels = arrays_of("float32")
    found = head_crossentropy(x, kernel * 1e4, bias, labels, None, True, True)
    assert all(np.isfinite(array).all() for array in found)


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_few_rows_and_dtypes(rows, dtype):
    found = head_crossentropy(*arrays_of(dtype, rows), None, True, True)
    assert found.loss.shape == (rows,)
    assert {g.dtype.name for g in (found.loss, *found[2:])} == {dtype}

"""Softmax and cross-entropy: against the formulas in double precision, and at the edges."""

import numpy as np
import pytest

from npkeras.kernels import softmax as module
from npkeras.kernels.softmax import (
    log_softmax,
    softmax,
    softmax_crossentropy,
    softmax_crossentropy_dense,
)


def exact(x, axis):
    e = np.exp(x.astype("longdouble"))
    return e / e.sum(axis=axis, keepdims=True)


def logits_of(shape, dtype="float64", seed=0):
    return np.random.default_rng(seed).normal(size=shape, scale=3).astype(dtype)


@pytest.mark.parametrize("dtype, rtol", [("float16", 2e-3), ("float32", 2e-6), ("float64", 1e-13)])
@pytest.mark.parametrize("shape, axis", [((5, 4), -1), ((5, 4), 0), ((2, 3, 4), (0, 2)), ((6,), 0)])
def test_softmax_is_exp_over_its_sum(shape, axis, dtype, rtol):
    x = logits_of(shape, dtype)
    y = softmax(x, axis)
    assert (y.dtype, y.shape) == (x.dtype, x.shape)
    np.testing.assert_allclose(y, exact(x, axis).astype("float64"), rtol=rtol, atol=1e-7)
    z = log_softmax(x, axis)
    assert z.dtype == x.dtype
    np.testing.assert_allclose(
        z, np.log(exact(x, axis)).astype("float64"), rtol=rtol, atol=4 * rtol
    )


def test_rows_in_blocks_are_the_same_as_rows_at_once(monkeypatch):
    x, labels = logits_of((50, 7)), np.arange(50) % 7
    whole = softmax(x), *softmax_crossentropy(x, labels), *softmax_crossentropy_dense(x, x)
    monkeypatch.setattr(module, "_BLOCK_BYTES", 7 * 8 * 4)
    parts = softmax(x), *softmax_crossentropy(x, labels), *softmax_crossentropy_dense(x, x)
    for a, b in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("far", [1e4, -1e4])
def test_far_out_nothing_overflows(far):
    x = np.array([[far, 0.0, 0.0]], "float32")
    with np.errstate(all="raise", under="ignore"):
        y, z = softmax(x), log_softmax(x)
        loss, p = softmax_crossentropy(x, np.array([1]))
    expected = [[1, 0, 0]] if far > 0 else [[0, 0.5, 0.5]]
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(p, expected)
    np.testing.assert_allclose(z[0, 1], -far if far > 0 else -np.log(2), rtol=1e-6)
    np.testing.assert_allclose(loss, -z[:, 1], rtol=1e-6)


def test_half_precision_sums_over_many_classes_do_not_overflow():
    x = np.zeros((1, 70000), "float16")
    assert softmax(x).dtype == "float16"
    np.testing.assert_allclose(softmax_crossentropy(x, np.array([3]))[0], np.log(70000), rtol=1e-3)


@pytest.mark.parametrize("rows, classes", [(0, 3), (1, 1), (6, 5)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_crossentropies_are_minus_the_expected_log_probability(rows, classes, dtype):
    x = logits_of((rows, classes), dtype)
    labels = np.random.default_rng(1).integers(0, classes, rows)
    p = exact(x, -1)
    loss, probabilities = softmax_crossentropy(x, labels)
    assert loss.dtype == probabilities.dtype == x.dtype
    expected = -np.log(p[np.arange(rows), labels]).astype("float64")
    np.testing.assert_allclose(loss, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(probabilities, p.astype("float64"), rtol=1e-5)
    targets = np.random.default_rng(2).random((rows, classes)).astype(dtype)
    loss, probabilities = softmax_crossentropy_dense(x, targets)
    expected = -(targets * np.log(p)).sum(axis=-1).astype("float64")
    np.testing.assert_allclose(loss, expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(probabilities, p.astype("float64"), rtol=1e-5)


def test_both_crossentropies_agree_on_one_hot_targets():
    x, labels = logits_of((6, 5)), np.array([0, 1, 2, 3, 4, 0])
    a, b = softmax_crossentropy(x, labels), softmax_crossentropy_dense(x, np.eye(5)[labels])
    np.testing.assert_allclose(a[0], b[0], rtol=1e-12)


def test_a_class_that_is_ruled_out_adds_nothing_if_its_target_is_zero():
    x = np.array([[0.0, -np.inf, 0.0]])
    loss, _ = softmax_crossentropy_dense(x, np.array([[0.5, 0.0, 0.5]]))
    np.testing.assert_allclose(loss, [np.log(2)])


def test_logits_and_targets_are_not_written_into():
    x, targets = logits_of((6, 5)), logits_of((6, 5), seed=1)
    before = x.copy(), targets.copy()
    softmax(x), log_softmax(x), softmax_crossentropy(x, np.zeros(6, int))
    softmax_crossentropy_dense(x, targets)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(targets, before[1])

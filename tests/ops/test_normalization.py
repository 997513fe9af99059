"""Moments and normalizations: values, gradients, half precision, parity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import GradientTape, KerasTensor, ops
from npkeras.core.tape import Traced
from tests.checks import check_gradients, check_shape_rule

X = np.random.default_rng(0).normal(size=(2, 3, 4))
THREE = np.array([0.5, 1.5, -1.0])
FOUR = np.array([0.5, 1.5, -1.0, 2.0])

CASES = {
    "moments": (lambda x: ops.moments(x, [0, 2]), X),
    "moments, kept": (lambda x: ops.moments(x, axes=-1, keepdims=True), X),
    "normalize": (ops.normalize, X),
    "normalize by the sum": (lambda x: ops.normalize(x, axis=1, order=1), X),
    "normalize by cubes": (lambda x: ops.normalize(x, axis=1, order=3), X),
    "normalize matrices": (lambda x: ops.normalize(x, axis=(0, 1), order=1), X),
    "normalize all": (lambda x: ops.normalize(x, axis=None), X),
    "batch": (
        lambda x, m, v: ops.batch_normalization(x, m, v, 1),
        X,
        THREE,
        THREE**2,
    ),
    "batch, weighted": (
        lambda x, m, v, b, w: ops.batch_normalization(x, m, v, -2, b, w, 0.1),
        X,
        THREE,
        THREE**2,
        THREE + 1,
        THREE - 1,
    ),
    "layer": (ops.layer_normalization, X),
    "layer, weighted": (
        lambda x, w, b: ops.layer_normalization(x, w, b, -1, 0.1),
        X,
        FOUR,
        FOUR + 1,
    ),
    "layer, two axes": (
        lambda x, w: ops.layer_normalization(x, w, axis=(1, 2)),
        X,
        X[0],
    ),
    "layer, another axis": (lambda x, w: ops.layer_normalization(x, w, axis=1), X, THREE),
    "rms": (lambda x, w: ops.rms_normalization(x, w), X, FOUR),
    "rms, two axes": (lambda x: ops.rms_normalization(x, axis=(0, 2), epsilon=0.1), X),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_gradient(case):
    check_gradients(*case, rtol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_shape_rule(name):
    function, *arrays = CASES[name]
    check_shape_rule(function, *arrays, unknown=len(arrays) == 1)


def test_moments_are_mean_and_variance():
    mean, variance = ops.moments(X, (0, 1))
    np.testing.assert_allclose(mean, X.mean((0, 1)))
    np.testing.assert_allclose(variance, X.var((0, 1)))


def test_half_precision_is_summed_in_single_precision():
    x = np.full((70000, 1), 300, "float16")
    mean, variance = ops.moments(x, [0])
    assert (mean, variance, mean.dtype) == (300, 0, "float16")
    assert ops.moments(np.array([-6e4, 6e4], "float16"), 0)[1] == np.finfo("float16").max


def test_nothing_is_divided_by_less_than_epsilon():
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    np.testing.assert_allclose(ops.normalize(x), [[0, 0], [0.6, 0.8]])
    np.testing.assert_allclose(ops.normalize(x, epsilon=100.0)[1], [0.03, 0.04])
    np.testing.assert_allclose(ops.normalize(x, order=1)[1], [3 / 7, 4 / 7])


def test_layer_normalization_gives_mean_0_and_variance_1():
    y = ops.layer_normalization(X, axis=(1, 2), epsilon=0)
    np.testing.assert_allclose(y.mean((1, 2)), 0, atol=1e-12)
    np.testing.assert_allclose(y.var((1, 2)), 1)
    np.testing.assert_allclose(np.square(ops.rms_normalization(X, epsilon=0)).mean(-1), 1)


def test_unknown_axes():
    x = KerasTensor((None, None, 4))
    assert ops.batch_normalization(x, FOUR, FOUR**2, -1, FOUR).shape == (None, None, 4)
    assert ops.layer_normalization(x, FOUR).shape == (None, None, 4)
    assert ops.moments(x, (0, 1))[0].shape == (4,)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: ops.moments(X, 0, synchronized=True), ValueError, r"synchronized=True"),
        (lambda: ops.normalize(X, order=0), ValueError, r"`order` of `normalize`.*order=0"),
        (
            lambda: ops.batch_normalization(X, FOUR, THREE**2, 1),
            ValueError,
            r"`mean` of `batch_normalization`.*3 along axis 1.*\(4,\)",
        ),
        (lambda: ops.layer_normalization(X, size=2), TypeError, r"`size`"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


@st.composite
def normalizations(draw):
    shape = tuple(draw(st.lists(st.integers(3, 5), min_size=2, max_size=3)))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    weights = np.random.default_rng(1).normal(size=shape[axis]).astype("float32")
    calls = {
        "normalize": lambda o, x: o.normalize(x, axis=axis, order=2),
        "normalize 1": lambda o, x: o.normalize(x, axis=axis, order=1),
        "batch": lambda o, x: o.batch_normalization(
            x, weights, weights**2, axis, offset=weights, scale=weights
        ),
        "layer": lambda o, x: o.layer_normalization(x, axis=axis),
        "rms": lambda o, x: o.rms_normalization(x, axis=axis),
        "mean": lambda o, x: o.moments(x, axes=[axis])[0],
        "variance": lambda o, x: o.moments(x, axes=[axis], keepdims=True)[1],
    }
    x = np.random.default_rng(draw(st.integers(0, 99))).normal(size=shape).astype("float32")
    return calls[draw(st.sampled_from(sorted(calls)))], x


@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(normalizations())
def test_values_and_gradients_are_kerass(keras, tf, case):
    call, x = case
    theirs = tf.constant(x)
    with tf.GradientTape() as their_tape:
        their_tape.watch(theirs)
        expected = call(keras.ops, theirs)
        their_loss = tf.sin(expected)
    ours = Traced(x, object())
    with GradientTape() as tape:
        y = call(ops, ours)
        loss = ops.sin(y)
    np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5)
    their_gradient = their_tape.gradient(their_loss, theirs).numpy()
    np.testing.assert_allclose(tape.gradient(loss, ours), their_gradient, rtol=1e-3, atol=1e-3)

"""What is special about pooling: ties, edges, dtypes and errors."""

import numpy as np
import pytest

from npkeras import ops
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import GradientTape, Traced

X = np.arange(18.0, dtype="float32").reshape(1, 3, 3, 2)


@pytest.mark.keras
@pytest.mark.parametrize(
    "pool", [(2, None, "valid"), (3, 1, "same"), (3, 2, "same"), (2, 1, "valid")]
)
def test_of_equal_entries_the_first_has_the_gradient(keras, tf, pool):
    x = np.random.default_rng(0).integers(0, 3, (2, 6, 6, 3)).astype("float32")
    constant, traced = tf.constant(x), Traced(x, object())
    with tf.GradientTape() as theirs, GradientTape() as ours:
        theirs.watch(constant)
        expected, y = keras.ops.max_pool(constant, *pool), ops.max_pool(traced, *pool)
    np.testing.assert_array_equal(y.value, expected)
    np.testing.assert_array_equal(ours.gradient(y, traced), theirs.gradient(expected, constant))


def test_what_lies_beyond_the_edge_does_not_count():
    y = ops.average_pool(X, 2, padding="same")
    np.testing.assert_allclose(y[0, :, :, 0], [[4, 7], [13, 16]])
    y = ops.max_pool(-X - 1, 2, padding="same")
    np.testing.assert_allclose(y[0, :, :, 0], [[-1, -5], [-13, -17]])


def test_integers_have_integer_maxima_and_float_means():
    x = X.astype("int32")
    assert ops.max_pool(x, 2).dtype == "int32"
    assert ops.average_pool(x, 2).dtype == "float32"
    assert ops.average_pool(KerasTensor(x.shape, "int32"), 2).dtype == "float32"


def test_adaptive_windows_share_entries():
    x = np.arange(5.0).reshape(1, 5, 1)
    assert ops.adaptive_average_pool(x, 3).ravel().tolist() == [0.5, 2, 3.5]
    assert ops.adaptive_max_pool(x, 3).ravel().tolist() == [1, 3, 4]
    assert ops.adaptive_max_pool(x[:, :2], 3).ravel().tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ops.max_pool(X, 4), r"`max_pool`.*window of \(4, 4\).*\(3, 3\)"),
        (lambda: ops.average_pool(X, (2, 2, 2)), r"`average_pool`.*2 integers"),
        (lambda: ops.max_pool(X, 2, 0), "strides=0"),
        (lambda: ops.max_pool(X, 2, padding="causal"), "padding='causal'"),
        (lambda: ops.max_pool(X[0, 0], 2), "3 or 4 or 5 axes"),
        (lambda: ops.adaptive_max_pool(X[:, :0], 2), "at least one entry"),
    ],
)
def test_errors_say_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()

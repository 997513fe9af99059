"""to_categorical and normalize: equal to Keras, but for what Keras takes in silence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from npkeras import GradientTape, Input, Model, Variable, ops
from npkeras.utils import normalize, to_categorical


@pytest.mark.parametrize(
    "x, num_classes, rows",
    [
        ([0, 2], None, [[1, 0, 0], [0, 0, 1]]),
        ([0], 3, [[1, 0, 0]]),
        (1, 2, [0, 1]),
        ([[1], [0]], None, [[0, 1], [1, 0]]),
        ([[0, 1]], None, [[[1, 0], [0, 1]]]),
        ([], 3, np.zeros((0, 3))),
        ([True, False], None, [[0, 1], [1, 0]]),
        ([1.0], None, [[0, 1]]),
        (["1"], None, [[0, 1]]),
        (np.array([1], "uint8"), 2, [[0, 1]]),
    ],
)
def test_row_is_one_at_the_class(x, num_classes, rows):
    result = to_categorical(x, num_classes)
    np.testing.assert_array_equal(result, rows)
    assert result.dtype == "float64"


@pytest.mark.parametrize(
    "x, num_classes, message",
    [
        ([0, -1], 3, "class numbers from 0. Received: -1, at place 1 of x"),
        ([0, 3], 3, "class numbers below num_classes=3. Received: 3"),
        ([1.5], None, r"whole and from 0. Received: x=\[1.5\]"),
        ([np.nan], 3, r"whole and from 0. Received: x=\[nan\]"),
        ([np.inf], 3, r"whole and from 0. Received: x=\[inf\]"),
        (["a"], 3, r"Received: x=\['a'\]"),
        ([[1], [2, 3]], 4, r"Received: x=\[\[1\], \[2, 3\]\]"),
        (None, 3, "Received: x=None"),
        ([1j], 3, r"Received: x=\[1j\]"),
        ([2**70], 3, r"Received: x=\[1180591620717411303424\]"),
        ([], None, r"from no class numbers. Received: x of shape \(0,\), num_classes=None"),
        ([0], -1, "`num_classes` of to_categorical .*num_classes=-1"),
        ([0], 2.0, "`num_classes` of to_categorical .*num_classes=2.0"),
    ],
)
def test_what_is_no_class_number_is_refused(x, num_classes, message):
    with pytest.raises(ValueError, match=message):
        to_categorical(x, num_classes)


@pytest.mark.keras
@given(
    hnp.arrays(
        "int64", hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), elements=st.integers(0, 6)
    ),
    st.sampled_from([None, 7, 9, 0]),
)
@settings(max_examples=25, deadline=None)
def test_to_categorical_equals_keras(keras, x, num_classes):
    expected = keras.utils.to_categorical(x, num_classes)
    for given_x in (x, x.tolist()):
        result = to_categorical(given_x, num_classes)
        np.testing.assert_array_equal(result, expected)
        assert result.dtype == expected.dtype


@pytest.mark.parametrize(
    "axis, order, expected",
    [
        (-1, 2, [[0.6, 0.8], [0, 0], [-1, 0]]),
        (0, 2, [[3 / 34**0.5, 1], [0, 0], [-5 / 34**0.5, 0]]),
        (1, 1, [[3 / 7, 4 / 7], [0, 0], [-1, 0]]),
        (1, np.inf, [[0.75, 1], [0, 0], [-1, 0]]),
    ],
)
def test_vectors_get_length_one(axis, order, expected):
    x = np.array([[3.0, 4.0], [0.0, 0.0], [-5.0, 0.0]])
    np.testing.assert_allclose(normalize(x, axis, order), expected)
    np.testing.assert_allclose(normalize(x.T, 1 - axis if axis >= 0 else 0, order).T, expected)


@pytest.mark.keras
@given(
    hnp.arrays(
        st.sampled_from(["float64", "float32", "int64"]),
        hnp.array_shapes(max_dims=3, max_side=4),
        elements=st.integers(-4, 4),
    ),
    st.sampled_from([-1, None, 1]),
    st.sampled_from([1, 2, np.inf]),
)
@settings(max_examples=25, deadline=None)
def test_normalize_equals_keras(keras, x, axis, order):
    if axis == 1 and x.ndim < 2 or axis is None and x.ndim > 2:
        axis = -1
    expected = keras.utils.normalize(x, axis, order)
    result = normalize(x, axis, order)
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    assert result.shape == expected.shape and result.dtype == expected.dtype


@pytest.mark.keras
@pytest.mark.parametrize("x", [[3.0, 4.0], [[3.0, 4.0], [0.0, 0.0]], 3.0])
def test_normalize_of_lists_equals_keras(keras, x):
    expected = np.asarray(keras.utils.normalize(x))
    np.testing.assert_allclose(normalize(x), expected, rtol=1e-6)
    assert normalize(x).dtype == expected.dtype and normalize(x).shape == expected.shape


MATRIX = np.array([[3.0, 4.0, -1.0], [0.5, 2.0, 2.0]], "float32")


@pytest.mark.keras
@pytest.mark.parametrize("x", [MATRIX, MATRIX[0]], ids=["matrix", "vector"])
@pytest.mark.parametrize("axis, order", [(-1, 2), (-1, 1), (0, 3), (None, 2), (None, 1)])
def test_gradients_of_normalize_are_those_of_keras(keras, tf, x, axis, order):
    factors = np.arange(1.0, x.size + 1).reshape(x.shape).astype("float32")
    theirs, ours = tf.Variable(x), Variable(x)
    with tf.GradientTape() as their_tape:
        expected = keras.utils.normalize(theirs, axis, order)
        total = tf.reduce_sum(expected * factors)
    with GradientTape() as tape:
        y = normalize(ours, axis, order)
        loss = ops.sum(y * factors)
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    wanted = their_tape.gradient(total, theirs)
    np.testing.assert_allclose(tape.gradient(loss, ours), wanted, rtol=1e-3, atol=1e-5)


def test_normalize_is_part_of_models():
    x = Input((3,))
    model = Model(x, normalize(x))
    np.testing.assert_allclose(model.predict(MATRIX, verbose=0), normalize(MATRIX), rtol=1e-6)


def test_normalize_of_variables_takes_the_orders_of_keras_only():
    with pytest.raises(ValueError, match="`order` of `normalize`.*order=inf"):
        normalize(Variable(MATRIX), order=np.inf)

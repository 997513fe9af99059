"""Picking entries: values, gradients, shapes, what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import GradientTape, KerasTensor, Variable, ops
from npkeras.core.rows import RowGradient
from npkeras.core.tape import Traced
from tests.checks import check_gradients, check_shape_rule

X = np.arange(12.0).reshape(3, 4)
PICKED = np.array([[1, 1], [2, -1]])
EACH = np.array([[0, -1], [2, 2], [3, 0]])

CASES = {
    "take": (lambda x: ops.take(x, PICKED), X),
    "take rows": (lambda x: ops.take(x, PICKED, axis=0), X),
    "take columns": (lambda x: ops.take(x, PICKED, axis=-1), X),
    "take one": (lambda x: ops.take(x, 2, axis=1), X),
    "take none": (lambda x: ops.take(x, np.zeros((0, 2), int), axis=1), X),
    "take_along_axis": (lambda x: ops.take_along_axis(x, EACH, axis=1), X),
    "take_along_axis, spread": (lambda x: ops.take_along_axis(x, np.array([[1]]), axis=1), X),
    "take_along_axis, flat": (lambda x: ops.take_along_axis(x, np.array([5, 5, -1])), X),
    "slice": (lambda x: ops.slice(x, (1, 1), (2, 2)), X),
    "slice to the end": (lambda x: ops.slice(x, (1, 2), (-1, -1)), X),
    "an integer": (lambda x: x[1], X),
    "slices": (lambda x: x[::-1, 1:3], X),
    "None and ellipsis": (lambda x: x[None, ..., 2], X),
    "a list": (lambda x: x[[0, 0, 2]], X),
    "pairs": (lambda x: x[[0, 0, 2], [1, 1, 3]], X),
    "a slice and a list": (lambda x: x[1:, [3, 3, 0]], X),
    "a mask": (lambda x: x[X > 4], X),
    "a mask of rows": (lambda x: x[np.array([True, False, True])], X),
    "an array of numpy integers": (lambda x: x[np.int64(2), np.array(1)], X),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_gradient(case):
    check_gradients(*(np.asarray(part) if i else part for i, part in enumerate(case)))


@pytest.mark.parametrize("name", [name for name in CASES if "mask" not in name])
def test_shape_rule(name):
    function, x = CASES[name]
    check_shape_rule(function, x, unknown=name != "slice to the end")


def test_rows_of_a_variable_have_a_gradient_of_rows():
    table = Variable(np.ones((5, 2)))
    with GradientTape() as tape:
        y = ops.take(table, np.array([[1, 1], [4, -5]]), axis=0)
    gradient = tape.gradient(y, table)
    assert isinstance(gradient, RowGradient)
    np.testing.assert_array_equal(np.asarray(gradient)[:, 0], [1, 2, 0, 0, 1])


def test_rows_of_a_computed_table_have_a_whole_gradient():
    table = Variable(np.ones((5, 2)))
    with GradientTape() as tape:
        y = ops.take(table * 2.0, np.array([1, 1]), axis=0)
    gradient = tape.gradient(y, table)
    assert isinstance(gradient, np.ndarray)
    np.testing.assert_array_equal(gradient[:, 0], [0, 4, 0, 0, 0])


def test_symbolic_indices_into_a_table():
    table = Variable(np.ones((5, 2)))
    assert ops.take(table, KerasTensor((None, 7), "int32"), axis=0).shape == (None, 7, 2)


def test_recorded_values_can_be_indices():
    x, i = Traced(X, object()), Traced(np.array([2, 0]), object())
    with GradientTape():
        np.testing.assert_array_equal(x[i].value, X[[2, 0]])
        np.testing.assert_array_equal(x[0, i].value, X[0, [2, 0]])


def test_symbolic_values_can_be_indices():
    x, i = KerasTensor((None, 4)), KerasTensor((None, 7), "int32")
    assert x[i].shape == (None, 7, 4)
    assert x[:, i].shape == (None, None, 7)
    assert x[0, 1:].shape == (3,)


def test_an_entry_is_an_array():
    assert isinstance(ops.get_item(X, (1, 2)), np.ndarray)


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: ops.take(X, [1, 3], axis=0), ValueError, r"`take`.*index 3.*\[0, 3\)"),
        (lambda: ops.take(X, [1, -4], axis=0), ValueError, r"index -4.*\[0, 3\)"),
        (lambda: ops.take(X, [12]), ValueError, r"index 12.*\[0, 12\)"),
        (lambda: ops.take(X, [1.5], axis=0), TypeError, r"integer indices.*float32"),
        (lambda: ops.take(X, [True], axis=0), TypeError, r"integer indices.*bool"),
        (lambda: ops.take(X, [0], axis=2), ValueError, r"axis=2"),
        (
            lambda: ops.take_along_axis(X, [[4], [0], [0]], axis=1),
            ValueError,
            r"`take_along_axis` received the index 4.*\[0, 4\)",
        ),
        (lambda: ops.take_along_axis(X, [1, 2], axis=1), ValueError, r"\(3, 4\) and \(2,\)"),
        (lambda: ops.slice(X, (2, 0), (2, 2)), ValueError, r"\(3, 4\).*\[2, 0\], shape=\(2, 2\)"),
        (lambda: ops.slice(X, (0,), (2,)), ValueError, r"needs 2 start.*\[0\], shape=\(2,\)"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_table_names_the_index_it_lacks_while_a_tape_runs():
    table = Variable(np.ones((5, 2)))
    with GradientTape(), pytest.raises(ValueError, match=r"index 5.*\[0, 5\)"):
        ops.take(table, [5], axis=0)


@st.composite
def picks(draw):
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    axis = draw(st.one_of(st.none(), st.integers(-len(shape), len(shape) - 1)))
    length = int(np.prod(shape)) if axis is None else shape[axis]
    picked = tuple(draw(st.lists(st.integers(1, 3), min_size=0, max_size=2)))
    size = int(np.prod(picked))
    values = draw(st.lists(st.integers(-length, length - 1), min_size=size, max_size=size))
    return shape, axis, np.array(values, "int32").reshape(picked)


@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(picks())
def test_take_is_kerass(keras, tf, pick):
    shape, axis, indices = pick
    x = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    theirs = tf.constant(x)
    with tf.GradientTape() as their_tape:
        their_tape.watch(theirs)
        expected = keras.ops.take(theirs, indices, axis=axis)
        loss = expected * expected
    ours = Traced(x, object())
    with GradientTape() as tape:
        y = ops.take(ours, indices, axis=axis)
        squared = y * y
    np.testing.assert_array_equal(y.numpy(), expected.numpy())
    gradient = tf.convert_to_tensor(their_tape.gradient(loss, theirs)).numpy()
    np.testing.assert_allclose(tape.gradient(squared, ours), gradient, rtol=1e-6)

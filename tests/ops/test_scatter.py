"""Scattering and segments: values, gradients, ties, shapes, messages, parity."""

import numpy as np
import pytest

from npkeras import GradientTape, KerasTensor, ops
from npkeras.core.tape import Traced
from tests.checks import check_gradients, check_shape_rule

X = np.arange(12.0).reshape(3, 4) + 0.5
TWICE = np.array([[0, 1], [2, 3], [0, 1]])
ONCE = np.array([[0, 1], [2, 3]])
IDS = np.array([0, 2, -1, 0, 3])
ROWS = np.array([[1.0, 8.0], [2.0, 3.0], [9.0, 9.0], [4.0, 5.0], [7.0, 6.0]])

CASES = {
    "scatter": (lambda v: ops.scatter(TWICE, v, (3, 4)), [10.0, 20.0, 30.0]),
    "scatter rows": (lambda v: ops.scatter([[1], [1]], v, (3, 4)), np.ones((2, 4))),
    "update": (lambda x, u: ops.scatter_update(x, ONCE, u), X, [7.0, 8.0]),
    "update rows": (lambda x, u: ops.scatter_update(x, [[2]], u), X, np.ones((1, 4))),
    "add": (lambda x, u: ops.scatter_update(x, TWICE, u, "add"), X, [7.0, 8.0, 9.0]),
    "max": (lambda x, u: ops.scatter_update(x, TWICE, u, "max"), X, [1.0, 80.0, 9.0]),
    "min": (lambda x, u: ops.scatter_update(x, TWICE, u, "min"), X, [1.0, 80.0, 9.0]),
    "mul": (lambda x, u: ops.scatter_update(x, TWICE, u, "mul"), X, [7.0, 8.0, 9.0]),
    "mul by zero": (lambda x, u: ops.scatter_update(x, TWICE, u, "mul"), X, [7.0, 0.0, 0.0]),
    "slice_update": (lambda x, u: ops.slice_update(x, (1, 1), u), X, np.zeros((2, 2))),
    "segment_sum": (lambda x: ops.segment_sum(x, IDS), ROWS),
    "segment_sum, more": (lambda x: ops.segment_sum(x, IDS, num_segments=6), ROWS),
    "segment_prod": (lambda x: ops.segment_prod(x, IDS), ROWS),
    "segment_prod, zeros": (lambda x: ops.segment_prod(x, [0, 0, 0, 1, 1]), ROWS * (ROWS != 2)),
    "segment_max": (lambda x: ops.segment_max(x, IDS), ROWS),
    "segment_min": (lambda x: ops.segment_min(x, IDS), ROWS),
}


@pytest.mark.parametrize("name", CASES)
def test_gradient(name):
    function, *arrays = CASES[name]
    if name in ("segment_max", "segment_min"):  # an empty segment holds a number near infinity
        inner = function

        def function(x):
            y = inner(x)
            return ops.concatenate([y[:1], y[2:]])

    check_gradients(function, *arrays)


@pytest.mark.parametrize(
    "name", [name for name in CASES if "segment" not in name or "more" in name]
)
def test_shape_rule(name):
    function, *arrays = CASES[name]
    check_shape_rule(function, *map(np.asarray, arrays), unknown="update" not in name)


def test_replacing_twice_keeps_the_last():
    y = ops.scatter_update(np.zeros((2,)), [[1], [1]], [3.0, 4.0])
    np.testing.assert_array_equal(y, [0, 4])


def test_values_for_the_same_place_add_up():
    np.testing.assert_array_equal(ops.scatter([[1], [1]], [3.0, 4.0], (2,)), [0, 7])


def test_empty_segments():
    x = np.array([1.0, 2.0], "float32")
    ids, most = [0, 0], np.finfo("float32").max
    assert ops.segment_sum(x, ids, num_segments=2)[1] == 0
    assert ops.segment_prod(x, ids, num_segments=2)[1] == 1
    assert ops.segment_max(x, ids, num_segments=2)[1] == -most
    assert ops.segment_min(x, ids, num_segments=2)[1] == most
    assert ops.segment_max(x.astype("int32"), ids, 2)[1] == np.iinfo("int32").min


def test_segments_of_unknown_number():
    assert ops.segment_sum(KerasTensor((5, 2)), IDS).shape == (None, 2)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ops.scatter([[5, 0]], [1.0], (3, 4)), r"`scatter`.*\[5, 0\].*\(3, 4\)"),
        (lambda: ops.scatter([[-1, 0]], [1.0], (3, 4)), r"\[-1, 0\].*\(3, 4\)"),
        (lambda: ops.scatter([[1, 1, 1]], [1.0], (3, 4)), r"1 to 2 entries.*\(1, 3\)"),
        (lambda: ops.scatter([[1.0]], [1.0], (3,)), r"integer indices.*float32"),
        (lambda: ops.scatter_update(X, ONCE, [1.0, 2.0], "mean"), r"'add'.*reduction='mean'"),
        (lambda: ops.slice_update(X, (2, 3), np.ones((2, 2))), r"\(3, 4\).*\[2, 3\]"),
        (lambda: ops.segment_sum(ROWS, [0, 1]), r"\(5, 2\), segment_ids of shape \(2,\)"),
        (lambda: ops.segment_max(ROWS, [0, 1, 7, 0, 0], 4), r"number 7.*num_segments=4"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.keras
@pytest.mark.parametrize("reduction", [None, "add", "max", "min", "mul"])
@pytest.mark.parametrize("indices", [ONCE, TWICE], ids=["once", "twice"])
def test_scatter_update_is_kerass_ties_included(keras, tf, reduction, indices):
    if reduction is None and indices is TWICE:
        pytest.skip("which of two values replaces an entry is not defined")
    x = X.astype("float32")
    updates = np.array([x[0, 1], 30, 2][: len(indices)], "float32")
    theirs = tf.constant(x), tf.constant(updates)
    with tf.GradientTape() as their_tape:
        their_tape.watch(theirs)
        expected = keras.ops.scatter_update(theirs[0], indices, theirs[1], reduction)
        loss = expected * expected
    ours = [Traced(x, object()), Traced(updates, object())]
    with GradientTape() as tape:
        y = ops.scatter_update(ours[0], indices, ours[1], reduction)
        squared = y * y
    np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-6)
    pairs = zip(tape.gradient(squared, ours), their_tape.gradient(loss, theirs), strict=True)
    for gradient, theirs in pairs:
        np.testing.assert_allclose(gradient, theirs.numpy(), rtol=1e-5)


@pytest.mark.keras
@pytest.mark.parametrize("name", ["segment_sum", "segment_prod", "segment_max", "segment_min"])
def test_segments_are_kerass_ties_included(keras, tf, name):
    x = np.array([2, 2, 1, 3, 3, 0.5], "float32")
    ids = np.array([0, 0, 0, 2, 2, -1])
    theirs = tf.constant(x)
    with tf.GradientTape() as their_tape:
        their_tape.watch(theirs)
        expected = getattr(keras.ops, name)(theirs, ids, num_segments=3)
        loss = tf.sin(expected)
    ours = Traced(x, object())
    with GradientTape() as tape:
        y = getattr(ops, name)(ours, ids, num_segments=3)
        bent = ops.sin(y)
    np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-6)
    gradient = tf.convert_to_tensor(their_tape.gradient(loss, theirs)).numpy()
    np.testing.assert_allclose(tape.gradient(bent, ours), gradient, rtol=1e-5, atol=1e-6)

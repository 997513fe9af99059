"""Reshaping, joining, splitting and padding: values, gradients, shapes, messages, parity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import GradientTape, KerasTensor, ops
from npkeras.core.tape import Traced
from tests.checks import check_gradients, check_shape_rule

X = np.arange(24.0).reshape(2, 3, 4)
ROW = np.array([3.0, 1.0, 2.0])

CASES = {
    "reshape": (lambda x: ops.reshape(x, (4, -1)), X),
    "reshape to one axis": (lambda x: ops.reshape(x, 24), X),
    "reshape with None": (lambda x: ops.reshape(x, (None, 8)), X),
    "ravel": (ops.ravel, X),
    "expand_dims": (lambda x: ops.expand_dims(x, 1), X),
    "expand_dims twice": (lambda x: ops.expand_dims(x, (0, -1)), X),
    "squeeze": (lambda x: ops.squeeze(x, 1), np.ones((3, 1, 2))),
    "squeeze all": (ops.squeeze, np.ones((3, 1, 2, 1))),
    "transpose": (ops.transpose, X),
    "transpose by axes": (lambda x: ops.transpose(x, (1, -1, 0)), X),
    "swapaxes": (lambda x: ops.swapaxes(x, 0, -1), X),
    "moveaxis": (lambda x: ops.moveaxis(x, 0, -1), X),
    "moveaxis twice": (lambda x: ops.moveaxis(x, (0, 1), (-1, 0)), X),
    "flip": (ops.flip, X),
    "flip axes": (lambda x: ops.flip(x, (0, 2)), X),
    "fliplr": (ops.fliplr, X),
    "flipud": (ops.flipud, X),
    "roll": (lambda x: ops.roll(x, 2), X),
    "roll along axes": (lambda x: ops.roll(x, (1, -2), axis=(0, 2)), X),
    "rot90": (ops.rot90, X),
    "rot90 twice": (lambda x: ops.rot90(x, 2, (1, 2)), X),
    "rot90 back": (lambda x: ops.rot90(x, -1, (1, 2)), X),
    "broadcast_to": (lambda x: ops.broadcast_to(x, (2, 3, 3)), np.ones((3, 1))),
    "repeat": (lambda x: ops.repeat(x, 2), X),
    "repeat along": (lambda x: ops.repeat(x, 3, axis=1), X),
    "repeat by counts": (lambda x: ops.repeat(x, [2, 0, 1], axis=1), X),
    "tile": (lambda x: ops.tile(x, 2), X),
    "tile to more axes": (lambda x: ops.tile(x, (2, 1, 3, 1)), X),
    "pad": (lambda x: ops.pad(x, ((1, 0), (0, 2), (1, 1))), X),
    "pad with a value": (lambda x: ops.pad(x, [[1, 1]] * 3, constant_values=5), X),
    "pad, reflected": (lambda x: ops.pad(x, ((1, 0), (2, 1), (3, 3)), "reflect"), X),
    "pad, symmetric": (lambda x: ops.pad(x, ((1, 2), (3, 1), (4, 0)), "symmetric"), X),
    "concatenate": (lambda x, z: ops.concatenate([x, z, x], axis=1), X, np.ones((2, 1, 4))),
    "stack": (lambda x, z: ops.stack([x, z], axis=-1), X, X + 1),
    "hstack": (lambda x, z: ops.hstack([x, z]), X, np.ones((2, 2, 4))),
    "hstack of rows": (lambda x, z: ops.hstack([x, z]), ROW, np.ones(2)),
    "vstack": (lambda x, z: ops.vstack([x, z]), ROW, np.ones((2, 3))),
    "dstack": (lambda x, z: ops.dstack([x, z]), ROW, np.ones(3)),
    "append": (ops.append, X, ROW),
    "append along": (lambda x, z: ops.append(x, z, axis=0), X, np.ones((1, 3, 4))),
    "split": (lambda x: ops.split(x, 2, axis=2), X),
    "split at": (lambda x: ops.split(x, [1, 3], axis=-1), X),
    "array_split": (lambda x: ops.array_split(x, 3, axis=2), X),
    "hsplit": (lambda x: ops.hsplit(x, 3), X),
    "vsplit": (lambda x: ops.vsplit(x, 2), X),
    "dsplit": (lambda x: ops.dsplit(x, 2), X),
    "unstack": (lambda x: ops.unstack(x, axis=1), X),
}
FIXED_AXES = {
    "split", "array_split", "hsplit", "vsplit", "dsplit", "unstack", "rot90", "repeat by counts",
    "reshape", "reshape to one axis", "reshape with None", "squeeze all",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_gradient(case):
    check_gradients(*case)


@pytest.mark.parametrize("name", CASES)
def test_shape_rule(name):
    function, *arrays = CASES[name]
    check_shape_rule(function, *arrays, unknown=name not in FIXED_AXES)


def test_a_view_is_made_where_numpy_can_make_one():
    for function in (ops.transpose, ops.ravel, lambda x: ops.reshape(x, (6, 4))):
        assert np.shares_memory(function(X), X)


def test_joined_arrays_meet_in_kerass_dtype():
    half, whole = np.ones(2, "float16"), np.ones(2, "int64")
    assert ops.concatenate([half, whole]).dtype == "float16"
    assert ops.stack([whole.astype("int32"), np.ones(2, "float32")]).dtype == "float32"
    assert ops.concatenate([KerasTensor((2,), "int64"), half]).dtype == "float16"


def test_lists_come_back_as_lists():
    assert type(ops.split(X, 2, axis=2)) is list
    assert type(ops.unstack(X)) is list


def test_only_one_part_of_a_split_needs_a_gradient():
    x = Traced(X, object())
    with GradientTape() as tape:
        y = ops.split(x, 2, axis=2)[1]
    expected = np.zeros_like(X)
    expected[..., 2:] = 1
    np.testing.assert_array_equal(tape.gradient(y, x), expected)


def test_unknown_lengths_in_a_shape_are_those_of_the_argument():
    x = KerasTensor((None, 3, 4))
    y = ops.reshape(x, (ops.shape(x)[0], -1))
    assert y.shape == (None, 12)
    np.testing.assert_array_equal(ops.reshape(X, (None, -1)), X.reshape(2, 12))


def test_unknown_lengths_stay_unknown():
    x = KerasTensor((None, 4))
    assert ops.concatenate([x, x], axis=0).shape == (None, 4)
    assert [part.shape for part in ops.split(x, 2, axis=0)] == [(None, 4), (None, 4)]
    assert ops.pad(x, [[1, 1], [1, 1]]).shape == (None, 6)
    assert ops.pad(x, [[9, 9], [1, 1]], "reflect").shape == (None, 6)
    assert ops.unstack(x, num=3)[0].shape == (4,)


def test_numpys_functions_call_the_ops():
    x = Traced(X, object())
    with GradientTape():
        for y in (np.reshape(x, (6, 4)), np.concatenate([x, x]), np.stack([x, x]), np.squeeze(x)):
            assert isinstance(y, Traced)


@pytest.mark.parametrize("mode", ["REFLECT", "Symmetric", "CONSTANT"])
def test_modes_of_padding_may_be_in_capitals(mode):
    check_gradients(lambda x: ops.pad(x, ((1, 0), (2, 1), (1, 3)), mode), X)
    expected = np.pad(ROW, (1, 2), mode.lower())
    np.testing.assert_array_equal(ops.pad(ROW, (1, 2), mode), expected)


def test_numpys_pad_takes_one_width_for_all_axes():
    x = Traced(X, object())
    for width in (1, (1, 2), [[1, 2]]):
        np.testing.assert_array_equal(np.pad(x, width), np.pad(X, width))


@pytest.mark.keras
@pytest.mark.parametrize(
    "shape, width, mode",
    [
        ((4,), 1, "constant"),
        ((4,), (1, 2), "constant"),
        ((4,), [[1, 2]], "REFLECT"),
        ((4,), (1,), "constant"),
        ((3, 4), 1, "constant"),
        ((3, 4), (1, 1), "constant"),
        ((3, 4), [[1, 1]], "constant"),
        ((3, 4), [[1], [2]], "constant"),
        ((3, 4), [[1, 1]] * 3, "constant"),
        ((3, 4), [[2, 2], [3, 3]], "reflect"),
        ((3, 4), [[3, 0], [0, 0]], "reflect"),
        ((3, 4), [[3, 3], [4, 4]], "Symmetric"),
        ((3, 4), [[0, 0], [0, 5]], "symmetric"),
        ((3, 4), [[-1, 1], [1, 1]], "constant"),
    ],
)
def test_paddings_are_taken_and_refused_as_in_keras(keras, shape, width, mode):
    x = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    try:
        expected = keras.ops.pad(x, width, mode)
    except Exception:
        with pytest.raises(ValueError, match="`pad"):
            ops.pad(x, width, mode)
    else:
        np.testing.assert_array_equal(ops.pad(x, width, mode), expected)


def test_size():
    assert ops.size(X) == 24
    assert ops.size(KerasTensor((None, 2))) is None


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ops.reshape(KerasTensor((2, 3)), (4, -1)), r"\(2, 3\).*\(4, -1\)"),
        (lambda: ops.squeeze(X, 1), r"Axis 1 of shape \(2, 3, 4\) has length 3.*axis=1"),
        (lambda: ops.moveaxis(X, 0, (1, 2)), r"source=\(0,\), destination=\(1, 2\)"),
        (lambda: ops.concatenate([]), r"`concatenate` expects at least one array"),
        (lambda: ops.concatenate([X, ROW]), r"axis 0.*\(2, 3, 4\), \(3,\)"),
        (lambda: ops.concatenate([X, np.ones((2, 3, 5))]), r"axis 0.*\(2, 3, 4\), \(2, 3, 5\)"),
        (lambda: ops.stack([X, ROW]), r"one shape.*\(2, 3, 4\), \(3,\)"),
        (lambda: ops.split(X, 2, axis=1), r"3 entries into 2 equal parts"),
        (lambda: ops.split(X, 0), r"`indices_or_sections` of `split`.*=0"),
        (lambda: ops.unstack(KerasTensor((None, 2))), r"axis 0 of \(None, 2\).*`num`"),
        (lambda: ops.unstack(X, num=5), r"2 arrays along axis 0.*num=5"),
        (lambda: ops.pad(X, [[0, -1]] * 3), r"must not be negative.*-1"),
        (lambda: ops.pad(X, 1, "edge"), r"'constant', 'reflect', 'symmetric'.*mode='edge'"),
        (lambda: ops.pad(X, 1, "reflect", 3), r"constant_values=3, mode='reflect'"),
        (lambda: ops.pad(X, [[0, 0]] * 3, "CONSTANT", 3), r"mode='CONSTANT'"),
        (lambda: ops.pad(X, 1), r"each of the 3 axes.*Received: 1"),
        (lambda: ops.pad(X, (1, 2)), r"each of the 3 axes.*Received: \(1, 2\)"),
        (lambda: ops.pad(X, [[1, 1]]), r"each of the 3 axes.*Received: \[\[1, 1\]\]"),
        (lambda: ops.pad(X, [[1, 1]] * 4), r"each of the 3 axes"),
        (lambda: ops.pad(KerasTensor((2, 3)), 1), r"each of the 2 axes.*Received: 1"),
        (lambda: ops.pad(ROW, (1,)), r"the 1 axes.*Received: \(1,\)"),
        (lambda: ops.pad(ROW, 0.5), r"whole numbers.*Received: 0.5"),
        (lambda: ops.pad(ROW, (3, 0), "reflect"), r"at most 2 entries.*axis 0, which has 3"),
        (lambda: ops.pad(ROW, (0, 4), "Symmetric"), r"'Symmetric'.*at most 3 entries.*\(0, 4\)"),
        (lambda: ops.reshape(np.ones(120), (7, -1)), r"120, of shape \(120,\).*\(7, -1\)"),
        (lambda: ops.reshape(np.ones(120), 7), r"120, of shape \(120,\).*newshape=7"),
        (lambda: ops.expand_dims(X, 7), r"axis=7"),
        (lambda: ops.transpose(KerasTensor((2, 3)), (0, 0)), r"axes=\(0, 0\)"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@st.composite
def arrangements(draw):
    """A function of `keras.ops` or `npkeras.ops`, and an array for it."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    ndim = len(shape)
    axis = st.integers(-ndim, ndim - 1)
    order = draw(st.permutations(range(ndim)))
    a, b = draw(axis), draw(axis)
    count = draw(st.integers(1, 3))
    widths = [(draw(st.integers(0, n - 1)), draw(st.integers(0, n - 1))) for n in shape]
    mode = draw(st.sampled_from(["constant", "reflect", "symmetric"]))
    calls = {
        "transpose": lambda o, x: o.transpose(x, order),
        "swapaxes": lambda o, x: o.swapaxes(x, a, b),
        "moveaxis": lambda o, x: o.moveaxis(x, a, b),
        "expand_dims": lambda o, x: o.expand_dims(x, a),
        "flip": lambda o, x: o.flip(x, a),
        "roll": lambda o, x: o.roll(x, count, a),
        "repeat": lambda o, x: o.repeat(x, count, a),
        "tile": lambda o, x: o.tile(x, [count] * ndim),
        "concatenate": lambda o, x: o.concatenate([x] * count, a),
        "stack": lambda o, x: o.stack([x] * count, a),
        "split": lambda o, x: o.split(o.concatenate([x] * count, a), count, a)[-1],
        "unstack": lambda o, x: o.unstack(x, axis=a)[-1],
        "pad": lambda o, x: o.pad(x, widths, mode),
        "reshape": lambda o, x: o.reshape(x, (shape[0], -1)),
    }
    name = draw(st.sampled_from(sorted(calls)))
    size = int(np.prod(shape))
    return calls[name], np.arange(size, dtype="float32").reshape(shape)


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(arrangements())
def test_values_gradients_and_shapes_are_kerass(keras, tf, arrangement):
    call, array = arrangement
    theirs = tf.constant(array)
    with tf.GradientTape() as their_tape:
        their_tape.watch(theirs)
        expected = call(keras.ops, theirs)
        weighted = expected * tf.cast(tf.sin(expected), "float32")
    ours = Traced(array, object())
    with GradientTape() as tape:
        y = call(ops, ours)
        loss = y * ops.sin(y)
    np.testing.assert_array_equal(y.numpy(), expected.numpy())
    np.testing.assert_allclose(
        tape.gradient(loss, ours),
        their_tape.gradient(weighted, theirs).numpy(),
        rtol=1e-4,
        atol=1e-5,
    )
    assert call(ops, KerasTensor(array.shape)).shape == y.shape

"""New arrays, and values made arrays: shapes, dtypes, entries."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import GradientTape, KerasTensor, Variable, ops
from npkeras.core import config
from npkeras.core.tape import Traced
from tests.checks import check_gradients, check_shape_rule

X = np.arange(6, dtype="float32").reshape(2, 3)


@pytest.mark.parametrize("name", ["zeros_like", "ones_like", "empty_like"])
def test_like(name):
    function = getattr(ops, name)
    assert function(X).dtype == "float32"
    assert function(X, dtype="int32").dtype == "int32"
    check_shape_rule(function, X)
    check_shape_rule(lambda x: function(x, "float64"), X)


def test_filled():
    assert ops.zeros((2, 3)).dtype == ops.ones(3).dtype == "float32"
    np.testing.assert_array_equal(ops.full((2, 2), 3), np.full((2, 2), 3.0))
    np.testing.assert_array_equal(ops.full((2, 2), [1, 2], "int32"), [[1, 2], [1, 2]])
    np.testing.assert_array_equal(ops.full_like(X, 7, dtype="int32"), np.full((2, 3), 7))
    np.testing.assert_array_equal(ops.empty((2,)), [0, 0])
    check_shape_rule(lambda x: ops.full_like(x, 2), X)


def test_the_default_dtype_is_floatx():
    config.set_floatx("float64")
    assert ops.zeros(2).dtype == ops.eye(2).dtype == ops.one_hot([1], 2).dtype == "float64"
    assert ops.convert_to_tensor(1.5).dtype == "float64"


@pytest.mark.parametrize(
    "arguments, entries, dtype",
    [
        ((3,), [0, 1, 2], "int32"),
        ((3.0,), [0, 1, 2], "float32"),
        ((1, 5, 2), [1, 3], "int32"),
        ((0, 1, 0.25), [0, 0.25, 0.5, 0.75], "float32"),
        ((np.int64(3),), [0, 1, 2], "int64"),
        ((3, None, None, "float16"), [0, 1, 2], "float16"),
    ],
)
def test_arange(arguments, entries, dtype):
    y = ops.arange(*arguments)
    np.testing.assert_array_equal(y, entries)
    assert y.dtype == dtype


def test_ladders():
    np.testing.assert_allclose(ops.linspace(0, 1, 5), [0, 0.25, 0.5, 0.75, 1])
    numbers, step = ops.linspace(0, 1, 5, endpoint=False, retstep=True)
    np.testing.assert_allclose(numbers, [0, 0.2, 0.4, 0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(step, 0.2, rtol=1e-6)
    assert ops.linspace(np.zeros(2), np.ones(2), 3, axis=-1).shape == (2, 3)
    np.testing.assert_allclose(ops.logspace(0, 2, 3), [1, 10, 100])
    np.testing.assert_allclose(ops.geomspace(1, 100, 3), [1, 10, 100])
    assert ops.linspace(0, 1).dtype == ops.logspace(0, 1).dtype == "float32"
    assert ops.linspace(0, 10, 3, dtype="int32").tolist() == [0, 5, 10]


def test_matrices():
    np.testing.assert_array_equal(ops.eye(2, 3, k=1, dtype="int32"), [[0, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(ops.identity(2), [[1, 0], [0, 1]])
    np.testing.assert_array_equal(ops.tri(2, 3, k=1), [[1, 1, 0], [1, 1, 1]])


def test_meshgrid():
    rows, columns = ops.meshgrid(np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0]))
    np.testing.assert_array_equal(rows, [[1, 2], [1, 2], [1, 2]])
    np.testing.assert_array_equal(columns, [[3, 3], [4, 4], [5, 5]])
    for indexing in ("xy", "ij"):
        arrays = np.arange(2.0), np.arange(3.0), np.arange(4.0)
        pairs = zip(
            ops.meshgrid(*arrays, indexing=indexing),
            np.meshgrid(*arrays, indexing=indexing),
            strict=True,
        )
        for ours, theirs in pairs:
            np.testing.assert_array_equal(ours, theirs)
        check_gradients(lambda *x, i=indexing: ops.meshgrid(*x, indexing=i), *arrays)
        check_shape_rule(lambda *x, i=indexing: ops.meshgrid(*x, indexing=i), *arrays)


def test_one_hot_of_what_is_no_class_is_a_row_of_zeros():
    y = ops.one_hot([[0, 5], [-1, 2]], 3)
    np.testing.assert_array_equal(y, [[[1, 0, 0], [0, 0, 0]], [[0, 0, 0], [0, 0, 1]]])
    assert y.dtype == "float32"


def test_one_hot_along_another_axis():
    np.testing.assert_array_equal(ops.one_hot([0, 1], 3, axis=0), [[1, 0], [0, 1], [0, 0]])
    labels = np.zeros((2, 4), "int32")
    for axis in (-1, 0, 1):
        check_shape_rule(lambda x, a=axis: ops.one_hot(x, 3, axis=a), labels)
    assert ops.one_hot(1, 3, dtype="bool").tolist() == [False, True, False]


def test_multi_hot():
    np.testing.assert_array_equal(ops.multi_hot([[0, 2], [1, 9]], 4), [[1, 0, 1, 0], [0, 1, 0, 0]])
    np.testing.assert_array_equal(ops.multi_hot([0, 2], 4), [1, 0, 1, 0])
    check_shape_rule(lambda x: ops.multi_hot(x, 5), np.zeros((2, 3), "int32"))


@pytest.mark.parametrize(
    "value, dtype",
    [
        ([1, 2.5], "float32"),
        ([1, 2], "int32"),
        (True, "bool"),
        (np.float64(1), "float64"),
        (np.ones(2), "float64"),
        ([np.float64(1)], "float64"),
        (1 + 2j, "complex128"),
    ],
)
def test_convert_to_tensor_keeps_or_finds_the_dtype(value, dtype):
    assert ops.convert_to_tensor(value).dtype == dtype


def test_an_array_stays_the_same_object():
    assert ops.convert_to_tensor(X) is X
    assert ops.convert_to_tensor(X, "float32") is X
    assert ops.array(X, "float64").dtype == "float64"


def test_nests_of_recorded_values_are_stacked():
    x, variable = Traced(np.array(2.0), object()), Variable(3.0)
    with GradientTape() as tape:
        y = ops.convert_to_tensor([[x, 1.0], [variable, x]])
    np.testing.assert_array_equal(y.value, [[2, 1], [3, 2]])
    np.testing.assert_array_equal(tape.gradient(y, [x, variable]), [2, 1])
    assert ops.convert_to_tensor([KerasTensor((3,)), np.ones(3)]).shape == (2, 3)


def test_a_variable_becomes_its_value_of_now():
    variable = Variable([1.0])
    value = ops.convert_to_tensor(variable)
    variable.assign([5.0])
    np.testing.assert_array_equal(value, [1])
    with GradientTape() as tape:
        y = ops.convert_to_tensor(variable, "float64") * 2.0
    np.testing.assert_array_equal(tape.gradient(y, variable), [2])


def test_what_is_a_tensor():
    values = X, np.float32(1), Variable(1.0), 1.0, [1.0], KerasTensor((2,))
    assert [ops.is_tensor(x) for x in values] == [True, True, True, False, False, False]


def test_shapes_and_dtypes():
    x = KerasTensor((None, 3), "int32")
    assert (ops.shape(x), ops.ndim(x), ops.dtype(x)) == ((None, 3), 2, "int32")
    assert (ops.shape(X), ops.ndim(X), ops.dtype(X)) == ((2, 3), 2, "float32")


def test_copies():
    y = ops.copy(X)
    assert not np.shares_memory(y, X)
    assert type(ops.convert_to_numpy(Variable(1.0))) is np.ndarray
    check_gradients(ops.copy, X)


def test_gradients_of_what_fills():
    check_gradients(lambda x: ops.full((2, 3), x, "float64"), np.array(2.0))
    check_gradients(lambda x: ops.full((2, 3), x, "float64"), np.array([[1.0], [2.0]]))
    check_gradients(lambda x: ops.full_like(X, x, "float64"), np.array(2.0))
    with GradientTape() as tape:
        y = ops.full_like(np.ones(2), Traced(np.array(2.5), object()), dtype="int32")
    assert y.tolist() == [2, 2] and not tape.records


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ops.one_hot([1], 2, sparse=True), r"`one_hot`.*sparse=True"),
        (lambda: ops.multi_hot([1]), r"num_classes=None"),
        (lambda: ops.multi_hot([1], 2, sparse=True), r"`multi_hot`.*sparse=True"),
        (lambda: ops.convert_to_tensor(X, ragged=True), r"ragged=True"),
        (lambda: ops.meshgrid(X, indexing="yx"), r"indexing='yx'"),
        (lambda: ops.zeros(2, dtype="float3"), r"float3"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.keras
@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(-2, 6), min_size=1, max_size=4),
    st.integers(1, 5),
    st.integers(-1, 1),
)
def test_one_hot_is_kerass(keras, labels, classes, axis):
    labels = np.array(labels)
    expected = keras.ops.one_hot(labels, classes, axis=axis).numpy()
    np.testing.assert_array_equal(ops.one_hot(labels, classes, axis=axis), expected)

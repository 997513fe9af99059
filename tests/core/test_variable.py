"""Variables: how they begin, change, and refuse."""

import copy

import numpy as np
import pytest

import npkeras
from npkeras import GradientTape, Variable
from npkeras.core import config


def test_the_first_value_decides_the_dtype():
    assert Variable([1.0, 2.0]).dtype == "float32"
    assert Variable([1, 2]).dtype == "int32"
    assert Variable(True).dtype == "bool"
    assert Variable(np.ones(2)).dtype == "float64"
    assert Variable([1, 2], dtype="float16").dtype == "float16"
    config.set_floatx("float64")
    assert Variable(1.0).dtype == "float64"


def test_a_function_makes_the_first_value():
    def initializer(shape, dtype=None):
        return np.full(shape, 7, dtype)

    x = Variable(initializer, shape=(2, 3), dtype="float64")
    assert (x.shape, x.dtype, x.value.max()) == ((2, 3), "float64", 7)
    assert Variable(initializer, shape=(2,)).dtype == "float32"
    assert Variable(3.0, shape=(2,)).tolist() == [3, 3]


def test_the_first_value_is_copied():
    array = np.ones(2)
    x = Variable(array)
    array[0] = 5
    assert x.tolist() == [1, 1]


def test_assigning_replaces_the_array_and_keeps_the_dtype():
    x = Variable([1.0, 2.0])
    before = x.value
    x.assign([5, 6])
    assert (x.tolist(), x.dtype, before.tolist()) == ([5, 6], "float32", [1, 2])
    assert x.assign_add([1.0, 1.0]).tolist() == [6, 7]
    assert x.assign_sub(Variable([1.0, 1.0])).tolist() == [5, 6]
    given = np.ones(2, "float32")
    x.assign(given)
    given[0] = 9
    assert x.tolist() == [1, 1]


def test_assigning_gives_a_value_that_stays():
    counter = Variable(1.0)
    first = counter.assign_add(1.0)
    second = counter.assign_sub(5.0)
    third = counter.assign(7.0)
    assert (first.numpy(), second.numpy(), third.numpy(), counter.numpy()) == (2, -3, 7, 7)
    with GradientTape() as tape:
        y = counter.assign_add(1.0) * counter
    assert tape.gradient(y, counter) == 16


@pytest.mark.keras
def test_what_assigning_gives_is_what_keras_gives(keras):
    for engine in (npkeras, keras):
        counter = engine.Variable([1.0, 2.0])
        first = counter.assign_add([1.0, 1.0])
        counter.assign([0.0, 0.0])
        assert np.asarray(first).tolist() == [2, 3]


def test_a_name_stands_for_an_initializer():
    assert Variable("ones", shape=(2,)).tolist() == [1, 1]
    assert Variable("zeros", shape=(2,), dtype="int32").dtype == "int32"
    with pytest.raises(ValueError, match="Unknown initializer: 'zerox'.*Did you mean 'zero"):
        Variable("zerox", shape=(2,))
    with pytest.raises(ValueError, match="`shape` of Variable is needed"):
        Variable("ones")


def test_a_first_value_that_is_none_or_does_not_fit():
    for shape in (None, (2,)):
        with pytest.raises(ValueError, match="array of numbers.*Received: None"):
            Variable(None, shape=shape)
    with pytest.raises(ValueError, match=r"shape=\(3,\), and a value of shape \(2,\)"):
        Variable([1.0, 2.0], shape=(3,))


def test_signs_of_python():
    x, n = Variable([1.26, -2.61]), Variable([1, -2])
    assert (~n).tolist() == [-2, 1]
    assert (~Variable([True, False])).tolist() == [False, True]
    assert (+x).numpy().tolist() == x.tolist()
    assert round(x).tolist() == [1, -3]
    np.testing.assert_allclose(round(x, 1), [1.3, -2.6], rtol=1e-6)


def test_numpy_asks_for_shapes_and_compares():
    x = Variable([[1.0, 2.0, 3.0]])
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((1, 3), 2, 3)
    assert np.array_equal(x, [[1, 2, 3]])
    assert not np.array_equal(x, x + 1)
    assert np.fliplr(x).tolist() == np.flip(x).tolist() == [[3, 2, 1]]
    assert np.around(x * 1.26, 1)[0, 0] == np.float32(1.3)


@pytest.mark.keras
def test_signs_are_those_of_keras(keras):
    results = [
        [~engine.Variable([1, -2, 7]), round(engine.Variable([1.26, -2.5]), 1), +engine.Variable(2)]
        for engine in (npkeras, keras)
    ]
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_assigning_another_shape():
    x = Variable([1.0, 2.0], name="weight")
    with pytest.raises(ValueError, match=r"'weight' has shape \(2,\).*shape \(3,\)"):
        x.assign([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"'weight' has shape \(2,\).*shape \(1, 2\)"):
        x.assign_add([[1.0, 2.0]])


def test_names():
    assert [Variable(1.0).name for _ in range(2)] == ["variable", "variable_1"]
    assert Variable(1.0, name="bias").path == "bias"
    with pytest.raises(ValueError, match="without '/'. Received: name='a/b'"):
        Variable(1.0, name="a/b")


def test_only_floats_that_are_trainable_have_a_slot():
    assert Variable(1.0).slot is not None
    assert Variable(1).slot is None
    x = Variable(1.0, trainable=False)
    assert x.slot is None and not x.trainable
    x.trainable = True
    slot = x.slot
    assert slot is not None
    x.trainable = True
    assert x.slot is slot


def test_messages():
    with pytest.raises(ValueError, match="`shape` of Variable is needed.*initializer="):
        Variable(lambda shape, dtype: np.ones(shape))
    with pytest.raises(ValueError, match=r"shape without None. Received: shape=\(None, 2\)"):
        Variable(lambda shape, dtype: np.ones(shape), shape=(None, 2))
    with pytest.raises(ValueError, match=r"asked for shape \(2,\). It returned \(3,\)"):
        Variable(lambda shape, dtype: np.ones(3), shape=(2,))
    with pytest.raises(ValueError, match="holds numbers or booleans"):
        Variable(["text"])


def test_what_a_variable_shows():
    x = Variable([1.0, 2.0], name="weight")
    assert repr(x) == "<Variable path=weight, shape=(2,), dtype=float32, value=[1. 2.]>"
    assert np.asarray(x).tolist() == x.numpy().tolist() == [1, 2]
    assert (x.ndim, x.size, len(x)) == (1, 2, 2)
    assert float(x[1]) == 2


def test_a_deep_copy_has_an_array_and_a_slot_of_its_own():
    x = Variable([1.0], name="weight")
    x.path = "layer/weight"
    other = copy.deepcopy([x, x])
    assert other[0] is other[1]
    other[0].assign([2.0])
    assert (x.tolist(), other[0].path, other[0].name) == ([1], "layer/weight", "weight")
    assert other[0].slot is not x.slot


@pytest.mark.parametrize("value", [3.0, np.zeros(3), np.zeros(2, "float64"), [1.0, 2.0]])
def test_an_array_of_another_form_cannot_take_the_place_of_the_value(value):
    variable = Variable([1.0, 2.0], name="w")
    with pytest.raises(AttributeError, match=r"'w' is an array of shape \(2,\).*assign"):
        variable.value = value
    assert variable.numpy().tolist() == [1, 2]


@pytest.mark.parametrize("name", ["regularizer", "constraint"])
def test_penalties_and_limits_are_functions(name):
    variable = Variable([1.0], name="w")
    with pytest.raises(ValueError, match=f"`{name}` of variable 'w' must be a function or None"):
        setattr(variable, name, "l2")
    setattr(variable, name, abs)

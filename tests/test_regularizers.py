"""Regularizers: penalties and their gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import ops, regularizers
from npkeras.core.tape import GradientTape
from npkeras.core.variable import Variable
from tests.checks import check_config, check_gradients

NAMES = ["L1", "L2", "L1L2", "OrthogonalRegularizer"]
FACTORS = st.just(0.0) | st.floats(2**-10, 10, width=32)


def weights(*shape, dtype="float32", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(
    factors=st.tuples(FACTORS, FACTORS),
    shape=st.lists(st.integers(0, 6), max_size=4),
    dtype=st.sampled_from(["float16", "float32", "float64"]),
)
def test_penalties_are_keras(keras, factors, shape, dtype):
    x = weights(*shape, dtype=dtype)
    for name, arguments in (("L1", factors[:1]), ("L2", factors[:1]), ("L1L2", factors)):
        expected = np.asarray(getattr(keras.regularizers, name)(*arguments)(x))
        y = np.asarray(getattr(regularizers, name)(*arguments)(x))
        rtol = 20 * float(np.finfo(dtype).eps)
        np.testing.assert_allclose(y, expected, rtol=rtol, atol=1e-30)
        assert y.shape == ()


@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(factor=FACTORS, rows=st.integers(2, 9), columns=st.integers(1, 9))
def test_orthogonal_penalties_of_rows_are_keras(keras, factor, rows, columns):
    x = weights(rows, columns)
    expected = np.asarray(keras.regularizers.OrthogonalRegularizer(factor)(x))
    y = regularizers.OrthogonalRegularizer(factor)(x)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6 * factor)


@pytest.mark.keras
@pytest.mark.parametrize("scale", [0.0, 1e-8, 1e-6, 1e8])
def test_short_and_long_rows_are_keras(keras, scale):
    x = scale * weights(4, 3)
    expected = np.asarray(keras.regularizers.OrthogonalRegularizer(1.0)(x))
    np.testing.assert_allclose(regularizers.OrthogonalRegularizer(1.0)(x), expected, rtol=1e-5)


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_the_orthogonal_penalty_is_the_mean_cosine(mode):
    x = weights(5, 3, dtype="float64")
    vectors = x if mode == "rows" else x.T
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = [abs(units[i] @ units[j]) for i in range(len(units)) for j in range(i)]
    y = regularizers.OrthogonalRegularizer(0.5, mode)(x)
    np.testing.assert_allclose(y, 0.5 * np.mean(cosines), rtol=1e-12)


def test_orthogonal_vectors_cost_nothing():
    for mode in ("rows", "columns"):
        penalty = regularizers.OrthogonalRegularizer(1.0, mode)
        assert penalty(3 * np.eye(4)) == 0
    assert regularizers.OrthogonalRegularizer(1.0)(np.ones((1, 4))) == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_gradients(name, mode):
    arguments = {"L1L2": (0.3, 0.2), "OrthogonalRegularizer": (0.3, mode)}.get(name, (0.3,))
    check_gradients(getattr(regularizers, name)(*arguments), weights(4, 3))


def test_a_penalty_on_a_variable_is_recorded():
    kernel = Variable([[1.0, -2.0]])
    with GradientTape() as tape:
        loss = regularizers.L1L2(1.0, 0.5)(kernel)
    np.testing.assert_array_equal(tape.gradient(loss, kernel), [[2.0, -3.0]])


def test_the_base_class_costs_nothing():
    assert regularizers.Regularizer()(weights(3)) == 0


@pytest.mark.keras
@pytest.mark.parametrize("name", NAMES)
def test_configs_are_keras(keras, name):
    own, theirs = (getattr(module, name) for module in (regularizers, keras.regularizers))
    for arguments in ((), (0.3,)):
        expected = keras.regularizers.serialize(theirs(*arguments))
        assert regularizers.serialize(own(*arguments)) == expected
    check_config(own(0.3))


@pytest.mark.keras
@pytest.mark.parametrize("name", ["l1", "L1", "l2", "L2", "l1l2", "L1L2", "orthogonal_regularizer"])
def test_names_are_keras(keras, name):
    own, theirs = regularizers.get(name), keras.regularizers.get(name)
    assert type(own).__name__ == type(theirs).__name__
    assert own.get_config() == theirs.get_config()


def test_get_takes_configs_classes_objects_and_functions():
    def cube(x):
        return ops.sum(x * x * x)

    penalty = regularizers.L1(0.5)
    assert regularizers.get(None) is None
    assert regularizers.get(penalty) is penalty
    assert regularizers.get(cube) is cube
    assert type(regularizers.get(regularizers.L2)) is regularizers.L2
    assert type(regularizers.get("l1_l2")) is regularizers.L1L2
    assert regularizers.get({"class_name": "L1", "config": {"l1": 0.5}}).l1 == 0.5
    assert regularizers.deserialize(regularizers.serialize(penalty)).l1 == 0.5
    assert regularizers.l1_l2 is regularizers.L1L2


def test_none_means_the_default():
    assert regularizers.L2(None).l2 == 0.01
    assert regularizers.L1L2(None, None).get_config() == {"l1": 0.0, "l2": 0.0}


@pytest.mark.parametrize("identifier", ["l3", 3, [1], {"class_name": "A", "config": {}}])
def test_get_refuses(identifier):
    with pytest.raises(ValueError, match="Unknown|Expected one of regularizers"):
        regularizers.get(identifier)


@pytest.mark.parametrize("value", ["a", -1.0, np.nan, np.inf])
def test_factors_are_checked(value):
    for name, argument in (("L1", "l1"), ("L2", "l2"), ("L1L2", "l2")):
        with pytest.raises(ValueError, match=f"`{argument}` of {name} must be.*{argument}="):
            getattr(regularizers, name)(**{argument: value})
    with pytest.raises(ValueError, match="`factor` of OrthogonalRegularizer must be.*factor="):
        regularizers.OrthogonalRegularizer(value)


def test_orthogonal_regularizer_refuses():
    with pytest.raises(ValueError, match="`mode` of OrthogonalRegularizer.*mode='x'"):
        regularizers.OrthogonalRegularizer(mode="x")
    with pytest.raises(ValueError, match=r"expects a matrix.*shape \(2, 3, 4\)"):
        regularizers.OrthogonalRegularizer()(weights(2, 3, 4))

"""Constraints: where weights are put back to."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import constraints
from npkeras.core import config
from npkeras.core.variable import Variable
from tests.checks import check_config

CASES = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.5, "axis": 1}),
    ("MaxNorm", {"max_value": 1.5, "axis": [0, 1]}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 1.0, "max_value": 2.0, "rate": 0.7}),
    ("MinMaxNorm", {"min_value": 1.0, "max_value": 2.0, "axis": (0, 1)}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": None}),
    ("UnitNorm", {"axis": [1]}),
]


def weights(*shape, dtype="float32", scale=1.0):
    return (scale * np.random.default_rng(0).normal(size=shape)).astype(dtype)


@pytest.mark.keras
@settings(max_examples=15, deadline=None)
@given(
    shape=st.lists(st.integers(0, 6), min_size=2, max_size=4),
    dtype=st.sampled_from(["float16", "float32", "float64"]),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 30.0]),
)
@pytest.mark.parametrize("name, arguments", CASES)
def test_weights_are_put_where_keras_puts_them(keras, name, arguments, shape, dtype, scale):
    w = weights(*shape, dtype=dtype, scale=scale)
    expected = np.asarray(getattr(keras.constraints, name)(**arguments)(w))
    with np.errstate(over="ignore", invalid="ignore"):  # float16 has nothing near 1 / epsilon
        y = getattr(constraints, name)(**arguments)(w)
    rtol = 10 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(y, expected, rtol=rtol, atol=1e-7, strict=True)


@pytest.mark.keras
@pytest.mark.parametrize("name, arguments", CASES)
def test_what_is_not_finite_goes_where_keras_puts_it(keras, name, arguments):
    w = np.array([[np.nan, 1.0, -0.0], [-np.inf, 2.0, 3.0]], "float32")
    expected = np.asarray(getattr(keras.constraints, name)(**arguments)(w))
    with np.errstate(invalid="ignore"):
        y = getattr(constraints, name)(**arguments)(w)
    np.testing.assert_allclose(y, expected, rtol=1e-6)


@pytest.mark.keras
@pytest.mark.parametrize("name, arguments", CASES)
def test_integers_and_lists_are_taken_as_in_keras(keras, name, arguments):
    for w in (np.array([[1, -2], [3, 4]]), [[1.0, -2.0], [3.0, 4.0]]):
        expected = np.asarray(getattr(keras.constraints, name)(**arguments)(w))
        y = getattr(constraints, name)(**arguments)(w)
        np.testing.assert_allclose(y, expected, rtol=1e-6, strict=True)


def test_norms_end_up_where_they_are_wanted():
    w = weights(50, 20, dtype="float64", scale=0.3)
    before = np.linalg.norm(w, axis=0)
    assert before.min() < 2 < before.max()
    after = np.linalg.norm(constraints.MaxNorm(2)(w), axis=0)
    np.testing.assert_allclose(after, np.minimum(before, 2), rtol=1e-6)
    after = np.linalg.norm(constraints.MinMaxNorm(1.9, 2.1)(w), axis=0)
    np.testing.assert_allclose(after, before.clip(1.9, 2.1), rtol=1e-6)
    after = np.linalg.norm(constraints.MinMaxNorm(1.9, 2.1, rate=0.25)(w), axis=0)
    np.testing.assert_allclose(after, 0.25 * before.clip(1.9, 2.1) + 0.75 * before, rtol=1e-6)
    after = np.linalg.norm(constraints.UnitNorm()(w), axis=0)
    np.testing.assert_allclose(after, 1, rtol=1e-6)


def test_norms_along_all_axes_but_the_last():
    w = weights(3, 3, 4, 8)
    after = constraints.UnitNorm(axis=(0, 1, 2))(w)
    np.testing.assert_allclose(np.sqrt((after**2).sum(axis=(0, 1, 2))), np.ones(8), rtol=1e-5)


def test_epsilon_is_the_global_one():
    w = np.array([[3.0], [4.0]])
    config.set_epsilon(5.0)
    np.testing.assert_allclose(constraints.UnitNorm()(w), w / 10)


@pytest.mark.parametrize("name, arguments", CASES)
def test_the_weights_given_are_left_alone(name, arguments):
    w = weights(4, 3)
    before = w.copy()
    getattr(constraints, name)(**arguments)(w)
    np.testing.assert_array_equal(w, before)


def test_variables_are_taken_too():
    y = constraints.NonNeg()(Variable([-1.0, 2.0]))
    assert type(y) is np.ndarray
    np.testing.assert_array_equal(y, [0.0, 2.0])


def test_the_base_class_changes_nothing():
    w = weights(3)
    assert constraints.Constraint()(w) is w


@pytest.mark.keras
@pytest.mark.parametrize("name, arguments", CASES)
def test_configs_are_keras(keras, name, arguments):
    expected = keras.constraints.serialize(getattr(keras.constraints, name)(**arguments))
    own = getattr(constraints, name)(**arguments)
    if isinstance(arguments.get("axis"), tuple):
        arguments["axis"] = expected["config"]["axis"] = list(arguments["axis"])  # as in JSON
    assert constraints.serialize(own) == expected
    check_config(own)


@pytest.mark.keras
@pytest.mark.parametrize(
    "name", ["max_norm", "MaxNorm", "non_neg", "NonNeg", "unit_norm", "UnitNorm", "min_max_norm"]
)
def test_names_are_keras(keras, name):
    own, theirs = constraints.get(name), keras.constraints.get(name)
    assert type(own).__name__ == type(theirs).__name__
    assert own.get_config() == theirs.get_config()


def test_get_takes_configs_classes_objects_and_functions():
    def halved(w):
        return w / 2

    constraint = constraints.MaxNorm(3)
    assert constraints.get(None) is None
    assert constraints.get(constraint) is constraint
    assert constraints.get(halved) is halved
    assert type(constraints.get(constraints.NonNeg)) is constraints.NonNeg
    config = {"class_name": "MaxNorm", "config": {"max_value": 3, "axis": 1}}
    assert constraints.get(config).axis == 1
    assert constraints.deserialize(constraints.serialize(constraint)).max_value == 3
    assert constraints.max_norm is constraints.MaxNorm


@pytest.mark.parametrize("identifier", ["maxnorm", 3, {"class_name": "A", "config": {}}])
def test_get_refuses(identifier):
    with pytest.raises(ValueError, match="Unknown|Expected one of constraints"):
        constraints.get(identifier)


@pytest.mark.parametrize(
    "name, arguments, message",
    [
        ("MaxNorm", {"max_value": "a"}, "`max_value` of MaxNorm must be a number.*'a'"),
        ("MaxNorm", {"max_value": -1}, "`max_value` of MaxNorm.*at least 0.*max_value=-1"),
        ("MaxNorm", {"axis": "a"}, "`axis` of MaxNorm must be an integer.*axis='a'"),
        ("MinMaxNorm", {"min_value": None}, "`min_value` of MinMaxNorm.*min_value=None"),
        ("MinMaxNorm", {"max_value": -2}, "`max_value` of MinMaxNorm.*max_value=-2"),
        ("MinMaxNorm", {"rate": "a"}, "`rate` of MinMaxNorm.*rate='a'"),
        ("UnitNorm", {"axis": (0, 1.5)}, r"`axis` of UnitNorm.*axis=\(0, 1.5\)"),
    ],
)
def test_arguments_are_checked(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(constraints, name)(**arguments)

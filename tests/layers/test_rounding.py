"""What passes for rounding in a gradient that cancels, and what does not."""

import numpy as np
import pytest

from npkeras.core import random as core_random
from npkeras.layers import Attention
from tests.layers.rounding import assert_rounded_as_well, habits_of_single_precision

UNIT = 2.0**-23


def judge(ours, theirs, exact=0.0, largest=1.0):
    arrays = [np.full((2, 3), value) for value in (ours, theirs)]
    found, expected = (array.astype("float32") for array in arrays)
    assert_rounded_as_well(found, expected, np.full((2, 3), exact), largest, "gradient 3")


@pytest.mark.parametrize(
    "ours, theirs",
    [(0.0, 0.0), (3 * UNIT, 0.0), (0.0, -60 * UNIT), (30 * UNIT, -10 * UNIT)],
    ids=["none", "a few units", "that of Keras", "not much more than that of Keras"],
)
def test_rounding_is_let_through(ours, theirs):
    judge(ours, theirs)
    judge(100 * ours, 100 * theirs, largest=100.0)


@pytest.mark.parametrize(
    "ours, theirs",
    [(5 * UNIT, 0.0), (50 * UNIT, 10 * UNIT), (np.nan, 0.0), (0.0, np.nan), (0.0, 65 * UNIT)],
    ids=["many units", "much more than that of Keras", "nan", "nan of Keras", "far from Keras"],
)
def test_more_than_rounding_is_not(ours, theirs):
    with pytest.raises(AssertionError, match=r"gradient 3: ours=.*theirs="):
        judge(ours, theirs)


def test_an_engine_that_both_differ_from_is_not_believed():
    with pytest.raises(AssertionError, match="away from double precision"):
        judge(0.25, 0.25, exact=0.5)


def test_a_gradient_of_another_dtype_is_not_let_through():
    x = np.zeros(2)
    with pytest.raises(AssertionError, match="gradient 3"):
        assert_rounded_as_well(x, x.astype("float32"), x, 1.0, "gradient 3")


def test_dropout_drops_the_same_in_double_precision():
    single = core_random.dropout_mask((50,), 0.4, 7)
    with habits_of_single_precision():
        double = core_random.dropout_mask((50,), 0.4, 7, "float64")
    assert double.dtype == "float64"
    np.testing.assert_array_equal(double != 0, single != 0)
    np.testing.assert_allclose(double, single, rtol=1e-7)
    assert not np.array_equal(core_random.dropout_mask((50,), 0.4, 7, "float64"), double)


def test_a_score_beside_a_hidden_one_is_lost_as_in_single_precision():
    """Queries that may see nothing: in double precision 1e9 leaves of their scores what counts."""
    x = np.random.default_rng(0).normal(size=(1, 3, 3))

    def result(dtype):
        inputs = x.astype(dtype)
        return Attention(dtype=dtype)([inputs, inputs], mask=[None, np.zeros((1, 3), bool)])

    single = result("float32")
    assert not np.allclose(result("float64"), single, rtol=1e-3)
    with habits_of_single_precision():
        np.testing.assert_allclose(result("float64"), single, rtol=1e-5)

"""Masking: steps of one value are to be ignored."""

import numpy as np
import pytest

from npkeras import layers
from npkeras.core.tape import GradientTape, Traced
from npkeras.layers import Masking
from tests.layers.engines import array, mask_of, masked

X = np.array([[[1.0, 0.0], [0.0, 0.0], [5.0, 5.0]]], "float32")


@pytest.mark.parametrize(
    "value, mask", [(0.0, [[True, False, True]]), (5.0, [[True, True, False]]), (0, [[1, 0, 1]])]
)
def test_steps_that_hold_only_the_value_are_masked_and_zero(engine, value, mask):
    y = engine.layers.Masking(value)(X)
    assert mask_of(y) == mask
    np.testing.assert_array_equal(array(y), X * np.array(mask)[..., None])
    assert array(engine.layers.Masking(value).compute_mask(X)).tolist() == mask


def test_samples_of_one_axis_are_masked_whole(engine):
    y = engine.layers.Masking()(np.array([[1.0, 0.0], [0.0, 0.0]]))
    assert mask_of(y) == [True, False]


def test_a_float_value_is_compared_in_the_dtype_of_the_inputs(engine):
    assert mask_of(engine.layers.Masking(0.1)(np.array([[[0.1], [0.2]]]))) == [[False, True]]


def test_nothing_is_masked_where_something_is_not_a_number(engine):
    y = engine.layers.Masking()(np.array([[[np.nan, 0.0], [0.0, 0.0]]]))
    assert mask_of(y) == [[True, False]] and np.isnan(array(y)[0, 0, 0])


def test_integers_stay_integers(engine):
    y = array(engine.layers.Masking(0)(np.array([[[1, 0], [0, 0]]])))
    assert y.dtype == "int64" and y.tolist() == [[[1, 0], [0, 0]]]


def test_the_mask_replaces_an_earlier_one(engine):
    y = engine.layers.Masking()(masked(engine, X, [[False, True, True]]))
    assert mask_of(y) == [[True, False, True]]


def test_masked_steps_have_no_gradient():
    x = Traced(X, object())
    with GradientTape() as tape:
        y = Masking()(x)
    np.testing.assert_array_equal(tape.gradient(y, x)[0], [[1, 1], [0, 0], [1, 1]])


def test_what_follows_sees_the_mask(engine):
    masking, lstm = engine.layers.Masking(), engine.layers.LSTM(2)
    padded = np.concatenate([X, np.zeros((1, 2, 2), "float32")], axis=1)
    np.testing.assert_allclose(array(lstm(masking(padded))), array(lstm(masking(X))), atol=1e-6)


def test_the_shape_stays(engine):
    y = engine.layers.Masking()(engine.Input((None, 3)))
    assert y.shape == (None, None, 3)
    assert layers.Masking().compute_output_shape((None, 4, 3)) == (None, 4, 3)

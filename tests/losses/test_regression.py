"""Losses between numbers: their values at points that can be worked out by hand."""

import numpy as np
import pytest

from npkeras import losses
from npkeras.core.tape import GradientTape


@pytest.mark.parametrize(
    "loss, y_true, y_pred, expected",
    [
        ("mean_squared_error", [0, 0], [1, 3], 5),
        ("mean_absolute_error", [0, 0], [1, -3], 2),
        ("mean_absolute_percentage_error", [2, -4], [1, -4], 25),
        ("mean_squared_logarithmic_error", [0, np.e - 1], [np.e - 1, np.e - 1], 0.5),
        ("huber", [0, 0], [0.5, 3], (0.125 + 2.5) / 2),
        ("log_cosh", [0, 0], [0, 1], np.log(np.cosh(1)) / 2),
        ("cosine_similarity", [3, 0], [2, 2], -np.sqrt(0.5)),
        ("poisson", [0, 2], [1, np.e], (1 + np.e - 2) / 2),
    ],
)
def test_values(loss, y_true, y_pred, expected):
    value = getattr(losses, loss)(np.array([y_true], "float64"), np.array([y_pred], "float64"))
    np.testing.assert_allclose(value, [expected], rtol=1e-6)


def test_log_cosh_is_a_line_far_out_and_overflows_nowhere():
    value = losses.log_cosh([[0.0]], np.array([[1e4]], "float32"))
    np.testing.assert_allclose(value, 1e4 - np.log(2), rtol=1e-6)


def test_a_target_of_zero_makes_the_percentage_error_huge_but_finite():
    value = losses.mean_absolute_percentage_error([[0.0]], [[1.0]])
    np.testing.assert_allclose(value, 1e9, rtol=1e-6)


def test_a_vector_of_zeros_is_similar_to_nothing():
    with GradientTape() as tape:
        y_pred = tape.watch(np.zeros((1, 3), "float32"))
        value = losses.cosine_similarity([[1.0, 0.0, 0.0]], y_pred)
    assert value.item() == 0
    assert np.isfinite(tape.gradient(value, y_pred)).all()


def test_negative_numbers_count_as_zero_in_the_logarithmic_error():
    value = losses.mean_squared_logarithmic_error([[-3.0]], [[-1.0]])
    np.testing.assert_array_equal(value, 0)


def test_huber_meets_itself_at_delta():
    below, above = losses.huber([[0.0]], [[0.7]], 0.7), losses.huber([[0.0]], [[0.70001]], 0.7)
    np.testing.assert_allclose(below, above, rtol=1e-3)


def test_huber_refuses_a_negative_delta():
    with pytest.raises(ValueError, match="`delta` of Huber must be .*at least 0.*delta=-1"):
        losses.Huber(delta=-1)

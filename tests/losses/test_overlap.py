"""Dice and Tversky: from 0 where regions are the same to 1 where they do not meet."""

import numpy as np
import pytest

from npkeras import losses

REGION = np.array([[1, 1, 0, 0]], "float32")


@pytest.mark.parametrize("loss", [losses.dice, losses.tversky])
@pytest.mark.parametrize(
    "y_pred, expected",
    [(REGION, 0), (1 - REGION, 1), (REGION * [1, 0, 0, 0], 1 / 3), (0 * REGION, 1)],
    ids=["the same", "apart", "half of it", "nothing"],
)
def test_values(loss, y_pred, expected):
    np.testing.assert_allclose(loss(REGION, y_pred), expected, atol=1e-6)


@pytest.mark.parametrize("loss", [losses.dice, losses.tversky])
def test_two_empty_regions_have_loss_one_as_in_keras(loss):
    assert loss(0 * REGION, 0 * REGION) == 1


def test_alpha_weighs_what_is_missed_and_beta_what_is_wrongly_predicted():
    y_pred = np.array([[1, 0, 1, 1]], "float32")  # one shared, two wrong, one missed
    value = losses.tversky(REGION, y_pred, alpha=0.5, beta=3.0)
    np.testing.assert_allclose(value, 1 - 1 / (1 + 0.5 * 1 + 3 * 2), rtol=1e-6)


def test_each_sample_may_have_its_own_value():
    y_true, y_pred = np.repeat(REGION, 2, 0), np.concatenate([REGION, 1 - REGION])
    np.testing.assert_allclose(losses.dice(y_true, y_pred, axis=1), [0, 1], atol=1e-6)
    loss = losses.Dice(axis=(1,), reduction=None)
    np.testing.assert_allclose(loss(y_true, y_pred, [1.0, 2.0]), [0, 2], atol=1e-6)


def test_negative_weights_of_errors_are_refused():
    with pytest.raises(ValueError, match="`alpha` of Tversky.*alpha=-1"):
        losses.Tversky(alpha=-1)
    with pytest.raises(ValueError, match="`beta` of Tversky.*beta=-2"):
        losses.Tversky(beta=-2)

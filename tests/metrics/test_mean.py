"""Mean, Sum and metrics made of functions: weights, masks, and what counts as a sample."""

import numpy as np
import pytest

from npkeras import losses, metrics
from npkeras.core.attach import set_mask

TABLE = np.arange(6, dtype="float32").reshape(2, 3)  # row means 1 and 4


def state(metric, *arguments, **options):
    metric.update_state(*arguments, **options)
    return [float(variable.value) for variable in metric.variables]


@pytest.mark.parametrize(
    "values, expected",
    [
        (3.0, [3, 1]),
        ([1.0, 2.0, 3.0], [6, 3]),
        (TABLE, [5, 2]),
        (np.zeros(0), [0, 0]),
        ([True, False], [1, 2]),
    ],
    ids=["a number", "a vector", "a table: one mean per row", "nothing", "booleans"],
)
def test_total_and_count_of_a_mean(values, expected):
    assert state(metrics.Mean(), values) == expected


@pytest.mark.parametrize(
    "weights, expected",
    [
        (2.0, [5, 2]),
        ([1.0, 2.0], [9, 3]),
        ([[1.0], [2.0]], [9, 3]),
        (TABLE, [55 / 3, 5]),
        ([0.0, 0.0], [0, 0]),
    ],
    ids=["one number", "per row", "per row, as a column", "per entry", "zero"],
)
def test_total_and_count_of_a_weighted_mean(weights, expected):
    np.testing.assert_allclose(state(metrics.Mean(), TABLE, sample_weight=weights), expected)


@pytest.mark.parametrize(
    "weights, expected", [(None, 15), (2.0, 30), ([1.0, 2.0], 27), (TABLE, 55)]
)
def test_a_weighted_sum(weights, expected):
    assert state(metrics.Sum(), TABLE, sample_weight=weights) == [expected]


def test_a_mean_over_batches_weighs_batches_by_their_samples():
    metric = metrics.Mean()
    metric.update_state([1.0, 2.0, 3.0])
    metric.update_state([10.0])
    assert metric.result() == 4
    metric.update_state(0.0, sample_weight=4)
    assert metric.result() == 2


def test_the_mean_of_nothing_is_zero():
    assert metrics.Mean().result() == 0
    assert metrics.Mean().result().dtype == "float32"


@pytest.mark.parametrize("metric", [metrics.Mean, metrics.Sum])
@pytest.mark.parametrize("weights", [[1.0, 2.0, 3.0], np.ones((2, 3, 4)), np.ones((3, 2))])
def test_weights_that_do_not_fit_the_first_axes_are_refused(metric, weights):
    with pytest.raises(ValueError) as error:
        metric().update_state(TABLE, sample_weight=weights)
    assert f"values of shape (2, 3). Received: sample_weight of shape {np.shape(weights)}" in str(
        error.value
    )


@pytest.mark.parametrize("weights", [np.nan, [1.0, np.nan]])
def test_nan_weights_are_refused(weights):
    with pytest.raises(ValueError, match="'mean'|`mean`.*NaN"):
        metrics.Mean().update_state(TABLE, sample_weight=weights)


def test_a_function_becomes_a_metric():
    metric = metrics.MeanMetricWrapper(losses.huber, name="h", delta=2.0)
    assert metric.get_config()["delta"] == 2.0
    value = metric(TABLE, TABLE + 3)
    assert value == losses.Huber(delta=2.0)(TABLE, TABLE + 3)
    again = metrics.deserialize(metrics.serialize(metric))
    assert again(TABLE, TABLE + 3) == value


def test_masked_samples_do_not_count():
    y_pred = TABLE + np.array([[1], [3]], "float32")
    set_mask(y_pred, np.array([False, True]))
    assert metrics.MeanSquaredError()(TABLE, y_pred) == 9
    assert state(metrics.MeanSquaredError(), TABLE, y_pred, sample_weight=[5.0, 2.0]) == [18, 2]


def test_masked_time_steps_do_not_count():
    y_true = np.array([[0, 1, 2], [1, 1, 1]])
    y_pred = np.eye(3, dtype="float32")[[[0, 1, 0], [1, 0, 0]]]
    set_mask(y_pred, np.array([[True, True, False], [True, False, False]]))
    assert metrics.SparseCategoricalAccuracy()(y_true, y_pred) == 1


def test_a_mask_of_values_matters_only_to_weighted_means_as_in_keras():
    values = np.array([1.0, 2.0, 3.0])
    set_mask(values, np.array([True, False, True]))
    assert state(metrics.Mean(), values) == [6, 3]
    assert state(metrics.Mean(), values, sample_weight=[1.0, 2.0, 3.0]) == [10, 4]
    assert state(metrics.Mean(), values, sample_weight=2.0) == [8, 4]

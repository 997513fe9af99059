"""Metrics between numbers: roots, correlations, and explained variance."""

import numpy as np
import pytest

from npkeras import metrics

Y_TRUE = np.array([[0, 1, 0], [1, 0, 1], [1, 0, 0]], "float32")
Y_PRED = np.array([[0.2, 0.7, 0.6], [0.8, 0.9, 0.1], [0.3, 0.2, 0.1]], "float32")


def test_the_root_is_taken_of_the_mean_over_all_batches():
    metric = metrics.RootMeanSquaredError()
    metric.update_state([[0.0]], [[3.0]])
    metric.update_state([[0.0]], [[5.0]])
    np.testing.assert_allclose(metric.result(), np.sqrt(17))


def test_cosine_similarity_is_best_at_one():
    assert metrics.CosineSimilarity()([[0.0, 2.0]], [[0.0, 5.0]]) == 1


def test_correlations_know_lines():
    x = np.array([[0.0, 1.0, 2.0, 5.0]])
    np.testing.assert_allclose(metrics.pearson_correlation(x, 3 * x + 1), 1, rtol=1e-6)
    np.testing.assert_allclose(metrics.pearson_correlation(x, -x), -1, rtol=1e-6)
    np.testing.assert_allclose(metrics.concordance_correlation(x, x), 1, rtol=1e-6)
    assert metrics.concordance_correlation(x, x + 3) < 0.6


def test_what_does_not_vary_does_not_correlate():
    assert np.isnan(metrics.pearson_correlation([[1.0, 1.0]], [[0.0, 1.0]])).all()
    assert metrics.concordance_correlation([[0.0, 0.0]], [[0.0, 0.0]]) == 0


@pytest.mark.keras
@pytest.mark.parametrize("name", ["pearson_correlation", "concordance_correlation"])
@pytest.mark.parametrize("axis", [-1, 0, (0, 1)])
def test_correlations_are_those_of_keras_along_every_axis(keras, name, axis):
    value = getattr(metrics, name)(Y_TRUE, Y_PRED, axis=axis)
    expected = getattr(keras.metrics, name)(Y_TRUE, Y_PRED, axis=axis)
    np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_the_mean_of_the_targets_explains_nothing():
    y_true = np.array([[1.0], [2.0], [6.0]])
    assert metrics.R2Score()(y_true, y_true * 0 + 3) == 0
    assert metrics.R2Score()(y_true, y_true) == 1


def test_too_few_targets_for_an_adjusted_score_are_warned_of():
    with pytest.warns(UserWarning, match="3 targets.*num_regressors=5"):
        value = metrics.R2Score(num_regressors=5)([[1.0], [2.0], [6.0]], [[1.0], [2.0], [3.0]])
    assert value == metrics.R2Score()([[1.0], [2.0], [6.0]], [[1.0], [2.0], [3.0]])


def test_impossible_arguments_are_refused():
    with pytest.raises(ValueError, match="`class_aggregation` of R2Score .*='mean'"):
        metrics.R2Score(class_aggregation="mean")
    with pytest.raises(ValueError, match="`num_regressors` of R2Score .*num_regressors=-1"):
        metrics.R2Score(num_regressors=-1)
    with pytest.raises(ValueError, match=r"R2Score expects .*y_true.shape=\(3,\)"):
        metrics.R2Score().update_state(Y_TRUE[0], Y_PRED[0])
    with pytest.raises(ValueError, match=r"\(3, 3\).*\(3, 2\)"):
        metrics.RootMeanSquaredError().update_state(Y_TRUE[:, :2], Y_PRED)

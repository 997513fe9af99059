"""F-scores: guesses, averages and refusals."""

import numpy as np
import pytest

import npkeras
from npkeras import metrics

LABELS = np.array([[0, 1, 0], [1, 0, 1], [1, 0, 0]], "float32")
SCORES = np.array([[0.2, 0.7, 0.6], [0.8, 0.9, 0.1], [0.3, 0.2, 0.1]], "float32")


@pytest.mark.parametrize(
    "average, expected",
    [(None, [2 / 3, 2 / 3, 0]), ("macro", 4 / 9), ("weighted", 0.5), ("micro", 4 / 7)],
)
def test_the_largest_score_of_a_row_is_the_guess(average, expected):
    value = metrics.F1Score(average=average)(LABELS, SCORES)
    np.testing.assert_allclose(value, expected, rtol=1e-6)


def test_above_the_threshold_all_are_guesses():
    value = metrics.F1Score(threshold=0.5)(LABELS, SCORES)
    np.testing.assert_allclose(value, [2 / 3, 2 / 3, 0], rtol=1e-6)


def test_beta_weighs_recall():
    precision, recall = 0.5, 1.0
    value = metrics.FBetaScore(beta=2.0)(LABELS, SCORES)[1]
    np.testing.assert_allclose(value, 5 * precision * recall / (4 * precision + recall), rtol=1e-6)


def test_a_row_of_zeros_is_no_guess():
    metric = metrics.F1Score()
    metric.update_state(LABELS, SCORES * 0)
    np.testing.assert_array_equal(metric.false_positives.value, 0)


def test_impossible_arguments_are_refused():
    for options, message in (
        ({"average": "mean"}, "`average` of FBetaScore .*average='mean'"),
        ({"beta": 0.0}, "`beta` of FBetaScore must be above 0.*beta=0.0"),
        ({"beta": 1}, "`beta` of FBetaScore must be a float.*beta=1"),
        ({"threshold": 2.0}, "`threshold` of FBetaScore .*threshold=2.0"),
        ({"threshold": 1}, "`threshold` of FBetaScore must be a float.*threshold=1"),
    ):
        with pytest.raises(ValueError, match=message):
            metrics.FBetaScore(**options)
    with pytest.raises(ValueError, match=r"F1Score expects .*\(3,\)"):
        metrics.F1Score().update_state(LABELS[0], SCORES[0])


@pytest.mark.keras
@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize("weight", [1.0, 1e-3, 1e-7])
def test_tiny_weights_count_as_in_keras(keras, average, weight):
    results = []
    for engine in (npkeras, keras):
        metric = engine.metrics.FBetaScore(average=average, beta=0.5)
        y_true, y_pred = np.eye(3)[[2, 0]], np.array([[0.5, 0.3, 0.9], [0.7, 0.8, 0.2]])
        metric.update_state(y_true, y_pred, sample_weight=np.full(2, weight))
        results.append(np.array(metric.result()))
    np.testing.assert_allclose(*results, rtol=1e-6)

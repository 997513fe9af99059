"""Counts, precision, recall, and the best of one under a constraint on the other."""

import numpy as np
import pytest

from npkeras import metrics

Y_TRUE = np.array([0, 1, 1, 0, 1])
SCORES = np.array([0.1, 0.6, 0.3, 0.7, 0.9], "float32")
WEIGHTS = np.array([1.0, 2.0, 3.0, 4.0, 5.0])


@pytest.mark.parametrize(
    "name, expected",
    [
        ("TruePositives", [10, 7, 5]),
        ("FalsePositives", [4, 4, 0]),
        ("TrueNegatives", [1, 1, 5]),
        ("FalseNegatives", [0, 3, 5]),
    ],
)
def test_counts_at_several_thresholds_in_any_order(name, expected):
    metric = getattr(metrics, name)(thresholds=[0.2, 0.5, 0.8])
    np.testing.assert_array_equal(metric(Y_TRUE, SCORES, WEIGHTS), expected)
    metric = getattr(metrics, name)(thresholds=[0.8, 0.2, 0.5])
    np.testing.assert_array_equal(metric(Y_TRUE, SCORES, WEIGHTS), np.roll(expected, 1))
    assert getattr(metrics, name)()(Y_TRUE, SCORES, WEIGHTS) == expected[1]


def test_a_score_on_the_threshold_is_a_no():
    assert metrics.TruePositives()([1], [0.5]) == 0


def test_a_score_that_is_no_number_is_a_no():
    assert metrics.FalseNegatives()([1, 1], [np.nan, 0.9]) == 1


def test_labels_other_than_zero_are_a_yes():
    for labels in (Y_TRUE > 0, Y_TRUE * 2, Y_TRUE * 0.5):
        assert metrics.TruePositives()(labels, SCORES) == 2


def test_precision_and_recall():
    assert metrics.Precision()(Y_TRUE, SCORES) == np.float32(2 / 3)
    assert metrics.Recall()(Y_TRUE, SCORES, WEIGHTS) == np.float32(0.7)


def test_shares_of_nothing_are_zero():
    assert metrics.Precision()(Y_TRUE, SCORES * 0) == 0
    assert metrics.Recall()(Y_TRUE * 0, SCORES) == 0


def test_a_column_of_predictions_goes_with_a_vector_of_targets():
    assert metrics.Precision()(Y_TRUE, SCORES[:, None]) == np.float32(2 / 3)


LABELS = np.array([[0, 1, 0], [1, 0, 1]])
TABLE = np.array([[0.2, 0.7, 0.6], [0.8, 0.9, 0.1]], "float32")


@pytest.mark.parametrize(
    "options, right, wrong",
    [
        ({}, 2, 2),
        ({"top_k": 2}, 2, 2),
        ({"top_k": 2, "thresholds": 0.65}, 2, 1),
        ({"class_id": 1}, 1, 1),
        ({"class_id": 1, "top_k": 1}, 1, 1),
    ],
    ids=str,
)
def test_precision_of_the_best_guesses_or_of_one_class(options, right, wrong):
    metric = metrics.Precision(**options)
    metric.update_state(LABELS, TABLE)
    assert (metric.true_positives.value, metric.false_positives.value) == (right, wrong)


def test_of_guesses_that_tie_the_first_is_taken():
    metric = metrics.Precision(top_k=1)
    metric.update_state(LABELS, TABLE * 0 + 0.5)
    assert (metric.true_positives.value, metric.false_positives.value) == (1, 1)


def test_weights_of_samples_weigh_all_their_entries():
    metric = metrics.Precision()
    metric.update_state(LABELS, TABLE, sample_weight=[1.0, 2.0])
    assert (metric.true_positives.value, metric.false_positives.value) == (3, 3)


@pytest.mark.parametrize("thresholds", [1.5, -0.1, [0.5, 2.0], [0.1, None]])
def test_thresholds_outside_zero_to_one_are_refused(thresholds):
    for name in ("Precision", "TruePositives"):
        with pytest.raises(ValueError, match=f"`thresholds` of {name} "):
            getattr(metrics, name)(thresholds=thresholds)


def test_other_impossible_arguments_are_refused():
    with pytest.raises(ValueError, match="`top_k` of Recall.*top_k=0"):
        metrics.Recall(top_k=0)
    with pytest.raises(ValueError, match="`class_id` of Recall.*class_id=-1"):
        metrics.Recall(class_id=-1)
    with pytest.raises(ValueError, match=r"class_id=5.*\(2, 3\).*3 classes"):
        metrics.Recall(class_id=5).update_state(LABELS, TABLE)
    with pytest.raises(ValueError, match=r"top_k=4.*\(2, 3\)"):
        metrics.Recall(top_k=4).update_state(LABELS, TABLE)
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(2, 2\)"):
        metrics.Recall().update_state(LABELS[:, :2], TABLE)


def test_the_best_precision_where_recall_is_high_enough():
    y_true, scores = [0, 0, 0, 1, 1], [0.1, 0.4, 0.6, 0.5, 0.9]
    assert metrics.PrecisionAtRecall(0.4)(y_true, scores) == 1
    assert metrics.PrecisionAtRecall(0.8)(y_true, scores) == np.float32(2 / 3)
    assert metrics.RecallAtPrecision(0.6)(y_true, scores) == 1
    assert metrics.RecallAtPrecision(0.9)(y_true, scores) == 0.5
    assert metrics.SensitivityAtSpecificity(0.9)(y_true, scores) == 0.5
    assert metrics.SpecificityAtSensitivity(0.9)(y_true, scores) == np.float32(2 / 3)


def test_a_constraint_that_is_just_met_is_met():
    y_true = [1] * 7 + [0] * 3  # a precision of 7 / 10, which no float32 is
    assert metrics.RecallAtPrecision(0.7, num_thresholds=1)(y_true, [0.9] * 10) == 1


def test_a_constraint_that_is_never_met_gives_zero():
    assert metrics.PrecisionAtRecall(0.5)([0, 0], [0.1, 0.9]) == 0


def test_constraints_outside_zero_to_one_are_refused():
    with pytest.raises(ValueError, match="`recall` of PrecisionAtRecall.*recall=1.5"):
        metrics.PrecisionAtRecall(1.5)
    with pytest.raises(ValueError, match="`num_thresholds` of RecallAtPrecision.*num_thresholds=0"):
        metrics.RecallAtPrecision(0.5, num_thresholds=0)
    with pytest.raises(ValueError, match="`class_id` of RecallAtPrecision.*class_id=-2"):
        metrics.RecallAtPrecision(0.5, class_id=-2)

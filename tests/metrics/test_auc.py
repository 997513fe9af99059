"""AUC: known areas, columns, thresholds of one's own, and predictions that are no probabilities."""

import numpy as np
import pytest

from npkeras import metrics

Y_TRUE = np.array([0, 0, 1, 1])
SCORES = np.array([0.0, 0.5, 0.3, 0.9], "float32")
LABELS = np.array([[0, 1], [1, 0], [1, 1]])
TABLE = np.array([[0.2, 0.7], [0.8, 0.9], [0.6, 0.3]], "float32")


def test_perfect_scores_have_area_one_and_inverted_ones_zero():
    y_true, scores = np.repeat([0, 1], 50), np.linspace(0.01, 0.99, 100)
    assert metrics.AUC()(y_true, scores) == 1
    assert metrics.AUC()(1 - y_true, scores) == 0
    np.testing.assert_allclose(metrics.AUC(curve="PR")(y_true, scores), 1)


def test_with_many_thresholds_the_area_is_the_chance_to_rank_a_pair_rightly():
    random = np.random.default_rng(0)
    y_true = random.integers(0, 2, 200)
    scores = np.clip(random.random(200) * 0.7 + 0.3 * y_true, 0, 1)
    pairs = scores[y_true == 1][:, None] > scores[y_true == 0]
    value = metrics.AUC(num_thresholds=20000)(y_true, scores)
    np.testing.assert_allclose(value, pairs.mean(), atol=1e-3)


def test_three_thresholds():
    assert metrics.AUC(num_thresholds=3)(Y_TRUE, SCORES) == 0.75


def test_each_column_may_have_its_own_area():
    each = [metrics.AUC()(LABELS[:, i], TABLE[:, i]) for i in range(2)]
    assert metrics.AUC(multi_label=True)(LABELS, TABLE) == np.float32(np.mean(each))
    value = metrics.AUC(multi_label=True, label_weights=[3.0, 1.0])(LABELS, TABLE)
    np.testing.assert_allclose(value, np.average(each, weights=[3, 1]))


def test_the_state_is_made_at_once_if_the_number_of_columns_is_known():
    shapes = [v.shape for v in metrics.AUC(3, multi_label=True, num_labels=2).variables]
    assert shapes == [(3, 2)] * 4
    assert metrics.AUC(multi_label=True).variables == []


def test_thresholds_of_ones_own_lie_between_one_below_and_one_above():
    metric = metrics.AUC(thresholds=[0.5, 0.2])
    np.testing.assert_allclose(metric.thresholds, [-1e-7, 0.2, 0.5, 1 + 1e-7])
    assert metric.num_thresholds == 4
    assert metric.get_config()["thresholds"] == [0.2, 0.5]


def test_logits_go_through_a_sigmoid():
    logits = np.array([-3.0, 0.0, -0.8, 2.0])
    value = metrics.AUC(from_logits=True)(Y_TRUE, logits)
    assert value == metrics.AUC()(Y_TRUE, 1 / (1 + np.exp(-logits)))


def test_predictions_outside_zero_to_one_are_warned_of():
    with pytest.warns(UserWarning, match="Received some outside.*from_logits=True"):
        metrics.AUC().update_state([0, 1], [-2.0, 3.0])


def test_one_class_alone_has_no_area():
    assert metrics.AUC()([0, 0], [0.2, 0.8]) == 0


def test_impossible_arguments_are_refused():
    for options, message in (
        ({"curve": "foo"}, "`curve` of AUC .*curve='FOO'"),
        ({"summation_method": "foo"}, "`summation_method` of AUC .*='foo'"),
        ({"num_thresholds": 1}, "`num_thresholds` of AUC .*num_thresholds=1"),
        ({"thresholds": [-0.1]}, "`thresholds` of AUC .*thresholds=-0.1"),
        ({"num_labels": 3}, "`num_labels` of AUC .*num_labels=3"),
    ):
        with pytest.raises(ValueError, match=message):
            metrics.AUC(**options)


def test_predictions_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"multi_label=True.*\(4,\)"):
        metrics.AUC(multi_label=True).update_state(Y_TRUE, SCORES)
    with pytest.raises(ValueError, match=r"num_labels for 3 labels.*\(3, 2\)"):
        metrics.AUC(multi_label=True, num_labels=3).update_state(LABELS, TABLE)
    with pytest.raises(ValueError, match=r"label_weights for 3 labels.*\(3, 2\)"):
        metrics.AUC(label_weights=[1, 2, 3]).update_state(LABELS, TABLE)

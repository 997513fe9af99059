"""The accuracies: shapes, ties, scores that are no numbers."""

import numpy as np
import pytest

from npkeras import metrics

ONE_HOT = np.array([[0, 1, 0], [1, 0, 0]], "float32")
P = np.array([[0.1, 0.8, 0.1], [0.2, 0.7, 0.1]], "float32")


@pytest.mark.parametrize("labels", [[1, 0], [[1], [0]], [1.0, 0.0], np.array([1, 0], "uint8")])
def test_the_largest_score_is_the_answer(labels):
    value = metrics.sparse_categorical_accuracy(labels, P)
    np.testing.assert_array_equal(value, [1, 0])
    assert value.dtype == "float32"
    np.testing.assert_array_equal(metrics.categorical_accuracy(ONE_HOT, P), [1, 0])


def test_a_prediction_on_the_threshold_is_a_no():
    np.testing.assert_array_equal(
        metrics.binary_accuracy([[1.0], [0.0]], [[0.5], [0.5]]), [[0], [1]]
    )


def test_a_column_of_predictions_goes_with_a_vector_of_targets():
    value = metrics.binary_accuracy([1.0, 0.0], [[0.8], [0.7]])
    np.testing.assert_array_equal(value, [[1], [0]])


def test_labels_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"`binary_accuracy`.*\(2, 3\).*\(2, 2\)"):
        metrics.binary_accuracy(np.zeros((2, 2)), P)
    with pytest.raises(ValueError, match=r"\(2,\).*\(2, 3\).*`categorical_accuracy`"):
        metrics.sparse_categorical_accuracy(ONE_HOT, P)
    with pytest.raises(ValueError, match=r"`categorical_accuracy`.*shape \(\)"):
        metrics.categorical_accuracy([1, 0], P)
    with pytest.raises(ValueError, match=r"`sparse_top_k_categorical_accuracy`.*\(3,\)"):
        metrics.sparse_top_k_categorical_accuracy([0, 1, 2], P)


def test_scores_that_tie_with_the_target_do_not_push_it_out():
    scores = np.ones((3, 3), "float32")
    value = metrics.sparse_top_k_categorical_accuracy([0, 1, 2], scores, k=1)
    np.testing.assert_array_equal(value, [1, 1, 1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rows_with_scores_that_are_not_finite_hold_no_right_answer(bad):
    value = metrics.sparse_top_k_categorical_accuracy([0], [[1.0, bad, 0.0]], k=2)
    np.testing.assert_array_equal(value, [0])


@pytest.mark.keras
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rows_with_scores_that_are_not_finite_count_as_in_keras(keras, bad):
    scores = np.array([[1.0, bad, 0.0]] * 3, "float32")
    labels = np.arange(3)
    value = metrics.sparse_top_k_categorical_accuracy(labels, scores, k=2)
    expected = keras.metrics.sparse_top_k_categorical_accuracy(labels, scores, k=2)
    np.testing.assert_array_equal(value, expected)


def test_a_class_that_does_not_exist_is_never_right():
    value = metrics.sparse_top_k_categorical_accuracy([7, -1], P, k=3)
    np.testing.assert_array_equal(value, [0, 0])


def test_a_column_of_labels_gives_a_column():
    value = metrics.sparse_top_k_categorical_accuracy([[1], [2]], P, k=2)
    np.testing.assert_array_equal(value, [[1], [0]])


def test_class_numbers_may_come_sorted():
    ids = np.array([[2, 1, 0], [1, 0, 2]])
    value = metrics.sparse_top_k_categorical_accuracy([1, 2], ids, k=2, from_sorted_ids=True)
    np.testing.assert_array_equal(value, [1, 0])


def test_k_must_be_a_positive_integer():
    for name in ("TopKCategoricalAccuracy", "SparseTopKCategoricalAccuracy"):
        with pytest.raises(ValueError, match=f"`k` of {name} .*k=0"):
            getattr(metrics, name)(k=0)


def test_the_threshold_must_be_a_number():
    with pytest.raises(ValueError, match="`threshold` of BinaryAccuracy.*threshold=None"):
        metrics.BinaryAccuracy(threshold=None)


def test_an_unknown_metric_is_refused_with_the_nearest_name():
    for identifier in ("acuracy", "crossentropy"):
        with pytest.raises(ValueError, match=f"'{identifier}'"):
            metrics.get(identifier)
    with pytest.raises(ValueError, match="'precison'.*'precision'"):
        metrics.get("precison")

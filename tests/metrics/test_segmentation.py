"""Intersection over union: which classes count, and what is left out."""

import numpy as np
import pytest

from npkeras import metrics

Y_TRUE, Y_PRED = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 1, 2])


def test_the_mean_is_over_the_target_classes():
    np.testing.assert_allclose(metrics.IoU(3, [0, 2])(Y_TRUE, Y_PRED), (1 / 3 + 1) / 2, rtol=1e-6)
    np.testing.assert_allclose(metrics.MeanIoU(3)(Y_TRUE, Y_PRED), 5 / 9, rtol=1e-6)


def test_a_class_that_was_neither_seen_nor_predicted_does_not_count():
    np.testing.assert_allclose(metrics.MeanIoU(4)(Y_TRUE, Y_PRED), 5 / 9, rtol=1e-6)


def test_an_ignored_class_does_not_count():
    metric = metrics.MeanIoU(3, ignore_class=0)
    np.testing.assert_allclose(metric(Y_TRUE, Y_PRED), 0.5, rtol=1e-6)


def test_pixels_are_yes_from_the_threshold_on():
    metric = metrics.BinaryIoU(target_class_ids=[1], threshold=0.3)
    np.testing.assert_allclose(metric([0, 1, 0, 1], [0.1, 0.3, 0.4, 0.7]), 2 / 3, rtol=1e-6)


def test_scores_are_turned_into_classes():
    one_hot = np.eye(3)[Y_TRUE]
    value = metrics.OneHotMeanIoU(3)(one_hot, np.eye(3)[Y_PRED])
    np.testing.assert_allclose(value, 5 / 9, rtol=1e-6)
    value = metrics.OneHotMeanIoU(3, sparse_y_pred=True)(one_hot, Y_PRED)
    np.testing.assert_allclose(value, 5 / 9, rtol=1e-6)


def test_fractions_of_weights_are_kept_in_a_float_state():
    weights = np.array([0.3, 0.3, 0.3, 0.1, 1.0])
    metric = metrics.IoU(3, [0], dtype="float32")
    np.testing.assert_allclose(metric(Y_TRUE, Y_PRED, weights), 1 / 3, rtol=1e-6)
    with pytest.warns(UserWarning, match="IoU counts in int64"):
        metrics.IoU(3, [0]).update_state(Y_TRUE, Y_PRED, weights)


def test_impossible_arguments_are_refused():
    with pytest.raises(ValueError, match=r"`target_class_ids` of IoU .*\[0, 2\).*Received: 2"):
        metrics.IoU(2, [2])
    with pytest.raises(ValueError, match="`num_classes` of MeanIoU .*num_classes=0"):
        metrics.MeanIoU(0)
    with pytest.raises(ValueError, match="5 targets and 4 predictions"):
        metrics.MeanIoU(3).update_state(Y_TRUE, Y_PRED[:4])
    with pytest.raises(ValueError, match="each of 5 predictions.*of 2 entries"):
        metrics.MeanIoU(3).update_state(Y_TRUE, Y_PRED, [1, 2])

"""Cross-entropies and hinges: values, logits, masks, and the refusals that save a day."""

import numpy as np
import pytest

from npkeras import losses, ops
from npkeras.core.attach import get_mask
from npkeras.core.tape import GradientTape

ONE_HOT = np.array([[0, 1, 0], [1, 0, 0]], "float32")
CLASSES = np.array([1, 0])
P = np.array([[0.1, 0.8, 0.1], [0.2, 0.7, 0.1]], "float32")
CROSSENTROPIES = -np.log([0.8, 0.2])


def test_the_crossentropy_is_minus_the_logarithm_of_the_right_probability():
    value = losses.categorical_crossentropy(ONE_HOT, P)
    np.testing.assert_allclose(value, CROSSENTROPIES, rtol=1e-6)
    for y_true in (CLASSES, CLASSES[:, None], CLASSES.tolist(), CLASSES.astype("float32")):
        value = losses.sparse_categorical_crossentropy(y_true, P)
        np.testing.assert_allclose(value, CROSSENTROPIES, rtol=1e-6)


def test_probabilities_are_first_divided_by_their_sum():
    value = losses.categorical_crossentropy(ONE_HOT, 3 * P)
    np.testing.assert_allclose(value, CROSSENTROPIES, rtol=1e-6)


def test_logits_and_their_softmax_give_the_same_loss():
    logits = np.log(P) + 5
    for y_true, loss in (
        (ONE_HOT, losses.categorical_crossentropy),
        (CLASSES, losses.sparse_categorical_crossentropy),
    ):
        value = loss(y_true, logits, from_logits=True)
        np.testing.assert_allclose(value, CROSSENTROPIES, rtol=1e-5)


def test_the_softmax_behind_probabilities_is_found():
    """Where a probability rounds to 0, its logarithm is still right, and so is the slope."""
    logits = np.array([[0.0, -200.0, 0.0]], "float32")
    for y_true, loss in (
        ([[0.0, 1.0, 0.0]], losses.CategoricalCrossentropy()),
        ([1], losses.SparseCategoricalCrossentropy()),
    ):
        with GradientTape() as tape:
            watched = tape.watch(logits)
            value = loss(y_true, ops.softmax(watched))
        np.testing.assert_allclose(value, 200 + np.log(2), rtol=1e-6)
        np.testing.assert_allclose(tape.gradient(value, watched), [[0.5, -1, 0.5]], rtol=1e-6)


def test_the_sigmoid_behind_probabilities_is_found():
    with GradientTape() as tape:
        watched = tape.watch(np.array([[-200.0]], "float32"))
        value = losses.BinaryCrossentropy()([[1.0]], ops.sigmoid(watched))
    np.testing.assert_allclose(value, 200, rtol=1e-6)
    np.testing.assert_allclose(tape.gradient(value, watched), [[-1]], rtol=1e-6)


def test_smoothing_spreads_targets_over_all_classes():
    smooth = ONE_HOT * 0.7 + 0.1
    value = losses.categorical_crossentropy(ONE_HOT, P, label_smoothing=0.3)
    np.testing.assert_allclose(value, losses.categorical_crossentropy(smooth, P), rtol=1e-6)
    value = losses.binary_crossentropy(ONE_HOT, P, label_smoothing=0.3)
    expected = losses.binary_crossentropy(ONE_HOT * 0.7 + 0.15, P)
    np.testing.assert_allclose(value, expected, rtol=1e-6)


def test_classes_may_lie_along_another_axis():
    value = losses.CategoricalCrossentropy(axis=1, reduction=None)(ONE_HOT[..., None], P[..., None])
    np.testing.assert_allclose(value, CROSSENTROPIES[:, None], rtol=1e-6)


def test_binary_probabilities_are_clipped_as_in_keras():
    value = losses.binary_crossentropy([[1.0], [0.0]], [[0.0], [1.0]])
    np.testing.assert_allclose(value, [16.118095, 15.942385], rtol=1e-6)


@pytest.mark.parametrize("axis", [0, None, (0, 1)])
def test_the_binary_mean_is_taken_over_the_axis(axis):
    each = losses.binary_crossentropy(ONE_HOT[..., None], P[..., None])
    value = losses.binary_crossentropy(ONE_HOT, P, axis=axis)
    np.testing.assert_allclose(value, each.mean(axis=axis), rtol=1e-6)


def test_an_ignored_class_leaves_the_mean():
    y_true = np.array([1, -1])
    values = losses.sparse_categorical_crossentropy(y_true, P, ignore_class=-1)
    np.testing.assert_allclose(values, [CROSSENTROPIES[0], 0], rtol=1e-6)
    np.testing.assert_array_equal(get_mask(values), [True, False])
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    np.testing.assert_allclose(loss(y_true, P), CROSSENTROPIES[0], rtol=1e-6)
    assert loss(np.array([-1, -1]), P) == 0


def test_class_numbers_given_to_the_one_hot_loss_are_refused_with_the_loss_that_fits():
    with pytest.raises(ValueError) as error:
        losses.CategoricalCrossentropy()(CLASSES[:, None], P)
    message = str(error.value)
    assert "(2, 3). Received targets of shape (2, 1)" in message
    assert "`sparse_categorical_crossentropy`" in message and "to_categorical(y, 3)" in message


def test_one_hot_targets_given_to_the_sparse_loss_are_refused_with_the_loss_that_fits():
    with pytest.raises(ValueError, match=r"\(2, 3\).*`categorical_crossentropy`"):
        losses.SparseCategoricalCrossentropy()(ONE_HOT, P)


@pytest.mark.parametrize("label", [3, -1])
def test_a_class_that_does_not_exist_is_refused(label):
    with pytest.raises(ValueError, match=rf"{label}\b"):
        losses.SparseCategoricalCrossentropy()(np.array([0, label]), P)


@pytest.mark.parametrize("label", [1.5, np.nan])
def test_a_class_number_that_is_no_whole_number_is_refused(label):
    with pytest.raises(ValueError, match=str(label)):
        losses.SparseCategoricalCrossentropy()(np.array([0, label]), P)


def test_binary_targets_far_outside_zero_to_one_are_refused():
    with pytest.raises(ValueError, match="targets from -1 to 1.*`hinge`"):
        losses.BinaryCrossentropy()([[-1.0], [1.0]], [[0.2], [0.3]])
    with pytest.raises(ValueError, match="`binary_focal_crossentropy`.*targets from 0 to 2"):
        losses.BinaryFocalCrossentropy()([[0.0], [2.0]], [[0.2], [0.3]])


def test_noise_on_binary_targets_is_allowed():
    assert np.isfinite(losses.BinaryCrossentropy()([[1.05], [0.0]], [[0.9], [0.1]]))


def test_predictions_that_are_no_probabilities_are_warned_of():
    with pytest.warns(UserWarning, match=r"outside \[0, 1\].*from_logits=True"):
        losses.BinaryCrossentropy()([[0.0], [1.0]], [[-3.0], [2.0]])


def test_a_single_class_is_warned_of():
    with pytest.warns(UserWarning, match=r"shape \(2, 1\).*`binary_crossentropy`"):
        losses.categorical_crossentropy([[1.0], [1.0]], [[0.3], [0.4]])


@pytest.mark.parametrize(
    "name", ["BinaryCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy"]
)
def test_smoothing_outside_zero_to_one_is_refused(name):
    with pytest.raises(ValueError, match=f"`label_smoothing` of {name}.*label_smoothing=2.0"):
        getattr(losses, name)(label_smoothing=2.0)


def test_without_focus_the_focal_losses_are_crossentropies():
    value = losses.binary_focal_crossentropy(ONE_HOT, P, gamma=0.0)
    np.testing.assert_allclose(value, losses.binary_crossentropy(ONE_HOT, P), rtol=1e-6)
    value = losses.categorical_focal_crossentropy(ONE_HOT, P, gamma=0.0, alpha=1.0)
    np.testing.assert_allclose(value, CROSSENTROPIES, rtol=1e-6)


def test_alpha_may_hold_a_weight_for_each_class():
    value = losses.categorical_focal_crossentropy(ONE_HOT, P, gamma=0.0, alpha=[1.0, 2.0, 3.0])
    np.testing.assert_allclose(value, CROSSENTROPIES * [2, 1], rtol=1e-6)


def test_the_generalized_crossentropy_goes_from_crossentropy_to_absolute_error():
    p = np.array([0.8, 0.2])
    for q, expected in ((1e-4, -np.log(p)), (0.999999, 1 - p)):
        value = losses.categorical_generalized_cross_entropy(CLASSES, P.astype("float64"), q)
        np.testing.assert_allclose(value, expected, rtol=1e-3)


@pytest.mark.parametrize("q", [0, 1.0, 1.5, -0.1])
def test_q_outside_zero_to_one_is_refused(q):
    with pytest.raises(ValueError, match=f"CategoricalGeneralizedCrossEntropy.*q={q}"):
        losses.CategoricalGeneralizedCrossEntropy(q=q)


def test_a_distribution_does_not_diverge_from_itself():
    np.testing.assert_allclose(losses.kl_divergence(P, P), 0, atol=1e-7)


def test_hinges_read_zeros_and_ones_as_signs():
    for loss in (losses.hinge, losses.squared_hinge):
        np.testing.assert_array_equal(loss(ONE_HOT, P), loss(2 * ONE_HOT - 1, P))
    expected = np.maximum(1 - np.array([[0.5, -1]]) * P[:1, :2], 0).mean(axis=-1)
    np.testing.assert_allclose(losses.hinge([[0.5, -1.0]], P[:1, :2]), expected, rtol=1e-6)


def test_the_categorical_hinge_is_zero_beyond_the_margin():
    np.testing.assert_array_equal(losses.categorical_hinge([[0.0, 1.0]], [[0.5, 1.5]]), 0)
    np.testing.assert_allclose(losses.categorical_hinge([[0.0, 1.0]], [[0.5, 1.0]]), 0.5)

"""Circle loss: small where classes are apart, and written with references of one's own."""

import numpy as np
import pytest

from npkeras import losses

APART = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], "float32")
LABELS = np.array([0, 0, 1, 1])


def test_classes_that_are_apart_have_less_loss_than_classes_that_are_mixed():
    good = losses.Circle(gamma=2.0)(LABELS, APART)
    bad = losses.Circle(gamma=2.0)(np.array([0, 1, 0, 1]), APART)
    assert good < bad


def test_the_value_is_that_of_the_formula():
    s = np.array([[0.6, 0.8], [0.0, 1.0]], "float64")  # each row of length 1
    value = losses.circle([0], s[:1], [0, 1], np.eye(2), remove_diagonal=False, gamma=3, margin=0.2)
    positive, negative = 0.6, 0.8
    exponent = 3 * (negative + 0.2) * (negative - 0.2) - 3 * (1.2 - positive) * (positive - 0.8)
    np.testing.assert_allclose(value, np.log1p(np.exp(exponent)), rtol=1e-6)


def test_an_embedding_alone_in_its_class_has_no_loss():
    np.testing.assert_array_equal(losses.circle(np.arange(4), APART), 0)


def test_an_embedding_without_a_loss_stays_out_of_the_mean():
    alone = np.array([0, 0, 1])
    values = losses.circle(alone, APART[[0, 2, 3]], gamma=2.0)
    assert values[2] == 0
    mean = losses.Circle(gamma=2.0)(alone, APART[[0, 2, 3]])
    np.testing.assert_allclose(mean, values[:2].mean(), rtol=1e-6)


def test_labels_may_have_an_axis_of_length_one():
    np.testing.assert_array_equal(
        losses.circle(LABELS[:, None], APART), losses.circle(LABELS, APART)
    )


def test_impossible_options_are_refused():
    with pytest.raises(ValueError, match="`gamma` of Circle.*gamma=-1"):
        losses.Circle(gamma=-1)
    with pytest.raises(ValueError, match="`margin` of Circle.*margin='a'"):
        losses.Circle(margin="a")


@pytest.mark.keras
def test_references_of_ones_own_are_compared_as_in_keras(keras):
    random = np.random.default_rng(0)
    embeddings, references = random.normal(size=(4, 3)), random.normal(size=(5, 3))
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    references /= np.linalg.norm(references, axis=1, keepdims=True)
    arguments = (LABELS, embeddings.astype("float32"), np.arange(5) % 2)
    options = {"ref_embeddings": references.astype("float32"), "gamma": 5.0, "margin": 0.3}
    options["remove_diagonal"] = False
    value = losses.circle(*arguments, **options)
    np.testing.assert_allclose(value, keras.losses.circle(*arguments, **options), rtol=1e-5)

"""Perplexity: exp of the mean over all tokens, whichever way they are counted out."""

import numpy as np
import pytest

from npkeras import metrics, ops
from npkeras.core.attach import set_mask

WORDS = 50
RANDOM = np.random.default_rng(0)
LABELS = RANDOM.integers(1, WORDS, (4, 7))
LOGITS = RANDOM.normal(size=(4, 7, WORDS)).astype("float32") * 3
P = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=-1, keepdims=True)
CROSSENTROPIES = -np.log(np.take_along_axis(P, LABELS[..., None], -1))[..., 0]


def test_even_guesses_among_n_words_have_perplexity_n():
    value = metrics.Perplexity()(LABELS, np.full((4, 7, WORDS), 1 / WORDS))
    np.testing.assert_allclose(value, WORDS, rtol=1e-5)


def test_knowing_each_word_has_perplexity_one():
    np.testing.assert_allclose(metrics.Perplexity()(LABELS, np.eye(WORDS)[LABELS]), 1, rtol=1e-4)


@pytest.mark.parametrize("labels", [LABELS, LABELS[..., None], LABELS.astype("float32")])
def test_it_is_exp_of_the_mean_over_all_tokens(labels):
    expected = np.exp(CROSSENTROPIES.mean())
    np.testing.assert_allclose(metrics.Perplexity()(labels, P), expected, rtol=1e-5)
    value = metrics.Perplexity(from_logits=True)(labels, LOGITS)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    value = metrics.Perplexity()(labels, ops.softmax(LOGITS))
    np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_batches_weigh_by_their_tokens():
    metric = metrics.Perplexity()
    metric.update_state(LABELS[:1], P[:1])
    metric.update_state(LABELS[1:], P[1:])
    np.testing.assert_allclose(metric.result(), np.exp(CROSSENTROPIES.mean()), rtol=1e-5)


def test_masked_ignored_and_weightless_tokens_do_not_count():
    counts = RANDOM.random((4, 7)) < 0.5
    expected = np.exp(CROSSENTROPIES[counts].mean())
    masked = P.copy()
    set_mask(masked, counts)
    np.testing.assert_allclose(metrics.Perplexity()(LABELS, masked), expected, rtol=1e-5)
    value = metrics.Perplexity()(LABELS, P, sample_weight=counts)
    np.testing.assert_allclose(value, expected, rtol=1e-5)
    for ignored in (0, -1):
        value = metrics.Perplexity(ignore_class=ignored)(np.where(counts, LABELS, ignored), P)
        np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_mask_weights_and_ignored_class_work_together():
    mask, weights = RANDOM.random((4, 7)) < 0.7, np.array([0.0, 1.0, 2.0, 3.0])
    labels = LABELS.copy()
    labels[:, 2] = 0
    masked = P.copy()
    set_mask(masked, mask)
    value = metrics.Perplexity(ignore_class=0)(labels, masked, sample_weight=weights)
    all_weights = mask * weights[:, None] * (labels != 0)
    expected = np.exp(np.average(CROSSENTROPIES, weights=all_weights))
    np.testing.assert_allclose(value, expected, rtol=1e-5)


def test_before_the_first_token_it_is_zero():
    assert metrics.Perplexity().result() == 0
    assert metrics.Perplexity(ignore_class=0)(np.zeros((2, 3), int), P[:2, :3]) == 0


def test_a_word_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=f"{WORDS}"):
        metrics.Perplexity().update_state(np.full((4, 7), WORDS), P)


def test_a_config_makes_the_same_metric_again():
    metric = metrics.Perplexity(name="ppl", from_logits=True, ignore_class=0)
    again = metrics.deserialize(metrics.serialize(metric))
    assert again.get_config() == metric.get_config()
    assert (again.name, again.from_logits, again.ignore_class) == ("ppl", True, 0)
    assert metrics.Perplexity._direction == "down"


def own_perplexity(keras):
    class Perplexity(keras.metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            tokens = keras.losses.sparse_categorical_crossentropy(y_true, y_pred)
            super().update_state(keras.ops.reshape(tokens, (-1,)))

        def result(self):
            return keras.ops.exp(super().result())

    return Perplexity()


def test_the_recipe_for_keras_gives_the_same_here():
    import npkeras

    metric = own_perplexity(npkeras)
    np.testing.assert_allclose(metric(LABELS, P), np.exp(CROSSENTROPIES.mean()), rtol=1e-5)


@pytest.mark.keras
def test_the_recipe_for_keras_gives_the_same_there(keras):
    metric = own_perplexity(keras)
    np.testing.assert_allclose(metric(LABELS, P), metrics.Perplexity()(LABELS, P), rtol=1e-5)

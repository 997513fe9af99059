"""CTC: the sum over all alignments, its gradient, decoding, messages, parity."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import GradientTape, KerasTensor, ops
from npkeras.core.tape import Traced
from tests.checks import check_gradients

LOGITS = np.random.default_rng(0).normal(size=(3, 5, 4))
LABELS = np.array([[1, 2, 3], [1, 1, 0], [2, 0, 0]])
LABEL_LENGTHS = np.array([3, 2, 1])
STEPS = np.array([5, 4, 5])


def collapsed(path, blank):
    merged = [label for label, _ in itertools.groupby(path)]
    return [label for label in merged if label != blank]


def summed_over_paths(logits, labels, blank):
    """-log of the probability of the labels, by walking through every path there is."""
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    total = 0.0
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        if collapsed(path, blank) == list(labels):
            total += np.prod(probabilities[np.arange(len(path)), path])
    return -np.log(total)


@pytest.mark.parametrize("blank", [0, 3])
def test_the_loss_is_the_sum_over_all_paths(blank):
    labels = np.where(LABELS == blank, (blank + 1) % 4, LABELS)
    y = ops.ctc_loss(labels, LOGITS, LABEL_LENGTHS, STEPS, mask_index=blank)
    for i, (length, steps) in enumerate(zip(LABEL_LENGTHS, STEPS, strict=True)):
        expected = summed_over_paths(LOGITS[i, :steps], labels[i, :length], blank)
        np.testing.assert_allclose(y[i], expected, rtol=1e-10)


def test_gradient():
    check_gradients(lambda x: ops.ctc_loss(LABELS, x, LABEL_LENGTHS, STEPS), LOGITS)
    check_gradients(lambda x: ops.ctc_loss(LABELS, x, [0, 0, 1], STEPS), LOGITS)


def test_labels_that_do_not_fit_cost_much_but_not_infinitely_much():
    x = Traced(LOGITS.astype("float32"), object())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with GradientTape() as tape:
            y = ops.ctc_loss(np.ones((3, 4), int), x, [4, 4, 4], STEPS)
        assert (y.value > 700).all() and (y.value < 720).all()
        assert np.isfinite(tape.gradient(y, x)).all()


def test_shapes_and_dtypes():
    i = KerasTensor((None,), "int32")
    y = ops.ctc_loss(KerasTensor((None, 3), "int32"), KerasTensor((None, 5, 4)), i, i)
    assert (y.shape, y.dtype) == ((None,), "float32")
    assert ops.ctc_loss(LABELS, LOGITS.astype("float16"), LABEL_LENGTHS, STEPS).dtype == "float32"
    labels, scores = ops.ctc_decode(KerasTensor((None, 5, 4)), i, "beam_search", top_paths=2)
    assert (labels.shape, scores.shape) == ((2, None, 5), (None, 2))


def test_greedy_decoding_merges_repeats_and_drops_blanks():
    x = np.eye(3)[[1, 1, 0, 1, 2, 2]][None]
    labels, scores = ops.ctc_decode(x, [6])
    assert labels[0, 0].tolist() == [1, 1, 2, -1, -1, -1]
    assert scores[0, 0] == -6
    labels, _ = ops.ctc_decode(x, [5], merge_repeated=False)
    assert labels[0, 0].tolist() == [1, 1, 1, 2, -1, -1]


def test_a_beam_search_finds_the_most_probable_labels():
    labels, scores = ops.ctc_decode(LOGITS[:1], STEPS[:1], "beam_search", top_paths=3)
    paths = [tuple(path[path >= 0]) for path in labels[:, 0]]
    found = [-summed_over_paths(LOGITS[0], path, 0) for path in paths]
    np.testing.assert_allclose(scores[0], found)
    every = {tuple(collapsed(path, 0)) for path in itertools.product(range(4), repeat=5)}
    best = sorted((-summed_over_paths(LOGITS[0], path, 0) for path in every), reverse=True)
    np.testing.assert_allclose(scores[0], best[:3])


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: ops.ctc_loss(LABELS + 2, LOGITS, LABEL_LENGTHS, STEPS),
            r"from 0 to 3.*label 4 at position \(0, 1\)",
        ),
        (lambda: ops.ctc_loss(LABELS[0], LOGITS, LABEL_LENGTHS, STEPS), r"\(3,\), \(3, 5, 4\)"),
        (lambda: ops.ctc_loss(LABELS[:2], LOGITS, LABEL_LENGTHS, STEPS), r"\(2, 3\), \(3, 5, 4\)"),
        (lambda: ops.ctc_loss(LABELS, LOGITS, LABEL_LENGTHS, STEPS, 4), r"4 classes.*mask_index=4"),
        (lambda: ops.ctc_decode(LOGITS, STEPS, mask_index=-1), r"mask_index=-1"),
        (lambda: ops.ctc_decode(LOGITS, STEPS, "best"), r"'greedy', 'beam_search'.*'best'"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@st.composite
def alignments(draw, classes=5, steps=8):
    batch, classes, labels = (
        draw(st.integers(1, 3)),
        draw(st.integers(2, classes)),
        draw(st.integers(1, 3)),
    )
    steps = draw(st.integers(2 * labels, steps))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    blank = draw(st.sampled_from([0, classes - 1]))
    others = [label for label in range(classes) if label != blank]
    target = random.choice(others, size=(batch, labels))
    lengths = random.integers(1, labels + 1, size=batch)
    logits = random.normal(size=(batch, steps, classes)).astype("float32")
    return target, logits, lengths, random.integers(2 * labels, steps + 1, size=batch), blank


@pytest.mark.keras
@settings(max_examples=15, deadline=None)
@given(alignments())
def test_loss_and_gradient_are_kerass(keras, tf, case):
    target, logits, *lengths, blank = case
    theirs = tf.constant(logits)
    with tf.GradientTape() as their_tape:
        their_tape.watch(theirs)
        expected = keras.ops.ctc_loss(target, theirs, *lengths, mask_index=blank)
    ours = Traced(logits, object())
    with GradientTape() as tape:
        y = ops.ctc_loss(target, ours, *lengths, mask_index=blank)
    np.testing.assert_allclose(y.value, expected.numpy(), rtol=1e-4, atol=1e-5)
    their_gradient = their_tape.gradient(expected, theirs).numpy()
    np.testing.assert_allclose(tape.gradient(y, ours), their_gradient, rtol=1e-3, atol=1e-5)


@pytest.mark.keras
@settings(max_examples=15, deadline=None)
@given(alignments(classes=4, steps=6))
def test_decoding_is_kerass(keras, case):
    _, logits, _, steps, blank = case
    for strategy in ("greedy", "beam_search"):
        # Wide enough for every beginning: which ones a narrow beam drops is not the same.
        options = {"strategy": strategy, "mask_index": blank, "beam_width": 4**6}
        labels, scores = ops.ctc_decode(logits, steps, **options)
        their_labels, their_scores = keras.ops.ctc_decode(logits, steps, **options)
        np.testing.assert_array_equal(labels, their_labels.numpy())
        np.testing.assert_allclose(scores, their_scores.numpy(), rtol=1e-4, atol=1e-5)

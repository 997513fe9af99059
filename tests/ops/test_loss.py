"""Cross-entropies: from logits and from probabilities, slopes, messages, parity."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import GradientTape, KerasTensor, ops
from npkeras.core.tape import Traced
from npkeras.ops import loss as loss_module
from tests.checks import check_gradients, check_shape_rule

LOGITS = np.random.default_rng(0).normal(size=(4, 3), scale=2)
PROBABILITIES = np.abs(LOGITS) + 0.1
PARTS = np.clip(PROBABILITIES / 6, 0.05, 0.95)
ONE_HOT = np.eye(3)[[0, 2, 1, 1]]
SOFT = np.random.default_rng(1).dirichlet(np.ones(3), size=4)
LABELS = np.array([0, 2, 1, 1])

CASES = {
    "categorical": (lambda x: ops.categorical_crossentropy(SOFT, x), PROBABILITIES),
    "categorical, rows": (
        lambda x: ops.categorical_crossentropy(SOFT, x, axis=0),
        PROBABILITIES,
    ),
    "categorical, logits": (
        lambda x: ops.categorical_crossentropy(SOFT, x, from_logits=True),
        LOGITS,
    ),
    "categorical, softmax": (
        lambda x: ops.categorical_crossentropy(SOFT, ops.softmax(x)),
        LOGITS,
    ),
    "categorical, softmax along rows": (
        lambda x: ops.categorical_crossentropy(SOFT.T, ops.softmax(x, axis=0), axis=0),
        LOGITS.T,
    ),
    "sparse": (lambda x: ops.sparse_categorical_crossentropy(LABELS, x), PARTS),
    "sparse, logits": (
        lambda x: ops.sparse_categorical_crossentropy(LABELS, x, from_logits=True),
        LOGITS,
    ),
    "sparse, softmax": (
        lambda x: ops.sparse_categorical_crossentropy(LABELS[:, None], ops.softmax(x)),
        LOGITS,
    ),
    "sparse of more axes": (
        lambda x: ops.sparse_categorical_crossentropy(LABELS.reshape(2, 2), ops.softmax(x)),
        LOGITS.reshape(2, 2, 3),
    ),
    "binary": (lambda x: ops.binary_crossentropy(SOFT, x), PARTS),
    "binary, logits": (lambda x: ops.binary_crossentropy(SOFT, x, from_logits=True), LOGITS),
    "binary, sigmoid": (lambda x: ops.binary_crossentropy(SOFT, ops.sigmoid(x)), LOGITS),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_gradient(case):
    check_gradients(*case, rtol=1e-5)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_shape_rule(case):
    check_shape_rule(*case, unknown=False)


@pytest.mark.parametrize(
    "function, target, output",
    [
        (ops.categorical_crossentropy, SOFT, PROBABILITIES),
        (lambda t, x: ops.categorical_crossentropy(t, x, True), SOFT, LOGITS),
        (ops.binary_crossentropy, SOFT, PARTS),
        (lambda t, x: ops.binary_crossentropy(t, x, True), SOFT, LOGITS),
    ],
)
def test_gradient_of_the_targets(function, target, output):
    check_gradients(lambda t: function(t, output.astype(t.dtype)), target)


def test_values():
    even = np.full((1, 4), 0.25)
    for y in (
        ops.categorical_crossentropy(np.eye(4)[:1], even),
        ops.sparse_categorical_crossentropy([0], even),
        ops.sparse_categorical_crossentropy([0], np.zeros((1, 4)), from_logits=True),
    ):
        np.testing.assert_allclose(y, [math.log(4)])
    np.testing.assert_allclose(
        ops.binary_crossentropy([1.0, 0.0], np.array([0.25, 0.25])), [math.log(4), math.log(4 / 3)]
    )


def test_a_softmax_is_gone_back_to_where_its_probability_is_zero():
    x = np.array([[500.0, 0.0, -500.0]], "float32")
    y = ops.softmax(x)
    assert y[0, 2] == 0
    np.testing.assert_allclose(ops.sparse_categorical_crossentropy([2], y), [1000])
    np.testing.assert_allclose(
        ops.categorical_crossentropy(np.array([[0.0, 0.5, 0.5]]), y), [750], rtol=1e-6
    )
    sigmoid = ops.sigmoid(np.array([-1000.0, 1000.0], "float32"))
    np.testing.assert_allclose(ops.binary_crossentropy([1.0, 0.0], sigmoid), [1000, 1000])


def test_a_copy_of_probabilities_is_kept_off_zero():
    y = ops.softmax(np.array([[500.0, 0.0, -500.0]], "float32")).copy()
    np.testing.assert_allclose(
        ops.sparse_categorical_crossentropy([2], y), [-math.log(1e-7)], rtol=1e-5
    )


def test_no_second_softmax_is_computed(monkeypatch):
    y = ops.softmax(LOGITS)
    for name in ("softmax_crossentropy", "softmax_crossentropy_dense"):
        monkeypatch.setattr(loss_module.kernels, name, None)
    np.testing.assert_allclose(
        ops.sparse_categorical_crossentropy(LABELS, y), -np.log(y[np.arange(4), LABELS])
    )
    np.testing.assert_allclose(
        ops.categorical_crossentropy(ONE_HOT, y), -np.log(y[np.arange(4), LABELS])
    )


def test_the_record_of_the_softmax_is_passed_over():
    x = Traced(LOGITS, object())
    with GradientTape(persistent=True) as tape:
        y = ops.softmax(x)
        loss = ops.sparse_categorical_crossentropy(LABELS, y)
    assert [source for _, source, _ in tape.records[-1][1].wanted] == [x.slot]
    assert y.slot in [slot for slot, _ in tape.records]
    np.testing.assert_allclose(tape.gradient(loss, x), y.value - ONE_HOT)
    assert tape.gradient(loss, y) is None


def test_far_out_nothing_overflows():
    x = Traced(np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]], "float32"), object())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for call in (
            lambda: ops.sparse_categorical_crossentropy([1, 0], ops.softmax(x)),
            lambda: ops.categorical_crossentropy(np.eye(3)[[1, 0]], ops.softmax(x)),
            lambda: ops.sparse_categorical_crossentropy([1, 0], x, from_logits=True),
            lambda: ops.categorical_crossentropy(np.eye(3)[[1, 0]], x, from_logits=True),
            lambda: ops.binary_crossentropy(np.ones((2, 3)), x, from_logits=True),
            lambda: ops.binary_crossentropy(np.ones((2, 3)), ops.sigmoid(x)),
        ):
            with GradientTape() as tape:
                loss = call()
            assert np.isfinite(loss.value).all()
            assert np.isfinite(tape.gradient(loss, x)).all()


def test_an_impossible_class_has_a_finite_slope_in_half_precision():
    for call in (
        lambda y: ops.sparse_categorical_crossentropy([0, 0], y),
        lambda y: ops.categorical_crossentropy([[1, 0, 0], [1, 0, 0]], y),
    ):
        with GradientTape() as tape, np.errstate(all="raise", under="ignore"):
            y = tape.watch(np.array([[0, 0.25, 0.75], [1, 0, 0]], "float16"))
            loss = call(y)
            assert np.isfinite(tape.gradient(loss, y)).all()


def test_the_dtype_of_the_predictions_is_kept():
    for dtype in ("float16", "float32", "float64"):
        y = ops.softmax(LOGITS.astype(dtype))
        assert ops.sparse_categorical_crossentropy(LABELS, y).dtype == dtype
        assert ops.categorical_crossentropy(ONE_HOT, y.copy()).dtype == dtype
        assert ops.binary_crossentropy(ONE_HOT.astype(int), y).dtype == dtype


TEN = np.full((600, 10), 0.1)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: ops.categorical_crossentropy(np.zeros((600, 1)), TEN),
            r"`categorical_crossentropy` expects targets.*\(600, 10\).*\(600, 1\).*"
            r"`sparse_categorical_crossentropy`.*to_categorical\(y, 10\)",
        ),
        (lambda: ops.categorical_crossentropy(np.zeros(600), TEN), r"\(600, 10\).*\(600,\)"),
        (
            lambda: ops.categorical_crossentropy(KerasTensor((None, 3)), KerasTensor((None, 4))),
            r"\(None, 4\).*\(None, 3\)",
        ),
        (lambda: ops.categorical_crossentropy(1.0, 1.0), r"at least one axis"),
        (
            lambda: ops.sparse_categorical_crossentropy(np.zeros((600, 10)), TEN),
            r"\(600,\) for predictions of shape \(600, 10\).*shape \(600, 10\).*one-hot",
        ),
        (lambda: ops.sparse_categorical_crossentropy(np.zeros(5), TEN), r"\(600,\).*shape \(5,\)"),
        (
            lambda: ops.sparse_categorical_crossentropy([0, 1, 3, 0], LOGITS, from_logits=True),
            r"from 0 to 2.*3 classes.*target 3 at position \(2,\)",
        ),
        (
            lambda: ops.sparse_categorical_crossentropy([[0], [-1], [0], [0]], PARTS),
            r"target -1.*\(1, 0\)",
        ),
        (lambda: ops.sparse_categorical_crossentropy([0, 1.5, 0, 0], PARTS), r"target 1.5.*\(1,\)"),
        (
            lambda: ops.sparse_categorical_crossentropy([0, 1, 0, np.nan], ops.softmax(LOGITS)),
            r"target nan.*\(3,\)",
        ),
        (lambda: ops.sparse_categorical_crossentropy([0] * 3, LOGITS, axis=0), r"axis=0.*\(4, 3\)"),
        (lambda: ops.binary_crossentropy(np.ones((4, 1)), PARTS), r"\(4, 3\).*\(4, 1\)"),
    ],
)
def test_messages(call, message):
    with warnings.catch_warnings(), pytest.raises(ValueError, match=message) as caught:
        warnings.simplefilter("error")
        call()
    assert len(str(caught.value)) <= 300


@st.composite
def losses(draw):
    classes = draw(st.integers(1, 5))
    shape = (*draw(st.lists(st.integers(1, 4), min_size=1, max_size=2)), classes)
    kind = draw(st.sampled_from(["categorical", "sparse", "binary"]))
    source = draw(st.sampled_from(["logits", "softmax", "sigmoid", "numbers"]))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    scale = draw(st.sampled_from([0.1, 3.0, 40.0]))
    x = random.normal(size=shape, scale=scale).astype("float32")
    if source == "numbers":
        x = np.abs(x) if kind == "categorical" else np.clip(x, 0, 1)
        x += np.float32(1e-3) * (kind == "categorical")
    target = random.random(size=shape).astype("float32")
    if kind == "sparse":
        target = random.integers(0, classes, size=shape[:-1])
    elif draw(st.booleans()):
        target = np.eye(classes, dtype="float32")[random.integers(0, classes, size=shape[:-1])]
    return kind, source, target, x


def _run(library, kind, source, target, x):
    output = x if source in ("logits", "numbers") else getattr(library, source)(x)
    names = {"categorical": "categorical_crossentropy", "binary": "binary_crossentropy"}
    function = getattr(library, names.get(kind, "sparse_categorical_crossentropy"))
    return function(target, output, from_logits=source == "logits")


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(losses())
def test_values_and_gradients_are_kerass(keras, tf, case):
    kind, source, target, x = case
    theirs = tf.constant(x)
    with tf.GradientTape() as their_tape:
        their_tape.watch(theirs)
        expected = _run(keras.ops, kind, source, target, theirs)
    ours = Traced(x, object())
    with GradientTape() as tape:
        loss = _run(ops, kind, source, target, ours)
    np.testing.assert_allclose(loss.numpy(), expected.numpy(), rtol=2e-5, atol=2e-6)
    their_gradient = their_tape.gradient(expected, theirs).numpy()
    np.testing.assert_allclose(tape.gradient(loss, ours), their_gradient, rtol=2e-4, atol=2e-6)


@pytest.mark.keras
def test_probabilities_of_zero_and_one_are_treated_as_in_keras(keras, tf):
    x = np.array([[0, 1, 0], [1, 0, 0], [1e-7, 0.5, 0.5], [0, 0, 1], [0.2, 0.3, 0.5]], "float32")
    for kind, target in (
        ("categorical", np.eye(3, dtype="float32")[[0, 0, 0, 2, 1]]),
        ("sparse", np.array([0, 0, 0, 2, 1])),
        ("binary", np.eye(3, dtype="float32")[[0, 0, 0, 2, 1]]),
    ):
        theirs = tf.constant(x)
        with tf.GradientTape() as their_tape:
            their_tape.watch(theirs)
            expected = _run(keras.ops, kind, "numbers", target, theirs)
        ours = Traced(x, object())
        with GradientTape() as tape:
            loss = _run(ops, kind, "numbers", target, ours)
        np.testing.assert_allclose(loss.numpy(), expected.numpy(), rtol=1e-6, atol=1e-9)
        their_gradient = their_tape.gradient(expected, theirs).numpy()
        np.testing.assert_allclose(tape.gradient(loss, ours), their_gradient, rtol=1e-5, atol=1e-6)

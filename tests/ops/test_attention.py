"""Dot-product attention: gradients, masks, shared heads, shapes, messages, parity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import GradientTape, KerasTensor, ops
from npkeras.core.tape import Traced
from tests.checks import check_gradients, check_shape_rule

RANDOM = np.random.default_rng(0)
QUERY = RANDOM.normal(size=(2, 3, 4, 5))
KEY, VALUE = RANDOM.normal(size=(2, 2, 6, 4, 5))
BIAS = RANDOM.normal(size=(1, 4, 3, 6))
MASK = RANDOM.random(size=(2, 1, 3, 6)) > 0.4
MASK[0, 0, 0] = False


@pytest.mark.parametrize(
    "options",
    [{}, {"mask": MASK}, {"is_causal": True, "scale": 0.3}, {"mask": MASK, "is_causal": True}],
    ids=["plain", "mask", "causal", "both"],
)
def test_gradient(options):
    check_gradients(
        lambda *x: ops.dot_product_attention(*x, **options), QUERY, KEY, VALUE, rtol=1e-5
    )


def test_gradient_of_the_bias():
    for bias in (BIAS, BIAS[:, :1], BIAS[..., :1, :]):
        check_gradients(ops.dot_product_attention, QUERY, KEY, VALUE, bias, rtol=1e-5)


def test_several_heads_share_one_of_the_keys():
    few = KEY[:, :, :2], VALUE[:, :, :2]
    check_gradients(lambda *x: ops.dot_product_attention(*x, mask=MASK), QUERY, *few, rtol=1e-5)
    many = [np.repeat(x, 2, axis=2) for x in few]
    np.testing.assert_allclose(
        ops.dot_product_attention(QUERY, *few, bias=BIAS),
        ops.dot_product_attention(QUERY, *many, bias=BIAS),
    )


def test_shape_rule():
    check_shape_rule(ops.dot_product_attention, QUERY, KEY, VALUE, unknown=False)
    x = KerasTensor((None, None, 4, 5))
    y = ops.dot_product_attention(x, x, x, mask=KerasTensor((None, 1, None, None), "bool"))
    assert y.shape == (None, None, 4, 5)


def test_what_may_see_nothing_sees_the_mean():
    y = ops.dot_product_attention(QUERY, KEY, VALUE, mask=MASK)
    np.testing.assert_allclose(y[0, 0], VALUE[0].mean(0))


def test_half_precision_is_computed_in_single_precision():
    halves = [x.astype("float16") for x in (QUERY, KEY, VALUE)]
    y = ops.dot_product_attention(*halves)
    assert y.dtype == "float16"
    np.testing.assert_allclose(y, ops.dot_product_attention(QUERY, KEY, VALUE), atol=4e-3)


def gradients_of(*arrays, **options):
    """The result, and the gradients of its sum."""
    traced = [Traced(x, object()) for x in arrays]
    with GradientTape() as tape:
        y = ops.dot_product_attention(*traced, **options)
        total = ops.sum(y)
    return y.numpy(), tape.gradient(total, traced)


@pytest.mark.parametrize("causal", [False, True])
def test_without_keys_the_result_is_zero(causal):
    y, gradients = gradients_of(QUERY, KEY[:, :0], VALUE[:, :0], is_causal=causal)
    np.testing.assert_array_equal(y, np.zeros_like(QUERY))
    np.testing.assert_array_equal(gradients[0], np.zeros_like(QUERY))


@pytest.mark.parametrize("what", ["queries", "samples"])
def test_without_queries_or_samples_the_gradients_are_zero(what):
    key, value = (KEY, VALUE) if what == "queries" else (KEY[:0], VALUE[:0])
    query = QUERY[:, :0] if what == "queries" else QUERY[:0]
    y, gradients = gradients_of(query, key, value, BIAS[..., : query.shape[1], :])
    assert y.shape == query.shape
    for gradient, x in zip(gradients, (query, key, value), strict=False):
        np.testing.assert_array_equal(gradient, np.zeros_like(x))


def test_a_bias_of_another_dtype_leaves_that_of_the_result():
    arrays = [x.astype("float32") for x in (QUERY, KEY, VALUE)]
    y, gradients = gradients_of(*arrays, BIAS)
    assert y.dtype == "float32"
    assert [g.dtype for g in gradients] == ["float32", "float32", "float32", "float64"]
    expected = ops.dot_product_attention(*arrays, BIAS.astype("float32"))
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda: ops.dot_product_attention(QUERY, KEY[:1], VALUE[:1]),
            r"as many samples.*\(2, 3, 4, 5\), \(1, 6, 4, 5\)",
        ),
        (
            lambda: ops.dot_product_attention(QUERY, KEY[..., :3], VALUE),
            r"as many features.*\(2, 6, 4, 3\)",
        ),
        (
            lambda: ops.dot_product_attention(QUERY, KEY, VALUE[:, :4]),
            r"as many steps and heads.*\(2, 4, 4, 5\)",
        ),
        (
            lambda: ops.dot_product_attention(QUERY, KEY, VALUE[:, :, :2]),
            r"as many steps and heads.*\(2, 6, 2, 5\)",
        ),
        (
            lambda: ops.dot_product_attention(QUERY, KEY, VALUE, mask=MASK[..., :4]),
            r"`mask` of.*broadcast.*\(2, 4, 3, 6\).*\(2, 1, 3, 4\)",
        ),
        (
            lambda: ops.dot_product_attention(QUERY, KEY, VALUE, BIAS[:, :3]),
            r"`bias` of.*broadcast.*\(2, 4, 3, 6\).*\(1, 3, 3, 6\)",
        ),
        (
            lambda: ops.dot_product_attention(QUERY[0], KEY[0], VALUE[0]),
            r"\(3, 4, 5\), \(6, 4, 5\)",
        ),
        (lambda: ops.dot_product_attention(QUERY, KEY[:, :, :3], VALUE), r"multiple.*4 and 3"),
        (
            lambda: ops.dot_product_attention(QUERY, KEY, VALUE, flash_attention=True),
            r"flash_attention=True",
        ),
        (
            lambda: ops.dot_product_attention(QUERY, KEY, VALUE, attn_logits_soft_cap=0.5),
            r"attn_logits_soft_cap=0.5",
        ),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@st.composite
def attentions(draw):
    batch, steps, keys, heads = (draw(st.integers(1, 3)) for _ in range(4))
    features = draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    arrays = [
        random.normal(size=size).astype("float32")
        for size in (
            (batch, steps, heads, features),
            *[(batch, keys, heads, features)] * 2,
        )
    ]
    options = {"is_causal": draw(st.booleans()), "scale": draw(st.sampled_from([None, 0.5]))}
    if draw(st.booleans()):
        options["mask"] = random.random(size=(batch, heads, steps, keys)) > 0.3
    return arrays, options


@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(attentions())
def test_values_and_gradients_are_kerass(keras, tf, case):
    arrays, options = case
    theirs = [tf.constant(x) for x in arrays]
    with tf.GradientTape() as their_tape:
        for x in theirs:
            their_tape.watch(x)
        expected = keras.ops.dot_product_attention(*theirs, **options)
        their_loss = tf.sin(expected)
    ours = [Traced(x, object()) for x in arrays]
    with GradientTape() as tape:
        y = ops.dot_product_attention(*ours, **options)
        loss = ops.sin(y)
    np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-4, atol=1e-5)
    pairs = zip(tape.gradient(loss, ours), their_tape.gradient(their_loss, theirs), strict=True)
    for gradient, their_gradient in pairs:
        np.testing.assert_allclose(gradient, their_gradient.numpy(), rtol=1e-3, atol=1e-5)

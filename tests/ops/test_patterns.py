"""Patterns of axes, blocks of pixels, bytes read otherwise: values, gradients, messages, parity."""

import numpy as np
import pytest

from npkeras import GradientTape, KerasTensor, ops
from npkeras.core.tape import Traced
from tests.checks import check_gradients, check_shape_rule

X = np.arange(24.0).reshape(2, 3, 4)
IMAGES = np.arange(128.0).reshape(2, 4, 4, 4)
PATTERNS = {
    "a b c -> c (b a)": {},
    "a b (c d) -> a d b c": {"c": 2},
    "(x a) b c -> a x (b c)": {"x": 1},
    "a b c->c b a": {},
    "batch h_1 w2 -> batch (h_1 w2)": {},
    "(b1 b2) h w -> (b1 h) (b2 w)": {"b1": 2},
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_rearrange(pattern):
    def function(x):
        return ops.rearrange(x, pattern, **PATTERNS[pattern])

    check_gradients(function, X)
    check_shape_rule(function, X)


def test_splitting_and_joining_undo_each_other():
    apart = ops.rearrange(X, "a b (c d) -> (d a) c b", d=2)
    np.testing.assert_array_equal(ops.rearrange(apart, "(d a) c b -> a b (c d)", d=2), X)


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_pixels_and_channels(data_format):
    for function in (ops.depth_to_space, ops.space_to_depth):
        check_gradients(lambda x, f=function: f(x, 2, data_format), IMAGES)
        check_shape_rule(lambda x, f=function: f(x, 2, data_format), IMAGES)
    there = ops.space_to_depth(IMAGES, 2, data_format)
    np.testing.assert_array_equal(ops.depth_to_space(there, 2, data_format), IMAGES)


def test_the_same_bytes():
    x = X.astype("float32")
    for dtype, length in (("int32", 4), ("int16", 8), ("int64", 2)):
        y = ops.view(x, dtype)
        assert (y.shape, y.dtype) == ((2, 3, length), dtype)
        check_shape_rule(lambda x, d=dtype: ops.view(x, d), x)
        assert y.tobytes() == x.tobytes()


def test_complex_numbers_and_pairs():
    pairs = X.reshape(2, 6, 2)
    y = ops.view_as_complex(pairs)
    np.testing.assert_array_equal(y, pairs[..., 0] + 1j * pairs[..., 1])
    np.testing.assert_array_equal(ops.view_as_real(y), pairs)
    check_gradients(lambda x: ops.view_as_real(ops.view_as_complex(x)), pairs)
    check_gradients(lambda r, a: ops.view_as_real(ops.polar(r, a)), X + 1, X)
    check_shape_rule(ops.view_as_complex, pairs)
    assert ops.view_as_real(KerasTensor((3,), "complex64")).shape == (3, 2)
    np.testing.assert_allclose(ops.polar(2.0, np.pi / 2), 2j, atol=1e-6)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ops.rearrange(X, "a b c -> a b"), r"every axis.*'a b c -> a b'.*\(2, 3, 4\)"),
        (lambda: ops.rearrange(X, "a b -> b a"), r"'a b -> b a'.*\(2, 3, 4\)"),
        (lambda: ops.rearrange(X, "a b c"), r"arrow.*'a b c'"),
        (lambda: ops.rearrange(X, "a a c -> a c"), r"each name once.*'a a c -> a c'"),
        (lambda: ops.rearrange(X, "... c -> c ..."), r"each name once"),
        (lambda: ops.rearrange(X, "a b (c d) -> a d b c"), r"\['c', 'd'\].*none"),
        (lambda: ops.rearrange(X, "a b (c d) -> a d b c", c=3), r"length 4.*\['c', 'd'\].*3"),
        (lambda: ops.rearrange(X, "a b c -> c b a", a=3), r"length 2.*\['a'\].*3"),
        (lambda: ops.depth_to_space(IMAGES, 1), r"`depth_to_space`.*block_size=1"),
        (lambda: ops.depth_to_space(IMAGES, 3), r"channels to be a multiple of 9.*4"),
        (lambda: ops.space_to_depth(IMAGES, 3), r"height and width to be a multiple of 3.*4"),
        (lambda: ops.space_to_depth(X, 2), r"4 axes.*\(2, 3, 4\)"),
        (lambda: ops.space_to_depth(IMAGES, 2, "last"), r"data_format='last'"),
        (lambda: ops.view(np.ones(3, "float32"), "int64"), r"\(3,\) and dtype float32.*int64"),
        (lambda: ops.view(KerasTensor((3,)), "int64"), r"\(3,\) and dtype float32.*int64"),
        (lambda: ops.view_as_complex(X), r"\(2, 3, 4\)"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.keras
def test_values_and_gradients_are_kerass(keras, tf):
    images = IMAGES.astype("float32")
    calls = [(lambda o, x, p=p: o.rearrange(x[:, :3, 0], p, **PATTERNS[p])) for p in PATTERNS]
    calls += [lambda o, x: o.depth_to_space(x, 2), lambda o, x: o.space_to_depth(x, 2)]
    calls += [lambda o, x: o.view_as_real(o.polar(x, x))]
    for call in calls:
        theirs = tf.constant(images)
        with tf.GradientTape() as their_tape:
            their_tape.watch(theirs)
            expected = call(keras.ops, theirs)
            their_loss = expected * expected
        ours = Traced(images, object())
        with GradientTape() as tape:
            y = call(ops, ours)
            loss = y * y
        np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-4, atol=1e-3)
        their_gradient = their_tape.gradient(their_loss, theirs).numpy()
        np.testing.assert_allclose(tape.gradient(loss, ours), their_gradient, rtol=1e-4, atol=0.1)

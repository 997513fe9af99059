"""Activations: values, slopes, far-out arguments, shapes, messages, parity."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import GradientTape, KerasTensor, ops
from npkeras.core.attach import attached
from npkeras.core.tape import Traced
from npkeras.ops import activation
from npkeras.ops.activation import bent_relu
from tests.checks import check_gradients, check_shape_rule, kept_after_forward

X = np.array([[-4.0, -2.3, -0.8], [-0.3, 0.2, 0.7], [1.4, 3.2, 6.7], [-9.0, 0.4, 9.0]])
SMOOTH = [
    "sigmoid",
    "silu",
    "log_sigmoid",
    "softplus",
    "softsign",
    "squareplus",
    "tanh_shrink",
    "mish",
]
BENT = [
    "relu", "relu6", "leaky_relu", "hard_sigmoid", "hard_silu", "hard_tanh", "hard_shrink",
    "soft_shrink", "sparse_plus", "sparse_sigmoid", "elu", "selu", "celu", "gelu",
]  # fmt: skip
ALONG = ["softmax", "log_softmax", "sparsemax"]
CASES = {name: getattr(activation, name) for name in SMOOTH + BENT + ALONG} | {
    "leaky_relu, falling": lambda x: ops.leaky_relu(x, -0.5),
    "leaky_relu, flat": lambda x: ops.leaky_relu(x, 0),
    "leaky_relu, steep": lambda x: ops.leaky_relu(x, negative_slope=2.0),
    "elu of 2": lambda x: ops.elu(x, 2.0),
    "elu of -2": lambda x: ops.elu(x, alpha=-2.0),
    "celu of 2": lambda x: ops.celu(x, 2.0),
    "gelu, exact": lambda x: ops.gelu(x, approximate=False),
    "glu": lambda x: ops.glu(x, axis=0),
    "squareplus of 1": lambda x: ops.squareplus(x, 1),
    "threshold": lambda x: ops.threshold(x, 0.5, 7.0),
    "softmax along rows": lambda x: ops.softmax(x, axis=0),
    "softmax of all": lambda x: ops.softmax(x, axis=(0, 1)),
    "log_softmax of all": lambda x: ops.log_softmax(x, axis=(0, -1)),
    "sparsemax along rows": lambda x: ops.sparsemax(x, axis=0),
    "bent_relu": lambda x: bent_relu(x, 0.1, 5.0, 0.5),
    "bent_relu, low": lambda x: bent_relu(x, 0.0, 5.0, -1.0),
    "bent_relu, open": lambda x: bent_relu(x, 0.2, None, -1.0),
}


@pytest.mark.parametrize("function", CASES.values(), ids=CASES)
def test_gradient(function):
    check_gradients(function, X)


@pytest.mark.parametrize("function", CASES.values(), ids=CASES)
def test_shape_rule(function):
    check_shape_rule(function, X)
    check_shape_rule(function, X.astype("float32"))


@pytest.mark.parametrize("function", CASES.values(), ids=CASES)
def test_float16_stays_and_is_rounded_once(function):
    x = X.astype("float16")
    y = function(x)
    assert y.dtype == "float16"
    np.testing.assert_allclose(y, function(x.astype("float64")), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("function", CASES.values(), ids=CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_far_out_nothing_overflows(function, dtype):
    x = Traced(np.array([[-1e4], [0.0], [1e4], [-100.0]], dtype), object())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with GradientTape() as tape:
            y = function(x)
        assert np.isfinite(y.value).all()
        assert np.isfinite(tape.gradient(y, x)).all()


@pytest.mark.parametrize("name", SMOOTH + BENT)
def test_numbers_and_empty_arrays(name):
    function = getattr(activation, name)
    assert np.shape(function(0.5)) == ()
    assert function(np.zeros((0, 3), "float32")).shape == (0, 3)
    np.testing.assert_allclose(function(np.float32(0.5)), function(np.array([0.5], "f4"))[0])


@pytest.mark.parametrize(
    "name, x, y",
    [
        ("sigmoid", 0, 0.5),
        ("sigmoid", -20, math.exp(-20) / (1 + math.exp(-20))),
        ("softplus", 0, math.log(2)),
        ("softplus", 1000, 1000),
        ("log_sigmoid", -1000, -1000),
        ("silu", 1, 1 / (1 + math.exp(-1))),
        ("mish", 1, math.tanh(math.log(1 + math.e))),
        ("mish", -1, -math.tanh(math.log(1 + 1 / math.e))),
        ("softsign", -3, -0.75),
        ("squareplus", 0, 1),
        ("sparse_plus", 0, 0.25),
        ("hard_sigmoid", 1.5, 0.75),
        ("selu", 1, 1.0507009873554805),
        ("gelu", 0, 0),
        ("relu", -0.5, 0),
        ("relu", math.nan, math.nan),
    ],
)
def test_values(name, x, y):
    np.testing.assert_allclose(getattr(activation, name)(np.array([float(x)])), [y], rtol=1e-12)


def test_exact_gelu_is_x_times_the_normal_distribution():
    expected = [0.5 * x * (1 + math.erf(x / math.sqrt(2))) for x in X.flat]
    np.testing.assert_allclose(
        ops.gelu(X, approximate=False).flat, expected, rtol=1e-12, atol=1e-15
    )


def test_integers_stay_where_straight_lines_map_them_to_integers():
    x = np.array([-3, 2, 9])
    assert ops.relu(x).dtype == x.dtype
    assert ops.relu6(x).tolist() == [0, 2, 6]
    assert ops.sigmoid(x.astype("int32")).dtype == "float32"


def test_softmax_adds_up_to_one_along_its_axes():
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    np.testing.assert_allclose(ops.softmax(x).sum(-1), 1)
    np.testing.assert_allclose(ops.softmax(x, axis=(0, 2)).sum((0, 2)), 1)
    np.testing.assert_allclose(np.exp(ops.log_softmax(x, axis=1)).sum(1), 1)


def test_a_row_of_minus_infinity_has_no_softmax():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        y = ops.softmax(np.array([[-np.inf, -np.inf], [0, -np.inf]], "float32"))
    np.testing.assert_array_equal(y, [[np.nan, np.nan], [1, 0]])


def test_sparsemax_is_what_rises_above_a_height():
    x = np.array([[0.1, 0.2, 0.3], [1.0, 2.0, 3.0]])
    height = np.array([[(0.3 + 0.5 + 0.6 - 1) / 3], [3.0 - 1]])  # three entries count, or one
    np.testing.assert_allclose(ops.sparsemax(x), np.maximum(x - height, 0), atol=1e-15)


def test_softmax_and_sigmoid_remember_their_logits():
    x = X.astype("float32")
    assert attached(ops.softmax(x), "logits") is x
    traced = Traced(x, object())
    with GradientTape():
        assert attached(ops.sigmoid(traced), "logits") is traced


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "log_sigmoid", "elu", "selu", "relu"])
def test_only_the_result_is_kept_for_the_backward_pass(name):
    kept, _ = kept_after_forward(getattr(activation, name), np.ones(3, "float32"))
    assert kept == {"input": False, "output": True}


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ops.glu(X, axis=1), r"`glu`.*\(4, 3\), and axis=1"),
        (lambda: ops.glu(KerasTensor((None, 3))), r"\(None, 3\)"),
        (lambda: ops.softmax(1.0), r"at least one axis"),
        (lambda: ops.softmax(X, axis=2), r"axis=2"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def _theirs(keras, name):
    return keras.activations.mish if name == "mish" else getattr(keras.ops, name)


@st.composite
def bends(draw):
    name = draw(st.sampled_from([*SMOOTH, *BENT, *ALONG, "glu", "threshold"]))
    scale = draw(st.sampled_from([0.1, 1.0, 10.0, 100.0]))
    shape = draw(st.sampled_from([(6,), (3, 4), (2, 3, 4)]))
    options = {}
    if name in ALONG:
        options["axis"] = draw(st.integers(-len(shape), len(shape) - 1))
    if name in ("elu", "celu"):
        options["alpha"] = draw(st.floats(0.1, 3))
    if name == "leaky_relu":
        options["negative_slope"] = draw(st.floats(-2, 2))
    if name == "gelu":
        options["approximate"] = draw(st.booleans())
    if name in ("hard_shrink", "soft_shrink"):
        options["threshold"] = draw(st.floats(0, 2))
    if name == "threshold":
        options = {"threshold": draw(st.floats(-2, 2)), "default_value": 3.0}
    if name == "squareplus":
        options["b"] = draw(st.integers(0, 9))
    seed = draw(st.integers(0, 99))
    x = np.random.default_rng(seed).normal(size=shape, scale=scale).astype("float32")
    return name, options, x


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(bends())
def test_values_and_slopes_are_kerass(keras, tf, bend):
    name, options, x = bend
    theirs = tf.constant(x)
    dy = np.random.default_rng(7).normal(size=x.shape).astype("float32")
    dy = dy if name != "glu" else np.split(dy, 2, -1)[0]
    with tf.GradientTape() as their_tape:
        their_tape.watch(theirs)
        expected = _theirs(keras, name)(theirs, **options)
    their_gradient = their_tape.gradient(expected, theirs, tf.constant(dy)).numpy()
    ours = Traced(x, object())
    with GradientTape() as tape:
        y = getattr(activation, name)(ours, **options)
    gradient = tape.gradient(y, ours, dy)
    scale = np.abs(x).max()
    np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=2e-5, atol=2e-6 * scale)
    np.testing.assert_allclose(gradient, their_gradient, rtol=2e-4, atol=2e-5)


@pytest.mark.keras
@pytest.mark.parametrize("name", [*SMOOTH, *(name for name in BENT if name != "celu")])
def test_slopes_at_the_bends_are_kerass(keras, tf, name):
    x = np.array([-6, -3, -1, -0.5, -0.0, 0, 0.5, 1, 3, 6], "float32")
    theirs = tf.constant(x)
    with tf.GradientTape() as their_tape:
        their_tape.watch(theirs)
        expected = _theirs(keras, name)(theirs)
    ours = Traced(x, object())
    with GradientTape() as tape:
        y = getattr(activation, name)(ours)
    np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)
    their_gradient = their_tape.gradient(expected, theirs).numpy()
    np.testing.assert_allclose(tape.gradient(y, ours), their_gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.keras
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_a_softmax_over_all_axes_is_kerass(keras, name):
    x = np.array([[1.0, 2.0], [3.0, 5.0]], "float32")
    y = getattr(ops, name)(x, axis=None)
    np.testing.assert_allclose(y, getattr(keras.ops, name)(x, axis=None), rtol=1e-6)
    check_gradients(lambda x: getattr(ops, name)(x, axis=None), x)

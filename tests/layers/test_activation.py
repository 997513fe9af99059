"""Activation, ReLU, Softmax and their kin as layers."""

import numpy as np
import pytest

from npkeras import activations, layers
from npkeras.layers import Activation, ReLU, Softmax
from tests.layers.engines import array, mask_of, masked, ones

X = np.array([-2.0, -0.5, 0.25, 1.0, 3.0], "float32")


# Activation


@pytest.mark.parametrize(
    "activation, y",
    [
        (None, X),
        ("linear", X),
        ("relu", np.maximum(X, 0)),
        ("tanh", np.tanh(X)),
        (activations.sigmoid, 1 / (1 + np.exp(-X))),
        (lambda x: x * 2, X * 2),
    ],
    ids=["None", "linear", "relu", "tanh", "op", "function"],
)
def test_a_name_or_function_is_applied(activation, y):
    np.testing.assert_allclose(Activation(activation)(X), y, rtol=1e-6)


def test_a_layer_may_be_an_activation(engine):
    layer = engine.layers.Activation(engine.layers.ReLU(max_value=2.0))
    assert array(layer(X)).tolist() == [0, 0, 0.25, 1, 2]
    assert layer.get_config()["activation"]["class_name"] == "ReLU"


def test_a_config_holds_the_name_of_the_function(engine):
    assert engine.layers.Activation(engine.activations.relu).get_config()["activation"] == "relu"
    with pytest.raises(ValueError, match="no_such"):
        engine.layers.Activation("no_such")


def test_a_lambda_is_code_in_the_config():
    with pytest.warns(UserWarning, match="The lambda in line"):
        config = Activation(lambda x: x).get_config()
    assert config["activation"]["class_name"] == "__lambda__"
    with pytest.raises(ValueError, match="never runs"):
        Activation.from_config(config)


@pytest.mark.parametrize("name", ["Activation", "ReLU", "Softmax"])
def test_there_is_nothing_to_build(engine, name):
    layer = getattr(engine.layers, name)(*(["relu"] if name == "Activation" else []))
    assert layer.built and layer.weights == [] and layer.count_params() == 0


# ReLU


@pytest.mark.parametrize(
    "options, y",
    [
        ({}, [0, 0, 0.25, 1, 3]),
        ({"max_value": 0.5}, [0, 0, 0.25, 0.5, 0.5]),
        ({"negative_slope": 0.5}, [-1, -0.25, 0.25, 1, 3]),
        ({"threshold": 0.75}, [0, 0, 0, 1, 3]),
        ({"threshold": 1.0}, [0, 0, 0, 0, 3]),
        ({"negative_slope": 2.0, "threshold": 0.75, "max_value": 2.0}, [-5.5, -2.5, -1, 1, 2]),
        ({"max_value": 0}, [0, 0, 0, 0, 0]),
    ],
    ids=str,
)
def test_relu_is_made_of_straight_lines(engine, options, y):
    np.testing.assert_allclose(array(engine.layers.ReLU(**options)(X)), y)


def test_relu_leaves_integers_integers(engine):
    y = array(engine.layers.ReLU()(np.array([-1, 2])))
    assert y.tolist() == [0, 2] and y.dtype == "int64"


@pytest.mark.parametrize("argument", ["max_value", "negative_slope", "threshold"])
def test_relu_takes_no_negative_numbers(engine, argument):
    with pytest.raises(ValueError, match=rf"{argument}.*{argument}=-1"):
        engine.layers.ReLU(**{argument: -1})


@pytest.mark.parametrize("argument", ["negative_slope", "threshold"])
def test_relu_needs_a_slope_and_a_threshold(engine, argument):
    with pytest.raises(ValueError, match=f"{argument}=None"):
        engine.layers.ReLU(**{argument: None})


@pytest.mark.parametrize("value", ["a", np.nan, [1.0]])
def test_relu_takes_numbers(value):
    with pytest.raises(ValueError, match="`max_value` of ReLU must be a number at least 0.*max_v"):
        ReLU(max_value=value)


# Softmax


@pytest.mark.parametrize("axis", [-1, 0, (0, 1), [0, 1], (-2, -1)], ids=str)
def test_softmax_sums_to_one_along_its_axes(axis):
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    y = Softmax(axis=axis)(x)
    axes = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    expected = np.exp(x) / np.exp(x).sum(axis=axes, keepdims=True)
    np.testing.assert_allclose(y, expected, rtol=1e-6)


@pytest.mark.parametrize(
    "mask, y",
    [
        ([[True, False, True]], [[0.5, 0, 0.5]]),
        ([[1, 0, 1]], [[0.5, 0, 0.5]]),
        ([True, True, False], [[0.5, 0.5, 0]]),
        ([[False, False, False]], [[0, 0, 0]]),
        ([[True]], [[1 / 3, 1 / 3, 1 / 3]]),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_masked_entries_of_softmax_are_zero(engine, mask, y, dtype):
    layer = engine.layers.Softmax(dtype=dtype)
    np.testing.assert_allclose(array(layer(ones(1, 3), mask=np.array(mask))), y, rtol=1e-3)


def test_softmax_takes_the_mask_that_comes_along(engine):
    y = engine.layers.Softmax()(masked(engine, ones(1, 3), [[True, False, True]]))
    assert array(y).tolist() == [[0.5, 0, 0.5]]
    assert mask_of(y) == [[True, False, True]]


@pytest.mark.parametrize("shape", [(1, 2), (2, 1, 3), (3, 1)])
def test_a_mask_that_does_not_broadcast_is_refused(engine, shape):
    with pytest.raises(ValueError, match=r"\(1, 3\).*\(" + ", ".join(map(str, shape))):
        engine.layers.Softmax(name="s")(ones(1, 3), mask=np.ones(shape, bool))


def test_an_axis_beyond_the_inputs_is_refused():
    with pytest.raises(ValueError, match="axis=5"):
        Softmax(axis=5)(ones(1, 3))


def test_a_symbolic_mask_is_borne():
    import npkeras

    mask = npkeras.Input((3,), dtype="bool")
    assert layers.Softmax()(npkeras.Input((3,)), mask=mask).shape == (None, 3)


# LeakyReLU, PReLU, ELU


def test_alpha_was_the_name_of_the_slope(engine):
    with pytest.warns(UserWarning, match="alpha"):
        layer = engine.layers.LeakyReLU(alpha=0.5)
    assert array(layer(np.array([-2.0], "float32"))).tolist() == [-1]
    assert layer.get_config()["negative_slope"] == 0.5


@pytest.mark.parametrize("shared, shape", [(None, (3, 4)), (1, (1, 4)), ([1, 2], (1, 1))])
def test_axes_share_a_slope(engine, shared, shape):
    layer = engine.layers.PReLU(shared_axes=shared)
    layer.build((None, 3, 4))
    assert tuple(layer.alpha.shape) == shape


def test_a_shared_axis_may_be_unknown(engine):
    layer = engine.layers.PReLU(shared_axes=[1])
    assert layer(engine.Input((None, 3))).shape == (None, None, 3)
    layer(np.ones((2, 7, 3), "float32"))
    with pytest.raises(ValueError, match="prelu|p_re_lu|PReLU"):
        layer(np.ones((2, 7, 4), "float32"))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: layers.LeakyReLU(-1), "`negative_slope` of LeakyReLU.*-1"),
        (lambda: layers.LeakyReLU(None), "`negative_slope` of LeakyReLU.*None"),
        (lambda: layers.ELU(None), "`alpha` of ELU.*None"),
        (lambda: layers.PReLU(shared_axes="a"), "`shared_axes` of PReLU.*'a'"),
        (lambda: layers.PReLU(shared_axes=[0]), r"`shared_axes` of PReLU.*\[0\]"),
        (lambda: layers.PReLU(shared_axes=[3], name="p").build((2, 3)), r"'p' .*\[3\]"),
        (lambda: layers.PReLU(name="p").build((2, None)), r"'p' .*\(2, None\)"),
    ],
)
def test_messages_of_learned_and_leaking_slopes(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("threshold", [0.0, 1.5])
def test_whole_numbers_end_at_a_whole_number(engine, threshold):
    layer = engine.layers.ReLU(max_value=6.5, threshold=threshold)
    assert array(layer(np.array([-3, 0, 2, 6, 7]))).tolist() == [0, 0, 2, 6, 6]

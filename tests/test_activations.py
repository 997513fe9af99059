"""Activations by name: what a name stands for, configs, and Keras' own arguments."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npkeras
from npkeras import GradientTape, activations, ops
from npkeras.core import registry
from npkeras.core.tape import Traced

X = np.array([-7, -3, -1, -0.5, 0, 0.5, 1, 2, 3, 6, 7], "float32")


@pytest.mark.parametrize("name", sorted(registry.table("activations")))
def test_every_name_gives_a_function_that_keeps_the_shape(name):
    function = activations.get(name)
    options = (0.5, 1.0) if name == "threshold" else ()
    shape = (2, 2) if name == "glu" else (2, 4)
    assert function(np.ones((2, 4), "float32"), *options).shape == shape


def test_none_stands_for_linear():
    assert activations.get(None) is activations.linear
    assert activations.linear(X) is X


def test_other_names():
    assert activations.get("swish") is activations.silu
    assert activations.get("hard_swish") is activations.hard_silu


def test_a_callable_stands_for_itself():
    assert activations.get(np.tanh) is np.tanh


@pytest.mark.parametrize(
    "activation, name",
    [
        (activations.relu, "relu"),
        (ops.relu, "relu"),
        (ops.gelu, "gelu"),
        (activations.leaky_relu, "leaky_relu"),
        (activations.swish, "silu"),
        (activations.tanh, "tanh"),
    ],
)
def test_a_built_in_one_is_serialized_by_its_name(activation, name):
    assert activations.serialize(activation) == name
    assert activations.deserialize(name) is getattr(activations, name)


def test_a_function_config_is_understood():
    config = {
        "module": "builtins",
        "class_name": "function",
        "config": "relu",
        "registered_name": "relu",
    }
    assert activations.get(config) is activations.relu


def test_custom_objects():
    def bent(x):
        return x

    assert activations.deserialize("bent", custom_objects={"bent": bent}) is bent


def test_gelu_is_exact_unless_asked():
    x = np.array([1.0])
    np.testing.assert_array_equal(activations.gelu(x), ops.gelu(x, approximate=False))
    assert activations.gelu(x) != ops.gelu(x)


@pytest.mark.parametrize(
    "identifier, message",
    [("relo", r"'relo'.*Did you mean 'relu'"), (3, r"Received: 3"), ([1], r"Received: \[1\]")],
)
def test_messages(identifier, message):
    with pytest.raises(ValueError, match=message):
        activations.get(identifier)


@pytest.mark.keras
def test_signatures_are_kerass(keras):
    for name in dir(keras.activations):
        theirs = getattr(keras.activations, name)
        if not callable(theirs):
            continue
        ours = inspect.signature(getattr(activations, name)).parameters
        wanted = inspect.signature(theirs).parameters
        assert {n: p.default for n, p in ours.items()} == {n: p.default for n, p in wanted.items()}


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([0.0, 0.1, 1.5]),
    st.sampled_from([None, 3.0, 6.0]),
    st.sampled_from([0.0, 1.0, -1.0]),
)
def test_every_bend_of_relu_is_kerass(keras, tf, negative_slope, max_value, threshold):
    options = {"negative_slope": negative_slope, "max_value": max_value, "threshold": threshold}
    theirs = tf.constant(X)
    with tf.GradientTape() as their_tape:
        their_tape.watch(theirs)
        expected = keras.activations.relu(theirs, **options)
    ours = Traced(X, object())
    with GradientTape() as tape:
        y = activations.relu(ours, **options)
    np.testing.assert_allclose(y.numpy(), expected.numpy(), rtol=1e-6)
    np.testing.assert_allclose(
        tape.gradient(y, ours), their_tape.gradient(expected, theirs).numpy()
    )


@pytest.mark.keras
def test_names_are_kerass(keras):
    for name in ("swish", "hard_swish", *registry.table("activations")):
        assert keras.activations.get(name).__name__ == activations.get(name).__name__
    for name in ("LeakyReLU", "ReLU", "Softmax"):
        with pytest.raises(ValueError, match=name):
            activations.get(name)


@pytest.mark.keras
def test_an_op_with_the_name_of_an_activation_is_kept_by_its_name(keras):
    shared = [name for name in activations.__all__ if hasattr(keras.ops, name)]
    assert {"relu", "gelu", "softmax", "swish"} < set(shared)
    for name in shared:
        configs = [
            engine.layers.Dense(2, activation=getattr(engine.ops, name)).get_config()
            for engine in (npkeras, keras)
        ]
        assert configs[0]["activation"] == configs[1]["activation"], name
        assert npkeras.layers.Dense.from_config(configs[0]).get_config() == configs[0]

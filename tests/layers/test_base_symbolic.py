"""Layers on symbolic inputs, and their shape rules. What takes `engine` is true of Keras too."""

import random
import warnings

import numpy as np
import pytest

import npkeras
from npkeras import layers
from tests.layers.engines import array, ones, paths


def test_input_and_output_are_those_of_the_first_symbolic_call(engine):
    layer = engine.layers.Dense(2)
    x = engine.Input((3,))
    y = layer(x)
    layer(engine.Input((3,)))
    layer(ones(1, 3))
    assert layer.input is x and layer.output is y


@pytest.mark.parametrize("what", ["input", "output"])
def test_a_layer_never_called_on_symbolic_inputs_has_none(engine, what):
    layer = engine.layers.Dense(2, name="d")
    layer(ones(1, 3))
    layer._inbound_nodes.clear()  # Keras builds through a symbolic call of its own
    with pytest.raises(AttributeError, match=f"d.*{what}|{what}.*d"):
        getattr(layer, what)


def test_shapes_can_be_asked_for_before_building(engine):
    layer = engine.layers.Dense(3)
    assert layer.compute_output_shape((None, 5)) == (None, 3)
    assert layer.compute_output_shape([2, 5]) == (2, 3)
    assert not layer.built and not layer.weights


def test_asking_for_a_shape_draws_no_random_number_and_uses_up_no_name():
    class Inside(layers.Layer):
        def build(self, input_shape):
            self.dense = layers.Dense(3)
            self.dropout = layers.Dropout(0.5)

        def call(self, x):
            return self.dropout(self.dense(x))

    layer, before = Inside(), random.getstate()
    assert layer.compute_output_shape((None, 5)) == (None, 3)
    assert layer.compute_output_spec(npkeras.Input((5,))).shape == (None, 3)
    assert random.getstate() == before
    assert not layer.built and not hasattr(layer, "dense")
    assert layers.Dense(1).name == "dense"


@pytest.mark.parametrize(
    "shapes, expected",
    [
        (((2, 3), (2, 3)), (2, 3)),
        (((None, 3), (1,)), (None, 3)),
    ],
)
def test_shapes_of_several_inputs(shapes, expected):
    class Sum(layers.Layer):
        def call(self, a, b):
            return npkeras.ops.add(a, b)

    a, b = shapes
    assert Sum().compute_output_shape(a, b) == expected
    assert Sum().compute_output_shape(a_shape=a, b_shape=b) == expected


@pytest.mark.parametrize("form", [list, tuple, lambda s: dict(zip("ab", s, strict=True))])
def test_shapes_of_nested_inputs_and_outputs(form):
    class Double(layers.Layer):
        def call(self, x):
            return npkeras.core.tree.map(lambda v: v * 2, x)

    shapes = form([(2, 3), (None, 4)])
    assert Double().compute_output_shape(shapes) == shapes


def test_a_shape_rule_of_the_users_own_is_used(engine):
    class Odd(engine.layers.Layer):
        def call(self, x):
            return np.asarray(x)[:, :2]

        def compute_output_shape(self, input_shape):
            return (input_shape[0], 2)

    y = Odd(dtype="float16")(engine.Input((7,)))
    assert (y.shape, y.dtype) == ((None, 2), "float16")


def test_a_shape_rule_of_several_inputs_and_outputs(engine):
    class Odd(engine.layers.Layer):
        def call(self, a, b):
            return a, b

        def compute_output_shape(self, a_shape, b_shape):
            return a_shape, b_shape

    a, b = Odd()(engine.Input((7,)), engine.Input((3,)))
    assert (a.shape, b.shape) == ((None, 7), (None, 3))


def test_layers_within_are_built_where_a_shape_rule_would_do(engine):
    class Odd(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = engine.layers.Dense(4)

        def call(self, x):
            return self.dense(x)

        def compute_output_shape(self, input_shape):
            return (*input_shape[:-1], 4)

    layer = Odd()
    assert layer(engine.Input((7,))).shape == (None, 4)
    assert paths(layer.weights) == ["odd/dense/kernel", "odd/dense/bias"]


def test_symbolic_calls_warn_of_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layers.Dense(2)(npkeras.Input((3,)))


def test_users_write_plain_numpy_and_it_is_differentiable():
    class Soft(layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")

        def call(self, x):
            return np.log(np.exp(x * self.w) + 1)

    layer = Soft()
    x = np.array([[0.5, -1.0]], "float32")
    with npkeras.GradientTape() as tape:
        y = layer(x)
    (gradient,) = tape.gradient(y, layer.trainable_variables)
    np.testing.assert_allclose(array(y), np.log1p(np.exp(x)), rtol=1e-6)
    np.testing.assert_allclose(gradient, x[0] / (1 + np.exp(-x[0])), rtol=1e-6)


def test_a_built_layer_can_be_called_on_shapes_alone(engine):
    layer = engine.layers.Dense(3)
    layer.build((None, 4))
    assert tuple(layer.symbolic_call(engine.Input((4,))).shape) == (None, 3)
    assert layer.supports_jit


def test_nobody_walks_along_a_symbolic_tensor(engine):
    for walk in (iter, list, lambda x: 1 in x, lambda x: [*x]):
        with pytest.raises(NotImplementedError, match="KerasTensor"):
            walk(engine.KerasTensor((2, 3)))


def test_within_call_a_symbolic_tensor_is_walked_along_as_the_array_it_stands_for():
    class Rows(layers.Layer):
        def call(self, x):
            return npkeras.ops.stack([row * 2 for row in x])

    assert Rows()(npkeras.Input(batch_shape=(2, 3))).shape == (2, 3)


def test_symbolic_tensors_have_a_few_methods(engine):
    x = engine.Input((1, 4))
    assert x.reshape((-1, 2)).shape == (None, 2)
    assert x.squeeze(1).shape == x.squeeze(axis=-2).shape == x.squeeze().shape == (None, 4)
    model = engine.Model(x, x.reshape((-1, 2)))
    assert model.predict(ones(3, 1, 4), verbose=0).shape == (6, 2)


def test_a_symbolic_tensor_knows_which_call_it_came_from(engine):
    x, layer = engine.Input((3, 4), name="x"), engine.layers.Dense(2)
    first, second = layer(x), layer(engine.Input((3, 4)))
    assert isinstance(x._keras_history.operation, engine.layers.InputLayer)
    assert tuple(first._keras_history) == (layer, 0, 0)
    assert tuple(second._keras_history) == (layer, 1, 0)
    states = engine.layers.LSTM(2, return_state=True)(x)
    assert [y._keras_history.tensor_index for y in states] == [0, 1, 2]
    history = engine.ops.exp(x)._keras_history
    assert (history.operation.name, history.node_index, history.tensor_index) == ("exp", 0, 0)
    model = engine.Model(x, first)
    assert model(x)._keras_history.operation is model
    assert not hasattr(engine.KerasTensor((2,)), "_keras_history")


def test_a_symbolic_tensor_carries_its_mask(engine):
    words = engine.Input((5,))
    y = engine.layers.Embedding(3, 2, mask_zero=True)(words)
    assert (y._keras_mask.shape, y._keras_mask.dtype) == ((None, 5), "bool")
    assert engine.layers.Dense(3)(y)._keras_mask is y._keras_mask
    assert not hasattr(words, "_keras_mask")
    words._keras_mask = engine.Input((5,), dtype="bool")
    assert words._keras_mask.shape == (None, 5)

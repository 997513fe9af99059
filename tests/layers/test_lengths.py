"""A `call` that asks for lengths which are not known while a model is built. So in Keras too."""

import numpy as np
import pytest

import npkeras
from tests.layers.engines import array, ones


def layer(engine, function):
    class Own(engine.layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(1, 1, input_shape[-1]), initializer="ones")
            self.places = self.add_weight(shape=(9, input_shape[-1]), initializer="ones")
            self.table = engine.layers.Embedding(9, input_shape[-1], embeddings_initializer="ones")

        def call(self, x):
            return function(engine.ops, self, x)

    return Own()


def rows(ops, x):
    return ops.shape(x)[0]


def steps(ops, x):
    return ops.shape(x)[1]


def causal(ops, layer, x):
    i = ops.arange(steps(ops, x))
    return ops.where(i[:, None] >= i, ops.matmul(x, ops.transpose(x, (0, 2, 1))), -1.0)


def positions(ops, layer, x):
    """Longer than what is made up at first."""
    return x + layer.table(ops.arange(start=0, stop=steps(ops, x), step=1))


USES = {
    "a table": (lambda ops, layer, x: x + layer.places[: steps(ops, x)], (None, None, 4)),
    "of a table": (lambda ops, layer, x: layer.places[: steps(ops, x)], (None, 4)),
    "by a table": (
        lambda ops, layer, x: ops.matmul(x, ops.transpose(layer.places[: steps(ops, x)])),
        (None, None, None),
    ),
    "at most": (lambda ops, _, x: x[:, :5], (None, None, 4)),
    "as many": (lambda ops, _, x: x + ops.zeros(ops.shape(x)), (None, None, 4)),
    "one more": (
        lambda ops, layer, x: ops.concatenate(
            [ops.broadcast_to(layer.w, (rows(ops, x), 1, 4)), x], axis=1
        ),
        (None, None, 4),
    ),
    "one less": (lambda ops, _, x: x[:, : steps(ops, x) - 1], (None, None, 4)),
    "tiled": (lambda ops, layer, x: ops.tile(layer.w, (rows(ops, x), 2, 1)), (None, 2, 4)),
    "a mean": (lambda ops, _, x: ops.sum(x, 1) / ops.cast(steps(ops, x), "float32"), (None, 4)),
    "causal": (causal, (None, None, None)),
    "positions": (positions, (None, None, 4)),
    "several": (lambda ops, _, x: {"a": x, "b": ops.ones((rows(ops, x), 3))}, (None, None, 4)),
}


@pytest.mark.parametrize("use", USES)
def test_lengths_may_be_asked_for(engine, use):
    function, shape = USES[use]
    inputs = engine.Input((None, 4))
    outputs = layer(engine, function)(inputs)
    first = outputs["a"] if isinstance(outputs, dict) else outputs
    assert first.shape == shape
    if isinstance(outputs, dict):
        assert outputs["b"].shape == (None, 3)
    model = engine.Model(inputs, first)
    result = model.predict(ones(2, 5, 4), verbose=0)
    expected = function(engine.ops, layer_on_data(engine, function), ones(2, 5, 4))
    expected = expected["a"] if isinstance(expected, dict) else expected
    np.testing.assert_allclose(result, array(expected), rtol=1e-6)


def layer_on_data(engine, function):
    made = layer(engine, function)
    made(ones(2, 5, 4))
    return made


def test_layers_within_are_built_for_unknown_lengths(engine):
    class Own(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layer(engine, USES["one more"][0])
            self.dense = engine.layers.Dense(3)

        def call(self, x):
            return self.dense(self.inner(x))

    own = Own()
    assert own(engine.Input((None, 4))).shape == (None, None, 3)
    assert own.inner.get_build_config() == {"input_shape": (None, None, 4)}
    assert own.dense.get_build_config() == {"input_shape": (None, None, 4)}


def test_what_is_wrong_for_any_length_is_told_as_it_was():
    x = npkeras.Input((None, 4))
    with pytest.raises(TypeError, match="NoneType"):
        layer(npkeras, lambda ops, _, x: ops.zeros((None, 3)))(x)
    with pytest.raises(AttributeError, match="'KerasTensor' object has no attribute 'foo'"):
        layer(npkeras, lambda ops, _, x: x.foo)(x)
    with pytest.raises(TypeError, match="NoneType"):
        layer(npkeras, lambda ops, _, x: ops.zeros((2 * steps(ops, x), 3)) + x)(x)


def test_a_layer_that_needs_a_length_is_not_built_for_one_made_up():
    dense = npkeras.layers.Dense(2)
    model = npkeras.Sequential([npkeras.layers.Flatten(), dense])
    with pytest.raises(ValueError, match="needs to know the length of the last axis"):
        model(npkeras.Input((None, 4)))
    assert not dense.built


def test_no_numbers_are_none_where_all_lengths_are_known():
    x = npkeras.Input((5, 4), batch_size=2)
    assert layer(npkeras, lambda ops, _, x: ops.arange(0) + ops.sum(x))(x).shape == (0,)
    with pytest.raises(TypeError, match="`arange` needs numbers"):
        npkeras.ops.arange(None)

"""Sequential, side by side with live Keras."""

import numpy as np
import pytest

import npkeras
from tests.layers.engines import array, name_of_dtype, ones, paths


def twice(engine):
    class Twice(engine.layers.Layer):
        def call(self, x):
            return x * 2

    return Twice()


def test_inputs_take_the_dtype_of_the_input(engine):
    bytes_ = np.full((1, 2), 200, "uint8")
    for shape in ({"input": (2,)}, {}):
        layers = [engine.Input(shape["input"])] if shape else []
        y = engine.Sequential([*layers, twice(engine)])(bytes_)
        assert name_of_dtype(y) == "float32" and array(y).tolist() == [[400.0, 400.0]]
    whole = engine.Sequential([engine.Input((2,), dtype="int32"), twice(engine)])
    assert array(whole(np.array([[1.7, 2.2]], "float32"))).tolist() == [[2, 4]]


def test_numbers_of_words_are_looked_up(engine):
    model = engine.Sequential([engine.layers.Embedding(9, 2, embeddings_initializer="ones")])
    assert array(model(np.array([[1, 8]]))).shape == (1, 2, 2)
    assert array(model(np.array([[1.0, 8.0]], "float32"))).shape == (1, 2, 2)


def test_numbers_of_words_above_what_floats_hold_are_not_rounded():
    count = 2**24 + 2
    embedding = npkeras.layers.Embedding(count, 1, dtype="float16")
    model = npkeras.Sequential([npkeras.Input((1,)), embedding])
    model.set_weights([np.arange(count).reshape(-1, 1) % 100])
    assert model(np.array([[2**24 + 1]]))[0, 0, 0] == (2**24 + 1) % 100


@pytest.mark.parametrize(
    ("expected", "fed"), [((4,), (2, 4, 1)), ((4, 1), (2, 4)), ((4,), (2, 4))], ids=str
)
def test_a_last_axis_of_length_1_may_be_missing_or_added(engine, expected, fed):
    model = engine.Sequential([
        engine.Input(expected), engine.layers.Flatten(), engine.layers.Dense(3),
    ])  # fmt: skip
    assert array(model(ones(*fed))).shape == (2, 3)
    assert array(model([ones(*fed)])).shape == (2, 3)


@pytest.mark.parametrize("shape", [(2, 3, 4), (4,)], ids=str)
def test_other_numbers_of_axes_are_refused(engine, shape):
    model = engine.Sequential([engine.Input((4,)), twice(engine)])
    with pytest.raises(ValueError, match=r"\(None, 4\)"):
        model(ones(*shape))


def test_several_arrays_for_one_input_are_refused():
    model = npkeras.Sequential([npkeras.Input((4,)), twice(npkeras)])
    with pytest.raises(ValueError, match=r"an array of shape \(None, 4\).*a list of 2"):
        model([ones(2, 4), ones(2, 4)])


def test_a_layer_may_come_twice(engine):
    shared = engine.layers.Dense(3, kernel_initializer="ones")
    model = engine.Sequential([engine.Input((3,)), shared, shared])
    assert len(model.layers) == 2 and len(model.weights) == 2
    assert array(model(ones(1, 3))).tolist() == [[9.0, 9.0, 9.0]]


def test_the_last_layer_may_have_several_outputs(engine):
    model = engine.Sequential([engine.Input((4, 2)), engine.layers.LSTM(3, return_state=True)])
    outputs = model.predict(ones(2, 4, 2), verbose=0)
    assert [y.shape for y in outputs] == [(2, 3)] * 3
    assert [tuple(shape) for shape in model.output_shape] == [(None, 3)] * 3
    assert len(model.outputs) == 3


def test_a_first_layer_may_take_several_arrays(engine):
    class Add(engine.layers.Layer):
        def call(self, x):
            return x["a"] + x["b"]

    model = engine.Sequential([Add(), engine.layers.Dense(2)], name="model")
    model.compile("sgd", "mse")
    model.fit({"a": ones(4, 3), "b": ones(4, 3)}, ones(4, 2), verbose=0)
    assert model.built and paths(model.weights) == ["model/dense/kernel", "model/dense/bias"]
    assert model.predict({"a": ones(2, 3), "b": ones(2, 3)}, verbose=0).shape == (2, 2)


def test_pop_and_add_go_on_with_the_shapes_there_are(engine):
    layers = engine.layers
    model = engine.Sequential([engine.Input((4,)), layers.Dense(3), layers.Dense(2)])
    assert model.pop().units == 2
    assert model.output_shape == (None, 3) and len(model.weights) == 2
    model.add(layers.Dense(5))
    model.compile("sgd", "mse")
    model.fit(ones(4, 4), ones(4, 5), verbose=0)
    assert model.predict(ones(2, 4), verbose=0).shape == (2, 5)


def test_trainable_reaches_nested_models_and_back(engine):
    dense = engine.layers.Dense
    model = engine.Sequential([engine.Input((4,)), dense(3), engine.Sequential([dense(2)])])
    model.trainable = False
    assert not model.trainable_weights and not model.layers[1].layers[0].trainable
    model.layers[1].trainable = True
    assert not model.trainable_weights and len(model.layers[1].trainable_weights) == 2


def test_a_config_makes_the_model_again(engine):
    inner = engine.Sequential([engine.layers.Dense(3)], name="inner")
    model = engine.Sequential([engine.Input((4,)), inner, engine.layers.Dropout(0.5)], name="outer")
    again = engine.Sequential.from_config(model.get_config())
    assert again.name == "outer" and again.input_shape == (None, 4)
    assert [layer.name for layer in again.layers] == ["inner", "dropout"]
    assert again.get_config() == model.get_config()

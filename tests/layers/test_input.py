"""Input and InputLayer: where data enters a model."""

import numpy as np
import pytest

import npkeras
from npkeras.core.symbolic import KerasTensor
from npkeras.layers import Input, InputLayer
from tests.layers.engines import ones


@pytest.mark.parametrize(
    "options, shape",
    [
        ({"shape": (3,)}, (None, 3)),
        ({"shape": [3, None]}, (None, 3, None)),
        ({"shape": ()}, (None,)),
        ({"shape": (0,)}, (None, 0)),
        ({"shape": (3,), "batch_size": 4}, (4, 3)),
        ({"batch_shape": (4, 3)}, (4, 3)),
        ({"batch_shape": (None, 3)}, (None, 3)),
    ],
    ids=str,
)
def test_the_shape_is_that_of_a_sample_or_of_a_batch(engine, options, shape):
    assert engine.Input(**options).shape == shape
    assert engine.layers.InputLayer(**options).batch_shape == shape


@pytest.mark.parametrize(
    "dtype, name",
    [(None, "float32"), ("int32", "int32"), (np.int64, "int64"), ("float16", "float16")],
    ids=str,
)
def test_the_dtype_is_that_of_the_data(engine, dtype, name):
    assert engine.Input((3,), dtype=dtype).dtype == name
    assert engine.layers.InputLayer((3,), dtype=dtype).dtype == name


def test_the_dtype_follows_floatx_and_no_policy(engine):
    engine.config.set_dtype_policy("mixed_float16")
    try:
        assert engine.layers.InputLayer((3,)).dtype == "float32"
    finally:
        engine.config.set_dtype_policy("float32")


def test_an_input_may_have_a_name(engine):
    assert engine.Input((3,), name="pixels").name == "pixels"
    assert engine.Input((3,)).name.startswith("keras_tensor")
    assert engine.layers.InputLayer((3,)).name.startswith("input_layer")


def test_a_symbolic_tensor_may_stand_for_the_input(engine):
    tensor = engine.KerasTensor((2, 3), dtype="int32")
    assert engine.Input(tensor=tensor) is tensor
    layer = engine.layers.InputLayer(input_tensor=engine.KerasTensor((2, 3), dtype="int32"))
    assert (layer.batch_shape, layer.dtype) == ((2, 3), "int32")


def test_an_input_layer_is_built_and_has_an_output(engine):
    layer = engine.layers.InputLayer((3,))
    assert layer.built and layer.weights == []
    assert layer.output.shape == (None, 3)


def test_the_config_gives_the_layer_back(engine):
    layer = engine.layers.InputLayer(
        (3,), batch_size=2, dtype="int32", name="pixels", optional=True
    )
    config = layer.get_config()
    assert config == {
        "batch_shape": (2, 3),
        "dtype": "int32",
        "sparse": False,
        "ragged": False,
        "name": "pixels",
        "optional": True,
    }
    assert engine.layers.InputLayer.from_config(config).get_config() == config


@pytest.mark.parametrize("name, shape", [("input_shape", (3,)), ("batch_input_shape", (None, 3))])
def test_older_names_of_the_shape_are_understood(engine, name, shape):
    assert engine.layers.InputLayer(**{name: shape}).batch_shape == (None, 3)


def test_inputs_lead_to_models():
    model = npkeras.Sequential([Input((3,), dtype="int32"), npkeras.layers.Embedding(5, 2)])
    assert model.input_shape == (None, 3) and model.output_shape == (None, 3, 2)


@pytest.mark.parametrize(
    "options, message",
    [
        ({}, "`shape`.*neither"),
        ({"shape": (3,), "batch_shape": (2, 3)}, r"shape=\(3,\), batch_shape=\(2, 3\)"),
        ({"batch_size": 2, "batch_shape": (2, 3)}, r"batch_size=2, batch_shape=\(2, 3\)"),
        ({"shape": 3}, r"\(3,\) for one axis. Received: shape=3"),
        ({"batch_shape": 3}, "batch_shape=3"),
        ({"shape": (-3,)}, r"shape=\(-3,\)"),
        ({"shape": "abc"}, "shape='abc'"),
        ({"shape": (3.0,)}, r"shape=\(3.0,\)"),
        ({"shape": (3,), "dtype": "foo"}, "foo"),
        ({"shape": (3,), "name": "a/b"}, "name='a/b'"),
        ({"shape": (3,), "sparse": True}, "sparse=True"),
        ({"shape": (3,), "ragged": True}, "ragged=True"),
        ({"input_tensor": np.ones((2, 3))}, r"KerasTensor. Received: input_tensor=array of shape"),
        ({"shape": (3,), "foo": 1}, "'foo': 1"),
    ],
    ids=str,
)
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        InputLayer(**options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shape": (3,), "batch_shape": (2, 3)},
        {"batch_size": 2, "batch_shape": (2, 3)},
        {"shape": 3},
        {"shape": (-3,)},
        {"shape": "abc"},
        {"shape": (3.0,)},
        {"shape": (3,), "dtype": "foo"},
        {"shape": (3,), "name": "a/b"},
    ],
    ids=str,
)
def test_keras_refuses_them_too(engine, options):
    with pytest.raises(ValueError):
        engine.Input(**options)


def test_an_input_layer_takes_no_data(engine):
    with pytest.raises(TypeError):
        engine.layers.InputLayer((3,))(ones(2, 3))


def test_inputs_are_symbolic():
    assert isinstance(Input((3,)), KerasTensor)

"""Lambda: shapes, masks, and what its config may hold. What takes `engine` is true of Keras too."""

import numpy as np
import pytest

import npkeras
from npkeras.layers import Lambda
from tests.layers.engines import array, mask_of, masked, ones


def twice(x):
    return x * 2


def scaled(x, factor=1, mask=None, training=None):
    return x * factor * (3 if training else 1)


def test_a_function_is_a_layer(engine):
    x = np.array([[1.0, 3.0]], "float32")
    assert array(engine.layers.Lambda(twice)(x)).tolist() == [[2, 6]]
    layer = engine.layers.Lambda(scaled, arguments={"factor": 2})
    assert array(layer(x)).tolist() == [[2, 6]]
    assert array(layer(x, training=True)).tolist() == [[6, 18]]
    y = engine.layers.Lambda(lambda xs: xs[0] + xs[1])([x, x])
    assert array(y).tolist() == [[2, 6]]


def test_the_function_is_given_the_mask_if_it_takes_one(engine):
    seen = []

    def function(x, mask=None):
        seen.append(None if mask is None else array(mask).tolist())
        return x

    engine.layers.Lambda(function)(masked(engine, ones(1, 2), [[True, False]]))
    engine.layers.Lambda(function)(ones(1, 2))
    assert seen == [[[True, False]], None]


@pytest.mark.parametrize(
    "given, shape",
    [
        (None, (None, 3)),
        ((5,), (None, 5)),
        ((5, None), (None, 5, None)),
        (lambda shape: (shape[0], 7), (None, 7)),
    ],
    ids=["found", "given", "with an unknown axis", "function"],
)
def test_the_shape_is_found_or_given(engine, given, shape):
    layer = engine.layers.Lambda(twice, output_shape=given)
    assert layer(engine.Input((3,))).shape == shape
    assert tuple(layer.compute_output_shape((None, 3))) == shape


def test_several_outputs_have_several_shapes(engine):
    layer = engine.layers.Lambda(lambda x: (x, x), output_shape=((5,), (3,)))
    assert [y.shape for y in layer(engine.Input((3,)))] == [(None, 5), (None, 3)]


def test_a_function_that_takes_no_symbolic_input_needs_a_shape(engine):
    with pytest.raises(NotImplementedError, match="output_shape"):
        engine.layers.Lambda(lambda x: x.nothing)(engine.Input((3,)))


def test_the_mask_is_given_or_found(engine):
    x = masked(engine, ones(1, 2), [[True, False]])
    with_mask = np.array([[False, True]])
    assert mask_of(engine.layers.Lambda(twice, mask=with_mask)(x)) == [[False, True]]
    layer = engine.layers.Lambda(twice, mask=lambda inputs, mask: ~array(mask))
    assert layer.supports_masking
    assert mask_of(layer(x)) == [[False, True]]
    assert not engine.layers.Lambda(twice).supports_masking


@pytest.mark.keras
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"arguments": {"factor": 3}},
        {"output_shape": (3,)},
        {"output_shape": twice, "mask": np.array([True])},
        {"mask": twice, "trainable": False},
    ],
    ids=lambda options: "-".join(options) or "none",
)
def test_configs_are_those_of_keras(keras, options):
    configs = [
        e.layers.Lambda(scaled, **options, name="one").get_config() for e in (npkeras, keras)
    ]
    assert configs[0] == configs[1]


def test_a_function_is_found_by_its_name():
    config = Lambda(twice, output_shape=twice, name="one").get_config()
    with pytest.raises(ValueError, match="'twice'"):
        Lambda.from_config(config)
    again = Lambda.from_config(config, custom_objects={"twice": twice})
    assert again.function is again._output_shape is twice
    assert again.get_config() == config


def test_a_config_goes_through_json():
    config = Lambda(scaled, output_shape=(3, None), arguments={"factor": 2}).get_config()
    config["output_shape"] = list(config["output_shape"])
    again = Lambda.from_config(config, custom_objects={"scaled": scaled})
    assert again._output_shape == (3, None)
    assert again.arguments == {"factor": 2}


def test_a_lambda_is_code_in_the_config():
    options = {"output_shape": lambda shape: shape, "mask": lambda x, mask: mask}
    with pytest.warns(UserWarning, match="The lambda in line.*register"):
        config = Lambda(lambda x: x, **options).get_config()
    for name in ("function", *options):
        assert config[name]["class_name"] == "__lambda__"
        assert list(config[name]["config"]) == ["code", "defaults", "closure"]
        with pytest.raises(ValueError, match="never runs"):
            Lambda.from_config({"function": twice, name: config[name]})


@pytest.mark.parametrize(
    "function",
    [
        {"class_name": "__lambda__", "config": {"code": "4wEA", "defaults": None, "closure": None}},
        ["4wEAAAAAAAAA", None, None],
    ],
    ids=["Keras 3", "Keras 2"],
)
def test_compiled_code_is_never_run(function):
    with pytest.raises(ValueError, match="compiled Python code.*never runs"):
        Lambda.from_config({"name": "one", "function": function, "arguments": {}})


def test_what_keras_2_wrote_besides_is_passed_over():
    config = {
        "function": "tanh",
        "function_type": "function",
        "module": "keras.activations",
        "output_shape": None,
        "output_shape_type": "raw",
        "output_shape_module": None,
        "arguments": {},
    }
    np.testing.assert_allclose(Lambda.from_config(config)(ones(1, 2)), np.tanh(ones(1, 2)))


@pytest.mark.parametrize(
    "make, error, message",
    [
        (lambda: Lambda(3), TypeError, "`function` of Lambda.*function=3"),
        (lambda: Lambda(twice, arguments=3), ValueError, "`arguments` of Lambda.*arguments=3"),
    ],
)
def test_messages(make, error, message):
    with pytest.raises(error, match=message):
        make()

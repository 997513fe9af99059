"""Objects as JSON, under Keras' names."""

import pytest

import npkeras
from npkeras.saving import deserialize_keras_object

LAMBDA = {"class_name": "__lambda__", "config": {"value": ["4wEA", None, None]}}


def test_code_is_refused_in_safe_mode_and_out_of_it():
    for safe_mode in (True, False, None):
        with pytest.raises(ValueError, match="never runs"):
            deserialize_keras_object(LAMBDA, safe_mode=safe_mode)


def test_a_bare_name_is_looked_up_in_module_objects():
    assert deserialize_keras_object("len", module_objects={"len": len}) is len
    assert deserialize_keras_object("len", module_objects={}) == "len"


def test_unknown_keywords_are_refused():
    with pytest.raises(TypeError, match="unexpected keyword argument: `printable`"):
        deserialize_keras_object({}, printable=True)


def test_a_whole_model_comes_back():
    model = npkeras.Sequential([npkeras.Input((3,)), npkeras.layers.Dense(2, "relu")])
    again = deserialize_keras_object(npkeras.saving.serialize_keras_object(model))
    assert again.get_config() == model.get_config()

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


@pytest.mark.keras
def test_a_class_that_takes_no_more_is_named_and_the_file_is_not_blamed(keras, tmp_path):
    def model(engine):
        class Twice(engine.layers.Layer):
            def __init__(self, factor=2):
                super().__init__()
                self.factor = factor

            def call(self, x):
                return x * self.factor

        return engine.Sequential([engine.Input((3,)), Twice(3)]), {"Twice": Twice}

    model(keras)[0].save(tmp_path / "m.keras")
    for engine in (keras, npkeras):
        with pytest.raises(TypeError) as caught:
            engine.saving.load_model(tmp_path / "m.keras", custom_objects=model(engine)[1])
    assert not isinstance(caught.value, npkeras.saving.CorruptFileError)
    advice = "Add `**kwargs` to `Twice.__init__` and hand them to `super().__init__`"
    assert advice in str(caught.value) and "'trainable'" in str(caught.value)

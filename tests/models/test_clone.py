"""Copies of models with new layers, and models from JSON. Alike in live Keras."""

import numpy as np
import pytest

import npkeras
from tests.layers.engines import array, names, ones
from tests.models.graphs import nested, shared, states


def again(layer):
    return layer.__class__.from_config(layer.get_config())


def recorded(seen):
    def clone(layer):
        seen.append(layer.name.split("_")[0])  # without the number of others like it
        return again(layer)

    return clone


def sequential(engine):
    L = engine.layers
    within = engine.Sequential([L.Dense(3, name="z")], name="w")
    return engine.Sequential([engine.Input((4,), name="i"), L.Dense(2, name="x"), within], name="s")


def test_a_functional_model(engine):
    model = nested(engine)
    model.get_layer("shared").trainable = False
    clone = engine.models.clone_model(model)
    assert clone.name == model.name and names(clone.operations) == names(model.operations)
    assert not clone.get_layer("shared").trainable
    assert not set(map(id, clone.weights)) & set(map(id, model.weights))
    clone.set_weights(model.get_weights())
    x = [ones(2, 4), ones(2, 4) * 2]
    np.testing.assert_allclose(array(clone(x)), array(model(x)), rtol=1e-6)


def test_forms_of_the_ends_stay(engine):
    clone = engine.models.clone_model(states(engine))
    assert set(clone.input) == {"x", "y"} and set(clone.output) == {"decoded", "rest"}
    assert names(clone.layers) == names(states(engine).layers)


def test_clone_function(engine):
    seen = []
    engine.models.clone_model(nested(engine), clone_function=recorded(seen))
    assert sorted(seen) == ["concatenate", "fun", "out", "seq", "shared"]
    seen.clear()
    engine.models.clone_model(nested(engine), clone_function=recorded(seen), recursive=True)
    assert sorted(seen) == ["concatenate", "deep", "dropout", "out", "shared", "within"]
    seen.clear()
    engine.models.clone_model(sequential(engine), clone_function=recorded(seen))
    assert seen == ["x", "w"]
    seen.clear()
    engine.models.clone_model(sequential(engine), clone_function=recorded(seen), recursive=True)
    assert seen == ["x", "z"]


def test_layers_may_be_others(engine):
    def wider(layer):
        if layer.name == "shared":
            return engine.layers.Dense(5, name="shared")
        return again(layer)

    clone = engine.models.clone_model(shared(engine), clone_function=wider)
    assert clone.output_shape[1] == (None, 5)


def test_call_function(engine):
    seen = []

    def call(layer, *args, **kwargs):
        seen.append(layer.name.split("_")[0])
        return layer(*args, **kwargs)

    engine.models.clone_model(shared(engine), call_function=call)
    assert sorted(seen) == ["power", "shared", "shared", "subtract", "sum"]
    with pytest.raises(ValueError, match="`call_function`"):
        engine.models.clone_model(sequential(engine), call_function=call)


def test_call_function_within_models(engine):
    seen = []

    def call(layer, *args, **kwargs):
        seen.append(layer.name)
        return layer(*args, **kwargs)

    engine.models.clone_model(nested(engine), call_function=call, recursive=True)
    assert {"fun", "within", "seq"} < set(seen) and "deep" not in seen  # `seq` is only listed


def test_input_tensors(engine):
    new = [engine.Input((4,), name="n1"), engine.Input((4,), name="n2")]
    clone = engine.models.clone_model(shared(engine), input_tensors=new)
    assert clone.inputs == new and names(clone.layers) == ["n1", "n2", "shared"]
    clone = engine.models.clone_model(sequential(engine), input_tensors=new[0])
    assert clone.inputs[0] is new[0] or clone.inputs[0].name == "n1"
    within = engine.models.clone_model(sequential(engine), input_tensors=[new[0] * 2])
    assert within.input_shape == (None, 4)
    for model, wrong in ((shared, new[:1]), (shared, [ones(2, 4), new[0]]), (sequential, new)):
        with pytest.raises(ValueError, match="input_tensors"):
            engine.models.clone_model(model(engine), input_tensors=wrong)


def test_sequential_models(engine):
    model = sequential(engine)
    clone = engine.models.clone_model(model)
    assert (clone.name, clone.built, names(clone.layers)) == ("s", True, ["x", "w"])
    clone.set_weights(model.get_weights())
    np.testing.assert_allclose(array(clone(ones(2, 4))), array(model(ones(2, 4))), rtol=1e-6)
    assert not engine.models.clone_model(engine.Sequential([engine.layers.Dense(2)])).built


def test_subclassed_models(engine):
    class Sub(engine.Model):
        def __init__(self, n=2, **kwargs):
            super().__init__(**kwargs)
            self.n = n

        def get_config(self):
            return {"n": self.n}

    assert engine.models.clone_model(Sub(3)).n == 3
    for options in ({"clone_function": again}, {"input_tensors": [engine.Input((2,))]}):
        with pytest.raises(ValueError, match="Sequential"):
            engine.models.clone_model(Sub(), **options)


def test_what_is_refused():
    with pytest.raises(ValueError, match="expects a model. Received: <Dense"):
        npkeras.models.clone_model(npkeras.layers.Dense(2))
    with pytest.raises(TypeError, match="`copy_weights`"):
        npkeras.models.clone_model(sequential(npkeras), copy_weights=True)


def test_models_from_json(engine):
    for build in (nested, sequential):
        model = build(engine)
        made = engine.models.model_from_json(model.to_json())
        assert names(made.layers) == names(model.layers) and made.name == model.name


def test_classes_of_ones_own(engine):
    class Twice(engine.layers.Layer):
        def call(self, x):
            return x * 2

    x = engine.Input((3,))
    model = engine.Model(x, Twice(name="t")(x))
    assert names(engine.models.clone_model(model).layers)[1] == "t"
    made = engine.models.model_from_json(model.to_json(), custom_objects={"Twice": Twice})
    assert array(made(ones(1, 3))).tolist() == [[2, 2, 2]]
    with pytest.raises((ValueError, TypeError), match="Twice"):
        engine.models.model_from_json(model.to_json())

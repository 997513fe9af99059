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


@pytest.mark.parametrize("kind", ["functional", "sequential", "subclass"])
@pytest.mark.parametrize("way", ["plain", "clone_function", "input_tensors", "not built"])
def test_a_clone_of_a_compiled_model_is_compiled(engine, kind, way):
    class Sub(engine.Model):
        pass

    x, layers = engine.Input((4,)), [engine.layers.Dense(1)]
    if kind == "sequential":
        model = engine.Sequential(layers if way == "not built" else [x, *layers])
    else:
        model = (Sub if kind == "subclass" else engine.Model)(x, layers[0](x))
    optimizer = engine.optimizers.Adam(0.5)
    model.compile(optimizer, "mse", metrics=["mae"])
    if way != "not built":
        model.fit(ones(2, 4), ones(2, 1), verbose=0)
    optimizer.learning_rate = 0.25
    options = {"clone_function": {"clone_function": again}, "input_tensors": {"input_tensors": x}}
    clone = engine.models.clone_model(model, **options.get(way, {}))
    assert clone.compiled and clone.loss == "mse" and type(clone) is type(model)
    assert clone.optimizer is not optimizer and float(clone.optimizer.learning_rate) == 0.25
    assert int(clone.optimizer.iterations) == 0 and clone.optimizer.built == clone.built
    history = clone.fit(ones(2, 4), ones(2, 1), verbose=0).history
    assert list(history) == ["loss", "mae"] and int(optimizer.iterations) == (way != "not built")


def test_what_was_not_compiled_stays_so(engine):
    inner = sequential(engine)
    inner.compile("sgd", "mse")
    x = engine.Input((4,))
    model = engine.Model(x, inner(x))
    for recursive in (False, True):
        clone = engine.models.clone_model(model, recursive=recursive)
        assert (clone.compiled, clone.layers[1].compiled) == (False, recursive)


def test_a_subclass_that_is_made_again_is_compiled_and_built(engine):
    class Sub(engine.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = engine.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    model = Sub()
    model.compile("sgd", "mse")
    model(ones(2, 4))
    clone = engine.models.clone_model(model)
    assert clone.compiled and clone.built and clone.optimizer.built


def test_parts_of_ones_own_need_no_registration():
    class Rate(npkeras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.5

        def get_config(self):
            return {}

    def error(y_true, y_pred):
        return y_true - y_pred

    model = npkeras.Sequential([npkeras.Input((4,)), npkeras.layers.Dense(1)])
    mean = npkeras.metrics.MeanMetricWrapper(lambda y_true, y_pred: y_true - y_pred)
    model.compile(npkeras.optimizers.SGD(Rate()), error, metrics=[mean, error])
    model.fit(ones(2, 4), ones(2, 1), verbose=0)
    clone = npkeras.models.clone_model(model)
    one, other = clone._compile_config["metrics"]
    assert clone.loss is error and other is error
    assert one is not mean and float(one.result()) == 0
    assert float(clone.optimizer.learning_rate) == 0.5


def test_a_compile_of_ones_own_is_asked_how(engine):
    class Own(engine.Model):
        def compile(self, factor, **kwargs):
            super().compile(**kwargs)
            self.factor = factor

        def get_compile_config(self):
            return {"factor": self.factor}

        def compile_from_config(self, config):
            self.compile(config["factor"], optimizer="sgd", loss="mse")

    x = engine.Input((4,))
    model = Own(x, engine.layers.Dense(1)(x))
    model.compile(3, optimizer="adam", loss="mae")
    clone = engine.models.clone_model(model)
    assert (clone.compiled, clone.factor, clone.loss) == (True, 3, "mse")

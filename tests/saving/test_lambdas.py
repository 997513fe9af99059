"""Python lambdas in models: written as Keras does it, with a warning, and never read."""

import copy
import json
import marshal
import zipfile
from base64 import decodebytes

import h5py
import numpy as np
import pytest

import npkeras
from npkeras.saving import UnsafeModelError

X = np.arange(6, dtype="float32").reshape(2, 3)
Y = np.ones((2, 2), "float32")

pytestmark = pytest.mark.filterwarnings("ignore:The lambda in line")


def times(factor):
    return lambda x, plus=2.0: x * factor + plus


def model_of(engine, activation=None):
    layers = engine.layers
    model = engine.Sequential(
        [
            engine.Input((3,)),
            layers.Lambda(times(5.0), output_shape=lambda shape: shape),
            layers.Dense(2, activation=activation, kernel_initializer="ones"),
        ]
    )
    model.compile("sgd", loss=lambda y, p: (y - p) ** 2, metrics=[lambda y, p: y * p])
    return model


def config_in(path):
    if path.suffix == ".keras":
        return json.loads(zipfile.ZipFile(path).read("config.json"))
    with h5py.File(path) as file:
        return json.loads(file.attrs["model_config"])


def shape_of(value):
    """A config without the code: its text is another for each way of making it."""
    if isinstance(value, dict):
        return {k: shape_of(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [shape_of(v) for v in value]
    return "code" if isinstance(value, str) and value.startswith(("4w", "YwA", "YwE")) else value


@pytest.mark.keras
@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
def test_keras_loads_what_was_written_where_it_is_told_to_trust_it(keras, tmp_path, name):
    model = model_of(npkeras, activation=lambda x: x * 2)
    model.save(tmp_path / name)
    with pytest.raises((ValueError, TypeError)):
        keras.saving.load_model(tmp_path / name, compile=False)
    whole = name.endswith(".keras")  # how it was compiled a `.h5` file does not say
    again = keras.saving.load_model(tmp_path / name, safe_mode=False, compile=whole)
    expected = model.predict(X, verbose=0)
    np.testing.assert_allclose(again.predict(X, verbose=0), expected, rtol=1e-6)
    if whole:
        found = again.evaluate(X, Y, verbose=0)
        np.testing.assert_allclose(found, model.evaluate(X, Y, verbose=0), rtol=1e-5)


@pytest.mark.keras
def test_a_lambda_layer_has_the_config_of_keras(keras):
    def scaled(factor, note):
        return lambda x: x * factor + len(note)

    function = scaled(np.float32(3), ("a", 1))
    ours, theirs = (
        json.loads(e.Sequential([e.layers.Lambda(function, name="one")], name="m").to_json())
        for e in (npkeras, keras)
    )
    ours, theirs = (c["config"]["layers"][0]["config"]["function"] for c in (ours, theirs))
    assert shape_of(ours) == shape_of(theirs)
    assert ours["config"]["closure"] == [3.0, ["a", 1]]
    codes = [marshal.loads(decodebytes(c["config"]["code"].encode())) for c in (ours, theirs)]
    assert codes[0] == codes[1] == function.__code__


@pytest.mark.keras
@pytest.mark.parametrize(
    "kind", ["losses", "metrics", "initializers", "regularizers", "constraints"]
)
def test_other_lambdas_have_the_config_of_keras(keras, kind):
    def function(engine):
        return getattr(engine, kind).serialize(times(4))

    ours, theirs = function(npkeras), function(keras)
    assert shape_of(json.loads(json.dumps(ours))) == shape_of(json.loads(json.dumps(theirs)))


@pytest.mark.keras
def test_training_configs_of_h5_files_say_of_a_lambda_what_keras_says(keras, tmp_path):
    said = []
    for engine in (npkeras, keras):
        model_of(engine).save(tmp_path / "model.h5")
        with h5py.File(tmp_path / "model.h5") as file:
            config = json.loads(file.attrs["training_config"])
        said.append({key: config[key] for key in ("loss", "metrics")})
    assert said[0] == said[1]


def test_training_goes_on_where_checkpoints_hold_a_lambda(tmp_path):
    path = tmp_path / "{epoch}.keras"
    checkpoint = npkeras.callbacks.ModelCheckpoint(path)
    model = model_of(npkeras, activation=lambda x: x * 2)
    with pytest.warns(UserWarning, match="never runs code.*Keras will.*`def`.*register_keras"):
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[checkpoint])
    for epoch in (1, 2):
        assert config_in(tmp_path / f"{epoch}.keras")["class_name"] == "Sequential"
    again = model_of(npkeras, activation=lambda x: x * 2)
    again.load_weights(tmp_path / "2.keras")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))


@pytest.mark.parametrize("name", ["model.keras", "model.h5"])
@pytest.mark.parametrize("safe_mode", [True, False])
def test_it_is_refused_with_the_place_that_holds_it(tmp_path, name, safe_mode):
    npkeras.Sequential(
        [npkeras.Input((3,)), npkeras.layers.Dense(2, activation=lambda x: x, name="top")]
    ).save(tmp_path / name)
    with pytest.raises(UnsafeModelError, match=r"code \('activation' of 'top'\).*never runs"):
        npkeras.saving.load_model(tmp_path / name, safe_mode=safe_mode)


def test_what_has_no_config_leaves_a_gap():
    thing, held = object(), []
    function = lambda x: (thing, held, x)[2]  # noqa: E731
    layer = npkeras.layers.Lambda(function, output_shape=(3,))
    held.append(npkeras.Sequential([npkeras.Input((3,)), layer]))
    closure = layer.get_config()["function"]["config"]["closure"]
    assert sorted(map(type, closure), key=str) == [type(None), list] or closure[1] is None
    json.loads(held[0].to_json())


def test_copies_keep_the_lambda_and_clones_cannot():
    model = model_of(npkeras)
    again = copy.deepcopy(model)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    with pytest.raises(ValueError, match="never runs"):
        npkeras.models.clone_model(model)

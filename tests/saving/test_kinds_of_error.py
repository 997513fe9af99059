"""Kinds of error: those of Keras, for programs that wait for them, and npkeras' own."""

import pytest

import npkeras
from npkeras.saving import CorruptFileError


def model_of(engine, activation=None):
    class Own(engine.layers.Dense):
        pass

    kind = engine.layers.Dense if activation else Own
    return engine.Sequential([engine.Input((3,)), kind(2, activation=activation)])


def bent(x):
    return x


def kind_of_error(function, *args):
    with pytest.raises(Exception) as caught:
        function(*args)
    return caught.type


def assert_both(keras_kind, error, *ours):
    for kind in (keras_kind, *ours):
        assert issubclass(error, next(k for k in kind.__mro__ if k.__module__ == "builtins"))


@pytest.mark.keras
@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("activation", [None, bent], ids=["class", "function"])
def test_what_is_unknown_in_a_file(keras, tmp_path, ending, activation):
    path = tmp_path / f"model{ending}"
    kinds = []
    for engine in (keras, npkeras):
        model_of(engine, activation).save(path)
        kinds.append(kind_of_error(engine.saving.load_model, path))
    assert_both(kinds[0], kinds[1], ValueError)


UNKNOWN = {
    "class": {"module": "mine", "class_name": "No", "config": {}, "registered_name": "No"},
    "function": {
        "module": "builtins",
        "class_name": "function",
        "config": "no",
        "registered_name": "function",
    },
}


@pytest.mark.keras
@pytest.mark.parametrize("kind", UNKNOWN)
@pytest.mark.parametrize(
    "deserialize",
    [
        lambda engine, config: engine.saving.deserialize_keras_object(config),
        lambda engine, config: engine.layers.deserialize(config),
    ],
    ids=["object", "layer"],
)
def test_what_is_unknown_in_a_config(keras, kind, deserialize):
    kinds = [kind_of_error(deserialize, e, UNKNOWN[kind]) for e in (keras, npkeras)]
    assert_both(kinds[0], kinds[1], ValueError, TypeError)


@pytest.mark.keras
@pytest.mark.parametrize(
    "call, name",
    [
        *(("load_model", name) for name in ("no.keras", "no.h5", "no", "no.weights.h5")),
        *(
            ("load_weights", name)
            for name in ("no.keras", "no.h5", "no.weights.h5", "no.weights.json")
        ),
    ],
)
def test_there_is_no_such_file(keras, tmp_path, call, name):
    kinds = []
    for engine in (keras, npkeras):
        model = model_of(engine)
        load = engine.saving.load_model if call == "load_model" else model.load_weights
        kinds.append(kind_of_error(load, str(tmp_path / name)))
    assert_both(kinds[0], kinds[1], ValueError, FileNotFoundError)


@pytest.mark.keras
@pytest.mark.parametrize("damage", ["cut short", "of another kind"])
@pytest.mark.parametrize(
    "call, name",
    [
        ("load_model", "model.h5"),
        ("load_weights", "model.h5"),
        ("load_weights", "model.weights.h5"),
    ],
)
def test_a_damaged_file(keras, tmp_path, damage, call, name):
    path = tmp_path / name
    kinds = []
    for engine in (keras, npkeras):
        model = model_of(engine)
        (model.save_weights if "weights" in name else model.save)(path)
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] if damage == "cut short" else b"hello")
        load = engine.saving.load_model if call == "load_model" else model.load_weights
        kinds.append(kind_of_error(load, str(path)))
    assert issubclass(kinds[1], CorruptFileError)
    assert_both(kinds[0], kinds[1], ValueError, OSError)


def test_a_message_is_as_it_was(tmp_path):
    path = tmp_path / "model.h5"
    path.write_bytes(b"hello")
    with pytest.raises(OSError, match=r"^'.*model.h5' is not a sound HDF5 file") as caught:
        npkeras.saving.load_model(path)
    assert (caught.value.errno, caught.value.filename) == (None, None)
    with pytest.raises(ValueError, match=r"^There is no file '.*none.keras'\.$"):
        npkeras.saving.load_model(tmp_path / "none.keras")

"""`.keras` files and folders: both ways with Keras, and training goes on as if nothing had been."""

import json
import zipfile

import numpy as np
import pytest

import npkeras
from tests.saving.whole_models import MODELS, X, classes_of, dense, words

FORMS = {"file": ("model.keras", True), "folder": ("model", False)}


def made(engine, name):
    build, x, y = MODELS[name]
    engine.utils.set_random_seed(5)
    model = build(engine)
    if y is not None:
        model.train_on_batch(x, y)
        model.train_on_batch(x, y)
    return model, x, y


def leaves(nest):
    return list(nest.values()) if isinstance(nest, dict) else [nest]


def assert_same(one, other, x, tolerance=1e-5):
    pairs = zip(leaves(one.predict(x, verbose=0)), leaves(other.predict(x, verbose=0)), strict=True)
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def assert_same_state(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    if getattr(one, "optimizer", None) is not None:
        for a, b in zip(one.optimizer.variables, other.optimizer.variables, strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())


IN_FOLDERS = ("words", "two outputs")  # the others are read from files only


@pytest.mark.keras
@pytest.mark.parametrize("writer, reader", [("keras", "npkeras"), ("npkeras", "keras")])
@pytest.mark.parametrize(
    "name, form", [(n, "file") for n in MODELS] + [(n, "folder") for n in IN_FOLDERS]
)
@pytest.mark.filterwarnings("ignore::UserWarning:keras.*")
def test_the_other_one_reads_it_and_training_goes_on(keras, tmp_path, form, writer, reader, name):
    file_name, zipped = FORMS[form]
    engines = {"keras": keras, "npkeras": npkeras}
    source, x, y = made(engines[writer], name)
    source.save(str(tmp_path / file_name), zipped=zipped)
    classes_of(engines[reader])
    model = engines[reader].saving.load_model(str(tmp_path / file_name))
    assert_same_state(source, model)
    # Where a processor adds halves, TensorFlow has it round each sum on the way.
    rounding = 2 * np.finfo("float16").eps if name == "with halves" else 1e-5
    assert_same(source, model, x, rounding)
    tolerance = 1e-2 if name == "with halves" else 1e-5
    if y is not None:
        one, other = (m.test_on_batch(x, y, return_dict=True) for m in (source, model))
        assert sorted(one) == sorted(other)
        for key in one:
            np.testing.assert_allclose(one[key], other[key], rtol=1e-4, err_msg=key)
        for each in (source, model):
            each.train_on_batch(x, y)
        assert_same(source, model, x, tolerance)
    model.save(str(tmp_path / "back.keras"))
    again = engines[writer].saving.load_model(str(tmp_path / "back.keras"))
    assert_same_state(model, again)
    assert_same(model, again, x, rounding)


@pytest.mark.parametrize("name", list(MODELS))
def test_a_file_gives_back_the_model(tmp_path, name):
    model, x, _ = made(npkeras, name)
    model.save(tmp_path / "model.keras")
    again = npkeras.saving.load_model(tmp_path / "model.keras")
    assert_same_state(model, again)
    assert again.get_config() == model.get_config()
    assert json.dumps(again.get_compile_config()) == json.dumps(model.get_compile_config())
    assert_same(model, again, x, 0)


def test_the_file_is_a_plain_archive_in_the_order_of_keras(tmp_path):
    model, _, _ = made(npkeras, "dense")
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        assert archive.testzip() is None
        names = [(entry.filename, entry.compress_type) for entry in archive.infolist()]
        metadata = json.loads(archive.read("metadata.json"))
    assert names == [("metadata.json", 0), ("config.json", 0), ("model.weights.h5", 0)]
    assert metadata["keras_version"].startswith("3.")
    assert len(metadata["date_saved"]) == len("2030-01-01@00:00:00")


@pytest.mark.keras
@pytest.mark.parametrize("name", ["dense", "words", "nested", "with objects", "small layers"])
def test_the_config_has_the_keys_of_keras(keras, tmp_path, name):
    """What a shared object's number is differs, and which objects Keras calls shared."""

    def tidy(value):
        if isinstance(value, dict):
            return {k: tidy(v) for k, v in value.items() if k != "shared_object_id"}
        return [tidy(v) for v in value] if isinstance(value, list) else value

    configs = []
    for engine in (keras, npkeras):
        engine.backend.clear_session()
        made(engine, name)[0].save(str(tmp_path / "model.keras"))
        with zipfile.ZipFile(tmp_path / "model.keras") as archive:
            configs.append(tidy(json.loads(archive.read("config.json"))))
    theirs, ours = (dict(config) for config in configs)
    assert sorted(ours) == sorted(theirs)
    assert ours["compile_config"].keys() == theirs["compile_config"].keys()
    for a, b in zip(ours["config"]["layers"], theirs["config"]["layers"], strict=True):
        assert (a["class_name"], a["module"]) == (b["class_name"], b["module"])
        shared = a["config"].keys() & b["config"].keys()
        assert {k: a["config"][k] for k in shared if k != "layer" and k != "layers"} == {
            k: b["config"][k] for k in shared if k != "layer" and k != "layers"
        }


def test_an_object_used_twice_is_one_object_again(tmp_path):
    shared = npkeras.initializers.GlorotNormal(seed=3)
    dense = [npkeras.layers.Dense(2, kernel_initializer=shared) for _ in range(2)]
    npkeras.Sequential([npkeras.Input((2,)), *dense]).save(tmp_path / "model.keras")
    first, second = npkeras.saving.load_model(tmp_path / "model.keras").layers
    assert first.kernel_initializer is second.kernel_initializer


def test_loading_without_compiling(tmp_path):
    model, x, _ = made(npkeras, "dense")
    model.save(tmp_path / "model.keras")
    again = npkeras.saving.load_model(tmp_path / "model.keras", compile=False)
    assert not again.compiled and again.optimizer is None
    assert_same(model, again, x, 0)


def test_classes_of_ones_own_are_passed(tmp_path):
    class Twice(npkeras.layers.Layer):
        def call(self, inputs):
            return 2 * inputs

    def loss(y_true, y_pred):
        return npkeras.ops.mean(npkeras.ops.abs(y_true - y_pred), axis=-1)

    model = npkeras.Sequential([npkeras.Input((4,)), Twice(), npkeras.layers.Dense(2)])
    model.compile("sgd", loss)
    model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"'model.keras' could not be .* 'Twice'.*custom_objects"):
        npkeras.saving.load_model(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="'loss'"):
        npkeras.saving.load_model(tmp_path / "model.keras", {"Twice": Twice})
    again = npkeras.saving.load_model(tmp_path / "model.keras", {"Twice": Twice, "loss": loss})
    assert type(again.layers[0]) is Twice and again.loss is loss
    with npkeras.saving.custom_object_scope({"Twice": Twice}):
        assert not npkeras.saving.load_model(tmp_path / "model.keras", compile=False).compiled


def test_a_model_with_a_compile_of_its_own_says_that_it_was_not_compiled(tmp_path):
    class Own(npkeras.Sequential):
        def compile(self, pace):
            super().compile(npkeras.optimizers.SGD(pace), "mse")

    model = Own([npkeras.Input((4,)), npkeras.layers.Dense(2)])
    model.compile(0.1)
    model.save(tmp_path / "model.keras")
    with pytest.warns(UserWarning, match="without being compiled.*`compile` of its own"):
        again = npkeras.saving.load_model(tmp_path / "model.keras", {"Own": Own})
    assert not again.compiled


def test_a_model_that_is_not_built_is_saved_by_its_config(tmp_path):
    npkeras.Sequential([npkeras.layers.Dense(2)]).save(tmp_path / "model.keras")
    again = npkeras.saving.load_model(tmp_path / "model.keras")
    assert not again.built
    assert again(X).shape == (6, 2)


def test_weights_alone_are_read_from_a_whole_model(tmp_path):
    for file_name, zipped in FORMS.values():
        model, x, _ = made(npkeras, "words")
        model.save(tmp_path / file_name, zipped=zipped)
        other = words(npkeras)
        other.load_weights(tmp_path / file_name)
        assert_same_state(model, other)


def test_an_older_model_is_replaced_in_either_form(tmp_path):
    for file_name, zipped in FORMS.values():
        for name in ("dense", "words"):
            model, x, _ = made(npkeras, name)
            model.save(tmp_path / file_name, zipped=zipped)
            assert_same(model, npkeras.saving.load_model(tmp_path / file_name), x, 0)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model", "model.keras"]


def test_a_folder_with_other_things_in_it_is_not_replaced(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="holds 'notes.txt'"):
        dense(npkeras).save(tmp_path, zipped=False)
    with pytest.raises(FileExistsError, match="it is a file"):
        dense(npkeras).save(tmp_path / "notes.txt", zipped=False)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_nothing_is_overwritten_against_the_users_will(tmp_path, monkeypatch):
    path = tmp_path / "model.keras"
    dense(npkeras).save(path)
    before = path.read_bytes()
    asked = []
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or "n")
    dense(npkeras).save(path, overwrite=False)
    assert path.read_bytes() == before and len(asked) == 1
    monkeypatch.setattr("builtins.input", lambda text: "y")
    words(npkeras).save(path, overwrite=False)
    assert path.read_bytes() != before


def test_names_of_other_kinds_are_refused(tmp_path):
    model = dense(npkeras)
    for name in ("model", "model.pb", "model.weights.h5.txt"):
        with pytest.raises(ValueError, match=r"ends in `.keras`.*Received"):
            model.save(tmp_path / name)
    with pytest.raises(ValueError, match="on this machine.*hf://"):
        model.save("hf://somebody/model")
    with pytest.raises(ValueError, match="on this machine"):
        npkeras.saving.load_model("gs://somewhere/model.keras")
    with pytest.raises(TypeError, match="unexpected keyword argument: `colour`"):
        model.save(tmp_path / "model.keras", colour="red")
    with pytest.raises(FileNotFoundError, match="nothing.keras"):
        npkeras.saving.load_model(tmp_path / "nothing.keras")
    (tmp_path / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ValueError, match="reads `.keras` files"):
        npkeras.saving.load_model(tmp_path)


def test_graphs_are_not_exported(tmp_path):
    with pytest.raises(NotImplementedError, match="no graph to export as 'onnx'. Use `save`"):
        dense(npkeras).export(tmp_path / "model.onnx", format="onnx")
    assert not list(tmp_path.iterdir())


def test_the_caller_is_told_where_weights_are_not_finite(tmp_path):
    model = dense(npkeras)
    model.layers[0].kernel.value[0, 0] = np.nan
    with pytest.warns(UserWarning, match="kernel` holds values that are not finite") as told:
        model.save(tmp_path / "model.keras")
    assert told[0].filename == __file__
    with pytest.warns(UserWarning, match="loaded with values that are not finite") as told:
        npkeras.saving.load_model(tmp_path / "model.keras")
    assert told[0].filename == __file__

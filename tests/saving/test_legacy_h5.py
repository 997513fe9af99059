"""`.h5` files: of Keras 1 and 2.0 to 2.3 as stored, their rules, and files that lie."""

import pathlib
import warnings

import h5py
import numpy as np
import pytest

import npkeras
from npkeras.saving import CorruptFileError, WeightsMismatchError, legacy_h5

FIXTURES = pathlib.Path(__file__).parent / "fixtures"


def expected(name):
    return dict(np.load(FIXTURES / f"{name}.npz"))


def predicted(model, x):
    return model.predict(x, verbose=0)


# -- Stored files of generations that can no longer be run ----------------------------------------


@pytest.mark.parametrize("name", ["keras_2_0", "keras_2_3"])
def test_a_model_of_an_old_generation_predicts_and_trains_on_as_it_did(name, tmp_path):
    known = expected(name)
    model = legacy_h5.load_model(FIXTURES / f"{name}.h5")
    np.testing.assert_allclose(predicted(model, known["x"]), known["y"], atol=1e-6)
    model.train_on_batch(known["x"], known["target"])
    np.testing.assert_allclose(predicted(model, known["x"]), known["y_later"], atol=1e-5)
    for again in (tmp_path / "again.h5", tmp_path / "again.keras"):
        model.save(again)
        other = npkeras.saving.load_model(again)
        np.testing.assert_allclose(predicted(other, known["x"]), known["y_later"], atol=1e-5)


def test_layers_of_cudnn_become_those_that_compute_the_same():
    known = expected("keras_2_2_fused")
    model = legacy_h5.load_model(FIXTURES / "keras_2_2_fused.h5")
    assert [type(layer).__name__ for layer in model.layers] == ["Bidirectional", "GRU"]
    np.testing.assert_allclose(predicted(model, known["x"]), known["y"], atol=1e-6)


def model_of_keras_1():
    old = npkeras.saving.generations.hard_sigmoid_of_keras_2
    L = npkeras.layers
    return npkeras.Sequential(
        [
            npkeras.Input((5,)),
            L.Embedding(7, 3),
            L.LSTM(4, recurrent_activation=old, return_sequences=True),
            L.GRU(3, recurrent_activation=old, reset_after=False),
            L.Dropout(0.5),
            L.Dense(2, activation="softmax"),
        ]
    )


def test_weights_of_keras_1_are_put_together():
    known = expected("keras_1_weights")
    model = model_of_keras_1()
    legacy_h5.load_weights(model, FIXTURES / "keras_1_weights.h5")
    np.testing.assert_allclose(predicted(model, known["x"]), known["y"], atol=1e-6)


def test_a_model_of_keras_1_is_made_from_its_config():
    known = expected("keras_1_weights")
    model = legacy_h5.load_model(FIXTURES / "keras_1_model.h5")
    assert not model.compiled
    np.testing.assert_allclose(predicted(model, known["x"]), known["y"], atol=1e-6)


def test_the_old_hard_sigmoid_is_saved_under_a_name_of_its_own(tmp_path):
    model = legacy_h5.load_model(FIXTURES / "keras_2_0.h5")
    name = npkeras.activations.serialize(model.layers[1].recurrent_activation)["config"]
    assert name == "npkeras>hard_sigmoid_of_keras_2"


def test_a_gru_of_the_other_kind_is_told_apart_by_its_bias():
    model = model_of_keras_1()
    L = npkeras.layers
    other = npkeras.Sequential(
        [npkeras.Input((5,)), *model.layers[:2], L.GRU(3, reset_after=True), *model.layers[3:]]
    )
    before = other.get_weights()
    with pytest.raises(WeightsMismatchError, match="saved with reset_after=False"):
        legacy_h5.load_weights(other, FIXTURES / "keras_1_weights.h5")
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


# -- Rules of the format --------------------------------------------------------------------------


def small(units=3, name="small", frozen=False):
    L = npkeras.layers
    inner = npkeras.Sequential(
        [npkeras.Input((4,)), L.Dense(3, name="a", trainable=not frozen), L.Dense(3, name="b")],
        name="inner",
    )
    return npkeras.Sequential(
        [npkeras.Input((4,)), inner, L.Dropout(0.0, name="drop"), L.Dense(units, name="out")],
        name=name,
    )


X = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)


@pytest.fixture
def saved(tmp_path):
    npkeras.utils.set_random_seed(3)
    model = small()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(X, np.ones((2, 3)), verbose=0)
    path = tmp_path / "model.h5"
    legacy_h5.save_model(model, path)
    return model, path


def same_weights(a, b):
    pairs = zip(a.get_weights(), b.get_weights(), strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


def test_a_model_comes_back_with_its_optimizer(saved):
    model, path = saved
    other = legacy_h5.load_model(path)
    assert same_weights(model, other)
    for a, b in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.value, b.value)
    for one in (model, other):
        one.train_on_batch(X, np.ones((2, 3)))
    assert same_weights(model, other)


def test_without_optimizer_the_model_is_not_compiled(saved, tmp_path):
    model, path = saved
    assert not legacy_h5.load_model(path, compile=False).compiled
    legacy_h5.save_model(model, tmp_path / "bare.h5", include_optimizer=False)
    with h5py.File(tmp_path / "bare.h5") as file:
        assert "training_config" not in file.attrs and "optimizer_weights" not in file
    assert not legacy_h5.load_model(tmp_path / "bare.h5").compiled


def test_what_is_trained_comes_first_as_it_was_at_saving_time(tmp_path):
    npkeras.utils.set_random_seed(5)
    model = small(frozen=True)
    legacy_h5.save_model(model, tmp_path / "frozen.h5")
    with h5py.File(tmp_path / "frozen.h5") as file:
        names = list(file["model_weights/inner"].attrs["weight_names"])
    assert [name.split("/")[-2] for name in names] == ["b", "b", "a", "a"]
    assert same_weights(model, legacy_h5.load_model(tmp_path / "frozen.h5"))


def test_layers_are_found_by_name(saved):
    model, path = saved
    L = npkeras.layers
    other = npkeras.Sequential(
        [npkeras.Input((3,)), L.Dense(5), L.Dense(3), L.Dense(3, name="out")]
    )
    legacy_h5.load_weights(other, path, by_name=True)
    np.testing.assert_array_equal(other.layers[2].kernel, model.layers[2].kernel)
    with pytest.warns(UserWarning, match="no layer of model .* has the name"):
        legacy_h5.load_weights(npkeras.Sequential([npkeras.Input((3,)), L.Dense(3)]), path, True)


def test_what_does_not_fit_changes_nothing_or_is_skipped(saved):
    model, path = saved
    other = small(units=5)
    before = other.get_weights()
    with pytest.raises(
        WeightsMismatchError, match=r"layer 'out' \(Dense\): its `kernel` has shape \(3, 5\).*3, 3"
    ):
        legacy_h5.load_weights(other, path)
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.warns(UserWarning, match="Skipped: .* layer 'out'"):
        legacy_h5.load_weights(other, path, skip_mismatch=True)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    with pytest.raises(WeightsMismatchError, match="weights for 2 layers .* has 1 with weights"):
        legacy_h5.load_weights(
            npkeras.Sequential([npkeras.Input((4,)), npkeras.layers.Dense(3)]), path
        )


def test_long_lists_of_names_are_split(tmp_path):
    layers = [npkeras.layers.Flatten(name=f"{i}_{'n' * 100}") for i in range(400)]
    model = npkeras.Sequential([npkeras.Input((2,)), *layers, npkeras.layers.Dense(1)])
    legacy_h5.save_model(model, tmp_path / "long.h5")
    with h5py.File(tmp_path / "long.h5") as file:
        attributes = sorted(k for k in file["model_weights"].attrs if k.startswith("layer_names"))
    assert attributes == ["layer_names0", "layer_names1", "layer_names2"]
    assert same_weights(model, legacy_h5.load_model(tmp_path / "long.h5"))


def test_a_model_of_its_own_code_is_refused(tmp_path):
    class Own(npkeras.Model):
        def call(self, x):
            return x

    model = Own()
    model(X)
    with pytest.raises(NotImplementedError, match="made by its own code"):
        legacy_h5.save_model(model, tmp_path / "own.h5")


def test_an_old_file_stays_when_the_model_cannot_be_written(saved):
    model, path = saved
    whole = path.read_bytes()
    model.layers[-1].kernel.path = model.layers[-1].bias.path
    with pytest.raises(ValueError, match="have one path"):
        legacy_h5.save_model(model, path)
    assert path.read_bytes() == whole


def test_state_of_another_optimizer_is_left_out_with_a_warning(saved):
    _, path = saved
    with h5py.File(path, "a") as file:
        names = list(file["optimizer_weights"].attrs["weight_names"])
        file["optimizer_weights"].attrs["weight_names"] = names[:-1]
    with pytest.warns(UserWarning, match="state of optimizer 'adam' was not loaded"):
        model = legacy_h5.load_model(path)
    assert int(model.optimizer.iterations) == 0


# -- Files that lie -------------------------------------------------------------------------------

KERNEL = "model_weights/out/small/out/kernel"


def replaced(file, make):
    del file[KERNEL]
    make(file, KERNEL)


def external(file, name):
    file.create_dataset(name, (3, 3), "f4", external=[("/etc/passwd", 0, 36)])


def bomb(file, name):
    file.create_dataset(name, (1 << 20, 1 << 20), "f4", chunks=(1024, 1024), compression="gzip")


def without(name, group="/"):
    return lambda file: file[group].attrs.__delitem__(name)


def setting(name, value, group="/"):
    return lambda file: file[group].attrs.__setitem__(name, value)


LIES = {
    "a soft link": (
        lambda file: replaced(file, lambda f, n: f.__setitem__(n, h5py.SoftLink("/x"))),
        "a link to another place",
    ),
    "an external link": (
        lambda file: replaced(file, lambda f, n: f.__setitem__(n, h5py.ExternalLink("x.h5", "/"))),
        "a link to another place",
    ),
    "numbers of another file": (lambda file: replaced(file, external), "from another file"),
    "a bomb": (lambda file: replaced(file, bomb), "would lie outside of it"),
    "no array": (lambda file: file.__delitem__(KERNEL), "kernel is missing"),
    "a group": (lambda file: replaced(file, lambda f, n: f.create_group(n)), "is no array"),
    "text for numbers": (
        lambda file: replaced(file, lambda f, n: f.__setitem__(n, np.full((3, 3), b"x"))),
        "Expected real numbers",
    ),
    "no config": (without("model_config"), "holds no model, only weights"),
    "config that is no JSON": (setting("model_config", "{"), "is not JSON"),
    "config that is a number": (setting("model_config", 3), "is not one text"),
    "config of nothing": (setting("model_config", "{}"), "must be a dict with"),
    "no list of layers": (without("layer_names", "model_weights"), "has no list 'layer_names'"),
    "names that are numbers": (
        setting("layer_names", [1, 2], "model_weights"), "does not hold text",
    ),
    "a layer that is missing": (
        setting("layer_names", ["inner", "gone"], "model_weights"), "gone is missing",
    ),
    "a way out": (setting("weight_names", ["../out"], "model_weights/out"), "is missing"),
    "code": (
        setting(
            "model_config",
            '{"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config":'
            ' {"function": {"class_name": "__lambda__", "config": {}}}}]}}',
        ),
        "compiled Python code",
    ),
    "another file's code": (
        setting("model_config", '{"class_name": "Popen", "module": "subprocess", "config": {}}'),
        "Unknown class or function 'Popen'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LIES)
def test_a_file_that_lies_is_refused(saved, name):
    _, path = saved
    change, message = LIES[name]
    with h5py.File(path, "a") as file:
        change(file)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=message) as caught:
            legacy_h5.load_model(path)
    assert len(str(caught.value)) < 500


def test_code_in_an_old_lambda_is_refused_in_any_mode(tmp_path):
    config = (
        '{"class_name": "Sequential", "config": {"name": "s", "layers": [{"class_name": "Lambda",'
        ' "config": {"name": "do", "function": ["4wEAAAA=", null, null], "function_type": "lambda"'
        "}}]}}"
    )
    with h5py.File(tmp_path / "lambda.h5", "w") as file:
        file.attrs.update(model_config=config, keras_version="2.15.0", backend="tensorflow")
        file.create_group("model_weights").attrs["layer_names"] = []
    for safe_mode in (True, False):
        with pytest.raises(npkeras.saving.errors.UnsafeModelError, match="Layer 'do' .*code"):
            legacy_h5.load_model(tmp_path / "lambda.h5", safe_mode=safe_mode)


def test_a_file_of_the_newer_layout_is_named(saved, tmp_path):
    model, _ = saved
    model.save_weights(tmp_path / "new.weights.h5")
    with pytest.raises(CorruptFileError, match="has no list of layers"):
        legacy_h5.load_weights(model, tmp_path / "new.weights.h5")


def test_a_model_that_was_never_built_comes_back_unbuilt(tmp_path):
    model = npkeras.Sequential([npkeras.layers.Dense(2)])
    model.compile("adam", "mse")
    legacy_h5.save_model(model, tmp_path / "unbuilt.h5")
    other = legacy_h5.load_model(tmp_path / "unbuilt.h5")
    assert not other.built and other.compiled

"""Weights in several files: both ways with Keras, and never a mixture of two saves."""

import json

import numpy as np
import pytest

import npkeras
from npkeras.saving import CorruptFileError, WeightsMismatchError
from tests.saving.test_weights_h5 import layout

GB = 2**30
X, Y = np.ones((4, 6), "float32"), np.zeros((4, 2), "float32")


def model_of(k):
    model = k.Sequential([k.Input((6,)), *(k.layers.Dense(6) for _ in range(3)), k.layers.Dense(2)])
    model.compile("adam", "mse")
    model.train_on_batch(X, Y)
    return model


def assert_same(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(one.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


def files(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.keras
@pytest.mark.parametrize("writer, reader", [("keras", "npkeras"), ("npkeras", "keras")])
@pytest.mark.parametrize("saves", [1, 2])
def test_the_other_one_reads_it(keras, tmp_path, writer, reader, saves):
    engines = {"keras": keras, "npkeras": npkeras}
    path = str(tmp_path / "model.weights.json")
    for _ in range(saves):
        source = model_of(engines[writer])
        source.save_weights(path, max_shard_size=300 / GB)
    model = model_of(engines[reader])
    model.load_weights(path)
    assert_same(source, model)


@pytest.mark.keras
def test_the_files_are_laid_out_as_keras_lays_them_out(keras, tmp_path):
    layouts = []
    for engine in (keras, npkeras):
        engine.backend.clear_session()
        folder = tmp_path / engine.__name__
        folder.mkdir()
        model_of(engine).save_weights(str(folder / "m.weights.json"), max_shard_size=300 / GB)
        index = json.loads((folder / "m.weights.json").read_text())
        found = {
            name: {path: held for path, (held, _) in layout(folder / name).items() if held}
            for name in files(folder)[1:]
        }
        layouts.append((files(folder), index, found))
    theirs, ours = layouts
    assert ours[:2] == theirs[:2]
    assert ours[2] == theirs[2]


def test_a_later_save_leaves_no_file_of_the_one_before(tmp_path):
    path = tmp_path / "model.weights.json"
    model = model_of(npkeras)
    sizes = {}
    for size in (300, 600, 1e9, 200):
        model.train_on_batch(X, Y)
        model.save_weights(path, max_shard_size=size / GB)
        other = model_of(npkeras)
        other.load_weights(path)
        assert_same(model, other)
        sizes[size] = files(tmp_path)
        count = len(sizes[size]) - 1
        assert sizes[size][1:] == [f"model_{i:05}.weights.h5" for i in range(count)]
    assert len(sizes[200]) > len(sizes[600]) > len(sizes[1e9]) == 2


def test_other_files_are_left_alone(tmp_path):
    for name in ("model_00007.weights.h5.txt", "model_x.weights.h5", "other_00000.weights.h5"):
        (tmp_path / name).write_text("mine")
    for _ in range(2):
        model_of(npkeras).save_weights(tmp_path / "model.weights.json", max_shard_size=300 / GB)
    for name in ("model_00007.weights.h5.txt", "model_x.weights.h5", "other_00000.weights.h5"):
        assert (tmp_path / name).read_text() == "mine"


def test_without_hard_links_the_new_files_keep_other_names(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    path = tmp_path / "model.weights.json"
    for _ in range(3):
        model = model_of(npkeras)
        model.save_weights(path, max_shard_size=300 / GB)
        other = model_of(npkeras)
        other.load_weights(path)
        assert_same(model, other)


def test_names_and_sizes(tmp_path):
    model = model_of(npkeras)
    with pytest.raises(ValueError, match=r"has 144 bytes, .* than 100: `max_shard_size` is too"):
        model.save_weights(tmp_path / "model.weights.json", max_shard_size=100 / GB)
    with pytest.raises(ValueError, match=r"ends in '.weights.h5'. Received"):
        model.save_weights(tmp_path / "model.weights.json")
    with pytest.raises(ValueError, match=r"or '.weights.json'. Received"):
        model.save_weights(tmp_path / "model.h5", max_shard_size=1)
    assert not files(tmp_path)
    with pytest.warns(UserWarning, match="goes by 'model.weights.json', not 'model.weights.h5'"):
        model.save_weights(tmp_path / "model.weights.h5", max_shard_size=1)
    with pytest.raises(FileNotFoundError, match="nothing.weights.json"):
        model.load_weights(tmp_path / "nothing.weights.json")


def test_layers_can_be_left_out(tmp_path):
    model, path = model_of(npkeras), tmp_path / "model.weights.json"
    skipped = {"objects_to_skip": [model.layers[0], model.optimizer]}
    model.save_weights(path, max_shard_size=300 / GB, **skipped)
    assert not any("optimizer" in place for place in json.loads(path.read_text())["weight_map"])
    other = model_of(npkeras)
    with pytest.raises(WeightsMismatchError, match="the file holds 0"):
        other.load_weights(path)
    before = other.layers[0].get_weights()
    other.load_weights(path, objects_to_skip=[other.layers[0], other.optimizer])
    np.testing.assert_array_equal(other.layers[0].get_weights()[0], before[0])
    np.testing.assert_array_equal(
        other.layers[1].get_weights()[0], model.layers[1].get_weights()[0]
    )


def renamed(name):
    def change(index, folder):
        index["weight_map"]["/layers/dense/vars"] = name

    return change


def missing(index, folder):
    (folder / "model_00001.weights.h5").unlink()


def twice(index, folder):
    data = (folder / "model_00000.weights.h5").read_bytes()
    (folder / "model_00001.weights.h5").write_bytes(data)
    index["weight_map"]["/layers/dense/vars"] = ["model_00000.weights.h5", "model_00001.weights.h5"]


def linked(index, folder):
    (folder / "model_00001.weights.h5").rename(folder / "elsewhere")
    (folder / "model_00001.weights.h5").symlink_to(folder / "elsewhere")


SPOILT = {
    "a file above": (renamed("../model_00000.weights.h5"), "does not lie beside it"),
    "an absolute name": (renamed("/tmp/model_00000.weights.h5"), "does not lie beside it"),
    "a folder": (renamed(".."), "does not lie beside it"),
    "a number": (renamed(3), "does not lie beside it"),
    "a dict": (renamed({"a": 1}), "does not lie beside it"),
    "many files": (renamed([f"m{i}" for i in range(2000)]), "more than 1,000 files"),
    "a missing file": (missing, "no file"),
    "an array that is there twice": (twice, "is there twice"),
    "a link": (linked, "is a link"),
    "no map": (lambda index, folder: index.pop("weight_map"), "does not say where"),
    "a map that is a list": (lambda index, folder: index.update(weight_map=[1]), "does not say"),
}


@pytest.mark.parametrize("name", list(SPOILT))
def test_a_spoilt_index_is_refused_and_changes_nothing(tmp_path, name):
    change, words = SPOILT[name]
    path = tmp_path / "model.weights.json"
    model_of(npkeras).save_weights(path, max_shard_size=300 / GB)
    index = json.loads(path.read_text())
    change(index, tmp_path)
    path.write_text(json.dumps(index))
    model = model_of(npkeras)
    before = model.get_weights()
    with pytest.raises((CorruptFileError, FileNotFoundError), match=words):
        model.load_weights(path)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)

"""`describe`: what a file holds, told without making anything of it."""

import subprocess
import sys

import h5py
import numpy as np
import pytest

import npkeras
from npkeras.__main__ import main
from npkeras.saving import CorruptFileError
from npkeras.saving.describe import describe
from tests.saving.test_legacy_h5 import FIXTURES

L = npkeras.layers


def model_of(names=("words", "reader", "out")):
    within = npkeras.Sequential([npkeras.Input((4,)), L.Dense(2, name="deep")], name="within")
    model = npkeras.Sequential(
        [
            npkeras.Input((5,), dtype="int32"),
            L.Embedding(10, 3, name=names[0]),
            L.LSTM(4, name=names[1]),
            L.Dropout(0.1, name="drop"),
            within,
            L.Dense(1, name=names[2]),
        ],
        name="chain",
    )
    model.compile("adam", "mse", metrics=["mae"])
    model.train_on_batch(np.zeros((2, 5), int), np.zeros((2, 1)))
    return model


ENDINGS = ["model.keras", "model.h5", "model.weights.h5", "model.weights.json", "folder"]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    model = model_of()
    model.save(folder / "model.keras")
    model.save(folder / "model.h5")
    model.save(folder / "folder", zipped=False)
    model.save_weights(folder / "model.weights.h5")
    model.save_weights(folder / "model.weights.json", max_shard_size=1e-6)
    return model, folder


@pytest.mark.parametrize("name", ENDINGS)
def test_weights_are_counted_in_every_kind_of_file(files, name):
    model, folder = files
    found = describe(folder / name)
    assert found.parameters == model.count_params()
    assert len(found.optimizer.arrays) == len(model.optimizer.variables)
    assert f"{model.count_params():,}" in str(found)


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "folder"])
def test_a_model_is_told_with_its_layers_and_how_it_is_trained(files, name):
    _, folder = files
    found = describe(folder / name)
    assert found.model == ("chain", "Sequential") and found.version.startswith("3.")
    classes = {part.name.split("/")[0]: part.class_name for part in found.parts}
    expected = {"words": "Embedding", "reader": "LSTM", "drop": "Dropout", "out": "Dense"}
    assert expected.items() <= classes.items()
    assert [part.name.split("/")[0] for part in found.parts][:3] == ["words", "reader", "drop"]
    assert found.optimizer.class_name == "Adam"
    assert "loss mse" in found.compiled and "mae" in found.compiled


def test_arrays_are_told_with_shape_and_dtype(files):
    _, folder = files
    (part,) = [p for p in describe(folder / "model.weights.h5").parts if "lstm" in p.name]
    assert [(a.shape, a.dtype) for a in part.arrays] == [
        ((3, 16), "float32"), ((4, 16), "float32"), ((16,), "float32"),
    ]  # fmt: skip


def test_older_generations_are_told():
    found = describe(FIXTURES / "keras_2_0.h5")
    assert found.version == "2.0.8" and found.optimizer.class_name == "Adam"
    assert [part.class_name for part in found.parts] == ["Embedding", "LSTM", "Dense"]
    weights = describe(FIXTURES / "keras_1_weights.h5")
    assert weights.model is None and weights.parameters == 229


def test_no_weights_are_read_however_many_there_are(tmp_path):
    path = tmp_path / "huge.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/dense/vars/0", (1 << 20, 1 << 20), "f4", chunks=(1024, 1024))
    assert describe(path).parameters == 1 << 40


def test_what_a_file_says_does_not_reach_the_terminal_as_it_is(tmp_path):
    path = tmp_path / "odd.weights.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/\x1b[2Jdense/vars/0", (2,), "f4")
    assert "\x1b" not in str(describe(path)) and "?[2Jdense" in str(describe(path))


HOSTILE = {
    "text.h5": b"no HDF5",
    "text.keras": b"no zip",
    "text.weights.json": b"[1]",
    "index.weights.json": b'{"weight_map": {"/vars": ["../x.weights.h5"]}}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_such_file_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(HOSTILE[name])
    with pytest.raises(CorruptFileError):
        describe(tmp_path / name)


def test_links_are_not_followed(tmp_path):
    path = tmp_path / "link.h5"
    with h5py.File(path, "w") as file:
        file["model_weights"] = h5py.ExternalLink("/etc/passwd", "/")
        file.attrs["model_config"] = "{}"
    with pytest.raises(CorruptFileError, match="link"):
        describe(path)


def test_the_command_prints_tables_and_tells_of_what_fails(files, tmp_path, capsys):
    _, folder = files
    assert main(["describe", str(folder / "model.h5"), str(folder / "model.keras")]) == 0
    assert capsys.readouterr().out.count("parameters  ") == 2
    assert main(["describe", str(tmp_path / "missing.h5")]) == 1
    assert "There is no file" in capsys.readouterr().err


def test_the_module_can_be_run(files):
    _, folder = files
    command = [sys.executable, "-m", "npkeras", "describe", str(folder / "model.keras")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "chain (Sequential)" in done.stdout

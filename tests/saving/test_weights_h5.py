"""`.weights.h5`: both ways with Keras, in one step, and safe from files that lie."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import threading
import time

import h5py
import numpy as np
import pytest

import npkeras
from npkeras.saving import CorruptFileError, WeightsMismatchError

ROOT = pathlib.Path(__file__).parent.parent.parent


def model_of(keras, units=4, optimizer="adam"):
    model = keras.Sequential(
        [
            keras.Input((6,), dtype="int32"),
            keras.layers.Embedding(10, 3, name="words"),
            keras.layers.LSTM(units, return_sequences=True),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(3, activation="softmax"),
            keras.layers.Dense(2),
        ]
    )
    model.compile(optimizer, "mse")
    return model


X = np.arange(30).reshape(5, 6) % 10
Y = np.linspace(0, 1, 10, dtype="float32").reshape(5, 2)


def trained(keras, **kwargs):
    keras.utils.set_random_seed(7)
    model = model_of(keras, **kwargs)
    model.train_on_batch(X, Y)
    model.train_on_batch(X, Y)
    return model


@pytest.fixture
def saved(tmp_path):
    model = trained(npkeras)
    path = tmp_path / "model.weights.h5"
    model.save_weights(path)
    return model, path


def layout(path):
    """Every group and array of a file with its shape, dtype and attributes."""
    found = {}

    def visit(name, item):
        shape = (item.shape, item.dtype.str) if isinstance(item, h5py.Dataset) else None
        found[name] = (shape, dict(item.attrs))

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


@pytest.mark.keras
@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "adagrad"])
def test_the_file_is_laid_out_as_keras_lays_it_out(keras, tmp_path, optimizer):
    for engine in (npkeras, keras):
        engine.backend.clear_session()
        trained(engine, optimizer=optimizer).save_weights(
            str(tmp_path / f"{engine.__name__}.weights.h5")
        )
    ours = layout(tmp_path / "npkeras.weights.h5")
    theirs = layout(tmp_path / "keras.weights.h5")
    assert ours == theirs


@pytest.mark.keras
@pytest.mark.parametrize("reader, writer", [("npkeras", "keras"), ("keras", "npkeras")])
def test_the_other_one_reads_it_to_the_bit_and_trains_on(keras, tmp_path, reader, writer):
    engines = {"keras": keras, "npkeras": npkeras}
    path = str(tmp_path / "model.weights.h5")
    source = trained(engines[writer])
    source.save_weights(path)
    model = model_of(engines[reader])
    model.optimizer.build(model.trainable_variables)
    model.load_weights(path)
    for a, b in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(model.optimizer.variables, source.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.array(a), np.array(b))
    for one in (model, source):
        one.train_on_batch(X, Y)
    for a, b in zip(model.get_weights(), source.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.keras
def test_a_subclassed_model_has_the_paths_of_keras(keras, tmp_path):
    def build(engine):
        class Net(engine.Model):
            def __init__(self):
                super().__init__()
                self.blocks = [engine.layers.Dense(3), engine.layers.Dense(4)]
                self.parts = {"x": engine.layers.Dense(2)}
                self.head = engine.layers.Dense(1)
                self.nest = [[engine.layers.Dense(2)]]

            def call(self, x):
                for layer in self.blocks:
                    x = layer(x)
                return self.head(self.nest[0][0](self.parts["x"](x)))

        model = Net()
        model(np.ones((1, 2), "float32"))
        return model

    for engine in (npkeras, keras):
        engine.backend.clear_session()
        build(engine).save_weights(str(tmp_path / f"{engine.__name__}.weights.h5"))
    ours = layout(tmp_path / "npkeras.weights.h5")
    theirs = layout(tmp_path / "keras.weights.h5")
    assert {k: v[0] for k, v in ours.items()} == {k: v[0] for k, v in theirs.items()}


def test_saving_and_loading_changes_nothing(saved):
    model, path = saved
    other = model_of(npkeras)
    other.load_weights(path)
    for a, b in zip(other.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(other.optimizer.iterations.value) == 2


def test_a_model_of_another_size_is_refused_and_left_alone(saved):
    _, path = saved
    other = model_of(npkeras, units=5)
    before = other.get_weights()
    with pytest.raises(
        WeightsMismatchError,
        match=r"do not fit layer 'lstm_cell.*`kernel` has shape \(3, 20\), .* holds \(3, 16\)",
    ):
        other.load_weights(path)
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_skip_mismatch_loads_what_fits(saved):
    model, path = saved
    other = model_of(npkeras, units=5)
    with pytest.warns(UserWarning, match="Skipped: .*lstm_cell"):
        other.load_weights(path, skip_mismatch=True)
    np.testing.assert_array_equal(other.layers[0].get_weights()[0], model.get_weights()[0])
    assert other.layers[1].get_weights()[0].shape == (3, 20)


def test_a_file_of_a_larger_model_loads_with_a_warning_that_names_the_rest(saved):
    model, path = saved
    small = npkeras.Sequential([npkeras.Input((6,)), npkeras.layers.Embedding(10, 3)])
    with pytest.warns(UserWarning, match="no place for: .*layers/dense/vars"):
        small.load_weights(path)


def test_a_model_that_only_predicts_reads_a_file_with_an_optimizer_in_silence(saved, recwarn):
    model, path = saved
    other = npkeras.Sequential(model_of(npkeras).layers)
    other.build((None, 6))
    other.load_weights(path)
    assert not recwarn.list
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_file_of_a_model_that_was_not_trained_yet_loads_in_silence(tmp_path, recwarn):
    path = tmp_path / "model.weights.h5"
    model_of(npkeras, optimizer=npkeras.optimizers.Adam(0.25)).save_weights(path)
    other = model_of(npkeras)
    other.load_weights(path)
    assert not recwarn.list
    assert float(other.optimizer.learning_rate) == 0.25
    other.train_on_batch(X, Y)


def test_names_must_end_as_keras_wants_them(saved):
    model, _ = saved
    with pytest.raises(ValueError, match=r"ends in '.weights.h5'. Received: 'model.h5'"):
        model.save_weights("model.h5")
    with pytest.raises(ValueError, match=r"ends in '.weights.h5' or .*. Received: 'model.npz'"):
        model.load_weights("model.npz")


def test_missing_files_and_folders_are_named(saved, tmp_path):
    model, _ = saved
    with pytest.raises(FileNotFoundError, match="nothing.weights.h5"):
        model.load_weights(tmp_path / "nothing.weights.h5")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        model.save_weights(tmp_path / "nowhere" / "model.weights.h5")


def test_an_unbuilt_model_has_nothing_to_save(tmp_path):
    model = npkeras.Sequential([npkeras.layers.Dense(2)])
    with pytest.raises(ValueError, match="not built"):
        model.save_weights(tmp_path / "model.weights.h5")


# Files that are damaged or lie. Each must be refused, and must change nothing.


def external_link(file, folder):
    with h5py.File(folder / "other.h5", "w") as other:
        other["x"] = np.ones((3, 3), "float32")
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.ExternalLink("other.h5", "/x")


def external_link_above(file, folder):
    with h5py.File(folder / "other.h5", "w") as other:
        other["dense/vars/0"] = np.ones((3, 3), "float32")
    del file["layers"]
    file["layers"] = h5py.ExternalLink("other.h5", "/")


def soft_link(file, folder):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.SoftLink("/layers/dense_1/vars/0")


def external_storage(file, folder):
    (folder / "raw.bin").write_bytes(b"\0" * 48)
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_dataset(
        "0", (4, 3), "f4", external=[(str(folder / "raw.bin"), 0, 48)]
    )


def virtual_dataset(file, folder):
    del file["layers/dense/vars/0"]
    virtual = h5py.VirtualLayout((4, 3), "f4")
    virtual[:] = h5py.VirtualSource(str(folder / "other.h5"), "x", (4, 3))
    file["layers/dense/vars"].create_virtual_dataset("0", virtual)


def shape_bomb(file, folder):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_dataset(
        "0", (3 * 2**28,), "f4", chunks=(2**20,), compression="gzip"
    )


def hard_link_cycle(file, folder):
    file["layers/dense/vars/loop"] = file["layers"]


def group_for_an_array(file, folder):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars"].create_group("0")


def missing_array(file, folder):
    del file["layers/dense/vars/1"]


def missing_group(file, folder):
    del file["layers/dense"]


def extra_array(file, folder):
    file["layers/dense/vars/2"] = np.ones(3, "float32")


def transposed(file, folder):
    values = file["layers/dense/vars/0"][()]
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = values.T


def no_dataspace(file, folder):
    del file["layers/dense/vars/0"]
    file["layers/dense/vars/0"] = h5py.Empty("f4")


def no_step_number(file, folder):
    del file["optimizer/vars/0"]
    file["optimizer/vars/0"] = np.nan


def another_optimizer(file, folder):
    del file["optimizer/vars/2"]
    file["optimizer/vars/2"] = np.ones((3, 10), "float32")


def replaced(values):
    def change(file, folder):
        del file["layers/dense/vars/0"]
        file["layers/dense/vars/0"] = values

    return change


ATTACKS = {
    "external link": external_link,
    "external link above": external_link_above,
    "soft link": soft_link,
    "external storage": external_storage,
    "virtual dataset": virtual_dataset,
    "shape bomb": shape_bomb,
    "hard link cycle": hard_link_cycle,
    "group for an array": group_for_an_array,
    "missing array": missing_array,
    "missing group": missing_group,
    "extra array": extra_array,
    "transposed": transposed,
    "no dataspace": no_dataspace,
    "no step number": no_step_number,
    "another optimizer": another_optimizer,
    "strings": replaced(np.array([[b"a"] * 3] * 4)),
    "complex": replaced(np.ones((4, 3), "complex64")),
    "compound": replaced(np.zeros((4, 3), [("a", "f4"), ("b", "f4")])),
    "too large": replaced(np.full((4, 3), 1e300)),
}


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_a_lying_file_is_refused_and_changes_nothing(saved, tmp_path, attack):
    _, path = saved
    with h5py.File(path, "a") as file:
        ATTACKS[attack](file, tmp_path)
    other = model_of(npkeras)
    before = other.get_weights()
    with pytest.raises((CorruptFileError, WeightsMismatchError)) as error:
        other.load_weights(path)
    assert len(str(error.value)) <= 400
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("content", [b"", b"hello", None], ids=["empty", "text", "half"])
def test_a_damaged_file_is_called_damaged(saved, content):
    model, path = saved
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(
        CorruptFileError, match=r"is not a sound HDF5 file: .*[\d,]+ bytes.*cut short"
    ):
        model.load_weights(path)


def test_weights_that_are_not_finite_are_told_of(saved):
    model, path = saved
    model.layers[0].embeddings.value[0, 0] = np.nan
    with pytest.warns(UserWarning, match="`.*embeddings` holds values that are not finite"):
        model.save_weights(path)
    with pytest.warns(UserWarning, match="loaded with values that are not finite"):
        model_of(npkeras).load_weights(path)


# A save that fails leaves the older file.


def test_a_full_disk_leaves_the_older_file(saved, monkeypatch):
    model, path = saved
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    for name in ("fsync", "replace"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, full)
            with pytest.raises(OSError, match="No space left"):
                model.save_weights(path)
        assert path.read_bytes() == before
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_the_end_of_the_disk_is_an_error_of_the_system(tmp_path):
    script = """
        import pathlib, resource, signal, sys
        import npkeras
        path = pathlib.Path(sys.argv[1])
        model = npkeras.Sequential([npkeras.Input((300,)), npkeras.layers.Dense(1000)])
        model.save_weights(path)
        before = path.read_bytes()
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
        try:
            model.save_weights(path)
        except OSError as error:
            print(error.filename == str(path), path.read_bytes() == before)
    """
    path = tmp_path / "model.weights.h5"
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), str(path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert result.stdout.split() == ["True", "True"]
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_a_link_to_a_file_stays_one_and_permissions_stay(saved, tmp_path):
    model, path = saved
    path.chmod(0o640)
    link = tmp_path / "latest.weights.h5"
    link.symlink_to(path)
    model.train_on_batch(X, Y)
    before = path.read_bytes()
    model.save_weights(link)
    assert link.is_symlink()
    assert path.read_bytes() != before
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_may_not_be_written_is_not_replaced(saved, monkeypatch):
    model, path = saved
    before = path.read_bytes()
    monkeypatch.setattr(os, "access", lambda target, mode: False)
    with pytest.raises(PermissionError, match="may not be written"):
        model.save_weights(path)
    assert path.read_bytes() == before


def test_threads_may_save_under_one_name(saved):
    model, path = saved
    failures = []

    def save():
        try:
            for _ in range(10):
                model.save_weights(path)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=save) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    model.load_weights(path)


def test_too_little_room_is_noticed_before_anything_is_written(saved, monkeypatch):
    model, path = saved
    before = path.read_bytes()

    class Full:
        f_bavail, f_frsize = 1, 4096

    monkeypatch.setattr(os, "statvfs", lambda folder: Full)
    with pytest.raises(OSError, match=r"[\d,]+ bytes are needed, 4,096 are free"):
        model.save_weights(path)
    assert path.read_bytes() == before


SAVER = """
    import sys, numpy as np, npkeras
    model = npkeras.Sequential([npkeras.Input((300,)), npkeras.layers.Dense(3000)])
    number = 0
    while True:
        number += 1
        for v in model.weights:
            v.assign(np.full(v.shape, number, "float32"))
        model.save_weights(sys.argv[1])
        print(number, flush=True)
"""


def test_a_killed_save_leaves_the_older_file_or_the_newer(tmp_path):
    path = tmp_path / "model.weights.h5"
    rng = np.random.default_rng(0)
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SAVER), str(path)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        model = npkeras.Sequential([npkeras.Input((300,)), npkeras.layers.Dense(3000)])
        model.load_weights(path)
        values = np.concatenate([v.value.ravel() for v in model.weights])
        assert values[0] >= 1
        assert (values == values[0]).all()
    model.save_weights(path)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]

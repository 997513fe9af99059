"""BackupAndRestore: training that was cut off ends as if it had not been."""

import json
import random
import warnings

import numpy as np
import pytest

from npkeras import callbacks
from npkeras.callbacks import BackupAndRestore, CallbackList
from npkeras.callbacks.backup import BackupFolder
from npkeras.core import random as core_random
from tests.callbacks.stage import Model


class Walker(Model):
    """A model whose weights take random steps, as long as the learning rate is."""

    _initial_epoch = None
    built = True

    def step(self):
        size = random.random() + np.random.rand() + core_random.global_seed_generator().next()[1]
        self.weights = [self.weights[0] + size * self.optimizer.learning_rate]

    def save_weights(self, path, overwrite=True):
        with open(path, "w") as file:
            json.dump([self.weights, self.optimizer.learning_rate], file)

    def load_weights(self, path):
        with open(path) as file:
            self.weights, self.optimizer.learning_rate = json.load(file)


def fit(given, epochs=8, batches=3, stop_at=None):
    """A training, cut off at the beginning of batch `stop_at = (epoch, batch)`."""
    model = Walker()
    hooks = CallbackList(given, model=model, epochs=epochs, steps=batches, verbose=0)
    hooks.on_train_begin()
    for epoch in range(model._initial_epoch or 0, epochs):
        hooks.on_epoch_begin(epoch)
        for batch in range(batches):
            if (epoch, batch) == stop_at:
                hooks.abandon()
                return model
            hooks.on_train_batch_begin(batch)
            model.step()
            hooks.on_train_batch_end(batch, {"loss": model.weights[0]})
        logs = {"loss": abs(model.weights[0] - 1.0)}
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    hooks.on_train_end()
    return model


def seed(number):
    random.seed(number)
    np.random.seed(number)
    core_random.reset_global_seed(number)


def companions():
    return [
        callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1),
        callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True),
        callbacks.LearningRateDecay(0.0),
    ]


@pytest.mark.parametrize("cut", [(0, 2), (1, 0), (3, 1), (6, 2)])
def test_training_that_was_cut_off_ends_with_the_same_weights(tmp_path, cut):
    others = companions()[:2]
    seed(1)
    whole = fit(others)
    seed(1)
    fit([BackupAndRestore(tmp_path / "backup"), *companions()[:2]], stop_at=cut)
    if cut[0] > 0:
        seed(99)  # another process begins with other numbers
    else:
        seed(1)
    resumed = fit([BackupAndRestore(tmp_path / "backup"), *companions()[:2]])
    assert resumed.weights == whole.weights
    assert resumed.optimizer.learning_rate == whole.optimizer.learning_rate


def test_a_rate_that_decays_goes_on_from_its_beginning(tmp_path):
    def given():
        return [BackupAndRestore(tmp_path / "backup"), callbacks.LearningRateDecay(0.5)]

    seed(1)
    whole = fit(given()[1:])
    seed(1)
    fit(given(), stop_at=(4, 1))
    assert fit(given()).weights == whole.weights


def test_backups_are_removed_when_training_ends(tmp_path):
    fit(BackupAndRestore(tmp_path / "backup"), epochs=1)
    assert not (tmp_path / "backup").exists()


def test_backups_stay_if_wanted_and_nothing_is_left_to_do(tmp_path, capsys):
    first = fit(BackupAndRestore(tmp_path, delete_checkpoint=False), epochs=2)
    again = fit(BackupAndRestore(tmp_path, delete_checkpoint=False), epochs=2)
    assert again.weights == first.weights
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("verbose, said", [(0, ""), (2, "training goes on at epoch 5.")])
def test_it_says_where_training_goes_on_unless_told_to_be_quiet(tmp_path, capsys, verbose, said):
    fit(BackupAndRestore(tmp_path), stop_at=(4, 1))
    again = [BackupAndRestore(tmp_path)]
    CallbackList(again, model=Walker(), epochs=8, steps=3, verbose=verbose).on_train_begin()
    assert capsys.readouterr().out.strip() == (said and f"BackupAndRestore: {said}")


def test_two_backups_are_kept(tmp_path):
    fit(BackupAndRestore(tmp_path, delete_checkpoint=False), epochs=5)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [f"000000{i}.{end}" for i in (4, 5) for end in ("npz", "weights.h5")]


def test_a_backup_within_an_epoch_begins_it_anew_with_newer_weights(tmp_path):
    fit(BackupAndRestore(tmp_path, save_freq=2), stop_at=(1, 2))
    model = Walker()
    callback = BackupAndRestore(tmp_path)
    callback.set_model(model)
    callback.on_train_begin()
    assert model._initial_epoch == 1 and model.weights[0] > 0


@pytest.mark.parametrize("ending", ["npz", "weights.h5"])
@pytest.mark.parametrize("part", range(17))
def test_a_damaged_backup_gives_way_to_the_one_before(tmp_path, ending, part):
    fit(BackupAndRestore(tmp_path), stop_at=(3, 1))
    path = tmp_path / f"0000003.{ending}"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * part // 16] if part < 16 else content[::-1])
    model, callback = Walker(), BackupAndRestore(tmp_path)
    callback.set_model(model)
    with pytest.warns(UserWarning, match="Backup 3 in .* is damaged"):
        callback.on_train_begin()
    assert model._initial_epoch == 2


def test_a_backup_without_weights_is_damaged(tmp_path):
    fit(BackupAndRestore(tmp_path), stop_at=(1, 1))
    (tmp_path / "0000001.weights.h5").unlink()
    model, callback = Walker(), BackupAndRestore(tmp_path)
    callback.set_model(model)
    with pytest.warns(UserWarning, match="Backup 1 in .* is damaged"):
        callback.on_train_begin()
    assert model._initial_epoch is None


def test_a_backup_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    def full(self, path, overwrite=True):
        raise OSError("No space left on device")

    monkeypatch.setattr(Walker, "save_weights", full)
    with pytest.warns(UserWarning, match="could not back up epoch 1 .*No space left.*goes on"):
        model = fit(BackupAndRestore(tmp_path / "backup"), epochs=1)
    assert model.weights[0] > 0


def test_a_cut_while_writing_leaves_the_backup_before(tmp_path, monkeypatch):
    fit(BackupAndRestore(tmp_path), stop_at=(2, 1))
    monkeypatch.setattr("os.replace", lambda *paths: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        fit(BackupAndRestore(tmp_path))
    assert BackupFolder(tmp_path).newest()[1]["epoch"] == 2


def test_other_callbacks_begin_anew(tmp_path):
    fit([BackupAndRestore(tmp_path), callbacks.ReduceLROnPlateau("loss")], stop_at=(2, 1))
    with pytest.warns(UserWarning, match="found other callbacks .* Received: LearningRateDecay"):
        fit([BackupAndRestore(tmp_path), callbacks.LearningRateDecay(0.0)])


def test_callbacks_that_keep_nothing_may_change(tmp_path):
    fit([BackupAndRestore(tmp_path), callbacks.History()], stop_at=(2, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit([callbacks.TerminateOnNaN(), BackupAndRestore(tmp_path)])


def test_a_model_that_is_not_built_cannot_be_restored(tmp_path):
    fit(BackupAndRestore(tmp_path), stop_at=(2, 1))
    model, callback = Walker(), BackupAndRestore(tmp_path)
    model.built = False
    callback.set_model(model)
    with pytest.raises(ValueError, match="only if it is built. Received: .*Walker"):
        callback.on_train_begin()


def test_the_generators_of_layers_go_on_too(tmp_path):
    generator = core_random.SeedGenerator(5)
    model, folder = Walker(), BackupAndRestore(tmp_path)
    model.variables = [generator.state]
    folder.set_model(model)
    generator.next()
    folder.on_epoch_end(0)
    generator.next()
    folder.on_train_begin()
    assert generator.state.numpy().tolist() == [5, 1]
    model.variables = []
    with pytest.raises(ValueError, match="of another model. Expected 2 .* a model with 1"):
        folder.on_train_begin()


def test_states_come_back_as_they_were(tmp_path):
    state = {
        "a": [1, None, "text", (2.5, True)],
        "b": {"c": np.arange(3), "d": [np.float32(1.5)], 3: {}},
        "e": float("inf"),
    }
    folder = BackupFolder(tmp_path)
    folder.save(lambda path: open(path, "w").close(), state)
    _, found = folder.newest()
    assert found["a"] == state["a"] and type(found["a"][3]) is tuple
    assert found["b"]["c"].tolist() == [0, 1, 2] and found["b"]["c"].dtype == np.arange(3).dtype
    assert found["b"]["d"][0].dtype == "float32" and found["b"][3] == {} and found["e"] > 1e308


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("",), "`backup_dir` of BackupAndRestore must name a folder. Received: ''"),
        (("a", "batch"), "`save_freq` of BackupAndRestore must be.*='batch'"),
        (("a", 0), "`save_freq` of BackupAndRestore must be.*=0"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        BackupAndRestore(*arguments)


@pytest.mark.keras
def test_training_goes_on_within_keras(keras, tmp_path):
    x = np.random.RandomState(0).normal(size=(16, 3)).astype("float32")
    y = x.sum(1)

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def train(*given):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("adam", "mse")
        model.fit(x, y, epochs=4, shuffle=False, verbose=0, callbacks=list(given))
        return model

    whole = train()
    with pytest.raises(KeyboardInterrupt):
        train(BackupAndRestore(tmp_path), Stop())
    resumed = train(BackupAndRestore(tmp_path))
    assert resumed.history.epoch == [2, 3]
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)

"""ModelCheckpoint: what is saved, when, and under which name."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.callbacks import ModelCheckpoint
from tests.callbacks.stage import train, values

NAN = float("nan")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def names(callback, logs, **kwargs):
    return [name for _, name in train(callback, logs, **kwargs)[0].saved]


def test_every_epoch_is_saved_under_its_own_name():
    callback = ModelCheckpoint("{epoch:02d}-{val_loss:.2f}.keras")
    logs = [{"val_loss": np.array(0.123)}, {"val_loss": np.float32(2)}]
    assert names(callback, logs) == ["01-0.12.keras", "02-2.00.keras"]


def test_weights_alone_are_saved_if_asked_for():
    callback = ModelCheckpoint("a.weights.h5", save_weights_only=True)
    assert train(callback, values(1))[0].saved == [("weights", "a.weights.h5")]


def test_only_what_is_better_than_ever_is_saved():
    callback = ModelCheckpoint("{epoch}.keras", save_best_only=True)
    assert names(callback, values(3, 4, 2, 2, 1)) == ["1.keras", "3.keras", "5.keras"]
    assert callback.best == 1


def test_the_best_lasts_from_one_training_to_the_next():
    callback = ModelCheckpoint("{epoch}.keras", save_best_only=True)
    names(callback, values(2))
    assert names(callback, values(3, 1)) == ["2.keras"]


def test_there_may_be_a_value_to_beat_first():
    callback = ModelCheckpoint("{epoch}.keras", save_best_only=True, initial_value_threshold=2.5)
    assert names(callback, values(3, 2)) == ["2.keras"]


def test_nan_is_never_best():
    callback = ModelCheckpoint("{epoch}.keras", save_best_only=True)
    assert names(callback, values(NAN, 2, NAN, 1)) == ["2.keras", "4.keras"]


def test_batches_are_counted_across_epochs():
    callback = ModelCheckpoint("{epoch}-{batch}.keras", save_freq=3)
    assert names(callback, values(1, 1, 1)) == ["2-1.keras", "3-2.keras"]


def test_several_batches_in_one_go_are_counted():
    callback = ModelCheckpoint("{batch}.keras", save_freq=4)
    model = train(callback, [])[0]
    for batch in (2, 5, 8):
        callback.on_train_batch_end(batch, {})
    assert [name for _, name in model.saved] == ["6.keras"]


def test_the_folder_is_made():
    names(ModelCheckpoint("a/b/{epoch}.keras"), values(1))
    assert os.path.isdir("a/b")


def test_what_was_not_logged_is_said_and_not_saved():
    callback = ModelCheckpoint("a.keras", save_best_only=True)
    with pytest.warns(UserWarning, match="ModelCheckpoint watches `val_loss`"):
        assert names(callback, [{"loss": 1.0}]) == []


def test_it_says_what_it_did(capsys):
    names(ModelCheckpoint("a.keras", save_best_only=True, verbose=1), values(2, 3))
    names(ModelCheckpoint("b.keras", verbose=1), values(2))
    said = capsys.readouterr().out
    assert "Epoch 1: val_loss went from nothing to 2.00000, saving to a.keras" in said
    assert "Epoch 2: val_loss is no better than 2.00000" in said
    assert "Epoch 1: saving to b.keras" in said


def test_a_name_that_is_not_logged_is_refused():
    with pytest.raises(KeyError, match="names 'mine', .* Known are: epoch, loss, val_loss"):
        names(ModelCheckpoint("{mine}.keras"), values(1))


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"filepath": "a"}, r"in .keras or .h5 with save_weights_only=False. .*filepath='a'"),
        ({"filepath": "a.h5", "save_weights_only": True}, r"in .weights.h5 .*filepath='a.h5'"),
        ({"filepath": "a.keras", "save_freq": "batch"}, "a number of batches. .*='batch'"),
        ({"filepath": "a.keras", "save_freq": 2.5}, "a number of batches. .*=2.5"),
        ({"filepath": "a.keras", "save_freq": 0}, "must be a positive integer. .*save_freq=0"),
    ],
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        ModelCheckpoint(**arguments)


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(
    losses=st.lists(st.sampled_from([1.0, 1.3, 2.0, 2.5]), min_size=1, max_size=6),
    best=st.booleans(),
    weights=st.booleans(),
    mode=st.sampled_from(["auto", "min", "max"]),
    freq=st.sampled_from(["epoch", 1, 2, 3, 7]),
    threshold=st.sampled_from([None, 1.5]),
    batches=st.integers(1, 4),
)
def test_it_does_what_keras_does(keras, losses, best, weights, mode, freq, threshold, batches):
    path = "{epoch:03d}{val_loss:.1f}" + ("" if freq == "epoch" else "-{batch}")
    path += ".weights.h5" if weights else ".keras"
    best = best and freq == "epoch"  # Keras itself fails in the second batch otherwise
    arguments = (path, "val_loss", 0, best, weights, mode, freq, threshold)
    ours, theirs = (
        train(cls(*arguments), values(*losses), batches=batches)[0].saved
        for cls in (ModelCheckpoint, keras.callbacks.ModelCheckpoint)
    )
    assert ours == theirs

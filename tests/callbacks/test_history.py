"""History, LambdaCallback, TerminateOnNaN: the small ones."""

import numpy as np
import pytest

from npkeras.callbacks import CallbackList, History, LambdaCallback, TerminateOnNaN
from tests.callbacks.stage import Model, train, values


def test_history_keeps_floats_for_every_epoch():
    history = History()
    model, _ = train(history, [{"a": np.float32(1)}, {"a": np.array(2.0), "b": 3}])
    assert history.history == {"a": [1.0, 2.0], "b": [3.0]} and history.epoch == [0, 1]
    kinds = {type(value) for series in history.history.values() for value in series}
    assert kinds == {float} and model.history is history


def test_history_keeps_what_is_no_number_as_it_is():
    history = History()
    train(history, [{"a": "text", "b": np.array([1, 2])}])
    assert history.history["a"] == ["text"] and history.history["b"][0].tolist() == [1, 2]


def test_functions_are_hooks():
    seen = []
    callback = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(("begin", epoch)),
        on_epoch_end=lambda epoch, logs: seen.append(("end", epoch, logs)),
        on_train_end=lambda logs: seen.append("done"),
        on_test_begin=lambda logs: seen.append("test"),
        mine=3,
    )
    every = CallbackList([callback])
    train(every, [{"loss": 1.0}])
    every.on_test_begin()
    assert seen == [("begin", 0), ("end", 0, {"loss": 1.0}), "done", "test"]
    assert callback.mine == 3


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), np.array(np.nan), np.float32("-inf")])
def test_a_loss_that_is_no_number_ends_training(capsys, loss):
    model, left = train(TerminateOnNaN(), [{"loss": loss}] * 3)
    assert model.stop_training and len(left) == 1
    assert f"Batch 0: the loss is {float(loss)}" in capsys.readouterr().out


def test_or_raises():
    with pytest.raises(RuntimeError, match="The loss of batch 0 is nan: training cannot go on"):
        train(TerminateOnNaN(raise_error=True), [{"loss": float("nan")}])


@pytest.mark.parametrize("logs", [{"loss": 1e30}, {"accuracy": float("nan")}, {}])
def test_anything_else_goes_on(logs):
    model, _ = train(TerminateOnNaN(), [logs])
    assert not model.stop_training


@pytest.mark.keras
@pytest.mark.parametrize("loss", [1.0, float("nan"), float("inf")])
def test_keras_stops_alike(keras, loss):
    models = [
        train(cls(), [{"loss": loss}], Model())[0]
        for cls in (TerminateOnNaN, keras.callbacks.TerminateOnNaN)
    ]
    assert models[0].stop_training == models[1].stop_training
    with pytest.raises(RuntimeError):
        train(keras.callbacks.TerminateOnNaN(True), [{"loss": float("nan")}])


@pytest.mark.keras
def test_the_history_of_keras_is_alike(keras):
    histories = [History(), keras.callbacks.History()]
    for history in histories:
        train(history, values(3, 2, 1))
    assert histories[0].history == histories[1].history
    assert histories[0].epoch == histories[1].epoch

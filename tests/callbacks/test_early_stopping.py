"""EarlyStopping: when it stops, and with which weights."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npkeras
from npkeras.callbacks import EarlyStopping
from tests.callbacks.stage import Model, train, values

NAN = float("nan")


@pytest.mark.parametrize(
    "arguments, losses, epochs",
    [
        ({}, [3, 2, 1], 3),
        ({}, [3, 2, 2, 1], 3),
        ({"patience": 2}, [3, 2, 2.5, 2.2, 1], 4),
        ({"patience": 2, "min_delta": 0.6}, [3, 2.5, 2.0, 1.9, 1.9, 1], 5),
        ({"mode": "max"}, [1, 2, 1.5, 3], 3),
        ({"start_from_epoch": 2}, [1, 2, 3, 4, 1], 4),
        ({"start_from_epoch": 9}, [1, 2, 3, 4], 4),
        ({"patience": 1, "baseline": 1.5}, [3, 2.5, 2.0, 1.5, 1.4], 5),
    ],
)
def test_it_stops_when_patience_ends(arguments, losses, epochs):
    callback = EarlyStopping(**arguments)
    model, left = train(callback, values(*losses))
    assert len(left) == epochs
    assert model.stop_training == (callback.stopped_epoch > 0)


def test_the_weights_of_the_best_epoch_come_back():
    callback = EarlyStopping(patience=2, restore_best_weights=True)
    model, left = train(callback, values(3, 2, 2.5, 2.2, 1))
    assert (len(left), model.weights, callback.best, callback.best_epoch) == (4, [2], 2, 1)


def test_the_weights_stay_unless_asked_for():
    model, _ = train(EarlyStopping(), values(3, 4))
    assert model.weights == [2]


def test_one_callback_serves_several_trainings():
    callback = EarlyStopping()
    assert len(train(callback, values(1, 2, 3))[1]) == 2
    assert len(train(callback, values(9, 8, 7))[1]) == 3


def test_nan_is_never_best():
    callback = EarlyStopping(patience=2, restore_best_weights=True)
    model, left = train(callback, values(NAN, 5, NAN, NAN, 1))
    assert (len(left), callback.best, model.weights) == (4, 5, [2])


def test_nothing_but_nan_restores_nothing():
    callback = EarlyStopping(patience=1, restore_best_weights=True)
    model, left = train(callback, values(NAN, NAN, NAN))
    assert (len(left), callback.best, model.weights) == (2, None, [2])


def test_what_was_not_logged_is_said():
    with pytest.warns(UserWarning, match="EarlyStopping watches `val_loss`, .*: loss, accuracy"):
        train(EarlyStopping(), [{"loss": 1.0, "accuracy": 0.5}])
    with pytest.warns(UserWarning, match="Logged were: nothing"):
        EarlyStopping().on_epoch_end(0)


def test_it_says_what_it_did(capsys):
    train(EarlyStopping(verbose=1, restore_best_weights=True), values(1, 2))
    said = capsys.readouterr().out
    assert "stopped after epoch 2" in said and "weights of epoch 1" in said


class Metric:
    def __init__(self, name, direction=None, metrics=()):
        self.name, self._direction, self.metrics = name, direction, metrics


@pytest.mark.parametrize(
    "monitor, metric, upward",
    [
        ("val_loss", None, False),
        ("val_output_1_loss", None, False),
        ("val_acc", None, True),
        ("val_sparse_categorical_accuracy", None, True),
        ("auc", None, True),
        ("mean_absolute_error", None, False),
        ("val_mine", Metric("mine", "up"), True),
        ("mine", Metric("mine", "down"), False),
        ("mine", Metric("compile_metrics", None, [Metric("mine", "up")]), True),
    ],
)
def test_the_direction_is_that_of_the_metric_or_of_its_name(monitor, metric, upward):
    callback = EarlyStopping(monitor)
    callback.set_model(Model(metrics=[metric] if metric else []))
    assert callback.goes_up() == upward


@pytest.mark.parametrize("logs", [{"mine": 1.0}, {"loss": 1.0}])
def test_a_direction_nobody_knows_is_refused(logs):
    with pytest.raises(ValueError, match='mode="max" or mode="min". Received: monitor=.mine.'):
        train(EarlyStopping("mine"), [logs])


@pytest.mark.keras
@pytest.mark.parametrize("monitor", ["val_acc", "acc", "val_f1"])
@pytest.mark.parametrize(
    "name, options",
    [
        ("EarlyStopping", {}),
        ("ReduceLROnPlateau", {}),
        ("ModelCheckpoint", {"filepath": "best.keras", "save_best_only": True}),
    ],
)
def test_the_name_of_no_metric_is_refused_as_in_keras(
    keras, tmp_path, monkeypatch, name, options, monitor
):
    monkeypatch.chdir(tmp_path)
    for engine in (npkeras, keras):
        model = engine.Sequential([engine.Input((2,)), engine.layers.Dense(1)])
        model.compile("sgd", "mse", metrics=["accuracy"])
        callback = getattr(engine.callbacks, name)(monitor=monitor, **options)
        message = "Did you mean .*accuracy" if monitor.endswith("acc") and engine is npkeras else ""
        with pytest.raises(ValueError, match=message):
            model.fit(np.ones((4, 2)), np.ones(4), 2, 3, 0, [callback], validation_split=0.5)


def test_the_name_of_a_metric_that_is_not_logged_is_but_warned_of():
    model = npkeras.Sequential([npkeras.Input((2,)), npkeras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["accuracy"])
    for monitor, mode in [("val_loss", "auto"), ("val_accuracy", "auto"), ("val_acc", "max")]:
        callback = EarlyStopping(monitor, mode=mode)
        with pytest.warns(UserWarning, match=f"`{monitor}`, which was not logged"):
            model.fit(np.ones((4, 2)), np.ones(4), verbose=0, callbacks=[callback])


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="`min_delta` of EarlyStopping must be a number.*='a'"):
        EarlyStopping(min_delta="a")
    with pytest.warns(UserWarning, match="`mode` of EarlyStopping .* Received: mode='up'"):
        assert EarlyStopping(mode="up").mode == "auto"


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(
    losses=st.lists(st.sampled_from([1.0, 1.3, 2.0, 2.5, 3.0]), min_size=1, max_size=8),
    patience=st.integers(0, 3),
    min_delta=st.sampled_from([0, 0.3, -0.5, 1.0]),
    mode=st.sampled_from(["auto", "min", "max"]),
    baseline=st.sampled_from([None, 1.5, 2.5]),
    restore=st.booleans(),
    start=st.integers(0, 3),
)
def test_it_does_what_keras_does(
    keras, losses, patience, min_delta, mode, baseline, restore, start
):
    arguments = ("val_loss", min_delta, patience, 0, mode, baseline, restore, start)
    results = []
    for callback in (EarlyStopping(*arguments), keras.callbacks.EarlyStopping(*arguments)):
        model, left = train(callback, [{"val_loss": np.float32(loss)} for loss in losses])
        names = ("best", "best_epoch", "wait", "stopped_epoch")
        state = {name: getattr(callback, name) for name in names}
        results.append((len(left), model.weights, model.stop_training, state))
    assert results[0] == results[1]

"""CallbackList: the hooks of many callbacks."""

from unittest import mock

import numpy as np
import pytest

import npkeras
from npkeras import callbacks
from npkeras.callbacks.callback_list import BATCH_HOOKS, EPOCH_HOOKS, PHASE_HOOKS, _nothing
from tests.callbacks.stage import Model

NUMBERED_HOOKS = (*EPOCH_HOOKS, *BATCH_HOOKS)


class Noting(callbacks.Callback):
    """Notes all hooks that are called."""

    def __init__(self):
        self.notes = []


def _noting(name):
    def hook(self, *args, logs=None):
        self.notes.append((name, *args, logs) if logs is not None else (name, *args))

    return hook


for _name in (*NUMBERED_HOOKS[:-2], *PHASE_HOOKS):
    setattr(Noting, _name, _noting(_name))


def test_each_hook_reaches_each_callback_in_order():
    notes = []
    first, second = Noting(), Noting()
    first.notes = second.notes = notes
    every = callbacks.CallbackList([first, second])
    for name in NUMBERED_HOOKS[:-2]:
        getattr(every, name)(3, {"loss": 1.0})
    for name in PHASE_HOOKS:
        getattr(every, name)({"loss": 1.0})
    expected = [(name, 3, {"loss": 1.0}) for name in NUMBERED_HOOKS[:-2]]
    expected += [(name, {"loss": 1.0}) for name in PHASE_HOOKS]
    assert notes == [note for note in expected for _ in range(2)]


@pytest.mark.keras
def test_the_logs_of_batches_come_by_keyword(keras):
    x = np.ones((4, 2))

    def seen(engine):
        calls = set()

        def noting(name):
            def hook(self, *args, **kwargs):
                calls.add((name, len(args), *kwargs))

            return hook

        hooks = {name: noting(name) for name in (*EPOCH_HOOKS, *BATCH_HOOKS[:-2], *PHASE_HOOKS)}
        watch = type("Watch", (engine.callbacks.Callback,), hooks)()
        model = engine.Sequential([engine.Input((2,)), engine.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(x, x[:, 0], validation_split=0.5, verbose=0, callbacks=[watch])
        model.predict(x, verbose=0, callbacks=[watch])
        return calls

    assert seen(npkeras) == seen(keras)
    assert ("on_train_batch_end", 1, "logs") in seen(npkeras)


def test_without_logs_hooks_get_an_empty_dict():
    callback = Noting()
    every = callbacks.CallbackList(callback)
    every.on_epoch_begin(0)
    every.on_train_end()
    assert callback.notes == [("on_epoch_begin", 0, {}), ("on_train_end", {})]


def test_what_one_callback_adds_to_the_logs_the_next_one_sees():
    add = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(extra=1.0))
    every = callbacks.CallbackList([add], add_history=True)
    every.on_train_begin()
    every.on_epoch_end(0, {"loss": 2.0})
    assert every.callbacks[-1].history == {"loss": [2.0], "extra": [1.0]}


def test_a_hook_that_nobody_overrides_costs_nothing():
    every = callbacks.CallbackList([callbacks.History(), callbacks.EarlyStopping()])
    for name in (*NUMBERED_HOOKS[2:], *PHASE_HOOKS[2:]):
        assert getattr(every, name) is _nothing
    assert every.on_epoch_end is not _nothing and not every.wants_gradients


def test_the_older_names_of_hooks_are_served():
    seen = []

    class Older(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append(batch)

    class Both(Older):
        def on_train_batch_end(self, batch, logs=None):
            seen.append("newer")

    every = callbacks.CallbackList([Older(), Both()])
    every.on_train_batch_end(7, {})
    assert seen == [7, "newer"]
    Older().on_train_batch_end(8)
    assert seen[-1] == 8


def test_hooks_may_be_put_on_the_object():
    callback = callbacks.Callback()
    callback.on_test_end = mock.Mock()
    callbacks.CallbackList(callback).on_test_end({"loss": 1.0})
    callback.on_test_end.assert_called_once_with({"loss": 1.0})


def test_lists_may_be_nested():
    inner = Noting()
    every = callbacks.CallbackList([callbacks.CallbackList(inner)])
    every.on_epoch_begin(1)
    assert inner.notes == [("on_epoch_begin", 1, {})]
    assert every.on_test_begin is not _nothing


def test_a_mock_is_a_callback():
    callback = mock.Mock()
    callbacks.CallbackList(callback, model=Model(), verbose=0).on_predict_end()
    callback.on_predict_end.assert_called_once_with({})


def test_defaults_are_added_once_and_last():
    every = callbacks.CallbackList([Noting()], add_history=True, add_progbar=True)
    kinds = [type(callback) for callback in every.callbacks]
    assert kinds == [Noting, callbacks.History, callbacks.ProgbarLogger]
    own = [callbacks.ProgbarLogger(), callbacks.History()]
    every = callbacks.CallbackList(own, add_history=True, add_progbar=True)
    assert every.callbacks == own


def test_callbacks_know_their_model_and_the_parameters():
    callback, model = Noting(), Model()
    every = callbacks.CallbackList(callback, add_history=True, model=model, epochs=3, verbose=0)
    assert callback.model is model and callback.params == {"epochs": 3, "verbose": 0}
    assert model.history is every.callbacks[-1]


def test_a_callback_may_be_appended():
    every, callback = callbacks.CallbackList(), Noting()
    every.append(callback)
    every.on_train_begin()
    assert callback.notes == [("on_train_begin", {})]


def test_gradients_reach_those_who_want_them():
    class Wanting(callbacks.Callback):
        def on_gradients(self, gradients, variables):
            self.got = gradients, variables

    callback = Wanting()
    every = callbacks.CallbackList([callback, Noting()])
    every.on_gradients([1], [2])
    assert every.wants_gradients and callback.got == ([1], [2])


def test_an_error_reaches_those_who_have_to_clean_up():
    callback = Noting()
    callback.on_train_abandoned = mock.Mock()
    callbacks.CallbackList([callback, callbacks.History()]).abandon()
    callback.on_train_abandoned.assert_called_once_with()


@pytest.mark.parametrize(
    "wrong, message",
    [
        (callbacks.EarlyStopping, r"not classes. Received: EarlyStopping. Write EarlyStopping\(.."),
        ([3], "must hold `Callback` objects. Received: 3 of type int"),
        (print, "must hold `Callback` objects"),
        ([None], "Received: None of type NoneType"),
    ],
)
def test_what_is_no_callback_is_refused(wrong, message):
    with pytest.raises(TypeError, match=message):
        callbacks.CallbackList(wrong)


@pytest.mark.keras
def test_callbacks_of_keras_are_callbacks(keras):
    seen = []

    class Theirs(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((epoch, logs))

        def on_batch_end(self, batch, logs=None):
            seen.append(batch)

    every = callbacks.CallbackList([Theirs(), keras.callbacks.History()], add_history=True)
    every.set_model(Model())
    assert len(every.callbacks) == 2 and every.on_test_begin is _nothing
    every.on_train_begin()
    every.on_train_batch_end(4)
    every.on_epoch_end(0, {"loss": 1.0})
    assert seen == [4, (0, {"loss": 1.0})]


@pytest.mark.keras
def test_keras_adds_its_defaults_in_the_same_order(keras):
    model = keras.Sequential([keras.layers.Dense(1)])
    theirs = keras.callbacks.CallbackList(
        [keras.callbacks.LambdaCallback()], True, True, model, epochs=1, verbose=0, steps=1
    )
    ours = callbacks.CallbackList(
        [callbacks.LambdaCallback()], True, True, Model(), epochs=1, verbose=0, steps=1
    )
    names = [[type(callback).__name__ for callback in every.callbacks] for every in (ours, theirs)]
    assert names[0] == names[1] and ours.params == theirs.params


@pytest.mark.keras
def test_callbacks_work_within_keras(keras, tmp_path):
    import numpy as np

    callback = Noting()
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((8, 2), "float32"), np.ones(8, "float32")
    own = [
        callback,
        callbacks.EarlyStopping(patience=5, restore_best_weights=True),
        callbacks.ReduceLROnPlateau(),
        callbacks.CSVLogger(tmp_path / "logs.csv"),
        callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"),
        callbacks.TerminateOnNaN(),
        callbacks.History(),
    ]
    model.fit(x, y, validation_split=0.5, epochs=2, batch_size=2, verbose=0, callbacks=own)
    model.predict(x, verbose=0, callbacks=[callback])
    assert {note[0] for note in callback.notes} == {*NUMBERED_HOOKS[:-2], *PHASE_HOOKS}
    assert own[-1].history == model.history.history
    assert (tmp_path / "2.keras").exists()
    assert len((tmp_path / "logs.csv").read_text().splitlines()) == 3

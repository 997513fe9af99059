"""fit, evaluate and predict: what they log, return and call, beside Keras."""

import os
import subprocess
import sys

import numpy as np
import pytest

import npkeras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 4)).astype("float32")
Y = RNG.normal(size=(20, 1)).astype("float32")
CLASSES = RNG.integers(0, 3, 20)


def classifier(engine=npkeras, **options):
    engine.utils.set_random_seed(1)
    model = engine.Sequential([engine.Input((4,)), engine.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", **{"metrics": ["accuracy"], **options})
    return model


def batches(count, rows=4):
    return ((X[i * rows :][:rows], CLASSES[i * rows :][:rows]) for i in range(count))


def assert_same(ours, theirs):
    assert list(ours) == list(theirs)
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, rtol=1e-5, err_msg=name)


class Noting(npkeras.callbacks.Callback):
    """Notes each hook with the types of its logs."""

    def __init__(self):
        self.notes = []

    def on_train_batch_end(self, batch, logs=None):
        self.notes.append((batch, logs))

    on_test_batch_end = on_train_batch_end


class TestLogs:
    def test_they_are_sorted_and_python_floats_in_every_hook(self):
        noting = Noting()
        classifier().fit(X, CLASSES, validation_data=(X, CLASSES), verbose=0, callbacks=noting)
        for _, logs in noting.notes:
            assert list(logs) == ["accuracy", "loss"]
            assert all(type(value) is float for value in logs.values())

    @pytest.mark.keras
    def test_those_of_an_epoch_are_sorted_with_those_of_the_validation_among_them(self, keras):
        def history(engine):
            top = engine.metrics.SparseTopKCategoricalAccuracy(2, name="xx")
            model = classifier(engine, metrics=[top])
            options = {"validation_data": (X, CLASSES), "shuffle": False, "verbose": 0}
            return model.fit(X, CLASSES, **options).history

        assert_same(history(npkeras), history(keras))

    def test_a_step_must_return_them(self):
        class Silent(npkeras.Sequential):
            def train_step(self, data):
                pass

        model = Silent([npkeras.layers.Dense(1)], name="silent")
        model.compile("sgd", "mse")
        with pytest.raises(ValueError, match="`train_step` of model 'silent' .* Received: None"):
            model.fit(X, Y, verbose=0)


class TestDataThatEnd:
    def test_training_ends_with_them(self):
        with pytest.warns(UserWarning, match="ran out of data"):
            history = classifier().fit(batches(3), epochs=3, verbose=0)
        assert history.epoch == [0]
        assert len(history.history["loss"]) == 1

    def test_a_validation_without_data_logs_nothing(self):
        model = classifier()
        with pytest.warns(UserWarning, match="ran out of data"):
            history = model.fit(X, CLASSES, epochs=2, validation_data=batches(3), verbose=0)
        assert len(history.history["loss"]) == 2
        assert len(history.history["val_loss"]) == 1

    @pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
    @pytest.mark.filterwarnings("ignore:.*ran out of data")
    def test_no_batch_at_all_is_refused(self, method):
        with pytest.raises(ValueError, match=f"`{method}` was given no batch"):
            getattr(classifier(), method)(batches(0), verbose=0)


class TestValidation:
    def test_each_one_begins_at_the_first_batch(self):
        model = classifier()
        model.trainable = False
        options = {"validation_steps": 2, "validation_batch_size": 4, "verbose": 0}
        losses = model.fit(X, CLASSES, epochs=3, validation_data=(X, CLASSES), **options).history
        first = classifier().evaluate(X[:8], CLASSES[:8], verbose=0)[0]
        np.testing.assert_allclose(losses["val_loss"], [first] * 3, rtol=1e-5)

    @pytest.mark.parametrize("frequency", [0, "a", 1.5])
    def test_its_frequency_is_checked(self, frequency):
        with pytest.raises(ValueError, match="`validation_freq` of `fit` must be .*Received"):
            classifier().fit(
                X, CLASSES, validation_data=(X, CLASSES), validation_freq=frequency, verbose=0
            )


class TestStopping:
    def test_evaluation_and_prediction_stop_when_told(self):
        seen = []

        class Stop(npkeras.callbacks.Callback):
            def on_test_batch_end(self, batch, logs=None):
                seen.append(batch)
                self.model.stop_evaluating = True

            def on_predict_batch_end(self, batch, logs=None):
                seen.append(batch)
                self.model.stop_predicting = True

        model = classifier()
        model.evaluate(X, CLASSES, batch_size=4, verbose=0, callbacks=[Stop()])
        assert len(model.predict(X, batch_size=4, verbose=0, callbacks=[Stop()])) == 4
        assert seen == [0, 0]
        assert len(model.predict(X, batch_size=4, verbose=0)) == 20


class TestPredict:
    @pytest.mark.parametrize(
        "data, options",
        [(X, {"steps": 1, "batch_size": 4}), (((X[:4],) for _ in range(1)), {})],
        ids=["one step", "a generator of one batch"],
    )
    def test_a_single_batch_keeps_its_shape(self, data, options):
        model = classifier()
        outputs = model.predict(data, verbose=0, **options)
        np.testing.assert_array_equal(outputs, model.predict_on_batch(X[:4]))

    def test_outputs_without_an_axis_become_one(self):
        class Total(npkeras.Model):
            def call(self, x):
                return npkeras.ops.sum(x)

        np.testing.assert_allclose(
            Total().predict(X, batch_size=10, verbose=0), [X[:10].sum(), X[10:].sum()], rtol=1e-5
        )


class Shuffled(npkeras.utils.PyDataset):
    """A data set in another order after every epoch."""

    def __init__(self, notes=None):
        super().__init__()
        self.random, self.order = np.random.default_rng(0), np.arange(20)
        self.notes = [] if notes is None else notes

    def __len__(self):
        return 5

    def __getitem__(self, i):
        rows = self.order[i * 4 : i * 4 + 4]
        return X[rows], CLASSES[rows]

    def on_epoch_begin(self):
        self.notes.append("begin")

    def on_epoch_end(self):
        self.notes.append("end")
        self.order = self.random.permutation(20)


@pytest.mark.keras
def test_a_data_set_that_shuffles_itself_comes_in_the_order_it_has_in_keras(keras):
    class Theirs(keras.utils.PyDataset):
        __init__, __len__, __getitem__ = Shuffled.__init__, Shuffled.__len__, Shuffled.__getitem__
        on_epoch_begin, on_epoch_end = Shuffled.on_epoch_begin, Shuffled.on_epoch_end

    def run(engine, dataset):
        model, notes = classifier(engine), []
        data = dataset()
        data.notes = notes
        logs = model.fit(data, epochs=2, shuffle=False, verbose=0, validation_data=data).history
        model.evaluate(data, verbose=0)
        model.predict(data, verbose=0)
        return logs, notes

    def without_super(self):
        self.random, self.order, self.notes = np.random.default_rng(0), np.arange(20), []

    Theirs.__init__ = without_super
    (ours, our_notes), (theirs, their_notes) = run(npkeras, Shuffled), run(keras, Theirs)
    assert our_notes == their_notes
    assert_same(ours, theirs)


class TestLimits:
    @pytest.fixture(autouse=True)
    def _limits(self):
        npkeras.config.set_max_epochs(2)
        npkeras.config.set_max_steps_per_epoch(1)

    def test_they_hold_in_fit_evaluate_and_predict(self):
        model = classifier()
        with pytest.warns(UserWarning, match="`epochs=5` is limited to 2"):
            history = model.fit(X, CLASSES, batch_size=8, epochs=5, verbose=0)
        assert history.epoch == [0, 1]
        assert history.params == {"verbose": 0, "epochs": 2, "steps": 1}
        with pytest.warns(UserWarning, match="limited to 1 batches"):
            assert model.predict(X, batch_size=4, verbose=0).shape == (4, 3)
        with pytest.warns(UserWarning, match="limited to 1 batches"):
            limited = model.evaluate(X, CLASSES, batch_size=4, verbose=0)
        assert limited == model.test_on_batch(X[:4], CLASSES[:4])

    def test_they_change_nothing_where_there_is_less(self, recwarn):
        history = classifier().fit(X, CLASSES, epochs=2, verbose=0)
        assert history.epoch == [0, 1]
        assert not recwarn

    def test_the_environment_sets_them(self):
        program = "from npkeras import config as c; print(c.max_epochs(), c.max_steps_per_epoch())"
        environment = {**os.environ, "KERAS_MAX_EPOCHS": "3", "KERAS_MAX_STEPS_PER_EPOCH": "7"}
        run = [sys.executable, "-c", program]
        assert subprocess.check_output(run, env=environment, text=True) == "3 7\n"

    @pytest.mark.parametrize("limit", [0, 1.5, "a"])
    def test_they_are_whole_numbers(self, limit):
        with pytest.raises(ValueError, match="`max_epochs` of `set_max_epochs` must be a positive"):
            npkeras.config.set_max_epochs(limit)


def test_without_interactive_logging_the_lines_go_to_the_logger(capsys, caplog):
    npkeras.config.disable_interactive_logging()
    with caplog.at_level("INFO", logger="npkeras"):
        classifier().fit(X, CLASSES, epochs=2)
    assert capsys.readouterr().out == ""
    assert caplog.messages[0] == "Epoch 1/2"
    assert "- accuracy: " in caplog.messages[1]
    npkeras.utils.clear_session()
    assert npkeras.utils.is_interactive_logging_enabled()


def test_training_that_was_cut_off_goes_on_at_its_epoch(tmp_path):
    def fit(model, *more):
        backup = npkeras.callbacks.BackupAndRestore(tmp_path / "backup")
        return model.fit(X, CLASSES, epochs=4, verbose=0, callbacks=[backup, *more])

    class CutOff(npkeras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    whole = classifier()
    whole.fit(X, CLASSES, epochs=4, verbose=0)
    with pytest.raises(KeyboardInterrupt):
        fit(classifier(), CutOff())
    model = classifier()
    assert fit(model).epoch == [2, 3]
    for resumed, expected in zip(model.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(resumed, expected)
    assert fit(model).epoch == [0, 1, 2, 3]


@pytest.mark.keras
def test_a_loss_without_reduction_is_learnt_as_in_keras(keras):
    def run(engine):
        engine.utils.set_random_seed(1)
        model = engine.Sequential([engine.Input((4,)), engine.layers.Dense(1)])
        model.compile("sgd", engine.losses.MeanSquaredError(reduction=None))
        history = model.fit(X, Y, batch_size=8, shuffle=False, verbose=0).history
        return history, model.get_weights()

    (ours, weights), (theirs, expected) = run(npkeras), run(keras)
    assert_same(ours, theirs)
    for weight, other in zip(weights, expected, strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-5)


def test_evaluate_refuses_arguments_it_does_not_know():
    with pytest.raises(ValueError, match="`evaluate` does not know .*: stepps"):
        classifier().evaluate(X, CLASSES, stepps=3)


@pytest.mark.keras
def test_training_begins_with_the_epoch_that_it_is_told(keras):
    for engine in (npkeras, keras):
        history = classifier(engine).fit(X, CLASSES, epochs=5, initial_epoch=3, verbose=0)
        assert history.epoch == [3, 4]
        assert len(history.history["loss"]) == 2
        assert history.params["epochs"] == 5

"""Odd inputs: a warning, or a documented rule; and nothing that was good is lost by a failure."""

import os
import warnings

import numpy as np
import pytest

import npkeras
from npkeras import layers
from tests.small_models import (
    BINARY,
    CLASSES,
    INF,
    NAN,
    ONE_HOT,
    ROWS,
    TOKENS,
    X,
    assert_unchanged,
    binary,
    changed,
    dense,
    fit,
    regression,
    sequences,
    tokens,
    weights_of,
)


class TestWarned:
    """What may be meant, but seldom is: done, and said."""

    @pytest.fixture(autouse=True)
    def _each_once(self):
        self.caught = []
        with warnings.catch_warnings(record=True) as self.caught:
            warnings.simplefilter("default")  # as Python does for its user: each text once
            yield

    def said(self, *words):
        """There was one warning of ours, short, with these words."""
        texts = [str(w.message) for w in self.caught if w.category is UserWarning]
        assert len(texts) == 1, texts
        assert all(word in texts[0] for word in words), texts[0]
        assert len(texts[0]) <= 300

    def test_logits_for_probabilities(self):
        fit(binary(None), 20 * X, BINARY, epochs=3)
        self.said("binary_crossentropy", "probabilities", "from_logits=True")

    def test_logits_that_are_declared_are_right(self):
        fit(binary(None, npkeras.losses.BinaryCrossentropy(from_logits=True)), 20 * X, BINARY)
        assert not self.caught

    @pytest.mark.parametrize("value", [NAN, INF])
    def test_inputs_that_are_not_finite(self, value):
        fit(regression(), changed(X, (6, 1), value), BINARY, epochs=2, shuffle=False)
        self.said("'small'", "nan in batch 1" if np.isnan(value) else "in batch 1", "Input 0")

    def test_weights_that_are_not_finite(self):
        model = regression()
        model.layers[0].set_weights([np.full((4, 1), NAN), np.zeros(1)])
        fit(model, X, BINARY)
        self.said("nan in batch 0", "head/kernel", "not finite")

    def test_a_learning_rate_that_explodes(self):
        model = regression()
        model.optimizer.learning_rate = 1e30
        fit(model, X, BINARY, epochs=3)
        self.said("'small'", "in batch")

    def test_numpy_says_nothing_beside(self):
        fit(regression(), changed(X, (6, 1), INF), BINARY)
        self.said("in batch")
        assert len(self.caught) == 1

    def test_numbers_too_large_for_float32(self):
        regression().predict(changed(X, (6, 1), 1e300, "float64"), verbose=0)
        self.said("`x`", "too large for float32", "set_floatx('float64')")

    def test_nan_may_be_predicted_from_and_reaches_its_row_only(self):
        y = regression().predict(changed(X, (6, 1), NAN), verbose=0)
        assert not self.caught
        assert np.isnan(y).any(axis=1).nonzero()[0].tolist() == [6]

    def test_class_weight_lacks_a_class(self):
        fit(dense(), X, CLASSES, class_weight={0: 1.0, 1: 2.0}, epochs=3)
        self.said("`class_weight`", "among the targets: 2", "weight 1")

    def test_a_monitor_that_is_not_logged(self):
        stop = npkeras.callbacks.EarlyStopping("val_loss")
        fit(regression(), X, BINARY, callbacks=[stop])
        self.said("EarlyStopping", "`val_loss`", "Logged were: loss")

    def test_a_generator_that_ends_early(self):
        batches = ((X[:4], BINARY[:4]) for _ in range(3))
        history = fit(regression(), batches, None, batch_size=None, steps_per_epoch=5)
        self.said("generator", "3 of 5 steps")
        assert len(history.history["loss"]) == 1

    def test_saving_weights_that_are_not_finite(self, tmp_path):
        model = regression()
        model.set_weights([np.full((4, 1), NAN), np.zeros(1)])
        model.save_weights(tmp_path / "nan.weights.h5")
        self.said("head", "nan.weights.h5")

    def test_padding_that_cuts_off_fractions(self):
        npkeras.utils.pad_sequences([[0.5, 1.0], [2.5]])
        self.said("pad_sequences cuts fractions off", "0.5", 'dtype="float32"')

    def test_a_single_class_of_a_categorical_loss(self):
        loss = npkeras.losses.CategoricalCrossentropy()
        loss(np.ones((4, 1), "float32"), np.ones((4, 1), "float32"))
        self.said("categorical_crossentropy", "(4, 1)", "binary_crossentropy")

    def test_a_model_without_trainable_weights(self):
        model = regression()
        model.trainable = False
        model.train_on_batch(X, BINARY)
        self.said("trainable weights")


class TestRight:
    """What looks odd and is right: the same numbers as from a plain array."""

    @pytest.fixture
    def model(self):
        return regression(2)

    @pytest.mark.parametrize(
        "odd",
        [
            lambda x: x.tolist(),
            lambda x: x.astype(">f4"),
            lambda x: x.astype(">f8"),
            lambda x: x.astype("float64"),
            np.asfortranarray,
            lambda x: x[::-1].copy()[::-1],
            lambda x: np.repeat(x, 2, axis=1)[:, ::2],
            lambda x: np.broadcast_to(x, x.shape),
        ],
        ids=["list of lists", "big-endian", "big-endian float64", "float64", "Fortran"]
        + ["negative strides", "steps", "read-only"],
    )
    def test_the_form_of_the_array_changes_nothing(self, model, odd):
        expected = model.predict(X, verbose=0)
        np.testing.assert_array_equal(model.predict(odd(X), verbose=0), expected)
        start = model.get_weights()
        fit(model, X, X[:, :2], shuffle=False)
        after = weights_of(model)
        model.set_weights(start)
        fit(model, odd(X), odd(X[:, :2].copy()), shuffle=False)
        assert_unchanged(model, after)

    def test_inputs_are_never_written_to(self, model):
        x = X.copy()
        x.flags.writeable = False
        y = x[:, :2]
        fit(model, x, y, sample_weight=np.broadcast_to(np.float32(1), ROWS))
        np.testing.assert_array_equal(x, X)

    @pytest.mark.parametrize("loss", ["mse", "binary_crossentropy"])
    def test_targets_of_one_axis_are_those_of_two(self, loss):
        results = []
        for y in (BINARY, BINARY[:, 0]):
            npkeras.utils.set_random_seed(1)
            model = binary(loss=loss)
            fit(model, X, y)
            results.append([*weights_of(model), model.evaluate(X, y, verbose=0)])
        for first, second in zip(*results, strict=True):
            np.testing.assert_array_equal(first, second)

    def test_a_loss_of_ones_own_is_given_one_rank(self):
        shapes = []

        def own(y_true, y_pred):
            shapes.append((y_true.shape, y_pred.shape))
            return npkeras.ops.mean(npkeras.ops.square(y_true - y_pred), axis=-1)

        fit(regression(loss=own), X, BINARY[:, 0])
        assert set(shapes) == {((4, 1), (4, 1))}

    def test_no_epochs_leave_all_as_it_was(self, model):
        before = weights_of(model)
        assert fit(model, X, X[:, :2], epochs=0).history == {}
        assert_unchanged(model, before)

    def test_nothing_to_predict_gives_nothing(self, model):
        assert model.predict(X[:0], verbose=0).shape == (0, 2)
        assert tokens().predict(TOKENS[:0], verbose=0).shape == (0, 3)
        assert sequences().predict(np.ones((0, 6, 4)), verbose=0).shape == (0, 3)

    def test_a_batch_larger_than_the_data_is_one_batch(self, model):
        assert fit(model, X, X[:, :2], batch_size=1000).params["steps"] == 1

    def test_one_hot_beyond_the_last_class_is_a_row_of_zeros(self):
        np.testing.assert_array_equal(
            npkeras.ops.one_hot([5, 1, -1], 3), [[0] * 3, [0, 1, 0], [0] * 3]
        )

    def test_noise_on_binary_targets_is_a_known_trick(self):
        fit(binary(), X, BINARY + 0.05)

    def test_one_hot_rows_may_be_probabilities(self):
        fit(dense(loss="categorical_crossentropy"), X, ONE_HOT * 0.9 + 0.1 / 3)

    def test_class_numbers_may_be_floats_and_columns(self):
        losses = [
            dense_loss.evaluate(X, y, verbose=0)
            for dense_loss in [dense()]
            for y in (CLASSES, CLASSES[:, None], CLASSES.astype("float32"), CLASSES.astype("uint8"))
        ]
        assert len(set(losses)) == 1


class TestNanIsNeverBest:
    def history(self, values, callback, tmp_path):
        """The epochs of a callback that sees these values; a file for each one saved."""
        model = regression()
        callback.set_model(model)
        callback.on_train_begin()
        for epoch, value in enumerate(values):
            callback.on_epoch_begin(epoch)
            callback.on_epoch_end(epoch, {"loss": value})
            if model.stop_training:
                break
        return model

    def test_a_checkpoint_skips_nan_and_saves_what_follows(self, tmp_path):
        path = tmp_path / "{epoch}.weights.h5"
        callback = npkeras.callbacks.ModelCheckpoint(
            path, "loss", save_best_only=True, save_weights_only=True
        )
        self.history([NAN, 0.5, NAN, 0.7, 0.2], callback, tmp_path)
        assert sorted(os.listdir(tmp_path)) == ["2.weights.h5", "5.weights.h5"]
        assert callback.best == 0.2

    def test_early_stopping_waits_through_nan(self, tmp_path):
        callback = npkeras.callbacks.EarlyStopping("loss", patience=2)
        model = self.history([NAN, 0.5, NAN, 0.4, NAN, NAN, NAN], callback, tmp_path)
        assert callback.best == 0.4
        assert model.stop_training and callback.stopped_epoch == 5


class TestFailedLoad:
    @pytest.fixture
    def model(self):
        model = npkeras.Sequential(
            [npkeras.Input((4,)), layers.Dense(5, name="first"), layers.Dense(2, name="second")]
        )
        model.compile("adam", "mse")
        fit(model, X, X[:, :2])
        return model

    def test_a_file_that_fits_only_the_first_layer_changes_nothing(self, model, tmp_path):
        other = npkeras.Sequential(
            [npkeras.Input((4,)), layers.Dense(5, name="first"), layers.Dense(3, name="second")]
        )
        other.save_weights(tmp_path / "other.weights.h5")
        before = weights_of(model)
        with pytest.raises(ValueError, match=r"second.*kernel.*\(5, 2\).*\(5, 3\)") as caught:
            model.load_weights(tmp_path / "other.weights.h5")
        assert len(str(caught.value)) <= 300
        assert_unchanged(model, before)
        fit(model, X, X[:, :2])

    @pytest.mark.parametrize("content", [b"", b"this is no HDF5 file", None])
    def test_a_file_that_cannot_be_read_changes_nothing(self, model, tmp_path, content):
        path = tmp_path / "half.weights.h5"
        model.save_weights(path)
        path.write_bytes(path.read_bytes()[:1000] if content is None else content)
        before = weights_of(model)
        with pytest.raises((ValueError, OSError), match="half.weights.h5") as caught:
            model.load_weights(path)
        assert len(str(caught.value)) <= 300
        assert_unchanged(model, before)

    def test_set_weights_of_another_shape_changes_nothing(self, model):
        before = weights_of(model)
        wrong = [*before[:-1], np.zeros(7, "float32")]
        with pytest.raises(ValueError, match=r"\(2,\).*\(7,\)|\(7,\).*\(2,\)"):
            model.set_weights(wrong)
        assert_unchanged(model, before)
        with pytest.raises(ValueError, match="4.*3|3.*4"):
            model.set_weights(before[:-1])
        assert_unchanged(model, before)

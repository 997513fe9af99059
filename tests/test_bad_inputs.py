"""Bad inputs: a clear error, a warning, or a documented rule; never a silent wrong number.

Every message says who expected what and which value came, in 300 characters at most.
"""

import collections
import os
import warnings

import numpy as np
import pytest

import npkeras
from npkeras import layers

ROWS = 12
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(ROWS, 4)).astype("float32")
CLASSES = np.arange(ROWS) % 3
ONE_HOT = np.eye(3, dtype="float32")[CLASSES]
BINARY = (np.arange(ROWS) % 2).astype("float32")[:, None]
TOKENS = RANDOM.integers(0, 10, (ROWS, 5))
NAN, INF = float("nan"), float("inf")


def dense(outputs=3, activation="softmax", loss="sparse_categorical_crossentropy", **options):
    model = npkeras.Sequential(
        [npkeras.Input((4,)), layers.Dense(outputs, activation, name="head")], name="small"
    )
    model.compile("sgd", loss, **options)
    return model


def regression(outputs=1, loss="mse", **options):
    return dense(outputs, None, loss, **options)


def binary(activation="sigmoid", loss="binary_crossentropy", **options):
    return dense(1, activation, loss, **options)


def tokens():
    model = npkeras.Sequential(
        [
            npkeras.Input((5,), dtype="int32"),
            layers.Embedding(10, 4, name="table"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


def sequences():
    model = npkeras.Sequential([npkeras.Input((None, 4)), layers.LSTM(3, name="recurrent")])
    model.compile("sgd", "mse")
    return model


def fit(model, x, y, **options):
    return model.fit(x, y, **{"batch_size": 4, "epochs": 1, "verbose": 0, **options})


def changed(array, place, value, dtype=None):
    """A copy of an array with another value at one place."""
    array = np.array(array, dtype)
    array[place] = value
    return array


def weights_of(model):
    return [np.array(weight) for weight in model.get_weights()]


def assert_unchanged(model, before):
    for weight, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, old)


class Methods:
    """The ways in which a model is given data, each called with x and y."""

    fit = staticmethod(fit)

    @staticmethod
    def evaluate(model, x, y):
        return model.evaluate(x, y, verbose=0)

    @staticmethod
    def train_on_batch(model, x, y):
        return model.train_on_batch(x, y)

    @staticmethod
    def test_on_batch(model, x, y):
        return model.test_on_batch(x, y)

    @staticmethod
    def predict(model, x, y):
        return model.predict(x, verbose=0)

    @staticmethod
    def predict_on_batch(model, x, y):
        return model.predict_on_batch(x)

    @staticmethod
    def call(model, x, y):
        return model(x)


LEARNING = ("fit", "evaluate", "train_on_batch", "test_on_batch")
ALL = (*LEARNING, "predict", "predict_on_batch")

Case = collections.namedtuple("Case", "make x y error words methods")


def case(make, x, y, *words, error=ValueError, methods=LEARNING):
    return Case(make, x, y, error, words, methods)


# What is refused, whichever way it comes in: the model, x, y, and what the message says.
REFUSED = {
    "a class number beyond the last": case(
        dense, X, changed(CLASSES, 5, 3), "0 to 2", "target 3", "position (", "3 classes"
    ),
    "a negative class number": case(dense, X, changed(CLASSES, 5, -1), "0 to 2", "target -1"),
    "a class number that is not whole": case(
        dense, X, changed(CLASSES, 5, 1.5, "float32"), "integers from 0 to 2", "target 1.5"
    ),
    "a class number that is NaN": case(
        dense, X, changed(CLASSES, 5, NAN, "float32"), "integers from 0 to 2", "target nan"
    ),
    "one-hot targets for a sparse loss": case(
        dense, X, ONE_HOT, "sparse_categorical_crossentropy", ", 3)", "`categorical_crossentropy`"
    ),
    "class numbers for a loss that wants one-hot targets": case(
        lambda: dense(loss="categorical_crossentropy"),
        X,
        CLASSES,
        "categorical_crossentropy",
        ",)",
        "`sparse_categorical_crossentropy`",
        "to_categorical",
    ),
    "binary targets above 1": case(
        binary, X, BINARY * 2, "binary_crossentropy", "between 0 and 1", "0 to 2"
    ),
    "binary targets of -1": case(
        binary, X, BINARY * 2 - 1, "between 0 and 1", "-1 to 1", "`hinge`"
    ),
    "one target for three outputs": case(
        lambda: regression(3), X, BINARY, "mean_squared_error", ", 3)", ", 1)"
    ),
    "two targets for three outputs": case(
        lambda: regression(3), X, X[:, :2], "mean_squared_error", ", 3)", ", 2)"
    ),
    "no targets": case(regression, X, None, "targets", "None"),
    "fewer targets than samples": case(
        regression, X, BINARY[:-1], "same number of samples", "x: 12", "y: 11"
    ),
    "an embedding index of -1": case(
        tokens, changed(TOKENS, (0, 2), -1), CLASSES, "'table' (Embedding)", "0 to 9", "number -1",
        methods=(*ALL, "call"),
    ),
    "an embedding index of input_dim": case(
        tokens, changed(TOKENS, (0, 2), 10), CLASSES, "'table' (Embedding)", "0 to 9", "number 10",
        methods=(*ALL, "call"),
    ),
    "a huge embedding index": case(
        tokens, changed(TOKENS, (0, 2), 2**31 - 1), CLASSES, "'table'", "number 2147483647",
        methods=(*ALL, "call"),
    ),
    "an embedding index that is not whole": case(
        tokens, changed(TOKENS, (0, 2), 1.75, "float32"), CLASSES, "'table'", "whole", "1.75",
        methods=(*ALL, "call"),
    ),
    "an embedding index that is NaN": case(
        tokens, changed(TOKENS, (0, 2), NAN, "float32"), CLASSES, "'table'", "whole", "nan",
        methods=(*ALL, "call"),
    ),
    "complex inputs": case(
        regression, X + 1j, BINARY, "`x`", "complex64", "real and imaginary", methods=ALL
    ),
    "complex targets": case(regression, X, BINARY + 1j, "`y`", "complex"),
    "objects as inputs": case(regression, X.astype(object), BINARY, "`x`", "object", methods=ALL),
    "objects as targets": case(regression, X, BINARY.astype(object), "`y`", "object"),
    "strings as inputs": case(
        regression, X.astype(str), BINARY, "`x`", "<U", "numbers", methods=ALL
    ),
    "strings as targets": case(regression, X, BINARY.astype(str), "`y`", "<U"),
    "times as inputs": case(
        regression, X.astype("datetime64[s]"), BINARY, "`x`", "datetime64", methods=ALL
    ),
    "rows of different lengths": case(
        regression, [[1.0] * 4] * 11 + [[1.0] * 3], BINARY, "`x`", "different lengths", "pad",
        methods=ALL,
    ),
    "one axis too few": case(
        regression, X[:, 0], BINARY, "head", "at least 2", ",)", methods=("fit", "predict")
    ),
    "one axis too few for sequences": case(
        sequences, X, X[:, :3], "recurrent", "3", "(4, 4)", methods=("fit",)
    ),
    "one axis too many": case(
        sequences, X[:, None, None], X[:, :3], "recurrent", "3", methods=(*ALL, "call")
    ),
    "too few features": case(
        regression, X[:, :3], BINARY, "'head' (Dense)", "4 entries along axis -1", ", 3)",
        methods=(*ALL, "call"),
    ),
    "too many features": case(
        regression, np.hstack([X, X]), BINARY, "'head' (Dense)", "4 entries", ", 8)",
        methods=(*ALL, "call"),
    ),
    "no samples": case(regression, X[:0], BINARY[:0], "at least one sample", "(0, 4)"),
    "masked arrays": case(
        regression, np.ma.masked_invalid(X), BINARY, "`x`", "masked", "filled", methods=ALL
    ),
    "masked targets": case(regression, X, np.ma.masked_invalid(BINARY), "`y`", "masked"),
    "a single number": case(regression, np.float32(3), BINARY, "batch axis", methods=("predict",)),
    "text": case(regression, "images/", None, "'images/' of type str", methods=("fit", "predict")),
    "nothing": case(
        regression, None, None, "needs data", "x=None", methods=("fit", "evaluate", "predict")
    ),
    "an object that is no data": case(
        regression, object(), None, "of type object", methods=("fit", "evaluate", "predict")
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    "one, method",
    [
        pytest.param(case, method, id=f"{method}: {name}")
        for name, case in REFUSED.items()
        for method in case.methods
    ],
)
def test_refused(one, method):
    model = one.make()
    before = weights_of(model)
    with pytest.raises(one.error) as caught, np.errstate(all="raise"):
        getattr(Methods, method)(model, one.x, one.y)
    message = str(caught.value)
    for word in one.words:
        assert word in message, message
    assert len(message) <= 300, message
    if method in ("predict", "evaluate", "test_on_batch", "train_on_batch"):
        assert_unchanged(model, before)


# Arguments that are refused, and what the message says.
ARGUMENTS = {
    "batch_size 0": (lambda: fit(regression(), X, BINARY, batch_size=0), "batch_size=0"),
    "batch_size -1": (lambda: fit(regression(), X, BINARY, batch_size=-1), "batch_size=-1"),
    "batch_size 2.5": (lambda: fit(regression(), X, BINARY, batch_size=2.5), "batch_size=2.5"),
    "batch_size '4'": (lambda: fit(regression(), X, BINARY, batch_size="4"), "batch_size='4'"),
    "batch_size True": (lambda: fit(regression(), X, BINARY, batch_size=True), "batch_size=True"),
    "predict with batch_size 0": (
        lambda: regression().predict(X, batch_size=0, verbose=0),
        "`predict`.*batch_size=0",
    ),
    "evaluate with batch_size -3": (
        lambda: regression().evaluate(X, BINARY, batch_size=-3, verbose=0),
        "`evaluate`.*batch_size=-3",
    ),
    "steps_per_epoch 0": (lambda: fit(regression(), X, BINARY, steps_per_epoch=0), "steps=0"),
    "validation_split 1.0": (
        lambda: fit(regression(), X, BINARY, validation_split=1.0),
        "validation_split=1.0.*12 samples.*none for training",
    ),
    "validation_split -0.5": (
        lambda: fit(regression(), X, BINARY, validation_split=-0.5),
        "validation_split=-0.5.*between 0 and 1",
    ),
    "validation_split NaN": (
        lambda: fit(regression(), X, BINARY, validation_split=NAN),
        "validation_split=nan",
    ),
    "validation_split that leaves nothing": (
        lambda: fit(regression(), X, BINARY, validation_split=1e-20),
        "none for validation",
    ),
    "validation_split of a generator": (
        lambda: fit(regression(), iter([]), None, validation_split=0.5),
        "`validation_split` works on arrays alone",
    ),
    "shuffle 'yes'": (lambda: fit(regression(), X, BINARY, shuffle="yes"), "shuffle='yes'"),
    "learning rate -1": (lambda: npkeras.optimizers.SGD(-1), "learning_rate.*-1"),
    "learning rate NaN": (lambda: npkeras.optimizers.Adam(NAN), "learning_rate.*nan"),
    "learning rate 'fast'": (lambda: npkeras.optimizers.Adam("fast"), "'fast'"),
    "learning rate NaN, set later": (
        lambda: setattr(regression().optimizer, "learning_rate", NAN),
        "learning_rate=nan",
    ),
    "learning rate NaN, from a schedule": (
        lambda: fit(
            regression(),
            X,
            BINARY,
            callbacks=[npkeras.callbacks.LearningRateScheduler(lambda epoch, rate: NAN)],
        ),
        "learning_rate=nan",
    ),
    "sample_weight NaN": (
        lambda: fit(regression(), X, BINARY, sample_weight=changed(np.ones(ROWS), 7, NAN)),
        "sample_weight.*NaN for sample 7",
    ),
    "sample_weight NaN in a batch": (
        lambda: regression().train_on_batch(X, BINARY, changed(np.ones(ROWS), 7, NAN)),
        "sample_weight.*NaN for sample 7",
    ),
    "sample_weight too short": (
        lambda: fit(regression(), X, BINARY, sample_weight=np.ones(5)),
        "same number of samples.*x: 12.*sample_weight: 5",
    ),
    "sample_weight of another shape": (
        lambda: fit(regression(2), X, X[:, :2], sample_weight=np.ones((ROWS, 3))),
        r"sample_weight of shape \(4, 3\)",
    ),
    "sample_weight beside class_weight": (
        lambda: fit(regression(), X, BINARY, sample_weight=np.ones(ROWS), class_weight={0: 1}),
        "`class_weight` or `sample_weight`, not both",
    ),
    "class_weight NaN": (
        lambda: fit(dense(), X, CLASSES, class_weight={0: NAN, 1: 1, 2: 1}),
        "class 0.*nan",
    ),
    "class_weight negative": (
        lambda: fit(dense(), X, CLASSES, class_weight={0: -1.0, 1: 1, 2: 1}),
        "class 0.*-1.0",
    ),
    "class_weight in a list": (
        lambda: fit(dense(), X, CLASSES, class_weight=[1.0, 2.0, 3.0]),
        r"must be a dict.*\[1.0, 2.0, 3.0\]",
    ),
    "class_weight with a fraction": (
        lambda: fit(dense(), X, CLASSES, class_weight={0.5: 1.0}),
        "0.5",
    ),
    "an unknown optimizer": (
        lambda: regression().compile("adma"),
        "Unknown optimizer: 'adma'. Did you mean 'adam",
    ),
    "an unknown loss": (
        lambda: regression().compile("sgd", "mean_sqared_error"),
        "Unknown loss: 'mean_sqared_error'. Did you mean 'mean_squared_error'",
    ),
    "an unknown loss of one output of several": (
        lambda: regression().compile("sgd", {"a": "mse", "b": "mea"}),
        "Unknown loss: 'mea'. Did you mean",
    ),
    "an unknown metric": (
        lambda: regression().compile("sgd", "mse", metrics=["acuracy"]),
        "Unknown metric: 'acuracy'. Did you mean",
    ),
    "an unknown activation": (
        lambda: layers.Dense(3, activation="rleu"),
        "Unknown activation: 'rleu'. Did you mean 'relu'",
    ),
    "an unknown initializer": (
        lambda: layers.Dense(3, kernel_initializer="glorot_unifrom"),
        "Unknown initializer: 'glorot_unifrom'. Did you mean 'glorot_uniform'",
    ),
    "an unknown regularizer": (
        lambda: layers.Dense(3, kernel_regularizer="l3"),
        "Unknown regularizer: 'l3'. A class of your own",
    ),
    "metrics that are no list": (
        lambda: regression().compile("sgd", "mse", metrics="mae"),
        "`metrics` must be a list.*metrics='mae'",
    ),
    "fit before compile": (
        lambda: npkeras.Sequential([layers.Dense(1)]).fit(X, BINARY),
        r"`compile\(\)` before `fit`",
    ),
    "units 0": (lambda: layers.Dense(0), "`units` of Dense.*units=0"),
    "units 3.0": (lambda: layers.LSTM(3.0), "`units` of LSTM.*units=3.0"),
    "rate 1.5": (lambda: layers.Dropout(1.5), "Dropout.*1.5"),
    "input_dim 0": (lambda: layers.Embedding(0, 3), "Embedding.*input_dim=0"),
    "to_categorical of -1": (
        lambda: npkeras.utils.to_categorical([0, -1], 3),
        "to_categorical expected class numbers from 0. Received: -1, at place 1",
    ),
    "to_categorical of 3 in 3 classes": (
        lambda: npkeras.utils.to_categorical([3], 3),
        "below num_classes=3. Received: 3",
    ),
    "to_categorical of 1.5": (lambda: npkeras.utils.to_categorical([1.5], 3), "whole.*1.5"),
    "pad_sequences of rows that are none": (
        lambda: npkeras.utils.pad_sequences([1, 2]),
        "must be a list of sequences",
    ),
    "pad_sequences with numbers too large": (
        lambda: npkeras.utils.pad_sequences([[2**40]]),
        "1099511627776.*int32",
    ),
}


@pytest.mark.parametrize("action, pattern", ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_refused_argument(action, pattern):
    with pytest.raises((ValueError, TypeError), match=pattern) as caught:
        action()
    assert len(str(caught.value)) <= 300, str(caught.value)


def test_an_unknown_keyword_is_refused():
    for action in (
        lambda: layers.Dense(3, activatoin="relu"),
        lambda: npkeras.optimizers.Adam(lerning_rate=0.1),
        lambda: regression().fit(X, BINARY, epoch=3),
        lambda: regression().evaluate(X, BINARY, batchsize=3),
    ):
        with pytest.raises((TypeError, ValueError), match="activatoin|lerning|epoch|batchsize"):
            action()


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

    @pytest.mark.xfail(reason="training lets NumPy warn of each operation, too", strict=False)
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

"""Bad inputs: a clear error that says who expected what and which value came, in 300 characters."""

import collections

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
        regression, X[:, 0], BINARY, "'small'", "(None, 4)", ",)", methods=("fit", "predict")
    ),
    "one axis too few for sequences": case(
        sequences, X, X[:, :3], "'sequential", "(None, None, 4)", "(4, 4)", methods=("fit",)
    ),
    "one axis too many": case(
        sequences, X[:, None, None], X[:, :3], "(None, None, 4)", "1, 1, 4)", methods=(*ALL, "call")
    ),
    "too few features": case(
        regression, X[:, :3], BINARY, "'head' (Dense)", "4 entries along axis -1", ", 3)",
        methods=(*ALL, "call"),
    ),
    "too many features": case(
        regression, np.hstack([X, X]), BINARY, "'head' (Dense)", "4 entries", ", 8)",
        methods=(*ALL, "call"),
    ),
    "a dict for a model of one input": case(
        regression,
        {"first": X},
        BINARY,
        "'small' expects an array",
        "'first'",
        methods=(*ALL, "call"),
    ),
    "no samples": case(regression, X[:0], BINARY[:0], "at least one sample", "(0, 4)"),
    "masked arrays": case(
        regression, np.ma.masked_less(X, 0), BINARY, "`x`", "masked", "filled", methods=ALL
    ),
    "masked targets": case(regression, X, np.ma.masked_equal(BINARY, 1), "`y`", "masked"),
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
        "sample_weight.*nan for sample 7",
    ),
    "sample_weight NaN in a batch": (
        lambda: regression().train_on_batch(X, BINARY, changed(np.ones(ROWS), 7, NAN)),
        "sample_weight.*nan for sample 7",
    ),
    "sample_weight infinite": (
        lambda: fit(regression(), X, BINARY, sample_weight=changed(np.ones(ROWS), 7, INF)),
        "sample_weight.*inf for sample 7",
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

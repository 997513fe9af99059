"""Small models and data for them, alike in every test that feeds a model something odd."""

import numpy as np

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
    return model.fit(x, y, **{"batch_size": 4, "verbose": 0, "shuffle": False, **options})


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

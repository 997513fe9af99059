"""Convolutions whose result nobody reads but a pooling: the numbers are those of both apart."""

import keras
import numpy as np
import pytest

import npkeras
from npkeras import GradientTape, layers
from npkeras.core.deferred import Deferred, chaining
from npkeras.core.tape import plain
from npkeras.ops import waiting_convolution

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(4, 13, 12, 3)).astype("float32")


@pytest.fixture(autouse=True)
def small_ones_wait(monkeypatch):
    monkeypatch.setattr(waiting_convolution, "ENTRIES", 1)
    monkeypatch.setattr(waiting_convolution, "PLACES", 1)


def gradients(model, x, read=False):
    """The result, and gradients of a sum of squares by the input and by weights."""
    with GradientTape() as tape:
        watched = tape.watch(x)
        y = watched
        for layer in model:
            y = layer(y)
            if read:
                np.asarray(plain(y))
        loss = npkeras.ops.sum(npkeras.ops.square(y))
    weights = [w for layer in model for w in layer.trainable_weights]
    return plain(y), tape.gradient(loss, [watched, *weights])


CONVOLUTIONS = {
    "plain": {},
    "rectified": {"activation": "relu"},
    "without bias": {"use_bias": False, "activation": "relu"},
    "tanh": {"activation": "tanh"},
    "same": {"padding": "same", "strides": 2, "activation": "relu"},
    "dilated": {"dilation_rate": 2},
    "groups": {"groups": 3, "activation": "relu"},
}
POOLINGS = {
    "side by side": {},
    "oblong": {"pool_size": (3, 1)},
    "overlapping": {"pool_size": 3, "strides": 2},
    "same": {"padding": "same"},
}


@pytest.mark.parametrize("first", [False, True], ids=["channels last", "channels first"])
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize("convolution", CONVOLUTIONS)
def test_waiting_changes_no_number(convolution, pooling, first):
    form = {"data_format": "channels_first" if first else "channels_last"}
    x = np.ascontiguousarray(np.moveaxis(X, -1, 1)) if first else X
    model = [
        layers.Conv2D(6, 3, **CONVOLUTIONS[convolution], **form),
        layers.MaxPooling2D(**POOLINGS[pooling], **form),
    ]
    model[1](model[0](x))
    y, found = gradients(model, x)
    expected, apart = gradients(model, x, read=True)
    np.testing.assert_array_equal(y, expected)
    for a, b in zip(found, apart, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("rank", [1, 3])
def test_other_ranks(rank):
    x = RANDOM.normal(size=(2, *(6,) * rank, 2)).astype("float32")
    convolution, pooling = (
        (layers.Conv1D, layers.MaxPooling1D) if rank == 1 else (layers.Conv3D, layers.MaxPooling3D)
    )
    model = [convolution(3, 2, activation="relu"), pooling(2)]
    model[1](model[0](x))
    y, found = gradients(model, x)
    expected, apart = gradients(model, x, read=True)
    np.testing.assert_array_equal(y, expected)
    for a, b in zip(found, apart, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


def test_only_the_pooling_is_computed(monkeypatch):
    calls = []
    monkeypatch.setattr(Deferred, "value", property(lambda self: calls.append(self)))
    model = layers.Conv2D(6, 3, activation="relu"), layers.MaxPooling2D()
    model[0].build(X.shape)
    with GradientTape():
        y = model[1](model[0](X))
    assert not calls and plain(y).shape == (4, 5, 5, 6)


def test_without_a_tape_nothing_waits_but_in_a_chain():
    layer = layers.Conv2D(2, 3)
    assert type(layer(X)) is np.ndarray
    with chaining() as chain:
        y = layer(X)
        assert isinstance(y, Deferred)
    assert type(chain.result(y)) is np.ndarray


class Bare(layers.Layer):
    """Others' code, which may do with an array what npkeras' values cannot do."""

    def __init__(self):
        super().__init__()
        self.inner = layers.Conv2D(1, 1)

    def call(self, inputs):
        return bare(self.inner(bare(inputs)))


def bare(x):
    assert isinstance(x, (np.ndarray, npkeras.KerasTensor))
    return x


FOREIGN = {
    "layer": lambda y: Bare()(y),
    "lambda": lambda y: layers.Lambda(bare, output_shape=(11, 10, 4))(y),
    "activation": lambda y: layers.Activation(bare)(y),
    "penalty": lambda y: layers.BatchNormalization(activity_regularizer=bare_sum)(y),
    "within": lambda y: npkeras.Sequential([npkeras.Input((11, 10, 4)), Bare()])(y),
}


def bare_sum(x):
    return npkeras.ops.sum(bare(x))


@pytest.mark.parametrize("kind", FOREIGN)
def test_code_of_others_sees_bare_arrays(kind):
    inputs = npkeras.Input((13, 12, 3))
    model = npkeras.Model(inputs, FOREIGN[kind](layers.Conv2D(4, 3)(inputs)))
    assert type(model(X)) is np.ndarray
    assert type(model.predict(X, verbose=0)) is np.ndarray
    inner = npkeras.Sequential([npkeras.Input((13, 12, 3)), layers.Conv2D(4, 3), layers.ReLU()])
    assert type(inner(X)) is np.ndarray


def test_the_activation_of_a_convolution_sees_a_bare_array():
    model = npkeras.Sequential([npkeras.Input((13, 12, 3)), layers.Conv2D(4, 3, activation=bare)])
    assert type(model.predict(X, verbose=0)) is np.ndarray


def test_the_result_is_that_of_before_an_update():
    layer = layers.Conv2D(2, 3)
    expected = layer(X)
    with GradientTape():
        y = layer(X)
        for weight in layer.weights:
            weight.assign(weight + 1)
    np.testing.assert_array_equal(plain(y), expected)


def test_both_the_result_and_its_pooling_are_used():
    """The sum of both gradients arrives, as with Keras."""

    def build(library):
        library.utils.set_random_seed(3)
        inputs = library.Input((12, 12, 3))
        y = library.layers.Conv2D(4, 3, activation="relu")(inputs)
        parts = library.layers.MaxPooling2D()(y), library.layers.AveragePooling2D(2)(y)
        outputs = library.layers.Flatten()(library.layers.Add()(parts))
        model = library.Model(inputs, library.layers.Dense(2)(outputs))
        model.compile(library.optimizers.SGD(0.05), "mse")
        return model

    ours, theirs = build(npkeras), build(keras)
    ours.set_weights(theirs.get_weights())
    x, y = X[:, :12], RANDOM.normal(size=(4, 2)).astype("float32")
    for _ in range(3):
        np.testing.assert_allclose(
            ours.train_on_batch(x, y), float(theirs.train_on_batch(x, y)), rtol=1e-5
        )
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_frozen_weights():
    """A frozen convolution gets no gradient, and passes one on."""
    model = [layers.Conv2D(3, 3, activation="relu"), layers.MaxPooling2D()]
    model[1](model[0](X))
    model[0].trainable = False
    _, found = gradients(model, X)
    _, apart = gradients(model, X, read=True)
    assert len(found) == 1
    np.testing.assert_allclose(found[0], apart[0], rtol=2e-5, atol=2e-5)


def chain(library, convolution, first, *after):
    """A model of a convolution and what follows it, with moving averages that are no 0 and 1."""
    form = {"data_format": "channels_first"} if first else {}
    axis = 1 if first else -1
    inputs = library.Input((3, 13, 12) if first else (13, 12, 3))
    y = getattr(library.layers, convolution)(kernel_size=3, **FILTERS[convolution], **form)(inputs)
    for name in after:
        y = {
            "normalized": lambda: library.layers.BatchNormalization(axis=axis),
            "normalized by row": lambda: library.layers.BatchNormalization(axis=2),
            "without scale": lambda: library.layers.BatchNormalization(axis=axis, scale=False),
            "rectified": lambda: library.layers.ReLU(),
            "up to 6": lambda: library.layers.ReLU(6.0),
            "leaky": lambda: library.layers.ReLU(negative_slope=0.1),
            "activation": lambda: library.layers.Activation("relu"),
            "relu6": lambda: library.layers.Activation("relu6"),
            "dropped": lambda: library.layers.Dropout(0.5),
            "pooled": lambda: library.layers.MaxPooling2D(**form),
        }[name]()(y)
    model = library.Model(inputs, y)
    random = np.random.default_rng(1)
    model.set_weights([random.uniform(0.5, 1.5, w.shape) for w in model.get_weights()])
    return model


FILTERS = {"Conv2D": {"filters": 4}, "DepthwiseConv2D": {"depth_multiplier": 2}}
CHAINS = [
    ("normalized", "rectified"),
    ("normalized", "up to 6", "pooled"),
    ("without scale", "relu6", "normalized"),
    ("rectified", "normalized", "activation"),
    ("normalized by row", "leaky"),
    ("dropped", "activation", "pooled"),
]


@pytest.mark.parametrize("first", [False, True], ids=["channels last", "channels first"])
@pytest.mark.parametrize("convolution", FILTERS)
@pytest.mark.parametrize("after", CHAINS, ids=" ".join)
def test_what_follows_is_taken_in_to_the_bit(after, convolution, first):
    model = chain(npkeras, convolution, first, *after)
    x = np.ascontiguousarray(np.moveaxis(X, -1, 1)) if first else X
    y = x
    for layer in model.layers[1:]:  # one by one, nothing waits
        y = layer(y)
    np.testing.assert_array_equal(model(x), y)
    np.testing.assert_array_equal(model.predict_on_batch(x), y)
    if not first:  # which TensorFlow lacks on a CPU
        theirs = chain(keras, convolution, first, *after).predict_on_batch(x)
        np.testing.assert_allclose(model.predict_on_batch(x), theirs, rtol=1e-4, atol=1e-4)


def test_nothing_is_computed_in_between():
    model = chain(npkeras, "Conv2D", False, "normalized", "up to 6")
    with chaining():
        y = X
        for layer in model.layers[1:]:
            y = layer(y)
            assert y.unread


def test_a_bare_array_is_watched():
    model = npkeras.Sequential(
        [npkeras.Input((13, 12, 3)), layers.Conv2D(4, 3), layers.MaxPooling2D()]
    )
    with GradientTape() as tape:
        tape.watch(X)
        y = model(X)
    with GradientTape() as other:
        watched = other.watch(X)
        again = model(watched)
    np.testing.assert_array_equal(tape.gradient(y, X), other.gradient(again, watched))

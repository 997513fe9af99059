"""The dense head: the same numbers and gradients, whether or not anybody reads its outputs."""

import numpy as np
import pytest

import npkeras
from npkeras import layers, losses, ops
from npkeras.core.deferred import Deferred
from npkeras.core.tape import GradientTape
from npkeras.ops import head

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(6, 4, 3)).astype("float32")
Y = RANDOM.integers(0, 5, (6, 4))
ENDS = {
    "activation": lambda: ([layers.Dense(5, activation="softmax")], False),
    "Activation layer": lambda: ([layers.Dense(5), layers.Activation("softmax")], False),
    "Softmax layer": lambda: ([layers.Dense(5), layers.Softmax()], False),
    "from_logits": lambda: ([layers.Dense(5)], True),
    "no bias": lambda: ([layers.Dense(5, activation="softmax", use_bias=False)], False),
}
by_end = pytest.mark.parametrize("end", list(ENDS))


@pytest.fixture
def small(monkeypatch):
    """Every dense layer counts as one over many classes."""

    def begin():
        monkeypatch.setattr(head, "CLASSES", 1)
        monkeypatch.setattr(head, "ENTRIES", 0)

    return begin


def model_of(end, metrics=("accuracy",)):
    npkeras.utils.set_random_seed(1)
    parts, from_logits = ENDS[end]()
    model = npkeras.Sequential([npkeras.Input((4, 3)), *parts])
    loss = losses.SparseCategoricalCrossentropy(from_logits=from_logits)
    model.compile(npkeras.optimizers.SGD(0.5), loss, metrics=list(metrics))
    return model


def trained(model, **arguments):
    history = model.fit(X, Y, epochs=3, batch_size=4, verbose=0, shuffle=False, **arguments)
    results = model.evaluate(X, Y, batch_size=4, verbose=0)
    return [*history.history.values(), results, *model.get_weights(), model.predict(X, verbose=0)]


@by_end
@pytest.mark.parametrize("weighted", [False, True])
def test_training_is_the_same_in_blocks(end, weighted, small):
    weights = {"sample_weight": np.linspace(0, 1, 24).reshape(6, 4)} if weighted else {}
    expected = trained(model_of(end), **weights)
    small()
    for ours, theirs in zip(trained(model_of(end), **weights), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@by_end
def test_nobody_computes_the_outputs_in_training_or_evaluation(end, small, monkeypatch):
    small()

    def refuse(self):
        raise AssertionError("the outputs were computed")

    metrics = () if end == "from_logits" else ("accuracy", npkeras.metrics.Perplexity())
    model = model_of(end, metrics)
    monkeypatch.setattr(head.Head, "_computed", refuse)
    model.fit(X, Y, verbose=0, validation_data=(X, Y))
    model.train_on_batch(X, Y)


def test_who_reads_the_outputs_after_an_update_sees_those_from_before_it(small):
    small()
    seen = []

    def spy(y_true, y_pred):
        seen.append(np.array(y_pred))
        return ops.mean(y_pred, axis=-1)

    model = model_of("activation", [spy])
    before = model.predict(X, verbose=0)
    model.train_on_batch(X, Y)
    np.testing.assert_allclose(seen[0], before, rtol=1e-6)
    assert np.abs(model.predict(X, verbose=0) - before).max() > 1e-3


def test_other_losses_read_the_outputs_and_have_the_same_gradients(small):
    def gradients():
        layer = layers.Dense(5, activation="softmax", kernel_initializer="ones")
        layer.build((None, 3))
        with GradientTape() as tape:
            y = layer(X)
            loss = ops.sum(ops.square(y) * np.arange(5.0, dtype="float32"))
        return tape.gradient(loss, layer.trainable_variables), y

    expected, usual = gradients()
    assert type(usual) is not Deferred
    small()
    found, y = gradients()
    assert type(y) is Deferred
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


def test_outside_training_outputs_are_arrays(small):
    small()
    model = model_of("activation")
    for y in (model(X), model.predict(X, verbose=0), model.predict_on_batch(X)):
        assert type(y) is np.ndarray


def test_a_wrong_class_number_is_refused_as_ever(small):
    small()
    with pytest.raises(ValueError, match=r"from 0 to 4.*the target 5"):
        model_of("activation").train_on_batch(X, np.full((6, 4), 5))


def test_layers_of_ordinary_size_are_not_deferred():
    with GradientTape():
        layer = layers.Dense(5)
        layer.build((None, 3))
        assert type(layer(X)) is not Deferred


def test_a_bare_array_is_watched(small):
    layer = layers.Dense(5)
    layer.build(X.shape)
    with GradientTape() as tape:
        tape.watch(X)
        y = ops.sum(ops.square(layer(X)))
    expected = tape.gradient(y, X)
    small()
    with GradientTape() as tape:
        tape.watch(X)
        y = ops.sum(ops.square(layer(X)))
    np.testing.assert_allclose(tape.gradient(y, X), expected, rtol=1e-5)

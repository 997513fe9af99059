"""LearningRateDecay, GradientClipping, GradientMonitor: here, and within Keras itself."""

import math
import types

import numpy as np
import pytest

from npkeras.callbacks import GradientClipping, GradientMonitor, LearningRateDecay
from npkeras.core.rows import RowGradient
from tests.callbacks.stage import Model, train, values

CLIPPING = ("global_clipnorm", "clipnorm", "clipvalue")
x = np.random.RandomState(0).normal(size=(16, 3)).astype("float32")
y = (x @ np.array([[1.0], [2.0], [3.0]]) * 50).astype("float32")


def clipping_model(**given):
    model = Model()
    for name in CLIPPING:
        setattr(model.optimizer, name, given.get(name))
    return model


def clipping_of(model):
    return {name: getattr(model.optimizer, name) for name in CLIPPING}


@pytest.fixture
def keras_model(keras):
    def make(optimizer=None, **kwargs):
        keras.utils.set_random_seed(1)
        layers = [keras.layers.Dense(4, name="first"), keras.layers.Dense(1, name="second")]
        model = keras.Sequential([keras.Input((3,)), *layers], name="net")
        model.compile(optimizer or keras.optimizers.SGD(0.1), "mse", **kwargs)
        return model

    return make


def step(model, *callbacks):
    """How far each weight moves in one step."""
    before = model.get_weights()
    model.fit(x, y, batch_size=16, shuffle=False, verbose=0, callbacks=list(callbacks))
    return [new - old for new, old in zip(model.get_weights(), before, strict=True)]


def test_the_rate_falls_with_the_epoch():
    _, left = train(LearningRateDecay(0.5), values(1, 1, 1, 1), Model(0.6))
    np.testing.assert_allclose([log["learning_rate"] for log in left], [0.6, 0.4, 0.3, 0.24])


def test_without_decay_the_rate_stays():
    assert train(LearningRateDecay(0), values(1, 1), Model(0.6))[0].optimizer.learning_rate == 0.6


@pytest.mark.parametrize("rate", [-1, float("nan"), "a", None])
def test_a_rate_of_decay_is_a_number_not_below_zero(rate):
    with pytest.raises(ValueError, match=f"`rate` of LearningRateDecay must be.*rate={rate!r}"):
        LearningRateDecay(rate)


@pytest.mark.keras
def test_the_rate_falls_within_keras(keras_model):
    history = keras_model().fit(x, y, epochs=4, verbose=0, callbacks=[LearningRateDecay(0.5)])
    expected = [0.1, 0.1 / 1.5, 0.05, 0.04]
    np.testing.assert_allclose(history.history["learning_rate"], expected, rtol=1e-6)


@pytest.mark.keras
def test_a_rate_that_follows_a_schedule_is_refused_by_keras(keras, keras_model):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    with pytest.raises(TypeError):
        step(keras_model(keras.optimizers.SGD(schedule)), LearningRateDecay(0.5))


@pytest.mark.parametrize(
    "mode, name",
    [("global_norm", "global_clipnorm"), ("norm", "clipnorm"), ("value", "clipvalue")],
)
def test_clipping_lasts_as_long_as_training(mode, name):
    model, callback = clipping_model(clipnorm=7.0), GradientClipping(2.0, mode)
    callback.set_model(model)
    callback.on_train_begin()
    assert clipping_of(model) == {other: 2.0 if other == name else None for other in CLIPPING}
    callback.on_train_end()
    assert clipping_of(model) == {"global_clipnorm": None, "clipnorm": 7.0, "clipvalue": None}


def test_clipping_ends_with_an_error_too():
    model, callback = clipping_model(), GradientClipping(2.0)
    callback.set_model(model)
    callback.on_train_begin()
    callback.on_train_abandoned()
    callback.on_train_abandoned()
    assert set(clipping_of(model).values()) == {None}


def test_clipping_reaches_into_an_optimizer_that_scales_losses():
    model, callback = clipping_model(), GradientClipping(2.0)
    inner = model.optimizer
    model.optimizer = types.SimpleNamespace(inner_optimizer=inner)
    callback.set_model(model)
    callback.on_train_begin()
    assert inner.global_clipnorm == 2.0


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((0,), "`threshold` of GradientClipping must be above 0.*threshold=0"),
        ((-1,), "`threshold` of GradientClipping must be.*threshold=-1"),
        (("a",), "`threshold` of GradientClipping must be.*threshold='a'"),
        ((1, "sum"), "`mode` of GradientClipping must be one of 'global_norm', .*mode='sum'"),
    ],
)
def test_arguments_of_clipping_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        GradientClipping(*arguments)


def test_an_optimizer_that_cannot_clip_is_refused():
    with pytest.raises(ValueError, match="needs an optimizer with `global_clipnorm`"):
        train(GradientClipping(1.0), values(1))


@pytest.mark.keras
def test_clipping_happens_within_keras_also_after_a_fit_without(keras_model):
    model = keras_model()
    free = math.hypot(*map(np.linalg.norm, step(model)))
    assert free > 1
    clipped = step(model, GradientClipping(0.5))
    np.testing.assert_allclose(math.hypot(*map(np.linalg.norm, clipped)), 0.05, rtol=1e-4)
    for move in step(model, GradientClipping(0.5, "norm")):
        assert np.linalg.norm(move) < 0.05001
    for move in step(model, GradientClipping(0.5, "value")):
        assert np.abs(move).max() < 0.05001
    assert math.hypot(*map(np.linalg.norm, step(model))) > 1
    assert set(clipping_of(model).values()) == {None}


def variable(path):
    return types.SimpleNamespace(path=path)


class Watched(Model):
    """A model that shows its gradients, one list of them for each batch."""

    _gradient_hook = None


VARIABLES = [variable("a/kernel"), variable("a/bias"), variable("b/cell/kernel"), variable("c")]


def watch(monitor, *epochs, model=None):
    """Have a monitor see gradients: a list of batches for each epoch. Returns the logs."""
    model, left = Watched() if model is None else model, []
    monitor.set_model(model)
    monitor.on_train_begin()
    for epoch, batches in enumerate(epochs):
        monitor.on_epoch_begin(epoch)
        for gradients in batches:
            model._gradient_hook(gradients, VARIABLES[: len(gradients)])
        left.append({})
        monitor.on_epoch_end(epoch, left[-1])
    monitor.on_train_end()
    return left


def test_the_largest_norms_of_an_epoch_are_logged():
    batches = [[np.full((2, 2), 2.0), np.array([3.0]), None], [np.zeros((2, 2)), None, np.ones(4)]]
    monitor = GradientMonitor()
    (logs,) = watch(monitor, batches)
    assert logs == {"gradient_norm": 5.0, "gradient_norm/a": 5.0, "gradient_norm/b/cell": 2.0}
    assert monitor.history == {"a": [5.0], "b/cell": [2.0]} and monitor.explosions == []


def test_layers_are_logged_if_asked_for():
    (logs,) = watch(GradientMonitor(per_layer=False), [[np.ones(4)]])
    assert logs == {"gradient_norm": 2.0}


@pytest.mark.parametrize("size", [100.0, float("nan"), float("inf"), 1e30])
def test_an_explosion_is_said_once_an_epoch_and_by_layer(capsys, size):
    calm, bad = [np.ones(1), np.ones(1), np.ones(1)], [np.ones(1), np.ones(1), np.full(1, size)]
    monitor = GradientMonitor(threshold=50)
    watch(monitor, [calm], [calm, bad, bad], [np.array([bad, calm])[0]])
    assert [explosion[:3] for explosion in monitor.explosions] == [
        (1, 1, "b/cell"),
        (2, 0, "b/cell"),
    ]
    said = capsys.readouterr().out
    assert said.count("explode") == 2 and "Epoch 2, batch 2" in said and "'b/cell'" in said


def test_a_silent_monitor(capsys):
    monitor = GradientMonitor(threshold=0, verbose=0)
    watch(monitor, [[np.ones(1)]])
    assert capsys.readouterr().out == "" and monitor.explosions == [(0, 0, "a", 1.0)]


def test_float32_gradients_may_overflow_quietly():
    with np.errstate(all="raise"):
        (logs,) = watch(GradientMonitor(verbose=0), [[np.full(2, 1e30, "float32")]])
    assert logs["gradient_norm"] == float("inf")


def test_rows_that_come_twice_are_added_first():
    gradient = RowGradient(np.array([1, 1]), np.full((2, 1), 2.0), (5, 1))
    (logs,) = watch(GradientMonitor(), [[gradient]])
    assert logs["gradient_norm"] == 4.0


def test_others_see_the_gradients_too_and_the_model_is_left_as_it_was():
    model, seen = Watched(), []
    model._gradient_hook = before = lambda gradients, variables: seen.append(gradients)
    watch(GradientMonitor(), [[np.ones(1)]], model=model)
    assert len(seen) == 1 and model._gradient_hook is before
    monitor = GradientMonitor()
    monitor.set_model(model)
    monitor.on_train_begin()
    monitor.on_train_abandoned()
    monitor.on_train_abandoned()
    assert model._gradient_hook is before


def test_a_threshold_is_a_number():
    with pytest.raises(ValueError, match="`threshold` of GradientMonitor must be.*threshold=-1"):
        GradientMonitor(-1)


@pytest.mark.keras
@pytest.mark.parametrize("eagerly", [False, True])
def test_gradients_are_seen_within_keras_on_tensorflow(keras_model, eagerly):
    model, monitor = keras_model(run_eagerly=eagerly), GradientMonitor(threshold=1.0)
    moved = step(model, monitor)
    norms = [np.linalg.norm(move) / 0.1 for move in moved]
    expected = [math.hypot(*norms[:2]), math.hypot(*norms[2:])]
    assert list(monitor.history) == ["net/first", "net/second"]
    np.testing.assert_allclose([v[0] for v in monitor.history.values()], expected, rtol=1e-4)
    np.testing.assert_allclose(model.history.history["gradient_norm"], math.hypot(*expected), 1e-4)
    assert monitor.explosions[0][0] == 0
    seen = monitor.history
    step(model)
    assert monitor.history is seen and len(seen["net/first"]) == 1


@pytest.mark.keras
def test_gradients_are_not_seen_through_xla(keras_model):
    with pytest.raises(ValueError, match="without XLA.*jit_compile=True, TensorFlow is imported"):
        step(keras_model(jit_compile=True), GradientMonitor())

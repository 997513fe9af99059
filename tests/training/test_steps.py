"""Steps and losses of one's own, written as the guides of Keras teach them."""

import numpy as np
import pytest

import npkeras
from tests.training.test_fit import X, Y, assert_same


def tape_of(engine):
    if engine is npkeras:
        return npkeras.GradientTape
    import tensorflow

    return tensorflow.GradientTape


def regression(engine):
    class Regression(engine.Model):
        def __init__(self):
            super().__init__()
            self.dense = engine.layers.Dense(1)

        def call(self, x):
            return self.dense(x)

    return Regression


def with_train_step(engine):
    class Model(regression(engine)):
        def train_step(self, data):
            x, y, *rest = data
            weights = rest[0] if rest else None
            variables = self.trainable_variables  # at once: they are made by now
            with tape_of(engine)() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=weights)
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, y_pred, sample_weight=weights)
            return {metric.name: metric.result() for metric in self.metrics}

    return Model


def compiled(engine, build, **options):
    engine.utils.set_random_seed(1)
    model = build(engine)()
    model.compile("sgd", "mse", metrics=["mae"], **options)
    return model


@pytest.mark.keras
@pytest.mark.parametrize("weights", [None, np.arange(20.0)], ids=["plain", "weighted"])
def test_a_train_step_that_updates_all_metrics(keras, weights):
    def run(engine):
        model = compiled(engine, with_train_step)
        options = {"epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0}
        history = model.fit(X, Y, sample_weight=weights, **options).history
        return history, model.evaluate(X, Y, verbose=0), [m.name for m in model.metrics]

    (ours, our_results, our_names), (theirs, results, names) = run(npkeras), run(keras)
    assert_same(ours, theirs)
    np.testing.assert_allclose(our_results, results, rtol=1e-5)
    assert our_names == names == ["loss", "compile_metrics"]


def test_train_on_batch_takes_a_step_of_ones_own_on_an_unbuilt_model():
    model = compiled(npkeras, with_train_step)
    first = model.train_on_batch(X, Y, return_dict=True)
    assert list(first) == ["mae", "loss"]
    assert model.train_on_batch(X, Y)[0] < first["loss"]


@pytest.mark.parametrize(
    "given, expected",
    [((X,), "array"), ((X, Y), 2), ((X, Y, np.ones(20)), 3), (([X, X],), 1)],
    ids=["x", "x and y", "x, y and weights", "a list as x"],
)
def test_a_step_gets_as_much_as_there_is(given, expected):
    seen = []

    class Watching(npkeras.Model):
        def train_step(self, data):
            seen.append(len(data) if isinstance(data, tuple) else "array")
            return {}

    model = Watching()
    model.compile("sgd", "mse")
    x, y, weights = (*given, None, None)[:3]
    model.fit(x, y, sample_weight=weights, verbose=0)
    model.train_on_batch(x, y, weights)
    assert seen == [expected] * 2


def test_metrics_of_ones_own_are_reset_with_each_epoch():
    class Counting(regression(npkeras)):
        def __init__(self):
            super().__init__()
            self.count = npkeras.metrics.Sum(name="count")

        def train_step(self, data):
            self.count.update_state(1.0)
            return {"count": self.count.result(), "more": {"b": 1, "a": np.float32(2)}}

        @property
        def metrics(self):
            return [self.count]

    model = Counting()
    model.compile("sgd")
    history = model.fit(X, Y, epochs=2, batch_size=8, verbose=0).history
    assert history == {"count": [3.0, 3.0], "a": [2.0, 2.0], "b": [1.0, 1.0]}


def test_nothing_to_minimize_is_said():
    model = npkeras.Sequential([npkeras.Input((4,)), npkeras.layers.Dense(1)])
    model.compile("sgd", metrics=["mae"])
    for method in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="has nothing to minimize: no `loss`"):
            method(X, Y, verbose=0)

"""Losses and metrics matched to outputs: names, order and numbers, beside Keras."""

import functools

import numpy as np
import pytest

import npkeras
from npkeras import metrics
from npkeras.training.compiled import metric_for
from tests.training.test_fit import CLASSES, X, Y, assert_same, classifier

PARTS = {"a": X[:, :2], "b": Y}


def two(engine, named, **options):
    engine.utils.set_random_seed(1)

    class Two(engine.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = engine.layers.Dense(2), engine.layers.Dense(1)

        def call(self, x):
            a, b = self.a(x), self.b(x)
            return {"b": b, "a": a} if named else [a, b]

    model = Two()
    model.compile("sgd", **options)
    return model


def results(engine, named, **options):
    model = two(engine, named, **options)
    y = PARTS if named else list(PARTS.values())
    history = model.fit(X, y, shuffle=False, verbose=0).history
    return history, model.evaluate(X, y, verbose=0), [metric.name for metric in model.metrics]


@pytest.mark.keras
@pytest.mark.parametrize(
    "named, options",
    [
        (False, {"loss": ["mse", "mae"], "metrics": [["mae"], ["mse"]], "loss_weights": [1, 0.5]}),
        (False, {"loss": ["mse", None]}),
        (False, {"loss": ["mse", "mean_absolute_error"]}),
        (True, {"loss": {"a": "mse"}, "metrics": {"b": ["mse"]}}),
        (True, {"loss": {"a": "mse", "b": "mae"}, "metrics": {"b": ["mse", "mae"], "a": "mae"}}),
        (
            True,
            {"loss": {"a": "mse"}, "metrics": {"b": ["mse"]}, "weighted_metrics": {"b": ["mse"]}},
        ),
    ],
    ids=["a list", "one loss", "losses by name", "one of a dict", "a dict", "weighted metrics"],
)
def test_several_outputs(keras, named, options):
    ours, theirs = results(npkeras, named, **options), results(keras, named, **options)
    assert_same(ours[0], theirs[0])
    np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-5)
    assert ours[2] == theirs[2]


@pytest.mark.keras
def test_the_same_metric_with_and_without_weights(keras):
    def history(engine):
        model = classifier(engine, weighted_metrics=["accuracy"])
        weights = np.arange(20.0)
        return model.fit(X, CLASSES, sample_weight=weights, shuffle=False, verbose=0).history

    ours = history(npkeras)
    assert list(ours) == ["accuracy", "loss", "weighted_accuracy"]
    assert_same(ours, history(keras))


def test_evaluate_gives_each_value_once():
    names = ["mse", "mae", "mae"]
    model = two(npkeras, False, loss=["mse", "mae"], metrics=[names, []])
    y = list(PARTS.values())
    values = model.evaluate(X, y, verbose=0)
    logs = model.evaluate(X, y, verbose=0, return_dict=True)
    assert values == [logs[n] for n in ("loss", "mse", "mae", "mse_loss", "mae_loss", "mae_1")]


def test_a_metric_that_returns_a_dict_gives_all_its_entries():
    class Both(npkeras.metrics.Sum):
        def result(self):
            return {"one": self.total + 0, "two": 2 * self.total}

        def update_state(self, y_true, y_pred, sample_weight=None):
            super().update_state(1.0)

    model = classifier(metrics=[Both(name="dm"), "accuracy"])
    history = model.fit(X, CLASSES, verbose=0).history
    assert list(history) == ["accuracy", "one", "two", "loss"]
    assert (history["one"], history["two"]) == ([1.0], [2.0])


def test_the_only_output_may_be_called_anything():
    model = npkeras.Sequential([npkeras.Input((4,)), npkeras.layers.Dense(1, name="head")])
    model.compile("sgd", {"head": "mse"}, metrics={"head": ["mae"]})
    assert list(model.fit(X, {"head": Y}, verbose=0).history) == ["loss", "mae"]


def test_outputs_without_names_are_not_found_by_name():
    model = two(npkeras, False, loss={"a": "mse", "b": "mse"})
    with pytest.raises(ValueError, match="names the output 'a', .* 2 outputs, which have no names"):
        model.fit(X, list(PARTS.values()), verbose=0)


def test_none_is_no_metric():
    with pytest.raises(ValueError, match="`metrics` must hold metrics .* Received: None"):
        classifier(metrics=[None]).fit(X, CLASSES, verbose=0)


SHAPES = [
    ((4,), (4, 1)),
    ((4, 1), (4, 1)),
    ((4,), (4,)),
    ((4, 1), (4, 3)),
    ((4,), (4, 3)),
    ((4, 3), (4, 3)),
    ((4, 5), (4, 5, 3)),
    ((4, 5, 1), (4, 5, 3)),
    ((4, 5, 3), (4, 5, 3)),
    ((4, 5), (4, 5, 1)),
    ((4, 5, 1), (4, 5, 1)),
    ((4, 1), (4,)),
    ((4, 3), (4, 1)),
    ((4, 2), (4, 5)),
]


@pytest.mark.keras
@pytest.mark.parametrize("y_true, y_pred", SHAPES, ids=str)
@pytest.mark.parametrize("identifier", ["accuracy", "acc", "mse", "bce", "BinaryAccuracy"])
def test_a_string_stands_for_the_metric_that_keras_takes(keras, identifier, y_true, y_pred):
    from keras.src.trainers.compile_utils import get_metric

    expected = get_metric(identifier, np.zeros(y_true), np.zeros(y_pred))
    metric = metric_for(identifier, np.zeros(y_true), np.zeros(y_pred))
    assert (type(metric).__name__, metric.name) == (type(expected).__name__, expected.name)


def test_anything_that_computes_may_be_a_metric():
    y = np.zeros((4, 1))
    metric = metric_for(metrics.mean_squared_error, y, y)
    assert (type(metric), metric.name) == (metrics.MeanMetricWrapper, "mean_squared_error")
    metric = metrics.Mean()
    assert metric_for(metric, y, y) is metric
    assert isinstance(metric_for(metrics.AUC, y, y), metrics.AUC)
    assert metric_for(None, y, y) is None


def MeanGap(y_true, y_pred):
    return abs(y_true - y_pred)


class Callable:
    def __call__(self, y_true, y_pred):
        return abs(y_true - y_pred)


@pytest.mark.keras
@pytest.mark.parametrize(
    "function",
    [MeanGap, lambda y_true, y_pred: abs(y_true - y_pred), Callable(), functools.partial(MeanGap)],
    ids=["camel case", "lambda", "object", "partial"],
)
def test_functions_are_called_as_in_keras(keras, function):
    options = {"loss": [function, "mse"], "metrics": [[function], ["mae"]]}
    ours, theirs = results(npkeras, False, **options), results(keras, False, **options)
    assert_same(ours[0], theirs[0])
    assert ours[2] == theirs[2]


@pytest.mark.keras
def test_lists_of_metrics_of_one_output_may_be_nested(keras):
    logs = []
    for engine in (npkeras, keras):
        engine.utils.set_random_seed(1)
        model = engine.Sequential([engine.Input((X.shape[1],)), engine.layers.Dense(1)])
        model.compile("sgd", "mse", metrics=["mae", ["mse"]])
        logs.append(model.fit(X, Y, shuffle=False, verbose=0).history)
    assert_same(*logs)


def test_what_is_misplaced_or_missing_is_named():
    with pytest.raises(ValueError, match=r"`loss_weights` must hold numbers.*\['accuracy'\].*name"):
        classifier(npkeras).compile("sgd", "mse", ["accuracy"])
    model = two(npkeras, True, loss={"a": "mse", "b": "mse"})
    with pytest.raises(ValueError, match="Output 'b' has a loss, and no targets"):
        model.fit(X, {"a": PARTS["a"]}, verbose=0)
    model = classifier(npkeras)
    for data in ({"x": X}, {"x": X, "y": CLASSES, "validation_data": X}):
        with pytest.raises(ValueError, match="needs targets.*y=None.*`validation_data` as"):
            model.fit(**data, verbose=0)


@pytest.mark.keras
@pytest.mark.parametrize("ours", [True, False], ids=["npkeras", "keras"])
def test_what_is_left_out_of_a_second_compile_stays(keras, ours):
    engine = npkeras if ours else keras
    model = engine.Sequential([engine.Input((4,)), engine.layers.Dense(2)])
    x, y = np.ones((4, 4), "float32"), np.ones((4, 2), "float32")
    model.compile("sgd", "mse", metrics=["mae"])
    model.compile("adam")
    assert sorted(model.fit(x, y, verbose=0).history) == ["loss", "mae"]
    model.compile("adam", "mae")
    result = model.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(*result, rtol=1e-6)
    model.compile("adam", metrics=[])
    assert sorted(model.fit(x, y, verbose=0).history) == ["loss"]

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
    model = two(npkeras, True, loss={"a": "mse"}, metrics={"b": ["mae"]})
    with pytest.raises(ValueError, match="metric 'mae' of output 'b' needs targets.*`metrics=.."):
        model.fit(X, {"a": PARTS["a"]}, verbose=0)
    model = two(npkeras, True, loss={"a": "mse"}, metrics={"b": ["accuracy"]})
    with pytest.raises(ValueError, match="metric 'accuracy' of output 'b' needs targets"):
        model.fit(X, {"a": PARTS["a"]}, verbose=0)
    model = classifier(npkeras)
    for data in ({"x": X}, {"x": X, "y": CLASSES, "validation_data": X}):
        with pytest.raises(ValueError, match="needs targets.*y=None.*`validation_data` as"):
            model.fit(**data, verbose=0)


class Level(metrics.Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_pred)


def test_a_metric_of_ones_own_may_do_without_targets():
    model = two(npkeras, True, loss={"a": "mse"}, metrics={"b": [Level(name="level")]})
    assert "b_level" in model.fit(X, {"a": PARTS["a"]}, verbose=0).history


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


def gap(y_true, y_pred):
    return abs(y_true - y_pred)


def test_a_name_that_is_known_only_while_the_model_is_compiled_is_found_later():
    model = npkeras.Sequential([npkeras.Input((2,)), npkeras.layers.Dense(1)])
    with npkeras.saving.custom_object_scope({"gap": gap}):
        model.compile("sgd", "mae", metrics=["gap"])
    loss, found = model.evaluate(X[:, :2], Y, verbose=0)
    assert found == pytest.approx(loss, rel=1e-6)


def test_a_metric_that_fails_at_the_first_batch_fails_at_the_second():
    model = npkeras.Sequential([npkeras.Input((2,)), npkeras.layers.Dense(1)])
    model.compile("sgd", "mae", metrics=["mse", object()])
    for _ in range(2):
        with pytest.raises(ValueError, match="Expected one of metrics"):
            model.evaluate(X[:, :2], Y, verbose=0)


EYE = np.eye(3, dtype="float32")


@pytest.mark.keras
@pytest.mark.parametrize("name", ["crossentropy", "ce", "CE"])
@pytest.mark.parametrize(
    ("y", "units", "steps"),
    [
        (np.array([[0], [1], [1], [0]]), 1, None),
        (np.array([0, 1, 1, 0]), 1, None),
        (np.array([0, 1, 2, 0]), 3, None),
        (np.array([[0], [1], [2], [0]]), 3, None),
        (EYE[[0, 1, 2, 0]], 3, None),
        (EYE[:2, :2][[0, 1, 1, 0]], 2, None),
        (np.ones((4, 5), int), 3, 5),
        (np.ones((4, 5, 1), int), 3, 5),
        (np.ones((4, 5, 1), int), 1, 5),
        (EYE[np.ones((4, 5), int)], 3, 5),
    ],
    ids=lambda value: str(getattr(value, "shape", value)),
)
def test_the_crossentropy_fits_the_shapes_as_in_keras(keras, name, y, units, steps):
    found = []
    for engine in (npkeras, keras):
        engine.utils.set_random_seed(0)
        activation = "sigmoid" if units == 1 else "softmax"
        shape = (3,) if steps is None else (steps, 3)
        model = engine.Sequential([engine.Input(shape), engine.layers.Dense(units, activation)])
        model.compile("sgd", name)
        x = np.linspace(-1, 1, 4 * int(np.prod(shape)), dtype="float32").reshape(4, *shape)
        model.fit(x, y, shuffle=False, epochs=2, verbose=0)
        found.append(model.evaluate(x, y, verbose=0))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


@pytest.mark.keras
def test_each_output_has_the_crossentropy_that_fits(keras):
    found = []
    for engine in (npkeras, keras):
        model = two(engine, True, loss={"a": "ce", "b": "crossentropy"})
        y = {"a": (X[:, 0] > 0) * 1, "b": (Y > 0) * 1}
        found.append(model.fit(X, y, shuffle=False, verbose=0).history)
    assert_same(*found)


def test_the_fitting_crossentropy_is_kept_by_name(tmp_path):
    model = npkeras.Sequential([npkeras.Input((3,)), npkeras.layers.Dense(3, "softmax")])
    model.compile("sgd", "ce")
    model.save(tmp_path / "m.keras")
    again = npkeras.saving.load_model(tmp_path / "m.keras")
    assert again.loss == "ce" and np.isfinite(again.evaluate(EYE, np.arange(3), verbose=0))


@pytest.mark.keras
def test_crossentropy_names_no_metric(keras):
    for engine in (npkeras, keras):
        model = engine.Sequential([engine.Input((3,)), engine.layers.Dense(3, "softmax")])
        with pytest.raises(ValueError, match="ce"):
            model.compile("sgd", "ce", metrics=["ce"])
            model.fit(EYE, EYE, verbose=0)

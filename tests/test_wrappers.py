"""Models as estimators of scikit-learn: the numbers of Keras, and what its tools ask for."""

import sys

import numpy as np
import pytest

import npkeras
from npkeras.wrappers import SKLearnClassifier, SKLearnRegressor, SKLearnTransformer

KINDS = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]
QUIET = {"epochs": 3, "verbose": 0, "shuffle": False}
RNG = np.random.default_rng(0)
X = RNG.random((40, 4))
LABELS = np.where(X[:, 0] > X[:, 1], "large", "small")


@pytest.fixture
def sklearn():
    reason = "scikit-learn is not installed: no estimators to try"
    return pytest.importorskip("sklearn", reason=reason)


def maker(engine, outputs=None):
    """A function that makes the same model in every run."""

    def make(X, y, loss="mse"):
        size = (X.shape[1], outputs or y.shape[1])
        model = engine.Sequential([engine.Input(size[:1])])
        start = engine.initializers.Constant(np.linspace(-1, 1, np.prod(size)).reshape(size))
        model.add(engine.layers.Dense(size[1], kernel_initializer=start))
        model.compile(engine.optimizers.SGD(0.1), loss)
        return model

    return make


@pytest.mark.keras
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_numbers_as_keras(keras, sklearn, kind):
    y = LABELS if kind == "SKLearnClassifier" else X[:, 0] * 3
    outputs = 1 if kind == "SKLearnTransformer" else None
    ask = "transform" if kind == "SKLearnTransformer" else "predict"
    answers = []
    for engine in (npkeras, keras):
        make = getattr(engine.wrappers, kind)
        fitted = make(maker(engine, outputs), fit_kwargs=QUIET).fit(X, y)
        answers.append(getattr(fitted, ask)(X))
        if ask == "predict":
            answers[-1] = (answers[-1], fitted.score(X, y))
    ours, theirs = answers
    if kind == "SKLearnClassifier":
        assert ours[0].tolist() == theirs[0].tolist()
        assert ours[1] == theirs[1]
    else:
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)


def test_labels_become_columns_and_labels_again(sklearn):
    classifier = SKLearnClassifier(maker(npkeras), fit_kwargs=QUIET).fit(X, LABELS)
    assert classifier.classes_.tolist() == ["large", "small"]
    outputs = classifier.decision_function(X)
    assert outputs.shape == (40, 2)
    assert (
        classifier.predict(X) == np.where(outputs[:, 0] >= outputs[:, 1], *["large", "small"])
    ).all()
    assert (classifier.n_features_in_, len(classifier.history_.epoch)) == (4, 3)


def test_the_tools_of_scikit_learn(sklearn):
    from sklearn.model_selection import GridSearchCV, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    regressor = SKLearnRegressor(maker(npkeras), fit_kwargs=QUIET)
    assert len(cross_val_score(regressor, X, X[:, 0], cv=2)) == 2
    search = GridSearchCV(regressor, {"model_kwargs": [{"loss": "mae"}, {"loss": "mse"}]}, cv=2)
    assert search.fit(X, X[:, 0]).best_params_["model_kwargs"]["loss"] in ("mae", "mse")
    classifier = SKLearnClassifier(maker(npkeras), fit_kwargs=QUIET)
    assert sklearn.base.is_classifier(classifier)
    assert sklearn.base.is_regressor(regressor)
    steps = make_pipeline(
        StandardScaler(), SKLearnTransformer(maker(npkeras), fit_kwargs=QUIET), classifier
    )
    numbers = (LABELS == "large").astype(int)
    assert steps.fit(X, numbers).predict(X).shape == (40,)
    twin = sklearn.base.clone(regressor)
    assert twin.get_params() == regressor.get_params()
    assert not hasattr(twin, "model_")


def test_a_model_is_left_as_it_was_and_a_new_one_fitted(sklearn):
    model = maker(npkeras)(X, X[:, :1])
    before = model.get_weights()
    fitted = SKLearnRegressor(model, fit_kwargs=QUIET).fit(X, X[:, 0])
    assert fitted.model_ is not model
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    first = fitted.predict(X)
    np.testing.assert_array_equal(fitted.fit(X, X[:, 0]).predict(X), first)
    warm = fitted.set_params(warm_start=True).fit(X, X[:, 0])
    assert not np.array_equal(warm.predict(X), first)
    warm.fit(X, X[:, 0], epochs=1)
    assert len(warm.history_.epoch) == 1
    assert warm.fit_kwargs == QUIET


def test_what_cannot_be_is_said(sklearn):
    with pytest.raises(sklearn.exceptions.NotFittedError, match="call `fit` first"):
        SKLearnRegressor(maker(npkeras)).predict(X)
    fitted = SKLearnRegressor(maker(npkeras), fit_kwargs=QUIET).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="expects X with 4 features.*Received: 3 features"):
        fitted.predict(X[:, :3])
    with pytest.raises(ValueError, match="two classes or more. Received: one class"):
        SKLearnClassifier(maker(npkeras)).fit(X, np.zeros(40, int))
    with pytest.raises(ValueError, match="continuous"):
        SKLearnClassifier(maker(npkeras)).fit(X, X[:, 0])
    with pytest.raises(TypeError, match="a function that returns one. Received: model=3"):
        SKLearnRegressor(3).fit(X, X[:, 0])
    with pytest.raises(RuntimeError, match="expects a compiled model"):
        SKLearnRegressor(npkeras.Sequential([npkeras.layers.Dense(1)])).fit(X, X[:, 0])
    with pytest.raises(ValueError, match="has the parameters .*Received: 'depth'"):
        fitted.set_params(depth=3)
    assert repr(SKLearnRegressor(max, model_kwargs={"a": 1})) == (
        "SKLearnRegressor(model=<built-in function max>, model_kwargs={'a': 1})"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_without_scikit_learn_it_says_what_to_install(kind, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(ImportError, match="need scikit-learn.*pip install scikit-learn"):
        getattr(npkeras.wrappers, kind)(max)

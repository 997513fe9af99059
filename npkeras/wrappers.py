"""`npkeras.wrappers`: models as estimators of scikit-learn, for its pipelines and searches.

The classes have what scikit-learn asks of an estimator, but none of its base classes: those would
have to be imported with npkeras, and take longer than npkeras itself.
"""

import inspect

import numpy as np

from npkeras.core import check
from npkeras.models import Model, clone_model

__all__ = ["SKLearnClassifier", "SKLearnRegressor", "SKLearnTransformer"]


class _Estimator:
    """What the three have in common: settings, fitting, and the answers of the fitted model."""

    def __init__(self, model, warm_start=False, model_kwargs=None, fit_kwargs=None):
        _sklearn()
        self.model = model
        self.warm_start = warm_start
        self.model_kwargs = model_kwargs
        self.fit_kwargs = fit_kwargs

    def fit(self, X, y, **kwargs):
        """Fit a new model, with `fit_kwargs` and what is given here. Returns the estimator."""
        owner = type(self).__name__
        X, y = _sklearn().utils.check_X_y(X, y, estimator=owner, y_numeric=self._y_is_numeric)
        targets = self._targets(y)
        model = self.model_ if self.warm_start and self.__sklearn_is_fitted__() else None
        if model is None or self.n_features_in_ != X.shape[1]:
            model = self._new_model(X, targets)
        self.n_features_in_ = X.shape[1]
        self.history_ = model.fit(X, targets, **{**(self.fit_kwargs or {}), **kwargs})
        self.model_ = model
        return self

    def _new_model(self, X, targets):
        if isinstance(self.model, Model):
            model = clone_model(self.model)
        elif callable(self.model):
            model = self.model(X=X, y=targets, **(self.model_kwargs or {}))
        else:
            model = None
        if not isinstance(model, Model):
            raise TypeError(
                f"`model` of {type(self).__name__} must be a model, or a function that returns "
                f"one. Received: model={check.shown(self.model)}"
            )
        if not model.compiled:
            raise RuntimeError(
                f"{type(self).__name__} expects a compiled model. Call "
                "`model.compile(optimizer, loss)` before handing it over or returning it."
            )
        return model

    def _outputs(self, X):
        """What the fitted model says of inputs that have been looked at."""
        if not self.__sklearn_is_fitted__():
            raise _sklearn().exceptions.NotFittedError(
                f"This {type(self).__name__} has no model yet: call `fit` first."
            )
        X = _sklearn().utils.check_array(X, estimator=type(self).__name__)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"{type(self).__name__} expects X with {self.n_features_in_} features, as in "
                f"`fit`. Received: {X.shape[1]} features"
            )
        return self.model_.predict(X)

    _y_is_numeric = True

    def _targets(self, y):
        """The targets as the model gets them: a column."""
        return y[:, None]

    def predict(self, X):
        """What the model predicts, (samples,) for a model with one output a sample."""
        outputs = self._outputs(X)
        return outputs[:, 0] if outputs.ndim == 2 and outputs.shape[1] == 1 else outputs

    def get_params(self, deep=True):
        """The arguments of the constructor, by name."""
        return {name: getattr(self, name) for name in inspect.signature(type(self)).parameters}

    def set_params(self, **params):
        """Change arguments of the constructor. Returns the estimator."""
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(
                    f"{type(self).__name__} has the parameters {sorted(known)}. Received: {name!r}"
                )
            setattr(self, name, value)
        return self

    def __repr__(self):
        given = {n: v for n, v in self.get_params().items() if v not in (None, False)}
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in given.items())})"

    def __sklearn_clone__(self):
        return type(self)(**self.get_params())  # the model is safe: fitting makes a new one

    def __sklearn_is_fitted__(self):
        return hasattr(self, "model_")

    def __sklearn_tags__(self):
        tags = _sklearn().utils
        return tags.Tags(
            estimator_type=self._estimator_type,
            target_tags=tags.TargetTags(required=True),
            input_tags=tags.InputTags(),
            non_deterministic=True,
        )

    _estimator_type = None  # asked for by versions of scikit-learn without tags


class SKLearnClassifier(_Estimator):
    """A model that tells classes apart, as an estimator. Needs scikit-learn.

    The model is given one-hot targets, (samples, classes): it is to have an output per class, and
    `loss="categorical_crossentropy"`. The labels may be numbers or strings.

    Args:
        model: A compiled model, of which a new one is made for every fit, or a function that
            makes one: `model(X=X, y=y, **model_kwargs)`.
        warm_start: Whether a further fit goes on with the fitted model, rather than a new one.
        model_kwargs: Further arguments of the function.
        fit_kwargs: Arguments of the model's `fit`, such as `{"epochs": 5, "verbose": 0}`.

    Shapes: X (samples, features), y (samples,) -> labels (samples,)

    Attributes:
        model_: The fitted model.
        history_: What its `fit` returned.
        n_features_in_: How many features the inputs had.
        classes_: The labels, in the order of the model's outputs.
    """

    _y_is_numeric = False
    _estimator_type = "classifier"

    def _targets(self, y):
        _sklearn().utils.multiclass.check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "SKLearnClassifier expects labels of two classes or more. "
                f"Received: one class, {self.classes_.tolist()[0]!r}"
            )
        return np.eye(len(self.classes_))[numbers]

    def predict(self, X):
        """The label whose output is largest, for each sample."""
        return self.classes_[np.argmax(self._outputs(X), axis=-1)]

    def decision_function(self, X):
        """The outputs of the model, (samples, classes)."""
        return self._outputs(X)

    def score(self, X, y, sample_weight=None):
        """The share of samples that get their label."""
        score = _sklearn().metrics.accuracy_score
        return score(y, self.predict(X), sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags = _sklearn().utils.ClassifierTags(poor_score=True)
        return tags


class SKLearnRegressor(_Estimator):
    """A model that predicts numbers, as an estimator. Needs scikit-learn.

    Args:
        model: A compiled model, of which a new one is made for every fit, or a function that
            makes one: `model(X=X, y=y, **model_kwargs)`.
        warm_start: Whether a further fit goes on with the fitted model, rather than a new one.
        model_kwargs: Further arguments of the function.
        fit_kwargs: Arguments of the model's `fit`, such as `{"epochs": 5, "verbose": 0}`.

    Shapes: X (samples, features), y (samples,) -> predictions (samples,)

    Attributes:
        model_: The fitted model.
        history_: What its `fit` returned.
        n_features_in_: How many features the inputs had.
    """

    _estimator_type = "regressor"

    def score(self, X, y, sample_weight=None):
        """How much of the variance of `y` is explained: R2, at most 1."""
        score = _sklearn().metrics.r2_score
        return score(y, self.predict(X), sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.regressor_tags = _sklearn().utils.RegressorTags(poor_score=True)
        return tags


class SKLearnTransformer(_Estimator):
    """A model whose outputs are new features, as an estimator. Needs scikit-learn.

    Args:
        model: A compiled model, of which a new one is made for every fit, or a function that
            makes one: `model(X=X, y=y, **model_kwargs)`.
        warm_start: Whether a further fit goes on with the fitted model, rather than a new one.
        model_kwargs: Further arguments of the function.
        fit_kwargs: Arguments of the model's `fit`, such as `{"epochs": 5, "verbose": 0}`.

    Shapes: X (samples, features), y (samples,) -> outputs (samples, new features)

    Attributes:
        model_: The fitted model.
        history_: What its `fit` returned.
        n_features_in_: How many features the inputs had.
    """

    def transform(self, X):
        """The outputs of the model."""
        return self._outputs(X)

    def fit_transform(self, X, y, **fit_params):
        """Fit, and transform the same inputs."""
        return self.fit(X, y, **fit_params).transform(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags = _sklearn().utils.TransformerTags()
        return tags


def _sklearn():
    try:
        import sklearn
        import sklearn.exceptions
        import sklearn.metrics
        import sklearn.utils.multiclass
    except ImportError as error:
        raise ImportError(
            "The estimators of `npkeras.wrappers` need scikit-learn, which is not installed. "
            "Install it: pip install scikit-learn"
        ) from error
    return sklearn

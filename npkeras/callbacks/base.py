"""Callback: what may happen beside training, evaluation and prediction."""

import numpy as np


class Callback:
    """Something to do at given moments of training, evaluation or prediction.

    Define the hooks you need and pass an object to `fit`, `evaluate` or `predict`. Each hook gets
    `logs`, a dict of the losses and metrics so far; what a hook adds to the logs of an epoch,
    the callbacks after it (`History` among them) see.

    Attributes:
        model: The model at work.
        params: A dict with `verbose`, `epochs` and `steps`.
        kept_state: The names of the attributes that `BackupAndRestore` keeps: numbers, strings,
            arrays and nests of them, by which training that was cut off goes on unchanged.

    Example:
        >>> class PrintLoss(Callback):
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"epoch {epoch}: loss {logs['loss']:.2f}")
        >>> PrintLoss().on_epoch_end(0, {"loss": 0.5})
        epoch 0: loss 0.50
    """

    # class attributes, so that a subclass need not call `super().__init__()`
    params = None
    validation_data = None
    kept_state = ()
    _model = None

    def set_params(self, params):
        self.params = params

    def set_model(self, model):
        self._model = model

    @property
    def model(self):
        return self._model

    def on_batch_begin(self, batch, logs=None):
        """The older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch, logs=None):
        """The older name of `on_train_batch_end`."""

    def on_train_batch_begin(self, batch, logs=None):
        """Called before each batch of training, with its number from 0."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch, logs=None):
        """Called after each batch of training, with the averages so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch, logs=None):
        """Called before each batch of an evaluation, also of the one within `fit`."""

    def on_test_batch_end(self, batch, logs=None):
        """Called after each batch of an evaluation."""

    def on_predict_batch_begin(self, batch, logs=None):
        """Called before each batch of a prediction."""

    def on_predict_batch_end(self, batch, logs=None):
        """Called after each batch of a prediction, with `logs["outputs"]`."""

    def on_epoch_begin(self, epoch, logs=None):
        """Called before each epoch, with its number from 0."""

    def on_epoch_end(self, epoch, logs=None):
        """Called after each epoch and its validation, with the logs of both."""

    def on_train_begin(self, logs=None):
        """Called at the beginning of `fit`."""

    def on_train_end(self, logs=None):
        """Called at the end of `fit`, with the logs of the last epoch."""

    def on_test_begin(self, logs=None):
        """Called at the beginning of an evaluation."""

    def on_test_end(self, logs=None):
        """Called at the end of an evaluation."""

    def on_predict_begin(self, logs=None):
        """Called at the beginning of `predict`."""

    def on_predict_end(self, logs=None):
        """Called at the end of `predict`."""


def number(value):
    """A log value or a learning rate as a Python float."""
    if isinstance(value, float):
        return value
    return float(value.numpy() if hasattr(value, "numpy") else np.asarray(value))


def plain(value):
    """A Python float where the value is one number; anything else as it is."""
    try:
        return number(value)
    except (TypeError, ValueError):
        return value


def trace_again(model):
    """Let Keras itself, which compiles a training step once, look at the optimizer anew."""
    if getattr(model, "train_function", None) is not None:
        model.make_train_function(force=True)

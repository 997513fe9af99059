"""ProgbarLogger: draws the progress of training, evaluation and prediction."""

from npkeras.callbacks.base import Callback
from npkeras.callbacks.progress import Progbar, say
from npkeras.core.registry import register


@register("callbacks")
class ProgbarLogger(Callback):
    """Draws the progress of training, evaluation and prediction. `verbose` adds it by itself.

    The averages in the logs are shown as they are. The evaluation within `fit` draws nothing:
    its results are on the last drawing of the epoch.
    """

    def __init__(self):
        self.epochs = None
        self.target = None
        self.verbose = 1
        self.seen = 0
        self.progbar = None
        self._in_fit = False

    def set_params(self, params):
        super().set_params(params)
        self.verbose = 1 if params.get("verbose", 1) == "auto" else params.get("verbose", 1)
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps", None)

    def on_train_begin(self, logs=None):
        self._in_fit = True
        self._begin()

    def on_epoch_begin(self, epoch, logs=None):
        self._begin()
        if self.verbose and self.epochs > 1:
            say(f"Epoch {epoch + 1}/{self.epochs}")

    def on_train_batch_end(self, batch, logs=None):
        self._step(batch, logs)

    def on_epoch_end(self, epoch, logs=None):
        self._end(logs)

    def on_train_end(self, logs=None):
        self._in_fit = False

    def on_test_begin(self, logs=None):
        if not self._in_fit:
            self._begin()

    def on_test_batch_end(self, batch, logs=None):
        if not self._in_fit:
            self._step(batch, logs)

    def on_test_end(self, logs=None):
        if not self._in_fit:
            self._end(logs)

    def on_predict_begin(self, logs=None):
        self._begin()

    def on_predict_batch_end(self, batch, logs=None):
        self._step(batch, None)  # its logs are the outputs

    def on_predict_end(self, logs=None):
        self._end(logs)

    def _begin(self):
        self.seen = 0
        self.progbar = Progbar(self.target, verbose=self.verbose, stateless_metrics=())

    def _step(self, batch, logs):
        self.seen = batch + 1
        if self.verbose == 1:
            self.progbar.update(self.seen, logs.items() if logs else None, finalize=False)

    def _end(self, logs):
        if self.target is None:  # now it is known, and the next epoch may have as many
            self.target = self.progbar.target = self.seen
        self.progbar.update(self.seen, (logs or {}).items(), finalize=True)

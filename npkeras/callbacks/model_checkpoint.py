"""ModelCheckpoint: saves the model while it is trained."""

import os

from npkeras.callbacks.base import plain
from npkeras.callbacks.monitor import MonitorCallback
from npkeras.callbacks.progress import announce
from npkeras.core import check
from npkeras.core.registry import register


@register("callbacks")
class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after every epoch or every few batches.

    Args:
        filepath: The file. What is logged may be part of its name, and so may the number of the
            epoch and of the batch, from 1: `"{epoch:02d}-{val_loss:.2f}.keras"`. It ends in
            `.keras` (or `.h5`), for weights in `.weights.h5`.
        monitor: What decides which model is the best, by its name in the logs.
        verbose: Whether to say when something is saved.
        save_best_only: Whether to save only when `monitor` is better than ever before. NaN never
            is.
        save_weights_only: Whether to save the weights alone.
        mode: Whether less ("min") or more ("max") is better; "auto" asks the metric.
        save_freq: "epoch", or after how many batches to save.
        initial_value_threshold: The first value to beat, if the best only is saved.

    Attributes:
        best: The best value so far.
    """

    kept_state = ("best", "_batches_since_saving")

    def __init__(
        self,
        filepath,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode="auto",
        save_freq="epoch",
        initial_value_threshold=None,
    ):
        super().__init__(monitor, mode, baseline=initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            raise ValueError(
                f"`filepath` of ModelCheckpoint must end in {' or '.join(endings)} with "
                f"save_weights_only={save_weights_only}. Received: filepath={self.filepath!r}"
            )
        if save_freq != "epoch":
            if not check.is_int(save_freq):
                raise ValueError(
                    '`save_freq` of ModelCheckpoint must be "epoch" or a number of batches. '
                    f"Received: save_freq={save_freq!r}"
                )
            check.positive_int(save_freq, "save_freq", "ModelCheckpoint")
        self.save_freq = save_freq
        self._epoch = 0
        self._last_batch = -1
        self._batches_since_saving = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch
        self._last_batch = -1

    def on_train_batch_end(self, batch, logs=None):
        if self.save_freq == "epoch":
            return
        # several batches may have been trained in one go
        self._batches_since_saving += batch - self._last_batch
        self._last_batch = batch
        if self._batches_since_saving >= self.save_freq:
            self._batches_since_saving = 0
            self._save_if_wanted(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            self._save_if_wanted(epoch, None, logs or {})

    def _save_if_wanted(self, epoch, batch, logs):
        path = self._path(epoch, batch, logs)
        moment = f"Epoch {epoch + 1}"
        if not self.save_best_only:
            self._save(path, f"{moment}: saving to {path}.")
            return
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.is_improvement(current, self.best):
            change = f"{self.monitor} went from {_shown(self.best)} to {_shown(current)}"
            self._save(path, f"{moment}: {change}, saving to {path}.")
            self.best = current
        elif self.verbose:
            announce(f"{moment}: {self.monitor} is no better than {_shown(self.best)}.")

    def _save(self, path, message):
        if self.verbose:
            announce(message)
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)

    def _path(self, epoch, batch, logs):
        names = {"epoch": epoch + 1, **{name: plain(value) for name, value in logs.items()}}
        if batch is not None:
            names["batch"] = batch + 1
        try:
            return self.filepath.format(**names)
        except KeyError as error:
            raise KeyError(
                f"`filepath` of ModelCheckpoint names {error}, which is not logged. Received: "
                f"filepath={self.filepath!r}. Known are: {', '.join(names)}."
            ) from error


def _shown(value):
    return "nothing" if value is None else f"{value:.5f}"

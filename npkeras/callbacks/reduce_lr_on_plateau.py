"""ReduceLROnPlateau: takes smaller steps when larger ones no longer help."""

import warnings

import numpy as np

from npkeras.callbacks.base import number
from npkeras.callbacks.monitor import MonitorCallback
from npkeras.callbacks.progress import announce
from npkeras.core import check
from npkeras.core.registry import register


@register("callbacks")
class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by `factor` once `monitor` has stopped improving.

    The learning rate of each epoch is logged as `learning_rate`.

    Args:
        monitor: What to watch, by its name in the logs.
        factor: What the learning rate is multiplied by, below 1.
        patience: How many epochs without improvement to allow.
        verbose: Whether to say when the learning rate changes.
        mode: Whether less ("min") or more ("max") is better; "auto" asks the metric.
        min_delta: A change smaller than this is no improvement.
        cooldown: How many epochs to let pass after a change before watching again.
        min_lr: The smallest learning rate.
    """

    kept_state = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
        **kwargs,
    ):
        if kwargs:
            warnings.warn(
                f"ReduceLROnPlateau ignores arguments it does not know: {', '.join(kwargs)}. "
                "(`epsilon` is called `min_delta` now.)",
                stacklevel=2,
            )
        super().__init__(monitor, mode, min_delta=min_delta)
        self.factor = check.number(factor, "factor", "ReduceLROnPlateau", below=1)
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._begin()

    def on_train_begin(self, logs=None):
        self._begin()

    def on_epoch_end(self, epoch, logs=None):
        logs = {} if logs is None else logs
        logs["learning_rate"] = number(self.model.optimizer.learning_rate)
        current = self.get_monitor_value(logs)
        if current is not None:
            self._judge(epoch, current)

    def in_cooldown(self):
        return self.cooldown_counter > 0

    def _begin(self):
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def _judge(self, epoch, current):
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch):
        old = number(self.model.optimizer.learning_rate)
        if old <= np.float32(self.min_lr):  # the optimizer keeps the rate as a float32
            return
        new = max(old * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        if self.verbose:
            announce(f"Epoch {epoch + 1}: ReduceLROnPlateau lowers the learning rate to {new}.")
        self.cooldown_counter = self.cooldown
        self.wait = 0

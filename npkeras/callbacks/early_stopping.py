"""EarlyStopping: ends training when it no longer helps."""

from npkeras.callbacks.monitor import MonitorCallback
from npkeras.callbacks.progress import announce
from npkeras.core.registry import register


@register("callbacks")
class EarlyStopping(MonitorCallback):
    """Stops training once `monitor` has not improved for `patience` epochs.

    Args:
        monitor: What to watch, by its name in the logs: "val_loss", "accuracy", ...
        min_delta: A change smaller than this is no improvement.
        patience: How many epochs without improvement to allow.
        verbose: Whether to say when training was stopped.
        mode: Whether less ("min") or more ("max") is better; "auto" asks the metric.
        baseline: Only values better than this one renew the patience. None: all do.
        restore_best_weights: Whether training ends with the weights of its best epoch.
        start_from_epoch: How many epochs to let pass before watching.

    Attributes:
        best, best_epoch: The best value so far, and the epoch (from 0) that had it.
        stopped_epoch: The epoch (from 0) after which training was stopped; 0 if it was not.

    Example:
        >>> stop = EarlyStopping(patience=3, restore_best_weights=True)
        >>> model.fit(x, y, validation_split=0.2, epochs=9, callbacks=[stop])  # doctest: +SKIP
    """

    kept_state = ("best", "best_epoch", "best_weights", "wait", "stopped_epoch")

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._begin()

    def on_train_begin(self, logs=None):
        self._begin()

    def on_epoch_end(self, epoch, logs=None):
        current = self.get_monitor_value(logs)
        if current is not None and epoch >= self.start_from_epoch:
            self._judge(epoch, current)

    def on_train_end(self, logs=None):
        if self.verbose and self.stopped_epoch:
            announce(f"EarlyStopping: stopped after epoch {self.stopped_epoch + 1}.")
        if self.best_weights is not None:
            if self.verbose:
                announce(f"EarlyStopping: back to the weights of epoch {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)

    def _begin(self):
        self.best, self.best_epoch, self.best_weights = None, 0, None
        self.wait = 0
        self.stopped_epoch = 0

    def _judge(self, epoch, current):
        self.wait += 1
        if self.is_improvement(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.is_improvement(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

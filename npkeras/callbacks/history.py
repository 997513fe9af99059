"""History: what every epoch logged."""

from npkeras.callbacks.base import Callback, plain
from npkeras.core.registry import register


@register("callbacks")
class History(Callback):
    """What every epoch logged. `fit` adds one by itself and returns it.

    Attributes:
        history: A dict from names ("loss", "val_accuracy") to lists of floats, one per epoch.
        epoch: The numbers of the epochs, from 0.

    Example:
        >>> history = History()
        >>> history.on_train_begin()
        >>> history.on_epoch_end(0, {"loss": 0.5})
        >>> history.history
        {'loss': [0.5]}
    """

    def __init__(self):
        self.history = {}

    def on_train_begin(self, logs=None):
        self.epoch = []

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(plain(value))
        if self.model is not None:
            self.model.history = self

"""LearningRateDecay: a learning rate that falls with the number of the epoch."""

from npkeras.callbacks.base import Callback, number
from npkeras.core import check
from npkeras.core.registry import register


@register("callbacks")
class LearningRateDecay(Callback):
    """Lets the learning rate of epoch n, from 0, be `initial / (1 + rate * n)`.

    `initial` is what the optimizer has when training begins. The learning rate of each epoch is
    logged as `learning_rate`. It also works within Keras itself.

    Args:
        rate: How fast it falls; 0 for not at all.

    Example:
        >>> decay = LearningRateDecay(0.5)  # 1, 2/3, 1/2, 2/5, ... of what it was
    """

    kept_state = ("initial",)

    def __init__(self, rate):
        self.rate = check.number(rate, "rate", "LearningRateDecay", low=0)
        self.initial = None

    def on_train_begin(self, logs=None):
        self.initial = number(self.model.optimizer.learning_rate)

    def on_epoch_begin(self, epoch, logs=None):
        self.model.optimizer.learning_rate = self.initial / (1 + self.rate * epoch)

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["learning_rate"] = number(self.model.optimizer.learning_rate)

"""SwapEMAWeights: evaluates with the running means of the weights."""

from npkeras.callbacks.base import Callback
from npkeras.core import check
from npkeras.core.registry import register


@register("callbacks")
class SwapEMAWeights(Callback):
    """Puts the running means of the weights into the model for evaluation and prediction.

    The optimizer keeps them, if it is made with `use_ema=True`. Afterwards the model has its
    own weights again.

    Args:
        swap_on_epoch: Whether the means are in the model also for the callbacks after this one
            at the end of an epoch, for instance for `ModelCheckpoint`, until the next begins.

    Example:
        >>> optimizer = npkeras.optimizers.SGD(0.1, use_ema=True)
        >>> swap = npkeras.callbacks.SwapEMAWeights()
    """

    def __init__(self, swap_on_epoch=False):
        self.swap_on_epoch = swap_on_epoch
        self._own = None  # variables and their own values, while the means are in the model

    def on_epoch_begin(self, epoch, logs=None):
        self._restore()

    def on_epoch_end(self, epoch, logs=None):
        if self.swap_on_epoch:
            self._put_means()

    def on_train_end(self, logs=None):
        self._own = None  # the optimizer itself leaves the means in the model

    def on_train_abandoned(self):
        self._restore()

    def on_test_begin(self, logs=None):
        self._put_means()

    def on_test_end(self, logs=None):
        self._restore()

    def on_predict_begin(self, logs=None):
        self._put_means()

    def on_predict_end(self, logs=None):
        self._restore()

    def _put_means(self):
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)  # within a loss-scaling one
        if not getattr(optimizer, "use_ema", False):
            raise ValueError(
                "SwapEMAWeights needs an optimizer with `use_ema=True`. "
                f"Received: optimizer={check.shown(optimizer)}"
            )
        if self._own is None and optimizer.built:
            self._own = [(w, w.value.copy()) for w in self.model.trainable_variables]
            optimizer.finalize_variable_values([w for w, _ in self._own])

    def _restore(self):
        for variable, value in self._own or ():
            variable.assign(value)
        self._own = None

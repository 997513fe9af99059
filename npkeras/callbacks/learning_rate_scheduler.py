"""LearningRateScheduler: a learning rate for every epoch, from a function."""

import inspect

import numpy as np

from npkeras.callbacks.base import Callback, number
from npkeras.callbacks.progress import announce
from npkeras.core import check
from npkeras.core.registry import register


@register("callbacks")
class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of every epoch, and logs it as `learning_rate`.

    Args:
        schedule: A function of `(epoch)` or of `(epoch, learning_rate)`, the number of the epoch
            from 0 and the learning rate so far, that returns the new one, a float.
        verbose: Whether to say what it is set to.

    Example:
        >>> halve = LearningRateScheduler(lambda epoch, rate: rate / 2)
    """

    def __init__(self, schedule, verbose=0):
        if not callable(schedule):
            raise TypeError(
                "`schedule` of LearningRateScheduler must be a function of the epoch. "
                f"Received: schedule={check.shown(schedule)}"
            )
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch, logs=None):
        rate = self._rate_of(epoch)
        if not isinstance(rate, (float, np.floating)):
            raise ValueError(
                "`schedule` of LearningRateScheduler must return a float. "
                f"Received: {check.shown(rate)} of type {type(rate).__name__} for epoch {epoch}"
            )
        self.model.optimizer.learning_rate = rate
        if self.verbose:
            announce(f"Epoch {epoch + 1}: LearningRateScheduler sets the learning rate to {rate}.")

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["learning_rate"] = number(self.model.optimizer.learning_rate)

    def _rate_of(self, epoch):
        optimizer = getattr(self.model, "optimizer", None)
        if not hasattr(optimizer, "learning_rate"):
            raise ValueError(
                "LearningRateScheduler needs an optimizer with a `learning_rate`. "
                f"Received: optimizer={check.shown(optimizer)}"
            )
        rate = number(optimizer.learning_rate)
        try:
            inspect.signature(self.schedule).bind(epoch, rate)
        except TypeError:
            return self.schedule(epoch)
        except ValueError:  # a compiled function without a signature
            return self.schedule(epoch, rate)
        return self.schedule(epoch, rate)

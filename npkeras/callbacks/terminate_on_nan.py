"""TerminateOnNaN: stops when the loss is no number any more."""

import math

from npkeras.callbacks.base import Callback, number
from npkeras.callbacks.progress import announce
from npkeras.core.registry import register


@register("callbacks")
class TerminateOnNaN(Callback):
    """Stops training when the loss is NaN or infinite.

    Args:
        raise_error: Whether to raise a `RuntimeError` rather than to end `fit` quietly.
    """

    def __init__(self, raise_error=False):
        self.raise_error = raise_error

    def on_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(number(loss)):
            return
        if self.raise_error:
            raise RuntimeError(
                f"The loss of batch {batch} is {number(loss)}: training cannot go on. "
                "Try a smaller learning rate, gradient clipping, or look for NaN in the data."
            )
        announce(f"Batch {batch}: the loss is {number(loss)}, so training stops.")
        self.model.stop_training = True

"""GradientClipping: limits gradients for the length of one training."""

from npkeras.callbacks.base import Callback, trace_again
from npkeras.core import check
from npkeras.core.registry import register

ATTRIBUTES = {"global_norm": "global_clipnorm", "norm": "clipnorm", "value": "clipvalue"}


@register("callbacks")
class GradientClipping(Callback):
    """Limits gradients while `fit` runs; afterwards the optimizer is as it was before.

    It also works within Keras itself. Source: Pascanu et al., 2013, arxiv.org/abs/1211.5063.

    Args:
        threshold: The largest norm, or the largest absolute value, above 0.
        mode: "global_norm": if the norm of all gradients together is above the threshold, all are
            scaled by the same factor, which keeps their direction. "norm": each gradient by
            itself. "value": each entry by itself.

    Example:
        >>> clip = GradientClipping(5.0)
    """

    def __init__(self, threshold, mode="global_norm"):
        self.threshold = check.number(threshold, "threshold", "GradientClipping", low=0)
        if not threshold:
            raise ValueError(
                "`threshold` of GradientClipping must be above 0, or nothing is learnt. "
                f"Received: threshold={threshold}"
            )
        self.mode = check.one_of(ATTRIBUTES, mode, "mode", "GradientClipping")
        self._before = None

    def on_train_begin(self, logs=None):
        optimizer = self._optimizer()
        missing = [name for name in ATTRIBUTES.values() if not hasattr(optimizer, name)]
        if missing:
            raise ValueError(
                f"GradientClipping needs an optimizer with `{missing[0]}`. "
                f"Received: optimizer={check.shown(optimizer)}"
            )
        self._before = {name: getattr(optimizer, name) for name in ATTRIBUTES.values()}
        for name in self._before:
            setattr(optimizer, name, self.threshold if name == ATTRIBUTES[self.mode] else None)
        trace_again(self.model)

    def on_train_end(self, logs=None):
        for name, value in self._before.items():
            setattr(self._optimizer(), name, value)
        self._before = None
        trace_again(self.model)

    def on_train_abandoned(self):
        if self._before is not None:
            self.on_train_end()

    def _optimizer(self):
        optimizer = self.model.optimizer
        return getattr(optimizer, "inner_optimizer", optimizer)  # within a loss-scaling one

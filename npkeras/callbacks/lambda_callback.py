"""LambdaCallback: hooks given as functions."""

from npkeras.callbacks.base import Callback
from npkeras.core.registry import register


@register("callbacks")
class LambdaCallback(Callback):
    """A callback whose hooks are given as functions.

    Args:
        on_epoch_begin, on_epoch_end: Functions of `(epoch, logs)`.
        on_train_begin, on_train_end: Functions of `(logs)`.
        on_train_batch_begin, on_train_batch_end: Functions of `(batch, logs)`.
        **kwargs: Any other hook, such as `on_test_end`; or an attribute it shall have.

    Example:
        >>> show = LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"]))
        >>> show.on_epoch_end(0, {"loss": 0.5})
        0 0.5
    """

    def __init__(
        self,
        on_epoch_begin=None,
        on_epoch_end=None,
        on_train_begin=None,
        on_train_end=None,
        on_train_batch_begin=None,
        on_train_batch_end=None,
        **kwargs,
    ):
        hooks = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        given = {name: hook for name, hook in hooks.items() if hook is not None}
        vars(self).update(kwargs, **given)

"""CallbackList: many callbacks as one."""

from npkeras.callbacks.base import Callback
from npkeras.callbacks.history import History
from npkeras.callbacks.progbar_logger import ProgbarLogger
from npkeras.core import check, tree

_PHASES = ("train", "test", "predict")
PHASE_HOOKS = tuple(f"on_{phase}_{moment}" for phase in _PHASES for moment in ("begin", "end"))
EPOCH_HOOKS = ("on_epoch_begin", "on_epoch_end")
BATCH_HOOKS = (  # as in Keras these alone are given `logs` by keyword
    *(f"on_{phase}_batch_{moment}" for phase in _PHASES for moment in ("begin", "end")),
    "on_batch_begin",
    "on_batch_end",
)
OLDER_NAMES = {"on_train_batch_begin": "on_batch_begin", "on_train_batch_end": "on_batch_end"}


class CallbackList(Callback):
    """Many callbacks as one: each hook calls that of all of them, in their order.

    Which hooks are overridden is looked up once, when the list is made: a hook that nobody
    overrides does nothing at all.

    Args:
        callbacks: A callback, or a nest of them.
        add_history: Whether to add a `History` if there is none.
        add_progbar: Whether to add a `ProgbarLogger` if there is none.
        model: The model they are about.
        **params: `verbose`, `epochs`, `steps`: what the callbacks find in `params`.

    Attributes:
        wants_gradients: Whether a callback has the hook `on_gradients(gradients, variables)`.
    """

    def __init__(self, callbacks=None, add_history=False, add_progbar=False, model=None, **params):
        self.callbacks = [] if callbacks is None else [_checked(c) for c in tree.leaves(callbacks)]
        self._history = self._find_or_add(History, add_history)
        self._find_or_add(ProgbarLogger, add_progbar)
        self._look_up()
        if model is not None:
            self.set_model(model)
        if params:
            self.set_params(params)

    def append(self, callback):
        """Add one more at the end."""
        self.callbacks.append(_checked(callback))
        self._look_up()

    def set_params(self, params):
        super().set_params(params)
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model):
        super().set_model(model)
        if self._history is not None:
            model.history = self._history
        for callback in self.callbacks:
            callback.set_model(model)

    def abandon(self):
        """Tell the callbacks that training ended with an error: close files, undo changes."""
        for callback in self.callbacks:
            getattr(callback, "on_train_abandoned", _nothing)()

    def _find_or_add(self, cls, wanted):
        for callback in self.callbacks:
            if any(base.__name__ == cls.__name__ for base in type(callback).__mro__):
                return callback
        if wanted:
            self.callbacks.append(cls())
        return self.callbacks[-1] if wanted else None

    def _look_up(self):
        for callback in self.callbacks:
            if hasattr(type(callback), "companions"):
                callback.companions = [other for other in self.callbacks if other is not callback]
        for name in EPOCH_HOOKS:
            setattr(self, name, _numbered(self._hooks(name)))
        for name in BATCH_HOOKS:
            setattr(self, name, _of_batches(self._hooks(name)))
        for name in PHASE_HOOKS:
            setattr(self, name, _unnumbered(self._hooks(name)))
        hooks = [c.on_gradients for c in self.callbacks if _overrides(c, "on_gradients")]
        self.wants_gradients = bool(hooks)
        self.on_gradients = _numbered(hooks)

    def _hooks(self, name):
        """What to call for that hook: of each callback the newer name, or else the older one."""
        hooks = []
        for callback in sorted(self.callbacks, key=_comes_last):
            names = [n for n in (name, OLDER_NAMES.get(name)) if n and _overrides(callback, n)]
            hooks += [getattr(callback, found) for found in names[:1]]
        return hooks


def _checked(callback):
    if isinstance(callback, type):
        raise TypeError(
            f"`callbacks` must hold objects, not classes. Received: {callback.__name__}. "
            f"Write {callback.__name__}(...)."
        )
    if not (hasattr(callback, "set_model") and hasattr(callback, "set_params")):
        raise TypeError(
            f"`callbacks` must hold `Callback` objects. Received: {check.shown(callback)} "
            f"of type {type(callback).__name__}"
        )
    return callback


def _overrides(callback, name):
    if name in getattr(callback, "__dict__", ()):
        own = vars(callback)[name]
        return callable(own) and own is not _nothing
    for cls in type(callback).__mro__:
        if name in vars(cls):
            return not _is_base(cls)
    return callable(getattr(callback, name, None))  # it answers to any name, as a mock does


def _comes_last(callback):
    return getattr(callback, "comes_last", False) is True


def _is_base(cls):
    """Whether this is the class whose hooks do nothing: ours, or that of Keras itself."""
    return cls is Callback or (
        cls.__name__ == "Callback" and cls.__module__.partition(".")[0] in ("keras", "tf_keras")
    )


def _nothing(*args, **kwargs):
    """A hook that nobody overrides."""


def _numbered(hooks):
    if not hooks:
        return _nothing

    def call(number, logs=None):
        logs = {} if logs is None else logs
        for hook in hooks:
            hook(number, logs)

    return call


def _of_batches(hooks):
    if not hooks:
        return _nothing

    def call(batch, logs=None):
        logs = {} if logs is None else logs
        for hook in hooks:
            hook(batch, logs=logs)

    return call


def _unnumbered(hooks):
    if not hooks:
        return _nothing

    def call(logs=None):
        logs = {} if logs is None else logs
        for hook in hooks:
            hook(logs)

    return call

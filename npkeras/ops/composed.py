"""Ops written with other ops: one node in a symbolic graph, several records on a tape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from npkeras.core.op import Op
from npkeras.core.symbolic import KerasTensor, apply


class Composed(Op):
    """A function of ops. Derivatives and shapes follow from the ops it calls.

    On symbolic tensors it runs once more on bare ones, and the graph inside is left behind: a
    functional model shows, saves and replays one call, under the name that Keras gives it.
    """

    def __init__(self, function: Callable[..., Any], numpy: Any = None) -> None:
        super().__init__(function, function, numpy=numpy)

    def __call__(self, *args: Any, **options: Any) -> Any:
        if _is_symbolic(args) or (options and _is_symbolic(options.values())):
            return apply(self, args, options)
        return self.forward(*args, **options)


def composed(function: Callable[..., Any] | None = None, *, numpy: Any = None) -> Any:
    """Decorator: make one op of a function that calls other ops."""
    if function is None:
        return lambda inner: Composed(inner, numpy)
    return Composed(function)


def _is_symbolic(values: Any) -> bool:
    for value in values:
        kind = type(value)
        if kind is KerasTensor or (kind is list or kind is tuple) and _is_symbolic(value):
            return True
    return False

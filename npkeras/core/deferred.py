"""A value that is computed when somebody reads it, and not before.

The logits of a language model are hundreds of megabytes, and training never looks at them: the
loss follows from what they would be computed from. So a wide `Dense` layer returns a `Deferred`
value, and a loss that knows how leaves it unread. To anyone else it is a value like any other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from npkeras.core.tape import Edges, Traced, record_as, recording


class _Thread(threading.local):
    welcome = False  # whether deferred values may be returned where no tape runs
    chained = False  # whether a result goes to a layer of npkeras, where no tape runs


_thread = _Thread()


class Deferred(Traced):
    """What `compute()` returns, computed at the first look at `value`.

    Args:
        shape, dtype: Those of the value.
        compute: A function without arguments. What it uses must not change until then.
        edges: As for `record`; None if no gradient is wanted.
        take_in: Called with an op that is applied to the value while nobody has read it, and the
            op's other arguments and options. What it returns is the op's result; None: the op
            shall read the value.
    """

    __slots__ = ("_form", "_compute", "_known", "_take_in")

    def __init__(
        self,
        shape: Any,
        dtype: Any,
        compute: Callable[[], Any],
        edges: Edges | None = None,
        take_in: Callable[..., Any] | None = None,
    ) -> None:
        self._form = tuple(shape), dtype
        self._compute: Callable[[], Any] | None = compute
        self._known: Any = None
        self._take_in = take_in
        self.slot = None
        self.notes = None
        if edges:
            record_as(self, edges)

    @property
    def value(self) -> Any:  # type: ignore[override]
        if self._compute is not None:
            self._known, self._compute = self._compute(), None
        return self._known

    def taken_in(self, op: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """The result of an op on this value and other arguments; None if it has to be computed."""
        if self._compute is None or self._take_in is None:
            return None
        return self._take_in(op, args, options)

    unread = property(lambda self: self._compute is not None)
    shape = property(lambda self: self._form[0])
    dtype = property(lambda self: self._form[1])
    ndim = property(lambda self: len(self._form[0]))

    def __len__(self) -> int:
        return self._form[0][0]


class deferring:
    """Inside this `with` block wide layers return deferred values, though no tape runs."""

    def __enter__(self) -> None:
        self._outer, _thread.welcome = _thread.welcome, True

    def __exit__(self, *error: object) -> None:
        _thread.welcome = self._outer


class chaining:
    """Inside this `with` block layers of npkeras hand values to one another, though no tape runs.

    Args:
        on: False: inside this block code of others sees the values, and expects bare arrays.
    """

    def __init__(self, on: bool = True) -> None:
        self.on = on

    def __enter__(self) -> chaining:
        self._outer, _thread.chained = _thread.chained, self.on
        return self

    def __exit__(self, *error: object) -> None:
        _thread.chained = self._outer

    def result(self, value: Any) -> Any:
        """What leaves the block: a bare array, if the chain ends there and no more is expected."""
        return value if self._outer or _thread.welcome else settled(value)


def may_chain() -> bool:
    """Whether a value is expected that somebody of npkeras will look at next."""
    return _thread.chained or recording()


def settled(value: Any) -> Any:
    """A value as code of others expects it: computed, and where no tape runs a bare array."""
    return value.value if type(value) is Deferred and not recording() else value


def may_defer() -> bool:
    """Whether who asked for a value expects more than a bare array."""
    return recording() or _thread.welcome

"""Names of objects as Keras gives them: `dense`, `dense_1`, and `sequential/dense/kernel`."""

from __future__ import annotations

import re
import threading
from collections import defaultdict

_counts: dict[str, int] = defaultdict(int)


class _Thread(threading.local):
    scope: tuple[str, ...] = ()


_thread = _Thread()


def snake_case(name: str) -> str:
    """`"LSTM"` -> `"lstm"`, `"ReLU"` -> `"re_lu"`, `"Conv2DTranspose"` -> `"conv2d_transpose"`."""
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(class_name: str) -> str:
    """A name no other object of this process got: `"dense"`, then `"dense_1"`, ..."""
    stem = snake_case(class_name)
    count = _counts[stem]
    _counts[stem] += 1
    return f"{stem}_{count}" if count else stem


def reset() -> None:
    """Begin counting anew, as after a restart."""
    _counts.clear()


class name_scope:
    """Inside this `with` block the paths of new variables begin with `name/`."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> name_scope:
        self._outer, _thread.scope = _thread.scope, (*_thread.scope, self.name)
        return self

    def __exit__(self, *error: object) -> None:
        _thread.scope = self._outer


def path_of(name: str) -> str:
    """The name behind all scopes around the caller."""
    return "/".join([*_thread.scope, name])


def current_scope() -> tuple[str, ...]:
    return _thread.scope

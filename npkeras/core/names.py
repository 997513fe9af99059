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


def get_uid(prefix: str = "") -> int:
    """The next number for names that begin with `prefix`: 1, then 2, ...

    The same numbers tell objects apart that are given no name, and `clear_session` begins anew.

    Example:
        >>> npkeras.backend.get_uid("block"), npkeras.backend.get_uid("block")
        (1, 2)
    """
    _counts[prefix] += 1
    return _counts[prefix]


def reset() -> None:
    """Begin counting anew, as after a restart."""
    _counts.clear()


class name_scope:
    """Inside this `with` block the paths of new variables begin with `name/`.

    Args:
        name: A string without "/"; the empty one changes nothing.

    Example:
        >>> with npkeras.name_scope("encoder"):
        ...     npkeras.Variable(1.0, name="scale").path
        'encoder/scale'
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or "/" in name:
            raise ValueError(
                f"`name` of name_scope must be a string without '/'. Received: name={name!r}"
            )
        self.name = name

    def __enter__(self) -> name_scope:
        self._outer = _thread.scope
        if self.name:
            _thread.scope = (*_thread.scope, self.name)
        return self

    def __exit__(self, *error: object) -> None:
        _thread.scope = self._outer


def path_of(name: str) -> str:
    """The name behind all scopes around the caller."""
    return "/".join([*_thread.scope, name])


def current_scope() -> tuple[str, ...]:
    return _thread.scope

"""Checks of arguments, in one wording: who expected what, what was received."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def shown(value: Any, limit: int = 80) -> str:
    """`repr(value)`, cut so that no message holds a whole array."""
    text = f"array of shape {value.shape}" if isinstance(value, np.ndarray) else repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."


def is_int(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def positive_int(value: Any, name: str, owner: str) -> int:
    """The value as an int, if it is a whole number above 0."""
    if not is_int(value) or value <= 0:
        raise ValueError(
            f"`{name}` of {owner} must be a positive integer. Received: {name}={shown(value)}"
        )
    return int(value)


def non_negative_int(value: Any, name: str, owner: str) -> int:
    """The value as an int, if it is a whole number and not below 0."""
    if not is_int(value) or value < 0:
        raise ValueError(
            f"`{name}` of {owner} must be a non-negative integer. Received: {name}={shown(value)}"
        )
    return int(value)


def one_of(allowed: Iterable[Any], value: Any, name: str, owner: str) -> Any:
    """The value, if it is one of those allowed."""
    allowed = tuple(allowed)
    if not _among(value, allowed):
        choices = ", ".join(map(repr, allowed))
        raise ValueError(
            f"`{name}` of {owner} must be one of {choices}. Received: {name}={shown(value)}"
        )
    return value


def _among(value: Any, allowed: tuple[Any, ...]) -> bool:
    if isinstance(value, np.ndarray):  # which would compare entry by entry
        return False
    return any(value is choice or value == choice for choice in allowed)


def number(
    value: Any,
    name: str,
    owner: str,
    low: float | None = None,
    high: float | None = None,
    *,
    below: float | None = None,
) -> Any:
    """The value, if it is a real number with low <= value <= high (and value < below)."""
    bare = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    if (
        not isinstance(bare, numbers.Real)
        or isinstance(bare, bool)
        or math.isnan(value)
        or (low is not None and value < low)
        or (high is not None and value > high)
        or (below is not None and value >= below)
    ):
        bounds = [f"at least {low}"] if low is not None else []
        bounds += [f"at most {high}"] if high is not None else []
        bounds += [f"below {below}"] if below is not None else []
        wanted = " ".join(["a number", " and ".join(bounds)]).strip()
        raise ValueError(f"`{name}` of {owner} must be {wanted}. Received: {name}={shown(value)}")
    return value


def shape(value: Any, name: str, owner: str) -> tuple[int | None, ...]:
    """The value as a tuple of lengths; None stands for an unknown one."""
    if is_int(value):
        value = (value,)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ValueError(
            f"`{name}` of {owner} must be a tuple of integers or None. "
            f"Received: {name}={shown(value)}"
        )
    for length in value:
        if length is not None and (not is_int(length) or length < 0):
            raise ValueError(
                f"`{name}` of {owner} must hold non-negative integers or None. "
                f"Received: {name}={shown(value)}"
            )
    return tuple(None if length is None else int(length) for length in value)


def no_more(kwargs: dict[str, Any], owner: str) -> None:
    """Refuse keyword arguments that nobody took."""
    if kwargs:
        names = ", ".join(f"`{name}`" for name in kwargs)
        raise TypeError(f"{owner} got an unexpected keyword argument: {names}")


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """ " Did you mean ...?", if a known name is close; otherwise nothing."""
    close = difflib.get_close_matches(str(name), list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""

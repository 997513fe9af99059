"""What Keras hangs on tensors as attributes: a mask, or the logits behind a softmax.

A NumPy array cannot carry attributes, so theirs are kept in a table beside it, keyed by the
array's identity and cleared by a weak reference when the array goes.
"""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

_beside: dict[int, tuple[Any, dict[str, Any]]] = {}


def attach(x: Any, key: str, value: Any) -> None:
    """Remember `value` under `key` for as long as `x` lives."""
    if isinstance(x, np.ndarray):
        entry = _beside.get(id(x))
        if entry is None:
            identity = id(x)
            reference = weakref.ref(x, lambda _: _beside.pop(identity, None))
            entry = _beside[identity] = (reference, {})
        entry[1][key] = value
    elif hasattr(x, "notes"):
        if x.notes is None:
            x.notes = {}
        x.notes[key] = value


def attached(x: Any, key: str) -> Any:
    """What was attached to `x` under `key`, or None."""
    if isinstance(x, np.ndarray):
        entry = _beside.get(id(x)) if _beside else None
        return entry[1].get(key) if entry else None
    notes = getattr(x, "notes", None)
    return notes.get(key) if notes else None


def attach_all_of(x: np.ndarray, y: np.ndarray) -> None:
    """Attach to the array `y` what is attached to the array `x`."""
    entry = _beside.get(id(x)) if _beside else None
    for key, value in entry[1].items() if entry else ():
        attach(y, key, value)


def get_mask(x: Any) -> Any:
    """The mask of `x`, True where an entry counts, or None."""
    return attached(x, "mask")


def set_mask(x: Any, mask: Any) -> None:
    """Give `x` a mask."""
    attach(x, "mask", mask)

"""Arrays as code of others gets them: nothing it does to them changes those of the caller.

A tensor of Keras never changes: `x *= 2` gives the name `x` to a new one. An array of NumPy is
written into, and with it the data of whoever called. So a user's `call` gets a view that cannot be
written to, and whose in-place signs make new arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from npkeras.core.attach import attach_all_of
from npkeras.core.op import REFLECTED


class Handed(np.ndarray):
    """A view of an array for code of others. Operations on it give what they give on arrays."""

    own: Any = None  # the array that it is a view of

    def __array_finalize__(self, parent: Any) -> None:
        self.own = None


def _sign(name: str) -> Any:
    def in_place(self: Any, other: Any) -> Any:
        return getattr(np.ndarray, f"__{name}__")(self, other)

    return in_place


for _name in REFLECTED:
    setattr(Handed, f"__i{_name}__", _sign(_name))


def handed(x: Any) -> Any:
    """A bare array as others get it; anything else as it is."""
    if type(x) is not np.ndarray:
        return x
    view = x.view(Handed)
    view.flags.writeable = False
    view.own = x
    attach_all_of(x, view)
    return view


def plain_view(x: Handed) -> np.ndarray:
    """The same as a plain array, with what is attached to it; still not to be written to."""
    view = x.view(np.ndarray)
    attach_all_of(x, view)
    return view


def taken_back(x: Any) -> Any:
    """What others made of arrays they were handed, as plain arrays that are their own."""
    if isinstance(x, Handed):
        if x.own is not None:
            return x.own
        plain = x.view(np.ndarray)
        plain = plain if plain.flags.writeable else plain.copy()
        attach_all_of(x, plain)
        return plain
    if type(x) is np.ndarray and not x.flags.writeable:
        plain = x.copy()
        attach_all_of(x, plain)
        return plain
    return x

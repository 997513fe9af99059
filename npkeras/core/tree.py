"""Nests of lists, tuples and dicts: take them apart and put them together again.

Dicts are walked in the order of their sorted keys, as Keras does, so that two dicts with the
same keys always line up; an `OrderedDict` keeps its own order. None is a leaf.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Any


def is_nested(structure: Any) -> bool:
    return isinstance(structure, (list, tuple, dict, deque))


def items(structure: Any) -> list[Any]:
    """What a nest holds directly, in the order in which it is walked."""
    if isinstance(structure, dict):
        return [structure[key] for key in keys(structure)]
    return list(structure)


def keys(structure: dict[Any, Any]) -> list[Any]:
    """The keys of a dict in the order in which its leaves are walked."""
    if isinstance(structure, OrderedDict):
        return list(structure)
    try:
        return sorted(structure)
    except TypeError:  # keys of several kinds: one kind after the other
        pass
    try:
        return sorted(structure, key=lambda key: (type(key).__qualname__, key))
    except TypeError:
        return list(structure)


def rebuild(like: Any, held: list[Any]) -> Any:
    """A nest of the same kind that holds other things, given in the order of `items`."""
    if isinstance(like, dict):
        values = dict(zip(keys(like), held, strict=True))
        pairs = ((key, values[key]) for key in like)
        if isinstance(like, defaultdict):
            return type(like)(like.default_factory, pairs)
        return type(like)(pairs)
    if hasattr(like, "_fields"):  # a namedtuple
        return type(like)(*held)
    return type(like)(held)


def leaves(structure: Any) -> list[Any]:
    """What is in the nest, from left to right. A bare value is its own only leaf."""
    if not is_nested(structure):
        return [structure]
    return [leaf for item in items(structure) for leaf in leaves(item)]


def map(function: Callable[..., Any], structure: Any, *others: Any) -> Any:  # noqa: A001
    """A nest of the same form with `function(leaf, ...)` in place of each leaf.

    The first structure says what a leaf is: what stands there in the others is passed whole.
    """
    if not is_nested(structure):
        return function(structure, *others)
    held = items(structure)
    columns = [_items_like(structure, other) for other in others]
    mapped = [
        map(function, item, *(column[i] for column in columns)) for i, item in enumerate(held)
    ]
    return rebuild(structure, mapped)


def _items_like(structure: Any, other: Any) -> list[Any]:
    kinds = (dict,) if isinstance(structure, dict) else (list, tuple, deque)
    if not isinstance(other, kinds) or len(other) != len(structure):
        raise ValueError(
            f"The structures differ: expected a {type(structure).__name__} of "
            f"{len(structure)} entries. Received a {type(other).__name__}."
        )
    if isinstance(structure, dict):
        missing = [key for key in structure if key not in other]
        if missing:
            raise ValueError(f"The structures differ: the key {missing[0]!r} is missing.")
        return [other[key] for key in keys(structure)]
    return list(other)


def pack(structure: Any, flat: list[Any]) -> Any:
    """A nest of the same form, with its leaves taken from a flat list."""
    flat = list(flat)
    if len(flat) != len(leaves(structure)):
        raise ValueError(
            f"Cannot pack {len(flat)} values into a structure of {len(leaves(structure))} leaves."
        )
    return _pack(structure, iter(flat))


def _pack(structure: Any, flat: Iterator[Any]) -> Any:
    if not is_nested(structure):
        return next(flat)
    return rebuild(structure, [_pack(item, flat) for item in items(structure)])


def same(a: Any, b: Any) -> bool:
    """Whether two nests have the same form."""
    if not is_nested(a) or not is_nested(b):
        return not is_nested(a) and not is_nested(b)
    if isinstance(a, dict) != isinstance(b, dict) or len(a) != len(b):
        return False
    if isinstance(a, dict) and set(a) != set(b):
        return False
    return all(same(x, y) for x, y in zip(items(a), items(b), strict=True))

"""Finding what belongs to a layer by looking through its attributes when asked."""

from __future__ import annotations


def found_in(owner, kind):
    """The objects of a class in the attributes of `owner`, through lists, tuples and dicts.

    Each comes once, in the order in which the attributes were first set. Nothing is
    intercepted when attributes are set, so there are no proxies: a list stays a list.
    """
    found: dict[int, object] = {}
    for name, value in vars(owner).items():
        if name not in owner.untracked:
            _collect(value, kind, found)
    found.pop(id(owner), None)
    return list(found.values())


def _collect(value, kind, found):
    if isinstance(value, kind):
        found.setdefault(id(value), value)
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            _collect(item, kind, found)
    elif isinstance(value, dict):
        for item in value.values():
            _collect(item, kind, found)

"""Finding what belongs to a layer by looking through its attributes when asked.

Nothing is intercepted when attributes are set, so there are no proxies: a list stays a list, and
what was found is never out of date.
"""

from __future__ import annotations

from npkeras.core.random import SeedGenerator
from npkeras.core.variable import Variable
from npkeras.metrics.base import Metric

_NOTHING, _PART, _ITEMS, _VALUES = range(4)  # what a thing of some type is, or holds
_LONG = 100  # entries

_roles: dict[type, int] = {}


class Owner:
    """What keeps parts in its attributes: layers, variables, metrics, random generators."""

    # Attributes whose contents belong to somebody else.
    untracked: frozenset[str] = frozenset()


def parts_of(owner):
    """The parts in the attributes of `owner`, through lists, tuples, sets and dicts.

    Each comes once, in the order in which the attributes were first set. A long list or dict
    without any, a vocabulary say, is looked through again when its length has changed.
    """
    found: dict[int, object] = {}
    untracked = owner.untracked
    roles = _roles
    for name, value in vars(owner).copy().items():  # a copy: other threads may be adding some
        kind = type(value)
        role = roles[kind] if kind in roles else _learnt(kind)
        if role and name not in untracked:
            if role == _PART:
                found[id(value)] = value
            elif value:
                if len(value) <= _LONG:
                    _collect(value.values() if role == _VALUES else value, found)
                else:
                    _collect_long(owner, name, value, found)
    found.pop(id(owner), None)
    return list(found.values())


def found_in(owner, kind):
    """The parts of a class in the attributes of `owner`."""
    return [part for part in parts_of(owner) if isinstance(part, kind)]


def _collect_long(owner, name, value, found):
    seen = vars(owner).setdefault("_long_without_parts", {})
    known, length = seen.get(name, (None, None))
    if known is value and length == len(value):
        return
    own: dict[int, object] = {}
    _collect(value.values() if isinstance(value, dict) else value, own)
    found.update(own)
    if not own:
        seen[name] = value, len(value)


def _collect(items, found):
    roles = _roles
    for item in items:
        kind = type(item)
        role = roles[kind] if kind in roles else _learnt(kind)
        if role == _PART:
            found[id(item)] = item
        elif role:
            _collect(item.values() if role == _VALUES else item, found)


def _learnt(cls):
    if issubclass(cls, (Owner, Variable, Metric, SeedGenerator)):
        role = _PART
    elif issubclass(cls, dict):
        role = _VALUES
    else:
        role = _ITEMS if issubclass(cls, (list, tuple, set, frozenset)) else _NOTHING
    _roles[cls] = role
    return role

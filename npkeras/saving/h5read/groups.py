"""What lies in a group: names, and the addresses of the headers that they stand for."""

from __future__ import annotations

from npkeras.saving.h5read import heaps
from npkeras.saving.h5read.headers import LINK, LINK_INFO, SYMBOL_TABLE, Message
from npkeras.saving.h5read.source import NOWHERE, Cursor, Source

_HEAP, _TREE, _LEAF = b"HEAP\0", b"TREE\0", b"SNOD\1"
_ENTRY = 40  # bytes of a name's entry in a leaf
_SOFT = 2  # what an entry keeps at hand: the place that a soft link names
_HIGHEST = 32  # levels of a tree


def is_group(messages: list[Message]) -> bool:
    return any(message.kind in (SYMBOL_TABLE, LINK_INFO, LINK) for message in messages)


def members_of(source: Source, messages: list[Message], what: str) -> dict[str, int]:
    """The addresses in a group by their names."""
    found: dict[str, int] = {}
    for message in messages:
        cursor = Cursor(source, message.data, what)
        if message.kind == SYMBOL_TABLE:
            _add_table(source, cursor, found, what)
        elif message.kind == LINK_INFO:
            cursor.take(1)
            cursor.take(8 if cursor.number(1) & 1 else 0)
            for link in heaps.pieces(source, cursor, heaps.LINKS, what):
                _add_link(link, found)
        elif message.kind == LINK:
            _add_link(cursor, found)
    return found


def _add(cursor: Cursor, found: dict[str, int], name: str, address: int) -> None:
    if not name or name in (".", "..") or "/" in name or name in found:
        raise cursor.error(f"holds a member named {name[:60]!r} or holds it twice")
    found[name] = address


def _refuse_link(cursor: Cursor, name: str) -> None:
    raise cursor.error(f"holds {name[:60]!r}, a link to another place or file; it was not followed")


def _add_table(source: Source, table: Cursor, found: dict[str, int], what: str) -> None:
    """The members of a group of the older kind: a tree, its leaves, and a heap of names."""
    root, heap_at = table.number(), table.number()
    heap = source.cursor(heap_at, 32, f"the names of {what}")
    heap.expect(_HEAP)
    heap.take(3)
    size = heap.number()
    heap.take(8)
    names = source.cursor(heap.number(), size, f"the names of {what}")
    for address in _leaves_of(source, root, what):
        leaf = source.cursor(address, 8, f"the members of {what}")
        leaf.expect(_LEAF)
        leaf.take(1)
        entries = source.cursor(address + 8, _ENTRY * leaf.number(2), f"the members of {what}")
        while entries.left:
            place, address, cached = entries.number(), entries.number(), entries.number(4)
            entries.take(20)
            names.at = min(place, len(names.data))
            name = names.text()
            source.charge()
            source.charge(len(name))
            if cached == _SOFT or address == NOWHERE:
                _refuse_link(entries, name)
            _add(entries, found, name, address)


def _leaves_of(source: Source, root: int, what: str) -> list[int]:
    """The addresses of the leaves of a tree of names, from left to right."""
    waiting: list[tuple[int, int | None]] = [(root, None)]
    found = []
    while waiting:
        address, level = waiting.pop()
        node = source.cursor(address, 24, f"the tree of {what}")
        node.expect(_TREE)
        own, used = node.number(1), node.number(2)
        if own > _HIGHEST or level is not None and own != level:
            raise node.error("has levels out of order")
        inner = source.cursor(address + 24, 16 * used + 8, f"the tree of {what}")
        children = []
        for _ in range(used):
            inner.take(8)
            children.append(inner.number())
        if own == 0:
            found += children
        else:
            waiting += [(child, own - 1) for child in reversed(children)]
    return found


def _add_link(cursor: Cursor, found: dict[str, int]) -> None:
    cursor.one_of(1, (1,), "a link of version")
    flags = cursor.number(1)
    kind = cursor.number(1) if flags & 8 else 0
    cursor.take((8 if flags & 4 else 0) + (1 if flags & 16 else 0))
    name = cursor.decoded(cursor.take(cursor.number(1 << (flags & 3))))
    if kind != 0:
        _refuse_link(cursor, name)
    _add(cursor, found, name, cursor.number())

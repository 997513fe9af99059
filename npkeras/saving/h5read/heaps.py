"""Where groups of the newer kind keep their links and attributes, if there are many of them.

The bytes lie in blocks of a heap, and a tree says where each piece begins and how long it is.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from typing import NamedTuple

from npkeras.saving.h5read.headers import checked
from npkeras.saving.h5read.source import NOWHERE, Cursor, Source

LINKS, ATTRIBUTES = 5, 8  # kinds of trees
_BEFORE_ID = {LINKS: 4, ATTRIBUTES: 0}  # bytes of a record before the name of the piece
_DEEPEST = 16


class Block(NamedTuple):
    """A part of the heap: where it begins there, where in the file, and its size."""

    offset: int
    address: int
    size: int


class Heap(NamedTuple):
    """What the header of a heap says."""

    source: Source
    what: str
    id_size: int
    width: int  # blocks in a row
    first: int  # the size of a block in the first two rows; each row after has twice the one before
    largest: int  # the size of the largest block that holds pieces
    offset_size: int
    length_size: int
    root: int
    rows: int  # of blocks that the root leads to; 0 where it is a block itself

    def row(self, number: int) -> int:
        """The size of the blocks in a row."""
        return self.first << max(0, number - 1)


def pieces(source: Source, cursor: Cursor, kind: int, what: str) -> Iterator[Cursor]:
    """The links or attributes of a heap that a message tells of, which begins with an address."""
    at, tree = cursor.number(), cursor.number()
    if at == NOWHERE:
        return
    heap = _heap_of(source, at, what)
    blocks = sorted(_blocks(heap))
    for record in _records(source, tree, kind, what):
        source.charge()
        record = record[_BEFORE_ID[kind] :][: heap.id_size]
        place = Cursor(source, record, f"the heap of {what}")
        place.one_of(1, (0,), "a piece of kind")
        offset, size = place.number(heap.offset_size), place.number(heap.length_size)
        found = bisect.bisect(blocks, offset, key=lambda block: block.offset) - 1
        block = blocks[found] if found >= 0 else Block(0, 0, 0)
        if offset + size > block.offset + block.size:
            raise place.error("has a piece that lies outside of it")
        yield source.cursor(block.address + offset - block.offset, size, what)


def _heap_of(source: Source, at: int, what: str) -> Heap:
    cursor = checked(source, at, 146, b"FRHP\0", f"the heap of {what}")
    id_size = cursor.number(2)
    cursor.one_of(2, (0,), "filters of a length of")
    cursor.take(1)
    managed = cursor.number(4)
    cursor.take(8 * 12)
    width, first, largest = cursor.number(2), cursor.number(), cursor.number()
    bits = cursor.number(2)
    cursor.take(2)
    root, rows = cursor.number(), cursor.number(2)
    powers = all(0 < n and not n & n - 1 for n in (width, first, largest))
    if not powers or first > largest or not 0 < bits <= 64 or rows > 64 or not managed:
        raise cursor.error("has blocks of impossible sizes")
    length = -(-min(largest, managed).bit_length() // 8)
    return Heap(
        source, f"the heap of {what}", id_size, width, first, largest,
        -(-bits // 8), length, root, rows,
    )  # fmt: skip


def _blocks(heap: Heap) -> Iterator[Block]:
    """The blocks that hold pieces."""
    waiting = [(heap.root, 0, heap.rows, 0)]
    if heap.rows == 0:
        yield Block(0, heap.root, heap.first)
        return
    head = 4 + 1 + 8 + heap.offset_size
    while waiting:
        address, offset, rows, depth = waiting.pop()
        count = rows * heap.width
        node = checked(heap.source, address, head + 8 * count + 4, b"FHIB\0", heap.what)
        node.take(head - 5)
        if depth > _DEEPEST:
            raise node.error("has levels out of order")
        for number in range(count):
            child, size = node.number(), heap.row(number // heap.width)
            if child != NOWHERE and size <= heap.largest:
                yield Block(offset, child, size)
            elif child != NOWHERE:
                inner = size.bit_length() - (heap.first * heap.width).bit_length() + 1
                waiting.append((child, offset, inner, depth + 1))
            offset += size


def _records(source: Source, tree: int, kind: int, what: str) -> Iterator[bytes]:
    """The records of a tree, in no order."""
    name = f"the tree of {what}"
    head = checked(source, tree, 38, b"BTHD\0", name)
    head.one_of(1, (kind,), "a tree of kind")
    node_size, size, depth = head.number(4), head.number(2), head.number(2)
    head.take(2)
    root, count = head.number(), head.number(2)
    if depth > _DEEPEST or size < 8 or node_size < size + 10:
        raise head.error("has levels or records of impossible sizes")
    pointers = _pointer_sizes(node_size, size, depth)
    waiting = [(root, count, depth)] if root != NOWHERE else []
    while waiting:
        address, count, level = waiting.pop()
        children = sum(pointers[level]) * (count + 1) if level else 0
        mark = b"BTIN\0" if level else b"BTLF\0"
        node = checked(source, address, 6 + size * count + children + 4, mark, name)
        node.one_of(1, (kind,), "a tree of kind")
        for _ in range(count):
            yield node.take(size)
        if level:
            for _ in range(count + 1):
                waiting.append((node.number(8), node.number(pointers[level][1]), level - 1))
                node.take(pointers[level][2])


def _pointer_sizes(node_size: int, size: int, depth: int) -> list[tuple[int, int, int]]:
    """Of each level, the sizes of what a node says of each child.

    They are its address, the count of its own records, and that of all records below it, each in as
    many bytes as the largest possible count takes.
    """
    most = (node_size - 10) // size
    own = -(-most.bit_length() // 8)
    found, below, all_below = [(0, 0, 0)], most, 0
    for _ in range(depth):
        found.append((8, own, all_below))
        each = sum(found[-1])
        most = (node_size - 10 - each) // (size + each)
        below = (most + 1) * below + most
        all_below = -(-below.bit_length() // 8)
    return found

"""Where a file begins, and the headers of its objects: lists of messages, each of some kind."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from npkeras.saving.h5read.source import Cursor, Source

DATASPACE, LINK_INFO, DATATYPE, LINK, EXTERNAL, LAYOUT, FILTERS = 1, 2, 3, 6, 7, 8, 11
ATTRIBUTE, CONTINUATION, SYMBOL_TABLE, ATTRIBUTE_INFO = 12, 16, 17, 21
M = 0xFFFFFFFF
_KNOWN = 24  # kinds of messages from here on are not defined
_MARK = b"\x89HDF\r\n\x1a\n"
_SHARED, _FATAL = 2, 8  # flags of a message: it lies elsewhere; who does not know it shall stop


class Message(NamedTuple):
    """A part of a header: what it is of, and its bytes."""

    kind: int
    data: bytes


def root_of(source: Source) -> int:
    """The address of the header of the outermost group."""
    if source.end < 48 or source.read(0, 8, "the file") != _MARK:
        raise source.error(f"it has {source.end:,} bytes, and is of another kind or cut short")
    cursor = source.cursor(8, min(source.end - 8, 120), "its superblock")
    version = cursor.one_of(1, (0, 2, 3), "version")
    return _root_of_0(source, cursor) if version == 0 else _root_of_2(source, cursor, version)


def _root_of_0(source: Source, cursor: Cursor) -> int:
    cursor.take(4)
    _expect_sizes(cursor)
    cursor.take(1 + 2 + 2 + 4)
    _limit(source, cursor, before=1)
    cursor.take(8 + 8)  # of a driver; the name of the root
    return cursor.number()


def _root_of_2(source: Source, cursor: Cursor, version: int) -> int:
    _expect_sizes(cursor)
    if cursor.number(1) and version == 3:
        raise source.error("it was not closed by who wrote it")
    _limit(source, cursor, before=1)
    checked(source, 0, 48, _MARK, "its superblock")
    return cursor.number()


def _expect_sizes(cursor: Cursor) -> None:
    cursor.one_of(1, (8,), "addresses of a size of")
    cursor.one_of(1, (8,), "lengths of a size of")


def _limit(source: Source, cursor: Cursor, before: int) -> None:
    cursor.one_of(8, (0,), "a base address of")
    cursor.take(8 * before)
    source.limit(cursor.number())


def messages_of(source: Source, address: int, what: str) -> list[Message]:
    """The messages in the header of an object."""
    start = source.read(address, 4, f"the header of {what}")
    old = start[:1] == b"\1"
    found = list((_messages_1 if old else _messages_2)(source, address, what))
    for message in found:
        if message.kind == EXTERNAL:
            raise source.error(f"{what} takes its numbers from another file; it was not opened")
    return found


def _messages_1(source: Source, address: int, what: str) -> Iterator[Message]:
    head = source.cursor(address, 16, f"the header of {what}")
    head.expect(b"\1")
    head.take(1)
    count = head.number(2)
    head.take(4)
    blocks = [(address + 16, head.number(4))]
    while blocks:
        start, size = blocks.pop()
        block = source.cursor(start, size, f"the header of {what}")
        while block.left >= 8:
            kind, length, flags = block.number(2), block.number(2), block.number(1)
            block.take(3)
            count -= 1
            if count < 0:
                raise block.error("has more parts than it says")
            yield from _kept(block, kind, length, flags, blocks)


def _messages_2(source: Source, address: int, what: str) -> Iterator[Message]:
    head = source.cursor(address, min(64, source.end - address), f"the header of {what}")
    head.expect(b"OHDR\2")
    flags = head.number(1)
    head.take((16 if flags & 32 else 0) + (4 if flags & 16 else 0))
    size = head.number(1 << (flags & 3))
    prefix, length = head.at, 6 if flags & 4 else 4
    blocks = [(address, prefix + size + 4)]
    while blocks:
        start, size = blocks.pop()
        first = start == address
        block = checked(source, start, size, b"OHDR" if first else b"OCHK", head.what)
        block.take(prefix - 4 if first else 0)
        while block.left >= length:
            kind, held, own = block.number(1), block.number(2), block.number(1)
            block.take(length - 4)
            yield from _kept(block, kind, held, own, blocks)


def _kept(
    block: Cursor, kind: int, length: int, flags: int, blocks: list[tuple[int, int]]
) -> Iterator[Message]:
    """A message, or the place where more of them lie."""
    data = block.take(length)
    block.source.charge()
    if kind >= _KNOWN and flags & _FATAL:
        raise block.error(f"holds a message of kind {kind}, which is not known")
    if flags & _SHARED and kind in (DATASPACE, DATATYPE, FILTERS, ATTRIBUTE):
        raise block.error("shares its type with others, as files of weights do not")
    if kind == CONTINUATION:
        cursor = Cursor(block.source, data, block.what)
        blocks.append((cursor.number(), cursor.number()))
    elif kind:
        yield Message(kind, data)


def checked(source: Source, start: int, size: int, mark: bytes, what: str) -> Cursor:
    """Bytes that begin with a mark; the checksum at their end was compared and is left out."""
    source.charge_sum(size)
    cursor = source.cursor(start, size, what)
    cursor.expect(mark)
    if cursor.left < 4 or checksum(cursor.data[:-4]) != int.from_bytes(cursor.data[-4:], "little"):
        raise cursor.error("has a wrong checksum")
    cursor.data = cursor.data[:-4]
    return cursor


def checksum(data: bytes) -> int:
    """Bob Jenkins' hash `lookup3` of bytes: burtleburtle.net/bob/c/lookup3.c."""
    size = len(data)
    a = b = c = (0xDEADBEEF + size) & 0xFFFFFFFF
    if not size:
        return c
    words = struct.unpack(f"<{-(-size // 12) * 3}I", data + bytes(-size % 12))
    for i in range(0, len(words) - 3, 3):
        a, b, c = _mixed(a + words[i] & M, b + words[i + 1] & M, c + words[i + 2] & M)
    a, b, c = (old + word & M for old, word in zip((a, b, c), words[-3:], strict=True))
    for by in (14, 11, 25, 16, 4, 14, 24):
        c = (c ^ b) - (b << by | b >> 32 - by) & M
        a, b, c = b, c, a
    return b


def _mixed(a: int, b: int, c: int) -> tuple[int, int, int]:
    for by in (4, 6, 8, 16, 19, 4):
        a = (a - c & M) ^ ((c << by | c >> 32 - by) & M)
        a, b, c = b, c + b & M, a
    return a, b, c

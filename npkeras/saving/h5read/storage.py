"""The numbers of an array: where they lie, and how they are brought in."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from npkeras.saving.h5read.source import NOWHERE, Cursor, Source
from npkeras.saving.h5read.types import sound

_COMPACT, _CONTIGUOUS, _CHUNKED = 0, 1, 2
_DEFLATE, _SHUFFLE = 1, 2
_MOST_PACKED = 1032  # how many times smaller zlib can make anything
_SMALL = 1 << 20
_HIGHEST = 32


class Layout(NamedTuple):
    """Where the numbers are: at hand, in one piece, or in chunks that a tree leads to."""

    kind: int
    data: bytes = b""
    address: int = NOWHERE
    size: int = 0
    chunk: tuple[int, ...] = ()


class Chunk(NamedTuple):
    place: tuple[int, ...]
    address: int
    size: int


def layout_of(cursor: Cursor, axes: int) -> Layout:
    """The layout in a message."""
    version = cursor.one_of(1, (3, 4), "a layout of version")
    kind = cursor.one_of(1, (0, 1, 2), "a layout of kind")
    if kind == _COMPACT:
        return Layout(kind, cursor.take(cursor.number(2)))
    if kind == _CONTIGUOUS:
        return Layout(kind, address=cursor.number(), size=cursor.number())
    if version != 3 or cursor.number(1) != axes + 1 or not axes:
        raise cursor.error("has chunks in a way that files of weights do not")
    address = cursor.number()
    chunk = tuple(cursor.number(4) for _ in range(axes))
    return Layout(kind, address=address, chunk=chunk)


def filters_of(cursor: Cursor) -> list[int]:
    """The numbers of the filters that chunks went through, in order."""
    version = cursor.one_of(1, (1, 2), "filters of version")
    count = cursor.number(1)
    cursor.take(6 if version == 1 else 0)
    found = []
    for _ in range(count):
        found.append(cursor.number(2))
        named = cursor.number(2) if version == 1 or found[-1] >= 256 else 0
        cursor.take(2)
        values = cursor.number(2)
        cursor.take(named + 4 * values + (4 * (values % 2) if version == 1 else 0))
    if not set(found) <= {_DEFLATE, _SHUFFLE}:
        raise cursor.error(f"is packed by filters {found}, which files of weights never are")
    return found


class Stored(NamedTuple):
    """The numbers of one array, not read yet."""

    source: Source
    what: str
    shape: tuple[int, ...]
    dtype: np.dtype
    layout: Layout
    filters: list[int]

    @property
    def size(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def held(self) -> int:
        """How many bytes of the file it can take."""
        layout, end = self.layout, self.source.end
        if layout.kind == _COMPACT:
            return len(layout.data)
        if layout.kind == _CONTIGUOUS:
            return min(layout.size, max(0, end - layout.address))
        return end

    def read(self) -> np.ndarray:
        """The array. Nothing is allocated that the file cannot hold."""
        layout = self.layout
        if not self.size:
            return np.empty(self.shape, self.dtype)
        if layout.kind == _CHUNKED:
            return self._from_chunks()
        if layout.kind == _COMPACT:
            if len(layout.data) < self.size:
                raise self._error("holds fewer numbers than it claims")
            array = np.frombuffer(layout.data, self.dtype, math.prod(self.shape))
            return sound(array.reshape(self.shape).copy())
        if layout.size != self.size or layout.address == NOWHERE:
            raise self._error(f"claims {self.size:,} bytes and stores {layout.size:,}")
        if layout.address > self.source.end - self.size:
            raise self._error(f"claims {self.size:,} bytes, which would lie outside of the file")
        array = np.empty(self.shape, self.dtype)
        flat = array.reshape(-1).view(np.uint8)
        self.source.read_into(layout.address, flat.data, self.what)
        return sound(array)

    def _from_chunks(self) -> np.ndarray:
        chunk = self.layout.chunk
        each = math.prod(chunk) * self.dtype.itemsize
        if not 0 < each <= max(self.size, _SMALL):
            raise self._error(f"has chunks of shape {chunk}")
        chunks = list(self._chunks())
        grid = math.prod(-(-n // c) for n, c in zip(self.shape, chunk, strict=True))
        stored = sum(one.size for one in chunks)
        if len(chunks) != grid or self.size > _MOST_PACKED * stored:
            raise self._error(f"claims {self.size:,} bytes and stores {stored:,}")
        if stored > self.source.end:
            raise self._error("has chunks that lie on top of each other")
        array = np.empty(self.shape, self.dtype)
        seen = set()
        for one in chunks:
            if one.place in seen or any(
                at % c or at >= n for at, c, n in zip(one.place, chunk, self.shape, strict=True)
            ):
                raise self._error("has chunks that do not fit each other")
            seen.add(one.place)
            here = tuple(
                slice(at, min(at + c, n))
                for at, c, n in zip(one.place, chunk, self.shape, strict=True)
            )
            whole = np.frombuffer(self._unpacked(one, each), self.dtype).reshape(chunk)
            array[here] = whole[tuple(slice(0, s.stop - s.start) for s in here)]
        return sound(array)

    def _chunks(self) -> Iterator[Chunk]:
        """The chunks that the tree leads to."""
        axes = len(self.shape)
        waiting: list[tuple[int, int | None]] = [(self.layout.address, None)]
        while waiting:
            address, level = waiting.pop()
            node = self.source.cursor(address, 24, f"the tree of {self.what}")
            node.expect(b"TREE\1")
            own, used = node.number(1), node.number(2)
            if own > _HIGHEST or level is not None and own != level:
                raise node.error("has levels out of order")
            key = 8 + 8 * (axes + 1)
            inner = self.source.cursor(address + 24, used * (key + 8), f"the tree of {self.what}")
            for _ in range(used):
                self.source.charge()
                size, skipped = inner.number(4), inner.number(4)
                place = tuple(inner.number() for _ in range(axes))
                inner.take(8)
                child = inner.number()
                if own:
                    waiting.append((child, own - 1))
                    continue
                if skipped:
                    raise inner.error("has chunks that are not packed like the others")
                yield Chunk(place, child, size)

    def _unpacked(self, chunk: Chunk, size: int) -> bytes:
        data: bytes | bytearray = bytearray(chunk.size)
        self.source.read_into(chunk.address, memoryview(data), self.what)
        for number in reversed(self.filters):
            data = self._inflated(data, size) if number == _DEFLATE else self._ordered(data)
        if len(data) != size:
            raise self._error("has a chunk that is of another size than the others")
        return bytes(data)

    def _inflated(self, data: bytes | bytearray, size: int) -> bytes:
        unpacker = zlib.decompressobj()
        try:
            found = unpacker.decompress(data, size + 1)
        except zlib.error:
            raise self._error("has a chunk that cannot be unpacked") from None
        if not unpacker.eof:
            raise self._error("has a chunk that is larger than it should be, or cut short")
        return found

    def _ordered(self, data: bytes | bytearray) -> bytes:
        """First all first bytes of the numbers were written, then all second ones, and so on."""
        each = self.dtype.itemsize
        if len(data) % each:
            raise self._error("has a chunk that is cut short")
        return np.frombuffer(data, np.uint8).reshape(each, -1).T.tobytes()

    def _error(self, problem: str) -> Exception:
        return self.source.error(f"{self.what} {problem}")

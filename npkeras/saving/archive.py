"""Zip archives as `.keras` files are: read without trust, and written in place.

Everything is checked before a byte is unpacked: that the two tables of the archive agree, that
no two members share a name or a place, and that sizes are what the file can hold. Members that
are stored as they are can be read and written where they lie, so that no copy is needed.
"""

from __future__ import annotations

import contextlib
import io
import stat
import struct
import time
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from npkeras.saving.errors import CorruptFileError

_END = struct.Struct("<4s4H2LH")
_LOCATOR = struct.Struct("<4sLQL")
_END64 = struct.Struct("<4sQ2H2L4Q")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_STORED, _DEFLATED = 0, 8
_TAKEN_FLAGS = 0x0806 | 0x8  # names in UTF-8, degrees of packing, sizes behind the data
_MOST_MEMBERS = 10_000
_LARGEST_TABLE = 1 << 22  # bytes
_LARGEST_RATIO = 100  # packed data that would become larger than this is no model
_NO_MATTER = 1 << 20  # bytes for which the ratio is not looked at
_PIECE = 1 << 20
_FULL = 0xFFFFFFFF


class Member(NamedTuple):
    """A file within the archive, and where its bytes lie."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    header: int  # where its own header begins
    start: int  # where its bytes begin


class Archive:
    """An archive that was looked through and found plain.

    Args:
        file: The open file.
        name: What messages call it.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.file, self.name = file, name
        self.length = file.seek(0, 2)
        table, count, begins = self._table()
        self.members: dict[str, Member] = {}
        for member in self._entries(table, count, begins):
            if member.name in self.members:
                raise self._error(f"it has two members {member.name[:60]!r}")
            self.members[member.name] = member
        self._check_places(begins)

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of a member, if they are not more than `limit` and their checksum is right."""
        member = self._member(name)
        if member.size > limit:
            raise self._error(f"{name!r} would have {member.size:,} bytes; {limit:,} are allowed")
        self.file.seek(member.start)
        data = self.file.read(member.packed)
        if member.method == _DEFLATED:
            data = self._unpacked(data, member)
        if len(data) != member.size or zlib.crc32(data) != member.crc:
            raise self._error(f"{name!r} is damaged: its checksum is not that of its bytes")
        return data

    def open(self, name: str) -> BinaryIO:
        """A member as a file to read. If it is stored as it is, nothing is copied."""
        member = self._member(name)
        if member.method != _STORED:
            return io.BytesIO(self.read(name, member.size))
        window = Window(self.file, member.start, member.size)
        if _checksum(window) != member.crc:
            raise self._error(f"{name!r} is damaged: its checksum is not that of its bytes")
        window.seek(0)
        return window  # type: ignore[return-value]

    def _member(self, name: str) -> Member:
        if name not in self.members:
            raise self._error(f"it has no {name!r}")
        return self.members[name]

    def _unpacked(self, data: bytes, member: Member) -> bytes:
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            return unpacker.decompress(data, member.size + 1)
        except zlib.error as error:
            raise self._error(f"{member.name!r} cannot be unpacked") from error

    def _error(self, problem: str) -> CorruptFileError:
        return CorruptFileError(f"{self.name!r} is not a sound `.keras` file: {problem}.")

    def _at(self, place: int, form: struct.Struct, mark: bytes, what: str) -> tuple[int, ...]:
        if place >= 0:
            self.file.seek(place)
            data = self.file.read(form.size)
            if len(data) == form.size and data[:4] == mark:
                return form.unpack(data)[1:]
        raise self._error(f"{what}. It has {self.length:,} bytes: of another kind, or cut short")

    def _table(self) -> tuple[bytes, int, int]:
        """The table of members, how many there are, and where the table begins."""
        end = self.length - _END.size
        disk, other, here, count, size, begins, comment = self._at(
            end, _END, b"PK\5\6", "it does not end as a zip archive does"
        )
        if _FULL in (size, begins) or count == 0xFFFF:
            place = end - _LOCATOR.size
            disk, end, _ = self._at(place, _LOCATOR, b"PK\6\7", "its table is missing")
            found = self._at(end, _END64, b"PK\6\6", "its table is missing")
            disk, other, here, count, size, begins = found[3:]
        if disk or other or here != count or comment or begins + size != end:
            raise self._error("its table of members does not lie where it should")
        if count > _MOST_MEMBERS or size > _LARGEST_TABLE:
            raise self._error(f"it has {count:,} members")
        self.file.seek(begins)
        return self.file.read(size), count, begins

    def _entries(self, table: bytes, count: int, begins: int) -> Iterator[Member]:
        at = 0
        for _ in range(count):
            if len(table) - at < _CENTRAL.size or table[at : at + 4] != b"PK\1\2":
                raise self._error("its table of members is damaged")
            fields = _CENTRAL.unpack_from(table, at)
            name_size, extra_size, comment_size = fields[10:13]
            at += _CENTRAL.size
            name = self._checked_name(table[at : at + name_size])
            extra = table[at + name_size : at + name_size + extra_size]
            at += name_size + extra_size + comment_size
            self._check_kind(name, fields)
            sizes = self._large_sizes(fields[9], fields[8], fields[16], extra, name)
            size, packed, header = sizes
            if name.endswith("/") and not size:
                continue
            start = self._start_of(header, fields, name)
            if start + packed > begins:
                raise self._error(f"{name!r} reaches beyond the end")
            yield Member(name, fields[4], fields[7], packed, size, header, start)
        if at != len(table):
            raise self._error("its table of members is damaged")

    def _checked_name(self, data: bytes) -> str:
        try:
            name = data.decode("utf-8")
        except UnicodeDecodeError:
            raise self._error("the name of a member is not UTF-8") from None
        parts = name.removesuffix("/").split("/")
        if len(name) > 1000 or not is_plain_path(parts):
            raise self._error(f"a member is called {name[:60]!r}, which is no plain name within it")
        return name

    def _check_kind(self, name: str, fields: tuple[int, ...]) -> None:
        made_by, flags, method, mode = fields[1] >> 8, fields[3], fields[4], fields[15] >> 16
        kind = stat.S_IFMT(mode) if made_by == 3 else 0
        if flags & ~_TAKEN_FLAGS or method not in (_STORED, _DEFLATED):
            raise self._error(f"{name!r} is encrypted, or packed in a way that no model is")
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise self._error(f"{name!r} is a link or a device")
        if fields[13]:
            raise self._error(f"{name!r} lies in another file")

    def _large_sizes(
        self, size: int, packed: int, header: int, extra: bytes, name: str
    ) -> tuple[int, int, int]:
        """The three numbers of a member; those too large for their field stand in `extra`."""
        numbers, at = [size, packed, header], 0
        while at + 4 <= len(extra):
            kind, length = struct.unpack_from("<2H", extra, at)
            if kind == 1:
                held = extra[at + 4 : at + 4 + length]
                for i, number in enumerate(numbers):
                    if number == _FULL and len(held) >= 8:
                        numbers[i], held = struct.unpack("<Q", held[:8])[0], held[8:]
            at += 4 + length
        size, packed, header = numbers
        return size, packed, header

    def _start_of(self, header: int, fields: tuple[int, ...], name: str) -> int:
        """Where a member's bytes begin; its own header must agree with the table."""
        own = self._at(header, _LOCAL, b"PK\3\4", f"{name[:60]!r} does not lie where it should")
        own_name = self.file.read(own[8])
        if own_name.decode("utf-8", "replace") != name or own[2] != fields[4] or own[1] & 1:
            raise self._error(f"{name[:60]!r} has two descriptions that differ")
        return header + _LOCAL.size + own[8] + own[9]

    def _check_places(self, begins: int) -> None:
        free = 0
        for member in sorted(self.members.values(), key=lambda member: member.header):
            if member.header < free:
                raise self._error(f"{member.name!r} lies within another member")
            free = member.start + member.packed
            if member.method == _STORED and member.size != member.packed:
                raise self._error(f"{member.name!r} has two sizes")
            if member.size > max(_NO_MATTER, _LARGEST_RATIO * member.packed):
                raise self._error(
                    f"{member.name!r} would grow from {member.packed:,} to {member.size:,} bytes"
                )


def is_plain_path(parts: list[str]) -> bool:
    """Whether a path leads to a file below, on every system, and can be printed."""
    return all(
        part not in ("", ".", "..") and part.isprintable() and not set(part) & set("/\\:")
        for part in parts
    )


class Window(io.RawIOBase):
    """A part of a file, as a file: it begins at `start`, and has `size` bytes (None: it grows).

    What goes wrong while it is written is kept as `failure` and not raised, for the HDF5 library
    cannot let go of a file that it could not write to. It then goes on as if in memory.
    """

    def __init__(self, file: BinaryIO, start: int, size: int | None = None) -> None:
        self.file, self.start = file, start
        self.grows = size is None
        self.size = size or 0
        self.position = 0
        self.failure: BaseException | None = None
        self._kept: list[tuple[int, bytes]] = []  # what was written since the failure

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def writable(self) -> bool:
        return self.grows

    def tell(self) -> int:
        return self.position

    def seek(self, offset: int, whence: int = 0) -> int:
        self.position = offset + (0, self.position, self.size)[whence]
        return self.position

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        view = view[: max(0, self.size - self.position)]
        count = len(view)
        if not count:  # so far behind the end, perhaps, that no file has such a place
            return 0
        if self.failure is None:
            self.file.seek(self.start + self.position)
            count = self.file.readinto(view)  # type: ignore[attr-defined]
        else:
            self._read_kept(view)
        self.position += count
        return count

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        if self.failure is None:
            try:
                self.file.seek(self.start + self.position)
                write_all(self.file, view)
            except BaseException as error:
                self.failure = error
        if self.failure is not None:
            self._kept.append((self.position, bytes(view)))
        self.position += len(view)
        self.size = max(self.size, self.position)
        return len(view)

    def truncate(self, size: int | None = None) -> int:
        self.size = self.position if size is None else size
        if self.failure is None:
            try:
                self.file.truncate(self.start + self.size)
            except BaseException as error:
                self.failure = error
        return self.size

    def _read_kept(self, view: memoryview) -> None:
        begin, end = self.position, self.position + len(view)
        with contextlib.suppress(OSError):
            self.file.seek(self.start + begin)
            self.file.readinto(view)  # type: ignore[attr-defined]
        for place, data in self._kept:
            first, last = max(begin, place), min(end, place + len(data))
            if first < last:
                view[first - begin : last - begin] = data[first - place : last - place]


def write_all(file: BinaryIO, data: Any) -> None:
    """Write all of the data; a file without a buffer may take a part at a time."""
    view = memoryview(data).cast("B")
    while view:
        view = view[file.write(view) :]


def _checksum(window: Window) -> int:
    window.seek(0)
    buffer, crc = memoryview(bytearray(_PIECE)), 0
    while count := window.readinto(buffer):
        crc = zlib.crc32(buffer[:count], crc)
    return crc


class Writer:
    """Writes an archive whose members are stored as they are. `close` ends it.

    Args:
        file: A new file, open for reading and writing.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self._table: list[bytes] = []
        now = time.localtime()
        self._time = (
            now.tm_hour << 11 | now.tm_min << 5 | now.tm_sec // 2,
            (now.tm_year - 1980) << 9 | now.tm_mon << 5 | now.tm_mday,
        )

    def add(self, name: str, data: bytes) -> None:
        """Add a member that holds `data`."""
        with self.adding(name, len(data)) as file:
            file.write(data)

    @contextlib.contextmanager
    def adding(self, name: str, expected_bytes: int) -> Iterator[BinaryIO]:
        """A file to write and read, which becomes a member.

        Args:
            name: The name of the member.
            expected_bytes: About how large it will be; there is room for half as much again.
        """
        header = self.file.seek(0, 2)
        large = expected_bytes > 2**31
        write_all(self.file, self._local(name, 0, 0, large))
        window = Window(self.file, self.file.tell())
        yield window  # type: ignore[misc]
        if window.failure is not None:
            raise window.failure
        if window.size >= _FULL and not large:
            raise ValueError(f"{name!r} became larger than was expected: {window.size:,} bytes.")
        crc = _checksum(window)
        self.file.seek(header)
        write_all(self.file, self._local(name, crc, window.size, large))
        self._table.append(self._central(name, crc, window.size, header))

    def close(self) -> None:
        """Write the table of members, which ends the archive."""
        begins = self.file.seek(0, 2)
        table, count = b"".join(self._table), len(self._table)
        write_all(self.file, table)
        if begins + len(table) >= _FULL:
            end = begins + len(table)
            self.file.write(
                _END64.pack(b"PK\6\6", 44, 45, 45, 0, 0, count, count, len(table), begins)
            )
            self.file.write(_LOCATOR.pack(b"PK\6\7", 0, end, 1))
            begins = _FULL
        self.file.write(_END.pack(b"PK\5\6", 0, 0, count, count, len(table), begins, 0))

    def _local(self, name: str, crc: int, size: int, large: bool) -> bytes:
        data, flags = _encoded(name)
        extra = struct.pack("<2H2Q", 1, 16, size, size) if large else b""
        shown, version = (_FULL, 45) if large else (size, 20)
        fields = (version, flags, _STORED, *self._time, crc, shown, shown, len(data), len(extra))
        return _LOCAL.pack(b"PK\3\4", *fields) + data + extra

    def _central(self, name: str, crc: int, size: int, header: int) -> bytes:
        data, flags = _encoded(name)
        numbers = [number for number in (size, size, header) if number >= _FULL]
        extra = (
            struct.pack(f"<2H{len(numbers)}Q", 1, 8 * len(numbers), *numbers) if numbers else b""
        )
        shown, version = min(size, _FULL), 45 if numbers else 20
        return (
            _CENTRAL.pack(
                b"PK\1\2",
                3 << 8 | version,
                version,
                flags,
                _STORED,
                *self._time,
                crc,
                shown,
                shown,
                len(data),
                len(extra),
                0,
                0,
                0,
                (stat.S_IFREG | 0o600) << 16,
                min(header, _FULL),
            )
            + data
            + extra
        )


def _encoded(name: str) -> tuple[bytes, int]:
    data = name.encode("utf-8")
    return data, 0 if data.isascii() else 0x800

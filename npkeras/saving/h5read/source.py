"""Bytes of a file, taken with care: nothing outside of it, and nothing over and over."""

from __future__ import annotations

import io
from typing import Any

from npkeras.saving.errors import CorruptFileError

NOWHERE = (1 << 64) - 1  # the address of what was never given a place
_BUFFER = 1 << 16
_LARGEST = 1 << 26  # enough for some 25,000 layers
_STEP = 64  # what a message or a member counts besides its bytes, for the time that it takes
_MOST_SUMMED = 1 << 24  # bytes whose checksums are computed, which takes a few seconds


class Source:
    """An open file of which only bytes that exist are read.

    What describes the arrays is read through `read`, which counts, and so do the steps that are
    taken. No sound file needs more than several times its own length; a file whose parts lie on
    top of each other, or lead back to where they came from, soon does. So the length bounds time
    and memory, whatever the file says.

    Args:
        file: The file, open for reading in binary, without a buffer of its own.
        where: What messages call it.
    """

    def __init__(self, file: Any, where: str) -> None:
        self.where = where
        self.end = file.seek(0, 2)
        self._left = min(16 * self.end + _BUFFER, _LARGEST)
        self._sums_left = _MOST_SUMMED
        self._file = io.BufferedReader(file, _BUFFER)

    def read(self, start: int, size: int, what: str) -> bytes:
        """So many bytes from `start` on."""
        self._check(start, size, what)
        self.charge(size)
        self._file.seek(start)
        data = self._file.read(size)
        if len(data) != size:
            raise self.error(f"{what} is cut short")
        return data

    def read_into(self, start: int, buffer: memoryview, what: str) -> None:
        """Fill a buffer with the bytes from `start` on; the numbers of an array are read so."""
        self._check(start, len(buffer), what)
        self._file.seek(start)
        if self._file.readinto(buffer) != len(buffer):
            raise self.error(f"{what} is cut short")

    def cursor(self, start: int, size: int, what: str) -> Cursor:
        """The same bytes as `read` gives, to be taken one by one."""
        return Cursor(self, self.read(start, size, what), what)

    def charge(self, size: int = _STEP) -> None:
        """Count bytes that were taken, or copied from those; or a step."""
        self._left -= size
        if self._left < 0:
            raise self.error("its parts lie on top of each other, or lead round in circles")

    def charge_sum(self, size: int) -> None:
        """Count bytes of which a checksum is to be computed."""
        self._sums_left -= size
        if self._sums_left < 0:
            raise self.error("too much of it has checksums")

    def limit(self, end: int) -> None:
        """Take the file to end there, as it says of itself."""
        if not 0 < end <= self.end:
            raise self.error(f"it should have {end:,} bytes and has {self.end:,}: it is cut short")
        self.end = end

    def close(self) -> None:
        if not self._file.closed:
            self._file.detach()

    def error(self, problem: str) -> CorruptFileError:
        """An error to raise; names from the file cannot move the cursor of a terminal in it."""
        shown = "".join(c if c.isprintable() else "?" for c in problem[:250])
        return CorruptFileError(f"{self.where!r} is not a sound HDF5 file: {shown}.")

    def _check(self, start: int, size: int, what: str) -> None:
        if not (0 <= start <= self.end and 0 <= size <= self.end - start):
            raise self.error(f"{what} would lie outside of it")


class Cursor:
    """Bytes that are taken from the front; what is not there cannot be taken."""

    __slots__ = ("at", "data", "source", "what")

    def __init__(self, source: Source, data: bytes, what: str) -> None:
        self.source, self.data, self.what = source, data, what
        self.at = 0

    @property
    def left(self) -> int:
        return len(self.data) - self.at

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            raise self.error("ends too early")
        piece = self.data[self.at : end]
        self.at = end
        return piece

    def number(self, size: int = 8) -> int:
        """An integer without a sign; eight bytes are an address or a length."""
        return int.from_bytes(self.take(size), "little")

    def text(self) -> str:
        """A text that ends with a zero byte."""
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise self.error("holds a name without an end")
        name = self.decoded(self.take(end - self.at))
        self.at += 1
        return name

    def decoded(self, data: bytes) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            raise self.error("holds a name that is not UTF-8") from None

    def skip_to_multiple(self, of: int, start: int = 0) -> None:
        """Go on to where the next field begins that is so aligned."""
        self.take(-(self.at - start) % of)

    def expect(self, mark: bytes) -> None:
        if self.take(len(mark)) != mark:
            raise self.error("does not begin as it should")

    def one_of(self, size: int, allowed: tuple[int, ...], name: str) -> int:
        value = self.number(size)
        if value not in allowed:
            raise self.error(f"has {name} {value}, which files of weights do not have")
        return value

    def error(self, problem: str) -> CorruptFileError:
        return self.source.error(f"{self.what} {problem}")

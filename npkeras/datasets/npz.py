"""Arrays in .npz files, read with nothing unpickled and no size believed before it is checked."""

from __future__ import annotations

import io
import math
import os
import zipfile
import zlib
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
_ALWAYS_FITS = 64 << 20
_LARGEST_RATIO = 64  # a picture or text archive inflates 2 to 30 times, a zip bomb 1000 times


class Member(NamedTuple):
    """One array as it lies in the file: what its header says, and the bytes after the header."""

    label: str
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype
    data: memoryview

    def array(self) -> np.ndarray:
        """The array itself; its header must tell the number of bytes that are there."""
        if self.dtype.hasobject:
            raise ValueError(
                f"{self.label} holds Python objects (dtype {self.dtype}), where numbers were "
                "expected. They are not loaded: unpickling a file can run code from it."
            )
        expected = math.prod(self.shape) * self.dtype.itemsize
        if expected != len(self.data):
            raise ValueError(
                f"{self.label} is damaged: its header tells shape {self.shape} and dtype "
                f"{self.dtype}, {expected} bytes, but {len(self.data)} bytes follow."
            )
        order = "F" if self.fortran_order else "C"
        flat = np.frombuffer(self.data, self.dtype)
        return flat.reshape(self.shape, order=order).copy(order="K")


def read(path: str | os.PathLike[str], names: Iterable[str], owner: str) -> dict[str, Member]:
    """The named arrays of an .npz file.

    Args:
        path: The file.
        names: The arrays that must be in it; others are passed over.
        owner: Who reads, for messages.
    """
    names = list(names)
    try:
        with zipfile.ZipFile(path) as archive:
            present = archive.namelist()
            missing = [name for name in names if present.count(f"{name}.npy") != 1]
            if missing:
                raise ValueError(
                    f"{owner} expected each of the arrays {', '.join(names)} once in "
                    f"{os.fspath(path)!r}. Received: {', '.join(present)[:100] or 'none'}"
                )
            limit = _ALWAYS_FITS + _LARGEST_RATIO * os.path.getsize(path)
            return {name: _member(archive, name, limit, path) for name in names}
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise ValueError(
            f"{owner} cannot read {os.fspath(path)!r} ({os.path.getsize(path)} bytes): it is no "
            f"whole .npz file: {str(error)[:80]}"
        ) from error


def _member(
    archive: zipfile.ZipFile, name: str, limit: int, path: str | os.PathLike[str]
) -> Member:
    label = f"Array {name!r} of {os.fspath(path)!r}"
    with archive.open(f"{name}.npy") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(
            f"{label} inflates to more than {limit} bytes, far more than a file of its size holds."
        )
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"its format version is {version}")
        shape, fortran_order, dtype = _HEADERS[version](stream)
    except (ValueError, TypeError, SyntaxError) as error:
        raise ValueError(f"{label} has no readable header: {str(error)[:100]}") from error
    if min(shape, default=0) < 0:
        raise ValueError(f"{label} has no readable header: shape {shape}")
    return Member(label, shape, fortran_order, dtype, memoryview(content)[stream.tell() :])

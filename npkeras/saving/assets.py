"""What layers keep beside their weights, in files of their own: vocabularies, say."""

from __future__ import annotations

import contextlib
import os
import pathlib
import stat
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from npkeras.saving.archive import Archive, Writer, is_plain_path
from npkeras.saving.errors import CorruptFileError
from npkeras.saving.parts import Parts

FOLDER = "assets"
_LARGEST = 1 << 32  # bytes of one file
_LARGEST_DEPTH = 32


def save(parts: Parts, folder: pathlib.Path) -> None:
    """Let each part that wants to write its files into a folder of its own."""
    for place, part in parts:
        if hasattr(part, "save_assets"):
            own = folder / place
            own.mkdir(parents=True, exist_ok=True)
            part.save_assets(str(own))
    for below, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(below)  # what is empty


def add(parts: Parts, archive: Writer) -> None:
    """Put the files of all parts into an archive."""
    if not any(hasattr(part, "save_assets") for _, part in parts):
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch, FOLDER)
        save(parts, folder)
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = path.relative_to(scratch).as_posix()
                archive.add(name, path.read_bytes())


class Folder:
    """A model in a folder: like an `Archive`, and no link in it is followed.

    Args:
        path: The folder.
        name: What messages call it.
    """

    def __init__(self, path: pathlib.Path, name: str) -> None:
        self.path, self.name = path, name
        self._open = contextlib.ExitStack()

    def __contains__(self, name: str) -> bool:
        return os.path.lexists(self.path / name)

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def read(self, name: str, limit: int) -> bytes:
        """The bytes of a file, if they are not more than `limit`."""
        file = self.open(name)
        size = os.fstat(file.fileno()).st_size
        if size > limit:
            raise CorruptFileError(
                f"{self.name!r}: {name!r} has {size:,} bytes; {limit:,} are allowed."
            )
        return file.read(limit)

    def open(self, name: str) -> BinaryIO:
        """A file to read."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        path = self.path / name
        if path.is_symlink() or not path.is_file():
            what = "is a link or a device" if os.path.lexists(path) else "is not there"
            raise CorruptFileError(f"{self.name!r}: {name!r} {what}. Expected a file.")
        file = os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb")
        self._open.callback(file.close)
        return file


def load(parts: Parts, source: Archive | Folder) -> None:
    """Let each part that wants to read its files, if the source has some for it."""
    wanting = [(place, part) for place, part in parts if hasattr(part, "load_assets")]
    if not wanting:
        return
    with _folder_of(source) as folder:
        for place, part in wanting:
            if folder is not None and (folder / place).is_dir():
                part.load_assets(str(folder / place))


@contextlib.contextmanager
def _folder_of(source: Archive | Folder) -> Iterator[pathlib.Path | None]:
    if isinstance(source, Folder):
        folder = source.path / FOLDER
        if os.path.lexists(folder):
            _check(folder, source.name, 0)
        yield folder
        return
    names = [name for name in source.members if name.startswith(f"{FOLDER}/")]
    if not names:
        yield None
        return
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            if name.endswith("/"):
                continue
            target = pathlib.Path(scratch, *name.split("/"))
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(source.read(name, _LARGEST))
            except OSError as error:
                if isinstance(error, (FileExistsError, NotADirectoryError, IsADirectoryError)):
                    raise CorruptFileError(
                        f"{source.name!r}: {name[:60]!r} is a file and a folder."
                    ) from error
                raise
        yield pathlib.Path(scratch, FOLDER)


def _check(folder: pathlib.Path, where: str, depth: int) -> None:
    """Refuse a folder with anything but files and folders in it."""
    entries = [folder] if depth == 0 else sorted(folder.iterdir())
    for entry in entries:
        mode = entry.lstat().st_mode
        plain = stat.S_ISREG(mode) or stat.S_ISDIR(mode)
        if not plain or depth > _LARGEST_DEPTH or not is_plain_path([entry.name]):
            raise CorruptFileError(
                f"{where!r}: {entry.name[:60]!r} is a link or a device, or lies too deep. "
                "A model in a folder consists of plain files."
            )
        if stat.S_ISDIR(mode):
            _check(entry, where, depth + 1)

"""Writing a file so that its name always stands for something whole: the old one or the new."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import pathlib
import re
import shutil
import threading
from collections.abc import Iterator

PART = "npkeras-part"
_OLDER = "npkeras-older"

# The name of a temporary file tells processes apart, not threads.
_one_at_a_time = threading.RLock()


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str], expected_bytes: int = 0) -> Iterator[pathlib.Path]:
    """A temporary file to write; when the block ends well it takes the place of `path`.

    The new file is flushed to disk before it is renamed, and the folder after, so that a crash
    or a power cut leaves either the old file or the new one, complete. When the block fails
    the temporary file is removed and the old file stays.

    As if the old file were written into, a link to it stays one, its permissions stay, and one
    that may not be written is refused.

    Args:
        path: The file to write or replace.
        expected_bytes: About how much will be written: where the disk has less room than that,
            nothing is begun.
    """
    target = pathlib.Path(os.path.realpath(path))
    folder = target.parent
    if not folder.is_dir():
        raise FileNotFoundError(
            errno.ENOENT, f"Cannot save {target.name!r}: there is no such folder", str(folder)
        )
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "The file may not be written", str(target))
    with _one_at_a_time:
        _remove_leftovers(folder, target.name)
        _check_room(folder, target, expected_bytes)
        temporary = folder / f".{target.name}.{os.getpid()}.{PART}"
        try:
            yield temporary
            if target.exists():
                shutil.copymode(target, temporary)
            _flush(temporary)
            os.replace(temporary, target)
            _flush(folder)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


@contextlib.contextmanager
def replacing_folder(
    path: str | os.PathLike[str], expected_bytes: int, known: set[str]
) -> Iterator[pathlib.Path]:
    """A temporary folder to fill; when the block ends well it takes the place of `path`.

    As `replacing` does for files: all of the new folder is on disk before it gets the name, and
    when the block fails the older folder stays.

    Args:
        path: The folder to make or replace.
        expected_bytes: About how much will be written.
        known: What an older folder may hold. One that holds anything else is not ours to replace.
    """
    target = pathlib.Path(os.path.realpath(path))
    folder = target.parent
    if not folder.is_dir():
        raise FileNotFoundError(
            errno.ENOENT, f"Cannot save {target.name!r}: there is no such folder", str(folder)
        )
    others = sorted(set(os.listdir(target)) - known) if target.is_dir() else []
    if others or (target.exists() and not target.is_dir()):
        what = f"it holds {others[0]!r}" if others else "it is a file"
        raise FileExistsError(
            errno.EEXIST, f"Only a folder with an older model is replaced; {what}", str(target)
        )
    with _one_at_a_time:
        _remove_leftovers(folder, target.name)
        _check_room(folder, target, expected_bytes)
        temporary = folder / f".{target.name}.{os.getpid()}.{PART}"
        temporary.mkdir()
        try:
            yield temporary
            for below, _, files in os.walk(temporary, topdown=False):
                for name in files:
                    _flush(pathlib.Path(below, name))
                _flush(pathlib.Path(below))
            _exchange(temporary, target)
            _flush(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _exchange(new: pathlib.Path, target: pathlib.Path) -> None:
    """Give `new` the name `target`; what had it gets the other name, in the same moment."""
    older = _older(target)
    if target.exists() and not _exchange_at_once(new, target):  # in two steps; see `older_of`
        shutil.rmtree(older, ignore_errors=True)
        os.rename(target, older)
    if not target.exists():
        try:
            os.rename(new, target)
        except OSError:
            if older.exists():
                os.rename(older, target)
            raise
    shutil.rmtree(older, ignore_errors=True)


def _older(target: pathlib.Path) -> pathlib.Path:
    return target.with_name(f".{target.name}.{_OLDER}")


def _exchange_at_once(one: pathlib.Path, other: pathlib.Path) -> bool:
    here, exchange = -100, 2  # AT_FDCWD, RENAME_EXCHANGE of Linux
    try:
        renameat2 = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return renameat2(here, os.fsencode(one), here, os.fsencode(other), exchange) == 0


def older_of(path: pathlib.Path) -> pathlib.Path:
    """The folder to read: `path`, or what it was if a save was cut off between two renames."""
    older = _older(path)
    return older if not path.exists() and older.is_dir() else path


def _flush(path: pathlib.Path) -> None:
    """Wait until what was written to a file, or changed in a folder, is on disk."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:
        return  # folders cannot be opened on Windows, whose rename is durable by itself
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_room(folder: pathlib.Path, target: pathlib.Path, expected_bytes: int) -> None:
    if not hasattr(os, "statvfs"):
        return
    usage = os.statvfs(folder)
    free = usage.f_bavail * usage.f_frsize
    if free < expected_bytes:
        raise OSError(
            errno.ENOSPC,
            f"Cannot save: {expected_bytes:,} bytes are needed, {free:,} are free. "
            "The older file, if there is one, was not touched",
            str(target),
        )


def _remove_leftovers(folder: pathlib.Path, name: str) -> None:
    """Remove what processes left behind that were killed while they saved under this name."""
    pattern = re.compile(rf"\.{re.escape(name)}\.(\d+)\.{PART}")
    for entry in folder.iterdir():
        match = pattern.fullmatch(entry.name)
        if match and not is_alive(int(match[1])):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    entry.unlink()


def is_alive(process: int) -> bool:
    if process == os.getpid():
        return False  # this process is about to write that very file anew
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True

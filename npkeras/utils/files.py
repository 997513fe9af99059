"""Files from the network, in Keras' cache folder, and archives taken apart with care."""

from __future__ import annotations

import contextlib
import gzip
import os
import pathlib
import shutil
import stat
import tarfile
import urllib.parse
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from npkeras.core import check
from npkeras.datasets import fetch

_UNREADABLE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
)


def get_file(
    fname: str | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | list[str] | tuple[str, ...] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """The path of a file from the network, downloaded only if it is not in the cache yet.

    A download is kept only if it is whole, and has the hash given. Of an archive only files and
    folders are taken out; one that holds a link, a device, or a path that leads out of its
    folder is refused whole. (Keras passes some of these over, keeps a file of the wrong hash,
    and gives the path of a folder that does not exist for a file that is no archive.)

    Args:
        fname: The name in the cache. None for the last part of `origin`.
        origin: The address: http, https, ftp or file.
        untar: As `extract`; an older name.
        md5_hash: As `file_hash`; an older name.
        file_hash: The sha256 or md5 of the file. A file in the cache that has another one is
            downloaded again.
        cache_subdir: The folder in `cache_dir`.
        hash_algorithm: "sha256", "md5", or "auto" to tell by the length of the hash.
        extract: Whether to take the file apart as an archive.
        archive_format: "tar" (compressed or not), "zip", a list of these, or "auto" for both.
            None to leave the file as it is.
        cache_dir: Instead of `KERAS_HOME` or `~/.keras`.
        force_download: Whether to download in any case.

    Returns:
        The path of the file; with `extract`, that of the folder with what was in it. That is
        `NAME_extracted` for `NAME.tar.gz`; where `fname` is None or has no ending it is the
        name itself, and the archive is kept as `NAME_archive`.

    Example:
        >>> get_file(origin="https://example.org/flowers.csv")  # doctest: +SKIP
        '/home/me/.keras/datasets/flowers.csv'
    """
    if not origin:
        raise ValueError(f"get_file needs `origin`, an address. Received: origin={origin!r}")
    formats = _formats(archive_format)
    extract = bool((extract or untar) and formats)
    name = _checked_name(fname, origin)
    folder = os.path.join(fetch.cache_folder(cache_subdir, cache_dir))
    target, unpacked = _names(folder, name, given=fname is not None) if extract else (name, "")
    path = os.path.join(folder, target)
    fetch.get(origin, path, file_hash or md5_hash, hash_algorithm, force_download)
    if not extract:
        return path
    extract_archive(path, os.path.join(folder, unpacked), formats)
    return os.path.join(folder, unpacked)


def extract_archive(path: str, folder: str, formats: tuple[str, ...] = ("tar", "zip")) -> None:
    """Put the files of an archive into a folder: all of them, or none if one is not allowed.

    They are written to a folder of their own first. Files of the same names in `folder` are
    replaced, others stay.
    """
    folder = os.path.abspath(folder)
    if "tar" in formats and tarfile.is_tarfile(path):
        members = _tar_members(path)
    elif "zip" in formats and zipfile.is_zipfile(path):
        members = _zip_members(path)
    else:
        raise ValueError(
            f"get_file cannot take {path!r} apart: it is no {' or '.join(formats)} archive."
        )
    part = fetch.part_name(folder)
    try:
        os.makedirs(part)
        _write_members(path, members, part)
        _move_into(part, folder)
    except _UNREADABLE as error:
        raise ValueError(f"Archive {path!r} is damaged: {str(error)[:100]}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _formats(archive_format) -> tuple[str, ...]:
    if archive_format is None:
        return ()
    if archive_format == "auto":
        return ("tar", "zip")
    given = (archive_format,) if isinstance(archive_format, str) else tuple(archive_format)
    for one in given:
        check.one_of(("auto", "tar", "zip"), one, "archive_format", "get_file")
    return ("tar", "zip") if "auto" in given else given


def _checked_name(fname: str | None, origin: str) -> str:
    if fname is None:
        name = os.path.basename(urllib.parse.urlsplit(origin).path)
        if not name:
            raise ValueError(
                f"get_file cannot tell the file's name from origin={origin!r}. Give it `fname`."
            )
    else:
        name = os.fspath(fname)
    if name in ("", ".", "..") or any(mark in name for mark in ("/", "\\", "\0")):
        raise ValueError(
            "`fname` of get_file must be a name, not a path; the folder is told by `cache_dir` "
            f"and `cache_subdir`. Received: fname={name!r}"
        )
    return name


def _names(folder: str, name: str, given: bool) -> tuple[str, str]:
    """The names of an archive and of the folder for its content, as Keras chooses them."""
    stem, dot, _ = name.partition(".")
    if given and dot and stem:
        return name, f"{stem}_extracted"
    return f"{name}_archive", name


_Members = Iterator[tuple[str, bool, "IO[bytes] | None"]]


def _tar_members(path: str) -> _Members:
    with tarfile.open(path) as archive:
        for member in archive:
            # a sparse file tells a size and holds next to nothing: it can fill any disk
            if member.issparse() or not (member.isreg() or member.isdir()):
                raise _refused(path, member.name, "is neither a file nor a folder")
            yield member.name, member.isdir(), archive.extractfile(member)
        # the checksum of a compressed archive comes after the last member
        while archive.fileobj is not None and archive.fileobj.read(1 << 20):
            pass


def _zip_members(path: str) -> _Members:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(path, member.orig_filename, "is neither a file nor a folder")
            if member.flag_bits & 1:
                raise _refused(path, member.orig_filename, "is encrypted")
            yield member.orig_filename, member.is_dir(), archive.open(member)


def _refused(path: str, name: str, reason: str) -> ValueError:
    return ValueError(
        f"Archive {path!r} was not taken apart: its member {name[:80]!r} {reason}. "
        "Nothing of it was kept."
    )


def _write_members(path: str, members: _Members, part: str) -> None:
    for name, is_folder, content in members:
        pieces = pathlib.PurePosixPath(name).parts
        if (
            ".." in pieces
            or any(mark in name for mark in ("\\", ":", "\0"))
            or name.startswith("/")
        ):
            raise _refused(path, name, "has a path that may lead out of its folder")
        target = os.path.join(part, *pieces)
        if is_folder:
            os.makedirs(target, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if os.path.lexists(target):
            raise _refused(path, name, "comes twice")
        with open(target, "xb") as file, content:
            shutil.copyfileobj(content, file)
            file.flush()
            os.fsync(file.fileno())


def _move_into(part: str, folder: str) -> None:
    if not os.path.lexists(folder):
        fetch.replace(part, folder)
        return
    for here, _, names in os.walk(part):
        there = os.path.normpath(os.path.join(folder, os.path.relpath(here, part)))
        with contextlib.suppress(FileExistsError):
            os.makedirs(there)
        for name in names:
            os.replace(os.path.join(here, name), os.path.join(there, name))

"""Files from the network, kept in Keras' cache folder, and used only once they are checked.

A download goes to a file of its own beside its target, is compared with its hash and its
announced length, and takes the target's name in one step. So a file in the cache is whole:
whatever is cut short, altered or killed on the way leaves nothing under the final name.
"""

from __future__ import annotations

import contextlib
import glob
import hashlib
import http.client
import os
import pathlib
import secrets
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import IO, NamedTuple

_BLOCK = 1 << 18
_PATIENCE = 30.0  # seconds without a byte before a connection counts as lost
_STALE = 24 * 3600.0  # seconds after which what a killed download left may go
_DIGESTS = {32: "md5", 64: "sha256"}


class DataUnavailableError(OSError):
    """Data that is neither at hand nor could be downloaded; the message says where to put it."""


class Remote(NamedTuple):
    """A file that can be downloaded: its name in the cache, its address and its hash."""

    name: str
    origin: str
    file_hash: str


def cache_folder(subfolder: str = "datasets", home: str | os.PathLike[str] | None = None) -> str:
    """The folder Keras keeps its files in: below `KERAS_HOME`, or else `~/.keras`.

    Only the name is found here; the folder is made when something is put into it.
    """
    if home is None:
        home = os.environ.get("KERAS_HOME") or os.path.join("~", ".keras")
    return os.path.join(os.path.expanduser(os.fspath(home)), subfolder)


def algorithm_of(file_hash: str, algorithm: str = "auto") -> str:
    """The name of the hash function that made `file_hash`, told by its length if "auto"."""
    if algorithm not in ("auto", "md5", "sha256"):
        raise ValueError(
            "`hash_algorithm` must be 'auto', 'md5' or 'sha256'. "
            f"Received: hash_algorithm={algorithm!r}"
        )
    told = _DIGESTS.get(len(file_hash))
    if told is None or algorithm not in ("auto", told):
        raise ValueError(
            "`file_hash` must be the 64 hexadecimal digits of a sha256, or the 32 of an md5. "
            f"Received: file_hash={file_hash!r} with hash_algorithm={algorithm!r}"
        )
    return told


def matches(path: str | os.PathLike[str], file_hash: str, algorithm: str = "auto") -> bool:
    """Whether the file's content has this hash."""
    digest = hashlib.new(algorithm_of(file_hash, algorithm), usedforsecurity=False)
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            digest.update(block)
    return digest.hexdigest() == file_hash.lower()


def cached(remote: Remote) -> str:
    """The path of a file in the cache, downloaded if it is missing or not what it should be."""
    return get(remote.origin, os.path.join(cache_folder(), remote.name), remote.file_hash)


def get(
    origin: str,
    target: str,
    file_hash: str | None = None,
    algorithm: str = "auto",
    force: bool = False,
) -> str:
    """`target`, after downloading it from `origin` unless a file with that hash is there.

    Args:
        origin: The address: http, https, ftp or file.
        target: Where the file is kept.
        file_hash: The sha256 or md5 of the content; None trusts whatever is there or comes.
        algorithm: "sha256", "md5", or "auto" to tell by the length of the hash.
        force: Whether to download even if the file is there.
    """
    if file_hash is not None:
        algorithm_of(file_hash, algorithm)
    good = os.path.isfile(target) and not force
    if good and file_hash is not None and not matches(target, file_hash, algorithm):
        print(f"{target} is not the file expected (its hash differs): it is downloaded again.")
        good = False
    if not good:
        _download(origin, target, file_hash, algorithm)
    return target


def find(path: str | os.PathLike[str] | None, remote: Remote, owner: str) -> str:
    """The path of the file a loader should read.

    A folder stands for the file of the usual name in it. A path, or the name of a file that
    exists here, is the caller's own file and is taken as it is. Any other bare name is that
    of a file in the cache, to be downloaded if need be.
    """
    own = own_path(path, remote.name, owner)
    if own is None:
        return cached(remote if path is None else remote._replace(name=os.fspath(path)))
    if os.path.isdir(own):
        own = os.path.join(own, remote.name)
    if not os.path.isfile(own):
        raise FileNotFoundError(
            f"{owner} expected a file at {own!r}. Received: path={os.fspath(path)!r}. "
            f"The public one is {remote.origin}"
        )
    return own


def own_path(path: str | os.PathLike[str] | None, default: str, owner: str) -> str | None:
    """The path with `~` written out if it names the caller's own file or folder, else None."""
    if path is None:
        return None
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"`path` of {owner} must be a path. Received: path={path!r}")
    text = os.path.expanduser(os.fspath(path))
    bare = text == os.path.basename(text) and text not in ("", os.curdir, os.pardir)
    if bare and (text == default or not os.path.exists(text)):
        return None
    return text


def replace(part: str, target: str) -> None:
    """Give a finished file its name, so that it is on the disk once this returns."""
    os.replace(part, target)
    if os.name == "posix":
        folder = os.open(os.path.dirname(target) or os.curdir, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def new_file(target: str) -> Iterator[IO[bytes]]:
    """A file to write into; it takes the name `target` if all went well, else nothing stays."""
    target = os.path.abspath(target)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    part = part_name(target)
    try:
        with open(part, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        replace(part, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(part)
        raise


def part_name(target: str) -> str:
    """A new name beside `target`; what was killed under such a name long ago is removed."""
    folder, name = os.path.split(target)
    for old in pathlib.Path(folder).glob(f".{glob.escape(name)}.*.part"):
        with contextlib.suppress(OSError):  # another process may be tidying up as well
            if time.time() - old.stat().st_mtime < _STALE:
                continue
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    return os.path.join(folder, f".{name}.{secrets.token_hex(8)}.part")


def _download(origin: str, target: str, file_hash: str | None, algorithm: str) -> None:
    scheme = origin.partition(":")[0]
    if scheme not in ("http", "https", "ftp", "file"):
        raise ValueError(
            f"`origin` must be an http, https, ftp or file address. Received: origin={origin!r}"
        )
    with new_file(target) as file:
        print(f"Downloading {origin}")
        digest = hashlib.new(algorithm_of(file_hash or "0" * 64), usedforsecurity=False)
        try:
            received, announced = _transfer(origin, file, digest)
        except urllib.error.HTTPError as error:
            raise _unavailable(origin, target, f"{error.code} {error.reason}") from error
        except urllib.error.URLError as error:
            raise _unavailable(origin, target, error.reason) from error
        except (ConnectionError, TimeoutError, http.client.HTTPException) as error:
            raise _unavailable(origin, target, error or type(error).__name__) from error
        if announced is not None and received != announced:
            reason = f"it ended after {received} of {announced} bytes"
            raise _unavailable(origin, target, reason)
        if file_hash is not None and digest.hexdigest() != file_hash.lower():
            raise ValueError(
                f"The file downloaded from {origin} is not the one expected: its {digest.name} is "
                f"{digest.hexdigest()}, not {file_hash}. It was not kept."
            )


def _unavailable(origin: str, target: str, reason: object) -> DataUnavailableError:
    return DataUnavailableError(
        f"{origin} could not be downloaded: {reason}. "
        f"Try again, or put the file at {os.path.abspath(target)!r} yourself."
    )


def _transfer(origin: str, file: IO[bytes], digest: hashlib._Hash) -> tuple[int, int | None]:
    """Copy what the address holds; the number of bytes that came and that were announced."""
    with urllib.request.urlopen(origin, timeout=_PATIENCE) as response:
        length = response.headers.get("Content-Length", "")
        announced = int(length) if length.isdigit() else None
        received = 0
        with _progress(announced, os.path.basename(file.name)) as bar:
            while block := response.read(_BLOCK):
                file.write(block)
                digest.update(block)
                received += len(block)
                bar.update(len(block))
    return received, announced


def _progress(total: int | None, name: str):
    from tqdm import tqdm

    name = name.strip(".").rsplit(".", 2)[0]
    return tqdm(total=total, unit="B", unit_scale=True, desc=name, disable=None, leave=False)

"""Reading HDF5 without trusting it: plain groups and plain arrays of numbers, nothing else.

A small reader of npkeras' own reads (`h5read`), which follows no link and allocates nothing that
the file does not hold; no array is read whose shape was not expected. h5py writes.
"""

from __future__ import annotations

import contextlib
import math
import os
import pathlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np

from npkeras.saving.archive import Window
from npkeras.saving.errors import CorruptFileError, MissingFileError
from npkeras.saving.h5read import Dataset, File, Group

_LARGEST_RATIO = 100  # how much more arrays may hold than is stored of them

# Where the arrays of a file lie: the path of each group called `vars`, the names there, and for
# each name the file that holds it (one and the same, unless the weights are in several files).
Held = dict[str, dict[str, Any]]


def open_file(path: str | os.PathLike[str]) -> File:
    """An HDF5 file, open for reading in a `with` block."""
    target = pathlib.Path(path)
    if not target.exists():
        raise MissingFileError(f"There is no file {str(target)!r}.")
    if not target.is_file():
        kind = "a folder" if target.is_dir() else "a pipe or a device"
        raise CorruptFileError(f"{str(target)!r} is {kind}. Expected an HDF5 file.")
    return File(target)


def open_within(source: BinaryIO, where: str) -> File:
    """An HDF5 file that lies within another, open for reading in a `with` block."""
    return File(source, where)


@contextlib.contextmanager
def new_file(target: Any, path: str | os.PathLike[str]) -> Iterator[Any]:
    """A new HDF5 file to write.

    The library writes through a `Window`, and so never learns that a disk is full: it could not
    close the file then, nor let go of it.

    Args:
        target: Where to write: a path, or a window of a file.
        path: The name that errors are to mention.
    """
    import h5py

    with contextlib.ExitStack() as stack:
        window = target
        if not isinstance(target, Window):
            window = Window(stack.enter_context(open(target, "w+b", buffering=0)), 0)
        with h5py.File(window, "w") as file:
            yield file
        failure = window.failure
        if isinstance(failure, OSError) and failure.errno is not None:
            raise OSError(failure.errno, failure.strerror, str(path)) from failure
        if failure is not None:
            raise failure


def printable(text: str, longest: int = 80) -> str:
    """A text from a file, for a message: without characters that terminals obey."""
    text = text[:longest]
    return text if text.isprintable() else ascii(text)[1:-1]


def tree_of(file: File) -> Held:
    """The path of each group called `vars` that holds arrays, and their names there."""
    found: Held = {}
    waiting: list[tuple[Group, str]] = [(file, "")]
    while waiting:
        group, path = waiting.pop()
        for name in group:
            member = group[name]
            if isinstance(member, Group):
                waiting.append((member, f"{path}/{name}".lstrip("/")))
            elif path.split("/")[-1] == "vars":
                found.setdefault(path, {})[name] = file
    return found


def count_numbers(held: Held) -> int:
    """How many numbers the arrays hold, by what is stored of them and not by what they claim."""
    total, ends = 0, {}
    for path, names in held.items():
        for name, file in names.items():
            array = file[path][name]
            stored = _LARGEST_RATIO * array.stored // max(1, array.dtype.itemsize)
            total += min(math.prod(array.shape or ()), stored)
            ends[id(file)] = file.source.end
    return min(total, _LARGEST_RATIO * sum(ends.values()))


def read(dataset: Any, shape: tuple[int, ...] | None, where: str) -> np.ndarray:
    """The array of a data set, once it is known to be what was expected.

    Args:
        dataset: The data set.
        shape: The shape it must have; None if that is not known.
        where: The file and path, for messages.
    """
    if not isinstance(dataset, Dataset):
        raise CorruptFileError(f"{where} is a group. Expected an array.")
    if dataset.shape is None:
        raise CorruptFileError(f"{where} holds no array.")
    if shape is not None and dataset.shape != shape:
        raise ShapeDiffers(dataset.shape)
    if dataset.dtype == "V2" and dataset.attrs.get("dtype") == "bfloat16":
        return (dataset.read().view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    if dataset.dtype.kind not in "fiub":
        raise CorruptFileError(f"{where} holds {dataset.dtype}. Expected real numbers.")
    return dataset.read()


class ShapeDiffers(ValueError):
    """A data set has another shape than expected; `found` is its own."""

    def __init__(self, found: tuple[int, ...]) -> None:
        super().__init__(f"found shape {found}")
        self.found = found

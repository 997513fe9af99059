"""Reading HDF5 without trusting it: plain groups and plain arrays of numbers, nothing else.

HDF5 files may link to other files, claim sizes they do not have, and hold object references.
Everything is looked at before it is opened, and no array is read whose shape was not expected.
"""

from __future__ import annotations

import os
import pathlib
from typing import Any

import numpy as np

from npkeras.saving.errors import CorruptFileError

_FILTERS = {"gzip", "lzf", None}
_LARGEST_DEPTH = 32
_MOST_OBJECTS = 1_000_000
_LARGEST_UNASKED = 1 << 26  # bytes of an array whose shape nobody expects


def open_file(path: str | os.PathLike[str]) -> Any:
    """An HDF5 file, open for reading."""
    import h5py

    target = pathlib.Path(path)
    if not target.exists():
        raise FileNotFoundError(f"There is no file {str(target)!r}.")
    if target.is_dir():
        raise CorruptFileError(f"{str(target)!r} is a folder. Expected an HDF5 file.")
    try:
        return h5py.File(target, "r")
    except OSError as error:
        raise CorruptFileError(
            f"{str(target)!r} exists, has {target.stat().st_size:,} bytes, and is not a readable "
            "HDF5 file: it is of another kind, or cut short."
        ) from error


def members(group: Any) -> list[str]:
    """The names in a group, if all of them are real members and none is a link elsewhere."""
    import h5py

    names = list(group.keys())
    for name in names:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise CorruptFileError(
                f"{group.file.filename!r}: {group.name.rstrip('/')}/{name} is a link to another "
                "place or file. Files of weights have none, so it was not followed."
            )
    return names


def tree_of(file: Any) -> dict[str, tuple[str, ...]]:
    """The path of each group called `vars` that holds arrays, and their names there."""
    import h5py

    found: dict[str, tuple[str, ...]] = {}
    waiting = [(file, "", 0)]
    count = 0
    while waiting:
        group, path, depth = waiting.pop()
        if depth > _LARGEST_DEPTH:
            raise CorruptFileError(
                f"{file.filename!r}: groups are nested more than {_LARGEST_DEPTH} deep."
            )
        for name in members(group):
            count += 1
            if count > _MOST_OBJECTS:
                raise CorruptFileError(f"{file.filename!r} holds over {_MOST_OBJECTS:,} objects.")
            kind = group.get(name, getclass=True)
            if kind is h5py.Group:
                waiting.append((group[name], f"{path}/{name}".lstrip("/"), depth + 1))
            elif kind is h5py.Dataset and path.split("/")[-1] == "vars":
                found[path] = (*found.get(path, ()), name)
    return found


def read(dataset: Any, shape: tuple[int, ...] | None, where: str) -> np.ndarray:
    """The array of a data set, once it is known to be what was expected.

    Args:
        dataset: The data set.
        shape: The shape it must have; None if that is not known.
        where: The file and path, for messages.
    """
    import h5py

    if not isinstance(dataset, h5py.Dataset):
        raise CorruptFileError(f"{where} is a group. Expected an array.")
    if dataset.shape is None:
        raise CorruptFileError(f"{where} holds no array.")
    if dataset.external or dataset.is_virtual:
        raise CorruptFileError(f"{where} takes its numbers from another file. It was not read.")
    if dataset.compression not in _FILTERS or dataset.scaleoffset is not None:
        raise CorruptFileError(f"{where} is packed in a way that files of weights never are.")
    if shape is not None and dataset.shape != shape:
        raise ShapeDiffers(dataset.shape)
    if shape is None and dataset.nbytes > max(_LARGEST_UNASKED, 1000 * _stored(dataset)):
        raise CorruptFileError(
            f"{where} claims {dataset.nbytes:,} bytes and stores {_stored(dataset):,}."
        )
    return _numbers(dataset, where)


class ShapeDiffers(ValueError):
    """A data set has another shape than expected; `found` is its own."""

    def __init__(self, found: tuple[int, ...]) -> None:
        super().__init__(f"found shape {found}")
        self.found = found


def _stored(dataset: Any) -> int:
    return int(dataset.id.get_storage_size())


def _numbers(dataset: Any, where: str) -> np.ndarray:
    if dataset.dtype.kind == "V" and dataset.dtype.itemsize == 2 and not dataset.dtype.names:
        if dataset.attrs.get("dtype") == "bfloat16":
            bits = dataset[()].view(np.uint16).astype(np.uint32) << 16
            return bits.view(np.float32)
    if dataset.dtype.kind not in "fiub":
        raise CorruptFileError(f"{where} holds {dataset.dtype}. Expected real numbers.")
    return np.asarray(dataset[()])

"""Files read by h5py behind checks, as npkeras did before it had a reader of its own.

No link is followed, and nothing is allocated on the word of a file. The library reads through a
window that looks for what it would read for ever.
"""

import contextlib
import pathlib

import numpy as np

from npkeras.saving.archive import Window
from npkeras.saving.errors import CorruptFileError
from npkeras.saving.hdf5 import ShapeDiffers, printable

_FILTERS = {1, 2, 3, 32000}  # gzip, shuffle, checksum, lzf; others HDF5 would look for on disk
_LARGEST_DEPTH = 32
_MOST_OBJECTS = 400_000
_LARGEST_UNASKED = 1 << 26  # bytes of an array whose shape nobody expects
_LARGEST_RATIO = 100  # how much more an array may hold than is stored of it


@contextlib.contextmanager
def open_file(path):
    """An HDF5 file, open for reading in a `with` block."""
    target = pathlib.Path(path)
    if not target.exists():
        raise FileNotFoundError(f"There is no file {str(target)!r}.")
    if not target.is_file():
        kind = "a folder" if target.is_dir() else "a pipe or a device"
        raise CorruptFileError(f"{str(target)!r} is {kind}. Expected an HDF5 file.")
    with open(target, "rb", buffering=0) as source:
        with open_within(source, str(target)) as file:
            yield file


@contextlib.contextmanager
def open_within(source, where):
    """An HDF5 file that lies within another, open for reading in a `with` block."""
    import h5py

    size = source.seek(0, 2)
    try:
        file = h5py.File(_Guarded(source, size, where), "r")
    except (OSError, ValueError, RuntimeError) as error:
        raise CorruptFileError(
            f"{where!r} exists, has {size:,} bytes, and is not a readable "
            "HDF5 file: it is of another kind, or cut short."
        ) from error
    with file, _telling_of_damage(repr(where)):
        yield file


class _Guarded(Window):
    """A file in which the HDF5 library finds no heap of texts that it would read for ever.

    It walks over the texts of a heap by their sizes, and stays where it is when one is 0.
    """

    _MARK = b"GCOL\1\0\0\0"
    _LARGEST = 1 << 20  # the library reads the beginning of a heap, at least, in smaller pieces

    def __init__(self, file, size, where):
        super().__init__(file, 0, size)
        self._where = where
        self._steps = 0
        self._known: set[int] = set()

    def readinto(self, buffer):
        begin = max(0, self.position - len(self._MARK) + 1)  # the mark may lie in two pieces
        count = super().readinto(buffer)
        if count <= self._LARGEST:
            data = self._bytes(begin, self.position + len(self._MARK) - 1 - begin)
            at = data.find(self._MARK)
            while at >= 0:
                self._check_heap(begin + at)
                at = data.find(self._MARK, at + 1)
        return count

    def _bytes(self, place, count):
        count = min(count, self.size - place)
        if count <= 0:
            return b""
        self.file.seek(self.start + place)
        return self.file.read(count)

    def _check_heap(self, place):
        if place in self._known:
            return
        self._known.add(place)
        end = place + int.from_bytes(self._bytes(place + 8, 8), "little")
        at = place + 16
        while at + 16 <= min(end, self.size):
            head = self._bytes(at, 16)
            size = int.from_bytes(head[8:], "little")
            taken = 16 + -(-size // 8) * 8 if any(head[:2]) else size
            self._steps += 1
            if taken < 16 or at + taken > end or self._steps > _MOST_OBJECTS:
                raise CorruptFileError(f"{self._where!r}: a heap of texts is damaged.")
            at += taken


@contextlib.contextmanager
def _telling_of_damage(where):
    """Errors that the HDF5 library meets in a file, as what they say of the file.

    It has no kind of its own for them, so they are known by where they come from.
    """
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        if not _is_of_library(error):
            raise
        raise CorruptFileError(f"{where} cannot be read: the file is damaged.") from error


def _is_of_library(error):
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    name = "" if frame is None else frame.tb_frame.f_globals.get("__name__")
    return str(name).partition(".")[0] == "h5py"


def members(group, where):
    """The names in a group, if all of them are real members and none is a link elsewhere."""
    import h5py

    names = list(group.keys())
    for name in names:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise CorruptFileError(
                f"{where!r}: {group.name.rstrip('/')}/{printable(name)} is a link to another "
                "place or file. Files of weights have none, so it was not followed."
            )
    return names


def tree_of(file, where="the file"):
    """The path of each group called `vars` that holds arrays, and their names there."""
    import h5py

    found = {}
    waiting = [(file, "", 0)]
    count = 0
    while waiting:
        group, path, depth = waiting.pop()
        if depth > _LARGEST_DEPTH:
            raise CorruptFileError(f"{where!r}: groups are nested more than {_LARGEST_DEPTH} deep.")
        for name in members(group, where):
            count += 1
            if count > _MOST_OBJECTS:
                raise CorruptFileError(f"{where!r} holds over {_MOST_OBJECTS:,} objects.")
            kind = group.get(name, getclass=True)
            if kind is h5py.Group:
                waiting.append((group[name], f"{path}/{name}".lstrip("/"), depth + 1))
            elif kind is h5py.Dataset and path.split("/")[-1] == "vars":
                found.setdefault(path, {})[name] = file
    return found


def count_numbers(held):
    """How many numbers the arrays hold, by what is stored of them and not by what they claim."""
    total = 0
    for path, names in held.items():
        for name, file in names.items():
            array = file[path][name].id
            each = max(1, array.get_type().get_size())
            claimed = array.get_space().get_simple_extent_npoints()
            total += min(claimed, _LARGEST_RATIO * array.get_storage_size() // each)
    return total


def read(dataset, shape, where):
    """The array of a data set, once it is known to be what was expected.

    Args:
        dataset: The data set.
        shape: The shape it must have; None if that is not known.
        where: The file and path, for messages.
    """
    with _telling_of_damage(where):
        return _read(dataset, shape, where)


def _read(dataset, shape, where):
    import h5py

    if not isinstance(dataset, h5py.Dataset):
        raise CorruptFileError(f"{where} is a group. Expected an array.")
    if dataset.shape is None:
        raise CorruptFileError(f"{where} holds no array.")
    if dataset.external or dataset.is_virtual:
        raise CorruptFileError(f"{where} takes its numbers from another file. It was not read.")
    if not set(_filters_of(dataset)) <= _FILTERS:
        raise CorruptFileError(f"{where} is packed in a way that files of weights never are.")
    if shape is not None and dataset.shape != shape:
        raise ShapeDiffers(dataset.shape)
    if shape is None and dataset.nbytes > max(_LARGEST_UNASKED, 1000 * _stored(dataset)):
        raise CorruptFileError(
            f"{where} claims {dataset.nbytes:,} bytes and stores {_stored(dataset):,}."
        )
    return _numbers(dataset, where)


def _filters_of(dataset):
    made = dataset.id.get_create_plist()
    return [made.get_filter(i)[0] for i in range(made.get_nfilters())]


def _stored(dataset):
    return int(dataset.id.get_storage_size())


def _numbers(dataset, where):
    if dataset.dtype.kind == "V" and dataset.dtype.itemsize == 2 and not dataset.dtype.names:
        if dataset.attrs.get("dtype") == "bfloat16":
            bits = dataset[()].view(np.uint16).astype(np.uint32) << 16
            return bits.view(np.float32)
    if dataset.dtype.kind not in "fiub":
        raise CorruptFileError(f"{where} holds {dataset.dtype}. Expected real numbers.")
    return np.asarray(dataset[()])


def group_within(group, name, where):
    """The group of that name, if it is one and no link."""
    import h5py

    return _member(group, name, where, h5py.Group, "group")


def dataset_within(group, name, where):
    """The array at a path below a group, if there are no links on the way."""
    import h5py

    *path, last = name.split("/")
    for part in path:
        group = group_within(group, part, where)
    return _member(group, last, where, h5py.Dataset, "array")


def has_member(group, name):
    """Whether there is something of that name, a link included, which is not followed."""
    return bool(group.id.links.exists(name.encode()))


def _member(group, name, where, kind, word):
    import h5py

    shown = f"{where!r}: {group.name.rstrip('/')}/{printable(name)}"
    if not name or name in (".", "..") or "\0" in name or not has_member(group, name):
        raise CorruptFileError(f"{shown} is missing.")
    if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise CorruptFileError(f"{shown} is a link to another place or file. It was not followed.")
    if group.get(name, getclass=True) is not kind:
        raise CorruptFileError(f"{shown} is no {word}.")
    return group[name]

"""A small reader of the HDF5 that Keras, tf-keras and npkeras write. It only reads.

Groups are mappings from names to groups and arrays, as those of h5py are. An array is read when
asked for; its shape and dtype are known before. What files of weights do not have is refused:
links, virtual and external arrays, references, filters but gzip and shuffle, other kinds of
numbers. From "HDF5 File Format Specification Version 3.0", support.hdfgroup.org.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from npkeras.saving.h5read import groups, headers, heaps, storage, types
from npkeras.saving.h5read.headers import Message
from npkeras.saving.h5read.source import Cursor, Source

_DEEPEST = 32
_MOST_OBJECTS = 400_000
_COLLECTION = b"GCOL\1"


class Attribute:
    """A value that is attached to a group or an array, read when asked for."""

    def __init__(self, file: File, name: str, kind: types.Kind, shape: Any, data: bytes) -> None:
        self.name, self.shape, self.dtype = name, shape, kind.dtype
        self._file, self._kind, self._data = file, kind, data

    @property
    def value(self) -> Any:
        """A text, a number, or an array of those; None where there is no value at all."""
        if self.shape is None:
            return None
        if self._kind.text:
            texts = self._texts(math.prod(self.shape))
            return np.array(texts, object).reshape(self.shape) if self.shape else texts[0]
        count = math.prod(self.shape)
        array = types.sound(np.frombuffer(self._data, self.dtype, count).reshape(self.shape).copy())
        return array if self.shape else array[()]

    def _texts(self, count: int) -> list[str | bytes]:
        cursor = Cursor(self._file.source, self._data, f"the attribute {self.name[:60]!r}")
        found: list[str | bytes] = []
        for _ in range(count):
            size, place, index = cursor.number(4), cursor.number(), cursor.number(4)
            data = self._file.text(place, index, size) if size else b""
            try:
                found.append(data.decode("utf-8"))
            except UnicodeDecodeError:
                found.append(data)
        return found


class Attributes(Mapping):
    """The attributes of an object: values by their names."""

    def __init__(self, found: dict[str, Attribute]) -> None:
        self._found = found

    def __getitem__(self, name: str) -> Any:
        return self._found[name].value

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def __contains__(self, name: object) -> bool:
        return name in self._found

    def get_id(self, name: str) -> Attribute:
        """The attribute itself, with its shape and dtype, as h5py calls it."""
        return self._found[name]


class Object:
    """A group or an array of a file."""

    def __init__(self, file: File, name: str, messages: list[Message]) -> None:
        self.file, self.name = file, name
        self._messages = messages
        self._attributes: Attributes | None = None

    @property
    def attrs(self) -> Attributes:
        if self._attributes is None:
            found: dict[str, Attribute] = {}
            for cursor in self._all_attributes():
                attribute = _attribute_of(self.file, cursor)
                if attribute.name in found:
                    raise cursor.error(f"has two attributes {attribute.name[:60]!r}")
                found[attribute.name] = attribute
            self._attributes = Attributes(found)
        return self._attributes

    def _all_attributes(self) -> Iterator[Cursor]:
        yield from self._cursors(headers.ATTRIBUTE)
        for cursor in self._cursors(headers.ATTRIBUTE_INFO):
            cursor.take(1)
            cursor.take(2 if cursor.number(1) & 1 else 0)
            yield from heaps.pieces(self.file.source, cursor, heaps.ATTRIBUTES, _shown(self.name))

    def _cursors(self, kind: int) -> list[Cursor]:
        source = self.file.source
        return [Cursor(source, m.data, _shown(self.name)) for m in self._messages if m.kind == kind]


class Dataset(Object):
    """An array of a file."""

    def __init__(self, file: File, name: str, messages: list[Message]) -> None:
        super().__init__(file, name, messages)
        kind = types.kind_of(self._only(headers.DATATYPE))
        self.shape = types.shape_of(self._only(headers.DATASPACE))
        self.dtype, self._text = kind.dtype, kind.text
        filters = [storage.filters_of(cursor) for cursor in self._cursors(headers.FILTERS)]
        layout = storage.layout_of(self._only(headers.LAYOUT), len(self.shape or ()))
        self._stored = storage.Stored(
            file.source, _shown(name), self.shape or (), kind.dtype, layout, sum(filters, [])
        )

    @property
    def nbytes(self) -> int:
        return 0 if self.shape is None else self._stored.size

    @property
    def stored(self) -> int:
        """How many bytes of the file its numbers can take."""
        return self._stored.held

    def read(self) -> np.ndarray:
        """The whole array."""
        if self.shape is None or self._text:
            raise self.file.source.error(f"{_shown(self.name)} holds no numbers")
        return self._stored.read()

    def _only(self, kind: int) -> Cursor:
        cursors = self._cursors(kind)
        if len(cursors) != 1:
            raise self.file.source.error(f"{_shown(self.name)} is neither an array nor a group")
        return cursors[0]


class Group(Object, Mapping):
    """A group of a file: its members by their names, or by paths of names."""

    def __init__(self, file: File, name: str, messages: list[Message]) -> None:
        super().__init__(file, name, messages)
        self._members = groups.members_of(file.source, messages, _shown(name))

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._members))

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __getitem__(self, path: str) -> Any:
        found: Any = self.file if path.startswith("/") else self
        for name in path.strip("/").split("/"):
            if not isinstance(found, Group) or name not in found._members:
                raise KeyError(f"{_shown(found.name)!r} has no member {name[:60]!r}")
            found = self.file.object_at(found._members[name], found, name)
        return found


class File(Group):
    """An HDF5 file, open for reading.

    Args:
        file: A path, or a file open for reading without a buffer.
        where: What messages call it; its path if not given.
    """

    def __init__(self, file: Any, where: str | None = None) -> None:
        self._own = None
        if isinstance(file, (str, os.PathLike)):
            where = where or os.fspath(file)
            file = self._own = open(file, "rb", buffering=0)
        self._objects: dict[int, Any] = {}
        self._collections: dict[int, dict[int, bytes]] = {}
        try:
            self.source = Source(file, where or "file")
            root = headers.root_of(self.source)
            messages = headers.messages_of(self.source, root, "/")
            self._objects[root] = self
            super().__init__(self, "/", messages)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> File:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._own is not None:
            self._own.close()

    def object_at(self, address: int, parent: Group, name: str) -> Any:
        """The object whose header is at an address, if it is in one place only."""
        path = f"{parent.name.rstrip('/')}/{name}"
        found = self._objects.get(address)
        if found is None:
            if path.count("/") > _DEEPEST:
                raise self.source.error(f"its groups are nested more than {_DEEPEST} deep")
            if len(self._objects) >= _MOST_OBJECTS:
                raise self.source.error(f"it holds over {_MOST_OBJECTS:,} objects")
            messages = headers.messages_of(self.source, address, _shown(path))
            kind = Group if groups.is_group(messages) else Dataset
            found = self._objects[address] = kind(self, path, messages)
        if found.name != path:
            raise self.source.error(f"{_shown(path)} is the same as {_shown(found.name)}")
        return found

    def text(self, place: int, index: int, size: int) -> bytes:
        """A text of any length: it is kept, with others, in a collection."""
        if place not in self._collections:
            self._collections[place] = self._collection(place)
        data = self._collections[place].get(index)
        if data is None or len(data) < size:
            raise self.source.error("a text is missing")
        self.source.charge(size)
        return data[:size]

    def _collection(self, place: int) -> dict[int, bytes]:
        head = self.source.cursor(place, 16, "a collection of texts")
        head.expect(_COLLECTION)
        head.take(3)
        size = head.number()
        if size < 16:
            raise head.error("is too small")
        cursor = self.source.cursor(place + 16, size - 16, "a collection of texts")
        found: dict[int, bytes] = {}
        while cursor.left >= 16:
            index = cursor.number(2)
            cursor.take(6)
            length = cursor.number()
            if index == 0:  # what follows is free
                break
            found[index] = cursor.take(length)
            cursor.take(min(cursor.left, -length % 8))
        return found


def _attribute_of(file: File, cursor: Cursor) -> Attribute:
    version = cursor.one_of(1, (1, 2, 3), "an attribute of version")
    if cursor.number(1) and version > 1:
        raise cursor.error("shares the type of an attribute with others")
    sizes = [cursor.number(2) for _ in range(3)]
    cursor.take(1 if version == 3 else 0)
    parts = []
    for size in sizes:
        parts.append(Cursor(file.source, cursor.take(size), cursor.what))
        if version == 1:
            cursor.take(-size % 8)
    name = parts[0].text()
    kind, shape = types.kind_of(parts[1]), types.shape_of(parts[2])
    size = 0 if shape is None else math.prod(shape) * kind.size
    return Attribute(file, name, kind, shape, cursor.take(size))


def _shown(name: str) -> str:
    return name if len(name) <= 80 else name[:77] + "..."

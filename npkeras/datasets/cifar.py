"""What CIFAR-10 and CIFAR-100 have in common: an archive of pickled batches of pictures."""

from __future__ import annotations

import gzip
import math
import tarfile
import zlib
from typing import Any

import numpy as np

from npkeras.core import config
from npkeras.datasets import fetch, pickles

_SHAPE = (3, 32, 32)
_LARGEST = 1 << 28  # bytes; the largest batch has 155 million
_Part = tuple[np.ndarray, np.ndarray]


def load(remote: fetch.Remote, names: list[str], key: str, classes: int) -> list[_Part]:
    """The pictures and labels of some batches of an archive.

    The archive is read as it lies in the cache, under the name that Keras gives it.

    Args:
        remote: The archive.
        names: The paths of the batches in it.
        key: Under which the labels are in a batch.
        classes: How many labels there are, from 0.

    Returns:
        For each batch (n, 32, 32, 3) pictures, uint8, with the channels where
        `image_data_format` wants them, and (n,) labels, int64.
    """
    path = fetch.cached(remote)
    return [
        batch(content, f"Batch {name!r} of {path!r}", key, classes)
        for name, content in zip(names, _members(path, names), strict=True)
    ]


def batch(content: bytes, label: str, key: str, classes: int) -> _Part:
    """One batch, out of its pickle: a dict of `data` and of lists of labels."""
    with pickles.reading(label):
        held = _Reader(content).run()
        if type(held) is not dict:
            raise ValueError("it is no dict")
        held = {name.decode() if type(name) is bytes else name: held[name] for name in held}
        if "data" not in held or key not in held:
            raise ValueError(f"it must have 'data' and {key!r}, and has {list(held)}")
        pictures, labels = _pictures(held["data"]), held[key]
        if type(labels) is not list or not all(type(one) is int for one in labels):
            raise ValueError(f"{key!r} is no list of whole numbers")
        if len(labels) != len(pictures):
            raise ValueError(f"it has {len(labels)} labels and {len(pictures)} pictures")
        if not all(0 <= one < classes for one in labels):
            raise ValueError(f"its labels must be from 0 to {classes - 1}")
    if config.image_data_format() == "channels_last":
        pictures = pictures.transpose(0, 2, 3, 1)
    return np.array(pictures, order="C"), np.array(labels, "int64")


class _Reader(pickles.Reader):
    """A batch also holds a dict, long strings of bytes, and an array of uint8."""

    wanted = "dict of whole numbers, texts and arrays"
    dtypes = ("u1",)

    def items(self, pairs: list[Any]) -> None:
        held, names = self.stack[-1], pairs[::2]
        if type(held) is not dict or len(pairs) % 2:
            raise ValueError("values are put into something that is no dict")
        if not all(type(name) in (str, bytes) for name in names):
            raise ValueError("a name in its dict is no text")
        held.update(zip(names, pairs[1::2], strict=True))

    def item(self) -> None:
        value, name = self.stack.pop(), self.stack.pop()
        self.items([name, value])


_Reader.steps = {
    **pickles.STEPS,
    ord("}"): lambda reader: reader.stack.append({}),
    ord("s"): _Reader.item,
    ord("u"): lambda reader: reader.items(reader.since_mark()),
    ord("T"): lambda reader: reader.stack.append(reader.take(reader.number("I"))),
    ord("B"): lambda reader: reader.stack.append(reader.take(reader.number("I"))),
}


def _pictures(made: Any) -> np.ndarray:
    """The array that the file describes: (version, shape, dtype, order, bytes)."""
    if not isinstance(made, pickles.Made) or made.name != "array" or type(made.state) is not tuple:
        raise ValueError("its 'data' is no array")
    if len(made.state) != 5:
        raise ValueError("its array is described in another way than NumPy's")
    _, shape, dtype, by_columns, raw = made.state
    if not isinstance(dtype, pickles.Made) or dtype.name != "dtype":
        raise ValueError("its array has no dtype")
    pixels = math.prod(_SHAPE)
    if type(shape) is not tuple or len(shape) != 2 or type(shape[0]) is not int:
        raise ValueError(f"its array has no shape (n, {pixels})")
    raw = raw.encode("latin-1") if type(raw) is str else raw  # a short text of Python 2
    if type(raw) is not bytes or shape[1] != pixels or shape[0] * pixels != len(raw):
        raise ValueError(f"its array is not of {pixels} bytes for each picture")
    rows = np.frombuffer(raw, "uint8").reshape(shape, order="F" if by_columns else "C")
    return rows.reshape(-1, *_SHAPE)


def _members(path: str, names: list[str]) -> list[bytes]:
    """The content of some files of an archive."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if member.name not in names:
                    continue
                if not member.isreg() or member.name in found or member.size > _LARGEST:
                    raise ValueError(
                        f"{member.name!r} must be in {path!r} once, as a file of at most "
                        f"{_LARGEST} bytes. Received: another one, or {member.size} bytes"
                    )
                found[member.name] = archive.extractfile(member).read()
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path!r} is no whole .tar.gz archive: {str(error)[:80]}") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"{path!r} must hold {', '.join(names)}. Missing: {', '.join(missing)}")
    return [found[name] for name in names]

"""Fashion-MNIST: pictures of clothes, in the form of MNIST."""

from __future__ import annotations

import gzip
import struct
import zlib

import numpy as np

from npkeras.datasets import fetch

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
# The md5 hashes are those that the data set's authors publish; Keras checks none.
_FILES = {
    name: fetch.Remote(f"fashion-mnist/{name}", _ORIGIN + name, md5)
    for name, md5 in {
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    }.items()
}
_SIDE = 28
_BYTES_OF_1, _BYTES_OF_3 = 0x801, 0x803  # how a file of unsigned bytes with 1 or 3 axes begins
_LARGEST = 1 << 28
_Part = tuple[np.ndarray, np.ndarray]


def load_data() -> tuple[_Part, _Part]:
    """70,000 grey pictures, 28 x 28, of clothes and shoes, with their kinds from 0 to 9.

    0 to 9 are T-shirt or top, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag,
    ankle boot.
    The four files are downloaded once, to `~/.keras/datasets/fashion-mnist` (or below
    `KERAS_HOME`), shared with Keras, and checked against their published hashes each time they
    are used.
    Source: Xiao, Rasul & Vollgraf, 2017, arXiv:1708.07747; licence MIT.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8: pictures (60000, 28, 28) and
        (10000, 28, 28), labels (60000,) and (10000,).

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_test.shape  # doctest: +SKIP
        ((60000, 28, 28), (10000,))
    """
    paths = {name: fetch.cached(remote) for name, remote in _FILES.items()}
    return _part(paths, "train"), _part(paths, "t10k")


def _part(paths: dict[str, str], part: str) -> _Part:
    labels = _idx(paths[f"{part}-labels-idx1-ubyte.gz"], _BYTES_OF_1)
    pictures = _idx(paths[f"{part}-images-idx3-ubyte.gz"], _BYTES_OF_3)
    if pictures.shape != (len(labels), _SIDE, _SIDE):
        raise ValueError(
            f"fashion_mnist.load_data expected {part} pictures of shape "
            f"{(len(labels), _SIDE, _SIDE)}, one for each label. Received: shape {pictures.shape}"
        )
    return pictures, labels


def _idx(path: str, begin: int) -> np.ndarray:
    """The array in a compressed IDX file: a word, the length of each axis, the bytes."""
    axes = begin & 0xFF
    try:
        with gzip.open(path) as file:
            content = file.read(_LARGEST + 1)
        word, *shape = struct.unpack_from(f">{1 + axes}I", content)
    except (gzip.BadGzipFile, zlib.error, EOFError, struct.error) as error:
        raise ValueError(f"{path!r} is no whole IDX file: {str(error)[:80]}") from error
    data = np.frombuffer(content, "uint8", offset=4 * (1 + axes))
    if word != begin or len(content) > _LARGEST or int(np.prod(shape, dtype=object)) != len(data):
        raise ValueError(
            f"{path!r} must be an IDX file of bytes with {axes} axes. Received: one that begins "
            f"with {word:#x} and tells shape {tuple(shape)}, with {len(data)} bytes"
        )
    return data.reshape(shape).copy()

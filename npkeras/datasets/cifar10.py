"""CIFAR-10: small pictures of ten kinds of things."""

from __future__ import annotations

import numpy as np

from npkeras.datasets import cifar, fetch

_FILE = fetch.Remote(
    "cifar-10-batches-py-target_archive",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
)
_FOLDER = "cifar-10-batches-py/"
_Part = tuple[np.ndarray, np.ndarray]


def load_data() -> tuple[_Part, _Part]:
    """60,000 pictures in colour, 32 x 32, with what they show as numbers from 0 to 9.

    0 to 9 are airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck.
    The archive is downloaded once, to `~/.keras/datasets` (or below `KERAS_HOME`), shared with
    Keras, and checked against its published hash each time it is used. It holds pickles; they
    are read here without unpickling.
    Source: Krizhevsky, 2009, cs.toronto.edu/~kriz/cifar.html.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8: pictures (50000, 32, 32, 3) and
        (10000, 32, 32, 3), or with the channels second if `image_data_format` says so, and
        labels (50000, 1) and (10000, 1).

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_test.shape  # doctest: +SKIP
        ((50000, 32, 32, 3), (10000, 1))
    """
    names = [f"{_FOLDER}data_batch_{i}" for i in range(1, 6)]
    *train, test = cifar.load(_FILE, [*names, f"{_FOLDER}test_batch"], "labels", 10)
    return _joined(train), _joined([test])


def _joined(parts: list[_Part]) -> _Part:
    pictures, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return pictures, labels.astype("uint8")[:, None]

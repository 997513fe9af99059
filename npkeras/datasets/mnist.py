"""MNIST: pictures of handwritten digits."""

from __future__ import annotations

import os

import numpy as np

from npkeras.datasets import fetch, npz

_FILE = fetch.Remote(
    "mnist.npz",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
)
_SIDE = 28
_Part = tuple[np.ndarray, np.ndarray]


def load_data(path: str | os.PathLike[str] = "mnist.npz") -> tuple[_Part, _Part]:
    """70,000 grey pictures, 28 x 28, of handwritten digits, with the digits they show.

    The file is downloaded once, to `~/.keras/datasets` (or below `KERAS_HOME`), and shared with
    Keras. It is checked against its published hash each time it is used.
    Source: LeCun, Cortes & Burges, yann.lecun.com/exdb/mnist; licence CC BY-SA 3.0.

    Args:
        path: A bare name is that of the file in the cache. A path to a file of your own with
            the same four arrays, of any number of pictures, or to a folder that holds
            `mnist.npz`, is read as it is.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, all uint8: pictures (60000, 28, 28) and
        (10000, 28, 28) from 0 (paper) to 255 (ink), digits (60000,) and (10000,).

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_test.shape  # doctest: +SKIP
        ((60000, 28, 28), (10000,))
    """
    path = fetch.find(path, _FILE, "mnist.load_data")
    members = npz.read(path, ("x_train", "y_train", "x_test", "y_test"), "mnist.load_data")
    train = _part(members["x_train"], members["y_train"])
    return train, _part(members["x_test"], members["y_test"])


def _part(pictures: npz.Member, digits: npz.Member) -> _Part:
    if pictures.dtype != "uint8" or pictures.shape[1:] != (_SIDE, _SIDE):
        raise ValueError(
            f"{pictures.label} must be pictures of shape (n, {_SIDE}, {_SIDE}) and dtype uint8. "
            f"Received: shape {pictures.shape}, dtype {pictures.dtype}"
        )
    if digits.dtype.kind not in "iu" or digits.shape != pictures.shape[:1]:
        raise ValueError(
            f"{digits.label} must be whole numbers of shape {pictures.shape[:1]}, one for each "
            f"picture. Received: shape {digits.shape}, dtype {digits.dtype}"
        )
    return pictures.array(), digits.array()

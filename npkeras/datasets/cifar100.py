"""CIFAR-100: small pictures of a hundred kinds of things."""

from __future__ import annotations

import numpy as np

from npkeras.core import check
from npkeras.datasets import cifar, fetch

_FILE = fetch.Remote(
    "cifar-100-python-target_archive",
    "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
)
_CLASSES = {"fine": 100, "coarse": 20}
_Part = tuple[np.ndarray, np.ndarray]


def load_data(label_mode: str = "fine") -> tuple[_Part, _Part]:
    """60,000 pictures in colour, 32 x 32, of a hundred kinds that form twenty groups.

    The archive is downloaded once, to `~/.keras/datasets` (or below `KERAS_HOME`), shared with
    Keras, and checked against its published hash each time it is used. It holds pickles; they
    are read here without unpickling.
    Source: Krizhevsky, 2009, cs.toronto.edu/~kriz/cifar.html.

    Args:
        label_mode: "fine" for labels from 0 to 99, "coarse" for the groups, 0 to 19.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: pictures (50000, 32, 32, 3) and
        (10000, 32, 32, 3), uint8, or with the channels second if `image_data_format` says so,
        and labels (50000, 1) and (10000, 1), int64.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data("coarse")  # doctest: +SKIP
        >>> x_train.shape, int(y_train.max())  # doctest: +SKIP
        ((50000, 32, 32, 3), 19)
    """
    check.one_of(_CLASSES, label_mode, "label_mode", "cifar100.load_data")
    names = ["cifar-100-python/train", "cifar-100-python/test"]
    classes = _CLASSES[label_mode]
    (x_train, y_train), (x_test, y_test) = cifar.load(_FILE, names, f"{label_mode}_labels", classes)
    return (x_train, y_train[:, None]), (x_test, y_test[:, None])

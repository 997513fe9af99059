"""Tables in .npz files, `x` and `y`, of which the last rows of a random order are for tests."""

from __future__ import annotations

import numpy as np

from npkeras.core import check
from npkeras.datasets import npz

_Part = tuple[np.ndarray, np.ndarray]


def read(path: str, owner: str) -> _Part:
    """The rows of numbers in a file, and the target of each."""
    members = npz.read(path, ("x", "y"), owner)
    x, y = members["x"], members["y"]
    if x.dtype.kind not in "iuf" or len(x.shape) != 2:
        raise ValueError(
            f"{x.label} must be numbers of shape (rows, columns). "
            f"Received: shape {x.shape}, dtype {x.dtype}"
        )
    if y.dtype.kind not in "iuf" or y.shape[:1] != x.shape[:1]:
        raise ValueError(
            f"{y.label} must be numbers, one for each of {x.shape[0]} rows. "
            f"Received: shape {y.shape}, dtype {y.dtype}"
        )
    return x.array(), y.array()


def check_split(test_split: float, owner: str) -> None:
    """Refuse what is no fraction of the rows."""
    check.number(test_split, "test_split", owner, 0, below=1)


def split(x: np.ndarray, y: np.ndarray, test_split: float, seed: int) -> tuple[_Part, _Part]:
    """The rows in a random order, in two parts."""
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    x, y = x[order], y[order]
    count = int(len(x) * (1 - test_split))
    return (x[:count], y[:count]), (x[count:], y[count:])

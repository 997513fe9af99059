"""California Housing: the prices of houses in the districts of California in 1990."""

from __future__ import annotations

import os

import numpy as np

from npkeras.core import check
from npkeras.datasets import fetch, tables

_FILE = fetch.Remote(
    "california_housing.npz",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/california_housing.npz",
    "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
)
_SMALL = 600
_Part = tuple[np.ndarray, np.ndarray]


def load_data(
    version: str = "large",
    path: str | os.PathLike[str] = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> tuple[_Part, _Part]:
    """20,640 districts with 8 numbers each, and the median price of a house in dollars.

    The columns are longitude, latitude, median age of the houses, rooms, bedrooms, inhabitants,
    households and median income in 10,000 dollars.
    The file is downloaded once, to `~/.keras/datasets` (or below `KERAS_HOME`), shared with
    Keras, and checked against its published hash each time it is used.
    Source: Pace & Barry, 1997, doi.org/10.1016/S0167-7152(96)00140-X.

    Args:
        version: "large" for all districts, "small" for the first 600, which lie close to each
            other.
        path: A bare name is that of the file in the cache. A path to a file of your own with
            the arrays `x` (rows, columns) and `y` (rows,), or to a folder that holds
            `california_housing.npz`, is read as it is.
        test_split: The fraction of the rows that is for tests.
        seed: Of the order of the rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, of the dtypes in the file.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data("small")  # doctest: +SKIP
        >>> x_train.shape, y_test.shape  # doctest: +SKIP
        ((480, 8), (120,))
    """
    check.one_of(("small", "large"), version, "version", "california_housing.load_data")
    tables.check_split(test_split, "california_housing.load_data")
    path = fetch.find(path, _FILE, "california_housing.load_data")
    x, y = tables.read(path, "california_housing.load_data")
    if version == "small":
        x, y = x[:_SMALL], y[:_SMALL]
    return tables.split(x, y, test_split, seed)

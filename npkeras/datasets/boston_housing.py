"""Boston Housing: the prices of houses in the suburbs of Boston in the 1970s."""

from __future__ import annotations

import os

import numpy as np

from npkeras.datasets import fetch, tables

_FILE = fetch.Remote(
    "boston_housing.npz",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/boston_housing.npz",
    "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
)
_Part = tuple[np.ndarray, np.ndarray]


def load_data(
    path: str | os.PathLike[str] = "boston_housing.npz", test_split: float = 0.2, seed: int = 113
) -> tuple[_Part, _Part]:
    """506 districts with 13 numbers each, and the median price of a house in 1000 dollars.

    One of the columns was made from the share of black inhabitants, on the assumption that
    people pay for living apart; `california_housing` has no such column.
    The file is downloaded once, to `~/.keras/datasets` (or below `KERAS_HOME`), shared with
    Keras, and checked against its published hash each time it is used.
    Source: Harrison & Rubinfeld, 1978, doi.org/10.1016/0095-0696(78)90006-2.

    Args:
        path: A bare name is that of the file in the cache. A path to a file of your own with
            the arrays `x` (rows, columns) and `y` (rows,), or to a folder that holds
            `boston_housing.npz`, is read as it is.
        test_split: The fraction of the rows that is for tests.
        seed: Of the order of the rows.

    Returns:
        `(x_train, y_train), (x_test, y_test)`, float64.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
        >>> x_train.shape, y_test.shape  # doctest: +SKIP
        ((404, 13), (102,))
    """
    tables.check_split(test_split, "boston_housing.load_data")
    path = fetch.find(path, _FILE, "boston_housing.load_data")
    return tables.split(*tables.read(path, "boston_housing.load_data"), test_split, seed)

"""Data in two parts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np

from npkeras.core import check
from npkeras.data import Dataset

_OWNER = "split_dataset"


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """Data in two parts, say one to train on and one to test with.

    Args:
        dataset: An array, a tuple or list of arrays of one length, or a `Dataset`. The samples of
            a data set in batches are split, and put in batches of the same size again.
        left_size: How many samples the first part has: a number, or a fraction of all. None: what
            the second leaves.
        right_size: The same of the second part, which is taken from the end.
        shuffle: Whether the samples are put in another order before.
        seed: For the order. None: drawn from Python's `random`.
        preferred_backend: As in Keras; it changes nothing.

    Returns:
        Two `Dataset`s of samples, or of batches.

    Example:
        >>> left, right = split_dataset(np.arange(10), left_size=0.8)
        >>> [int(x) for x in right]
        [8, 9]
    """
    samples, batch_size = _samples(dataset)
    left, right = _sizes(left_size, right_size, len(samples))
    if shuffle:
        random.Random(random.randint(0, 10**6) if seed is None else seed).shuffle(samples)
    parts = samples[:left], samples[len(samples) - right :]
    first, second = (_dataset(part, batch_size) for part in parts)
    return first, second


def _samples(dataset: Any) -> tuple[list[Any], int | None]:
    if isinstance(dataset, np.ndarray) and dataset.ndim:
        return list(dataset), None
    if isinstance(dataset, (tuple, list)) and dataset:
        if not all(isinstance(part, np.ndarray) and part.ndim for part in dataset):
            raise ValueError(
                f"`dataset` of {_OWNER} must be an array, arrays, or a Dataset. "
                f"Received: {check.shown(dataset)}"
            )
        if len({len(part) for part in dataset}) > 1:
            raise ValueError(
                f"The arrays given to {_OWNER} must have one length. "
                f"Received: lengths {', '.join(str(len(part)) for part in dataset)}"
            )
        return list(zip(*dataset, strict=True)), None
    if isinstance(dataset, Dataset):
        if dataset.cardinality() == -1:
            raise ValueError(f"{_OWNER} cannot split a Dataset without end. Use `take` before.")
        if dataset.batch_size is not None:
            return list(dataset.unbatch()), dataset.batch_size
        return list(dataset), None
    if hasattr(dataset, "as_numpy_iterator"):
        return list(dataset.as_numpy_iterator()), None
    raise TypeError(
        f"`dataset` of {_OWNER} must be an array, arrays, or a Dataset. "
        f"Received: {check.shown(dataset)} of type {type(dataset).__name__}"
    )


def _sizes(left_size: Any, right_size: Any, total: int) -> tuple[int, int]:
    if left_size is None and right_size is None:
        raise ValueError(f"{_OWNER} needs `left_size` or `right_size`. Received: neither")
    left, right = (
        _count(size, name, total)
        for size, name in ((left_size, "left_size"), (right_size, "right_size"))
    )
    left = total - right if left is None else left
    right = total - left if right is None else right
    if left + right > total or left < 1 or right < 1:
        raise ValueError(
            f"{_OWNER} must give each part a sample, and none to both. Received: "
            f"left_size={left_size}, right_size={right_size}, which of {total} samples makes "
            f"{left} and {right}"
        )
    return left, right


def _count(size: Any, name: str, total: int) -> Any:
    if size is None:
        return None
    if isinstance(size, bool) or not isinstance(size, (int, float, np.integer, np.floating)):
        raise TypeError(
            f"`{name}` of {_OWNER} must be a number of samples or a fraction. "
            f"Received: {name}={check.shown(size)} of type {type(size).__name__}"
        )
    whole = check.is_int(size)
    if not 0 < size < (total if whole else 1):
        raise ValueError(
            f"`{name}` of {_OWNER} must be a number of samples from 1 to {total - 1}, or a "
            f"fraction between 0 and 1. Received: {name}={size}"
        )
    return int(size) if whole else round(float(size) * total)


def _dataset(samples: list[Any], batch_size: int | None) -> Dataset:
    def read() -> Iterator[Any]:
        return iter(samples)

    data = Dataset(read, len(samples))
    return data if batch_size is None else data.batch(batch_size)

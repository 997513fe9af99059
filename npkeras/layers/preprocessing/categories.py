"""Category numbers as vectors: which of them are there, and how often."""

import numpy as np

from npkeras.core import check
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain

MODES = ("one_hot", "multi_hot", "count")


def encoded(numbers, size, mode, dtype, weights=None):
    """Vectors with `size` entries. Numbers outside 0 ... size - 1 count for nothing.

    Args:
        numbers: An array of integers.
        size: How many categories there are.
        mode: `"one_hot"`: each number becomes a vector with a 1 at its place. `"count"`: the
            numbers of a sample become one vector, of how often each is there. `"multi_hot"`: the
            same, with 1 for what is there.
        dtype: The dtype of the result.
        weights: With `"count"`, what each number counts for. None: 1.

    Shapes:
        one_hot: numbers (..., 1) -> (..., size), else numbers (...) -> (..., size)
        others: numbers (time) -> (size), numbers (batch, time, ...) -> (batch, ..., size)
    """
    if mode == "one_hot":
        numbers = numbers.reshape(_places(numbers.shape))
        return (numbers[..., None] == np.arange(size)).astype(dtype)
    along = 1 if numbers.ndim > 1 else 0
    numbers = np.moveaxis(np.atleast_1d(numbers), along, -1)
    lead = numbers.shape[:-1]
    rows = np.arange(int(np.prod(lead)))[:, None]
    places = numbers.reshape(len(rows), numbers.shape[-1])
    known = (places >= 0) & (places < size)
    flat = (places + rows * size)[known]
    if weights is not None:
        weights = np.moveaxis(np.atleast_1d(weights), along, -1).reshape(places.shape)[known]
    counts = np.bincount(flat, weights, minlength=len(rows) * size).reshape(*lead, size)
    return (counts > 0 if mode == "multi_hot" else counts).astype(dtype)


def encoded_shape(shape, size, mode):
    """The shape of `encoded` for numbers of a shape."""
    if mode == "one_hot":
        return (*_places(shape), size)
    return (*shape[:1], *shape[2:], size) if len(shape) > 1 else (size,)


def _places(shape):
    """The shape without a last axis of length 1; a single number is a list of one."""
    if not shape:
        return (1,)
    return shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape


def bare(inputs):
    """The inputs of a layer as one bare array; what is symbolic stays as it is."""
    return inputs if isinstance(inputs, KerasTensor) else np.asarray(plain(inputs))


def refuse_sparse(sparse, owner):
    """Refuse sparse outputs, which NumPy has not."""
    if sparse:
        raise ValueError(
            f"npkeras has no sparse tensors: leave `sparse` of {owner} False. "
            f"Received: sparse={check.shown(sparse)}"
        )


def batches(data, steps=None):
    """What `adapt` is given, batch by batch: an array or a list is one batch."""
    if isinstance(data, (list, tuple, np.ndarray, np.generic)):
        yield data
        return
    if hasattr(data, "__array__") or not hasattr(data, "__iter__"):
        yield np.asarray(plain(data))
        return
    for i, batch in enumerate(data):
        if steps is not None and i >= steps:
            return
        yield batch

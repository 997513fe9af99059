"""Arrays of lists of whole numbers, out of files that hold them pickled."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from npkeras.datasets.npz import Member
from npkeras.datasets.pickles import Made, Reader, reading

_MOST_PER_BYTE = 16


class Lists(NamedTuple):
    """Lists of whole numbers, end to end: list i is the `lengths[i]` values after those before."""

    values: np.ndarray
    lengths: np.ndarray


def read(member: Member) -> Lists:
    """The lists of whole numbers in a one-dimensional array of objects.

    However often the file repeats a list, no more numbers are made than 16 for each of its bytes.
    """
    if member.dtype != np.dtype(object) or len(member.shape) != 1:
        raise ValueError(
            f"{member.label} must be a row of lists (dtype object, one axis). "
            f"Received: dtype {member.dtype}, shape {member.shape}"
        )
    data = bytes(member.data)
    with reading(member.label):
        return _flat(Reader(data).run(), member.shape, _MOST_PER_BYTE * len(data))


def _flat(made: Any, shape: tuple[int, ...], most: int) -> Lists:
    if not isinstance(made, Made) or made.name != "array" or made.state is None:
        raise ValueError("it ends without an array")
    if len(made.state) != 5 or made.state[1] != shape or type(made.state[4]) is not list:
        raise ValueError(f"its array is not of the shape {shape} that its header tells")
    rows = made.state[4]
    if len(rows) != shape[0] or any(type(row) is not list for row in rows):
        raise ValueError(f"its array does not hold {shape[0]} lists")
    lengths = np.fromiter(map(len, rows), "int64", len(rows))
    total = int(lengths.sum())
    if total > most:
        raise ValueError(f"its lists repeat each other up to {total} values, more than {most}")
    values = np.fromiter(itertools.chain.from_iterable(rows), "int64", total)
    return Lists(values, lengths)

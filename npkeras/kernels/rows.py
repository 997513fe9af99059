"""Rows of a table: take some, and add gradients to those that were taken."""

from __future__ import annotations

import numpy as np

from npkeras.core.rows import sum_rows
from npkeras.kernels import kernel

Array = np.ndarray


@kernel
def gather_rows(table: Array, indices: Array) -> Array:
    """The rows of `table` at `indices`.

    Shapes: table (rows, ...), indices (any shape) of integers in [0, rows) -> (any shape, ...)
    """
    return np.take(table, indices, axis=0)


@kernel
def add_rows(table: Array, indices: Array, rows: Array) -> Array:
    """`table` itself, with `rows` added at `indices` in place; repeated indices add up.

    Shapes: table (all, ...), indices (n,) of integers in [0, all), rows (n, ...)
    """
    distinct, sums = sum_rows(indices, rows)
    table[distinct] += sums
    return table

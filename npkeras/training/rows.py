"""Rows of outputs that come batch by batch, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from npkeras.core import tree


class Rows:
    """Outputs of many batches, gathered in arrays of the final size where that is known."""

    def __init__(self, count: int | None) -> None:
        self.count = count
        self.filled = 0
        self.parts: list[Any] = []
        self.arrays: Any = None

    def append(self, outputs: Any) -> None:
        leaves = tree.leaves(outputs)
        rows = leaves[0].shape[0] if leaves[0].ndim else 0
        fits = self.count is not None and self.filled + rows <= self.count
        if not fits or not all(leaf.ndim and len(leaf) == rows for leaf in leaves):
            if self.arrays is not None:
                self.parts.append(self.result())
            self.count = self.arrays = None
            self.parts.append(outputs)
            return
        if self.arrays is None:
            if rows == self.count:
                self.arrays, self.filled = outputs, rows
                return
            self.arrays = tree.map(
                lambda leaf: np.empty((self.count, *leaf.shape[1:]), leaf.dtype), outputs
            )
        place: Callable[..., None] = self._place
        tree.map(place, self.arrays, outputs)
        self.filled += rows

    def _place(self, array: Any, part: Any) -> None:
        array[self.filled : self.filled + len(part)] = part

    def result(self) -> Any:
        if self.arrays is not None:
            filled = self.filled
            return tree.map(lambda array: array[:filled], self.arrays)
        if not self.parts:
            raise ValueError("`predict` was given no batch: the data end before the first one.")
        if len(self.parts) == 1:
            return self.parts[0]
        return tree.map(lambda *leaves: np.concatenate(np.atleast_1d(*leaves)), *self.parts)

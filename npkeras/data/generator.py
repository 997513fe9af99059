"""Batches from any Python iterable."""

import numpy as np

from npkeras.core import check, tree
from npkeras.data import rows
from npkeras.data.base import Adapter
from npkeras.data.split import unpack_x_y_sample_weight


class GeneratorAdapter(Adapter):
    """Batches that a generator, or any other iterable, yields.

    What it yields is `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`, each an array or a nest of
    arrays with one row for each sample. A generator can be read once, so several epochs need
    `steps`; an object whose `__iter__` begins anew serves any number of epochs.
    """

    kind = "generator"

    def __init__(self, iterable, steps=None):
        super().__init__(steps)
        self.iterable = iterable
        self.repeatable = iter(iterable) is not iterable
        if hasattr(iterable, "__len__"):
            self.length = len(iterable)

    def batches(self):
        return map(self._batch, self.iterable)

    def _batch(self, batch):
        if not isinstance(batch, (tuple, dict)) and not rows.is_array(batch):
            received = f"{check.shown(batch)} of type {type(batch).__name__}"
            if isinstance(batch, list):
                received = f"a list of {len(batch)} entries; write `tuple(...)`"
            raise ValueError(
                f"A {self.kind} must yield `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`, "
                f"tuples of arrays. Received: {received}"
            )
        return standard(batch, self.kind)


def standard(batch, kind):
    """A batch as `(x, y, sample_weight)`, nests of NumPy arrays of one length."""
    x, y, sample_weight = parts = tuple(map(_plain, unpack_x_y_sample_weight(batch)))
    lengths = {_length(leaf, kind) for leaf in tree.leaves(parts) if leaf is not None}
    if len(lengths) > 1:
        rows.common_length(x=x, y=y, sample_weight=sample_weight)
    return x, y, sample_weight


def _plain(structure):
    """The same nest, of NumPy arrays. What already is one is not touched."""
    if structure is None or type(structure) is np.ndarray:
        return structure
    if isinstance(structure, (list, tuple, dict)) and not rows.is_numbers(structure):
        return tree.map(_plain, structure)
    return rows.plain(structure, "batch")


def _length(leaf, kind):
    if not leaf.shape:
        raise ValueError(
            f"A {kind} must yield batches, arrays with one row for each sample. "
            f"Received: a single number, {leaf!r}"
        )
    return leaf.shape[0]

"""Batches of arrays in memory, in files, in tables: anything that can be read by row numbers."""

import numpy as np

from npkeras.core import check, tree
from npkeras.data import rows
from npkeras.data.base import Adapter
from npkeras.data.class_weight import ClassWeights


class ArrayAdapter(Adapter):
    """Batches of nests of arrays.

    Without shuffling the batches are views of the arrays. With it, each epoch draws one
    permutation of all rows (`shuffle="batch"`: one within each batch, for data in files) from
    NumPy's global generator, and each array is read once for each batch.

    Args:
        x, y, sample_weight: Arrays, or nests of arrays, with the same number of rows.
        batch_size: How many rows a batch has. None: 32.
        steps: How many batches an epoch has. None: all.
        shuffle: True, False or "batch".
        class_weight: A dict from class numbers to weights of their samples. None: all 1.
        owner: The method that wants the data, for messages.
        may_be_empty: Whether arrays without rows are allowed.
    """

    kind = "arrays"

    def __init__(
        self,
        x,
        y=None,
        sample_weight=None,
        batch_size=None,
        steps=None,
        shuffle=False,
        class_weight=None,
        owner="fit",
        may_be_empty=False,
    ):
        super().__init__(steps)
        self.batch_size = check.positive_int(
            32 if batch_size is None else batch_size, "batch_size", f"`{owner}`"
        )
        self.shuffle = check.one_of((True, False, "batch"), shuffle, "shuffle", f"`{owner}`")
        if class_weight is not None and sample_weight is not None:
            raise ValueError(
                f"`{owner}` takes `class_weight` or `sample_weight`, not both. "
                "Multiply the sample weights by the weights of the classes yourself."
            )
        self.x, self.y = rows.rows_of(x, "x"), rows.rows_of(y, "y")
        self.sample_weight = _weights_like(self.y, rows.rows_of(sample_weight, "sample_weight"))
        self.num_samples = rows.common_length(x=self.x, y=self.y, sample_weight=self.sample_weight)
        if self.num_samples == 0 and not may_be_empty:
            raise ValueError(
                f"`{owner}` needs at least one sample. Received: 0 samples, x={_shapes(self.x)}"
            )
        self.length = -(-self.num_samples // self.batch_size)
        self._class_weights = None if class_weight is None else ClassWeights(class_weight)

    @property
    def batches_are_alike(self):
        return not self.has_partial_batch

    def batches(self):
        x, y, weights = self.x, self.y, self.sample_weight
        for index in self._indices():
            targets = None if y is None else rows.read(y, index)
            sample_weight = None if weights is None else rows.read(weights, index)
            if self._class_weights is not None:
                sample_weight = self._class_weights(targets)
            yield rows.read(x, index), targets, sample_weight

    def _indices(self):
        order = np.random.permutation(self.num_samples) if self.shuffle is True else None
        for start in range(0, self.num_samples, self.batch_size):
            stop = min(start + self.batch_size, self.num_samples)
            if self.shuffle == "batch":
                yield start + np.random.permutation(stop - start)
            elif self.shuffle:
                yield order[start:stop]
            else:
                yield slice(start, stop)


def _weights_like(y, sample_weight):
    """Sample weights in the form of the targets: one array serves all of several targets."""
    if sample_weight is None:
        return None
    _refuse_non_finite(sample_weight)
    if tree.is_nested(y) and not tree.is_nested(sample_weight):
        return tree.map(lambda _: sample_weight, y)
    if tree.is_nested(y) and not tree.same(y, sample_weight):
        raise ValueError(
            "`sample_weight` must be one array, or have one array for each target, in the form "
            f"of `y`. Received: y={_shapes(y)}, sample_weight={_shapes(sample_weight)}"
        )
    return sample_weight


def _refuse_non_finite(sample_weight):
    for weights in tree.leaves(sample_weight):
        if type(weights) is rows.Rows and weights.dtype.kind == "f":
            array = np.asarray(weights.array)
            bad = np.argwhere(~np.isfinite(array))
            if len(bad):
                raise ValueError(
                    f"`{weights.name}` must hold finite numbers. Received: "
                    f"{array[tuple(bad[0])]} for sample {bad[0][0]}"
                )


def _shapes(structure):
    """A nest with the shapes of its arrays, short enough for a message."""
    text = str(tree.map(lambda array: getattr(array, "shape", None), structure))
    return text if len(text) <= 80 else text[:77] + "..."

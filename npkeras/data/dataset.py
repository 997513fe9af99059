"""Batches from the data sets of other libraries, told by their looks: nothing is imported."""

import numpy as np

from npkeras.core import tree
from npkeras.data.base import Adapter
from npkeras.data.class_weight import ClassWeights
from npkeras.data.generator import standard


class DatasetAdapter(Adapter):
    """Batches of a data set that knows its own batches, order and length.

    Serves `tf.data.Dataset` (by `as_numpy_iterator`) and PyTorch's `DataLoader`. Tensors become
    NumPy arrays.
    """

    def __init__(self, dataset, steps=None, class_weight=None):
        super().__init__(steps)
        self.dataset = dataset
        self.kind = type(dataset).__name__.strip("_")
        self._class_weights = None if class_weight is None else ClassWeights(class_weight)

    @property
    def length(self):
        if hasattr(self.dataset, "cardinality"):
            count = int(self.dataset.cardinality())
            return count if count >= 0 else None  # negative: endless, or unknown
        try:
            return len(self.dataset)
        except TypeError:
            return None

    @property
    def batches_are_alike(self):
        spec = getattr(self.dataset, "element_spec", None)  # TensorFlow's say what is to come
        shapes = [getattr(leaf, "shape", None) for leaf in tree.leaves(spec)]
        return all(getattr(s, "rank", None) and s[0] is not None for s in shapes)

    def batches(self):
        read = getattr(self.dataset, "as_numpy_iterator", self.dataset.__iter__)
        for batch in read():
            if type(batch) is list:
                batch = tuple(batch)
            x, y, sample_weight = standard(tree.map(_array, batch), self.kind)
            if self._class_weights is not None:
                if sample_weight is not None:
                    raise ValueError(
                        f"The {self.kind} gives sample weights, so `class_weight` may not be given."
                    )
                sample_weight = self._class_weights(y)
            yield x, y, sample_weight


def is_foreign_dataset(value):
    """Whether this is a data set of TensorFlow or a loader of PyTorch."""
    if hasattr(value, "as_numpy_iterator"):
        return True
    return all(hasattr(value, name) for name in ("dataset", "batch_size", "collate_fn", "__iter__"))


def _array(tensor):
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().cpu().numpy()
    return None if tensor is None else np.asarray(tensor)

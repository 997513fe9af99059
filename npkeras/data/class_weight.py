"""Class weights as sample weights."""

import math
import numbers
import warnings

import numpy as np

from npkeras.core import check, config, dtypes

MOST_CLASSES = 10_000_000  # a larger key is a mistake, and its table would not fit in memory


class ClassWeights:
    """The weight of each sample by its class; called with the targets of a batch.

    The classes are whole numbers, of shape (batch,) or (batch, 1), or one-hot rows, of shape
    (batch, classes). A class without a weight counts 1, with one warning.

    Example:
        >>> ClassWeights({0: 1.0, 1: 5.0})(np.array([1, 0, 1]))
        array([5., 1., 5.], dtype=float32)
    """

    def __init__(self, class_weight):
        if not isinstance(class_weight, dict):
            raise TypeError(
                "`class_weight` must be a dict from class numbers to weights. "
                f"Received: class_weight={check.shown(class_weight)}"
            )
        classes = [_class_number(key) for key in class_weight]
        dtype = dtypes.numpy_dtype(config.floatx())
        self.table = np.full(max(classes, default=-1) + 2, math.nan, dtype)  # one row for others
        for number, weight in zip(classes, class_weight.values(), strict=True):
            owner = f"`class_weight` for class {number}"
            self.table[number] = check.number(weight, "weight", owner, low=0)
        self._warned = False

    def __call__(self, y):
        if isinstance(y, (list, tuple, dict)) or y is None:
            raise ValueError(
                "`class_weight` needs a model with a single output, and its targets. "
                f"Received: y of type {type(y).__name__}"
            )
        weights = self.table[self._rows(np.asarray(y))]
        missing = np.isnan(weights)
        if missing.any():
            weights[missing] = 1
            self._warn(y, missing)
        return weights

    def _rows(self, y):
        if y.ndim > 2 or y.ndim == 0:
            raise ValueError(
                "`class_weight` needs targets of shape (batch,), (batch, 1) or (batch, classes). "
                f"Received: y of shape {y.shape}"
            )
        others = len(self.table) - 1
        labels = y.argmax(-1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(len(y))
        known = (labels >= 0) & (labels < others)
        if labels.dtype.kind == "f":
            known &= labels == np.floor(labels)
        return np.where(known, labels, others).astype(np.intp)

    def _warn(self, y, missing):
        if not self._warned:
            labels = y.argmax(-1) if y.ndim == 2 and y.shape[1] > 1 else y.reshape(len(y))
            warnings.warn(
                "`class_weight` lacks a class that is among the targets: "
                f"{labels[missing][0]}. Such samples have weight 1.",
                stacklevel=4,
            )
        self._warned = True


def _class_number(key):
    integral = isinstance(key, numbers.Real) and not isinstance(key, bool) and key == int(key)
    if not integral or not 0 <= key < MOST_CLASSES:
        raise ValueError(
            f"The keys of `class_weight` must be class numbers: 0, 1, ... Received: {key!r}"
        )
    return int(key)

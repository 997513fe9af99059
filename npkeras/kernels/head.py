"""The last layer of a classifier with many classes, and its cross-entropy, block by block.

    logits = x @ kernel + bias
    loss = log(sum(exp(logits))) - logits[label]
    dlogits = (softmax(logits) - onehot(label)) * weight

For a vocabulary of 10,000 words the logits of a batch take hundreds of megabytes, and each pass
over them costs more than the matmul that made them. Here a few rows at a time go through all
passes, forward and backward, in one buffer that stays in the cache; the logits are never held.

The softmax is never divided by its sums: the small factors of the two matmuls of the backward
pass are. The part of the label is added at the end, as it touches one column per row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from npkeras.core.rows import sum_rows
from npkeras.kernels import kernel
from npkeras.kernels.threads import halves, together

Array = np.ndarray

_BLOCK_BYTES = 2**22  # enough rows for the matmuls, few enough for the cache
_TWO = 2**20  # so many logits are worth a second thread


class HeadLoss(NamedTuple):
    """What is known of each row, and the gradients for the given weights of the rows."""

    loss: Array  # (rows,)
    best: Array  # (rows,): the class with the largest logit
    dx: Array | None
    dkernel: Array | None
    dbias: Array | None


@kernel
def head_crossentropy(
    x: Array,
    kernel: Array,
    bias: Array | None,
    labels: Array,
    row_weights: Array | None = None,
    want_x: bool = False,
    want_weights: bool = False,
) -> HeadLoss:
    """The cross-entropy of softmax(x @ kernel + bias), and the gradients of its weighted sum.

    Args:
        labels: The right class of each row, integers in [0, classes).
        row_weights: What each row's loss counts for in the sum; 1 if None.
        want_x, want_weights: Which gradients are wanted.

    Shapes:
        x (rows, features), kernel (features, classes), bias (classes,), labels and row_weights
        (rows,)
    """
    rows, features = x.shape
    classes = kernel.shape[1]
    inputs, weights = x, kernel
    if bias is not None:
        inputs = np.concatenate([x, np.ones((rows, 1), x.dtype)], axis=1)
        weights = np.concatenate([kernel, bias[None]])
    loss, best = np.empty(rows, x.dtype), np.empty(rows, np.intp)
    factors = np.ones(rows, x.dtype) if row_weights is None else row_weights.astype(x.dtype)
    dx = np.empty_like(x) if want_x else None

    def work(part: slice) -> Array | None:
        into = None if dx is None else dx[part]
        results = loss[part], best[part], into
        return _by_blocks(
            inputs[part], weights, labels[part], factors[part], *results, want_weights
        )

    if rows * classes >= _TWO:
        first, second = halves(rows)
        dweights, more = together(lambda: work(first), lambda: work(second))
        if want_weights:
            dweights += more
    else:
        dweights = work(slice(0, rows))
    if dx is not None:
        dx -= kernel.T[labels] * factors[:, None]
    if not want_weights:
        return HeadLoss(loss, best, dx, None, None)
    distinct, right = sum_rows(labels, inputs * factors[:, None])
    dweights[:, distinct] -= right.T
    dbias = None if bias is None else dweights[-1]
    return HeadLoss(loss, best, dx, dweights[:features], dbias)


def _by_blocks(
    inputs: Array,
    weights: Array,
    labels: Array,
    factors: Array,
    loss: Array,
    best: Array,
    dx: Array | None,
    want_weights: bool,
) -> Array | None:
    """Fill `loss`, `best` and `dx`, all but the part of the labels; the gradient of the weights."""
    rows, classes = len(inputs), weights.shape[1]
    length = max(1, min(rows, _BLOCK_BYTES // max(1, classes * inputs.itemsize)))
    space = np.empty((length, classes), inputs.dtype)
    one = np.ones(classes, inputs.dtype)
    dweights = np.zeros_like(weights) if want_weights else None
    for start in range(0, rows, length):
        part = slice(start, min(start + length, rows))
        logits = np.matmul(inputs[part], weights, out=space[: part.stop - start])
        loss[part], best[part], sums = _passes(logits, labels[part], one)
        scale = (factors[part] / sums)[:, None]
        if dx is not None:
            kernel = weights[: dx.shape[1]]
            np.multiply(np.matmul(logits, kernel.T), scale, out=dx[part])
        if dweights is not None:
            dweights += np.matmul((inputs[part] * scale).T, logits)
    return dweights


def _passes(logits: Array, labels: Array, one: Array) -> tuple[Array, Array, Array]:
    """The loss, the largest class and the sum of each row; the logits become exp(shifted)."""
    each = np.arange(len(logits))
    best = logits.argmax(axis=-1)
    np.subtract(logits, logits[each, best][:, None], out=logits)  # exp never overflows
    right = logits[each, labels]
    np.exp(logits, out=logits)
    sums = np.matmul(logits, one)  # three times as fast as `sum`
    return np.log(sums) - right, best, sums

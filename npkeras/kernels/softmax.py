"""Softmax, and the cross-entropy of what a softmax would give, worked from the logits.

Wide rows are taken a few at a time, so that the passes over them (largest, exp, sum, quotient)
find them in the cache. Half precision is computed in single precision.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from npkeras.kernels import kernel

Array = np.ndarray
Axis = int | tuple[int, ...]

_BLOCK_BYTES = 2**18


@kernel
def softmax(x: Array, axis: Axis = -1) -> Array:
    """exp(x) / sum(exp(x)) along an axis or several; no entry overflows."""
    wide = _widened(x)
    if wide.ndim != 2 or axis not in (-1, 1):
        return _softmax(wide, axis, np.empty_like(wide)).astype(x.dtype, copy=False)
    y = np.empty_like(wide)
    for rows in _blocks(wide):
        _softmax(wide[rows], -1, y[rows])
    return y.astype(x.dtype, copy=False)


@kernel
def log_softmax(x: Array, axis: Axis = -1) -> Array:
    """x - log(sum(exp(x))) along an axis or several."""
    wide = _widened(x)
    shifted = wide - _largest(wide, axis)
    shifted -= np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
    return shifted.astype(x.dtype, copy=False)


@kernel
def softmax_crossentropy(logits: Array, labels: Array) -> tuple[Array, Array]:
    """-log softmax(logits)[label] for each row, and the probabilities themselves.

    The loss is log(sum(exp(shifted))) - shifted[label], with shifted = logits - max(logits): it
    is exact where the probability itself would round to 0.

    Shapes: logits (rows, classes), labels (rows,) of integers in [0, classes)
    Returns: loss (rows,), probabilities (rows, classes)
    """
    wide = _widened(logits)
    probabilities, loss = np.empty_like(wide), np.empty(len(wide), wide.dtype)
    for rows in _blocks(wide):
        x, y = wide[rows], probabilities[rows]
        largest = _largest(x, -1)
        chosen = np.take_along_axis(x, labels[rows, None].astype(np.intp, copy=False), axis=-1)
        np.exp(np.subtract(x, largest, out=y), out=y)
        sums = y.sum(axis=-1, keepdims=True)
        loss[rows] = (np.log(sums) - (chosen - largest))[:, 0]
        np.divide(y, sums, out=y)
    return loss.astype(logits.dtype, copy=False), probabilities.astype(logits.dtype, copy=False)


@kernel
def softmax_crossentropy_dense(logits: Array, targets: Array) -> tuple[Array, Array]:
    """-sum(targets * log softmax(logits)) for each row, and the probabilities themselves.

    A class whose target is 0 adds nothing, even if its probability is exactly 0.

    Shapes: logits (rows, classes), targets (rows, classes)
    Returns: loss (rows,), probabilities (rows, classes)
    """
    wide = _widened(logits)
    probabilities, loss = np.empty_like(wide), np.empty(len(wide), wide.dtype)
    for rows in _blocks(wide):
        x, y, weights = wide[rows], probabilities[rows], targets[rows].astype(wide.dtype)
        shifted = x - _largest(x, -1)
        np.exp(shifted, out=y)
        sums = y.sum(axis=-1, keepdims=True)
        shifted -= np.log(sums)
        with np.errstate(invalid="ignore"):
            np.multiply(weights, shifted, out=shifted)  # 0 times -inf is not 0 ...
        shifted[weights == 0] = 0  # ... but here it counts as such
        loss[rows] = -shifted.sum(axis=-1)
        np.divide(y, sums, out=y)
    return loss.astype(logits.dtype, copy=False), probabilities.astype(logits.dtype, copy=False)


def _widened(x: Array) -> Array:
    return x.astype(np.float32) if x.dtype == np.float16 else x


def _largest(x: Array, axis: Axis) -> Array:
    return x.max(axis=axis, keepdims=True, initial=-np.inf)


def _softmax(x: Array, axis: Axis, y: Array) -> Array:
    np.exp(np.subtract(x, _largest(x, axis), out=y), out=y)
    return np.divide(y, y.sum(axis=axis, keepdims=True), out=y)


def _blocks(x: Array) -> Iterator[slice]:
    """Slices of the rows of `x`, each small enough for the cache."""
    length = max(1, _BLOCK_BYTES // max(1, x.shape[1] * x.itemsize))
    for start in range(0, len(x), length):
        yield slice(start, start + length)

"""A dense layer; over many classes its outputs are not computed until somebody reads them."""

from __future__ import annotations

import math

import numpy as np

from npkeras.core.attach import attach, attached
from npkeras.core.deferred import Deferred, may_defer
from npkeras.core.op import fused_op
from npkeras.core.shapes import float_dtype, shape_of
from npkeras.core.sums import column_sums
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import Traced, plain, recording
from npkeras.kernels import dense as small
from npkeras.kernels import head as kernels
from npkeras.kernels.contraction import product
from npkeras.ops.elementwise import add
from npkeras.ops.products import matmul

CLASSES = 1024  # with fewer, a layer is no head over a vocabulary
ENTRIES = 2**21  # with fewer, its outputs fit into the cache anyway


def dense(x, kernel, bias=None, rectify=False):
    """x @ kernel + bias, and of that max(y, 0) if `rectify`.

    Shapes: x (..., features), kernel (features, units), bias (units,) -> (..., units)
    """
    if not rectify and _is_large(x, kernel):
        return Head(x, kernel, bias).logits()
    return _dense(x, kernel, bias, rectify=rectify)


def _dense_infer(x, kernel, bias, *, rectify):
    y = matmul.infer(x, kernel)
    return y if bias is None else add.infer(y, bias)


@fused_op(_dense_infer, promote=True)
def _dense(x, kernel, bias, *, rectify, wanted):
    rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1]) if x.ndim > 1 else x
    if rows.ndim == kernel.ndim == 2 and small.is_tall(rows, kernel):
        return _tall_dense(x, rows, kernel, bias, rectify, wanted)
    y = matmul.forward(x, kernel)
    if bias is not None:
        y = np.add(y, bias, out=y if y.dtype == bias.dtype else None)
    if rectify:
        np.maximum(y, 0, out=y)

    def backward(dy):
        if rectify:
            dy = dy * (y > 0)
        dx = product(dy, kernel.T) if 0 in wanted else None
        given = dy.reshape(-1, dy.shape[-1])
        inputs = x.reshape(len(given), -1) if x.size else x.reshape(len(given), x.shape[-1])
        dkernel = product(inputs.T, given) if 1 in wanted else None
        dbias = column_sums(given) if 2 in wanted else None
        return dx, dkernel, dbias

    return y, backward


def _tall_dense(x, rows, kernel, bias, rectify, wanted):
    """The same for many rows and a small kernel."""
    y = small.dense_rows(rows, kernel, bias, rectify)

    def backward(dy):
        given = dy.reshape(y.shape)
        kept = y if rectify else None
        want = [i in wanted for i in range(3)]
        dx, *rest = small.dense_rows_back(given, rows, kernel, kept, want)
        return None if dx is None else dx.reshape(x.shape), *rest

    return y.reshape(*x.shape[:-1], kernel.shape[1]), backward


def _is_large(x, kernel):
    if not isinstance(x, (np.ndarray, Traced)) or not isinstance(kernel, Traced):
        return False
    features, units = kernel.shape
    return (
        units >= CLASSES
        and len(x.shape) > 1
        and plain(x).size // max(1, features) * units >= ENTRIES
        and plain(x).dtype
        == kernel.value.dtype  # a layer that mixes precisions takes the usual way
        and kernel.value.dtype.itemsize >= 4
        and may_defer()
    )


class Head:
    """What the outputs of a dense layer over many classes follow from, and what is known of them.

    The weights are copied: optimizers write into them, and who reads the outputs after an update
    must see those from before it.
    """

    def __init__(self, x, kernel, bias):
        self.x = x
        self.kernel, self.bias = _copied(kernel), None if bias is None else _copied(bias)
        self._labels = self._loss = self._best = None

    def logits(self):
        """The outputs, not computed yet."""
        x, kernel = plain(self.x), self.kernel.value
        shape = (*x.shape[:-1], kernel.shape[1])
        y = Deferred(shape, x.dtype, self._computed, self._edges() if recording() else None)
        attach(y, "head", self)
        return y

    def _computed(self):
        y = np.matmul(plain(self.x), self.kernel.value)
        if self.bias is not None:
            y += self.bias.value
        return y

    def _edges(self):
        x, kernel = plain(self.x), self.kernel.value
        rows = x.reshape(-1, x.shape[-1])
        pullbacks = [
            (self.x, lambda dy: np.matmul(dy, kernel.T)),
            (self.kernel, lambda dy: np.matmul(rows.T, dy.reshape(len(rows), -1))),
            (self.bias, lambda dy: dy.reshape(len(rows), -1).sum(axis=0)),
        ]
        return [(v.slot, pullback) for v, pullback in pullbacks if isinstance(v, Traced) and v.slot]

    def crossentropy(self, target, labels_of):
        """The cross-entropy between class numbers and the softmax of the outputs."""
        shape = (*shape_of(self.x)[:-1], self.kernel.shape[1])
        labels = labels_of(np.asarray(plain(target)), shape[-1], "sparse_categorical_crossentropy")
        labels = labels.reshape(-1).astype(np.intp, copy=False)
        if not recording() and self._labels is not None and np.array_equal(labels, self._labels):
            return self._loss.reshape(shape[:-1])
        return _head_crossentropy(self.x, self.kernel, self.bias, labels, head=self)

    def remember(self, labels, loss, best):
        self._labels, self._loss, self._best = labels, loss, best

    def best(self):
        """The class with the largest output, for each row; None if nobody computed it yet."""
        return None if self._best is None else self._best.reshape(plain(self.x).shape[:-1])


def _copied(variable):
    """A weight as it is now, whose gradient still belongs to the variable."""
    return Traced(variable.value.copy(), variable.slot)


def head_of(logits):
    """The head that unread logits come from; None for anything else."""
    return attached(logits, "head") if isinstance(logits, Deferred) else None


def _crossentropy_infer(x, kernel, bias, labels, *, head):
    return KerasTensor(shape_of(x)[:-1], float_dtype(x))


@fused_op(_crossentropy_infer)
def _head_crossentropy(x, kernel, bias, labels, *, head, wanted):
    """See the kernel. Its gradients are computed with the loss, for rows that count alike.

    If it turns out that they do not (weights of samples, masks), they are computed again.
    """
    rows = x.reshape(-1, x.shape[-1])
    want = 0 in wanted, 1 in wanted or 2 in wanted
    result = kernels.head_crossentropy(rows, kernel, bias, labels, None, *want)
    head.remember(labels, result.loss, result.best)

    def backward(dloss):
        dloss = dloss.reshape(-1)
        if (dloss == dloss[:1]).all():
            parts = [None if g is None else g * dloss[0] for g in result[2:]]
        else:
            again = kernels.head_crossentropy(rows, kernel, bias, labels, dloss, *want)
            parts = list(again[2:])
        if parts[0] is not None:
            parts[0] = parts[0].reshape(x.shape)
        return (*parts, None)

    return result.loss.reshape(x.shape[:-1]), backward


def best_class(scores):
    """argmax over the last axis, without reading scores that nobody has computed yet.

    A softmax does not change which of its logits is largest.
    """
    logits = attached(scores, "logits") if isinstance(scores, Deferred) else None
    head = head_of(scores if logits is None else logits)
    best = head.best() if head is not None else None
    return np.asarray(plain(scores)).argmax(axis=-1) if best is None else best

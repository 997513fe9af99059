"""Ops on matrices: products, decompositions, norms."""

from __future__ import annotations

import math

import numpy as np

from npkeras.core import shapes
from npkeras.core.op import op
from npkeras.core.shapes import unbroadcast


def product(a, b):
    """a @ b; with a matrix on the right as one large product, not one for each row of a batch."""
    if a.dtype == np.float16:
        return product(a.astype(np.float32), b.astype(np.float32)).astype(np.float16)
    if b.ndim == 2 and a.ndim > 2:
        rows = math.prod(a.shape[:-1])
        return (a.reshape(rows, a.shape[-1]) @ b).reshape(*a.shape[:-1], b.shape[1])
    return a @ b


def _as_matrices(a, b, dy):
    """The arguments and the gradient of a product of which one side may be a vector."""
    if a.ndim == 1:
        a, dy = a[None], dy[..., None, :] if b.ndim > 1 else dy[None]
    if b.ndim == 1:
        b, dy = b[:, None], dy[..., None]
    return a, b, dy


def _matmul_left(y, x1, x2):
    shape = x1.shape

    def pullback(dy):
        _, b, dy = _as_matrices(x1_form, x2, dy)
        return unbroadcast(product(dy, b.swapaxes(-1, -2)), (1,) * (2 - len(shape)) + shape).reshape(shape)

    x1_form = np.broadcast_to(np.zeros((), x1.dtype), shape)  # its shape, without its entries
    return pullback


def _matmul_right(y, x1, x2):
    shape = x2.shape

    def pullback(dy):
        a, _, dy = _as_matrices(x1, x2_form, dy)
        if len(shape) <= 2:
            dy = dy.reshape(-1, dy.shape[-1])
            return product(a.reshape(-1, a.shape[-1]).T, dy).reshape(shape)
        return unbroadcast(product(a.swapaxes(-1, -2), dy), shape)

    x2_form = np.broadcast_to(np.zeros((), x2.dtype), shape)
    return pullback


@op(shapes.matmul, vjps=(_matmul_left, _matmul_right), sign="matmul", promote=True, numpy=np.matmul)
def matmul(x1, x2):
    """x1 @ x2: rows of x1 times columns of x2, for every pair of matrices of a batch."""
    return product(x1, x2)

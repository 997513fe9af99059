"""Products of two matrices, the large ones on two cores."""

from __future__ import annotations

import numpy as np

from npkeras.kernels.threads import halves, single_blas, together

_ALONE = 2**18  # so few multiply-adds BLAS does on one thread by itself
_TWO = 2**24  # so many are cut in two; fewer are done sooner than a second thread has begun


def dot(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """a @ b for two matrices.

    A large product is cut along its longer side, by its size alone, so that the numbers do not
    depend on how many cores there are.
    """
    rows, columns = len(a), b.shape[1]
    work = a.size * columns
    if work <= _ALONE:
        return np.matmul(a, b, out=out)
    if work < _TWO or a.dtype.kind not in "fc" or a.dtype != b.dtype:
        with single_blas():
            return np.matmul(a, b, out=out)
    if out is None:
        out = np.empty((rows, columns), a.dtype)
    first, second = halves(max(rows, columns))
    if rows >= columns:
        together(
            lambda: np.matmul(a[first], b, out=out[first]),
            lambda: np.matmul(a[second], b, out=out[second]),
        )
    else:
        together(
            lambda: np.matmul(a, b[:, first], out=out[:, first]),
            lambda: np.matmul(a, b[:, second], out=out[:, second]),
        )
    return out

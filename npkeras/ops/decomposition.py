"""Inverses, determinants and decompositions of matrices, one for every matrix of a batch.

Derivatives: M. B. Giles, Collected matrix derivative results for forward and reverse mode
algorithmic differentiation, 2008. A^T below stands for the matrix with its last two axes
exchanged.
"""

from __future__ import annotations

import numpy as np

from npkeras.core import check, shapes
from npkeras.core.dtypes import dtype_of, numpy_dtype
from npkeras.core.op import fused_op, op
from npkeras.core.shapes import shape_of, unbroadcast
from npkeras.core.symbolic import KerasTensor
from npkeras.ops.composed import composed
from npkeras.ops.elementwise import multiply
from npkeras.ops.products import matmul
from npkeras.ops.reduction import sum as reduce_sum


def _transposed(x):
    return np.swapaxes(x, -1, -2)


def _matrices(x, owner, square_only=True):
    """The shape of an array of matrices, checked."""
    shape = shape_of(x)
    if len(shape) < 2 or (square_only and None not in shape[-2:] and shape[-1] != shape[-2]):
        kind = "square matrices" if square_only else "matrices"
        raise ValueError(f"`{owner}` expects {kind} in the last two axes. Received shape: {shape}")
    return shape


def _wide(x, owner, square_only=True):
    """Matrices in a dtype that LAPACK knows."""
    _matrices(x, owner, square_only)
    return x if x.dtype in (np.float32, np.float64) else x.astype(np.float32)


def _like(result, x):
    """A result in the dtype of the argument, or in `floatx` for integers."""
    return result.astype(numpy_dtype(shapes.float_dtype(x)), copy=False)


def _square_infer(owner):
    return lambda x, *args, **options: KerasTensor(_matrices(x, owner), shapes.float_dtype(x))


def _scalar_infer(owner):
    return lambda x: KerasTensor(_matrices(x, owner)[:-2], shapes.float_dtype(x))


# Inverses and systems of equations ---------------------------------------------------------------


@op(
    _square_infer("inv"),
    vjps=(lambda y, x: lambda dy: -(_transposed(y) @ dy @ _transposed(y)),),
    numpy=np.linalg.inv,
)
def inv(x):
    """The matrix whose product with x is the identity."""
    return _like(np.linalg.inv(_wide(x, "inv")), x)


def _solve_infer(a, b):
    shape = _matrices(a, "solve")
    other = shape_of(b)
    rows = other[-1] if _is_vector(shape, other) else other[-2]
    if None not in (rows, shape[-1]) and rows != shape[-1]:
        raise ValueError(f"`solve` cannot fit b of shape {other} to a of shape {shape}.")
    if _is_vector(shape, other):
        return KerasTensor(
            shapes.broadcast_shapes(shape[:-2], other[:-1]) + other[-1:], shapes.float_dtype(a, b)
        )
    batch = shapes.broadcast_shapes(shape[:-2], other[:-2])
    return KerasTensor(batch + other[-2:], shapes.float_dtype(a, b))


def _is_vector(a_shape, b_shape):
    """Whether b holds a vector for each matrix of a, and not a matrix."""
    return len(b_shape) == len(a_shape) - 1


def _solved(a, b):
    if _is_vector(a.shape, b.shape):
        return np.linalg.solve(a, b[..., None])[..., 0]
    return np.linalg.solve(a, b)


def _system(solved, mask=None):
    """Forward and backward of y with a y = b, for one way of solving."""

    def run(a, b, wanted):
        vector = _is_vector(a.shape, b.shape)
        columns = b[..., None] if vector else b
        y = solved(a, columns)

        def backward(dy):
            dy = dy[..., None] if vector else dy
            db = solved(_transposed(a), dy, transposed=True)
            da = unbroadcast(-(db @ _transposed(y)), a.shape) if 0 in wanted else None
            if da is not None and mask is not None:
                da = mask(da)
            db = db[..., 0] if vector else db
            return da, unbroadcast(db, b.shape)

        return (y[..., 0] if vector else y), backward

    return run


@fused_op(_solve_infer, promote=True, numpy=np.linalg.solve)
def solve(a, b, *, wanted):
    """The y with a @ y = b."""
    dtype = a.dtype
    a, b = _wide(a, "solve"), b if b.dtype in (np.float32, np.float64) else b.astype(np.float32)
    _solve_infer(a, b)
    y, backward = _system(lambda m, c, transposed=False: np.linalg.solve(m, c))(a, b, wanted)
    return _like(y, np.empty(0, dtype)), backward


def _substituted(a, b, lower):
    """a y = b for triangular a, row after row."""
    size = a.shape[-1]
    batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    y = np.zeros((*batch, *b.shape[-2:]), b.dtype)
    for i in range(size) if lower else range(size - 1, -1, -1):
        known = (a[..., i : i + 1, :] @ y)[..., 0, :]
        y[..., i, :] = (b[..., i, :] - known) / a[..., i, i, None]
    return y


def _triangular_infer(a, b, lower=False):
    return _solve_infer(a, b)


@fused_op(_triangular_infer, promote=True, arrays=2)
def solve_triangular(a, b, lower=False, *, wanted):
    """The y with a @ y = b, reading only the lower or the upper triangle of a."""
    a, b = _wide(a, "solve_triangular"), b if b.dtype.kind == "f" else b.astype(np.float32)
    _solve_infer(a, b)
    keep = np.tril if lower else np.triu
    a = keep(a)

    def solved(matrix, columns, transposed=False):
        return _substituted(matrix, columns, lower != transposed)

    return _system(solved, keep)(a, b, wanted)


# Determinants ------------------------------------------------------------------------------------


@op(
    _scalar_infer("det"),
    vjps=(
        lambda y, x: lambda dy: np.asarray(dy * y)[..., None, None] * _transposed(np.linalg.inv(x)),
    ),
    numpy=np.linalg.det,
)
def det(x):
    """The determinant: the volume to which x takes the unit cube, with its sign."""
    return _like(np.linalg.det(_wide(x, "det")), x)


def _slogdet_infer(x):
    part = _scalar_infer("slogdet")(x)
    return part, KerasTensor(part.shape, part.dtype)


@op(
    _slogdet_infer,
    vjps=(
        lambda y, x: (
            lambda dys: np.asarray(dys[1])[..., None, None] * _transposed(np.linalg.inv(x))
        ),
    ),
    numpy=np.linalg.slogdet,
)
def slogdet(x):
    """The sign of the determinant, and the logarithm of its size."""
    sign, logarithm = np.linalg.slogdet(_wide(x, "slogdet"))
    return _like(np.asarray(sign), x), _like(np.asarray(logarithm), x)


@op(
    _scalar_infer("logdet"),
    vjps=(lambda y, x: lambda dy: np.asarray(dy)[..., None, None] * _transposed(np.linalg.inv(x)),),
)
def logdet(x):
    """The logarithm of the determinant of positive definite matrices, NaN for others."""
    wide = _wide(x, "logdet")
    result = np.full(wide.shape[:-2], np.nan, wide.dtype)
    for at in np.ndindex(result.shape):
        try:
            factor = np.linalg.cholesky(wide[at])
        except np.linalg.LinAlgError:
            continue
        result[at] = 2 * np.log(np.diagonal(factor)).sum()
    return _like(result, x)


# Factors -----------------------------------------------------------------------------------------


def _half(x):
    """The lower triangle with half the diagonal."""
    x = np.tril(x)
    index = np.arange(x.shape[-1])
    x[..., index, index] *= 0.5
    return x


def _cholesky_vjp(y, x, upper=False):
    def pullback(dy):
        factor, dfactor = (_transposed(y), _transposed(dy)) if upper else (y, dy)
        inner = _half(_transposed(factor) @ dfactor)
        back = np.linalg.inv(factor)
        dx = _transposed(back) @ inner @ back
        return (dx + _transposed(dx)) / 2

    return pullback


@op(_square_infer("cholesky"), vjps=(_cholesky_vjp,), numpy=np.linalg.cholesky)
def cholesky(x, upper=False):
    """The lower triangular matrix whose product with its transpose is x, or its transpose."""
    try:
        factor = np.linalg.cholesky(_wide(x, "cholesky"))
    except np.linalg.LinAlgError:
        raise ValueError(
            "`cholesky` expects positive definite matrices, that is, with positive eigenvalues. "
            f"Received one that is not, in x of shape {x.shape}"
        ) from None
    return _like(_transposed(factor) if upper else factor, x)


@composed
def cholesky_inverse(x, upper=False):
    """The inverse of the matrix whose Cholesky factor is x."""
    inverse = inv(x)
    other = _swapped(inverse)
    return matmul(inverse, other) if upper else matmul(other, inverse)


@op(
    lambda x: KerasTensor((*shape_of(x)[:-2], *shape_of(x)[:-3:-1]), dtype_of(x)),
    vjps=(lambda y, x: _transposed,),
)
def _swapped(x):
    return _transposed(x)


def _qr_infer(x, mode="reduced"):
    *batch, rows, columns = _matrices(x, "qr", square_only=False)
    check.one_of(("reduced", "complete"), mode, "mode", "qr")
    inner = rows if mode == "complete" else _smaller(rows, columns)
    dtype = shapes.float_dtype(x)
    return KerasTensor((*batch, rows, inner), dtype), KerasTensor((*batch, inner, columns), dtype)


def _smaller(m, n):
    return None if None in (m, n) else min(m, n)


@fused_op(_qr_infer, arrays=1, numpy=np.linalg.qr)
def qr(x, mode="reduced", *, wanted):
    """Factors q @ r = x: the columns of q are orthonormal, r is upper triangular."""
    check.one_of(("reduced", "complete"), mode, "mode", "qr")
    q, r = np.linalg.qr(_wide(x, "qr", square_only=False), mode)
    q, r = _like(q, x), _like(r, x)

    def backward(dys):
        dq, dr = dys
        if r.shape[-1] != r.shape[-2]:
            raise NotImplementedError(
                "The gradient of `qr` is known for matrices with at least as many rows as "
                f"columns and mode='reduced'. Received: x.shape={x.shape}, mode={mode!r}"
            )
        inner = r @ _transposed(dr) - _transposed(dq) @ q
        copied = np.tril(inner, -1)
        symmetric = np.tril(inner) + _transposed(copied)
        return ((dq + q @ symmetric) @ _transposed(np.linalg.inv(r)),)

    return (q, r), backward


def _lu_infer(x):
    shape = _matrices(x, "lu_factor")
    return KerasTensor(shape, shapes.float_dtype(x)), KerasTensor(shape[:-1], "int32")


def _no_gradient(name):
    def vjp(y, *args, **options):
        def pullback(dy):
            raise NotImplementedError(f"npkeras knows no gradient of `{name}`.")

        return pullback

    return vjp


@op(_lu_infer, vjps=(_no_gradient("lu_factor"),))
def lu_factor(x):
    """Triangular factors in one matrix, L below the diagonal and U from it on, and pivots.

    Pivot i says with which row, counted from 0, row i was exchanged before step i.
    """
    factors = np.array(_wide(x, "lu_factor"))
    pivots = np.zeros(factors.shape[:-1], np.int32)
    for at in np.ndindex(*factors.shape[:-2]):
        matrix = factors[at]
        for i in range(len(matrix)):
            best = i + int(np.argmax(np.abs(matrix[i:, i])))
            pivots[(*at, i)] = best
            matrix[[i, best]] = matrix[[best, i]]
            if matrix[i, i]:
                matrix[i + 1 :, i] /= matrix[i, i]
                matrix[i + 1 :, i + 1 :] -= np.outer(matrix[i + 1 :, i], matrix[i, i + 1 :])
    return _like(factors, x), pivots


# Eigenvalues and singular values -----------------------------------------------------------------


def _eigh_infer(x):
    shape = _matrices(x, "eigh")
    dtype = shapes.float_dtype(x)
    return KerasTensor(shape[:-1], dtype), KerasTensor(shape, dtype)


def _inverse_gaps(values):
    """1 / (v_j - v_i), and 0 on the diagonal and between equal values."""
    gaps = values[..., None, :] - values[..., :, None]
    return np.where(gaps == 0, 0, 1 / np.where(gaps == 0, 1, gaps))


@fused_op(_eigh_infer, numpy=np.linalg.eigh)
def eigh(x, *, wanted):
    """Rising eigenvalues of symmetric matrices, and their eigenvectors in columns."""
    values, vectors = np.linalg.eigh(_wide(x, "eigh"))
    values, vectors = _like(values, x), _like(vectors, x)

    def backward(dys):
        dvalues, dvectors = dys
        inner = _inverse_gaps(values) * (_transposed(vectors) @ dvectors)
        index = np.arange(values.shape[-1])
        inner[..., index, index] += dvalues
        dx = vectors @ inner @ _transposed(vectors)
        return ((dx + _transposed(dx)) / 2,)

    return (values, vectors), backward


def _eig_infer(x):
    shape = _matrices(x, "eig")
    dtype = "complex128" if dtype_of(x) == "float64" else "complex64"
    return KerasTensor(shape[:-1], dtype), KerasTensor(shape, dtype)


@op(_eig_infer, vjps=(_no_gradient("eig"),), numpy=np.linalg.eig)
def eig(x):
    """Complex eigenvalues, and their eigenvectors in columns."""
    values, vectors = np.linalg.eig(_wide(x, "eig"))
    dtype = np.complex128 if x.dtype == np.float64 else np.complex64
    return values.astype(dtype), vectors.astype(dtype)


def _svd_infer(x, full_matrices=True, compute_uv=True):
    *batch, rows, columns = _matrices(x, "svd", square_only=False)
    inner, dtype = _smaller(rows, columns), shapes.float_dtype(x)
    s = KerasTensor((*batch, inner), dtype)
    if not compute_uv:
        return s
    left, right = (rows, columns) if full_matrices else (inner, inner)
    return (
        KerasTensor((*batch, rows, left), dtype),
        s,
        KerasTensor((*batch, right, columns), dtype),
    )


def _svd_gradient(u, s, vt, du, ds, dvt):
    """J. Townsend, Differentiating the singular value decomposition, 2016, with real entries."""
    v, dv = _transposed(vt), _transposed(dvt)
    squares = np.square(s)
    gaps = _inverse_gaps(squares)
    left, right = _transposed(u) @ du, _transposed(v) @ dv
    s_row, s_column = s[..., None, :], s[..., :, None]
    inner = (gaps * (left - _transposed(left))) * s_row + s_column * (
        gaps * (right - _transposed(right))
    )
    index = np.arange(s.shape[-1])
    inner[..., index, index] += ds
    dx = u @ inner @ vt
    if u.shape[-2] > s.shape[-1]:
        outside = du / s_row
        dx = dx + (outside - u @ (_transposed(u) @ outside)) @ vt
    if v.shape[-2] > s.shape[-1]:
        outside = _transposed(dv / s_row)
        dx = dx + u @ (outside - (outside @ v) @ vt)
    return dx


@fused_op(_svd_infer, arrays=1, numpy=np.linalg.svd)
def svd(x, full_matrices=True, compute_uv=True, *, wanted):
    """Factors u @ diag(s) @ v = x, with falling singular values s; or s alone."""
    x_wide = _wide(x, "svd", square_only=False)
    if not (wanted or compute_uv):
        return _like(np.linalg.svd(x_wide, compute_uv=False), x), None
    parts = [_like(p, x) for p in np.linalg.svd(x_wide, full_matrices=full_matrices)]
    u, s, vt = parts
    count = s.shape[-1]

    def backward(dys):
        if not compute_uv:
            inner_u, inner_vt = u[..., :count], vt[..., :count, :]
            return ((inner_u * dys[..., None, :]) @ inner_vt,)
        du, ds, dvt = dys
        square = u.shape[-1] == count == vt.shape[-2]
        if not square and (np.any(du[..., count:]) or np.any(dvt[..., count:, :])):
            raise NotImplementedError(
                "The gradient of `svd` is known for full_matrices=False. Received: "
                f"full_matrices={full_matrices}, x.shape={x.shape}"
            )
        return (
            _svd_gradient(
                u[..., :count], s, vt[..., :count, :], du[..., :count], ds, dvt[..., :count, :]
            ),
        )

    return ((u, s, vt) if compute_uv else s), backward


def _pinv_infer(x, rcond=None):
    *batch, rows, columns = _matrices(x, "pinv", square_only=False)
    return KerasTensor((*batch, columns, rows), shapes.float_dtype(x))


def _pinv_vjp(y, x, rcond=None):
    """G. H. Golub and V. Pereyra, 1973: the derivative of the pseudo-inverse."""

    def pullback(dy):
        dyt, yt = _transposed(dy), _transposed(y)
        left = np.eye(x.shape[-2], dtype=x.dtype) - x @ y
        right = np.eye(x.shape[-1], dtype=x.dtype) - y @ x
        return -yt @ dy @ yt + left @ dyt @ (y @ yt) + (yt @ y) @ dyt @ right

    return pullback


@op(_pinv_infer, vjps=(_pinv_vjp,), numpy=np.linalg.pinv)
def pinv(x, rcond=None):
    """The matrix that takes x @ y back to the shortest y; its inverse if it has one."""
    wide = _wide(x, "pinv", square_only=False)
    if rcond is None:
        rcond = 10 * max(x.shape[-2:]) * np.finfo(wide.dtype).eps
    return _like(np.linalg.pinv(wide, rcond=rcond), x)


def _rank_infer(x, tol=None):
    return KerasTensor(_matrices(x, "matrix_rank", square_only=False)[:-2], "int32")


@op(_rank_infer, numpy=np.linalg.matrix_rank)
def matrix_rank(x, tol=None):
    """How many singular values are larger than `tol`."""
    wide = _wide(x, "matrix_rank", square_only=False)
    s = np.linalg.svd(wide, compute_uv=False)
    if tol is None:
        tol = s.max(axis=-1, keepdims=True, initial=0) * max(x.shape[-2:]) * np.finfo(s.dtype).eps
    return np.asarray((s > tol).sum(axis=-1), np.int32)


@composed(numpy=np.linalg.lstsq)
def lstsq(a, b, rcond=None):
    """The y for which a @ y is nearest to b; the shortest of them."""
    vector = len(shape_of(b)) == len(shape_of(a)) - 1
    return _vector_product(pinv(a, rcond), b) if vector else matmul(pinv(a, rcond), b)


def _vector_product(matrix, vector):
    return reduce_sum(multiply(matrix, _row(vector)), axis=-1)


@op(
    lambda x: KerasTensor((*shape_of(x)[:-1], 1, shape_of(x)[-1]), dtype_of(x)),
    vjps=(lambda y, x: lambda dy: dy.reshape(x.shape),),
)
def _row(x):
    return x[..., None, :]

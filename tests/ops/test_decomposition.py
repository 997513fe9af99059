"""Matrix factors, inverses and norms: what defines them, gradients, batches, messages."""

import numpy as np
import pytest

from npkeras import KerasTensor, ops
from npkeras.core.tape import GradientTape, Traced
from tests.checks import check_gradients

random = np.random.default_rng(5)
A = random.normal(size=(2, 3, 3)) + 3 * np.eye(3)
TALL = random.normal(size=(4, 3))


def symmetric(x):
    return ops.add(x, ops.swapaxes(x, -1, -2))


def test_the_inverse_undoes():
    np.testing.assert_allclose(ops.matmul(ops.inv(A), A), np.stack([np.eye(3)] * 2), atol=1e-12)
    assert ops.inv(np.eye(2, dtype="int32")).dtype == "float32"
    assert ops.inv(np.eye(2, dtype="float16")).dtype == "float16"


def test_solutions_solve():
    for b in (random.normal(size=(2, 3)), random.normal(size=(2, 3, 2))):
        y = ops.solve(A, b)
        left = (A @ y[..., None])[..., 0] if b.ndim == 2 else A @ y
        np.testing.assert_allclose(left, b)
        check_gradients(ops.solve, A, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("lower", [False, True])
def test_triangular_systems_read_one_triangle(lower):
    b = random.normal(size=(2, 3, 2))
    triangle = np.tril(A) if lower else np.triu(A)
    np.testing.assert_allclose(ops.solve_triangular(A, b, lower), np.linalg.solve(triangle, b))
    check_gradients(lambda a, b: ops.solve_triangular(a, b, lower), A, b, rtol=1e-5, atol=1e-6)
    vector = ops.solve_triangular(A[0], b[0, :, 0], lower)
    np.testing.assert_allclose(vector, np.linalg.solve(triangle[0], b[0, :, 0]))


def test_determinants():
    np.testing.assert_allclose(ops.det(A), np.linalg.det(A))
    sign, size = ops.slogdet(-A)
    np.testing.assert_allclose(sign * np.exp(size), -np.linalg.det(A))
    positive = A @ A.swapaxes(-1, -2)
    np.testing.assert_allclose(ops.logdet(positive), np.log(np.linalg.det(positive)))
    assert np.isnan(ops.logdet(-np.eye(3))) and np.isnan(ops.logdet(-np.eye(4)))
    check_gradients(lambda x: ops.logdet(symmetric(x)), A, rtol=1e-5)
    check_gradients(ops.det, np.eye(1))


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_factors(upper):
    positive = A @ A.swapaxes(-1, -2)
    factor = ops.cholesky(positive, upper)
    transposed = factor.swapaxes(-1, -2)
    again = transposed @ factor if upper else factor @ transposed
    np.testing.assert_allclose(again, positive)
    np.testing.assert_allclose(ops.cholesky_inverse(factor, upper), np.linalg.inv(positive))
    check_gradients(lambda x: ops.cholesky(symmetric(x), upper), A, rtol=1e-5, atol=1e-6)


def test_qr_factors():
    q, r = ops.qr(TALL)
    np.testing.assert_allclose(q @ r, TALL)
    np.testing.assert_allclose(q.T @ q, np.eye(3), atol=1e-12)
    assert ops.qr(TALL, "complete")[0].shape == (4, 4)
    assert [s.shape for s in ops.qr(KerasTensor((4, 3)), "complete")] == [(4, 4), (4, 3)]
    check_gradients(ops.qr, TALL, rtol=1e-5, atol=1e-6)


def test_lu_factors():
    factors, pivots = ops.lu_factor(A)
    for matrix, packed, exchanged in zip(A, factors, pivots, strict=True):
        rows = matrix.copy()
        for i, j in enumerate(exchanged):
            rows[[i, j]] = rows[[j, i]]
        np.testing.assert_allclose((np.tril(packed, -1) + np.eye(3)) @ np.triu(packed), rows)


def test_eigenvalues():
    both = A + A.swapaxes(-1, -2)
    values, vectors = ops.eigh(both)
    np.testing.assert_allclose(both @ vectors, vectors * values[:, None, :])
    check_gradients(lambda x: ops.eigh(symmetric(x))[0], A, rtol=1e-5, atol=1e-6)

    def projection(x):  # free of the sign of the vectors
        vectors = ops.eigh(symmetric(x))[1][..., :1]
        return ops.matmul(vectors, ops.swapaxes(vectors, -1, -2))

    check_gradients(projection, A, rtol=1e-5, atol=1e-6)
    values, vectors = ops.eig(np.array([[0.0, -1], [1, 0]]))
    assert sorted(values.imag) == [-1, 1]


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (3, 3), (2, 4, 3)])
def test_singular_values(shape):
    x = random.normal(size=shape)
    u, s, v = ops.svd(x, full_matrices=False)
    np.testing.assert_allclose((u * s[..., None, :]) @ v, x)
    assert (np.diff(s) <= 0).all()
    check_gradients(lambda x: ops.svd(x, compute_uv=False), x, rtol=1e-5, atol=1e-6)
    check_gradients(lambda x: ops.svd(x)[1], x, rtol=1e-5, atol=1e-6)

    def best_of_rank_one(x):  # free of the signs of the vectors
        u, s, v = ops.svd(x, full_matrices=False)
        return ops.matmul(u[..., :1] * s[..., None, :1], v[..., :1, :])

    check_gradients(best_of_rank_one, x, rtol=1e-4, atol=1e-5)


def test_pseudo_inverse_and_least_squares():
    np.testing.assert_allclose(ops.pinv(TALL) @ TALL, np.eye(3), atol=1e-12)
    check_gradients(ops.pinv, TALL, rtol=1e-5, atol=1e-6)
    b = random.normal(size=(4, 2))
    expected = np.linalg.lstsq(TALL, b, rcond=None)[0]
    np.testing.assert_allclose(ops.lstsq(TALL, b), expected)
    np.testing.assert_allclose(ops.lstsq(TALL, b[:, 0]), expected[:, 0])
    assert ops.matrix_rank(TALL @ TALL.T) == 3
    assert ops.matrix_rank(np.eye(3), tol=2.0) == 0


def test_what_has_no_gradient_says_so():
    for function in (lambda x: ops.eig(x)[0], lambda x: ops.lu_factor(x)[0]):
        x = Traced(A.copy(), object())
        with GradientTape() as tape:
            y = function(x)
        with pytest.raises(NotImplementedError, match="no gradient of `(eig|lu_factor)`"):
            tape.gradient(y, x)
    x = Traced(TALL.copy(), object())
    with GradientTape() as tape:
        y = ops.svd(x)[0]
    with pytest.raises(NotImplementedError, match=r"full_matrices=False.*x.shape=\(4, 3\)"):
        tape.gradient(y, x)
    x = Traced(TALL.T.copy(), object())
    with GradientTape() as tape:
        y = ops.qr(x)[0]
    with pytest.raises(NotImplementedError, match=r"as many rows as columns.*x.shape=\(3, 4\)"):
        tape.gradient(y, x)


@pytest.mark.parametrize("wrap", [np.ones, KerasTensor], ids=["arrays", "symbolic"])
def test_messages(wrap):
    for name in "inv det slogdet logdet cholesky eigh eig lu_factor".split():
        with pytest.raises(ValueError, match=rf"`{name}` expects square matrices.*\(2, 3\)"):
            getattr(ops, name)(wrap((2, 3)))
    for name in "svd qr pinv matrix_rank".split():
        with pytest.raises(ValueError, match=rf"`{name}` expects matrices.*\(3,\)"):
            getattr(ops, name)(wrap((3,)))
    with pytest.raises(ValueError, match=r"b of shape \(4, 1\) to a of shape \(3, 3\)"):
        ops.solve(wrap((3, 3)), wrap((4, 1)))
    with pytest.raises(ValueError, match="`mode` of qr.*'r'"):
        ops.qr(wrap((3, 2)), mode="r")


def test_cholesky_of_what_is_not_positive_definite():
    with pytest.raises(ValueError, match=r"positive definite.*x of shape \(2, 2\)"):
        ops.cholesky(-np.eye(2))

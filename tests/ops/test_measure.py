"""Norms, distances, correlations and areas: NumPy's numbers, messages, Keras' numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import KerasTensor, ops

random = np.random.default_rng(5)
MATRIX = [None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf]
VECTOR = [None, 0, 1, 2, 3, -1, 2.5, np.inf, -np.inf]


@given(ord=st.sampled_from(MATRIX), axes=st.permutations([0, 1, 2]), keepdims=st.booleans())
@settings(max_examples=25, deadline=None)
def test_matrix_norms_are_numpys(ord, axes, keepdims):
    x, axis = random.normal(size=(2, 3, 4)), tuple(axes[:2])
    y = ops.norm(x, ord, axis, keepdims)
    np.testing.assert_allclose(y, np.linalg.norm(x, ord, axis, keepdims))
    assert ops.norm(KerasTensor((2, 3, 4)), ord, axis, keepdims).shape == y.shape


@given(ord=st.sampled_from(VECTOR), axis=st.integers(-3, 2), keepdims=st.booleans())
@settings(max_examples=25, deadline=None)
def test_vector_norms_are_numpys(ord, axis, keepdims):
    x = random.normal(size=(2, 3, 4))
    y = ops.norm(x, ord, axis, keepdims)
    np.testing.assert_allclose(y, np.linalg.norm(x, ord, axis, keepdims))
    assert ops.norm(KerasTensor((2, 3, 4)), ord, axis, keepdims).shape == y.shape


def test_norms_that_make_no_sense():
    with pytest.raises(ValueError, match="must be a number for vectors. Received: ord='fro'"):
        ops.norm([1.0, 2.0], "fro")
    with pytest.raises(ValueError, match="`ord` of norm.*ord=3"):
        ops.norm(np.ones((2, 2)), 3)
    with pytest.raises(ValueError, match="one axis or two. Received: axis=None of 3 axes"):
        ops.norm(np.ones((2, 2, 2)))


def test_norms_of_integers_are_floats():
    assert ops.norm([3, 4]) == 5
    assert ops.norm([3, 4]).dtype == "float32"


def test_kronecker_products_of_different_ranks():
    for a, b in [((3,), (2, 2)), ((2, 2), (3,)), ((2, 3), (3, 2)), ((2, 1, 2), (2, 2))]:
        a, b = random.normal(size=a), random.normal(size=b)
        np.testing.assert_allclose(ops.kron(a, b), np.kron(a, b))
    with pytest.raises(ValueError, match=r"known shapes.*\(None, 2\)"):
        ops.kron(KerasTensor((None, 2)), np.ones((2, 2)))


def test_areas_under_lines():
    assert ops.trapezoid([1, 2, 4], x=[0, 1, 3]) == 7.5
    assert ops.trapezoid(np.ones((2, 3)), dx=2.0, axis=0).tolist() == [2, 2, 2]
    y, x = random.normal(size=(3, 4)), np.cumsum(random.random((3, 4)), 1)
    np.testing.assert_allclose(ops.trapezoid(y, x), np.trapezoid(y, x))
    np.testing.assert_allclose(ops.trapezoid(y, x[:, 0], axis=0), np.trapezoid(y, x[:, 0], axis=0))


def test_correlations_lie_between_minus_one_and_one():
    x = np.array([[1.0, 2, 3], [1, 0, 5], [-2, -4, -6]])
    np.testing.assert_allclose(ops.corrcoef(x), np.corrcoef(x))
    with pytest.raises(ValueError, match=r"`corrcoef` expects a matrix.*\(3,\)"):
        ops.corrcoef(x[0])


def test_distances():
    x, y = random.normal(size=(5, 3, 2)), random.normal(size=(5, 4, 2))
    expected = np.linalg.norm(x[:, :, None] - y[:, None], axis=-1)
    np.testing.assert_allclose(ops.cdist(x, y), expected)
    with pytest.raises(ValueError, match=r"rows of the same length.*\(3, 2\) and \(4, 3\)"):
        ops.cdist(np.ones((3, 2)), np.ones((4, 3)))


def test_signal_to_noise():
    assert ops.psnr(np.zeros(4), np.ones(4), 10.0) == pytest.approx(20)
    with pytest.raises(ValueError, match=r"images of one shape.*\(4,\) and \(3,\)"):
        ops.psnr(np.zeros(4), np.ones(3), 10.0)


def test_powers_side_by_side():
    assert ops.vander([1, 2, 3], 2).tolist() == [[1, 1], [2, 1], [3, 1]]
    assert ops.vander([2, 3], 3, increasing=True).tolist() == [[1, 2, 4], [1, 3, 9]]
    with pytest.raises(ValueError, match=r"`vander` expects a vector.*\(2, 2\)"):
        ops.vander(np.ones((2, 2)))


@pytest.mark.keras
@given(ord=st.sampled_from(MATRIX), keepdims=st.booleans())
@settings(max_examples=15, deadline=None)
def test_norms_are_those_of_keras(ord, keepdims, keras):
    x = random.normal(size=(3, 4)).astype("float32")
    ours, theirs = ops.norm(x, ord, None, keepdims), keras.ops.norm(x, ord, None, keepdims)
    np.testing.assert_allclose(ours, theirs, rtol=1e-4)

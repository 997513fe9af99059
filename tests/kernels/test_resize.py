"""Resizing: what the weights are, and that pieces of the matrix are the matrix."""

import numpy as np
import pytest

from npkeras.kernels import resize


@pytest.mark.parametrize("method", resize.METHODS)
@pytest.mark.parametrize("length, new_length", [(1, 3), (5, 10), (7, 21), (40, 80)])
def test_weights_sum_to_one_and_are_symmetric(method, length, new_length):
    weights = resize.resize_weights(length, new_length, method)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-12)


def test_bilinear_weights():
    expected = [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]]
    np.testing.assert_allclose(resize.resize_weights(2, 4, "bilinear"), expected)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_pieces_are_the_whole_matrix(axis):
    random = np.random.default_rng(0)
    x = random.normal(size=(20, 21, 22))
    weights = resize.resize_weights(x.shape[axis], 3 * x.shape[axis], "lanczos5")
    expected = np.moveaxis(np.tensordot(weights, x, (1, axis)), 0, axis)
    np.testing.assert_allclose(resize.resize(x, axis, weights), expected, atol=1e-12)
    dy = random.normal(size=expected.shape)
    expected = np.moveaxis(np.tensordot(weights, dy, (0, axis)), 0, axis)
    np.testing.assert_allclose(resize.resize_back(dy, axis, weights), expected, atol=1e-12)

"""Windows side by side, and added up again: each is the transposed of the other."""

import numpy as np

from npkeras.kernels import patches
from npkeras.kernels.convolution import Geometry

GEOMETRY = Geometry((2, 3), (1, 2), (2, 1), (1, 0), (5, 2))


def test_a_place_sees_its_window():
    x = np.random.default_rng(0).normal(size=(2, 5, 6, 3))
    y = patches.patches(x, GEOMETRY)
    assert y.shape == (2, 5, 2, 2, 3, 3)
    np.testing.assert_array_equal(y[:, 0, 1, 0], 0)  # a row above the images
    np.testing.assert_array_equal(y[:, 0, 1, 1], x[:, 1, 2:5])
    np.testing.assert_array_equal(y[:, 4, 0, 0], x[:, 3, 0:3])
    np.testing.assert_array_equal(y[:, 4, 0, 1], 0)  # and one below


def test_the_way_back_is_the_transposed():
    random = np.random.default_rng(1)
    x, dy = random.normal(size=(2, 5, 6, 3)), random.normal(size=(2, 5, 2, 2, 3, 3))
    there = (patches.patches(x, GEOMETRY) * dy).sum()
    back = (x * patches.patches_back(dy, GEOMETRY, (5, 6))).sum()
    np.testing.assert_allclose(there, back)

"""Rows of a table."""

import numpy as np
import pytest

from npkeras.kernels.rows import add_rows, gather_rows


@pytest.mark.parametrize("shape", [(), (0,), (4,), (2, 3)])
def test_gathered_rows_are_those_of_indexing(shape):
    table = np.arange(14.0).reshape(7, 2)
    indices = np.random.default_rng(0).integers(0, 7, shape)
    np.testing.assert_array_equal(gather_rows(table, indices), table[indices])


def test_rows_of_equal_indices_add_up_in_place():
    table = np.ones((4, 2), "float32")
    result = add_rows(table, np.array([2, 0, 2]), np.ones((3, 2), "float32"))
    assert result is table
    np.testing.assert_array_equal(table[:, 0], [2, 1, 3, 1])


def test_no_rows_change_nothing():
    table = np.ones((4, 2))
    add_rows(table, np.zeros(0, int), np.zeros((0, 2)))
    assert (table == 1).all()

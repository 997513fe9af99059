"""Products of matrices, whole and in halves."""

import numpy as np
import pytest

from npkeras.kernels import products

random = np.random.default_rng(3)


def whole(*shape):
    """Whole numbers as floats: their products are exact in any order."""
    return random.integers(-8, 9, shape).astype("float32")


@pytest.mark.parametrize("shape", [(3, 4, 5), (70, 64, 65), (300, 200, 301), (301, 200, 300)])
@pytest.mark.parametrize("turned", [False, True])
def test_products_of_every_size(shape, turned, monkeypatch):
    monkeypatch.setattr(products, "_ALONE", 2**10)
    monkeypatch.setattr(products, "_TWO", 2**22)
    rows, inner, columns = shape
    a, b = whole(rows, inner), whole(inner, columns)
    if turned:
        a, b = np.asfortranarray(a), np.asfortranarray(b)
    expected = np.einsum("ij,jk->ik", a, b)
    np.testing.assert_array_equal(products.dot(a, b), expected)
    out = np.empty((rows, columns), "float32")
    assert products.dot(a, b, out=out) is out
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtypes", [("int32", "int32"), ("float32", "float64")])
def test_other_dtypes_are_those_of_matmul(dtypes, monkeypatch):
    monkeypatch.setattr(products, "_ALONE", 0)
    monkeypatch.setattr(products, "_TWO", 0)
    a, b = whole(4, 5).astype(dtypes[0]), whole(5, 6).astype(dtypes[1])
    found = products.dot(a, b)
    np.testing.assert_array_equal(found, a @ b)
    assert found.dtype == (a @ b).dtype


def test_no_rows(monkeypatch):
    monkeypatch.setattr(products, "_ALONE", -1)
    monkeypatch.setattr(products, "_TWO", 0)
    assert products.dot(whole(0, 3), whole(3, 2)).shape == (0, 2)

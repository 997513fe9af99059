"""RowGradient: it behaves like the dense array it stands for, and stays small while it can."""

import operator

import numpy as np
import pytest

from npkeras.core.rows import RowGradient, sum_rows


def example(seed=0, n=40, shape=(9, 3), dtype="float32"):
    rng = np.random.default_rng(seed)
    indices = rng.integers(0, shape[0], n)
    rows = rng.normal(size=(n, *shape[1:])).astype(dtype)
    dense = np.zeros(shape, dtype)
    np.add.at(dense, indices, rows)
    return RowGradient(indices, rows, shape), dense


def test_the_rows_of_equal_indices_are_added():
    indices, rows = sum_rows(np.array([3, 1, 3]), np.array([[1.0], [10.0], [100.0]]))
    assert indices.tolist() == [1, 3]
    assert rows.tolist() == [[10.0], [101.0]]


@pytest.mark.parametrize("n", [0, 1, 40])
def test_dense_form(n):
    gradient, dense = example(n=n)
    np.testing.assert_allclose(gradient.to_dense(), dense, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(gradient), gradient.to_dense())
    assert np.asarray(gradient, "float64").dtype == "float64"
    described = gradient.shape, gradient.dtype, gradient.ndim, gradient.size, len(gradient)
    assert described == ((9, 3), "float32", 2, 27, 9)


def test_distinct_indices_in_rising_order():
    gradient, dense = example()
    once = gradient.summed()
    assert once.indices.tolist() == sorted(set(gradient.indices.tolist()))
    np.testing.assert_allclose(once.to_dense(), dense, rtol=1e-5, atol=1e-6)
    assert once.summed() is once and gradient.summed() is once


def test_two_add_up_to_a_third():
    (a, dense_a), (b, dense_b) = example(0), example(1)
    total = a + b
    assert isinstance(total, RowGradient)
    np.testing.assert_allclose(total.to_dense(), dense_a + dense_b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("order", ["rows first", "dense first"])
def test_sum_with_a_dense_array_is_a_new_dense_array(order):
    gradient, dense = example()
    other = np.ones((9, 3), "float32")
    total = gradient + other if order == "rows first" else other + gradient
    assert type(total) is np.ndarray and total.dtype == "float32"
    np.testing.assert_allclose(total, dense + 1, rtol=1e-5, atol=1e-5)
    assert (other == 1).all()


def test_adding_to_a_dense_array_in_place():
    gradient, dense = example()
    total = same = np.ones((9, 3), "float32")
    total = operator.iadd(total, gradient)
    assert total is same
    np.testing.assert_allclose(total, dense + 1, rtol=1e-5, atol=1e-5)


def test_adding_in_place_to_rows():
    (a, dense_a), (b, dense_b) = example(0), example(1)
    total = operator.iadd(operator.iadd(a, b), np.ones((9, 3), "float32"))
    np.testing.assert_allclose(total, dense_a + dense_b + 1, rtol=1e-5, atol=1e-5)


def test_scaling_keeps_the_rows():
    gradient, dense = example()
    for scaled, factor in (
        (gradient * 2, 2), (np.float32(3) * gradient, 3), (gradient / 4, 0.25), (-gradient, -1),
    ):  # fmt: skip
        assert isinstance(scaled, RowGradient) and scaled.dtype == "float32"
        np.testing.assert_allclose(scaled.to_dense(), dense * factor, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "function",
    [
        np.square, np.abs, np.isfinite, np.sum, np.linalg.norm, lambda g: g**2, lambda g: g[1:3],
        lambda g: g - 1, lambda g: 1 - g, lambda g: 1 / (2 + np.abs(g)), lambda g: g * g,
        lambda g: g * np.arange(3.0), lambda g: g + 1, lambda g: np.add(g, g, out=np.ones((9, 3))),
        lambda g: np.add.reduce(g, axis=0), lambda g: np.add(np.ones((9, 3)), g, dtype="float64"),
        lambda g: np.add(np.ones((9, 3)), g, out=np.empty((9, 3))),
    ],
)  # fmt: skip
def test_other_arithmetic_is_that_of_the_dense_array(function):
    gradient, _ = example(dtype="float64")
    np.testing.assert_allclose(function(gradient), function(gradient.to_dense()), rtol=1e-9)


def test_change_of_type():
    gradient, dense = example()
    assert gradient.astype("float16").dtype == "float16"
    np.testing.assert_allclose(gradient.astype("float64").to_dense(), dense, atol=1e-5)


def test_an_array_without_a_copy_is_refused():
    gradient, _ = example()
    with pytest.raises(ValueError, match=r"RowGradient of 40 rows.*copy=False"):
        np.array(gradient, copy=False)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("largest", [1, 7, 40, 5_000, 100_000])
def test_sums_of_short_and_long_groups(largest, dtype):
    """Whole numbers, so that sums are exact in any order."""
    random = np.random.default_rng(largest)
    indices = (largest ** random.random(3_000)).astype("int64") - 1  # from 0, small ones often
    rows = random.integers(-1, 2, (3_000, 2)).astype(dtype)
    expected = np.zeros((largest, 2))
    np.add.at(expected, indices, rows)
    distinct, sums = sum_rows(indices, rows)
    np.testing.assert_array_equal(distinct, np.unique(indices))
    np.testing.assert_array_equal(sums, expected[distinct])
    assert sums.dtype == rows.dtype


def test_negative_indices_and_many_long_groups():
    indices = np.arange(-200, 200).repeat(10)
    distinct, sums = sum_rows(indices, np.ones((4_000, 1), "float32"))
    np.testing.assert_array_equal(distinct, np.arange(-200, 200))
    np.testing.assert_array_equal(sums, np.full((400, 1), 10))

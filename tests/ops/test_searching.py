"""Searching, counting, choosing, distinct entries: values, shapes, messages, parity."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import KerasTensor, ops
from tests.checks import check_gradients, check_shape_rule


def test_searchsorted():
    rising = [1.0, 2.0, 3.0]
    assert ops.searchsorted(rising, [2.0, 0.0, 9.0]).tolist() == [1, 0, 3]
    assert ops.searchsorted(rising, [2.0, 0.0, 9.0], side="right").tolist() == [2, 0, 3]
    check_shape_rule(ops.searchsorted, np.arange(3.0), np.zeros((2, 4)))


def test_a_bin_holds_its_lower_bound():
    assert ops.digitize([0.0, 1.0, 2.5], [1.0, 2.0]).tolist() == [0, 1, 2]
    check_shape_rule(ops.digitize, np.zeros((2, 3)), np.arange(2.0))


def test_bincount():
    assert ops.bincount([1, 1, 3]).tolist() == [0, 2, 0, 1]
    assert ops.bincount([1, 1, 3], minlength=6).tolist() == [0, 2, 0, 1, 0, 0]
    weighted = ops.bincount([1, 1, 3], weights=[1.0, 2.0, 3.0])
    assert (weighted.tolist(), weighted.dtype) == ([0, 3, 0, 3], "float32")
    assert ops.bincount([[1, 1, 3], [0, 0, 0]]).tolist() == [[0, 2, 0, 1], [3, 0, 0, 0]]
    assert ops.bincount(np.zeros(0, int), minlength=2).tolist() == [0, 0]
    assert ops.bincount(KerasTensor((None, 3), "int32")).shape == (None, None)


def test_unravel_index():
    rows, columns = ops.unravel_index(np.array([5, -1]), (3, 4))
    assert (rows.tolist(), columns.tolist()) == ([1, 2], [1, 3])
    check_shape_rule(lambda i: ops.unravel_index(i, (3, 4)), np.array([[5, 1]]))


def test_unique():
    x = np.array([3, 1, 1, 2])
    values, index, inverse, counts = ops.unique(x, True, True, True, True)
    assert values.tolist() == [1, 2, 3]
    assert index.tolist() == [1, 3, 0]
    assert inverse.tolist() == [2, 0, 0, 1]
    assert counts.tolist() == [2, 1, 1]


def test_unique_in_the_order_of_appearance():
    values, inverse = ops.unique(np.array([3, 1, 1, 2]), sorted=False, return_inverse=True)
    assert (values.tolist(), inverse.tolist()) == ([3, 1, 2], [0, 1, 1, 2])


def test_unique_of_a_given_size():
    x = np.array([3, 1, 1, 2])
    assert ops.unique(x, size=2).tolist() == [1, 2]
    assert ops.unique(x, size=5, fill_value=9).tolist() == [1, 2, 3, 9, 9]
    check_shape_rule(lambda a: ops.unique(a, return_inverse=True, size=3), np.ones((2, 2)))


def test_unique_rows():
    values, inverse = ops.unique(np.array([[3, 1], [3, 1], [1, 2]]), axis=0, return_inverse=True)
    assert (values.tolist(), inverse.tolist()) == ([[1, 2], [3, 1]], [1, 1, 0])
    assert ops.unique(KerasTensor((3, 2)), axis=0).shape == (None, 2)


TABLE = np.array([[1.0, 0.0, 3.0], [0.0, 5.0, 6.0]])


def test_isin():
    assert ops.isin(TABLE, [1.0, 5.0]).tolist() == [[True, False, False], [False, True, False]]
    assert ops.isin(TABLE, [1.0, 5.0], invert=True)[0].tolist() == [False, True, True]
    check_shape_rule(ops.isin, TABLE, TABLE[0])


def test_nonzero():
    rows, columns = ops.nonzero(TABLE)
    assert (rows.tolist(), columns.tolist()) == ([0, 0, 1, 1], [0, 2, 1, 2])
    assert [x.shape for x in ops.nonzero(KerasTensor((None, 3)))] == [(None,), (None,)]


def test_select_takes_the_first_choice_whose_condition_holds():
    def choose(x):
        return ops.select([TABLE > 2, TABLE < 1], [x * 2.0, x * 3.0], default=x)

    np.testing.assert_array_equal(choose(TABLE + 1), [[2, 3, 8], [3, 12, 14]])
    check_gradients(choose, TABLE)
    check_shape_rule(choose, TABLE)


def test_histogram():
    counts, bounds = ops.histogram(np.array([0.0, 1.0, 1.5, 4.0]), bins=4)
    assert (counts.tolist(), bounds.tolist()) == ([1, 2, 0, 1], [0, 1, 2, 3, 4])
    counts, _ = ops.histogram(np.array([0.0, 1.0, 1.5, 4.0]), bins=2, range=(0, 2))
    assert counts.tolist() == [1, 2]
    check_shape_rule(lambda x: ops.histogram(x, 3), TABLE[0], unknown=False)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ops.searchsorted(np.ones((1, 3)), [1.0]), r"one axis.*\(1, 3\)"),
        (lambda: ops.bincount([1, -1]), r"not be.*|not negative.*-1"),
        (lambda: ops.bincount([0.5]), r"float32"),
        (lambda: ops.bincount([1], sparse=True), r"sparse=True"),
        (
            lambda: ops.select([TABLE > 2], [TABLE, TABLE]),
            r"a list of 1 of cond.*a list of 2 of choices",
        ),
        (lambda: ops.select(TABLE > 2, [TABLE]), r"a ndarray, not a list"),
        (lambda: ops.histogram(TABLE), r"one axis.*\(2, 3\)"),
        (lambda: ops.histogram(TABLE[0], bins=-1), r"`bins` of `histogram`.*bins=-1"),
        (lambda: ops.histogram(TABLE[0], range=(3, 1)), r"range=\(3, 1\)"),
        (lambda: ops.unravel_index([12], (3, 4)), r"index 12.*\(3, 4\), with 12"),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.keras
@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=8),
    st.booleans(),
    st.one_of(st.none(), st.integers(1, 6)),
)
def test_unique_is_kerass(keras, entries, in_order, size):
    x = np.array(entries)
    options = {"sorted": in_order, "size": size}
    options |= dict.fromkeys(("return_index", "return_inverse", "return_counts"), True)
    for ours, theirs in zip(ops.unique(x, **options), keras.ops.unique(x, **options), strict=True):
        np.testing.assert_array_equal(ours, theirs.numpy())


@pytest.mark.keras
@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=2, max_size=8, unique=True), st.integers(1, 5))
def test_histogram_is_kerass(keras, entries, bins):
    x = np.array(entries, "float32") / 4
    for ours, theirs in zip(
        ops.histogram(x, bins, (-1, 1)), keras.ops.histogram(x, bins, (-1, 1)), strict=True
    ):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-5, atol=1e-6)

"""Sorting, the largest few and quantiles: ties, NaN, messages, and Keras' numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import KerasTensor, ops
from tests.checks import recorded_gradients

NAN = np.nan


def gradient(function, values, dy=1.0):
    (dx,), _ = recorded_gradients(function, [np.array(values, "float32")], [np.float32(dy)])
    return dx.tolist()


def test_sorting_puts_nan_last_and_keeps_the_order_of_equals():
    np.testing.assert_array_equal(ops.sort([2.0, NAN, 1.0]), [1, 2, NAN])
    assert ops.argsort([1, 0, 1, 0]).tolist() == [1, 3, 0, 2]
    assert ops.argsort([[3, 1], [2, 0]], axis=None).tolist() == [3, 1, 2, 0]
    assert ops.sort([[3, 1], [2, 0]], axis=None).tolist() == [0, 1, 2, 3]
    assert gradient(ops.sort, [3, 1, 2], [10, 20, 30]) == [30, 10, 20]
    assert ops.argpartition([3.0, 1.0, 2.0], 1)[1] == 2


def test_the_first_of_equals_counts_as_larger():
    values, positions = ops.top_k([1.0, 3.0, 3.0, 2.0, 2.0], 4)
    assert (values.tolist(), positions.tolist()) == ([3, 3, 2, 2], [1, 2, 3, 4])
    assert positions.dtype == "int32"
    assert ops.top_k(np.array([5, 5, 5], "uint8"), 2)[1].tolist() == [0, 1]
    assert ops.top_k(np.array([-128, 127], "int8"), 2)[0].tolist() == [127, -128]
    assert ops.top_k([[1.0], [2.0]], 1)[1].tolist() == [[0], [0]]
    assert ops.top_k([1.0, 2.0], 0)[0].shape == (0,)


def test_nan_is_never_among_the_largest():
    assert ops.top_k([1.0, NAN, 2.0], 2)[1].tolist() == [2, 0]


def test_the_gradient_of_the_largest_goes_where_they_stood():
    def total(x):
        return ops.top_k(x, 2)[0]

    assert gradient(total, [1, 3, 2], [10, 20]) == [0, 10, 20]


def test_no_more_than_all():
    for x in (np.ones((2, 3)), KerasTensor((2, 3))):
        with pytest.raises(ValueError, match=r"shape \(2, 3\) cannot give k=4"):
            ops.top_k(x, 4)
    with pytest.raises(ValueError, match="`k` of top_k.*k=-1"):
        ops.top_k([1.0], -1)


def test_in_top_k_counts_ties_in_favour_of_the_target_and_bears_bad_rows():
    predictions = np.array([[0.1, 0.5, 0.4], [0.2] * 3, [NAN, 0.1, 0.2], [0, np.inf, 0]], "float32")
    assert ops.in_top_k([1, 2, 2, 0], predictions, 1).tolist() == [True, True, False, False]
    assert ops.in_top_k([5, -1], predictions[:2], 3).tolist() == [False, False]


def test_one_nan_spreads_to_every_quantile():
    assert np.isnan(ops.median([1.0, NAN, 3.0]))
    assert np.isnan(ops.quantile([1.0, NAN, 3.0], [0.1, 0.9])).all()


def test_quantiles_of_one_and_of_equal_and_of_infinite_entries():
    assert ops.quantile([2.0], 0.3) == 2
    assert ops.median([np.inf, np.inf]) == np.inf
    assert ops.quantile([0.0, np.inf], 0.5) == np.inf
    assert ops.median([1, 2]).dtype == "float32"
    assert ops.median(np.ones(2, "float16")).dtype == "float16"


def test_gradients_go_to_the_entries_between_which_a_quantile_lies():
    assert gradient(ops.median, [1, 5, 3]) == [0, 0, 1]
    assert gradient(ops.median, [1, 5, 3, 2]) == [0, 0, 0.5, 0.5]
    found = gradient(lambda x: ops.quantile(x, 0.3), [1, 5, 3, 2])
    np.testing.assert_allclose(found, [0.1, 0, 0, 0.9], atol=1e-6)


def test_messages():
    with pytest.raises(ValueError, match=r"`q` of quantile must lie in \[0, 1\].*q=1.5"):
        ops.quantile([1.0, 2.0], 1.5)
    with pytest.raises(ValueError, match=r"`q` of quantile must lie in \[0, 1\].*q=1.5"):
        ops.percentile([1.0, 2.0], 150)
    with pytest.raises(ValueError, match="`method` of quantile.*'middle'"):
        ops.quantile([1.0, 2.0], 0.5, method="middle")
    with pytest.raises(ValueError, match=r"no entries is not known.*x.shape=\(0,\)"):
        ops.median(np.zeros(0))


@pytest.mark.keras
@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    seed=st.integers(0, 99),
    q=st.sampled_from([0, 0.25, 1, 0.37, [0.1, 0.5, 0.93]]),
    method=st.sampled_from(["linear", "lower", "higher", "midpoint", "nearest"]),
    axis=st.sampled_from([None, 0, -1]),
    keepdims=st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_quantiles_are_those_of_keras(shape, seed, q, method, axis, keepdims, keras):
    x = np.random.default_rng(seed).normal(size=shape).astype("float32")
    options = {"axis": axis, "method": method, "keepdims": keepdims}
    ours = np.asarray(ops.quantile(x, q, **options))
    theirs = keras.ops.quantile(x, q, **options)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.keras
@given(
    values=st.lists(st.integers(0, 4), min_size=3, max_size=12),
    k=st.integers(1, 3),
)
@settings(max_examples=25, deadline=None)
def test_the_largest_few_are_those_of_keras(values, k, keras):
    x = np.array(values, "float32")
    for ours, theirs in zip(ops.top_k(x, k), keras.ops.top_k(x, k), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    predictions = np.stack([x, x[::-1]])
    targets = np.array([values[0], len(values) - 1], "int32")
    np.testing.assert_array_equal(
        ops.in_top_k(targets, predictions, k), keras.ops.in_top_k(targets, predictions, k)
    )

"""Reductions: ties, empty arrays, NaN, float16, dtypes, messages, and Keras' numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import KerasTensor, ops
from npkeras.core.dtypes import dtype_of
from tests.checks import check_gradients, recorded_gradients

DTYPES = [
    *"bool uint8 uint16 uint32 int8 int16 int32 int64 float16 float32 float64".split(),
]
NAN = np.nan


def gradient(function, values):
    (dx,), _ = recorded_gradients(function, [np.array(values, "float32")], [np.float32(1)])
    return dx.tolist()


def test_entries_that_share_the_extreme_share_the_gradient():
    assert gradient(ops.max, [1, 2, 2]) == [0, 0.5, 0.5]
    assert gradient(ops.min, [1, 1, 2]) == [0.5, 0.5, 0]
    assert gradient(ops.ptp, [1, 1, 2, 2]) == [-0.5, -0.5, 0.5, 0.5]
    assert gradient(lambda x: ops.max(x, axis=1), [[1, 3], [4, 4]]) == [[0, 1], [0.5, 0.5]]


def test_initial_is_a_lower_or_an_upper_bound():
    assert ops.max([1, 2], initial=5) == 5
    assert ops.min([1, 2], initial=0) == 0
    assert ops.max(np.zeros((0, 2)), axis=0, initial=-1.0).tolist() == [-1, -1]


def test_products_have_gradients_through_zeros():
    assert gradient(ops.prod, [0, 2, 3]) == [6, 0, 0]
    assert gradient(ops.prod, [0, 0, 3]) == [0, 0, 0]
    check_gradients(ops.cumprod, [1.0, 0.0, 3.0, 0.0, 2.0])
    check_gradients(lambda x: ops.cumprod(x, axis=1), [[1.0, 0.0, 3.0], [2.0, 4.0, 0.0]])


def test_nothing_at_all():
    nothing = np.zeros((0, 3), "float32")
    assert ops.sum(nothing, axis=0).tolist() == [0, 0, 0]
    assert ops.prod(nothing, axis=0).tolist() == [1, 1, 1]
    assert ops.logsumexp(nothing, axis=0).tolist() == [-np.inf] * 3
    assert ops.all(nothing, axis=0).all() and not ops.any(nothing, axis=0).any()
    assert ops.cumsum(nothing, axis=0).shape == (0, 3)
    for op in (ops.mean, ops.var, ops.std):
        assert np.isnan(op(nothing, axis=0)).all()
    for op in (ops.max, ops.min, ops.argmax, ops.median):
        with pytest.raises(ValueError):
            op(nothing, axis=0)


def test_what_is_the_largest_passes_over_nan():
    assert ops.argmax([1.0, NAN, 3.0]) == 2
    assert ops.argmin([[1.0, NAN, 0.0]], axis=-1).tolist() == [2]
    assert ops.argmax([NAN, NAN]) == 0
    assert ops.argmax([[NAN, 2.0], [3.0, 1.0]], axis=0, keepdims=True).tolist() == [[1, 0]]
    assert np.isnan(ops.max([1.0, NAN]))
    assert ops.argmax(2.0) == 0


def test_logsumexp_neither_overflows_nor_warns():
    assert ops.logsumexp(np.float32([1e4, 1e4])) == pytest.approx(1e4 + np.log(2))
    assert ops.logsumexp([-np.inf, -np.inf]) == -np.inf
    assert gradient(ops.logsumexp, [-np.inf, 0, 0]) == [0, 0.5, 0.5]
    assert ops.logsumexp([1, 2]).dtype == "float32"


def test_many_small_halves_add_up():
    x = np.full((4000, 2), 0.1, "float16")
    np.testing.assert_allclose(ops.sum(x, axis=0), [400, 400], rtol=2e-3)
    np.testing.assert_allclose(ops.mean(x, axis=0), [0.1, 0.1], rtol=2e-3)
    assert ops.std(np.full(70000, 300, "float16")) == 0
    assert ops.sum(np.full(70000, 300, "float16")) == np.inf


def test_weights_count_how_much_an_entry_counts():
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(ops.average(x, 1, [1, 2, 0]), [2 / 3, 11 / 3])
    np.testing.assert_allclose(ops.average(x, 0, [1, 3]), [2.25, 3.25, 4.25])
    np.testing.assert_allclose(ops.average([1, 2], weights=[1, 3]), 1.75)
    np.testing.assert_allclose(ops.average(x), 2.5)
    np.testing.assert_allclose(ops.average(x, weights=x), np.average(x, weights=x))


def test_an_axis_that_is_not_there():
    for x in (np.ones((2, 3)), KerasTensor((2, 3))):
        with pytest.raises(ValueError, match="axis"):
            ops.sum(x, axis=2)
        with pytest.raises(ValueError, match="axis"):
            ops.mean(x, axis=-3)


def test_an_axis_named_twice():
    for x in (np.ones((2, 3)), KerasTensor((2, 3))):
        with pytest.raises(ValueError, match="axis"):
            ops.sum(x, axis=(0, -2))


def test_differences():
    assert ops.diff([1, 2, 4, 8], n=2).tolist() == [1, 2]
    assert ops.diff([1, 2], n=3).tolist() == []
    with pytest.raises(ValueError, match="`n` of diff.*n=-1"):
        ops.diff(KerasTensor((3,)), n=-1)
    check_gradients(lambda x: ops.diff(x, n=3, axis=0), np.arange(10.0).reshape(5, 2) ** 2)


def test_reductions_that_leave_out_nan():
    x = [[1.0, NAN, 3.0], [NAN, NAN, NAN]]
    np.testing.assert_array_equal(ops.nansum(x, axis=1), [4, 0])
    np.testing.assert_array_equal(ops.nanprod(x, axis=1), [3, 1])
    np.testing.assert_array_equal(ops.nanmean(x, axis=1), [2, NAN])
    np.testing.assert_array_equal(ops.nanmax(x, axis=1), [3, NAN])
    np.testing.assert_array_equal(ops.nanmin(x, axis=1), [1, NAN])
    np.testing.assert_array_equal(ops.nanvar(x, axis=1), [1, NAN])
    np.testing.assert_array_equal(ops.nanstd(x, axis=1), [1, NAN])
    np.testing.assert_array_equal(ops.nanmedian(x, axis=1), [2, NAN])
    np.testing.assert_array_equal(ops.nanargmax(x, axis=1), [2, -1])
    np.testing.assert_array_equal(ops.nanargmin(x, axis=1), [0, -1])
    np.testing.assert_array_equal(ops.nanquantile(x, [0.0, 1.0], axis=1), [[1, NAN], [3, NAN]])
    assert gradient(ops.nanvar, [1, NAN, 3]) == [-1, 0, 1]
    assert gradient(ops.nanstd, [1, NAN, 3]) == [-0.5, 0, 0.5]


# Keras -------------------------------------------------------------------------------------------

REDUCTIONS = "sum mean max min prod var std all any logsumexp count_nonzero median average".split()
OTHERS = "argmax argmin cumsum cumprod sort argsort ptp diff".split()
NANS = "nansum nanmean nanmax nanmin nanprod nanvar nanstd nanmedian nancumsum nanargmax".split()


def keras_result(function, *args, **options):
    try:
        return function(*args, **options)
    except Exception:
        return None  # Keras does not take this


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.keras
@pytest.mark.parametrize("name", REDUCTIONS + OTHERS + NANS)
def test_dtypes_are_those_of_keras(name, keras):
    for dtype in DTYPES:
        x = np.array([[1, 0, 1], [0, 1, 1]]).astype(dtype)
        theirs = keras_result(getattr(keras.ops, name), x)
        if theirs is not None:
            function = getattr(ops, name)
            assert dtype_of(function(x)) == theirs.dtype.name, dtype
            assert function(KerasTensor((2, 3), dtype)).dtype == theirs.dtype.name, dtype


@st.composite
def arrays_and_axes(draw):
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    dtype = draw(st.sampled_from(["bool", "int8", "uint8", "int32", "float32", "float64"]))
    values = np.random.default_rng(draw(st.integers(0, 99))).normal(size=shape) * 3
    ndim = len(shape)
    axes = st.lists(st.integers(0, ndim - 1), unique=True, min_size=1)
    axis = draw(st.none() | st.integers(-ndim, ndim - 1) | axes.map(tuple))
    x = np.abs(values).astype(dtype) if dtype[0] == "u" else values.astype(dtype)
    return x, axis, draw(st.booleans())


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.keras
@pytest.mark.parametrize("name", REDUCTIONS[:-2])
@given(example=arrays_and_axes())
@settings(max_examples=20, deadline=None)
def test_any_axes_give_keras_numbers(name, example, keras):
    x, axis, keepdims = example
    options = {"axis": axis} if name == "count_nonzero" else {"axis": axis, "keepdims": keepdims}
    theirs = keras_result(getattr(keras.ops, name), x, **options)
    if theirs is None:
        return
    ours = np.asarray(getattr(ops, name)(x, **options))
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.numpy().dtype)
    np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-5)
    spec = getattr(ops, name)(KerasTensor(x.shape, x.dtype.name), **options)
    assert (spec.shape, spec.dtype) == (ours.shape, ours.dtype.name)

"""Shape rules: NumPy's results, unknown axes, messages."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from npkeras.core import shapes
from npkeras.core.symbolic import KerasTensor

lengths = st.lists(st.integers(1, 3), max_size=4).map(tuple)


@given(first=lengths, second=lengths)
def test_broadcasting_is_numpys(first, second):
    try:
        expected = np.broadcast_shapes(first, second)
    except ValueError:
        with pytest.raises(ValueError, match="cannot be broadcast"):
            shapes.broadcast_shapes(first, second)
    else:
        assert shapes.broadcast_shapes(first, second) == expected


@given(shape=lengths, target=lengths)
def test_what_spreads_to_a_shape_is_numpys(shape, target):
    try:
        fits = np.broadcast_to(np.zeros(shape), target) is not None
    except ValueError:
        fits = False
    assert shapes.spreads_to(shape, target) == fits
    assert not fits or shapes.spreads_to((None,) * len(shape), target)
    assert not fits or shapes.spreads_to(shape, (None,) * len(target))


@pytest.mark.parametrize(
    "first, second, result",
    [
        ((None,), (1,), (None,)),
        ((None,), (3,), (3,)),
        ((None,), (None,), (None,)),
        ((None, 3), (3,), (None, 3)),
        ((2, None), (None, 1), (2, None)),
    ],
)
def test_unknown_axes_meet_others(first, second, result):
    assert shapes.broadcast_shapes(first, second) == result
    assert shapes.broadcast_shapes(second, first) == result


def test_what_cannot_be_broadcast_is_named():
    with pytest.raises(ValueError, match=r"Shapes \(2, 3\) and \(4,\) cannot be broadcast"):
        shapes.broadcast_shapes((2, 3), (4,))


@given(shape=lengths, extra=st.lists(st.integers(1, 3), max_size=2).map(tuple), data=st.data())
def test_unbroadcasting_sums_what_was_spread(shape, extra, data):
    small = tuple(data.draw(st.sampled_from([1, n])) for n in shape)
    dy = np.random.default_rng(0).normal(size=extra + shape)
    dx = shapes.unbroadcast(dy, small)
    assert dx.shape == small
    np.testing.assert_allclose(dx.sum(), dy.sum())


def test_unbroadcasting_hands_back_what_fits():
    dy = np.ones((2, 3))
    assert shapes.unbroadcast(dy, (2, 3)) is dy


def test_axes_count_from_either_end():
    assert shapes.normalize_axis(-1, 3) == 2
    assert shapes.axes_of(None, 3) == (0, 1, 2)
    assert shapes.axes_of((0, -1), 3) == (0, 2)
    assert shapes.axes_of(np.int64(1), 3) == (1,)
    assert shapes.axes_of((), 3) == ()


def test_axes_that_are_not_there():
    with pytest.raises(ValueError, match=r"in \[-2, 2\) for an array with 2 axes.*axis=2"):
        shapes.axes_of(2, 2)
    with pytest.raises(ValueError, match="axis=1.5"):
        shapes.axes_of(1.5, 2)
    with pytest.raises(ValueError, match=r"names an axis twice.*axis=\(0, -2\) of 2 axes"):
        shapes.axes_of((0, -2), 2)


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2), ()])
@pytest.mark.parametrize("keepdims", [False, True])
def test_reduced_shapes_are_numpys(axis, keepdims):
    x = np.ones((2, 3, 4))
    expected = x.sum(axis=axis, keepdims=keepdims).shape
    assert shapes.reduced_shape((2, 3, 4), axis, keepdims) == expected


def test_dtypes_of_the_rules():
    half, integer = KerasTensor((2,), "float16"), KerasTensor((2,), "int64")
    assert shapes.same(integer).dtype == "int64"
    assert shapes.same_float(integer).dtype == "float32"
    assert shapes.same_bool(half).dtype == "bool"
    assert shapes.broadcast(half, integer).dtype == "float16"
    assert shapes.broadcast(half, 1.5).dtype == "float16"
    assert shapes.broadcast_float(integer, 1).dtype == "float32"
    assert shapes.broadcast_bool(half, integer).dtype == "bool"
    assert shapes.reduced_int(half).dtype == "int32"


@pytest.mark.parametrize(
    "old, new, result",
    [
        ((2, 6), (3, 4), (3, 4)),
        ((2, 6), (-1, 4), (3, 4)),
        ((2, 6), 12, (12,)),
        ((None, 6), (-1, 2, 3), (None, 2, 3)),
        ((0, 6), (0, 3), (0, 3)),
        ((), (1,), (1,)),
    ],
)
def test_reshaping(old, new, result):
    assert shapes.reshaped(KerasTensor(old), new).shape == result


def test_reshaping_what_does_not_fit():
    with pytest.raises(ValueError, match=r"Cannot reshape 12 .*\(2, 6\) into shape \(5, -1\)"):
        shapes.reshaped(KerasTensor((2, 6)), (5, -1))


def test_transposing():
    x = KerasTensor((2, None, 4))
    assert shapes.transposed(x).shape == (4, None, 2)
    assert shapes.transposed(x, (1, 0, -1)).shape == (None, 2, 4)
    with pytest.raises(ValueError, match="each of the 3 axes once|twice"):
        shapes.transposed(x, (0, 0, 1))


def test_joining():
    first, second = KerasTensor((2, None), "int32"), KerasTensor((None, 3))
    joined = shapes.concatenated(first, second, axis=0)
    assert (joined.shape, joined.dtype) == ((None, 3), "float32")
    assert shapes.concatenated(first, second, axis=1).shape == (2, None)
    assert shapes.stacked(first, second, axis=-1).shape == (2, 3, 2)
    with pytest.raises(ValueError, match=r"agree except along axis 0.*\(2, 3\), \(2, 4\)"):
        shapes.concatenated(KerasTensor((2, 3)), KerasTensor((2, 4)), axis=0)


@pytest.mark.parametrize(
    "key", [0, -1, slice(1, None), (..., 0), (slice(None), None), (slice(None, None, 2), 1)]
)
def test_indexing_is_numpys(key):
    expected = np.ones((4, 3))[key].shape
    assert shapes.indexed(KerasTensor((4, 3)), key).shape == expected


def test_indexing_an_unknown_axis():
    x = KerasTensor((None, 3))
    assert shapes.indexed(x, slice(1, None)).shape == (None, 3)
    assert shapes.indexed(x, (slice(None), 0)).shape == (None,)
    assert shapes.indexed(x, 0).shape == (3,)
    assert shapes.indexed(x, slice(2)).shape == (2, 3)


def test_shapes_of_things():
    assert shapes.shape_of(3.0) == ()
    assert shapes.shape_of([[1, 2]]) == (1, 2)
    assert shapes.shape_of(KerasTensor((None,))) == (None,)

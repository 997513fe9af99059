"""Pooling: axis by axis, against windows taken one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.kernels import pooling

LENGTHS = st.tuples(st.integers(1, 6), st.integers(1, 6))


def entries(along, place):
    """What a place sees, by the list of offsets."""
    seen = []
    for places, found in along.offsets:
        if isinstance(places, slice):
            places = np.arange(along.outputs)[places]
            found = np.arange(along.length)[found]
        seen += [found[i] for i, p in enumerate(places) if p == place]
    return sorted(int(i) for i in seen)


def one_by_one(x, windows, function):
    y = np.empty((x.shape[0], windows[0].outputs, windows[1].outputs, x.shape[-1]))
    for i in range(windows[0].outputs):
        for j in range(windows[1].outputs):
            rows, columns = entries(windows[0], i), entries(windows[1], j)
            y[:, i, j] = function(x[:, rows][:, :, columns], axis=(1, 2))
    return y


@st.composite
def problems(draw):
    lengths = draw(LENGTHS)
    windows = []
    for axis, length in enumerate(lengths, 1):
        if draw(st.booleans()):
            windows.append(pooling.adaptive(axis, length, draw(st.integers(1, 7))))
            continue
        size, stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
        before = draw(st.integers(0, size - 1))
        outputs = draw(st.integers(1, max(1, (length - 1 + before) // stride + 1)))
        windows.append(pooling.sliding(axis, length, size, stride, before, outputs))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    x = random.integers(-3, 3, (draw(st.integers(0, 2)), *lengths, 2)).astype("float64")
    return x, windows, random


@settings(max_examples=80, deadline=None)
@given(problem=problems())
def test_windows_have_their_maximum_and_their_mean(problem):
    x, windows, _ = problem
    np.testing.assert_array_equal(pooling.max_pool(x, windows)[0], one_by_one(x, windows, np.max))
    mean = one_by_one(x, windows, np.mean)
    np.testing.assert_allclose(pooling.average_pool(x, windows), mean, atol=1e-12)


@settings(max_examples=80, deadline=None)
@given(problem=problems())
def test_gradients_go_to_the_first_maximum_and_to_all_that_were_averaged(problem):
    x, windows, random = problem
    y, winners = pooling.max_pool(x, windows, True)
    dy = random.normal(size=y.shape)
    largest, shared = np.zeros_like(x), np.zeros_like(x)
    for place in np.ndindex(*y.shape):
        sample, i, j, channel = place
        rows, columns = entries(windows[0], i), entries(windows[1], j)
        part = x[sample][np.ix_(rows, columns)][..., channel]
        row, column = np.unravel_index(part.argmax(), part.shape)
        largest[sample, rows[row], columns[column], channel] += dy[place]
        for row in rows:
            shared[sample, row, columns, channel] += dy[place] / part.size
    np.testing.assert_allclose(pooling.max_pool_back(dy, windows, winners), largest, atol=1e-12)
    np.testing.assert_allclose(pooling.average_pool_back(dy, windows), shared, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "int32", "uint8", "bool"])
def test_maxima_keep_their_dtype_beyond_the_edge_too(dtype):
    x = np.array([[[1], [0], [1]]], dtype)
    windows = [pooling.sliding(1, 3, 2, 2, 0, 2)]
    y, _ = pooling.max_pool(x, windows)
    assert y.dtype == dtype and y.ravel().tolist() == [1, 1]


def test_nothing_of_the_inputs_is_returned():
    x = np.ones((1, 4, 1))
    y, _ = pooling.max_pool(x, [pooling.sliding(1, 4, 1, 2, 0, 2)])
    assert not np.shares_memory(x, y)

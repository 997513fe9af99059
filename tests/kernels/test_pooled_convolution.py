"""A convolution and the maximum over its windows in one, against one after the other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.kernels import pooled_convolution as kernels
from npkeras.kernels.convolution import Geometry, convolve, convolve_back
from npkeras.kernels.pooling import max_pool, max_pool_back, sliding


@st.composite
def problems(draw):
    """A geometry, sizes of windows, inputs of few distinct numbers, weights, a bias, a block."""
    rank = draw(st.integers(1, 3))
    several = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(rank))  # noqa: E731
    window, strides, dilation, size = several(1, 3), several(1, 2), several(1, 2), several(1, 3)
    outputs = tuple(
        s * n + draw(st.integers(0, s - 1)) for s, n in zip(size, several(1, 3), strict=True)
    )
    reach = [
        (o - 1) * s + (w - 1) * d + 1
        for o, s, w, d in zip(outputs, strides, window, dilation, strict=True)
    ]
    before = tuple(draw(st.integers(0, w - 1)) for w in window)
    lengths = [max(1, r - b - draw(st.integers(0, 1))) for r, b in zip(reach, before, strict=True)]
    channels, filters = draw(st.sampled_from([1, 2, 5])), draw(st.integers(1, 3))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    x = random.integers(-1, 2, (draw(st.integers(0, 3)), *lengths, channels)).astype("float64")
    weights = random.integers(-1, 2, (*window, channels, filters)).astype("float64")
    geometry = Geometry(window, strides, dilation, before, outputs)
    bias = draw(st.sampled_from([None, random.integers(-2, 3, filters).astype("float64")]))
    return geometry, size, x, weights, bias, draw(st.sampled_from([1, 600, 2**21]))


@pytest.fixture(autouse=True)
def restored_blocks():
    held = kernels._BLOCK_BYTES
    yield
    kernels._BLOCK_BYTES = held


@settings(max_examples=150, deadline=None)
@given(problem=problems(), rectify=st.booleans())
def test_it_is_the_pooling_of_the_convolution(problem, rectify):
    """Small whole numbers are often equal: the first of them must win, as in `max_pool`."""
    geometry, size, x, weights, bias, kernels._BLOCK_BYTES = problem
    form = kernels.pooled(geometry, size)
    y, won = kernels.convolve_pooled(x, weights, bias, form, rectify, keep=True)
    plain = convolve(x, weights, bias, geometry, rectify)
    windows = [
        sliding(1 + i, n, s, s, 0, n // s)
        for i, (n, s) in enumerate(zip(geometry.outputs, size, strict=True))
    ]
    expected, winners = max_pool(plain, windows, True)
    np.testing.assert_array_equal(y, expected)
    assert kernels.convolve_pooled(x, weights, bias, form, rectify)[1] is None

    dy = np.random.default_rng(0).normal(size=y.shape)
    result = plain if rectify else None
    dplain = max_pool_back(dy, windows, winners)
    wanted = convolve_back(x, weights, dplain, geometry, True, True, True, result)
    found = kernels.convolve_pooled_back(
        x, weights, dy, form, won, True, True, True, y if rectify else None
    )
    for name in wanted._fields:
        np.testing.assert_allclose(
            getattr(found, name), getattr(wanted, name), rtol=1e-10, atol=1e-10, err_msg=name
        )


def test_only_what_is_wanted():
    form = kernels.pooled(Geometry((2,), (1,), (1,), (0,), (4,)), (2,))
    x, weights = np.ones((2, 5, 1)), np.ones((2, 1, 3))
    y, won = kernels.convolve_pooled(x, weights, None, form, keep=True)
    found = kernels.convolve_pooled_back(x, weights, y, form, won, True, False, False)
    assert found.x.shape == x.shape and found.weights is found.bias is None
    found = kernels.convolve_pooled_back(x, weights, y, form, won, False, True, True)
    assert found.x is None and found.weights.shape == weights.shape and found.bias.shape == (3,)


@pytest.mark.parametrize("phases", [1, 2, 3, 4, 6, 9])
def test_every_phase_but_one_loses_once(phases):
    matches = kernels.matches_of(phases)
    assert sorted(later for _, later in matches) == list(range(1, phases))
    assert all(earlier < later for earlier, later in matches)

"""Convolutions: by patches and matmuls, against sums written out place by place."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.kernels import convolution, depthwise
from npkeras.kernels.convolution import Geometry


def written_out(x, weights, geometry, groups):
    """The convolution as its definition has it."""
    y = np.zeros((len(x), *geometry.outputs, weights.shape[-1]))
    inputs = np.split(np.arange(x.shape[-1]), groups)
    outputs = np.split(np.arange(y.shape[-1]), groups)
    for place in np.ndindex(*geometry.outputs):
        for k in np.ndindex(*geometry.window):
            seen = [
                o * stride + i * dilation - before
                for o, i, stride, dilation, before in zip(
                    place, k, geometry.strides, geometry.dilation, geometry.before, strict=True
                )
            ]
            if all(0 <= i < n for i, n in zip(seen, x.shape[1:-1], strict=True)):
                for taken, given_ in zip(inputs, outputs, strict=True):
                    part = x[(slice(None), *seen)][:, taken] @ weights[k][:, given_]
                    y[(slice(None), *place)][:, given_] += part
    return y


@st.composite
def problems(draw, multiplier=False):
    """A geometry, inputs, weights of groups, a bias, and how large blocks are."""
    rank = draw(st.integers(1, 3))
    several = lambda low, high: tuple(draw(st.integers(low, high)) for _ in range(rank))  # noqa: E731
    window, strides, dilation = several(1, 3), several(1, 3), several(1, 2)
    lengths = several(1, 6 if rank < 3 else 3)
    before = tuple(draw(st.integers(0, (n - 1) * d)) for n, d in zip(window, dilation, strict=True))
    outputs = tuple(
        draw(st.integers(1, max(1, (n - 1 + b) // s + 1)))
        for n, b, s in zip(lengths, before, strides, strict=True)
    )
    groups = draw(st.integers(1, 3))
    channels = 1 if multiplier else draw(st.sampled_from([1, 2, 5]))
    filters = groups * draw(st.integers(1, 2))
    random = np.random.default_rng(draw(st.integers(0, 99)))
    x = random.normal(size=(draw(st.integers(0, 3)), *lengths, groups * channels))
    weights = random.normal(size=(*window, channels, filters))
    geometry = Geometry(window, strides, dilation, before, outputs)
    return geometry, groups, x, weights, random.normal(size=filters), draw(st.sampled_from(BLOCKS))


BLOCKS = [1, 600, 2**21]


@pytest.fixture(autouse=True)
def restored_blocks():
    held = convolution._BLOCK_BYTES, depthwise._BLOCK_BYTES
    yield
    convolution._BLOCK_BYTES, depthwise._BLOCK_BYTES = held


def check_gradients(found, x, weights, dy, geometry, groups):
    """The sum of dy * y is linear in x and in the weights; gradients are its slopes."""
    random = np.random.default_rng(0)
    dx, dweights = random.normal(size=x.shape), random.normal(size=weights.shape)
    slope = (written_out(dx, weights, geometry, groups) * dy).sum()
    np.testing.assert_allclose((found.x * dx).sum(), slope, rtol=1e-8, atol=1e-8)
    slope = (written_out(x, dweights, geometry, groups) * dy).sum()
    found_slope = (found.weights.reshape(weights.shape) * dweights).sum()
    np.testing.assert_allclose(found_slope, slope, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(found.bias, dy.reshape(-1, dy.shape[-1]).sum(0), atol=1e-10)


@settings(max_examples=60, deadline=None)
@given(problem=problems())
def test_convolution_is_the_sum_over_windows(problem):
    geometry, groups, x, weights, bias, convolution._BLOCK_BYTES = problem
    expected = written_out(x, weights, geometry, groups) + bias
    y = convolution.convolve(x, weights, bias, geometry)
    np.testing.assert_allclose(y, expected, atol=1e-10)
    y = convolution.convolve(x, weights, bias, geometry, True)
    np.testing.assert_allclose(y, np.maximum(expected, 0), atol=1e-10)
    dy = np.random.default_rng(1).normal(size=y.shape)
    found = convolution.convolve_back(x, weights, dy, geometry, True, True, True, y)
    check_gradients(found, x, weights, dy * (expected > 0), geometry, groups)
    alone = convolution.convolve_back(x, weights, dy, geometry, True, False, False, y)
    np.testing.assert_allclose(alone.x, found.x, atol=1e-12)
    assert alone.weights is None and alone.bias is None


@settings(max_examples=40, deadline=None)
@given(problem=problems(multiplier=True))
def test_depthwise_convolution_is_one_with_a_group_for_each_channel(problem):
    geometry, groups, x, weights, bias, depthwise._BLOCK_BYTES = problem
    expected = written_out(x, weights, geometry, groups) + bias
    own = weights.reshape(*geometry.window, groups, -1)
    y = depthwise.depthwise(x, own, bias, geometry)
    np.testing.assert_allclose(y, expected, atol=1e-10)
    y = depthwise.depthwise(x, own, bias, geometry, True)
    np.testing.assert_allclose(y, np.maximum(expected, 0), atol=1e-10)
    dy = np.random.default_rng(1).normal(size=y.shape)
    found = depthwise.depthwise_back(x, own, dy, geometry, True, True, True, y)
    check_gradients(found, x, weights, dy * (expected > 0), geometry, groups)


@settings(max_examples=30, deadline=None)
@given(problem=problems())
def test_transposed_convolution_is_the_way_back(problem):
    geometry, groups, x, weights, _, convolution._BLOCK_BYTES = problem
    weights = np.repeat(weights, groups, axis=-2)  # a transposed one has no groups
    y = written_out(x, weights, geometry, 1)
    dy = np.random.default_rng(1).normal(size=y.shape)
    bias = np.arange(x.shape[-1], dtype=float)
    back = convolution.convolve_back(x, weights, dy, geometry, True, True, False)
    result = convolution.convolve_transposed(dy, weights, bias, geometry, x.shape[1:-1])
    np.testing.assert_allclose(result, back.x + bias, atol=1e-10)
    found = convolution.convolve_transposed_back(dy, weights, x, geometry, True, True, True)
    np.testing.assert_allclose(found.x, y, atol=1e-10)
    np.testing.assert_allclose(found.weights, back.weights, atol=1e-10)
    np.testing.assert_allclose(found.bias, x.reshape(-1, x.shape[-1]).sum(0), atol=1e-10)


def test_buffers_stay_small():
    """Patches of a large image take many times its memory, and are made a few rows at a time."""
    x = np.ones((1, 400, 400, 8), "float32")
    geometry = Geometry((5, 5), (1, 1), (1, 1), (2, 2), (400, 400))
    blocks = list(convolution._blocks(geometry, x, 8))
    assert len(blocks) > 10
    rows = [block[1].stop - block[1].start for block in blocks]
    assert sum(rows) == 400
    assert max(rows) * 400 * (5 * 5 * 8 + 8) * 4 <= convolution._BLOCK_BYTES


@pytest.mark.parametrize("channels", [1, 5])
def test_a_buffer_that_is_used_again_holds_nothing_of_the_block_before(channels):
    convolution._BLOCK_BYTES = depthwise._BLOCK_BYTES = 1
    geometry = Geometry((3, 3), (1, 1), (1, 1), (2, 1), (5, 4))
    random = np.random.default_rng(0)
    x, weights = random.normal(size=(2, 4, 4, channels)), random.normal(size=(3, 3, channels, 2))
    y = convolution.convolve(x, weights, None, geometry)
    np.testing.assert_allclose(y, written_out(x, weights, geometry, 1), atol=1e-12)
    own = weights[..., :1]
    y = depthwise.depthwise(x, own, None, geometry)
    expected = written_out(x, own.swapaxes(-1, -2), geometry, channels)
    np.testing.assert_allclose(y, expected, atol=1e-12)

"""Kernels of normalization against what NumPy says in double precision."""

import numpy as np
import pytest

from npkeras.kernels.normalization import (
    channel_moments,
    channel_sums,
    scale_and_lean,
    scale_channels,
    standardize_rows,
    standardize_rows_back,
)

RANDOM = np.random.default_rng(0)
SHAPES = [
    ((64, 28, 28, 32), 3),  # many pieces
    ((7, 3), 1),
    ((4099, 5), 1),  # a prime number of rows
    ((3, 1), 1),
    ((3, 5000), 1),
    ((4, 6, 50, 40), 1),
    ((2, 3, 2), 1),
    ((0, 3), 1),
    ((3, 0), 1),
    ((5,), 0),
]
by_shape = pytest.mark.parametrize("shape, axis", SHAPES, ids=str)


def example(shape, axis, order):
    x, dy = (RANDOM.normal(1, 2, size=shape).astype("float32") for _ in range(2))
    if order == "F":
        x, dy = np.asfortranarray(x), np.asfortranarray(dy)
    values = RANDOM.normal(size=(4, shape[axis])).astype("float32")
    along = [n if i == axis else 1 for i, n in enumerate(shape)]
    others = tuple(i for i in range(len(shape)) if i != axis)
    return x, dy, values, [v.reshape(along).astype("float64") for v in values], others


def close(found, expected):
    scale = max(1, np.abs(expected).max(initial=0))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * scale)
    assert found.dtype == "float32"


@pytest.mark.parametrize("order", ["C", "F"])
@by_shape
def test_channels(shape, axis, order):
    x, dy, values, spread, others = example(shape, axis, order)
    wide, wide_dy = x.astype("float64"), dy.astype("float64")
    mean, variance = channel_moments(x, axis)
    if x.size:
        close(mean, wide.mean(others))
        close(variance, wide.var(others))
    close(scale_channels(x, values[0], values[1], axis), wide * spread[0] + spread[1])
    close(scale_channels(x, values[0], None, axis), wide * spread[0])
    total, products = channel_sums(dy, x, values[0], axis)
    close(total, wide_dy.sum(others))
    close(products, (wide_dy * (wide - spread[0])).sum(others))
    close(channel_sums(dy, x, None, axis)[1], (wide_dy * wide).sum(others))
    expected = wide_dy * spread[1] + (wide - spread[0]) * spread[2] + spread[3]
    close(scale_and_lean(dy, x, *values, axis), expected)


@pytest.mark.parametrize("center", [True, False], ids=["centered", "not"])
@pytest.mark.parametrize("shape", [(3, 4), (70, 1000), (5, 1), (0, 4), (4, 0)], ids=str)
def test_rows(shape, center):
    x, dy, values, _, _ = example(shape, 1, "C")
    wide, scale = x.astype("float64"), values[0].astype("float64")
    centered = wide - wide.mean(1, keepdims=True) if center and x.size else wide
    factor = 1 / np.sqrt(np.square(centered).sum(1, keepdims=True) / max(1, shape[1]) + 0.1)
    y, kept = standardize_rows(x, values[0], values[1], 0.1, center, keep=True)
    close(y, centered * factor * scale + values[1])
    close(kept.rows, centered * factor)
    without, _ = standardize_rows(x, values[0], values[1], 0.1, center)
    close(without, y)
    dx, dscale, doffset = standardize_rows_back(dy, kept, values[0])
    close(dscale, (dy * centered * factor).sum(0, dtype="float64"))
    close(doffset, dy.sum(0, dtype="float64"))
    if x.size:
        dy_scaled, normed = dy * scale, centered * factor
        expected = dy_scaled - normed * (dy_scaled * normed).mean(1, keepdims=True)
        expected -= dy_scaled.mean(1, keepdims=True) if center else 0
        close(dx, expected * factor)

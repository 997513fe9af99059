"""Upsampling: integers, and arguments that are refused."""

import numpy as np
import pytest

from npkeras import layers
from tests.layers.engines import array


def test_integers_stay_integers(engine):
    x = np.array([[[[0], [3]]]], "int32")
    for interpolation in ("nearest", "bilinear"):
        y = array(engine.layers.UpSampling2D((1, 2), interpolation=interpolation)(x))
        assert y.dtype == "int32"
        assert y.ravel().tolist() == ([0, 0, 3, 3] if interpolation == "nearest" else [0, 1, 2, 3])


def test_a_copy_is_returned():
    x = np.ones((1, 2, 2, 1), "float32")
    for interpolation in ("nearest", "bilinear"):
        y = layers.UpSampling2D(1, interpolation=interpolation)(x)
        assert not np.shares_memory(x, y)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: layers.UpSampling1D(0), "size=0"),
        (lambda: layers.UpSampling2D((1, 2, 3)), r"2 integers.*size=\(1, 2, 3\)"),
        (lambda: layers.UpSampling2D(interpolation="cubic"), "'area'.*interpolation='cubic'"),
        (lambda: layers.UpSampling3D(2, data_format="last"), "data_format='last'"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_is_no_integer_is_a_type_error(engine):
    for size in (1.5, None, (2,)):
        with pytest.raises(TypeError):
            engine.layers.UpSampling1D(size)


def test_small_integers_stop_at_their_ends(engine):
    x = np.zeros((1, 1, 4, 1), "uint8")
    x[0, 0, 2] = 255
    y = array(engine.layers.UpSampling2D((1, 2), interpolation="lanczos3")(x))
    assert y.ravel().tolist() == [10, 0, 0, 72, 237, 215, 63, 0]


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_what_is_not_finite_spreads_to_its_neighbours_only(engine, number):
    x = np.zeros((1, 1, 9, 1), "float32")
    x[0, 0, 4] = number
    for interpolation, reach in (("bilinear", 1), ("bicubic", 2)):
        y = array(engine.layers.UpSampling2D((1, 2), interpolation=interpolation)(x)).ravel()
        np.testing.assert_array_equal(np.isfinite(y), np.abs(np.arange(18) - 8.5) > 2 * reach)


def test_an_area_is_what_is_nearest(engine):
    x = np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype("float32")
    area, nearest = (
        array(engine.layers.UpSampling2D((2, 3), interpolation=name)(x))
        for name in ("area", "nearest")
    )
    np.testing.assert_allclose(area, nearest, rtol=1e-6)


def test_images_without_rows_are_refused(engine):
    for interpolation in ("bilinear", "bicubic", "lanczos3"):
        layer = engine.layers.UpSampling2D(2, interpolation=interpolation)
        with pytest.raises(ValueError):
            layer(np.zeros((2, 0, 3, 1), "float32"))

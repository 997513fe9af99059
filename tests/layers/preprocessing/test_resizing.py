"""Resizing and CenterCrop: dtypes, single images, arguments that are refused."""

import numpy as np
import pytest

from npkeras import Input, layers
from tests.layers.engines import array, name_of_dtype, ones

X = np.arange(48, dtype="float32").reshape(1, 6, 8, 1)


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
def test_integers_stay_integers_only_in_resizing(engine, dtype):
    x = X.astype(dtype)
    assert name_of_dtype(engine.layers.Resizing(3, 4)(x)) == dtype
    assert name_of_dtype(engine.layers.CenterCrop(3, 4)(x)) == "float32"


def test_one_image(engine):
    for name in ("Resizing", "CenterCrop"):
        layer = getattr(engine.layers, name)(3, 4)
        assert tuple(layer(X[0]).shape) == (3, 4, 1)


def test_the_middle(engine):
    y = array(engine.layers.CenterCrop(3, 3)(X))
    np.testing.assert_array_equal(y, X[:, 1:4, 2:5])


def test_images_that_are_too_small_are_resized(engine):
    y = array(engine.layers.CenterCrop(8, 4)(X))
    assert y.shape == (1, 8, 4, 1)
    np.testing.assert_allclose(y[0, 0, :, 0], [2, 2.625, 3.375, 4])


@pytest.mark.parametrize("name", ["Resizing", "CenterCrop"])
def test_the_size_is_known_where_that_of_the_images_is_not(engine, name):
    layer = getattr(engine.layers, name)(3, 4)
    assert layer(engine.Input((None, None, 2))).shape == (None, 3, 4, 2)


@pytest.mark.parametrize("name", ["Resizing", "CenterCrop"])
def test_what_is_refused(name):
    make = getattr(layers, name)
    for size in ((0, 4), (4, -1), (4.0, 5), (None, 5)):
        with pytest.raises(ValueError, match=f"of {name} must be a positive integer"):
            make(*size)
    for x in (ones(6, 8), ones(1, 1, 6, 8, 3), Input((8,))):
        with pytest.raises(ValueError, match=rf"'r' \({name}\) expects one image"):
            make(3, 4, name="r")(x)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"interpolation": "cubic"}, "`interpolation` of Resizing.*'cubic'"),
        ({"fill_mode": "reflect"}, "`fill_mode` of Resizing.*'reflect'"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, "Only one of"),
        ({"data_format": "last"}, "`data_format` of Resizing"),
    ],
)
def test_ways_that_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        layers.Resizing(3, 4, **options)

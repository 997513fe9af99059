"""Zeros around and edges off: what arguments mean, and which are refused."""

import numpy as np
import pytest

from tests.layers.engines import array, ones


@pytest.mark.parametrize(
    "name, option, value, pairs",
    [
        ("ZeroPadding1D", "padding", 2, (2, 2)),
        ("ZeroPadding1D", "padding", (0, 2), (0, 2)),
        ("ZeroPadding2D", "padding", (1, 2), ((1, 1), (2, 2))),
        ("ZeroPadding2D", "padding", ((1, 2), 3), ((1, 2), (3, 3))),
        ("ZeroPadding3D", "padding", (1, 2, 0), ((1, 1), (2, 2), (0, 0))),
        ("Cropping1D", "cropping", 1, (1, 1)),
        ("Cropping2D", "cropping", 1, ((1, 1), (1, 1))),
        ("Cropping3D", "cropping", ((1, 2), (0, 1), (1, 1)), ((1, 2), (0, 1), (1, 1))),
    ],
)
def test_what_an_argument_stands_for(engine, name, option, value, pairs):
    layer = getattr(engine.layers, name)(value)
    assert getattr(layer, option) == pairs
    assert layer.get_config()[option] == pairs


@pytest.mark.parametrize(
    "name, value",
    [
        ("ZeroPadding1D", -1),
        ("ZeroPadding1D", (1, 2, 3)),
        ("ZeroPadding2D", (1, 2, 3)),
        ("ZeroPadding2D", ((1, 2), (-3, 4))),
        ("ZeroPadding2D", "a"),
        ("ZeroPadding3D", (1, 2)),
        ("Cropping1D", "a"),
        ("Cropping2D", (1, -2)),
        ("Cropping3D", 1.5),
    ],
)
def test_bad_arguments_are_refused(engine, name, value):
    with pytest.raises(ValueError, match="padding|cropping"):
        getattr(engine.layers, name)(value)


@pytest.mark.parametrize(
    "name, value, shape",
    [("Cropping1D", 2, (1, 4, 3)), ("Cropping2D", 2, (1, 3, 9, 1)), ("Cropping3D", 2, (1,) * 5)],
)
def test_something_must_be_left(engine, name, value, shape):
    with pytest.raises(ValueError, match="ropping"):
        getattr(engine.layers, name)(value)(ones(*shape))


def test_zeros_go_where_they_should(engine):
    x = np.ones((1, 1, 2, 1), "float32")
    y = array(engine.layers.ZeroPadding2D(((1, 0), (0, 2)))(x))
    assert y[0, :, :, 0].tolist() == [[0, 0, 0, 0], [1, 1, 0, 0]]
    first = engine.layers.ZeroPadding2D(((1, 0), (0, 2)), data_format="channels_first")
    assert array(first(x.transpose(0, 3, 1, 2)))[0, 0].tolist() == [[0, 0, 0, 0], [1, 1, 0, 0]]

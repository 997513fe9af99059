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
        (lambda: layers.UpSampling1D(1.5), "size=1.5"),
        (lambda: layers.UpSampling2D((1, 2, 3)), r"2 integers.*size=\(1, 2, 3\)"),
        (lambda: layers.UpSampling2D(interpolation="area"), "'bilinear'.*interpolation='area'"),
        (lambda: layers.UpSampling3D(2, data_format="last"), "data_format='last'"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()

"""Adaptive pooling: arguments, and inputs that do not divide into the windows."""

import numpy as np
import pytest

from npkeras import layers
from tests.layers.engines import array, ones

X = np.random.default_rng(0).permutation(2 * 5 * 7 * 3).reshape(2, 5, 7, 3).astype("float32")


def test_windows_are_rounded_outwards(engine):
    x = np.arange(5.0, dtype="float32").reshape(1, 5, 1)
    assert array(engine.layers.AdaptiveMaxPooling1D(3)(x)).ravel().tolist() == [1, 3, 4]
    assert array(engine.layers.AdaptiveAveragePooling1D(3)(x)).ravel().tolist() == [0.5, 2, 3.5]


def test_there_may_be_more_windows_than_entries(engine):
    y = array(engine.layers.AdaptiveAveragePooling2D(9)(X))
    assert y.shape == (2, 9, 9, 3)
    np.testing.assert_allclose(y[:, 0, 0], X[:, 0, 0])


def test_one_window_is_global_pooling():
    average, largest = layers.AdaptiveAveragePooling2D(1)(X), layers.AdaptiveMaxPooling2D(1)(X)
    np.testing.assert_allclose(average[:, 0, 0], X.mean(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_array_equal(largest[:, 0, 0], X.max(axis=(1, 2)))


@pytest.mark.parametrize("size", [3, (3, 3), [3, 3]])
def test_the_config_holds_a_tuple(engine, size):
    layer = engine.layers.AdaptiveMaxPooling2D(size)
    assert layer.get_config()["output_size"] == (3, 3)


def test_the_shape_is_known_where_that_of_the_inputs_is_not(engine):
    layer = engine.layers.AdaptiveAveragePooling2D((2, 3))
    assert layer(engine.Input((None, None, 4))).shape == (None, 2, 3, 4)


@pytest.mark.parametrize("size", [2.0, None, "2"])
def test_a_size_is_an_integer_or_a_tuple(engine, size):
    for rank in (1, 2, 3):
        with pytest.raises(TypeError):
            getattr(engine.layers, f"AdaptiveMaxPooling{rank}D")(size)


@pytest.mark.parametrize("size", [0, -1, (2, 0), (2.0, 2), (2, 2, 2)])
def test_sizes_that_are_refused(size):
    with pytest.raises(ValueError, match="`output_size` of AdaptiveMaxPooling2D.*Received"):
        layers.AdaptiveMaxPooling2D(size)


def test_inputs_that_are_refused():
    for shape in ((2, 5, 3), (2, 0, 5, 3)):
        with pytest.raises(ValueError, match="axes"):
            layers.AdaptiveAveragePooling2D(2)(ones(*shape))

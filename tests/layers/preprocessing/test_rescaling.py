"""Rescaling: units, channels, dtypes."""

import numpy as np
import pytest

from npkeras import config
from npkeras.layers import Rescaling
from tests.layers.engines import array, ones


def test_whole_numbers_become_floats(engine):
    y = engine.layers.Rescaling(1 / 127.5, offset=-1)(np.array([[0, 255]], "uint8"))
    assert array(y).tolist() == [[-1, 1]]
    assert array(y).dtype == "float32"


def test_channels_may_come_first():
    config.set_image_data_format("channels_first")
    y = Rescaling([1.0, 2.0], [0.0, 1.0])(ones(1, 2, 3, 3))
    assert y[0, :, 0, 0].tolist() == [1, 3]


@pytest.mark.keras
@pytest.mark.parametrize("scale", [np.array([1, 2]), np.float32(3), (1, 2), [0.5, 2]], ids=repr)
def test_configs_are_those_of_keras(keras, scale):
    ours, theirs = Rescaling(scale, name="one"), keras.layers.Rescaling(scale, name="one")
    assert ours.get_config() == theirs.get_config()
    again = Rescaling.from_config(ours.get_config())
    np.testing.assert_array_equal(again(ones(1, 2)), array(theirs(ones(1, 2))))


@pytest.mark.parametrize("name", ["scale", "offset"])
def test_text_is_no_number(name):
    with pytest.raises(ValueError, match=f"`{name}` of Rescaling.*'a'"):
        Rescaling(**{"scale": 1, name: "a"})

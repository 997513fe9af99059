"""The settings of a process."""

import numpy as np
import pytest

import npkeras
from npkeras.core import config


def test_the_defaults_are_those_of_keras():
    assert config.floatx() == "float32"
    assert config.epsilon() == 1e-7
    assert config.image_data_format() == "channels_last"
    assert config.random_stream() == "tensorflow"
    assert config.backend() == "numpy"


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
def test_floatx_is_what_was_set(dtype):
    config.set_floatx(dtype)
    assert config.floatx() == dtype


def test_floatx_is_the_dtype_of_new_weights():
    config.set_floatx("float64")
    layer = npkeras.layers.Dense(2, dtype="float64")
    layer.build((None, 3))
    assert layer.kernel.dtype == "float64"


def test_epsilon_enters_the_losses():
    config.set_epsilon(0.5)
    value = npkeras.losses.kl_divergence([[1.0]], [[0.0]])
    np.testing.assert_allclose(value, [np.log(2)], rtol=1e-6)


def test_image_data_format_in_any_case():
    config.set_image_data_format("Channels_First")
    assert config.image_data_format() == "channels_first"


@pytest.mark.parametrize(
    "setting, value, message",
    [
        ("floatx", "float8", "`floatx` of `set_floatx` must be one of 'bfloat16'.*='float8'"),
        ("floatx", 32, "floatx=32"),
        ("floatx", np.zeros(2), r"floatx=array of shape \(2,\)"),
        ("epsilon", "small", "`value` of `set_epsilon` must be a number at least 0.*='small'"),
        ("epsilon", -1, "value=-1"),
        ("epsilon", None, "value=None"),
        ("epsilon", float("nan"), "value=nan"),
        ("image_data_format", "x", "'channels_first', 'channels_last'.*image_data_format='x'"),
        ("image_data_format", 3, "image_data_format='3'"),
        ("random_stream", "other", "'tensorflow', 'numpy'. Received: random_stream='other'"),
    ],
)
def test_anything_else_is_refused_and_changes_nothing(setting, value, message):
    before = getattr(config, setting)()
    with pytest.raises(ValueError, match=message):
        getattr(config, f"set_{setting}")(value)
    assert getattr(config, setting)() == before

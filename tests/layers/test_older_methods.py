"""Methods of older Keras: what is still there, and what says what to use instead."""

import numpy as np
import pytest

import npkeras
from npkeras import layers
from tests.layers.engines import array


@pytest.mark.keras
def test_add_variable_is_add_weight(keras):
    for engine in (npkeras, keras):
        layer = engine.layers.Layer(name="own")
        variable = layer.add_variable((2, 3), "ones", dtype="float16", trainable=False, name="v")
        assert (variable.path, layer.non_trainable_weights) == ("own/v", [variable])
        np.testing.assert_array_equal(array(variable), np.ones((2, 3), "float16"))


@pytest.mark.keras
def test_add_metric_is_gone_and_says_what_to_do(keras):
    for engine in (npkeras, keras):
        layer = engine.layers.Dense(2)
        for thing in (layer, engine.Sequential([layer])):
            with pytest.raises(NotImplementedError, match=r"compile\(metrics=\[...\]\)"):
                thing.add_metric(1.0, name="size")
    with pytest.raises(NotImplementedError, match=r"'mine' \(Dense\).*self.size.update_state"):
        layers.Dense(2, name="mine").add_metric(1.0)

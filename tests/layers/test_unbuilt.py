"""Weights that are not there yet."""

import pytest

import npkeras
from tests.layers.engines import ones

CASES = {
    "Dense": ((2,), "kernel"),
    "EinsumDense": (("ab,bc->ac", (2,)), "kernel"),
    "Conv1D": ((2, 3), "kernel"),
    "Conv2D": ((2, 3), "kernel"),
    "Embedding": ((2, 3), "embeddings"),
}


@pytest.mark.parametrize("cls", CASES)
def test_a_weight_that_is_not_made_yet_is_no_attribute(engine, cls):
    arguments, weight = CASES[cls]
    layer = getattr(engine.layers, cls)(*arguments)
    assert not hasattr(layer, weight) and not hasattr(layer, "bias")
    with pytest.raises(AttributeError, match=f"`{weight}`"):
        getattr(layer, weight)


def test_the_message_says_when_there_will_be_one():
    layer = npkeras.layers.Dense(2, name="d")
    with pytest.raises(AttributeError, match=r"'d' \(Dense\) has no `bias` yet.*`build\("):
        layer.bias  # noqa: B018
    layer(ones(1, 3))
    assert layer.kernel.shape == (3, 2) and layer.bias.shape == (2,)

"""Masks, and how they travel through layers. What takes `engine` is true of Keras too."""

import warnings

import numpy as np
import pytest

import npkeras
from npkeras import layers
from npkeras.core import attach
from npkeras.core.attach import get_mask, set_mask
from npkeras.core.tape import GradientTape, Traced
from tests.layers.engines import array, mask_of, masked, ones

MASK = [[True, True, False]]


def supporting(engine):
    """A layer that passes masks on and notes those it gets."""

    class Supporting(engine.layers.Layer):
        supports_masking = True

        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x, mask=None):
            self.seen = mask
            return x * 2.0

    return Supporting()


def test_a_mask_travels_through_layers_that_support_it(engine):
    x = masked(engine, ones(1, 3, 2), MASK)
    layer = supporting(engine)
    y = layer(x)
    assert array(layer.seen).tolist() == MASK
    assert mask_of(y) == MASK
    assert mask_of(engine.layers.Dense(3)(y)) == MASK
    assert mask_of(engine.layers.Activation("relu")(y)) == MASK


def test_a_mask_that_is_lost_is_warned_of(engine):
    x = masked(engine, ones(1, 3, 2), MASK)
    with pytest.warns(UserWarning, match="flatten.*mask"):
        y = engine.layers.Flatten()(x)
    assert mask_of(y) is None


def test_the_same_layer_warns_once():
    layer, x = layers.Flatten(), masked(npkeras, ones(1, 3, 2), MASK)
    with pytest.warns(UserWarning, match="flatten"):
        layer(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(x)


def test_an_explicit_mask_beats_the_one_that_came_along(engine):
    other = np.array([[False, True, True]])
    layer = supporting(engine)
    y = layer(masked(engine, ones(1, 3, 2), MASK), mask=other)
    assert array(layer.seen).tolist() == mask_of(y) == other.tolist()


def test_masks_of_nested_inputs_come_in_a_like_nest(engine):
    class Taking(engine.layers.Layer):
        def call(self, x, mask=None):
            self.seen = mask
            return engine.ops.add(1.0, 1.0)

    x = masked(engine, ones(1, 3), MASK)
    layer = Taking()
    with pytest.warns(UserWarning, match="mask"):
        layer([x, ones(2)])
    assert array(layer.seen[0]).tolist() == MASK and layer.seen[1] is None
    layer({"a": x, "b": ones(2)})
    assert array(layer.seen["a"]).tolist() == MASK and layer.seen["b"] is None
    layer([ones(2), ones(2)])
    assert layer.seen == [None, None]


def test_several_arguments_have_masks_of_their_own(engine):
    class Several(engine.layers.Layer):
        def call(self, a, b, mask=None, a_mask=None, b_mask=None):
            self.seen = mask, a_mask, b_mask
            return a

    layer, x = Several(), masked(engine, ones(1, 3), MASK)
    with pytest.warns(UserWarning, match="mask"):
        layer(x, b=x)
    assert layer.seen[0] is None
    assert [array(mask).tolist() for mask in layer.seen[1:]] == [MASK, MASK]
    layer(ones(1, 3), x)
    assert layer.seen[1] is None and array(layer.seen[2]).tolist() == MASK


def test_a_second_tensor_keeps_the_mask_from_call_but_not_from_the_output(engine):
    class WithState(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x, state=None, mask=None):
            self.seen = mask
            return x * 2.0

    layer, x = WithState(), masked(engine, ones(1, 3), MASK)
    y = layer(x, state=ones(1))
    assert layer.seen is None and mask_of(y) == MASK
    layer(x, state=None)
    assert array(layer.seen).tolist() == MASK


def test_each_output_has_the_mask_of_its_input(engine):
    class Both(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x):
            return x[0] * 2.0, x[1] * 2.0

    x = masked(engine, ones(1, 3), MASK)
    assert [mask_of(y) for y in Both()([x, ones(1, 3)])] == [MASK, None]


def test_defining_compute_mask_is_supporting_masks(engine):
    class Shorter(engine.layers.Layer):
        def call(self, x):
            return x[:, 1:] * 2.0

        def compute_mask(self, inputs, mask=None):
            return None if mask is None else mask[:, 1:]

    layer = Shorter()
    assert layer.supports_masking
    assert mask_of(layer(masked(engine, ones(1, 3), MASK))) == [[True, False]]
    assert mask_of(layer(ones(1, 3))) is None


def test_a_mask_set_by_call_stays(engine):
    class Own(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.supports_masking = True

        def call(self, x):
            return masked(engine, array(x) * 2, [[False, False, True]])

    assert mask_of(Own()(masked(engine, ones(1, 3), MASK))) == [[False, False, True]]


def test_a_mask_is_kept_when_the_input_is_cast(engine):
    x = masked(engine, ones(1, 3, 2, dtype="float64"), MASK)
    assert mask_of(supporting(engine)(x)) == MASK


@pytest.mark.parametrize("form", ["array", "recorded", "symbolic"])
def test_a_mask_travels_in_every_form(form):
    layer = layers.Embedding(5, 2, mask_zero=True)
    x = np.array([[1, 2, 0]]) if form != "symbolic" else npkeras.Input((3,), dtype="int32")
    with GradientTape():
        y = layers.Dense(3)(layer(x))
    if form == "symbolic":
        assert (get_mask(y).shape, get_mask(y).dtype) == ((None, 3), "bool")
    else:
        assert isinstance(y, Traced)
        assert mask_of(y) == MASK


def test_a_layer_that_returns_its_input_does_not_mark_it():
    class Same(layers.Layer):
        supports_masking = True

        def call(self, x, mask=None):
            return x

    x = ones(1, 3)
    y = Same()(x, mask=np.array(MASK))
    assert get_mask(x) is None and mask_of(y) == MASK
    traced = Traced(x, object())
    with GradientTape() as tape:
        y = Same()(traced, mask=np.array(MASK))
    assert traced.notes is None and mask_of(y) == MASK
    np.testing.assert_array_equal(tape.gradient(y, traced), x)


def test_masks_do_not_outlive_their_arrays():
    before = len(attach._beside)
    for _ in range(5):
        x = ones(1, 3, 2)
        set_mask(x, np.array(MASK))
        layers.Dense(2)(x)
    del x
    assert len(attach._beside) <= before

"""LSTM and LSTMCell: what is particular to them. The rest: `test_recurrent_kinds.py`."""

import re

import numpy as np
import pytest

from npkeras.layers.lstm import LSTM
from tests.checks import recorded_gradients
from tests.layers.recurrent_twins import STEPS, UNITS, arrays, twins


def layer_and_input(**options):
    return LSTM(UNITS, seed=1, **options), arrays()[0]


@pytest.mark.keras
def test_variables_of_a_stateful_layer_have_the_paths_of_keras(keras):
    theirs, ours = twins(keras, lambda engine: engine.LSTM(UNITS, stateful=True))
    for name in ("states", "variables", "weights", "trainable_weights", "non_trainable_weights"):
        assert _paths(ours, name) == _paths(theirs, name), name


def _paths(layer, name):
    """The paths of variables, without the numbers behind automatic names."""
    return [re.sub(r"_\d+", "", v.path) for v in getattr(layer, name)]


@pytest.mark.keras
@pytest.mark.parametrize("bias_initializer", ["ones", "random_normal"])
@pytest.mark.parametrize("forget", [False, True])
def test_first_biases(keras, bias_initializer, forget):
    options = {"bias_initializer": bias_initializer, "unit_forget_bias": forget}
    theirs, ours = twins(keras, lambda engine: engine.LSTM(UNITS, **options), copy=False)
    np.testing.assert_allclose(ours.cell.bias.value, theirs.cell.bias.numpy(), atol=1e-6)


@pytest.mark.parametrize("form", ["numbers", "with a last axis"])
def test_masks_in_other_forms(form):
    layer, x = layer_and_input()
    mask = np.arange(STEPS) < np.array([[5], [2], [1]])
    other = mask.astype("float32") if form == "numbers" else mask[..., None]
    np.testing.assert_array_equal(layer(x, mask=other), layer(x, mask=mask))


def test_a_frozen_layer_still_passes_gradients_to_its_inputs():
    layer, x = layer_and_input(trainable=False)
    gradients, _ = recorded_gradients(layer, [x])
    assert gradients[0].any() and layer.trainable_weights == []


def test_what_a_stateful_layer_returned_is_not_changed_by_the_next_call():
    layer, x = layer_and_input(stateful=True, return_state=True)
    first = [a.copy() for a in layer(x)]
    kept = layer(x)
    copies = [a.copy() for a in kept]
    layer(x)
    layer.reset_states()
    for a, b in zip(kept, copies, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(layer(x), first, strict=True):
        np.testing.assert_array_equal(a, b)


def test_states_of_a_stateful_layer_are_no_weights():
    layer, x = layer_and_input(stateful=True)
    layer(x)
    assert len(layer.weights) == 3 and len(layer.states) == 2


def test_attributes_of_the_cell_show_on_the_layer():
    layer = LSTM(UNITS, recurrent_dropout=0.25, kernel_regularizer="l2", bias_constraint="non_neg")
    assert layer.units == UNITS and layer.recurrent_dropout == 0.25
    assert layer.kernel_regularizer is layer.cell.kernel_regularizer
    assert layer.state_size == [UNITS, UNITS] and layer.cell.output_size == UNITS


def test_rates_are_brought_into_the_unit_interval():
    layer = LSTM(UNITS, dropout=2.0, recurrent_dropout=-1)
    assert (layer.dropout, layer.recurrent_dropout) == (1.0, 0.0)

"""LSTM and LSTMCell: against a live Keras, whatever the configuration; and their promises."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.core.attach import get_mask, set_mask
from npkeras.core.random import reset_global_seed
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import GradientTape, Traced, plain
from npkeras.layers.lstm import LSTM, LSTMCell
from npkeras.layers.recurrent import RNN
from tests.checks import check_config, recorded_gradients

BATCH, STEPS, FEATURES, UNITS = 3, 5, 2, 4

flags = st.booleans()
configurations = st.fixed_dictionaries(
    {
        "activation": st.sampled_from(["tanh", "tanh", "tanh", "relu"]),
        "recurrent_activation": st.sampled_from(["sigmoid", "sigmoid", "hard_sigmoid"]),
        "use_bias": flags,
        "unit_forget_bias": flags,
        "return_sequences": flags,
        "go_backwards": flags,
        "unroll": flags,
        "zero_output_for_mask": flags,
        "dropout": st.sampled_from([0.0, 0.0, 0.4]),
        "recurrent_dropout": st.sampled_from([0.0, 0.0, 0.3]),
        "seed": st.sampled_from([None, 3]),
    }
)


def random_arrays(seed):
    random = np.random.default_rng(seed)
    shapes = (BATCH, STEPS, FEATURES), (BATCH, UNITS), (BATCH, UNITS)
    return [random.normal(size=shape).astype("float32") for shape in shapes], random


def twins(keras, options, cls="LSTM"):
    """A layer of Keras and one of ours, both made and built from one random seed."""
    keras.utils.set_random_seed(11)
    theirs = getattr(keras.layers, cls)(UNITS, **options)
    theirs.build((BATCH, STEPS, FEATURES))
    reset_global_seed(11)
    ours = {"LSTM": LSTM, "LSTMCell": LSTMCell}[cls](UNITS, **options)
    ours.build((BATCH, STEPS, FEATURES))
    return theirs, ours


def same(found, expected, what=""):
    expected = np.asarray(expected)
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(plain(found), expected, rtol=1e-5, atol=2e-6 * scale, err_msg=what)


@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(configurations, flags, flags, flags, st.integers(0, 99))
def test_outputs_states_and_gradients_are_those_of_keras(
    keras, tf, options, masked, with_state, training, seed
):
    if options["go_backwards"] and options["zero_output_for_mask"]:
        options["unroll"] = False  # Keras, if it unrolls, then zeroes by the mask turned around
    theirs, ours = twins(keras, {**options, "return_state": True})
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(a.value, b.numpy(), atol=5e-7)
    ours.set_weights(theirs.get_weights())
    arrays, random = random_arrays(seed)
    arrays = arrays if with_state else arrays[:1]
    mask = random.random((BATCH, STEPS)) < 0.6 if masked else None

    with tf.GradientTape() as tape:
        tensors = [tf.constant(a) for a in arrays]
        tape.watch(tensors)
        outputs = theirs(
            tensors[0], initial_state=tensors[1:] or None, mask=mask, training=training
        )
        dys = [random.normal(size=y.shape).astype("float32") for y in outputs]
        loss = sum(tf.reduce_sum(y * dy) for y, dy in zip(outputs, dys, strict=True))
    expected = tape.gradient(loss, [*tensors, *theirs.trainable_weights])

    with GradientTape() as tape:
        traced = [Traced(a, object()) for a in arrays]
        found = ours(traced[0], initial_state=traced[1:] or None, mask=mask, training=training)
    gradients = tape.gradient(list(found), [*traced, *ours.trainable_weights], dys)
    for y, expected_y in zip(found, outputs, strict=True):
        same(y, expected_y)
    names = ["x", "h", "c"][: len(arrays)] + [w.name for w in ours.weights]
    for name, dx, expected_dx in zip(names, gradients, expected, strict=True):
        same(dx, tf.convert_to_tensor(expected_dx), name)
    assert ours.cell.seed_generator.state.value.tolist() == (
        theirs.cell.seed_generator.state.numpy().tolist()
    )
    plain_outputs = ours(arrays[0], initial_state=arrays[1:] or None, mask=mask)
    if not training or options["dropout"] == options["recurrent_dropout"] == 0:
        for y, expected_y in zip(plain_outputs, outputs, strict=True):
            same(y, expected_y)


@pytest.mark.keras
@pytest.mark.parametrize("rates", [(0.4, 0.0), (0.0, 0.3), (0.4, 0.3)])
def test_dropout_masks_are_those_of_keras_to_the_bit(keras, rates):
    options = {"dropout": rates[0], "recurrent_dropout": rates[1], "seed": 5}
    theirs, ours = twins(keras, options, "LSTMCell")
    (x, h, _), _ = random_arrays(0)
    for _ in range(2):
        pairs = [
            (cell.get_dropout_mask(x[:, 0]), cell.get_recurrent_dropout_mask(h))
            for cell in (theirs, ours)
        ]
        for a, b in zip(*pairs, strict=True):
            assert (a is None) == (b is None)
            assert isinstance(a, np.ndarray) or a is None or len(b) in (4, BATCH)
            if a is not None:
                np.testing.assert_array_equal(np.array(a), np.array(b))
        for cell in (theirs, ours):
            cell.reset_dropout_mask()
            cell.reset_recurrent_dropout_mask()


@pytest.mark.keras
@pytest.mark.parametrize("options", [{}, {"dropout": 0.4}, {"recurrent_dropout": 0.3}])
@pytest.mark.parametrize("training", [False, True])
def test_a_cell_by_itself_does_what_that_of_keras_does(keras, options, training):
    theirs, ours = twins(keras, {**options, "seed": 2}, "LSTMCell")
    ours.set_weights(theirs.get_weights())
    (x, h, c), _ = random_arrays(0)
    their_states, our_states = [h, c], [h, c]
    for t in range(2):
        y, their_states = theirs(x[:, t], their_states, training=training)
        found, our_states = ours(x[:, t], our_states, training=training)
        same(found, y)
        for a, b in zip(our_states, their_states, strict=True):
            same(a, b)
    assert ours.seed_generator.state.value.tolist() == theirs.seed_generator.state.numpy().tolist()


@pytest.mark.keras
def test_config_is_that_of_keras(keras):
    options = {"dropout": 0.2, "kernel_regularizer": "l2", "bias_constraint": "non_neg", "seed": 3}
    for cls, ours in (("LSTM", LSTM), ("LSTMCell", LSTMCell)):
        theirs = getattr(keras.layers, cls)(7, name="named", **options)
        assert ours(7, name="named", **options).get_config() == theirs.get_config()
        assert ours.from_config(theirs.get_config()).get_config() == theirs.get_config()


@pytest.mark.keras
@pytest.mark.parametrize("with_state", [False, True])
def test_a_stateful_layer_goes_on_where_that_of_keras_does(keras, with_state):
    theirs, ours = twins(keras, {"stateful": True, "return_state": True})
    ours.set_weights(theirs.get_weights())
    (x, h, c), _ = random_arrays(0)
    states = {"initial_state": [h, c]} if with_state else {}
    for options in (states, {}, {}):
        for a, b in zip(ours(x, **options), theirs(x, **options), strict=True):
            same(a, b)
    for layer in (theirs, ours):
        layer.reset_state()
    same(ours(x)[0], theirs(x)[0])
    for name in ("states", "variables", "weights", "trainable_weights", "non_trainable_weights"):
        assert _paths(ours, name) == _paths(theirs, name), name


def _paths(layer, name):
    """The paths of variables, without the numbers behind automatic names."""
    return [re.sub(r"_\d+", "", v.path) for v in getattr(layer, name)]


@pytest.mark.keras
@pytest.mark.parametrize("bias_initializer", ["ones", "random_normal"])
def test_first_biases(keras, bias_initializer):
    for forget in (False, True):
        theirs, ours = twins(
            keras, {"bias_initializer": bias_initializer, "unit_forget_bias": forget}
        )
        np.testing.assert_allclose(ours.cell.bias.value, theirs.cell.bias.numpy(), atol=1e-6)


def layer_and_input(**options):
    layer = LSTM(UNITS, seed=1, **options)
    return layer, random_arrays(0)[0][0]


def test_the_last_output_is_the_last_of_the_sequence_and_the_state():
    layer, x = layer_and_input(return_sequences=True, return_state=True)
    y, h, c = layer(x)
    assert y.shape == (BATCH, STEPS, UNITS) and h.shape == c.shape == (BATCH, UNITS)
    np.testing.assert_array_equal(y[:, -1], h)
    layer.return_sequences = False
    np.testing.assert_array_equal(layer(x)[0], h)


def test_states_passed_on_split_a_sequence_without_a_seam():
    layer, x = layer_and_input(return_sequences=True, return_state=True)
    whole = layer(x)[0]
    first, *states = layer(x[:, :2])
    second, *_ = layer(x[:, 2:], initial_state=states)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-6)


def test_the_fused_path_and_the_loop_over_the_cell_agree():
    layer, x = layer_and_input(return_sequences=True, return_state=True, use_bias=False)
    layer.build(x.shape)
    loop = RNN(layer.cell, return_sequences=True, return_state=True)
    loop.build(x.shape)
    mask = np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
    for options in ({}, {"mask": mask}):
        fast, dys = recorded_gradients(lambda x: layer(x, **options), [x])  # noqa: B023
        slow, _ = recorded_gradients(lambda x: loop(x, **options), [x], dys)  # noqa: B023
        for a, b in zip(layer(x, **options), loop(x, **options), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
        np.testing.assert_allclose(fast[0], slow[0], atol=1e-5)


def test_a_mask_on_the_inputs_is_used_and_passed_on_if_there_is_an_output_for_each_step():
    mask = np.arange(STEPS) < np.array([[5], [2], [0]])
    for sequences in (True, False):
        layer, x = layer_and_input(return_sequences=sequences, return_state=True)
        expected = layer(x, mask=mask)[0]
        set_mask(x, mask)
        y, h, _ = layer(x)
        np.testing.assert_array_equal(y, expected)
        assert (get_mask(y) is not None) == sequences
        assert get_mask(h) is None
        assert not h[2].any()


@pytest.mark.parametrize("form", ["numbers", "with a last axis"])
def test_masks_in_other_forms(form):
    layer, x = layer_and_input()
    mask = np.arange(STEPS) < np.array([[5], [2], [1]])
    other = mask.astype("float32") if form == "numbers" else mask[..., None]
    np.testing.assert_array_equal(layer(x, mask=other), layer(x, mask=mask))


@pytest.mark.parametrize("dtype", ["float16", "float64", "mixed_float16"])
def test_dtypes(dtype):
    layer, x = layer_and_input(dtype=dtype, return_sequences=True, return_state=True)
    y, h, c = layer(x)
    assert y.dtype == h.dtype == c.dtype == dtype.removeprefix("mixed_")
    assert layer.cell.kernel.dtype == ("float32" if "mixed" in dtype else dtype)
    with GradientTape() as tape:
        y = layer(x)[0]
    for gradient, weight in zip(tape.gradient(y, layer.weights), layer.weights, strict=True):
        assert gradient.dtype == weight.dtype
    reference = LSTM(UNITS, return_sequences=True)
    reference.build(x.shape)
    reference.set_weights(layer.get_weights())
    np.testing.assert_allclose(plain(y), reference(x), atol=2e-3 if "16" in dtype else 1e-6)


def test_empty_batch():
    layer, x = layer_and_input(return_sequences=True, return_state=True)
    y, h, _ = layer(x[:0])
    assert y.shape == (0, STEPS, UNITS) and h.shape == (0, UNITS)


def test_symbolic_shapes():
    spec = KerasTensor((None, None, FEATURES))
    y, h, c = LSTM(UNITS, return_sequences=True, return_state=True)(spec)
    assert (y.shape, h.shape, c.shape) == ((None, None, UNITS), (None, UNITS), (None, UNITS))
    assert LSTM(UNITS)(spec).shape == (None, UNITS)
    assert LSTM(UNITS, activation="relu")(spec).shape == (None, UNITS)
    states = [KerasTensor((None, UNITS)), KerasTensor((None, UNITS))]
    assert LSTM(UNITS)(spec, initial_state=states).shape == (None, UNITS)
    assert LSTM(UNITS).compute_output_shape((2, 7, FEATURES)) == (2, UNITS)


def test_symbolic_calls_draw_no_random_numbers():
    layer = LSTM(UNITS, dropout=0.5, recurrent_dropout=0.5)
    layer(KerasTensor((None, STEPS, FEATURES)), training=True)
    assert layer.cell.seed_generator.state.value[1] == 0


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


def test_penalties_on_weights_and_output_count():
    layer = LSTM(UNITS, kernel_regularizer="l2", activity_regularizer="l1")
    y = layer(random_arrays(0)[0][0])
    expected = [np.abs(y).sum() / BATCH * 0.01, np.square(layer.cell.kernel.value).sum() * 0.01]
    np.testing.assert_allclose(sorted(map(float, layer.losses)), sorted(expected), rtol=1e-5)


def test_configs_come_back():
    check_config(LSTMCell(UNITS, dropout=0.1, seed=4))
    again = LSTM.from_config(LSTM(UNITS, stateful=True, zero_output_for_mask=True).get_config())
    assert again.stateful and again.zero_output_for_mask and again.cell.name == "lstm_cell"


def test_the_choice_of_implementation_is_taken_from_older_configs():
    assert "implementation" not in LSTM(UNITS, implementation=1).get_config()
    assert LSTM(UNITS, use_cudnn=False).use_cudnn is False


@pytest.mark.parametrize(
    "options, match",
    [
        ({"units": 0}, r"`units` of LSTMCell must be a positive integer.*units=0"),
        (
            {"units": 4, "dropout": "half"},
            r"`dropout` of LSTMCell must be a number.*dropout='half'",
        ),
        ({"units": 4, "recurrent_dropout": None}, r"`recurrent_dropout`.*recurrent_dropout=None"),
        ({"units": 4, "use_cudnn": "yes"}, r"`use_cudnn` of LSTM must be one of.*use_cudnn='yes'"),
        ({"units": 4, "time_major": True}, r"Unrecognized.*'time_major': True"),
    ],
)
def test_wrong_arguments_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        LSTM(**options)


def test_rates_are_brought_into_the_unit_interval():
    layer = LSTM(UNITS, dropout=2.0, recurrent_dropout=-1)
    assert (layer.dropout, layer.recurrent_dropout) == (1.0, 0.0)


@pytest.mark.parametrize(
    "shape, match",
    [
        ((3, 0, 2), r"'lstm' \(LSTM\) expects sequences of at least one step.*\(3, 0, 2\)"),
        ((3, 2), r"'lstm' \(LSTM\) expects 3 axes.*\(3, 2\)"),
        ((3, 5, 7), r"'lstm' \(LSTM\) expects 2 entries along axis -1.*\(3, 5, 7\)"),
    ],
)
def test_wrong_inputs_are_refused(shape, match):
    layer = LSTM(UNITS)
    layer.build((None, None, FEATURES))
    with pytest.raises(ValueError, match=match):
        layer(np.zeros(shape, "float32"))

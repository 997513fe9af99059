"""GRU and GRUCell: against a live Keras, and their promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.core.attach import get_mask, set_mask
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import GradientTape, plain
from npkeras.layers.gru import GRU, GRUCell
from npkeras.layers.recurrent import RNN
from tests.checks import check_config, recorded_gradients
from tests.layers.recurrent_twins import (
    BATCH,
    FEATURES,
    STEPS,
    UNITS,
    arrays,
    compare_calls,
    same,
    seed_states,
    some_mask,
    twins,
)

flags = st.booleans()
configurations = st.fixed_dictionaries(
    {
        "activation": st.sampled_from(["tanh", "tanh", "tanh", "relu"]),
        "recurrent_activation": st.sampled_from(["sigmoid", "sigmoid", "hard_sigmoid"]),
        "reset_after": flags,
        "use_bias": flags,
        "return_sequences": flags,
        "go_backwards": flags,
        "zero_output_for_mask": flags,
        "dropout": st.sampled_from([0.0, 0.0, 0.4]),
        "recurrent_dropout": st.sampled_from([0.0, 0.0, 0.3]),
        "bias_initializer": st.sampled_from(["zeros", "random_normal"]),
        "seed": st.sampled_from([None, 3]),
    }
)


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(configurations, flags, flags, flags, st.integers(0, 99))
def test_outputs_states_and_gradients_are_those_of_keras(
    keras, tf, options, masked, with_state, training, seed
):
    theirs, ours = twins(keras, lambda engine: engine.GRU(UNITS, return_state=True, **options))
    x, h = arrays(seed)
    compare_calls(
        tf, theirs, ours, x, [h] if with_state else None,
        mask=some_mask(seed) if masked else None, training=training,
    )  # fmt: skip


@pytest.mark.keras
@pytest.mark.parametrize("reset_after", [True, False])
def test_weights_begin_as_those_of_keras(keras, reset_after):
    options = {"reset_after": reset_after, "bias_initializer": "random_normal"}
    theirs, ours = twins(keras, lambda engine: engine.GRU(UNITS, **options), copy=False)
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(a.value, b.numpy(), atol=5e-7)
        assert a.path.split("/")[-2:] == b.path.split("/")[-2:]


@pytest.mark.keras
@pytest.mark.parametrize("rates", [(0.4, 0.0), (0.0, 0.3), (0.4, 0.3)])
def test_dropout_masks_are_those_of_keras_to_the_bit(keras, rates):
    make = lambda engine: engine.GRUCell(  # noqa: E731
        UNITS, dropout=rates[0], recurrent_dropout=rates[1], seed=5
    )
    theirs, ours = twins(keras, make)
    x, h = arrays()
    for _ in range(2):
        for name, like in (("dropout", x[:, 0]), ("recurrent_dropout", h)):
            a, b = (getattr(cell, f"get_{name}_mask")(like) for cell in (theirs, ours))
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_array_equal(np.array(a), np.array(b))
        for cell in (theirs, ours):
            cell.reset_dropout_mask()
            cell.reset_recurrent_dropout_mask()


@pytest.mark.keras
@pytest.mark.parametrize("options", [{}, {"dropout": 0.4}, {"recurrent_dropout": 0.3}])
@pytest.mark.parametrize("reset_after", [True, False])
@pytest.mark.parametrize("training", [False, True])
def test_a_cell_by_itself_does_what_that_of_keras_does(keras, options, reset_after, training):
    make = lambda engine: engine.GRUCell(UNITS, seed=2, reset_after=reset_after, **options)  # noqa: E731
    theirs, ours = twins(keras, make)
    x, h = arrays()
    their_states, our_states = [h], [h]
    for t in range(2):
        y, their_states = theirs(x[:, t], their_states, training=training)
        found, our_states = ours(x[:, t], our_states, training=training)
        same(found, y)
        same(our_states[0], their_states[0])
    assert seed_states(ours) == seed_states(theirs)


def test_a_state_outside_a_list_comes_back_outside_a_list():
    x, h = arrays()
    cell = GRUCell(UNITS)
    y, state = cell(x[:, 0], h)
    assert state is y
    np.testing.assert_array_equal(cell(x[:, 0], [h])[1][0], y)


@pytest.mark.keras
def test_config_is_that_of_keras(keras):
    options = {"dropout": 0.2, "kernel_regularizer": "l2", "bias_constraint": "non_neg", "seed": 3}
    for cls in (GRU, GRUCell):
        for more in ({}, {"reset_after": False}):
            theirs = getattr(keras.layers, cls.__name__)(7, name="named", **options, **more)
            ours = cls(7, name="named", **options, **more)
            assert ours.get_config() == theirs.get_config()
            assert cls.from_config(theirs.get_config()).get_config() == theirs.get_config()


@pytest.mark.keras
@pytest.mark.parametrize("with_state", [False, True])
def test_a_stateful_layer_goes_on_where_that_of_keras_does(keras, with_state):
    make = lambda engine: engine.GRU(UNITS, stateful=True, return_state=True)  # noqa: E731
    theirs, ours = twins(keras, make)
    x, h = arrays()
    for options in ({"initial_state": h} if with_state else {}, {}, {}):
        for a, b in zip(ours(x, **options), theirs(x, **options), strict=True):
            same(a, b)
    for layer in (theirs, ours):
        layer.reset_state()
    same(ours(x)[0], theirs(x)[0])


def layer_and_input(**options):
    return GRU(UNITS, seed=1, **options), arrays()[0]


@pytest.mark.parametrize("reset_after", [True, False])
def test_states_passed_on_split_a_sequence_without_a_seam(reset_after):
    layer, x = layer_and_input(return_sequences=True, return_state=True, reset_after=reset_after)
    whole, last = layer(x)
    first, state = layer(x[:, :2])
    second, end = layer(x[:, 2:], initial_state=state)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-6)
    np.testing.assert_allclose(end, last, atol=1e-6)
    np.testing.assert_array_equal(whole[:, -1], last)


@pytest.mark.parametrize("reset_after", [True, False])
def test_the_fused_path_and_the_loop_over_the_cell_agree(reset_after):
    layer, x = layer_and_input(return_sequences=True, return_state=True, reset_after=reset_after)
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
        y, h = layer(x)
        np.testing.assert_array_equal(y, expected)
        assert (get_mask(y) is not None) == sequences
        assert get_mask(h) is None and not h[2].any()


@pytest.mark.parametrize("dtype", ["float16", "float64", "mixed_float16"])
def test_dtypes(dtype):
    layer, x = layer_and_input(dtype=dtype, return_sequences=True)
    with GradientTape() as tape:
        y = layer(x)
    assert y.dtype == dtype.removeprefix("mixed_")
    for gradient, weight in zip(tape.gradient(y, layer.weights), layer.weights, strict=True):
        assert gradient.dtype == weight.dtype == ("float32" if "mixed" in dtype else dtype)
    reference = GRU(UNITS, return_sequences=True)
    reference.build(x.shape)
    reference.set_weights(layer.get_weights())
    np.testing.assert_allclose(plain(y), reference(x), atol=2e-3 if "16" in dtype else 1e-6)


def test_symbolic_shapes_without_drawing_random_numbers():
    spec = KerasTensor((None, None, FEATURES))
    layer = GRU(UNITS, return_sequences=True, return_state=True, dropout=0.5)
    y, h = layer(spec, training=True)
    assert (y.shape, h.shape) == ((None, None, UNITS), (None, UNITS))
    assert layer.cell.seed_generator.state.value[1] == 0
    assert GRU(UNITS, activation="relu", reset_after=False)(spec).shape == (None, UNITS)
    assert GRU(UNITS)(spec, initial_state=KerasTensor((None, UNITS))).shape == (None, UNITS)


def test_shapes_of_the_bias():
    for options, shapes in (
        ({}, [(FEATURES, 12), (UNITS, 12), (2, 12)]),
        ({"reset_after": False}, [(FEATURES, 12), (UNITS, 12), (12,)]),
        ({"use_bias": False}, [(FEATURES, 12), (UNITS, 12)]),
    ):
        layer, x = layer_and_input(**options)
        layer.build(x.shape)
        assert [w.shape for w in layer.weights] == shapes


def test_penalties_on_weights_and_output_count():
    layer = GRU(UNITS, kernel_regularizer="l2", activity_regularizer="l1")
    y = layer(arrays()[0])
    expected = [np.abs(y).sum() / BATCH * 0.01, np.square(layer.cell.kernel.value).sum() * 0.01]
    np.testing.assert_allclose(sorted(map(float, layer.losses)), sorted(expected), rtol=1e-5)


def test_configs_come_back():
    check_config(GRUCell(UNITS, dropout=0.1, reset_after=False, seed=4))
    again = GRU.from_config(GRU(UNITS, stateful=True, reset_after=False).get_config())
    assert again.stateful and not again.reset_after and again.cell.name == "gru_cell"


def test_arguments_about_how_to_compute_are_taken():
    assert "implementation" not in GRU(UNITS, implementation=1).get_config()
    assert GRU(UNITS, use_cudnn=False).use_cudnn is False


@pytest.mark.parametrize(
    "options, match",
    [
        ({"units": 0}, r"`units` of GRUCell must be a positive integer.*units=0"),
        ({"units": 4, "dropout": "half"}, r"`dropout` of GRUCell.*dropout='half'"),
        ({"units": 4, "use_cudnn": "yes"}, r"`use_cudnn` of GRU must be one of.*use_cudnn='yes'"),
        ({"units": 4, "time_major": True}, r"Unrecognized.*'time_major': True"),
    ],
)
def test_wrong_arguments_are_refused(options, match):
    with pytest.raises(ValueError, match=match):
        GRU(**options)


@pytest.mark.parametrize(
    "shape, match",
    [
        ((3, 0, 2), r"'gru' \(GRU\) expects sequences of at least one step.*\(3, 0, 2\)"),
        ((3, 2), r"'gru' \(GRU\) expects 3 axes.*\(3, 2\)"),
        ((3, 5, 7), r"'gru' \(GRU\) expects 2 entries along axis -1.*\(3, 5, 7\)"),
    ],
)
def test_wrong_inputs_are_refused(shape, match):
    layer = GRU(UNITS, name="gru")
    layer.build((None, None, FEATURES))
    with pytest.raises(ValueError, match=match):
        layer(np.zeros(shape, "float32"))


def test_a_state_of_another_shape_is_refused():
    layer, x = layer_and_input(name="gru")
    with pytest.raises(ValueError, match=r"`initial_state` of layer 'gru'.*Received shapes"):
        layer(x, initial_state=[np.zeros((BATCH, UNITS + 1), "float32")])

"""What is true of LSTM, GRU and SimpleRNN alike: against a live Keras, and by themselves.

What is particular to one of them is in its own file.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import layers
from npkeras.core.attach import get_mask, set_mask
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import GradientTape, plain
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

MASK = np.array([[0, 1, 1, 0, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]], bool)
STATES = {"LSTM": 2, "GRU": 1, "SimpleRNN": 1}
KINDS = [("LSTM", {}), ("GRU", {}), ("GRU", {"reset_after": False}), ("SimpleRNN", {})]

flags = st.booleans()
COMMON = {
    "activation": st.sampled_from(["tanh", "tanh", "tanh", "relu"]),
    "use_bias": flags,
    "return_sequences": flags,
    "go_backwards": flags,
    "zero_output_for_mask": flags,
    "dropout": st.sampled_from([0.0, 0.0, 0.4]),
    "recurrent_dropout": st.sampled_from([0.0, 0.0, 0.3]),
    "bias_initializer": st.sampled_from(["zeros", "random_normal"]),
    "seed": st.sampled_from([None, 3]),
}
GATES = {"recurrent_activation": st.sampled_from(["sigmoid", "sigmoid", "hard_sigmoid"])}
CONFIGURATIONS = {
    "LSTM": st.fixed_dictionaries(
        {**COMMON, **GATES, "unit_forget_bias": flags, "unroll": flags}
    ).filter(lambda o: not (o["unroll"] and o["go_backwards"] and o["zero_output_for_mask"])),
    "GRU": st.fixed_dictionaries({**COMMON, **GATES, "reset_after": flags}),
    "SimpleRNN": st.fixed_dictionaries(
        {**COMMON, "activation": st.sampled_from(["tanh", "tanh", "tanh", "relu", None])}
    ),
}  # if it unrolls backwards, Keras zeroes by the mask turned around

each_kind = pytest.mark.parametrize(
    "name, options", KINDS, ids=["LSTM", "GRU", "GRU, reset before", "SimpleRNN"]
)
each_name = pytest.mark.parametrize("name", list(STATES))


def layer_and_input(name, options=None, **more):
    return getattr(layers, name)(UNITS, seed=1, **(options or {}), **more), arrays()[0]


def states_for(name, batch=BATCH):
    return [state[:batch] for state in arrays(states=STATES[name])[1:]]


@pytest.mark.keras
@each_name
@settings(max_examples=20, deadline=None)
@given(st.data(), flags, flags, flags, st.integers(0, 99))
def test_outputs_states_and_gradients_are_those_of_keras(
    keras, tf, name, data, masked, with_state, training, seed
):
    options = data.draw(CONFIGURATIONS[name])
    make = lambda engine: getattr(engine, name)(UNITS, return_state=True, **options)  # noqa: E731
    theirs, ours = twins(keras, make)
    x, *states = arrays(seed, STATES[name])
    compare_calls(
        tf, theirs, ours, x, states if with_state else None,
        mask=some_mask(seed) if masked else None, training=training,
    )  # fmt: skip


@pytest.mark.keras
@each_kind
def test_weights_begin_as_those_of_keras(keras, name, options):
    options = {**options, "bias_initializer": "random_normal"}
    make = lambda engine: getattr(engine, name)(UNITS, **options)  # noqa: E731
    theirs, ours = twins(keras, make, copy=False)
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(a.value, b.numpy(), atol=1e-6)
        assert a.path.split("/")[-2:] == b.path.split("/")[-2:]


@pytest.mark.keras
@each_name
@pytest.mark.parametrize("rates", [(0.4, 0.0), (0.0, 0.3), (0.4, 0.3)])
def test_dropout_masks_are_those_of_keras_to_the_bit(keras, name, rates):
    make = lambda engine: getattr(engine, f"{name}Cell")(  # noqa: E731
        UNITS, dropout=rates[0], recurrent_dropout=rates[1], seed=5
    )
    theirs, ours = twins(keras, make)
    x, h = arrays()
    for _ in range(2):
        for which, like in (("dropout", x[:, 0]), ("recurrent_dropout", h)):
            a, b = (getattr(cell, f"get_{which}_mask")(like) for cell in (theirs, ours))
            assert (a is None) == (b is None)
            if a is not None:
                np.testing.assert_array_equal(np.array(a), np.array(b))
        for cell in (theirs, ours):
            cell.reset_dropout_mask()
            cell.reset_recurrent_dropout_mask()


@pytest.mark.keras
@each_kind
@pytest.mark.parametrize("rates", [(0.0, 0.0), (0.4, 0.0), (0.0, 0.3)])
@pytest.mark.parametrize("training", [False, True])
def test_a_cell_by_itself_does_what_that_of_keras_does(keras, name, options, rates, training):
    options = {**options, "dropout": rates[0], "recurrent_dropout": rates[1], "seed": 2}
    theirs, ours = twins(keras, lambda engine: getattr(engine, f"{name}Cell")(UNITS, **options))
    x = arrays()[0]
    their_states = our_states = states_for(name)
    for t in range(2):
        y, their_states = theirs(x[:, t], their_states, training=training)
        found, our_states = ours(x[:, t], our_states, training=training)
        for a, b in zip([found, *our_states], [y, *their_states], strict=True):
            same(a, b)
    assert seed_states(ours) == seed_states(theirs)


@pytest.mark.parametrize("name", ["GRU", "SimpleRNN"])
def test_a_state_outside_a_list_comes_back_outside_a_list(name):
    x, h = arrays()
    cell = getattr(layers, f"{name}Cell")(UNITS)
    y, state = cell(x[:, 0], h)
    assert state is y
    np.testing.assert_array_equal(cell(x[:, 0], [h])[1][0], y)


@pytest.mark.keras
@each_kind
@pytest.mark.parametrize("kind", ["", "Cell"])
def test_config_is_that_of_keras(keras, name, options, kind):
    more = {"dropout": 0.2, "kernel_regularizer": "l2", "bias_constraint": "non_neg", "seed": 3}
    theirs, ours = (
        getattr(found_in, name + kind)(7, name="named", **options, **more)
        for found_in in (keras.layers, layers)
    )
    assert ours.get_config() == theirs.get_config()
    assert type(ours).from_config(theirs.get_config()).get_config() == theirs.get_config()


@pytest.mark.keras
@each_name
@pytest.mark.parametrize("with_state", [False, True])
def test_a_stateful_layer_goes_on_where_that_of_keras_does(keras, name, with_state):
    make = lambda engine: getattr(engine, name)(  # noqa: E731
        UNITS, stateful=True, return_state=True, dtype="mixed_float16" if with_state else None
    )
    theirs, ours = twins(keras, make)
    x = arrays()[0]
    tolerance = 2e-3 if with_state else 1e-5
    for options in ({"initial_state": states_for(name)} if with_state else {}, {}, {}):
        for a, b in zip(ours(x, **options), theirs(x, **options), strict=True):
            assert str(a.dtype) == b.dtype.name
            np.testing.assert_allclose(a, b, atol=tolerance)
    for a, b in zip(ours.states, theirs.states, strict=True):
        assert a.dtype == b.dtype
    for layer in (theirs, ours):
        layer.reset_state()
    np.testing.assert_allclose(ours(x)[0], theirs(x)[0], atol=tolerance)


@pytest.mark.keras
@each_name
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_whole_numbers_become_the_floats_of_the_layer_as_in_keras(keras, name, activation):
    make = lambda engine: getattr(engine, name)(UNITS, activation=activation)  # noqa: E731
    theirs, ours = twins(keras, make)
    x = (3 * arrays()[0]).astype("int32")
    states = [(3 * state).astype("int32") for state in states_for(name)]
    for options in ({}, {"initial_state": states}):
        found = ours(x, **options)
        assert found.dtype == "float32"
        same(found, theirs(x, **options))
    assert ours(KerasTensor(x.shape, "int32")).dtype == "float32"


@pytest.mark.keras
@each_name
def test_one_row_of_states_or_mask_serves_all_rows_as_in_keras(keras, name):
    theirs, ours = twins(keras, lambda engine: getattr(engine, name)(UNITS))
    x = arrays()[0]
    for options in ({"initial_state": states_for(name, batch=1)}, {"mask": MASK[:1]}):
        same(ours(x, **options), theirs(x, **options))


@each_kind
def test_states_passed_on_split_a_sequence_without_a_seam(name, options):
    layer, x = layer_and_input(name, options, return_sequences=True, return_state=True)
    whole, *last = layer(x)
    first, *states = layer(x[:, :2])
    second, *end = layer(x[:, 2:], initial_state=states)
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-6)
    for a, b in zip(end, last, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    np.testing.assert_array_equal(whole[:, -1], last[0])
    layer.return_sequences = False
    np.testing.assert_array_equal(layer(x)[0], last[0])


@each_kind
@pytest.mark.parametrize("use_bias", [True, False])
def test_the_fused_path_and_the_loop_over_the_cell_agree(name, options, use_bias):
    both = {"return_sequences": True, "return_state": True}
    layer, x = layer_and_input(name, options, use_bias=use_bias, **both)
    layer.build(x.shape)
    loop = layers.RNN(layer.cell, **both)
    loop.build(x.shape)
    for given_mask in ({}, {"mask": MASK}):
        fast, dys = recorded_gradients(lambda x: layer(x, **given_mask), [x])  # noqa: B023
        slow, _ = recorded_gradients(lambda x: loop(x, **given_mask), [x], dys)  # noqa: B023
        for a, b in zip(layer(x, **given_mask), loop(x, **given_mask), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-6)
        np.testing.assert_allclose(fast[0], slow[0], atol=1e-5)


@each_name
def test_a_cell_put_in_place_of_the_layers_own_is_used(name):
    layer, x = layer_and_input(name)
    own = getattr(layers, f"{name}Cell")

    class Loud(own):
        def call(self, inputs, states, training=False):
            y, states = super().call(inputs, states, training=training)
            return 100 * y, states

    layer.cell = Loud(UNITS)
    layer.build(x.shape)
    quiet = layers.RNN(own(UNITS))
    quiet.build(x.shape)
    quiet.set_weights(layer.get_weights())
    np.testing.assert_allclose(layer(x), 100 * quiet(x), rtol=1e-5)


@each_name
def test_a_mask_on_the_inputs_is_used_and_passed_on_if_there_is_an_output_for_each_step(name):
    mask = np.arange(STEPS) < np.array([[5], [2], [0]])
    for sequences in (True, False):
        layer, x = layer_and_input(name, return_sequences=sequences, return_state=True)
        expected = layer(x, mask=mask)[0]
        set_mask(x, mask)
        y, h, *_ = layer(x)
        np.testing.assert_array_equal(y, expected)
        assert (get_mask(y) is not None) == sequences
        assert get_mask(h) is None and not h[2].any()


@each_name
@pytest.mark.parametrize("dtype", ["float16", "float64", "mixed_float16"])
def test_dtypes(name, dtype):
    layer, x = layer_and_input(name, dtype=dtype, return_sequences=True, return_state=True)
    assert all(y.dtype == dtype.removeprefix("mixed_") for y in layer(x))
    with GradientTape() as tape:
        y = layer(x)[0]
    for gradient, weight in zip(tape.gradient(y, layer.weights), layer.weights, strict=True):
        assert gradient.dtype == weight.dtype == ("float32" if "mixed" in dtype else dtype)
    reference = layer_and_input(name, return_sequences=True)[0]
    reference.build(x.shape)
    reference.set_weights(layer.get_weights())
    np.testing.assert_allclose(plain(y), reference(x), atol=2e-3 if "16" in dtype else 1e-6)


@each_name
def test_no_rows(name):
    layer, x = layer_and_input(name, return_sequences=True, return_state=True)
    y, *states = layer(x[:0])
    assert y.shape == (0, STEPS, UNITS)
    assert [state.shape for state in states] == [(0, UNITS)] * STATES[name]


@each_name
def test_symbolic_shapes_without_drawing_random_numbers(name):
    spec = KerasTensor((None, None, FEATURES))
    layer, _ = layer_and_input(
        name, return_sequences=True, return_state=True, dropout=0.5, recurrent_dropout=0.5
    )
    y, *states = layer(spec, training=True)
    assert y.shape == (None, None, UNITS)
    assert [state.shape for state in states] == [(None, UNITS)] * STATES[name]
    assert layer.cell.seed_generator.state.value[1] == 0
    for options in ({}, {"activation": "relu"}):
        assert layer_and_input(name, options)[0](spec).shape == (None, UNITS)
    given = [KerasTensor((None, UNITS))] * STATES[name]
    assert layer_and_input(name)[0](spec, initial_state=given).shape == (None, UNITS)
    assert layer_and_input(name)[0].compute_output_shape((2, 7, FEATURES)) == (2, UNITS)


@each_name
def test_penalties_on_weights_and_output_count(name):
    layer, x = layer_and_input(name, kernel_regularizer="l2", activity_regularizer="l1")
    y = layer(x)
    expected = [np.abs(y).sum() / BATCH * 0.01, np.square(layer.cell.kernel.value).sum() * 0.01]
    np.testing.assert_allclose(sorted(map(float, layer.losses)), sorted(expected), rtol=1e-5)


@each_kind
def test_configs_come_back(name, options):
    check_config(getattr(layers, f"{name}Cell")(UNITS, dropout=0.1, seed=4, **options))
    layer, _ = layer_and_input(name, options, stateful=True, zero_output_for_mask=True)
    again = type(layer).from_config(layer.get_config())
    assert again.stateful and again.zero_output_for_mask
    assert again.cell.name == layer.cell.name == {"SimpleRNN": "simple_rnn"}.get(
        name, name.lower()
    ) + "_cell"  # fmt: skip
    for key, value in options.items():
        assert getattr(again, key) is value


@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_arguments_about_how_to_compute_are_taken(name):
    layer, _ = layer_and_input(name, implementation=1, use_cudnn=False)
    assert layer.use_cudnn is False
    assert not {"implementation", "use_cudnn"} & set(layer.get_config())
    with pytest.raises(ValueError, match=rf"`use_cudnn` of {name} must be one.*use_cudnn='yes'"):
        layer_and_input(name, use_cudnn="yes")


@each_name
@pytest.mark.parametrize(
    "options, match",
    [
        ({"units": 0}, r"`units` of {}Cell must be a positive integer.*units=0"),
        ({"units": 4, "dropout": "half"}, r"`dropout` of {}Cell must be.*dropout='half'"),
        ({"units": 4, "recurrent_dropout": None}, r"`recurrent_dropout` of {}Cell.*=None"),
        ({"units": 4, "time_major": True}, r"Unrecognized.*{}.*'time_major': True"),
    ],
)
def test_wrong_arguments_are_refused(name, options, match):
    with pytest.raises(ValueError, match=match.format(name)):
        getattr(layers, name)(**options)


@each_name
@pytest.mark.parametrize(
    "shape, match",
    [
        ((3, 0, 2), r"expects sequences of at least one step.*\(3, 0, 2\)"),
        ((3, 2), r"expects 3 axes.*\(3, 2\)"),
        ((3, 5, 7), r"expects 2 entries along axis -1.*\(3, 5, 7\)"),
    ],
)
def test_wrong_inputs_are_refused(name, shape, match):
    layer, _ = layer_and_input(name, {"name": "it"})
    layer.build((None, None, FEATURES))
    with pytest.raises(ValueError, match=rf"'it' \({name}\) {match}"):
        layer(np.zeros(shape, "float32"))


@each_name
def test_states_of_another_shape_are_refused(name):
    layer, x = layer_and_input(name, {"name": "it"})
    for shape in ((BATCH, UNITS + 1), (BATCH - 1, UNITS)):
        with pytest.raises(ValueError, match=r"`initial_state` of layer 'it'.*Received shapes"):
            layer(x, initial_state=[np.zeros(shape, "float32")] * STATES[name])


@each_name
def test_first_states_need_a_batch_size(name):
    with pytest.raises(ValueError, match="needs the `batch_size`. Received: batch_size=None"):
        getattr(layers, f"{name}Cell")(UNITS).get_initial_state()

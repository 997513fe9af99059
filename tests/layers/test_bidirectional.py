"""Bidirectional: against a live Keras, around every recurrent layer; and its promises."""

import re

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npkeras
from npkeras import layers
from npkeras.core.attach import get_mask, set_mask
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import GradientTape
from npkeras.layers.bidirectional import Bidirectional
from tests.layers.recurrent_twins import (
    BATCH,
    FEATURES,
    STEPS,
    UNITS,
    arrays,
    compare_calls,
    same,
    some_mask,
    twins,
)

flags = st.booleans()
INNER = {
    "LSTM": lambda engine, **options: engine.LSTM(UNITS, **options),
    "GRU": lambda engine, **options: engine.GRU(UNITS, **options),
    "SimpleRNN": lambda engine, **options: engine.SimpleRNN(UNITS, **options),
    "RNN": lambda engine, **options: engine.RNN(engine.GRUCell(UNITS), **options),
}
STATES = {"LSTM": 2}
MODES = ["concat", "sum", "mul", "ave", None]


@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from(list(INNER)), st.sampled_from(MODES), flags, flags, flags, flags, flags,
    st.integers(0, 99),
)  # fmt: skip
def test_outputs_states_and_gradients_are_those_of_keras(
    keras, tf, name, mode, sequences, states_out, masked, states_in, own_backward, seed
):
    options = {"return_sequences": sequences, "return_state": states_out}

    def make(engine):
        backward = None
        if own_backward:
            backward = INNER[name](engine, go_backwards=True, name="own", **options)
        layer = INNER[name](engine, **options)
        return engine.Bidirectional(layer, merge_mode=mode, backward_layer=backward)

    theirs, ours = twins(keras, make)
    x, *states = arrays(seed, 2 * STATES.get(name, 1))
    compare_calls(
        tf, theirs, ours, x, states if states_in else None,
        mask=some_mask(seed) if masked else None,
    )  # fmt: skip


@pytest.mark.keras
@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN"])
def test_random_numbers_are_those_of_keras(keras, tf, name):
    make = lambda engine: engine.Bidirectional(  # noqa: E731
        INNER[name](engine, dropout=0.4, recurrent_dropout=0.3)
    )
    theirs, ours = twins(keras, make, copy=False)
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(a.value, b.numpy(), atol=5e-7)
    compare_calls(tf, theirs, ours, arrays()[0], training=True)


@pytest.mark.keras
@pytest.mark.parametrize("name", list(INNER))
def test_config_and_paths_are_those_of_keras_both_ways(keras, name):
    def make(engine):
        return engine.Bidirectional(
            INNER[name](engine, name="one", return_sequences=True), merge_mode="sum", name="both"
        )

    theirs, ours = make(keras.layers), make(layers)
    config = theirs.get_config()
    if name == "RNN":  # the cell has a name of its own, with a number
        for both in (config, ours.get_config()):
            assert both["layer"]["config"]["cell"]["class_name"] == "GRUCell"
    else:
        assert ours.get_config() == config
    assert Bidirectional.from_config(config).get_config() == config
    again = keras.layers.Bidirectional.from_config(ours.get_config())
    assert again.get_config() == ours.get_config()
    for layer in (theirs, ours):
        layer.build((None, STEPS, FEATURES))
    paths = [[re.sub(r"_\d+", "", w.path) for w in layer.weights] for layer in (ours, theirs)]
    assert paths[0] == paths[1]
    assert paths[0][0].startswith("both/forward_one/")
    assert ours.get_build_config() == theirs.get_build_config()


def model_of(engine, name):
    model = engine.Sequential(
        [
            engine.Input((STEPS, FEATURES)),
            engine.layers.Bidirectional(INNER[name](engine.layers, return_sequences=True)),
            engine.layers.Bidirectional(INNER[name](engine.layers), merge_mode="sum"),
        ]
    )
    model.compile("adam", "mse")
    return model


def layout(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: getattr(item, "shape", None)}))
    return found


@pytest.mark.keras
@pytest.mark.parametrize("name", ["LSTM", "GRU", "SimpleRNN"])
def test_weights_files_are_those_of_keras_both_ways(keras, tmp_path, name):
    models = {}
    for engine in (npkeras, keras):
        engine.utils.set_random_seed(3 if engine is keras else 4)
        models[engine] = model_of(engine, name)
        models[engine].save_weights(str(tmp_path / f"{engine.__name__}.weights.h5"))
    ours, theirs = (tmp_path / f"{e.__name__}.weights.h5" for e in (npkeras, keras))
    assert layout(ours) == layout(theirs)
    saved = {engine: model.get_weights() for engine, model in models.items()}
    models[npkeras].load_weights(str(theirs))
    models[keras].load_weights(str(ours))
    for reader, writer in ((npkeras, keras), (keras, npkeras)):
        for a, b in zip(models[reader].get_weights(), saved[writer], strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.keras
def test_a_stateful_layer_goes_on_where_that_of_keras_does(keras):
    make = lambda engine: engine.Bidirectional(INNER["LSTM"](engine, stateful=True))  # noqa: E731
    theirs, ours = twins(keras, make)
    x = arrays()[0]
    for _ in range(3):
        same(ours(x), theirs(x))
    for a, b in zip(ours.states, theirs.states, strict=True):
        same(a.value, b)
    for layer in (theirs, ours):
        layer.reset_state()
    same(ours(x), theirs(x))
    assert len(ours.weights) == 6


def test_only_a_stateful_layer_can_be_reset():
    layer = Bidirectional(layers.GRU(UNITS))
    assert layer.states is None
    with pytest.raises(AttributeError, match=r"\(Bidirectional\) remembers nothing"):
        layer.reset_states()


def test_the_second_half_is_the_layer_on_the_sequence_turned_around():
    layer = Bidirectional(layers.GRU(UNITS, return_sequences=True))
    x = arrays()[0]
    y = layer(x)
    back = layers.GRU(UNITS, return_sequences=True)
    back.build(x.shape)
    back.set_weights(layer.backward_layer.get_weights())
    np.testing.assert_allclose(y[..., UNITS:], back(x[:, ::-1])[:, ::-1], atol=1e-6)
    np.testing.assert_array_equal(y[..., :UNITS], layer.forward_layer(x))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("states", [True, False])
def test_masks_are_used_and_passed_on_to_outputs_of_each_step(mode, sequences, states):
    inner = layers.LSTM(UNITS, return_sequences=sequences, return_state=states)
    layer = Bidirectional(inner, merge_mode=mode)
    x, mask = arrays()[0], np.arange(STEPS) < np.array([[5], [2], [1]])
    expected = layer(x, mask=mask)
    set_mask(x, mask)
    found = layer(x)
    found, expected = (y if isinstance(y, tuple) else (y,) for y in (found, expected))
    outputs = 2 if mode is None else 1
    assert len(found) == outputs + (4 if states else 0)
    for i, (y, expected_y) in enumerate(zip(found, expected, strict=True)):
        np.testing.assert_array_equal(y, expected_y)
        assert (get_mask(y) is not None) == (sequences and i < outputs)
    if sequences:
        assert not found[0][~mask].any()


@pytest.mark.keras
@pytest.mark.parametrize("mode", ["sum", None])
@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("states", [True, False])
def test_masks_are_given_in_the_form_of_keras(keras, mode, sequences, states):
    x, mask = arrays()[0], some_mask()
    inner = {"return_sequences": sequences, "return_state": states}
    forms = []
    for engine in (keras.layers, layers):
        found = engine.Bidirectional(engine.GRU(UNITS, **inner), mode).compute_mask(x, mask)
        forms.append([m is mask for m in found] if isinstance(found, (list, tuple)) else found)
    expected = [sequences] * 2 if mode is None else mask if sequences else None
    assert forms[0] is forms[1] is expected or forms[0] == forms[1] == expected


def test_the_layer_given_is_a_pattern_only():
    pattern = layers.LSTM(UNITS, name="forward_one")
    layer = Bidirectional(pattern)
    layer(arrays()[0])
    assert not pattern.built
    assert layer.forward_layer.name == "forward_one"
    assert layer.backward_layer.name == "backward_forward_one"
    assert layer.backward_layer.go_backwards and not layer.forward_layer.go_backwards


def test_weights_to_begin_with():
    weights = [w + 1 for w in _built(Bidirectional(layers.GRU(UNITS))).get_weights()]
    layer = _built(Bidirectional(layers.GRU(UNITS), weights=weights))
    for a, b in zip(layer.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)
    assert "weights" not in layer.get_config()


def _built(layer):
    layer.build((None, STEPS, FEATURES))
    return layer


class Adding(layers.Layer):
    """A cell that nobody registered."""

    state_size = output_size = UNITS

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], UNITS), name="kernel")

    def call(self, inputs, states):
        y = inputs @ self.kernel + states[0]
        return y, [y]


def test_cells_of_the_users_need_not_be_registered():
    x = arrays()[0]
    layer = Bidirectional(layers.RNN(Adding()), merge_mode="sum")
    y = layer(x)
    expected = x.sum(axis=1) @ (layer.weights[0].value + layer.weights[1].value)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "float64", "mixed_float16"])
def test_the_output_comes_in_the_dtype_of_the_wrapper(dtype):
    layer = Bidirectional(layers.GRU(UNITS), dtype=dtype)
    with GradientTape() as tape:
        y = layer(arrays()[0])
    assert y.dtype == dtype.removeprefix("mixed_")
    assert all(g.dtype == "float32" for g in tape.gradient(y, layer.weights))


def test_a_frozen_wrapper_freezes_both_layers():
    layer = _built(Bidirectional(layers.GRU(UNITS), trainable=False))
    assert layer.trainable_weights == [] and len(layer.weights) == 6
    layer.trainable = True
    assert len(layer.trainable_weights) == 6


def test_symbolic_shapes():
    spec = KerasTensor((None, None, FEATURES))
    inner = layers.LSTM(UNITS, return_sequences=True, return_state=True)
    y, *states = Bidirectional(inner)(spec)
    assert y.shape == (None, None, 2 * UNITS)
    assert [s.shape for s in states] == [(None, UNITS)] * 4
    assert Bidirectional(layers.GRU(UNITS)).compute_output_shape((2, 7, 3)) == (2, 2 * UNITS)


@pytest.mark.parametrize(
    "make, match",
    [
        (lambda: Bidirectional(3), r"`layer` of Bidirectional must be a Layer.*layer=3"),
        (lambda: Bidirectional(layers.Dense(2)), r"recurrent layer.*has no go_backwards"),
        (
            lambda: Bidirectional(layers.GRU(2), backward_layer=3),
            r"`backward_layer` of Bidirectional must be a Layer.*backward_layer=3",
        ),
        (
            lambda: Bidirectional(layers.GRU(2), merge_mode="add"),
            r"`merge_mode` of Bidirectional must be one of.*merge_mode='add'",
        ),
        (
            lambda: Bidirectional(layers.GRU(2), backward_layer=layers.GRU(2)),
            r"must differ in `go_backwards`.*go_backwards=False",
        ),
        (
            lambda: Bidirectional(
                layers.GRU(2),
                backward_layer=layers.GRU(2, go_backwards=True, return_sequences=True),
            ),
            r"same `return_sequences`.*return_sequences=False and return_sequences=True",
        ),
        (
            lambda: Bidirectional(layers.GRU(2, go_backwards=True)),
            r"must differ in `go_backwards`.*go_backwards=True",
        ),
    ],
)
def test_wrong_arguments_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()


@pytest.mark.parametrize("states", [1, 3])
def test_an_odd_number_of_states_is_refused(states):
    layer = Bidirectional(layers.GRU(UNITS), name="both")
    x, *given = arrays(states=states)
    with pytest.raises(ValueError, match=rf"'both' \(Bidirectional\).*Received: {states} states"):
        layer(x, initial_state=given)


def test_states_of_another_batch_are_refused():
    layer = Bidirectional(layers.GRU(UNITS))
    with pytest.raises(ValueError, match="`initial_state` of layer 'forward_gru"):
        layer(arrays()[0], initial_state=[np.zeros((BATCH + 1, UNITS), "float32")] * 2)

"""RNN and StackedRNNCells: around cells of ours and of the user's, as Keras does it."""

import re

import numpy as np
import pytest

import npkeras
from npkeras import ops
from npkeras.core.random import reset_global_seed
from npkeras.core.registry import CustomObjectScope
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import GradientTape, Traced, plain
from npkeras.layers.base import Layer
from npkeras.layers.lstm import LSTM, LSTMCell
from npkeras.layers.recurrent import RNN, StackedRNNCells
from tests.checks import numeric_gradient, recorded_gradients

BATCH, STEPS, FEATURES = 3, 4, 2
MASK = np.array([[0, 1, 0, 1], [1, 1, 0, 0], [0, 0, 0, 0]], bool)


class Sum(Layer):
    """h <- h + w x: what comes out can be told without running it."""

    state_size = FEATURES

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="w")

    def call(self, inputs, states):
        y = ops.add(states[0], ops.multiply(inputs, self.w))
        return y, [y]


def inputs(dtype="float32"):
    return np.random.default_rng(0).normal(size=(BATCH, STEPS, FEATURES)).astype(dtype)


def test_a_cell_of_the_users_own():
    x = inputs()
    y, h = RNN(Sum(), return_sequences=True, return_state=True)(x)
    np.testing.assert_allclose(y, np.cumsum(x, axis=1), rtol=1e-6)
    np.testing.assert_array_equal(h, y[:, -1])
    np.testing.assert_array_equal(RNN(Sum())(x), h)


def test_a_cell_that_is_no_layer():
    class Bare:
        state_size = FEATURES

        def __call__(self, inputs, states):
            return self.call(inputs, states)

        def call(self, inputs, states):
            return inputs + states[0], [inputs + states[0]]

    np.testing.assert_allclose(RNN(Bare())(inputs()), inputs().sum(axis=1), rtol=1e-5)


def test_first_states_of_a_cells_own():
    class FromOne(Sum):
        def get_initial_state(self, batch_size=None):
            return [np.ones((batch_size, FEATURES), "float32")]

    np.testing.assert_allclose(RNN(FromOne())(inputs()), 1 + inputs().sum(axis=1), rtol=1e-5)
    first = RNN([FromOne(), Sum()]).cell.get_initial_state(batch_size=2)
    assert (first[0][0] == 1).all() and (first[1][0] == 0).all()


def test_states_of_several_axes():
    class Picture(Layer):
        state_size = [(2, 3)]
        output_size = (2, 3)

        def call(self, inputs, states):
            y = ops.add(inputs, states[0])
            return y, [y]

    x = np.ones((2, 5, 2, 3), "float32")
    assert (RNN(Picture())(x) == 5).all()


def test_a_cell_is_told_whether_it_is_training():
    class Spy(Sum):
        def call(self, inputs, states, training=False):
            seen.append(training)
            return super().call(inputs, states)

    seen = []
    RNN(Spy())(inputs(), training=True)
    RNN([Spy()])(inputs(), training=True)
    RNN(Spy())(inputs())
    assert seen == [True] * 2 * STEPS + [False] * STEPS


def test_masks_and_direction():
    x = np.ones((BATCH, STEPS, FEATURES), "float32")
    options = {"return_sequences": True, "return_state": True}
    y, h = RNN(Sum(), **options)(x, mask=MASK)
    expected = [[0, 1, 1, 2], [1, 2, 2, 2], [0, 0, 0, 0]]
    np.testing.assert_array_equal(y[..., 0], expected)
    np.testing.assert_array_equal(h[:, 0], [2, 2, 0])
    y, _ = RNN(Sum(), **options, zero_output_for_mask=True)(x, mask=MASK)
    np.testing.assert_array_equal(y[..., 0], expected * MASK)
    y, _ = RNN(Sum(), **options, go_backwards=True)(x, mask=MASK)
    np.testing.assert_array_equal(y[..., 0], [[1, 1, 2, 2], [0, 0, 1, 2], [0, 0, 0, 0]])


def test_gradients_through_stacked_cells():
    double = {"dtype": "float64"}
    cells = StackedRNNCells([LSTMCell(3, **double), LSTMCell(2, **double)], **double)
    layer = RNN(cells, **double)
    layer.build((BATCH, STEPS, FEATURES))

    def function(x):
        return layer(x, mask=MASK)

    gradients, dys = recorded_gradients(function, [inputs("float64")])
    expected = numeric_gradient(function, [inputs("float64")], 0, dys)
    np.testing.assert_allclose(gradients[0], expected, rtol=1e-6, atol=1e-8)


def test_symbolic_shapes():
    spec = KerasTensor((None, None, FEATURES))
    assert RNN(Sum(), return_sequences=True)(spec).shape == (None, None, FEATURES)
    y, (a, b), (c, _) = RNN([LSTMCell(3), LSTMCell(4)], return_state=True)(spec)
    assert (y.shape, a.shape, c.shape) == ((None, 4), (None, 3), (None, 4))
    assert b.shape == (None, 3)


def test_stateful_layers_go_on_until_they_are_reset():
    x = inputs()
    layer = RNN(Sum(), stateful=True)
    first = layer(x)
    np.testing.assert_allclose(layer(x), 2 * first, rtol=1e-5)
    layer.reset_state()
    np.testing.assert_array_equal(layer(x), first)
    stacked = RNN([Sum(), Sum()], stateful=True)
    first = stacked(x)
    assert not np.allclose(stacked(x), first)
    stacked.reset_states()
    np.testing.assert_array_equal(stacked(x), first)


def test_resetting_what_has_no_state_does_nothing():
    RNN(Sum()).reset_state()
    RNN(Sum(), stateful=True).reset_states()


def test_states_saved_in_a_stateful_layer_carry_no_gradient():
    layer = RNN(Sum(), stateful=True)
    x = Traced(inputs(), object())
    layer(x)
    with GradientTape() as tape:
        y = layer(x)
    np.testing.assert_array_equal(tape.gradient(y, x), np.ones(x.shape))


def test_an_initial_state_need_not_be_in_a_list():
    state = np.ones((BATCH, FEATURES), "float32")
    found = RNN(Sum())(inputs(), initial_state=state)
    np.testing.assert_array_equal(found, RNN(Sum())(inputs(), initial_state=[state]))


def test_states_may_come_in_a_list_with_the_inputs():
    x, states = inputs(), [np.ones((BATCH, 4), "float32")] * 2
    layer = LSTM(4)
    np.testing.assert_array_equal(layer([x, *states]), layer(x, initial_state=states))
    np.testing.assert_array_equal(layer([x]), layer(x))
    symbols = [KerasTensor((None, STEPS, FEATURES)), KerasTensor((None, 4)), KerasTensor((None, 4))]
    assert layer(symbols).shape == (None, 4)


def test_gradients_reach_the_initial_state():
    layer = RNN(Sum(), dtype="float64")
    layer.build((BATCH, STEPS, FEATURES))
    double = RNN(layer.cell)

    def function(state):
        return layer(inputs(), initial_state=[state])

    gradients, dys = recorded_gradients(function, [np.ones((BATCH, FEATURES))])
    np.testing.assert_allclose(gradients[0], dys[0])
    assert double.cell is layer.cell


def test_configs_come_back():
    layer = RNN([LSTMCell(3, dropout=0.1), LSTMCell(4)], return_state=True, name="stacked")
    again = RNN.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert [cell.units for cell in again.cell.cells] == [3, 4]
    layer = RNN(Sum(name="sum"))
    again = RNN.from_config(layer.get_config(), {"Sum": Sum})
    assert again.cell.name == "sum"
    with CustomObjectScope({"Sum": Sum}):
        assert RNN.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.keras
def test_stacked_cells_with_dropout_are_those_of_keras(keras, tf):
    def make(module, cell, **options):
        cells = [
            cell(3, dropout=0.3, recurrent_dropout=0.2, seed=3),
            cell(4, recurrent_dropout=0.5, seed=4),
            cell(2, dropout=0.4, seed=5),
        ]
        return module(cells, return_sequences=True, return_state=True, **options)

    x = inputs()
    keras.utils.set_random_seed(2)
    theirs = make(keras.layers.RNN, keras.layers.LSTMCell)
    theirs.build(x.shape)
    reset_global_seed(2)
    ours = make(RNN, LSTMCell)
    ours.build(x.shape)
    paths = [[re.sub(r"_\d+", "", w.path) for w in layer.weights] for layer in (ours, theirs)]
    assert paths[0] == paths[1]
    ours.set_weights(theirs.get_weights())
    assert ours.state_size == theirs.state_size
    assert ours.cell.output_size == theirs.cell.output_size
    for training in (True, False, True):
        with tf.GradientTape() as tape:
            expected = theirs(x, mask=MASK, training=training)
        expected_gradients = tape.gradient(expected[0], theirs.trainable_weights)
        with GradientTape() as tape:
            found = ours(x, mask=MASK, training=training)
        gradients = tape.gradient(found[0], ours.trainable_weights)
        for a, b in zip(found, expected, strict=True):
            a, b = (v if isinstance(v, list) else [v] for v in (a, b))
            for y, expected_y in zip(a, b, strict=True):
                np.testing.assert_allclose(plain(y), expected_y, atol=1e-6)
        for a, b in zip(gradients, expected_gradients, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.keras
def test_configs_are_those_of_keras(keras):
    theirs = keras.layers.StackedRNNCells([keras.layers.LSTMCell(3, name="a")], name="stack")
    theirs = keras.layers.RNN(theirs, name="rnn", stateful=True)
    ours = RNN(StackedRNNCells([LSTMCell(3, name="a")], name="stack"), name="rnn", stateful=True)
    assert ours.get_config() == theirs.get_config()
    theirs = keras.layers.RNN(keras.layers.LSTMCell(3, name="a"), name="rnn")
    assert RNN(LSTMCell(3, name="a"), name="rnn").get_config() == theirs.get_config()


@pytest.mark.parametrize(
    "make, match",
    [
        (lambda: RNN(3), r"A cell of RNN must have a method `call`.*cell=3"),
        (lambda: RNN(Layer(name="x")), r"A cell of RNN.*`state_size`.*<Layer name=x"),
        (lambda: RNN([Sum(), 3]), r"A cell of StackedRNNCells.*`call`.*cell=3"),
        (
            lambda: RNN(Sum(), stateful=True)(KerasTensor((None, 4, 2))),
            r"'rnn' \(RNN\) is stateful and needs to know the batch size",
        ),
        (
            lambda: RNN(Sum())(inputs()[:, :0]),
            r"'rnn' \(RNN\) expects sequences of at least one step.*\(3, 0, 2\)",
        ),
        (
            lambda: RNN(Sum())(inputs(), mask=np.ones((3, 5), bool)),
            r"expects a mask of shape \(3, 4\).*\(3, 5\)",
        ),
        (
            lambda: LSTM(4)(inputs(), initial_state=[np.ones((3, 4))]),
            r"`initial_state` of layer 'lstm' \(LSTM\) must hold 2 arrays.*"
            r"\[\(3, 4\), \(3, 4\)\].*Received shapes \[\(3, 4\)\]",
        ),
        (
            lambda: LSTM(4)(inputs(), initial_state=[np.ones((2, 4))] * 2),
            r"Received shapes \[\(2, 4\), \(2, 4\)\]",
        ),
        (
            lambda: RNN([LSTMCell(3), LSTMCell(4)])(
                inputs(), initial_state=[[np.ones((3, 3))] * 2, [np.ones((3, 3))] * 2]
            ),
            r"must hold 4 arrays, of shapes \[\(3, 3\), \(3, 3\), \(3, 4\), \(3, 4\)\]",
        ),
    ],
)
def test_wrong_arguments_are_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()


def test_a_stateful_layer_refuses_batches_of_another_size():
    layer = RNN(Sum(), stateful=True)
    layer(inputs())
    with pytest.raises(ValueError, match=r"holds states for batches of 3 rows.*a batch of 2"):
        layer(inputs()[:2])


def test_cells_in_a_stack_can_be_called_by_themselves():
    cell = StackedRNNCells([LSTMCell(3), LSTMCell(4)])
    states = cell.get_initial_state(batch_size=BATCH)
    y, states = cell(inputs()[:, 0], states)
    assert y.shape == (BATCH, 4)
    assert [[s.shape for s in pair] for pair in states] == [[(BATCH, 3)] * 2, [(BATCH, 4)] * 2]


@pytest.mark.keras
def test_a_state_without_a_list_stays_without_one_as_in_keras(keras):
    x, given = inputs()[:, 0], [np.ones((BATCH, 3), "float32"), [np.ones((BATCH, 4), "float32")]]
    spec = (STEPS, FEATURES)
    forms = []
    for engine in (keras, npkeras):
        cell = engine.layers.GRUCell
        stack = engine.layers.StackedRNNCells([cell(3), cell(4)])
        _, after = stack(x, given)
        layer = engine.layers.RNN([engine.layers.LSTMCell(4), cell(3)], return_state=True)
        symbolic = layer(engine.Input(spec))
        first = engine.layers.StackedRNNCells([_bare(engine)]).get_initial_state(2)
        forms.append(
            [isinstance(y, (list, tuple)) for y in (*after, *symbolic, *layer(inputs()), *first)]
        )
    assert forms[0] == forms[1] == [False, True, *[False, True, False], *[False, True, True], False]


def _bare(engine):
    class Bare(engine.layers.Layer):
        state_size = FEATURES

        def call(self, inputs, states):
            return inputs, states

    return Bare()


@pytest.mark.keras
@pytest.mark.parametrize("of_layer, of_cell", [("mixed_float16", None), (None, "mixed_float16")])
@pytest.mark.parametrize("stacked", [False, True])
def test_outputs_and_states_come_in_the_dtype_of_the_layer_as_in_keras(
    keras, of_layer, of_cell, stacked
):
    dtypes = []
    for engine in (keras, npkeras):
        cell = engine.layers.GRUCell(3, dtype=of_cell)
        layer = engine.layers.RNN([cell] if stacked else cell, dtype=of_layer, return_state=True)
        y, state = layer(inputs())
        h = state[0] if stacked else state
        dtypes.append([npkeras.backend.standardize_dtype(a.dtype) for a in (y, h)])
    assert dtypes[0] == dtypes[1] == ["float16" if of_layer else "float32"] * 2


def test_masks_fit_the_outputs_of_the_cell_below():
    class Wide(Layer):
        state_size, output_size = 2, 7

        def call(self, inputs, states):
            training = ops.concatenate([inputs] * 3 + [inputs[:, :1]], axis=-1)  # only a name
            return training, states

    layer = RNN([Wide(), LSTMCell(3, dropout=0.5, seed=1)])
    assert layer(inputs(), training=True).shape == (BATCH, 3)


def test_stacks_within_stacks_draw_masks_of_their_own_for_each_sequence():
    cell = LSTMCell(3, dropout=0.5, seed=1)
    layer = RNN(StackedRNNCells([StackedRNNCells([cell]), Sum()]), return_sequences=True)
    layer.cell.cells[1].state_size = 3
    first, second = (layer(inputs(), training=True) for _ in range(2))
    assert cell._input_mask is None
    assert not np.allclose(first, second)


def test_states_of_a_stack_come_in_a_list_for_each_cell():
    layer = RNN([LSTMCell(3), LSTMCell(4)])
    flat = [np.ones((BATCH, n), "float32") for n in (3, 3, 4, 4)]
    with pytest.raises(ValueError, match="Each cell of a stack has a list of its own"):
        layer(inputs(), initial_state=flat)
    assert layer(inputs(), initial_state=[flat[:2], flat[2:]]).shape == (BATCH, 4)

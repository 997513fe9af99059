"""Wrapper and TimeDistributed. What takes `engine` is true of Keras too."""

import numpy as np
import pytest

import npkeras
from npkeras import layers
from npkeras.core.tape import GradientTape
from npkeras.layers import TimeDistributed, Wrapper
from tests.layers.engines import array, mask_of, masked, ones, paths

X = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")


def noting(engine, takes_mask=True):
    """A layer that keeps what each of its calls was given."""

    class Noting(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.seen = []

        if takes_mask:

            def call(self, x, training=None, mask=None):
                self.seen.append((tuple(x.shape), training, mask))
                return x * 2.0

        else:

            def call(self, x):
                self.seen.append(tuple(x.shape))
                return x * 2.0

    return Noting()


# Wrapper


def test_a_wrapper_has_the_weights_of_its_layer(engine):
    wrapper = engine.layers.Wrapper(engine.layers.Dense(3))
    wrapper.build((None, 2))
    assert wrapper.layer.built
    assert paths(wrapper.weights) == ["wrapper/dense/kernel", "wrapper/dense/bias"]


def test_a_built_layer_is_not_built_again(engine):
    dense = engine.layers.Dense(3)
    dense.build((None, 2))
    wrapper = engine.layers.Wrapper(dense)
    wrapper.build((None, 2))
    assert paths(wrapper.weights) == ["dense/kernel", "dense/bias"]


def test_a_wrapper_is_remade_with_its_layer(engine):
    wrapper = engine.layers.Wrapper(engine.layers.Dense(3, name="inner"))
    again = engine.layers.Wrapper.from_config(wrapper.get_config())
    assert again.layer.get_config() == wrapper.layer.get_config()


def test_custom_layers_are_found_among_custom_objects(engine):
    class Mine(engine.layers.Layer):
        def call(self, x):
            return x

    config = engine.layers.TimeDistributed(Mine(name="mine")).get_config()
    again = engine.layers.TimeDistributed.from_config(config, custom_objects={"Mine": Mine})
    assert isinstance(again.layer, Mine)


@pytest.mark.parametrize("wrong", [3, "dense", None, layers.Dense], ids=str)
def test_only_layers_are_wrapped(wrong):
    for wrapper in (Wrapper, TimeDistributed):
        with pytest.raises(ValueError, match=f"`layer` of {wrapper.__name__}.*Received: layer="):
            wrapper(wrong)


# TimeDistributed


def test_every_step_goes_through_the_same_layer(engine):
    layer = engine.layers.TimeDistributed(engine.layers.Dense(5, activation="tanh"))
    y = array(layer(X))
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(y, np.tanh(X @ kernel + bias), rtol=1e-5)
    assert paths(layer.weights)[0] == "time_distributed/dense/kernel"
    assert layer.get_build_config() == {"input_shape": (2, 3, 4)}


@pytest.mark.parametrize(
    "name, args, shape, result",
    [
        ("Flatten", (), (2, 3, 4, 5), (2, 3, 20)),
        ("LSTM", (6,), (2, 3, 4, 5), (2, 3, 6)),
        ("GlobalMaxPooling1D", (), (2, 3, 4, 5), (2, 3, 5)),
        ("Reshape", ((2, 2),), (2, 3, 4), (2, 3, 2, 2)),
        ("Dense", (5,), (0, 3, 4), (0, 3, 5)),
    ],
)
def test_any_layer_can_be_applied_to_every_step(engine, name, args, shape, result):
    layer = engine.layers.TimeDistributed(getattr(engine.layers, name)(*args))
    assert tuple(layer(ones(*shape)).shape) == result


def test_it_can_be_nested(engine):
    inner = engine.layers.TimeDistributed(engine.layers.Dense(3))
    assert tuple(engine.layers.TimeDistributed(inner)(ones(2, 3, 4, 5)).shape) == (2, 3, 4, 3)


@pytest.mark.parametrize(
    "shape, result",
    [
        ((None, 3, 4), (None, 3, 5)),
        ((None, None, 4), (None, None, 5)),
        ((2, None, 4), (2, None, 5)),
        ((2, 3, 4), (2, 3, 5)),
    ],
)
def test_it_knows_its_shape(engine, shape, result):
    layer = engine.layers.TimeDistributed(engine.layers.Dense(5))
    assert layer(engine.Input(batch_shape=shape)).shape == result


def test_a_model_can_be_applied_to_every_step(engine):
    dense = engine.layers.Dense(2, kernel_regularizer="l2")
    layer = engine.layers.TimeDistributed(engine.Sequential([dense, engine.layers.Dropout(0.5)]))
    assert tuple(layer(X).shape) == (2, 3, 2)
    assert paths(layer.weights)[0] == "time_distributed/sequential/dense/kernel"
    assert len(layer.losses) == 1


def test_each_step_drops_entries_of_its_own(engine):
    layer = engine.layers.TimeDistributed(engine.layers.Dropout(0.5, seed=3))
    alone = engine.layers.Dropout(0.5, seed=3)
    y = array(layer(ones(2, 3, 4), training=True))
    for step in range(3):
        expected = array(alone(ones(2, 4), training=True))
        np.testing.assert_array_equal(y[:, step], expected)


def test_a_users_layer_sees_step_by_step_the_mode_and_its_mask():
    layer = TimeDistributed(noting(npkeras))
    x = masked(npkeras, X, [[True, False, True], [True, True, False]])
    y = layer(x, training=True)
    np.testing.assert_allclose(y, 2 * X)
    assert [(shape, mode, mask.tolist()) for shape, mode, mask in layer.layer.seen] == [
        ((2, 4), True, [True, True]),
        ((2, 4), True, [False, True]),
        ((2, 4), True, [True, False]),
    ]


def test_a_layer_that_takes_no_mask_gets_none(engine):
    layer = engine.layers.TimeDistributed(noting(engine, takes_mask=False))
    y = layer(masked(engine, X, np.ones((2, 3), bool)), training=True)
    assert mask_of(y) == [[True] * 3] * 2
    assert layer.layer.seen[-1] == (2, 4)


def test_several_outputs_come_step_by_step():
    class Both(layers.Layer):
        def call(self, x):
            return x, {"sum": npkeras.ops.sum(x, axis=-1)}

    y, more = TimeDistributed(Both())(X)
    np.testing.assert_array_equal(y, X)
    np.testing.assert_allclose(more["sum"], X.sum(-1), rtol=1e-5)


def test_penalties_on_outputs_are_those_of_the_wrapper(engine):
    penalty = engine.regularizers.L1(1.0)
    dense = engine.layers.Dense(2, kernel_initializer="ones", activity_regularizer=penalty)
    layer = engine.layers.TimeDistributed(dense)
    layer(ones(1, 2, 3))
    assert layer.losses == []
    layer.activity_regularizer = penalty
    layer(ones(1, 2, 3))
    assert [float(loss) for loss in layer.losses] == [12]


def test_the_dtype_is_that_of_the_wrapper(engine):
    layer = engine.layers.TimeDistributed(engine.layers.Dense(3, dtype="float16"))
    assert array(layer(X)).dtype == "float32"


def test_all_steps_at_once_and_one_by_one_have_the_same_gradients():
    dense = layers.Dense(2)
    dense.build((None, 4))
    stepwise = TimeDistributed(type("Mine", (layers.Dense,), {})(2))
    stepwise.build(X.shape)
    stepwise.set_weights(dense.get_weights())
    weighting = np.random.default_rng(1).normal(size=(2, 3, 2)).astype("float32")
    gradients = []
    for layer in (TimeDistributed(dense), stepwise):
        with GradientTape() as tape:
            y = layer(X)
        gradients.append(tape.gradient(y, layer.trainable_variables, weighting))
    for one, other in zip(*gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_sequences_without_steps_stay_without():
    assert TimeDistributed(layers.Dense(3))(ones(2, 0, 4)).shape == (2, 0, 3)


def test_sequences_have_three_axes(engine):
    with pytest.raises(ValueError, match=r"\(3, 2\)"):
        engine.layers.TimeDistributed(engine.layers.Dense(1))(ones(3, 2))


@pytest.mark.parametrize("shape", [(2, 2), (1, 3), (3, 2)])
def test_a_mask_begins_with_the_axes_of_the_inputs(engine, shape):
    layer = engine.layers.TimeDistributed(engine.layers.Dense(1))
    with pytest.raises(ValueError, match=rf"(?s)mask.*\({shape[0]}, {shape[1]}\)"):
        layer(X, mask=np.ones(shape, bool))

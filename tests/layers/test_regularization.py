"""Dropout and noise: what is dropped, what is scaled, which random numbers are drawn."""

import numpy as np
import pytest

import npkeras
from npkeras.core.tape import GradientTape, Traced
from npkeras.layers import Dropout
from tests.layers.engines import array, mask_of, masked, ones


@pytest.mark.parametrize("call", [{}, {"training": False}, {"training": None}], ids=str)
def test_nothing_happens_outside_training(engine, call):
    assert array(engine.layers.Dropout(0.5)(ones(2, 3), **call)).tolist() == [[1] * 3] * 2


def test_what_is_kept_is_scaled_up(engine):
    y = array(engine.layers.Dropout(0.75, seed=1)(ones(50, 40), training=True))
    assert set(np.unique(y)) == {0, 4}
    assert abs(y.mean() - 1) < 0.1


@pytest.mark.parametrize("rate, value", [(0, 1), (0.0, 1), (1, 0), (1.0, 0)])
def test_all_or_nothing(engine, rate, value):
    y = array(engine.layers.Dropout(rate)(ones(2, 3), training=True))
    assert y.tolist() == [[value] * 3] * 2


def test_each_call_draws_anew_and_each_seed_alike(engine):
    one, other = engine.layers.Dropout(0.5, seed=3), engine.layers.Dropout(0.5, seed=3)
    first, second = (array(one(ones(8, 8), training=True)) for _ in range(2))
    assert (first != second).any()
    for y in (first, second):
        np.testing.assert_array_equal(array(other(ones(8, 8), training=True)), y)


@pytest.mark.parametrize(
    "noise_shape, alike", [((None, 1, 4), 1), ((2, 3, 1), 2), ((1, None, None), 0)]
)
def test_axes_of_length_one_are_dropped_together(engine, noise_shape, alike):
    layer = engine.layers.Dropout(0.5, noise_shape=noise_shape, seed=1)
    y = array(layer(ones(2, 3, 4), training=True))
    np.testing.assert_array_equal(y, np.repeat(y.take([0], alike), y.shape[alike], alike))
    assert set(np.unique(y)) == {0, 2}


def test_the_random_state_is_a_variable_but_no_weight(engine):
    layer = engine.layers.Dropout(0.5, seed=7)
    (state,) = layer.variables
    assert layer.weights == [] and not state.trainable
    assert array(state).tolist() == [7, 0]
    layer(ones(2), training=True)
    assert array(state)[1] == 1
    assert engine.layers.Dropout(0).variables == []


def test_a_mask_goes_through(engine):
    x = masked(engine, ones(1, 2), [[True, False]])
    for training in (False, True):
        y = engine.layers.Dropout(0.5)(x, training=training)
        assert mask_of(y) == [[True, False]]


def test_the_gradient_is_dropped_where_the_input_was():
    x = Traced(ones(4, 5), object())
    with GradientTape() as tape:
        y = Dropout(0.5, seed=1)(x, training=True)
    np.testing.assert_array_equal(tape.gradient(y, x), y.value)


def test_symbolic_inputs_stay_as_they_are():
    layer = Dropout(0.5, seed=1)
    assert layer(npkeras.Input((3,)), training=True).shape == (None, 3)
    assert layer.variables[0].value.tolist() == [1, 0]


def test_integers_cannot_be_scaled(engine):
    with pytest.raises(ValueError, match="int64"):
        engine.layers.Dropout(0.5)(np.ones((2, 3), "int64"), training=True)


@pytest.mark.parametrize("rate", [1.5, -0.1])
def test_the_rate_is_a_probability(engine, rate):
    with pytest.raises(ValueError, match=f"rate={rate}"):
        engine.layers.Dropout(rate)


@pytest.mark.parametrize("rate", ["a", None, np.nan, True])
def test_the_rate_is_a_number(rate):
    with pytest.raises(ValueError, match="`rate` of Dropout must be a number.*rate="):
        Dropout(rate)


@pytest.mark.parametrize("noise_shape", [3, (0, 1), (-1, 1), ("a", 1), (1.5,)], ids=str)
def test_a_noise_shape_holds_positive_integers_or_none(engine, noise_shape):
    with pytest.raises(ValueError, match="`noise_shape`"):
        engine.layers.Dropout(0.5, noise_shape=noise_shape)


@pytest.mark.parametrize("noise_shape", [(2, 1), (5, 1, 1), (None, 1, 1, 1)])
def test_a_noise_shape_that_does_not_broadcast_is_refused(noise_shape):
    layer = Dropout(0.5, noise_shape=noise_shape)
    with pytest.raises(ValueError, match=r"`noise_shape`.*\(2, 3, 4\)"):
        layer(ones(2, 3, 4), training=True)


@pytest.mark.parametrize("seed", ["a", 1.5])
def test_a_seed_is_an_integer(engine, seed):
    with pytest.raises(ValueError, match=f"`seed`.*{seed}"):
        engine.layers.Dropout(0.5, seed=seed)


# SpatialDropout


@pytest.mark.parametrize(
    "axes, data_format, alike",
    [
        (1, None, (1,)),
        (2, "channels_last", (1, 2)),
        (2, "channels_first", (2, 3)),
        (3, "channels_last", (1, 2, 3)),
        (3, "channels_first", (2, 3, 4)),
    ],
)
def test_whole_maps_are_dropped(engine, axes, data_format, alike):
    options = {} if data_format is None else {"data_format": data_format}
    layer = getattr(engine.layers, f"SpatialDropout{axes}D")(0.5, seed=1, **options)
    y = array(layer(ones(3, *[4] * axes, 4), training=True))
    assert set(np.unique(y)) == {0, 2}
    np.testing.assert_array_equal(y, np.broadcast_to(y.mean(alike, keepdims=True), y.shape))


def test_spatial_dropout_takes_few_arguments(engine):
    config = {"rate": 0.5, "seed": 3, "name": "s", "dtype": "float32"}
    assert engine.layers.SpatialDropout1D(**config).get_config() == config
    with pytest.raises(TypeError, match="trainable"):
        engine.layers.SpatialDropout1D(0.5, trainable=False)
    with pytest.raises(ValueError, match="ndim|axes"):
        engine.layers.SpatialDropout2D(0.5)(ones(2, 3))


# Noise


@pytest.mark.parametrize("name", ["GaussianNoise", "GaussianDropout", "AlphaDropout"])
def test_noise_is_only_for_training_and_draws_anew(engine, name):
    layer = getattr(engine.layers, name)(0.5, seed=3)
    x = ones(8, 8)
    np.testing.assert_array_equal(array(layer(x)), x)
    first, second = (array(layer(x, training=True)) for _ in range(2))
    assert (first != second).any() and (first != x).any()
    assert [array(v).tolist() for v in layer.variables] == [[3, 2]]
    assert getattr(engine.layers, name)(0).variables == []


@pytest.mark.parametrize("name", ["GaussianNoise", "GaussianDropout", "AlphaDropout"])
def test_mean_and_variance_are_as_promised(name):
    x = np.random.default_rng(0).normal(size=(200, 200)).astype("float32")
    y = getattr(npkeras.layers, name)(0.2, seed=1)(x, training=True)
    variance = {"GaussianNoise": 1.04, "GaussianDropout": 1.25, "AlphaDropout": 1}[name]
    np.testing.assert_allclose([y.mean(), y.var()], [0, variance], atol=0.02)


@pytest.mark.parametrize("name", ["GaussianNoise", "GaussianDropout", "AlphaDropout"])
@pytest.mark.parametrize("strength", [-0.1, 1.2, "a"])
def test_how_strong_is_between_0_and_1(engine, name, strength):
    with pytest.raises((ValueError, TypeError)):
        getattr(engine.layers, name)(strength)
    argument = "stddev" if name == "GaussianNoise" else "rate"
    with pytest.raises(ValueError, match=f"`{argument}` of {name}.*{strength}"):
        getattr(npkeras.layers, name)(strength)


def test_what_cannot_be_disturbed_is_refused():
    for name in ("GaussianNoise", "GaussianDropout", "AlphaDropout"):
        layer = getattr(npkeras.layers, name)(0.5, name="n")
        with pytest.raises(ValueError, match=f"'n' .{name}.*int32"):
            layer(ones(2, dtype="int32"), training=True)
    for name in ("GaussianDropout", "AlphaDropout"):
        layer = getattr(npkeras.layers, name)(1.0, name="n")
        assert layer(ones(2)).tolist() == [1, 1]
        with pytest.raises(ValueError, match=f"'n' .{name}.*rate=1"):
            layer(ones(2), training=True)
    with pytest.raises(ValueError, match="`noise_shape` of AlphaDropout.*3"):
        npkeras.layers.AlphaDropout(0.5, noise_shape=3)


def test_the_stream_of_numpy_can_be_chosen():
    for name in ("GaussianNoise", "AlphaDropout"):
        results = []
        for stream in ("tensorflow", "numpy"):
            npkeras.config.set_random_stream(stream)
            layer = getattr(npkeras.layers, name)(0.5, seed=3)
            results.append(layer(ones(50), training=True))
        assert (results[0] != results[1]).any()


# ActivityRegularization


def test_activities_are_penalized(engine):
    layer = engine.layers.ActivityRegularization(l1=0.5, l2=0.25)
    y = layer(np.array([[1.0, -3.0], [0.0, 2.0]], "float32"))
    assert array(y).tolist() == [[1, -3], [0, 2]]
    assert [float(loss) for loss in layer.losses] == [(0.5 * 6 + 0.25 * 14) / 2]
    assert "activity_regularizer" not in layer.get_config()
    with pytest.raises(ValueError, match="l1"):
        engine.layers.ActivityRegularization(l1="a")

"""LossScaleOptimizer: a scale that finds its size."""

import numpy as np
import pytest

from npkeras import optimizers
from npkeras.core.rows import RowGradient
from npkeras.core.variable import Variable
from npkeras.optimizers import SGD, Adam, LossScaleOptimizer


def one():
    return Variable(np.ones(2, "float32"), name="w")


def test_the_loss_is_scaled_and_the_gradients_are_unscaled():
    w, optimizer = one(), LossScaleOptimizer(SGD(0.5), initial_scale=8.0)
    assert optimizer.scale_loss(1.0) == 8.0
    place = w.value.ctypes.data
    optimizer.apply([np.array([8.0, 16.0], "float32")], [w])
    np.testing.assert_array_equal(w.value, [0.5, 0.0])
    assert w.value.ctypes.data == place


def test_the_scale_is_doubled_after_good_steps_and_halved_after_a_bad_one():
    w, optimizer = one(), LossScaleOptimizer(Adam(0.5), initial_scale=8.0, dynamic_growth_steps=2)
    scales = []
    for gradient in (1.0, 1.0, np.inf, 1.0, np.nan, 1.0, 1.0, 1.0):
        optimizer.apply([np.array([gradient, 1.0], "float32")], [w])
        scales.append(optimizer.scale_loss(1.0))
        assert np.isfinite(w.value).all()
    assert scales == [8, 16, 8, 8, 4, 4, 8, 8]
    assert int(optimizer.iterations) == 6


def test_a_bad_step_changes_neither_weights_nor_state():
    w, optimizer = one(), LossScaleOptimizer(Adam(0.5, use_ema=True, weight_decay=0.1))
    optimizer.apply([np.ones(2, "float32")], [w])
    inner = optimizer.inner_optimizer
    before = [v.value.copy() for v in [w, *inner.variables]]
    rows = np.array([1.0, np.nan], "float32")
    optimizer.apply([rows], [w])
    for v, value in zip([w, *inner.variables], before, strict=True):
        np.testing.assert_array_equal(v.value, value)


def test_the_scale_stays_finite():
    w = one()
    optimizer = LossScaleOptimizer(SGD(0.5), initial_scale=2.0**126, dynamic_growth_steps=1)
    for _ in range(4):
        optimizer.apply([np.ones(2, "float32")], [w])
    assert optimizer.scale_loss(1.0) == 2.0**127


def test_clipping_and_a_fixed_factor_of_the_inner_optimizer_see_unscaled_gradients():
    w = one()
    inner = SGD(1.0, clipnorm=0.5, loss_scale_factor=2.0)
    optimizer = LossScaleOptimizer(inner, initial_scale=4.0)
    assert optimizer.scale_loss(1.0) == 8.0
    optimizer.apply([np.array([24.0, 32.0], "float32")], [w])
    np.testing.assert_allclose(w.value, [1 - 0.3, 1 - 0.4], rtol=1e-6)


def test_rows_of_a_table_are_unscaled_too():
    table = Variable(np.ones((3, 1), "float32"), name="table")
    optimizer = LossScaleOptimizer(SGD(1.0), initial_scale=4.0)
    optimizer.apply([RowGradient(np.array([1, 1]), np.ones((2, 1), "float32"), (3, 1))], [table])
    np.testing.assert_array_equal(table.value[:, 0], [1, 0.5, 1])
    bad = RowGradient(np.array([0]), np.full((1, 1), np.inf, "float32"), (3, 1))
    optimizer.apply([bad], [table])
    np.testing.assert_array_equal(table.value[:, 0], [1, 0.5, 1])


def test_rate_iterations_running_means_and_exclusions_are_those_of_the_inner_optimizer():
    w, inner = one(), SGD(0.5, use_ema=True, ema_momentum=0.5, weight_decay=0.5)
    optimizer = LossScaleOptimizer(inner, initial_scale=1.0)
    optimizer.learning_rate = 1.0
    assert optimizer.learning_rate is inner.learning_rate and float(inner.learning_rate) == 1.0
    optimizer.exclude_from_weight_decay(var_names=["w"])
    for _ in range(2):
        optimizer.apply_gradients([(np.full(2, 0.25, "float32"), w)])
    assert optimizer.iterations is inner.iterations and int(inner.iterations) == 2
    np.testing.assert_array_equal(w.value, [0.5, 0.5])
    optimizer.finalize_variable_values([w])
    np.testing.assert_array_equal(w.value, [0.625, 0.625])


def test_config_and_state_come_back():
    w = one()
    optimizer = LossScaleOptimizer(Adam(0.5), initial_scale=4.0, dynamic_growth_steps=3)
    optimizer.apply([np.ones(2, "float32")], [w])
    store = {}
    optimizer.save_own_variables(store)
    again = optimizers.deserialize(optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()
    again.build([w])
    again.load_own_variables(store)
    for v, u in zip(again.variables, optimizer.variables, strict=True):
        np.testing.assert_array_equal(v.value, u.value)


@pytest.mark.keras
def test_scale_weights_and_state_go_where_those_of_keras_go(keras, tf):
    ours, theirs = one(), keras.Variable(np.ones(2, "float32"), name="w")
    make = dict(initial_scale=8.0, dynamic_growth_steps=2, name="scaled")
    optimizer = LossScaleOptimizer(Adam(0.1, name="inner"), **make)
    reference = keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(0.1, name="inner"), **make
    )
    for gradient in (1.0, 2.0, np.inf, 1.0, 3.0, np.nan, 1.0):
        gradient = np.array([gradient, 2.0], "float32")
        optimizer.apply([gradient], [ours])
        reference.apply([tf.constant(gradient)], [theirs])
        np.testing.assert_allclose(ours.value, theirs.numpy(), rtol=1e-6)
        assert optimizer.scale_loss(1.0) == float(reference.scale_loss(1.0))
    assert [v.path for v in optimizer.variables] == [v.path for v in reference.variables]
    for v, u in zip(optimizer.variables, reference.variables, strict=True):
        assert v.dtype == u.dtype
        np.testing.assert_allclose(v.value, u.numpy(), rtol=1e-6)
    assert optimizers.serialize(optimizer) == keras.optimizers.serialize(reference)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LossScaleOptimizer("adam"), "inner_optimizer='adam'"),
        (lambda: LossScaleOptimizer(SGD(), clipnorm=1.0), "takes no `clipnorm`.*clipnorm=1.0"),
        (lambda: LossScaleOptimizer(SGD(), use_ema=True), "use_ema=True.*inner optimizer"),
        (lambda: LossScaleOptimizer(SGD(), initial_scale=0), "initial_scale=0"),
        (lambda: LossScaleOptimizer(SGD(), dynamic_growth_steps=0), "dynamic_growth_steps=0"),
        (lambda: LossScaleOptimizer(SGD(), foo=1), "LossScaleOptimizer takes no argument `foo`"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(make, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make()

"""Optimizers write into arrays, and not into those that somebody holds."""

import gc

import numpy as np
import pytest

import npkeras
from npkeras import ops
from npkeras.core.variable import before_writing

OPTIMIZERS = [
    name
    for name in npkeras.optimizers.__all__
    if isinstance(getattr(npkeras.optimizers, name), type)
    and issubclass(getattr(npkeras.optimizers, name), npkeras.optimizers.Optimizer)
    and name not in ("Optimizer", "LossScaleOptimizer")
]
HOLDING = {
    "numpy": lambda v: v.numpy(),
    "value": lambda v: v.value,
    "asarray": np.asarray,
    "convert_to_numpy": ops.convert_to_numpy,
    "slice": lambda v: v[:],
    "reshape": lambda v: ops.reshape(v, (-1,)),
    "transpose": ops.transpose,
    "cast": lambda v: ops.cast(v, "float32"),
    "stop_gradient": ops.stop_gradient,
}


def step(optimizer, variable):
    optimizer.apply([np.ones(variable.shape, "float32")], [variable])


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("options", [{}, {"use_ema": True}, {"gradient_accumulation_steps": 2}])
def test_what_was_handed_out_stays_as_it_was(name, options):
    optimizer = getattr(npkeras.optimizers, name)(0.1, **options)
    variable = npkeras.Variable(np.ones((2, 3), "float32"))
    step(optimizer, variable)
    held = [np.asarray(v) for v in (variable, *optimizer.variables)]
    copies = [array.copy() for array in held]
    for _ in range(2):
        step(optimizer, variable)
    for array, copy in zip(held, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert (variable.numpy() != copies[0]).any()


@pytest.mark.parametrize("way", HOLDING)
def test_however_it_was_handed_out(way):
    variable = npkeras.Variable(np.arange(6, dtype="float32").reshape(2, 3))
    held = np.asarray(HOLDING[way](variable))
    copy = held.copy()
    step(npkeras.optimizers.SGD(0.1), variable)
    np.testing.assert_array_equal(held, copy)


def test_an_array_that_nobody_holds_is_written_into():
    variable = npkeras.Variable(np.ones((2, 3), "float32"))
    optimizer = npkeras.optimizers.Adam(0.1)
    step(optimizer, variable)
    places = [v.value.ctypes.data for v in (variable, *optimizer.variables[2:])]
    for _ in range(3):
        step(optimizer, variable)
    assert places == [v.value.ctypes.data for v in (variable, *optimizer.variables[2:])]


def test_training_copies_no_weights(monkeypatch):
    from npkeras.optimizers import base

    copied = []

    def watched(variable):
        before = id(variable.value)
        before_writing(variable)
        copied.append(id(variable.value) != before)

    monkeypatch.setattr(base, "before_writing", watched)
    layers = npkeras.layers
    inputs = npkeras.Input((8, 4))
    x = layers.MultiHeadAttention(2, 3)(inputs, inputs)
    x = layers.LSTM(3, return_sequences=True)(layers.LayerNormalization()(x))
    x = layers.BatchNormalization()(layers.Conv1D(3, 2, activation="relu")(x))
    x = layers.Dropout(0.1)(layers.Dense(4, kernel_regularizer="l2")(layers.Flatten()(x)))
    model = npkeras.Model(inputs, layers.Dense(2, kernel_constraint="max_norm")(x))
    model.compile("adam", "mse", metrics=["mae"])
    gc.disable()
    try:
        model.fit(np.ones((8, 8, 4)), np.ones((8, 2)), batch_size=2, epochs=2, verbose=0)
    finally:
        gc.enable()
    assert copied and not any(copied)


def test_weights_kept_from_before_training_can_be_put_back():
    model = npkeras.Sequential([npkeras.Input((3,)), npkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 3)), np.ones((4, 1))
    before, loss = [v.numpy() for v in model.weights], model.evaluate(x, y, verbose=0)
    model.fit(x, y, verbose=0)
    model.set_weights(before)
    assert model.evaluate(x, y, verbose=0) == loss

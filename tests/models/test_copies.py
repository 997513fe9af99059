"""Copies and pickles of layers and models."""

import copy
import pickle

import numpy as np
import pytest

from tests.layers.engines import array, ones

COPIES = [copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))]


@pytest.fixture(params=COPIES, ids=["deepcopy", "pickle"])
def copied(request):
    return request.param


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softmax", "relu", "exponential"])
def test_copies_of_a_layer_have_its_activation_and_config(engine, copied, activation):
    layer = engine.layers.Dense(3, activation=activation)
    before = array(layer(ones(2, 4)))
    again = copied(layer)
    assert again.activation is layer.activation
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(array(again(ones(2, 4))), before)


def test_copies_have_weights_of_their_own(engine, copied):
    layer = engine.layers.LSTM(3)
    before = array(layer(ones(2, 4, 5)))
    again = copied(layer)
    again.set_weights([0 * weight for weight in again.get_weights()])
    np.testing.assert_array_equal(array(layer(ones(2, 4, 5))), before)
    assert not array(again(ones(2, 4, 5))).any()


def test_copies_of_a_trained_model_go_on_alike(engine, copied):
    layers = engine.layers
    model = engine.Sequential([engine.Input((4, 2)), layers.LSTM(3), layers.Dense(1)])
    model.compile(engine.optimizers.Adam(0.1), "mse")
    model.fit(ones(4, 4, 2), ones(4, 1), verbose=0)
    again = copied(model)
    for one in (model, again):
        one.fit(ones(4, 4, 2), ones(4, 1), verbose=0, epochs=2)
    np.testing.assert_allclose(
        again.predict(ones(2, 4, 2), verbose=0), model.predict(ones(2, 4, 2), verbose=0), rtol=1e-6
    )
    assert again.optimizer is not model.optimizer and int(array(again.optimizer.iterations)) == 3

"""SpectralNormalization against Keras, and the largest singular value."""

import numpy as np
import pytest

import npkeras
from npkeras.layers import Dense, ReLU, SpectralNormalization
from tests.layers.engines import array, ones


@pytest.mark.keras
def test_spectral_normalization_is_kerass(keras):
    layers = []
    for engine in (npkeras, keras):
        inner = engine.layers.Embedding(5, 3, name="inner")
        layers.append(engine.layers.SpectralNormalization(inner, power_iterations=2, name="s"))
        layers[-1].build((None, 4))
    ours, theirs = layers
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    ours.set_weights(theirs.get_weights())
    x = np.array([[0, 1, 2, 4]], "int32")
    for _ in range(3):
        found, expected = ours(x, training=True), theirs(x, training=True)
    # Keras casts the output to the dtype of the inputs, whole numbers here.
    np.testing.assert_array_equal(array(found), array(expected))
    for weight, their_weight in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(weight.value, array(their_weight), rtol=1e-5, atol=1e-6)


def test_a_kernel_of_zeros_stays(engine):
    dense = engine.layers.Dense(2, kernel_initializer="zeros")
    layer = engine.layers.SpectralNormalization(dense)
    assert array(layer(ones(1, 3), training=True)).tolist() == [[0, 0]]


def test_outside_training_nothing_changes(engine):
    layer = engine.layers.SpectralNormalization(engine.layers.Dense(2))
    layer.build((1, 3))
    before = [array(w).copy() for w in layer.weights]
    layer(ones(1, 3))
    for weight, old in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(array(weight), old)


def test_the_largest_singular_value_becomes_1(engine):
    layer = engine.layers.SpectralNormalization(engine.layers.Dense(4), power_iterations=50)
    layer(ones(1, 6), training=True)
    values = np.linalg.svd(array(layer.layer.kernel), compute_uv=False)
    np.testing.assert_allclose(values[0], 1, rtol=1e-3)


def test_a_symbolic_call_changes_nothing(engine):
    layer = engine.layers.SpectralNormalization(engine.layers.Dense(2))
    layer.build((None, 3))
    before = array(layer.layer.kernel).copy()
    assert layer(engine.Input((3,)), training=True).shape == (None, 2)
    np.testing.assert_array_equal(array(layer.layer.kernel), before)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: SpectralNormalization(Dense(2), 0), "`power_iterations`.*=0"),
        (
            lambda: SpectralNormalization(ReLU(name="r"))(ones(2, 3)),
            r"`kernel` or `embeddings`.*'r' \(ReLU\)",
        ),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()

"""Training of recurrent layers beside Keras: the same seed, the same weights along the way."""

import numpy as np
import pytest

import npkeras

pytestmark = pytest.mark.keras
RNG = np.random.default_rng(0)
WORDS = RNG.integers(1, 60, (80, 12))
PADDED = np.where(np.arange(12) < 12 - RNG.integers(1, 13, (80, 1)), 0, WORDS)
LABELS = RNG.integers(0, 3, 80)

LAYERS = {
    "gru": lambda engine, **more: engine.GRU(8, **more),
    "gru, reset before": lambda engine, **more: engine.GRU(8, reset_after=False, **more),
    "gru, relu": lambda engine, **more: engine.GRU(8, activation="relu", **more),
    "simple": lambda engine, **more: engine.SimpleRNN(8, **more),
    "both ways, lstm": lambda engine, **more: engine.Bidirectional(engine.LSTM(6, **more)),
    "both ways, gru": lambda engine, **more: engine.Bidirectional(engine.GRU(6, **more), "ave"),
}


def model_of(engine, make, **more):
    layers = engine.layers
    return engine.Sequential(
        [
            engine.Input((12,), dtype="int32"),
            layers.Embedding(60, 5, mask_zero=True),
            make(layers, return_sequences=True, **more),
            make(layers, **more),
            layers.Dense(3, activation="softmax"),
        ]
    )


def trained(engine, make, steps, **more):
    """The losses and the weights after some steps from seed 42."""
    engine.utils.set_random_seed(42)
    model = model_of(engine, make, **more)
    model.compile(engine.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    losses = []
    for step in range(steps):
        rows = slice(16 * step, 16 * step + 16)
        losses.append(float(model.train_on_batch(PADDED[rows], LABELS[rows])))
    return np.array(losses), model.get_weights()


@pytest.mark.parametrize("rate", [0.0, 0.2])
@pytest.mark.parametrize("name", list(LAYERS))
def test_weights_follow_those_of_keras(keras, name, rate):
    more = {"dropout": rate, "recurrent_dropout": rate}
    losses, weights = trained(npkeras, LAYERS[name], 5, **more)
    expected_losses, expected = trained(keras, LAYERS[name], 5, **more)
    np.testing.assert_allclose(losses, expected_losses, atol=1e-5)
    for ours, theirs in zip(weights, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)

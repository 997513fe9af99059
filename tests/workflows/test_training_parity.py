"""Whole training beside Keras: the same seed, nothing copied, the same weights along the way."""

import numpy as np
import pytest

import npkeras

pytestmark = pytest.mark.keras
RNG = np.random.default_rng(0)
VECTORS = RNG.normal(0, 0.3, (60, 10)).astype("float32")


def mnist_model(keras, **dropout):
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.LSTM(16, return_sequences=True, **dropout),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dropout(0.3 if dropout else 0.0),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def imdb_model(keras, **dropout):
    return keras.Sequential(
        [
            keras.Input((12,), dtype="int32"),
            keras.layers.Embedding(60, 10, weights=[VECTORS], mask_zero=True),
            keras.layers.LSTM(8, return_sequences=True, **dropout),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )


def ptb_model(keras, **dropout):
    return keras.Sequential(
        [
            keras.Input((12,), dtype="int32"),
            keras.layers.Embedding(60, 10, weights=[VECTORS], trainable=False),
            keras.layers.LSTM(8, return_sequences=True, **dropout),
            keras.layers.Dense(60, activation="softmax"),
        ]
    )


def pictures():
    return RNG.random((160, 28, 28), "float32"), RNG.integers(0, 10, 160)


def reviews():
    words = RNG.integers(1, 60, (160, 12))
    lengths = RNG.integers(1, 13, 160)
    return np.where(np.arange(12) < 12 - lengths[:, None], 0, words), RNG.integers(0, 2, 160)


def text():
    words = RNG.integers(0, 60, (160, 13))
    return words[:, :-1], words[:, 1:]


JOBS = {
    "mnist": (mnist_model, pictures),
    "imdb": (imdb_model, reviews),
    "ptb": (ptb_model, text),
}
OPTIMIZERS = {
    "sgd": lambda keras: keras.optimizers.SGD(1.0),
    "adam": lambda keras: keras.optimizers.Adam(0.001),
}


def trained(keras, build, data, optimizer, steps, **dropout):
    """The losses and the weights after some steps from seed 42."""
    x, y = data
    keras.utils.set_random_seed(42)
    model = build(keras, **dropout)
    model.compile(
        OPTIMIZERS[optimizer](keras), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    losses = []
    for step in range(steps):
        rows = slice(step * 16 % 160, step * 16 % 160 + 16)
        model.reset_metrics()
        losses.append(float(model.train_on_batch(x[rows], y[rows])[0]))
    return np.array(losses), model.get_weights()


@pytest.mark.parametrize("optimizer", list(OPTIMIZERS))
@pytest.mark.parametrize("job", list(JOBS))
def test_weights_follow_those_of_keras(keras, job, optimizer):
    build, make = JOBS[job]
    data = make()
    for steps, tolerance in ((1, 1e-6), (50, 1e-4)):
        losses, weights = trained(npkeras, build, data, optimizer, steps)
        expected_losses, expected = trained(keras, build, data, optimizer, steps)
        np.testing.assert_allclose(losses, expected_losses, atol=tolerance)
        for ours, theirs in zip(weights, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=min(tolerance, 1e-7), atol=tolerance)


@pytest.mark.parametrize("job", list(JOBS))
def test_dropout_draws_the_masks_of_keras(keras, job):
    build, make = JOBS[job]
    data = make()
    dropout = dict(dropout=0.2, recurrent_dropout=0.2)
    for steps, tolerance in ((1, 1e-6), (50, 1e-4)):
        losses, weights = trained(npkeras, build, data, "sgd", steps, **dropout)
        expected_losses, expected = trained(keras, build, data, "sgd", steps, **dropout)
        np.testing.assert_allclose(losses, expected_losses, atol=tolerance)
        for ours, theirs in zip(weights, expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=tolerance)


def test_fit_logs_what_keras_logs(keras):
    x, y = pictures()

    def history(engine):
        engine.utils.set_random_seed(1)
        model = mnist_model(engine)
        model.compile(
            engine.optimizers.SGD(0.5),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
            weighted_metrics=["sparse_top_k_categorical_accuracy"],
        )
        return model.fit(
            x,
            y,
            batch_size=32,
            epochs=3,
            validation_split=0.25,
            shuffle=False,
            class_weight={i: 1 + i / 10 for i in range(10)},
            verbose=0,
        )

    ours, theirs = history(npkeras), history(keras)
    assert list(ours.history) == list(theirs.history)
    assert ours.params == theirs.params
    assert ours.epoch == theirs.epoch
    for name, values in theirs.history.items():
        np.testing.assert_allclose(ours.history[name], values, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("policy", ["float64", "float16", "mixed_float16"])
def test_one_step_in_other_dtypes(keras, policy):
    x, y = pictures()
    tolerance = {"float64": 1e-12, "float16": 5e-3, "mixed_float16": 5e-3}[policy]

    def weights(engine):
        before = engine.config.dtype_policy()
        engine.config.set_dtype_policy(policy)
        try:
            engine.utils.set_random_seed(3)
            model = mnist_model(engine)
            # Unless told otherwise a loss computes in `floatx()`, whatever the layers do.
            dtype = "float64" if policy == "float64" else None
            loss = engine.losses.SparseCategoricalCrossentropy(dtype=dtype)
            model.compile(engine.optimizers.SGD(0.1), loss)
            model.train_on_batch(x[:16], y[:16])
            return model.get_weights()
        finally:
            engine.config.set_dtype_policy(before)

    for ours, theirs in zip(weights(npkeras), weights(keras), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, atol=tolerance)

"""Foretells the next measurement of several, from windows over them, and splits by time."""

import numpy as np


def measurements(steps):
    """Temperature, pressure and wind: days and years as sines, and some noise."""
    rng = np.random.default_rng(20)
    hours = np.arange(steps)[:, None]
    waves = np.sin(hours * [2 * np.pi / 24, 2 * np.pi / 70, 2 * np.pi / 12])
    return (waves * [9, 4, 2] + rng.normal(0, 0.5, (steps, 3)) + [12, 990, 5]).astype("float32")


def windows(keras, data, targets, **options):
    return keras.utils.timeseries_dataset_from_array(
        data, targets, sequence_length=6, sampling_rate=2, batch_size=16, **options
    )


def program(keras):
    L, delay, past = keras.layers, 12, 150
    keras.utils.set_random_seed(20)
    raw = measurements(240)
    data = (raw - raw[:past].mean(axis=0)) / raw[:past].std(axis=0)
    temperature = data[delay:, 0]
    train = windows(keras, data[:-delay], temperature, end_index=past)
    later = windows(keras, data[:-delay], temperature, start_index=past)
    for x, y in train:
        shapes = [*x.shape, *y.shape, len(train), len(later)]
        break

    inputs = keras.Input((6, 3))
    x = L.GRU(8, recurrent_dropout=0.1, return_sequences=True)(inputs)
    x = L.Dropout(0.2)(L.GRU(6)(x))
    model = keras.Model(inputs, L.Dense(1)(x))
    model.compile("rmsprop", "mse", metrics=["mae"])
    history = model.fit(train, epochs=2, validation_data=later, verbose=0)
    naive = [np.mean(np.abs(np.asarray(x)[:, -1, 0] - np.asarray(y))) for x, y in later]
    return {
        **history.history,
        "shapes": shapes,
        "naive": naive,
        "error": model.evaluate(later, verbose=0),
        "foretold": model.predict(later, verbose=0),
    }

"""Tomorrow's temperature from the last days: stacked GRUs fed by a `PyDataset`."""

import math

import numpy as np


def weather(hours=160):
    rng = np.random.default_rng(9)
    time = np.arange(hours)
    return np.stack(
        [
            10 + 8 * np.sin(time / 12) + rng.normal(0, 0.5, hours),
            1000 + 20 * np.cos(time / 30) + rng.normal(0, 2, hours),
        ],
        axis=1,
    )


def windows(keras, series, length, delay, batch_size):
    """The class of a data set: cuts its batches out of a series when they are asked for."""

    class Windows(keras.utils.PyDataset):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.starts = np.arange(len(series) - length - delay)

        def __len__(self):
            return math.ceil(len(self.starts) / batch_size)

        def __getitem__(self, index):
            starts = self.starts[index * batch_size : (index + 1) * batch_size]
            x = series[starts[:, None] + np.arange(length)]
            return x, series[starts + length + delay - 1, 0]

    return Windows()


def program(keras):
    L = keras.layers
    keras.utils.set_random_seed(9)
    raw = weather()
    series = ((raw - raw[:100].mean(0)) / raw[:100].std(0)).astype("float32")
    train = windows(keras, series[:120], length=10, delay=3, batch_size=32)
    later = windows(keras, series[120:], length=10, delay=3, batch_size=32)

    model = keras.Sequential(
        [
            keras.Input((10, 2)),
            L.GRU(8, return_sequences=True, recurrent_dropout=0.1),
            L.LayerNormalization(),
            L.GRU(8),
            L.Dropout(0.1),
            L.Dense(1),
        ]
    )
    model.compile(optimizer=keras.optimizers.RMSprop(0.005), loss="mse", metrics=["mae"])
    history = model.fit(train, epochs=3, validation_data=later, shuffle=False, verbose=0)

    naive = np.mean([np.abs(y - x[:, -1, 0]).mean() for x, y in (later[0],)])
    return {
        **history.history,
        "scores": model.evaluate(later, verbose=0),
        "forecast": model.predict(later, verbose=0),
        "naive": naive,
    }

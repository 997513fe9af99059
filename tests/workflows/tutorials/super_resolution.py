"""Doubles the size of pictures of any size: channels are laid out as pixels by `reshape`."""

import numpy as np


def network(keras, times=2):
    L, ops = keras.layers, keras.ops

    class PixelShuffle(L.Layer):
        """Channels of one pixel become the pixels of a block."""

        def __init__(self, times, **kwargs):
            super().__init__(**kwargs)
            self.times = times

        def call(self, x):
            batch, height, width, depth = ops.shape(x)
            depth, n = depth // self.times**2, self.times
            x = ops.reshape(x, (batch, height, width, n, n, depth))
            x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
            return ops.reshape(x, (batch, height * n, width * n, depth))

        def compute_output_shape(self, shape):
            batch, height, width, depth = shape
            n = self.times
            return (batch, height and height * n, width and width * n, depth // n**2)

    options = {"activation": "relu", "kernel_initializer": "orthogonal", "padding": "same"}
    inputs = keras.Input((None, None, 1))
    x = L.Conv2D(8, 5, **options)(inputs)
    x = L.Conv2D(6, 3, **options)(x)
    x = L.Conv2D(times**2, 3, padding="same")(x)
    return keras.Model(inputs, PixelShuffle(times)(x))


def program(keras):
    class Sharpness(keras.callbacks.Callback):
        """The mean ratio of signal to noise of each epoch, in decibels."""

        def on_epoch_begin(self, epoch, logs=None):
            self.values = [] if epoch == 0 else self.values
            self.epoch_values = []

        def on_test_batch_end(self, batch, logs=None):
            self.epoch_values.append(10 * np.log10(1 / logs["loss"]))

        def on_epoch_end(self, epoch, logs=None):
            self.values.append(float(np.mean(self.epoch_values)))

    keras.utils.set_random_seed(24)
    large = np.random.default_rng(24).uniform(size=(12, 12, 12, 1)).astype("float32")
    large = (large + np.roll(large, 1, 1) + np.roll(large, 1, 2)) / 3
    small = large.reshape(12, 6, 2, 6, 2, 1).mean(axis=(2, 4))
    model, sharpness = network(keras), Sharpness()
    model.compile(keras.optimizers.Adam(0.003), keras.losses.MeanSquaredError())
    history = model.fit(
        small[:8],
        large[:8],
        4,
        3,
        validation_data=(small[8:], large[8:]),
        shuffle=False,
        verbose=0,
        callbacks=[sharpness],
    )
    return {
        **history.history,
        "sharpness": sharpness.values,
        "drawn": model.predict(small[:1, :5, :3], verbose=0),
        "shape": model.predict(np.zeros((1, 4, 7, 1), "float32"), verbose=0).shape,
    }

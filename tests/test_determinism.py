"""The same seed gives the same bits in another process; each epoch has an order of its own."""

import os
import subprocess
import sys

import numpy as np
import pytest

import npkeras
from npkeras import layers
from npkeras.data import adapt

TRAINING = """
import hashlib
import numpy as np
import npkeras
from npkeras import layers

npkeras.utils.set_random_seed({seed})
npkeras.config.set_random_stream({stream!r})
x = np.random.default_rng(0).normal(size=(40, 6, 3)).astype("float32")
y = (x.sum(axis=(1, 2)) > 0).astype("int32")
model = npkeras.Sequential([
    npkeras.Input((6, 3)),
    layers.LSTM(8, return_sequences=True, dropout=0.2, recurrent_dropout=0.1),
    layers.Dropout(0.3),
    layers.GlobalAveragePooling1D(),
    layers.Dense(2, "softmax"),
])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x, y, batch_size=7, epochs=3, validation_split=0.2, verbose=0).history
digest = hashlib.sha256()
for weight in model.get_weights() + model.optimizer.variables:
    digest.update(np.asarray(weight).tobytes())
digest.update(model.predict(x, verbose=0).tobytes())
digest.update(repr(sorted(history.items())).encode())
print(digest.hexdigest())
"""


def digest_of_training(seed=1, stream="tensorflow", **environment):
    """What a fresh process says of a small model trained with dropout and shuffling."""
    done = subprocess.run(
        [sys.executable, "-c", TRAINING.format(seed=seed, stream=stream)],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **environment},
        cwd=os.path.dirname(os.path.dirname(npkeras.__file__)),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("stream", ["tensorflow", "numpy"])
def test_the_same_seed_gives_the_same_bits_in_another_process(stream):
    first = digest_of_training(stream=stream, PYTHONHASHSEED="1")
    second = digest_of_training(stream=stream, PYTHONHASHSEED="2")
    assert first == second
    assert len(first) == 64


def test_another_seed_gives_other_bits():
    assert digest_of_training(seed=1) != digest_of_training(seed=2)


def trained(seed=3, epochs=2, **options):
    npkeras.utils.set_random_seed(seed)
    model = npkeras.Sequential(
        [npkeras.Input((4,)), layers.Dense(8, "relu"), layers.Dropout(0.5), layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
    model.fit(x, x[:, :1], batch_size=3, epochs=epochs, verbose=0, **options)
    return model


def test_the_same_seed_gives_the_same_bits_twice_in_one_process():
    first, second = trained(), trained()
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_validating_and_predicting_along_the_way_changes_nothing():
    x = np.ones((7, 4), "float32")
    watch = npkeras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: watch.model.predict(x, verbose=0)
    )
    plain = trained()
    watched = trained(validation_data=(x, x[:, :1]), callbacks=[watch])
    for a, b in zip(plain.get_weights(), watched.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


class TestOrders:
    """What `fit` sees of 12 numbered rows, epoch by epoch."""

    ROWS = 12

    def orders(self, epochs, **options):
        npkeras.utils.set_random_seed(5)
        rows = np.arange(self.ROWS, dtype="float32")[:, None]
        batches = adapt(rows, rows, batch_size=5, **options)
        return np.array(
            [np.concatenate([x[:, 0] for x, _, _ in batches]) for _ in range(epochs)], int
        )

    def test_each_epoch_sees_every_row_once(self):
        orders = self.orders(50, shuffle=True)
        np.testing.assert_array_equal(
            np.sort(orders, axis=1), np.tile(np.arange(self.ROWS), (50, 1))
        )

    def test_epochs_have_different_orders(self):
        orders = self.orders(50, shuffle=True)
        assert len({tuple(order) for order in orders}) == 50

    def test_rows_come_to_all_places_equally_often(self):
        """Chi-square over rows and places; 11 * 11 degrees of freedom, 1 in 10**6 beyond."""
        epochs = 2400
        orders = self.orders(epochs, shuffle=True)
        counts = np.zeros((self.ROWS, self.ROWS))
        np.add.at(counts, (orders, np.arange(self.ROWS)), 1)
        expected = epochs / self.ROWS
        freedom = (self.ROWS - 1) ** 2
        # Wilson and Hilferty: the cube root of chi-square / freedom is nearly normal
        cube = (np.sum((counts - expected) ** 2 / expected) / freedom) ** (1 / 3)
        deviation = (cube - (1 - 2 / (9 * freedom))) / np.sqrt(2 / (9 * freedom))
        assert abs(deviation) < 4.9

    def test_x_and_y_stay_together(self):
        rows = np.arange(self.ROWS, dtype="float32")[:, None]
        for x, y, weight in adapt(rows, -rows, rows[:, 0], batch_size=5, shuffle=True):
            np.testing.assert_array_equal(x, -y)
            np.testing.assert_array_equal(x[:, 0], weight)

    def test_without_shuffling_the_order_is_that_of_the_rows(self):
        np.testing.assert_array_equal(self.orders(2), [np.arange(self.ROWS)] * 2)

    def test_fit_shuffles_and_evaluate_and_predict_do_not(self):
        seen = []

        class Watcher(layers.Layer):
            def call(self, x):
                if not isinstance(x, npkeras.KerasTensor):
                    seen.append(np.array(npkeras.ops.convert_to_numpy(x))[:, 0])
                return x

        model = npkeras.Sequential([Watcher(), layers.Dense(1)])
        model.compile("sgd", "mse")
        rows = np.arange(self.ROWS, dtype="float32")[:, None]
        for method, shuffled in (("fit", True), ("evaluate", False)):
            seen.clear()
            getattr(model, method)(rows, rows, batch_size=self.ROWS, verbose=0)
            assert np.array_equal(seen[-1], rows[:, 0]) is not shuffled
        seen.clear()
        model.predict(rows, verbose=0)
        np.testing.assert_array_equal(seen[-1], rows[:, 0])

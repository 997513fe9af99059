"""The training workloads: one `build(keras)` serves npkeras and Keras on every backend alike.

The same models in plain PyTorch are in `twins.py`. Data are made up in the shapes of the real
data, the same arrays for every engine. Nothing but NumPy is imported here.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

LOSS = "sparse_categorical_crossentropy"
SEED = 42
REVIEW_WORDS, REVIEW_LENGTH = 20_000, 200
TREEBANK_WORDS, TREEBANK_LENGTH = 10_000, 60
SENTENCE_WORDS, SENTENCE, WIDTH, HEADS = 10_000, 100, 64, 4


@dataclasses.dataclass(frozen=True)
class Training:
    """A model to train: `steps` batches make the longest epoch that is measured."""

    title: str
    build: Callable
    data: Callable  # of the number of rows
    batch_size: int
    steps: int
    multiply_adds: int  # of one step: forward, backward; what is not a matmul counts as nothing
    learning_rate: float = 1.0

    def compiled(self, keras):
        """The model, ready to learn, with the same initial weights wherever that can be had."""
        keras.utils.set_random_seed(SEED)
        model = self.build(keras)
        model.compile(keras.optimizers.SGD(self.learning_rate), LOSS, metrics=["accuracy"])
        return model

    def arrays(self):
        return self.data(self.batch_size * self.steps)


def dense_work(rows, inputs, units, first=False):
    """Multiply-adds of a Dense layer: y = x W, dW = x' dy, and unless it is first dx = dy W'."""
    return rows * inputs * units * (2 if first else 3)


def lstm_work(rows, steps, features, units, first=False):
    """Multiply-adds of an LSTM: the gates of [x; h], dW as many again, dh, unless first dx."""
    gates = rows * steps * 4 * units
    return gates * (2 * (features + units) + units + (0 if first else features))


def mnist(keras, **dropout):
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.LSTM(128, return_sequences=True, **dropout),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def dropout(keras):
    return mnist(keras, dropout=0.2, recurrent_dropout=0.2)


def imdb(keras):
    return keras.Sequential(
        [
            keras.Input((REVIEW_LENGTH,), dtype="int32"),
            keras.layers.Embedding(REVIEW_WORDS, 50, mask_zero=True),
            keras.layers.LSTM(32, return_sequences=True),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )


def ptb(keras):
    return keras.Sequential(
        [
            keras.Input((TREEBANK_LENGTH,), dtype="int32"),
            keras.layers.Embedding(TREEBANK_WORDS, 50, trainable=False),
            keras.layers.LSTM(32, return_sequences=True),
            keras.layers.Dense(TREEBANK_WORDS, activation="softmax"),
        ]
    )


def mlp(keras):
    return _dense_layers(keras, 784, [512, 512])


def narrow(keras):
    return _dense_layers(keras, 32, [32] * 20)


def _dense_layers(keras, inputs, hidden):
    return keras.Sequential(
        [
            keras.Input((inputs,)),
            *(keras.layers.Dense(units, activation="relu") for units in hidden),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def deep_lstm(keras):
    return keras.Sequential(
        [
            keras.Input((100, 64)),
            keras.layers.LSTM(256, return_sequences=True),
            keras.layers.LSTM(256),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def cnn(keras):
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def conv_work(rows, places, window, channels, filters, first=False):
    """Multiply-adds of a convolution: y, dW, and unless it is first dx."""
    return rows * places * window * channels * filters * (2 if first else 3)


def transformer(keras):
    """One block, after the text classifier of Keras' examples, without dropout."""
    layers = keras.layers
    tokens = keras.Input((SENTENCE,), dtype="int32")
    x = layers.Embedding(SENTENCE_WORDS, WIDTH)(tokens)
    seen = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(x, x)
    x = layers.LayerNormalization(epsilon=1e-6)(x + seen)
    hidden = layers.Dense(WIDTH)(layers.Dense(WIDTH, activation="relu")(x))
    x = layers.LayerNormalization(epsilon=1e-6)(x + hidden)
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(tokens, layers.Dense(10, activation="softmax")(x))


def gru(keras):
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.GRU(128, return_sequences=True),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def sentences(rows):
    random = np.random.default_rng(SEED)
    return words(random, (rows, SENTENCE), SENTENCE_WORDS) - 1, random.integers(0, 10, rows)


def features(*shape):
    """A function of the number of rows: numbers in [0, 1) of that shape, and ten classes."""

    def data(rows):
        random = np.random.default_rng(SEED)
        x = random.random((rows, *shape), "float32")
        return x, random.integers(0, 10, rows).astype("uint8")

    return data


def reviews(rows):
    """Words numbered by rank, rare ones rarely; lengths as of film reviews, padded in front."""
    random = np.random.default_rng(SEED)
    x = words(random, (rows, REVIEW_LENGTH), REVIEW_WORDS)
    lengths = np.clip(174 * np.exp(0.6 * random.normal(size=rows)), 20, REVIEW_LENGTH)
    x[np.arange(REVIEW_LENGTH) < REVIEW_LENGTH - lengths.astype(int)[:, None]] = 0
    return x, random.integers(0, 2, rows)


def stream(rows):
    """A text cut into rows; what is to be guessed is the same text, one word on."""
    random = np.random.default_rng(SEED)
    text = words(random, rows * TREEBANK_LENGTH + 1, TREEBANK_WORDS)
    return (part.reshape(rows, TREEBANK_LENGTH) for part in (text[:-1], text[1:]))


def words(random, shape, count):
    """Word numbers from 1, the n-th about 1 / n times as often as the first (Zipf's law)."""
    return (count ** random.random(shape)).astype("int32")


WORKLOADS = {
    "mnist": Training(
        "LSTM(128) over 28 x 28, mean, Dense(10), batch 64",
        mnist,
        features(28, 28),
        batch_size=64,
        steps=150,
        multiply_adds=lstm_work(64, 28, 28, 128, first=True) + dense_work(64, 128, 10),
    ),
    "imdb": Training(
        "Embedding(20000, 50) with mask, LSTM(32) over 200, mean, Dense(2), batch 32",
        imdb,
        reviews,
        batch_size=32,
        steps=150,
        multiply_adds=lstm_work(32, 200, 50, 32) + dense_work(32, 32, 2),
    ),
    "ptb": Training(
        "Embedding(10000, 50) frozen, LSTM(32) over 60, Dense(10000), batch 128",
        ptb,
        stream,
        batch_size=128,
        steps=20,
        multiply_adds=lstm_work(128, 60, 50, 32, first=True) + dense_work(128 * 60, 32, 10_000),
    ),
    "mlp": Training(
        "Dense 784-512-512-10, batch 128",
        mlp,
        features(784),
        batch_size=128,
        steps=100,
        multiply_adds=dense_work(128, 784, 512, first=True)
        + dense_work(128, 512, 512)
        + dense_work(128, 512, 10),
        learning_rate=0.1,
    ),
    "narrow": Training(
        "20 x Dense(32), Dense(10), batch 32",
        narrow,
        features(32),
        batch_size=32,
        steps=1_000,
        multiply_adds=dense_work(32, 32, 32, first=True)
        + 19 * dense_work(32, 32, 32)
        + dense_work(32, 32, 10),
        learning_rate=0.1,
    ),
    "deep_lstm": Training(
        "2 x LSTM(256) over 100 x 64, Dense(10), batch 32",
        deep_lstm,
        features(100, 64),
        batch_size=32,
        steps=20,
        multiply_adds=lstm_work(32, 100, 64, 256, first=True)
        + lstm_work(32, 100, 256, 256)
        + dense_work(32, 256, 10),
        learning_rate=0.1,
    ),
    "dropout": Training(
        "mnist with dropout 0.2 and recurrent dropout 0.2",
        dropout,
        features(28, 28),
        batch_size=64,
        steps=150,
        multiply_adds=lstm_work(64, 28, 28, 128, first=True) + dense_work(64, 128, 10),
    ),
    "gru": Training(
        "GRU(128) over 28 x 28, mean, Dense(10), batch 64",
        gru,
        features(28, 28),
        batch_size=64,
        steps=150,
        multiply_adds=lstm_work(64, 28, 28, 128, first=True) * 3 // 4 + dense_work(64, 128, 10),
    ),
    "cnn": Training(
        "28 x 28: Conv2D(32), pool, Conv2D(64), pool, Dense(10), batch 64",
        cnn,
        features(28, 28, 1),
        batch_size=64,
        steps=60,
        multiply_adds=conv_work(64, 26 * 26, 9, 1, 32, first=True)
        + conv_work(64, 11 * 11, 9, 32, 64)
        + dense_work(64, 1600, 10),
        learning_rate=0.01,
    ),
    "transformer": Training(
        "100 words, width 64: attention of 4 heads, Dense(64) twice, batch 32",
        transformer,
        sentences,
        batch_size=32,
        steps=60,
        multiply_adds=6 * dense_work(32 * SENTENCE, WIDTH, WIDTH)
        + 2 * dense_work(32 * SENTENCE, WIDTH, SENTENCE),
        learning_rate=0.1,
    ),
}

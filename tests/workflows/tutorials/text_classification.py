"""Tells good reviews from bad ones: with LSTMs in both directions, and with a transformer."""

import pathlib
import tempfile

import numpy as np

WORDS, LENGTH = 30, 9


def reviews(rows=64, seed=0):
    """Texts of various lengths, padded with 0; good are those with more high words than low."""
    rng = np.random.default_rng(seed)
    words = rng.integers(1, WORDS, (rows, LENGTH))
    words[np.arange(LENGTH) >= rng.integers(3, LENGTH + 1, rows)[:, None]] = 0
    return words, ((words > WORDS // 2).sum(1) > ((words > 0) & (words <= WORDS // 2)).sum(1))


def transformer_block(keras):
    """The class of a layer that users of Keras write themselves."""
    L = keras.layers

    @keras.utils.register_keras_serializable(package="tutorials")
    class TransformerBlock(L.Layer):
        def __init__(self, width, heads, rate=0.1, **kwargs):
            super().__init__(**kwargs)
            self.width, self.heads, self.rate = width, heads, rate
            self.attention = L.MultiHeadAttention(num_heads=heads, key_dim=width // heads)
            self.feed_forward = keras.Sequential(
                [L.Dense(2 * width, activation="relu"), L.Dense(width)]
            )
            self.norm1, self.norm2 = (L.LayerNormalization(epsilon=1e-6) for _ in range(2))
            self.dropout1, self.dropout2 = L.Dropout(rate), L.Dropout(rate)

        def call(self, inputs, training=False):
            attended = self.dropout1(self.attention(inputs, inputs), training=training)
            h = self.norm1(inputs + attended)
            return self.norm2(h + self.dropout2(self.feed_forward(h), training=training))

        def get_config(self):
            config = super().get_config()
            return {**config, "width": self.width, "heads": self.heads, "rate": self.rate}

    @keras.utils.register_keras_serializable(package="tutorials")
    class WordsAndPlaces(L.Layer):
        def __init__(self, length, words, width, **kwargs):
            super().__init__(**kwargs)
            self.length, self.words, self.width = length, words, width
            self.word = L.Embedding(words, width)
            self.place = L.Embedding(length, width)

        def call(self, x):
            return self.word(x) + self.place(keras.ops.arange(keras.ops.shape(x)[-1]))

        def get_config(self):
            sizes = {"length": self.length, "words": self.words, "width": self.width}
            return {**super().get_config(), **sizes}

    return WordsAndPlaces, TransformerBlock


def recurrent(keras):
    L = keras.layers
    inputs = keras.Input(shape=(None,), dtype="int32")
    x = L.Embedding(WORDS, 8, mask_zero=True)(inputs)
    x = L.Bidirectional(L.LSTM(6, return_sequences=True))(x)
    x = L.Bidirectional(L.LSTM(4, dropout=0.2))(x)
    return keras.Model(inputs, L.Dense(1, activation="sigmoid")(x))


def attentive(keras):
    L = keras.layers
    WordsAndPlaces, TransformerBlock = transformer_block(keras)
    inputs = L.Input(shape=(LENGTH,))
    x = WordsAndPlaces(LENGTH, WORDS, 8)(inputs)
    x = L.GlobalAveragePooling1D()(TransformerBlock(8, 2)(x))
    x = L.Dense(8, activation="relu")(L.Dropout(0.1)(x))
    return keras.Model(inputs, L.Dense(1, activation="sigmoid")(x))


def program(keras):
    texts, labels = reviews()
    results = {}
    for build in (recurrent, attentive):
        keras.utils.set_random_seed(2)
        model = build(keras)
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        history = model.fit(
            texts, labels, epochs=2, validation_data=reviews(seed=1), shuffle=False, verbose=0
        )
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "model.keras")
            model.save(file)
            restored = keras.saving.load_model(file)
        results |= {f"{build.__name__} {key}": values for key, values in history.history.items()}
        results[f"{build.__name__} predicted"] = model.predict(texts[:7], verbose=0)
        results[f"{build.__name__} restored"] = restored.predict(texts[:7], verbose=0)
    return results

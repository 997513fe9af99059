"""An LSTM tells praise from blame in film reviews, in npkeras and in Keras side by side.

Words become GloVe vectors, trained further or frozen; what the LSTM makes of the real words
(padding is masked) is averaged and classified:

    python examples/imdb_sentiment_analysis.py                         # both engines, 50 epochs
    python examples/imdb_sentiment_analysis.py --no-update-embedding   # vectors as they come
    python examples/imdb_sentiment_analysis.py --recipe scratch        # few reviews, plain rules
    python examples/imdb_sentiment_analysis.py --words 5000 --length 400 --truncating pre
"""

import numpy as np
from side_by_side import Data, main, model_data, word_vectors

from npkeras import callbacks, datasets, utils

VECTOR = 50
START, UNKNOWN, OFFSET = 1, 2, 3  # the numbers that the loader adds to those of the words
RECIPES = {
    "tensorflow": dict(epochs=50, learning_rate=1.0, train_size=5_000, test_size=25_000),
    "scratch": dict(epochs=50, learning_rate=1.0, train_size=1_000, test_size=500, decay=0.2),
}
DEFAULTS = dict(batch_size=32, update_embedding=True, words=20_000, length=200, truncating="post")


def load_data(options):
    reviews = dict(num_words=options.words, seed=options.seed)
    (x_train, y_train), (x_test, y_test) = model_data(
        options, datasets.imdb.load_data, datasets.stand_in.imdb, **reviews
    )
    x_train, x_test = (
        utils.pad_sequences(x, options.length, truncating=options.truncating)
        for x in (x_train, x_test)
    )
    train, test = options.train_size, options.test_size
    held_out = slice(train, train + test) if options.recipe == "scratch" else None
    return Data(
        x_train[:train],
        y_train[:train],
        x_test[:test],
        y_test[:test],
        validation=held_out and (x_train[held_out], y_train[held_out]),
        vectors=_vectors(options),
    )


def _vectors(options):
    """One row for each word number: GloVe's, or small random numbers for a word it lacks."""
    if options.stand_in:
        ranks = datasets.stand_in.imdb_word_index()
    else:
        ranks = datasets.imdb.get_word_index(options.data or "imdb_word_index.json")
    index = {word: rank + OFFSET for word, rank in ranks.items() if rank + OFFSET < options.words}
    known, found = word_vectors(options, index, VECTOR)
    vectors = (
        np.random.default_rng(options.seed)
        .normal(0, 0.1, (options.words, VECTOR))
        .astype("float32")
    )
    vectors[: len(known)][found] = known[found]
    vectors[0] = 0
    return vectors


def build_model(keras, data, options):
    lstm, dense = {}, {}
    if options.recipe == "scratch":
        small, normal = (keras.initializers.RandomNormal(0.0, s, seed=42) for s in (0.01, 1.0))
        lstm = dict(
            kernel_initializer=small,
            recurrent_initializer=keras.initializers.RandomNormal(0.0, 0.01, seed=43),
            unit_forget_bias=False,
        )
        dense = dict(kernel_initializer=normal)
    return keras.Sequential(
        [
            keras.Input((options.length,), dtype="int32"),
            keras.layers.Embedding(
                options.words,
                VECTOR,
                weights=[data.vectors],
                mask_zero=True,
                trainable=options.update_embedding,
            ),
            keras.layers.LSTM(32, return_sequences=True, **lstm),
            keras.layers.GlobalAveragePooling1D(),
            keras.layers.Dense(2, activation="softmax", **dense),
        ]
    )


def make_callbacks(keras, options):
    if options.recipe != "scratch":
        return []
    return [
        callbacks.LearningRateDecay(options.decay),
        callbacks.GradientClipping(5.0),
        keras.callbacks.EarlyStopping("val_loss", patience=10, restore_best_weights=True),
    ]


if __name__ == "__main__":
    main(__doc__, "imdb", RECIPES, DEFAULTS, load_data, build_model, make_callbacks)

"""An LSTM guesses the next word of the Penn Treebank, in npkeras and in Keras side by side.

Frozen GloVe vectors go in; at each of 60 steps a softmax over 10,000 words comes out. The
perplexity is exp(cross-entropy): how many words the model hesitates between.

    python examples/ptb_language_modelling.py --epochs 3                # SGD
    python examples/ptb_language_modelling.py --optimizer adam
"""

import numpy as np
from side_by_side import Data, main, model_data, word_vectors

from npkeras import datasets

WORDS, LENGTH, VECTOR = 10_000, 60, 50
RECIPES = {
    "tensorflow": dict(epochs=50, learning_rate=1.0),
    "scratch": dict(epochs=50, learning_rate=1.0),
}
DEFAULTS = dict(batch_size=128, train_size=None, test_size=None, optimizer="sgd")


def load_data(options):
    train, _, test, index = model_data(options, datasets.ptb.load_data, datasets.stand_in.ptb)
    x_train, y_train = datasets.ptb.stream(train, LENGTH)
    x_test, y_test = datasets.ptb.stream(test, LENGTH)
    vectors = np.zeros((WORDS, VECTOR), "float32")
    known, _ = word_vectors(options, index, VECTOR)
    vectors[: len(known)] = known
    rows, tests = options.train_size, options.test_size
    return Data(x_train[:rows], y_train[:rows], x_test[:tests], y_test[:tests], vectors=vectors)


def build_model(keras, data, options):
    lstm, dense = {}, {}
    if options.recipe == "scratch":
        small = keras.initializers.RandomNormal(0.0, 0.05, seed=42)
        lstm = dict(
            kernel_initializer=small,
            recurrent_initializer=keras.initializers.RandomNormal(0.0, 0.05, seed=43),
            unit_forget_bias=False,
        )
        dense = dict(kernel_initializer=keras.initializers.RandomNormal(0.0, 0.05, seed=44))
    return keras.Sequential(
        [
            keras.Input((LENGTH,), dtype="int32"),
            keras.layers.Embedding(WORDS, VECTOR, weights=[data.vectors], trainable=False),
            keras.layers.LSTM(32, return_sequences=True, **lstm),
            keras.layers.Dense(WORDS, activation="softmax", **dense),
        ]
    )


def make_callbacks(keras, options):
    return []


if __name__ == "__main__":
    main(__doc__, "ptb", RECIPES, DEFAULTS, load_data, build_model, make_callbacks)

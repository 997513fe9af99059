"""Learns to go on with a text, one letter after the other: a very small GPT."""

import numpy as np

LETTERS, LENGTH, WIDTH = 12, 8, 8


def texts(rows=48, seed=14):
    """Letters that go up or down by one, so that the next can be told from the last two."""
    rng = np.random.default_rng(seed)
    start, step = rng.integers(0, LETTERS, (rows, 1)), rng.choice([-1, 1], (rows, 1))
    text = (start + step * np.arange(LENGTH + 1)) % LETTERS
    return text[:, :-1], text[:, 1:]


def own_layers(keras):
    L, ops = keras.layers, keras.ops

    class TokensAndPositions(L.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.token, self.position = L.Embedding(LETTERS, WIDTH), L.Embedding(LENGTH, WIDTH)

        def call(self, x):
            places = ops.arange(start=0, stop=ops.shape(x)[-1], step=1)
            return self.token(x) + self.position(places)

    class Block(L.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.attention = L.MultiHeadAttention(2, WIDTH // 2)
            self.expand, self.shrink = L.Dense(16, activation="gelu"), L.Dense(WIDTH)
            self.norms = [L.LayerNormalization(), L.LayerNormalization()]

        def mask(self, x):
            """Who may look at whom: everyone at those before, in each sample."""
            rows, steps = ops.shape(x)[0], ops.shape(x)[1]
            i = ops.arange(steps)
            mask = ops.reshape(i[:, None] >= i, (1, steps, steps))
            return ops.tile(mask, (rows, 1, 1))

        def call(self, x):
            seen = self.norms[0](x)
            x = x + self.attention(seen, seen, attention_mask=self.mask(x))
            return x + self.shrink(self.expand(self.norms[1](x)))

    return TokensAndPositions, Block


def generator_of_texts(keras, prompt, count):
    """The class of a callback that writes a text after each epoch."""

    class Writer(keras.callbacks.Callback):
        texts = []

        def on_epoch_end(self, epoch, logs=None):
            text = list(prompt)
            for _ in range(count):
                scores = self.model.predict(np.array([text[-LENGTH:]]), verbose=0)
                text.append(int(scores[0, -1].argmax()))
            self.texts.append(text)

    return Writer()


def program(keras):
    L = keras.layers
    TokensAndPositions, Block = own_layers(keras)
    keras.utils.set_random_seed(14)
    inputs = L.Input(shape=(None,), dtype="int32")
    x = Block()(Block()(TokensAndPositions()(inputs)))
    model = keras.Model(inputs, L.Dense(LETTERS)(x))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.AdamW(0.01, weight_decay=1e-3), loss=loss)
    x, y = texts()
    writer = generator_of_texts(keras, prompt=[3, 4, 5], count=5)
    rounds = dict(batch_size=16, epochs=3, shuffle=False, verbose=0)
    history = model.fit(x, y, callbacks=[writer], **rounds)
    return {
        **history.history,
        "written": writer.texts,
        "short": model.predict(x[:2, :3], verbose=0),
        "long": model.predict(x[:2], verbose=0),
    }

"""A picture as a row of patches with a token before them, which learns what is on it."""

from tests.workflows.tutorials.image_classification import pictures

WIDTH = 8


def own_layers(keras):
    L, ops = keras.layers, keras.ops

    class Patches(L.Layer):
        def __init__(self, size, **kwargs):
            super().__init__(**kwargs)
            self.size = size

        def call(self, images):
            rows, height, width, channels = ops.shape(images)
            down, along, n = height // self.size, width // self.size, self.size
            x = ops.reshape(images, (rows, down, n, along, n, channels))
            x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
            return ops.reshape(x, (rows, down * along, n * n * channels))

        def get_config(self):
            return {**super().get_config(), "size": self.size}

    class TokenAndPlaces(L.Layer):
        def build(self, input_shape):
            _, count, width = input_shape
            self.token = self.add_weight(shape=(1, 1, width), initializer="zeros", name="token")
            self.places = self.add_weight(
                shape=(count + 1, width), initializer="random_normal", name="places"
            )

        def call(self, x):
            token = ops.broadcast_to(self.token, (ops.shape(x)[0], 1, ops.shape(x)[2]))
            return ops.concatenate([token, x], axis=1) + self.places

    return Patches, TokenAndPlaces


def program(keras):
    L = keras.layers
    Patches, TokenAndPlaces = own_layers(keras)
    keras.utils.set_random_seed(15)
    inputs = L.Input(shape=(12, 12, 1))
    x = L.Dense(WIDTH)(Patches(4)(L.Rescaling(1 / 255)(inputs)))
    x = TokenAndPlaces()(x)
    for _ in range(2):
        seen = L.LayerNormalization(epsilon=1e-6)(x)
        x = L.Add()([L.MultiHeadAttention(2, WIDTH, dropout=0.1)(seen, seen), x])
        h = L.Dense(2 * WIDTH, activation=keras.activations.gelu)(L.LayerNormalization()(x))
        x = L.Add()([L.Dense(WIDTH)(L.Dropout(0.1)(h)), x])
    model = keras.Model(inputs, L.Dense(3)(x[:, 0]))
    model.compile(
        optimizer=keras.optimizers.Adam(
            keras.optimizers.schedules.CosineDecay(0.0, 20, warmup_target=0.01, warmup_steps=4)
        ),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    images, labels = pictures(64, seed=15)
    history = model.fit(
        images, labels, batch_size=16, epochs=3, validation_split=0.25, shuffle=False, verbose=0
    )
    return {**history.history, "logits": model.predict(images[:4], verbose=0)}

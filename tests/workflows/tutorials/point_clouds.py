"""Sorts clouds of points: a network that turns them first, with a regularizer of its own."""

import numpy as np


def clouds(rows):
    """A ball's surface, or a box, each in noise."""
    rng = np.random.default_rng(28)
    points = rng.normal(size=(rows, 24, 3))
    labels = rng.integers(0, 2, rows)
    balls = points / np.linalg.norm(points, axis=-1, keepdims=True)
    boxes = np.clip(points, -1, 1)
    chosen = np.where(labels[:, None, None] == 0, balls, boxes)
    return (chosen + rng.normal(0, 0.02, points.shape)).astype("float32"), labels


def parts(keras):
    L, ops = keras.layers, keras.ops

    @keras.saving.register_keras_serializable("tutorials")
    class NearlyOrthogonal(keras.regularizers.Regularizer):
        def __init__(self, size, factor=0.01):
            self.size, self.factor = size, factor

        def __call__(self, x):
            x = ops.reshape(x, (-1, self.size, self.size))
            products = ops.matmul(x, ops.transpose(x, (0, 2, 1)))
            return ops.sum(self.factor * ops.square(products - ops.eye(self.size)))

        def get_config(self):
            return {"size": self.size, "factor": self.factor}

    def block(x, layer):
        return L.Activation("relu")(L.BatchNormalization(momentum=0.5)(layer(x)))

    def turned(x, size):
        """The points, times a matrix that a small network makes of them."""
        h = block(x, L.Conv1D(6, 1, use_bias=False))
        h = block(L.GlobalMaxPooling1D()(h), L.Dense(6, use_bias=False))
        matrix = L.Dense(
            size * size,
            kernel_initializer="zeros",
            bias_initializer=keras.initializers.Constant(np.eye(size).flatten()),
            activity_regularizer=NearlyOrthogonal(size),
        )(h)
        return L.Dot(axes=(2, 1))([x, L.Reshape((size, size))(matrix)])

    return block, turned


def program(keras):
    L = keras.layers
    keras.utils.set_random_seed(28)
    block, turned = parts(keras)
    x, y = clouds(32)
    inputs = keras.Input((24, 3))
    h = block(turned(inputs, 3), L.Conv1D(5, 1, use_bias=False))
    h = block(turned(h, 5), L.Conv1D(8, 1, use_bias=False))
    h = L.Dropout(0.2)(block(L.GlobalMaxPooling1D()(h), L.Dense(8, use_bias=False)))
    model = keras.Model(inputs, L.Dense(2, activation="softmax")(h))
    model.compile(
        keras.optimizers.SGD(0.05, momentum=0.5),
        "sparse_categorical_crossentropy",
        metrics=["sparse_categorical_accuracy"],
    )
    history = model.fit(x, y, 8, 3, validation_split=0.25, shuffle=False, verbose=0)
    return {**history.history, "odds": model.predict(x[:4], verbose=0)}

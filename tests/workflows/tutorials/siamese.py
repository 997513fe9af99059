"""Are two pictures of one kind? One network looks at both, and their distance decides."""

import numpy as np

from tests.workflows.tutorials.image_classification import pictures


def pairs(rows, seed):
    images, labels = pictures(rows, seed)
    others = np.random.default_rng(seed).permutation(rows)
    same = (labels == labels[others]).astype("float32")
    return [images / 255, images[others] / 255], same


def program(keras):
    L, ops = keras.layers, keras.ops
    keras.utils.set_random_seed(11)

    def contrastive(y_true, y_pred, margin=1.0):
        far = ops.square(ops.maximum(margin - y_pred, 0))
        return ops.mean((1 - y_true) * ops.square(y_pred) + y_true * far)

    embedding = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            L.Conv2D(4, 5, activation="tanh"),
            L.AveragePooling2D(2),
            L.Flatten(),
            L.Dense(5, activation="tanh"),
        ],
        name="embedding",
    )
    left, right = keras.Input((12, 12, 1), name="left"), keras.Input((12, 12, 1), name="right")
    a, b = embedding(left), embedding(right)
    distance = L.Lambda(
        lambda two: ops.sqrt(ops.sum(ops.square(two[0] - two[1]), axis=1, keepdims=True) + 1e-6),
        output_shape=(1,),
        name="distance",
    )([a, b])
    x = L.BatchNormalization()(distance)
    siamese = keras.Model([left, right], L.Dense(1, activation="sigmoid")(x))
    siamese.compile(optimizer="RMSprop", loss=contrastive, metrics=["accuracy"])

    x, y = pairs(48, seed=11)
    history = siamese.fit(x, y, epochs=3, batch_size=16, shuffle=False, verbose=0)
    cosine = keras.Model([left, right], L.Dot(axes=1, normalize=True)([a, b]))
    return {
        **history.history,
        "predicted": siamese.predict(x, verbose=0),
        "distance": keras.Model(siamese.inputs, distance).predict(x, verbose=0),
        "cosine": cosine.predict(x, verbose=0),
        "parameters": siamese.count_params(),
    }

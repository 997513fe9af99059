"""Sorts each pixel: a network that goes down with separable convolutions and up again."""

import numpy as np


def pictures(rows):
    """A bright square on noise, and for each pixel: outside, edge or inside."""
    rng = np.random.default_rng(23)
    images = rng.uniform(0, 0.3, (rows, 16, 16, 3)).astype("float32")
    masks = np.zeros((rows, 16, 16, 1), "uint8")
    for image, mask, (top, left) in zip(images, masks, rng.integers(0, 8, (rows, 2)), strict=True):
        mask[top : top + 8, left : left + 8] = 1
        mask[top + 1 : top + 7, left + 1 : left + 7] = 2
        image[top : top + 8, left : left + 8] += [0.5, 0.2, 0.1]
    return images, masks


def down(keras, x, before, filters):
    L = keras.layers
    for _ in range(2):
        x = L.Activation("relu")(x)
        x = L.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
        x = L.BatchNormalization()(x)
    x = L.MaxPooling2D(3, strides=2, padding="same")(x)
    return L.add([x, L.Conv2D(filters, 1, strides=2, padding="same")(before)])


def up(keras, x, before, filters):
    L = keras.layers
    x = L.Activation("relu")(x)
    x = L.Conv2DTranspose(filters, 3, padding="same", use_bias=False)(x)
    x = L.BatchNormalization()(x)
    beside = L.Conv2D(filters, 1, padding="same")(L.UpSampling2D(2)(before))
    return L.add([L.UpSampling2D(2)(x), beside])


def program(keras):
    L = keras.layers
    keras.utils.set_random_seed(23)
    images, masks = pictures(12)
    inputs = keras.Input((16, 16, 3))
    x = L.Conv2D(6, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = before = L.Activation("relu")(L.BatchNormalization()(x))
    for filters in (6, 8):
        x = before = down(keras, x, before, filters)
    for filters in (8, 6, 4):
        x = before = up(keras, x, before, filters)
    model = keras.Model(inputs, L.Conv2D(3, 3, activation="softmax", padding="same")(x))
    overlap = keras.metrics.MeanIoU(num_classes=3, sparse_y_pred=False, name="overlap")
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=[overlap])
    history = model.fit(images, masks, 4, 3, validation_split=0.25, shuffle=False, verbose=0)
    return {
        **history.history,
        "judged": model.evaluate(images[:2], masks[:2], verbose=0),
        "at": model.predict(images[:2], verbose=0),
    }

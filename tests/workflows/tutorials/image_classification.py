"""Sorts small pictures with a residual network, and keeps the best model in a file."""

import pathlib
import tempfile

import numpy as np


def pictures(rows, seed):
    """A bright line on dark noise: lying, upright or slanted."""
    rng = np.random.default_rng(seed)
    images = rng.uniform(0, 80, (rows, 12, 12, 1)).astype("float32")
    labels = rng.integers(0, 3, rows)
    for image, label, place in zip(images, labels, rng.integers(0, 12, rows), strict=True):
        line = np.arange(12)
        image[[place, line, line][label], [line, place, line][label]] += 150
    return images, labels


def residual(keras, x, filters):
    """Two convolutions, and a way around them."""
    L = keras.layers
    h = L.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    h = L.Activation("relu")(L.BatchNormalization()(h))
    h = L.Conv2D(filters, 3, padding="same", use_bias=False)(h)
    h = L.BatchNormalization()(h)
    if x.shape[-1] != filters:
        x = L.Conv2D(filters, 1)(x)
    return L.Activation("relu")(L.add([x, h]))


def program(keras):
    L, callbacks = keras.layers, keras.callbacks
    keras.utils.set_random_seed(1)
    images, labels = pictures(64, seed=0)

    inputs = keras.Input((12, 12, 1), name="picture")
    x = L.Rescaling(1 / 255)(inputs)
    x = L.Conv2D(6, 3, activation="relu")(x)
    x = residual(keras, x, 6)
    x = L.MaxPooling2D(2)(x)
    x = residual(keras, x, 8)
    x = L.Dropout(0.2)(L.GlobalAveragePooling2D()(x))
    outputs = L.Dense(3, activation="softmax", name="kind")(x)
    model = keras.Model(inputs, outputs, name="lines")
    model.compile(
        optimizer=keras.optimizers.SGD(0.05, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2, name="top2")],
    )

    with tempfile.TemporaryDirectory() as folder:
        best, last = pathlib.Path(folder, "best.keras"), pathlib.Path(folder, "last.keras")
        history = model.fit(
            images,
            labels,
            batch_size=16,
            epochs=4,
            validation_split=0.25,
            shuffle=False,
            verbose=0,
            callbacks=[
                callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True),
                callbacks.ModelCheckpoint(best, monitor="val_loss", save_best_only=True),
                callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, min_lr=1e-4),
            ],
        )
        model.save(last)
        restored = keras.models.load_model(last)
        kept = keras.models.load_model(best)

    fresh, _ = pictures(5, seed=1)
    return {
        **history.history,
        "predicted": model.predict(fresh, verbose=0),
        "restored": restored.predict(fresh, verbose=0),
        "kept": kept.evaluate(images[48:], labels[48:], verbose=0),
    }

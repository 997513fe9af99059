"""A network that knows three kinds of pictures learns two others: a new head, then all of it."""

import numpy as np

from tests.workflows.tutorials.image_classification import pictures


def base_model(keras):
    L = keras.layers
    inputs = keras.Input((12, 12, 1))
    x = inputs
    for filters in (6, 8):
        x = L.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x)
        x = L.BatchNormalization(momentum=0.9)(x)
        x = L.MaxPooling2D(2)(L.ReLU()(x))
    return keras.Model(inputs, x, name="base")


def program(keras):
    L = keras.layers
    keras.utils.set_random_seed(3)
    images, labels = pictures(64, seed=3)
    images = images / 255

    base = base_model(keras)
    first = keras.Sequential([base, L.GlobalMaxPooling2D(), L.Dense(3)])
    first.compile(
        optimizer=keras.optimizers.SGD(0.05),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    results = dict(first.fit(images, labels, epochs=2, shuffle=False, verbose=0).history)

    base.trainable = False
    inputs = keras.Input((12, 12, 1))
    x = base(inputs, training=False)  # its moving averages stay what they are, also later on
    x = L.Dropout(0.2)(L.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, L.Dense(1)(x))
    targets = (labels == 2).astype("float32")

    def train(rate, epochs):
        model.compile(
            optimizer=keras.optimizers.Adam(rate),
            loss=keras.losses.BinaryCrossentropy(from_logits=True),
            metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)],
        )
        return model.fit(images, targets, epochs=epochs, shuffle=False, verbose=0).history

    frozen = [np.array(weight) for weight in base.get_weights()]
    results["head"] = train(1e-2, epochs=2)["loss"]
    results["moved by the head"] = sum(
        float(np.abs(a - b).sum()) for a, b in zip(frozen, base.get_weights(), strict=True)
    )
    results["trainable"] = [len(model.trainable_weights)]
    base.trainable = True
    results["trainable"] += [len(model.trainable_weights)]
    results["all"] = train(1e-4, epochs=2)["loss"]
    results["averages"] = base.layers[2].moving_mean
    results["logits"] = model.predict(images[:5], verbose=0)
    return results

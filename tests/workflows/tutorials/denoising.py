"""An autoencoder of convolutions that takes the noise off small pictures."""

import numpy as np


def program(keras):
    L = keras.layers
    keras.utils.set_random_seed(6)
    rng = np.random.default_rng(6)
    rows = np.arange(12)
    clean = np.stack([(rows // width % 2)[:, None] * np.ones(12) for width in (1, 2, 3, 4)] * 10)
    clean = clean[..., None].astype("float32")
    noisy = np.clip(clean + rng.normal(0, 0.3, clean.shape), 0, 1).astype("float32")

    inputs = L.Input(shape=(12, 12, 1))
    x = L.Conv2D(8, (3, 3), activation="relu", padding="same")(inputs)
    x = L.MaxPooling2D((2, 2), padding="same")(x)
    x = L.Conv2D(8, (3, 3), activation="relu", padding="same")(x)
    code = L.MaxPooling2D((2, 2), padding="same", name="code")(x)
    x = L.Conv2DTranspose(8, (3, 3), strides=2, activation="relu", padding="same")(code)
    x = L.UpSampling2D((2, 2), interpolation="bilinear")(x)
    outputs = L.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x)

    autoencoder = keras.Model(inputs, outputs)
    autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
    history = autoencoder.fit(
        x=noisy[:32],
        y=clean[:32],
        epochs=3,
        batch_size=8,
        shuffle=False,
        verbose=0,
        validation_data=(noisy[32:], clean[32:]),
    )
    encoder = keras.Model(inputs, autoencoder.get_layer("code").output)
    return {
        **history.history,
        "code": encoder.predict(noisy[:2], verbose=0),
        "cleaned": autoencoder.predict(noisy[:2], verbose=0),
        "shapes": np.array([layer.output.shape[1:] for layer in autoencoder.layers]),
    }

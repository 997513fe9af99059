"""A variational autoencoder, with a training step of its own."""

import numpy as np

from tests.workflows.tutorials.engines import gradient_tape


def networks(keras, latent=2):
    L, ops = keras.layers, keras.ops

    class Sampling(L.Layer):
        """A point drawn around the mean that the encoder gives."""

        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.seed_generator = keras.random.SeedGenerator(1337)

        def call(self, inputs):
            mean, log_variance = inputs
            noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
            return mean + ops.exp(0.5 * log_variance) * noise

    images = keras.Input((8, 8, 1))
    x = L.Conv2D(4, 3, strides=2, padding="same", activation="relu")(images)
    x = L.Dense(8, activation="relu")(L.Flatten()(x))
    mean, log_variance = L.Dense(latent, name="mean")(x), L.Dense(latent, name="log_variance")(x)
    z = Sampling()([mean, log_variance])
    encoder = keras.Model(images, [mean, log_variance, z], name="encoder")

    codes = keras.Input((latent,))
    x = L.Reshape((4, 4, 2))(L.Dense(4 * 4 * 2, activation="relu")(codes))
    x = L.Conv2DTranspose(4, 3, strides=2, padding="same", activation="relu")(x)
    x = L.Conv2DTranspose(1, 3, padding="same", activation="sigmoid")(x)
    return encoder, keras.Model(codes, x, name="decoder")


def autoencoder(keras):
    ops, Tape = keras.ops, gradient_tape(keras)

    class VAE(keras.Model):
        def __init__(self, encoder, decoder, **kwargs):
            super().__init__(**kwargs)
            self.encoder, self.decoder = encoder, decoder
            self.total = keras.metrics.Mean(name="loss")
            self.reconstruction = keras.metrics.Mean(name="reconstruction_loss")
            self.divergence = keras.metrics.Mean(name="kl_loss")

        @property
        def metrics(self):
            return [self.total, self.reconstruction, self.divergence]

        def train_step(self, data):
            with Tape() as tape:
                mean, log_variance, z = self.encoder(data)
                error = keras.losses.binary_crossentropy(data, self.decoder(z))
                reconstruction = ops.mean(ops.sum(error, axis=(1, 2)))
                divergence = -0.5 * (1 + log_variance - ops.square(mean) - ops.exp(log_variance))
                divergence = ops.mean(ops.sum(divergence, axis=1))
                loss = reconstruction + divergence
            gradients = tape.gradient(loss, self.trainable_weights)
            self.optimizer.apply_gradients(zip(gradients, self.trainable_weights, strict=True))
            self.total.update_state(loss)
            self.reconstruction.update_state(reconstruction)
            self.divergence.update_state(divergence)
            return {metric.name: metric.result() for metric in self.metrics}

    return VAE(*networks(keras))


def program(keras):
    keras.utils.set_random_seed(4)
    images = np.random.default_rng(4).uniform(size=(32, 8, 8, 1)).astype("float32")
    images = (images > 0.7).astype("float32")
    vae = autoencoder(keras)
    vae.compile(optimizer=keras.optimizers.Adam(0.005))
    history = vae.fit(images, epochs=3, batch_size=16, shuffle=False, verbose=0)
    mean, log_variance, _ = vae.encoder.predict(images[:4], verbose=0)
    grid = np.stack(np.meshgrid([-1, 0, 1], [-1, 1]), axis=-1).reshape(-1, 2)
    drawn = vae.decoder.predict(grid.astype("float32"), verbose=0)
    return {**history.history, "mean": mean, "log_variance": log_variance, "drawn": drawn}

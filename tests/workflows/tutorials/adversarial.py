"""A generator and a discriminator that train each other, each with an optimizer of its own."""

import numpy as np

from tests.workflows.tutorials.engines import gradient_tape

LATENT = 3


def networks(keras):
    L = keras.layers
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            L.Conv2D(4, 3, strides=2, padding="same"),
            L.LeakyReLU(negative_slope=0.2),
            L.GlobalMaxPooling2D(),
            L.Dense(1),
        ],
        name="discriminator",
    )
    generator = keras.Sequential(
        [
            keras.Input((LATENT,)),
            L.Dense(4 * 4 * 3),
            L.Reshape((4, 4, 3)),
            L.LeakyReLU(negative_slope=0.2),
            L.Conv2DTranspose(4, 4, strides=2, padding="same"),
            L.BatchNormalization(),
            L.Conv2D(1, 3, padding="same", activation="sigmoid"),
        ],
        name="generator",
    )
    return discriminator, generator


def adversaries(keras):
    ops, Tape = keras.ops, gradient_tape(keras)

    class GAN(keras.Model):
        def __init__(self, discriminator, generator):
            super().__init__()
            self.discriminator, self.generator = discriminator, generator
            self.seed_generator = keras.random.SeedGenerator(7)
            self.d_loss, self.g_loss = keras.metrics.Mean(name="d"), keras.metrics.Mean(name="g")

        def compile(self, d_optimizer, g_optimizer, loss_fn):
            super().compile()
            self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer
            self.loss_fn = loss_fn

        @property
        def metrics(self):
            return [self.d_loss, self.g_loss]

        def train_step(self, real):
            if isinstance(real, tuple):
                real = real[0]
            rows = ops.shape(real)[0]
            noise = keras.random.normal((rows, LATENT), seed=self.seed_generator)
            images = ops.concatenate([self.generator(noise), real], axis=0)
            labels = ops.concatenate([ops.ones((rows, 1)), ops.zeros((rows, 1))], axis=0)
            labels += 0.05 * keras.random.uniform(ops.shape(labels), seed=self.seed_generator)
            with Tape() as tape:
                d_loss = self.loss_fn(labels, self.discriminator(images))
            weights = self.discriminator.trainable_weights
            self.d_optimizer.apply(tape.gradient(d_loss, weights), weights)

            noise = keras.random.normal((rows, LATENT), seed=self.seed_generator)
            with Tape() as tape:
                judged = self.discriminator(self.generator(noise))
                g_loss = self.loss_fn(ops.zeros((rows, 1)), judged)
            weights = self.generator.trainable_weights
            self.g_optimizer.apply(tape.gradient(g_loss, weights), weights)
            self.d_loss.update_state(d_loss)
            self.g_loss.update_state(g_loss)
            return {"d_loss": self.d_loss.result(), "g_loss": self.g_loss.result()}

    return GAN(*networks(keras))


def program(keras):
    keras.utils.set_random_seed(5)
    images = np.random.default_rng(5).uniform(size=(32, 8, 8, 1)).astype("float32")
    gan = adversaries(keras)
    gan.compile(
        d_optimizer=keras.optimizers.Adam(0.003),
        g_optimizer=keras.optimizers.Adam(0.003),
        loss_fn=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    history = gan.fit(images, epochs=2, batch_size=16, shuffle=False, verbose=0)
    noise = np.random.default_rng(6).normal(size=(3, LATENT)).astype("float32")
    return {
        **history.history,
        "drawn": gan.generator.predict(noise, verbose=0),
        "steps": [int(gan.d_optimizer.iterations), int(gan.g_optimizer.iterations)],
    }

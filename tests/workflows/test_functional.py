"""Whole stories with functional models, five steps beside live Keras, and then to an end."""

import numpy as np
import pytest

import npkeras

STEPS = 5


def data(rows=16, seed=0):
    rng = np.random.default_rng(seed)
    images = rng.uniform(size=(rows, 6, 6)).astype("float32")
    labels = (images.mean((1, 2)) > 0.5).astype("int32") + (images[:, 0, 0] > 0.5)
    return images, labels.astype("int32")


def classifier(keras):
    L = keras.layers
    x = keras.Input((6, 6), name="image")
    h = L.Dense(16, activation="relu", name="h1")(keras.ops.reshape(x, (-1, 36)))
    h = L.Dense(16, activation="relu", name="h2")(h) + h
    model = keras.Model(x, L.Dense(3, activation="softmax", name="class")(h))
    model.compile(
        keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    images, labels = data()
    return model, images, labels, {}


def several_ends(keras):
    L = keras.layers
    words, numbers = keras.Input((None,), name="words"), keras.Input((3,), name="numbers")
    text = L.LSTM(4, name="text")(L.Embedding(9, 5, mask_zero=True, name="table")(words))
    joined = keras.ops.concatenate([text, numbers], axis=-1)
    kind = L.Dense(1, activation="sigmoid", name="kind")(joined)
    amount = L.Dense(2, name="amount")(joined)
    model = keras.Model({"words": words, "numbers": numbers}, [kind, amount])
    model.compile(
        keras.optimizers.RMSprop(0.01),
        {"kind": "binary_crossentropy", "amount": "mae"},
        loss_weights={"kind": 2.0, "amount": 0.5},
        metrics={"kind": ["accuracy"], "amount": ["mse"]},
    )
    rng = np.random.default_rng(1)
    x = {"words": rng.integers(0, 9, (16, 4)), "numbers": rng.normal(size=(16, 3)).astype("f4")}
    y = [rng.integers(0, 2, (16, 1)).astype("f4"), rng.normal(size=(16, 2)).astype("f4")]
    weights = [rng.uniform(size=16).astype("f4"), rng.uniform(size=16).astype("f4")]
    return model, x, y, {"sample_weight": weights}


def autoencoder(keras):
    """A variational one; the noise comes with the data, so that both engines have the same."""
    L, ops = keras.layers, keras.ops
    x, noise = keras.Input((6,), name="x"), keras.Input((2,), name="noise")
    h = L.Dense(8, activation="relu", name="e")(x)
    mean, spread = L.Dense(2, name="mean")(h), L.Dense(2, name="spread")(h)
    code = mean + ops.exp(0.5 * spread) * noise
    encoder = keras.Model([x, noise], [mean, spread, code], name="encoder")
    z = keras.Input((2,), name="z")
    decoded = L.Dense(6, name="d2")(L.Dense(8, activation="relu", name="d1")(z))
    decoder = keras.Model(z, decoded, name="decoder")

    class Divergence(L.Layer):
        def call(self, mean, spread):
            self.add_loss(-0.5 * ops.mean(1 + spread - ops.square(mean) - ops.exp(spread)))
            return mean

    class Autoencoder(keras.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.encoder, self.decoder, self.divergence = encoder, decoder, Divergence()
            self.tracker = keras.metrics.Mean(name="loss")

        @property
        def metrics(self):
            return [self.tracker]

        def call(self, inputs):
            mean, spread, code = self.encoder(inputs)
            self.divergence(mean, spread)
            return self.decoder(code)

    rng = np.random.default_rng(2)
    x = [rng.normal(size=(16, 6)).astype("f4"), rng.normal(size=(16, 2)).astype("f4")]
    model = Autoencoder()
    model(x)
    model.compile(keras.optimizers.Adam(0.01))
    return model, x, None, {}


def transfer(keras):
    """The first layers of a trained model, frozen below a new head."""
    L = keras.layers
    x = keras.Input((6, 6), name="image")
    h = L.Dense(8, activation="relu", name="f1")(L.Flatten(name="flat")(x))
    base = keras.Model(x, L.Dense(8, activation="relu", name="f2")(h), name="base")
    base.trainable = False
    y = keras.Input((6, 6), name="other")
    model = keras.Model(y, L.Dense(3, activation="softmax", name="head")(base(y, training=False)))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "sparse_categorical_crossentropy")
    images, labels = data(seed=3)
    return model, images, labels, {}


STORIES = [classifier, several_ends, transfer]


def own_step(keras, tf=None):
    """The autoencoder with a training step of its own, for each engine's tape."""
    model, x, _, _ = autoencoder(keras)
    tape = npkeras.GradientTape if tf is None else tf.GradientTape

    class Trained(type(model)):
        def train_step(self, data):
            inputs = data[0] if isinstance(data[0], (list, tuple)) else data
            with tape() as running:
                outputs = self(inputs, training=True)
                error = keras.ops.mean(keras.ops.square(inputs[0] - outputs))
                loss = error + sum(self.losses)
            variables = self.trainable_variables
            gradients = running.gradient(loss, variables)
            self.optimizer.apply_gradients(zip(gradients, variables, strict=True))
            self.tracker.update_state(loss)
            return {"loss": self.tracker.result()}

    trained = Trained()
    trained(x)
    trained.compile(keras.optimizers.Adam(0.01))
    return trained, x, None, {}


def copy_weights(ours, theirs):
    weights = ours.get_weights()
    assert [w.shape for w in weights] == [tuple(w.shape) for w in theirs.weights]
    theirs.set_weights(weights)


def losses(model, x, y, options):
    history = []
    for _ in range(STEPS):
        logs = model.train_on_batch(x, y, return_dict=True, **options) if y is not None else (
            model.fit(x, verbose=0, batch_size=16, shuffle=False).history
        )  # fmt: skip
        history.append([float(np.squeeze(logs[name])) for name in sorted(logs)])
    return history


@pytest.mark.keras
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_five_steps_are_keras(keras, story):
    ours, theirs = story(npkeras), story(keras)
    copy_weights(ours[0], theirs[0])
    np.testing.assert_allclose(losses(*ours), losses(*theirs), rtol=1e-5, atol=1e-5)


@pytest.mark.keras
def test_five_steps_of_ones_own_are_keras(keras, tf):
    ours, theirs = own_step(npkeras), own_step(keras, tf)
    copy_weights(ours[0], theirs[0])
    np.testing.assert_allclose(losses(*ours), losses(*theirs), rtol=1e-5, atol=1e-5)


def test_the_classifier_learns():
    model, images, labels, _ = classifier(npkeras)
    model.fit(images, labels, epochs=150, verbose=0)
    assert model.evaluate(images, labels, verbose=0)[1] > 0.9


def test_what_is_frozen_stays():
    model, images, labels, _ = transfer(npkeras)
    base = model.get_layer("base")
    before = base.get_weights()
    model.fit(images, labels, epochs=3, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, base.get_weights(), strict=True))
    base.trainable = True
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(images, labels, epochs=1, verbose=0)
    assert not np.array_equal(before[0], base.get_weights()[0])

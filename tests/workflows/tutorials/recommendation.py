"""Who likes what: a model of one's own out of embeddings, and its best offers."""

import numpy as np

PEOPLE, FILMS = 30, 40


def ratings(rows):
    rng = np.random.default_rng(21)
    tastes, traits = rng.normal(size=(PEOPLE, 3)), rng.normal(size=(FILMS, 3))
    pairs = np.stack([rng.integers(0, PEOPLE, rows), rng.integers(0, FILMS, rows)], axis=1)
    liking = (tastes[pairs[:, 0]] * traits[pairs[:, 1]]).sum(axis=1)
    return pairs, (1 / (1 + np.exp(-liking))).astype("float32")


def recommender(keras):
    L, ops = keras.layers, keras.ops

    @keras.saving.register_keras_serializable("tutorials")
    class Recommender(keras.Model):
        def __init__(self, people, films, size, **kwargs):
            super().__init__(**kwargs)
            self.people, self.films, self.size = people, films, size
            table = {"embeddings_initializer": "he_normal"}
            penalty = keras.regularizers.l2(1e-3)
            self.person = L.Embedding(people, size, embeddings_regularizer=penalty, **table)
            self.person_bias = L.Embedding(people, 1)
            self.film = L.Embedding(films, size, embeddings_regularizer=penalty, **table)
            self.film_bias = L.Embedding(films, 1)

        def call(self, inputs):
            person, film = inputs[:, 0], inputs[:, 1]
            match = ops.sum(self.person(person) * self.film(film), axis=-1, keepdims=True)
            return ops.sigmoid(match + self.person_bias(person) + self.film_bias(film))

        def get_config(self):
            sizes = {"people": self.people, "films": self.films, "size": self.size}
            return {**super().get_config(), **sizes}

    return Recommender(PEOPLE, FILMS, 4, name="recommender")


def program(keras):
    keras.utils.set_random_seed(21)
    pairs, liked = ratings(96)
    model = recommender(keras)
    model.compile(
        loss=keras.losses.BinaryCrossentropy(),
        optimizer=keras.optimizers.Adam(0.02, weight_decay=0.01),
        metrics=[keras.metrics.RootMeanSquaredError(), keras.metrics.MeanAbsoluteError()],
    )
    history = model.fit(
        x=pairs, y=liked, batch_size=16, epochs=3, validation_split=0.25, shuffle=False, verbose=0
    )
    seen = set(pairs[pairs[:, 0] == 3, 1].tolist())
    fresh = np.array([[3, film] for film in range(FILMS) if film not in seen])
    scores = model.predict(fresh, verbose=0).flatten()
    again = type(model).from_config(model.get_config())
    return {
        **history.history,
        "scores": scores,
        "offers": fresh[scores.argsort()[-5:][::-1], 1],
        "weights": [int(np.prod(w.shape)) for w in model.weights],
        "from config": [again.people, again.films, again.size],
    }

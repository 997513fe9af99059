"""A table of people: numbers are brought to one scale, categories get vectors."""

import pathlib
import tempfile

import numpy as np

JOBS, TOWNS = 5, 4


def people(rows=64, seed=12):
    rng = np.random.default_rng(seed)
    table = {
        "age": rng.integers(18, 80, (rows, 1)).astype("float32"),
        "income": rng.gamma(3, 10_000, (rows, 1)).astype("float32"),
        "job": rng.integers(0, JOBS, (rows, 1)),
        "town": rng.integers(0, TOWNS, (rows, 1)),
    }
    bought = (table["age"] > 40) & (table["job"] > 1)
    return table, bought.astype("float32")


def program(keras):
    L = keras.layers
    keras.utils.set_random_seed(12)
    table, bought = people()

    inputs, features = {}, []
    for name in ("age", "income"):
        inputs[name] = keras.Input(shape=(1,), name=name)
        scale = L.Normalization(axis=None, name=f"{name}_scaled")
        scale.adapt(table[name])
        features.append(scale(inputs[name]))
    for name, count in (("job", JOBS), ("town", TOWNS)):
        inputs[name] = keras.Input(shape=(1,), name=name, dtype="int64")
        vector = L.Embedding(count, 3, embeddings_regularizer="l2")(inputs[name])
        features.append(L.Flatten()(vector))
    x = L.Concatenate()(features)
    x = L.Dropout(0.25)(L.Dense(8, activation="relu")(x))
    model = keras.Model(inputs, L.Dense(1, activation="sigmoid")(x), name="buyers")
    model.compile(
        "adam",
        "binary_crossentropy",
        metrics=["accuracy", keras.metrics.AUC(name="auc"), keras.metrics.Recall(name="recall")],
    )
    history = model.fit(
        table, bought, epochs=2, batch_size=16, validation_data=people(seed=13), shuffle=False,
        verbose=0,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "buyers.keras")
        model.save(file)
        restored = keras.models.load_model(file)
    someone = {"age": 60.0, "income": 35_000.0, "job": 2, "town": 3}
    someone = {name: np.array([[value]]) for name, value in someone.items()}
    return {
        **history.history,
        "predicted": model.predict(someone, verbose=0),
        "restored": restored.predict(someone, verbose=0),
        "mean": model.get_layer("income_scaled").mean,
    }

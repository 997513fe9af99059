"""Tickets of a help desk: text and tags come in; how urgent and for which department goes out."""

import numpy as np

WORDS, TAGS, DEPARTMENTS = 20, 4, 3


def tickets(rows=48, seed=8):
    rng = np.random.default_rng(seed)
    x = {
        "title": rng.integers(1, WORDS, (rows, 5)),
        "body": rng.integers(0, WORDS, (rows, 8)),
        "tags": rng.integers(0, 2, (rows, TAGS)).astype("float32"),
    }
    y = {
        "priority": rng.uniform(size=(rows, 1)).astype("float32"),
        "department": rng.integers(0, DEPARTMENTS, rows),
    }
    return x, y


def desk(keras):
    L = keras.layers
    title = keras.Input(shape=(None,), name="title", dtype="int32")
    body = keras.Input(shape=(None,), name="body", dtype="int32")
    tags = keras.Input(shape=(TAGS,), name="tags")
    title_features = L.LSTM(6)(L.Embedding(WORDS, 8)(title))
    body_features = L.Conv1D(6, 3, activation="relu", padding="same")(L.Embedding(WORDS, 8)(body))
    body_features = L.GlobalMaxPooling1D()(body_features)
    x = L.concatenate([title_features, body_features, tags])
    return keras.Model(
        inputs={"title": title, "body": body, "tags": tags},
        outputs={
            "priority": L.Dense(1, activation="sigmoid", name="priority")(x),
            "department": L.Dense(DEPARTMENTS, activation="softmax", name="department")(x),
        },
    )


def program(keras):
    keras.utils.set_random_seed(8)
    x, y = tickets()
    model = desk(keras)
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss={"priority": "mse", "department": "sparse_categorical_crossentropy"},
        loss_weights={"priority": 1.0, "department": 0.2},
        metrics={"priority": ["mae"], "department": ["accuracy"]},
    )
    common = dict(batch_size=16, shuffle=False, verbose=0)
    results = dict(model.fit(x, y, epochs=2, validation_data=tickets(seed=9), **common).history)

    rng = np.random.default_rng(10)
    weights = {name: rng.uniform(0.5, 2, 48).astype("float32") for name in y}
    weighted = model.fit(x, y, sample_weight=weights, epochs=1, **common).history
    results |= {f"weighted {name}": value for name, value in weighted.items()}
    scores = model.evaluate(x, y, batch_size=16, return_dict=True, verbose=0)
    results |= {f"evaluated {name}": value for name, value in scores.items()}
    results |= model.predict(x, verbose=0)

    single = keras.Model(model.inputs, model.get_layer("department").output)
    single.compile("sgd", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    balance = {0: 1.0, 1: 2.0, 2: 0.5}
    balanced = single.fit(x, y["department"], class_weight=balance, **common).history
    return results | {f"balanced {name}": value for name, value in balanced.items()}

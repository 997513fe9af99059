"""Functional models of every shape, made alike by npkeras and by live Keras."""

import numpy as np


def chain(keras):
    L = keras.layers
    x = keras.Input((4,), name="x")
    y = L.Dense(3, activation="relu", name="hidden")(x)
    return keras.Model(x, L.Dense(2, name="out")(L.Dropout(0.5)(y)), name="chain")


def shared(keras):
    L = keras.layers
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    layer = L.Dense(3, name="shared")
    x, y = layer(a), layer(b)
    distance = keras.ops.sum((x - y) ** 2, axis=-1, keepdims=True)
    return keras.Model([a, b], [distance, x], name="siamese")


def with_ops(keras):
    ops = keras.ops
    x = keras.Input((4,), name="x")
    y = ops.concatenate([x, 2.0 - x], axis=-1)
    y = ops.relu(y[:, 1:] * 2 + 1)
    y = ops.reshape(y, (-1, 7, 1)) @ np.ones((1, 3), "float32")
    first, second, third = ops.split(ops.max(y, axis=1), 3, axis=-1)
    z = ops.where(first > 1, ops.exp(-second), abs(third)) * np.arange(3, dtype="float32")
    return keras.Model(x, keras.layers.Dense(2, name="out")(z), name="with_ops")


def nested(keras):
    L = keras.layers
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    sequential = keras.Sequential(
        [keras.Input((3,), name="inner"), L.Dense(3, name="deep"), L.Dropout(0.5)], name="seq"
    )
    x = keras.Input((4,), name="c")
    functional = keras.Model(x, L.Dense(3, name="within")(x), name="fun")
    layer = L.Dense(3, name="shared")
    parts = [layer(a), layer(b), sequential(layer(a)), functional(b)]
    joined = keras.ops.concatenate(parts, axis=-1)
    return keras.Model([a, b], L.Dense(2, name="out")(joined), name="all")


def masked(keras):
    L = keras.layers
    words = keras.Input((None,), name="words")
    x = L.Embedding(10, 4, mask_zero=True, name="table")(words)
    x = L.LSTM(3, return_sequences=True, name="first")(L.Dropout(0.3)(x))
    return keras.Model(words, L.LSTM(2, name="second")(x), name="masked")


def masking(keras):
    L = keras.layers
    x = keras.Input((None, 4), name="x")
    y = L.TimeDistributed(L.Dense(2, name="each"), name="every")(L.Masking(name="masking")(x))
    return keras.Model(x, L.GlobalAveragePooling1D(name="mean")(y), name="masking_model")


def states(keras):
    L = keras.layers
    x, y = keras.Input((None, 4), name="x"), keras.Input((None, 4), name="y")
    outputs, h, c = L.LSTM(3, return_state=True, name="encoder")(x)
    decoded = L.LSTM(3, return_sequences=True, name="decoder")(y, initial_state=[h, c])
    return keras.Model({"x": x, "y": y}, {"decoded": decoded, "rest": [h, (outputs,)]}, name="two")


def modes(keras):
    L = keras.layers
    x = keras.Input((4,), name="x")
    always = L.Dropout(0.5, name="always")(x, training=True)
    never = L.Dropout(0.5, name="never")(x, training=False)
    return keras.Model(x, [always, never], name="modes")


def wide(keras):
    """Branches of several lengths, and an input that nothing needs."""
    L = keras.layers
    a, b, c = (keras.Input((3,), name=name) for name in "abc")
    long = L.Dense(3, name="l3")(L.Dense(3, name="l2")(L.Dense(3, name="l1")(a)))
    short = L.Dense(3, name="s1")(b)
    joined = keras.ops.add(short, long)
    return keras.Model([a, b, c], [L.Dense(1, name="end")(joined), short], name="wide")


def ends_within(keras):
    """Ends that are those of models within, one of which is called again and again."""
    L = keras.layers
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    x = keras.Input((4,), name="c")
    functional = keras.Model(x, [L.Dense(4, name="left")(x), L.Dense(3, name="right")(x)], name="f")
    sequential = keras.Sequential([keras.Input((4,)), L.Dense(4, name="deep")], name="s")
    first, _ = functional(a)
    second, right = functional(first)
    _, other = functional(b)
    again = sequential(sequential(second))
    return keras.Model([a, b], {"r": right, "o": other, "f": first, "s": again}, name="ends")


BUILDERS = [chain, shared, with_ops, nested, masked, masking, states, modes, wide, ends_within]


def inputs_for(model, rows=3, seed=0):
    """Data in the form of a model's inputs; whole numbers for words."""
    rng = np.random.default_rng(seed)

    def one(x):
        shape = [rows, *(5 if n is None else n for n in x.shape[1:])]
        if x.name == "words":
            return rng.integers(0, 10, shape)
        data = rng.normal(size=shape).astype("float32")
        if model.name == "masking_model":
            data[0, 3:] = 0
        return data

    form = model.input
    if isinstance(form, dict):
        return {key: one(x) for key, x in form.items()}
    return [one(x) for x in form] if isinstance(form, list) else one(form)

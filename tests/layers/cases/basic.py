"""Cases of the layers that are neither recurrent nor of a family with a file of its own."""

import numpy as np
from hypothesis import strategies as st

from tests.layers.cases.common import (
    DENSE,
    IMAGES,
    LOOKUP,
    NUMBERS,
    PADDED,
    RECURRENT,
    ROWS,
    SEQUENCES,
    STEPS,
    Case,
    activations,
    constraints,
    flags,
    floats,
    formats,
    initializers,
    inner,
    masks_for,
    regularizers,
    seeds,
)

CASES = [
    Case("Dense", DENSE, (ROWS,)),
    Case("Dense", DENSE, (SEQUENCES,)),
    Case("Dense", {**DENSE, "activation": "tanh", "use_bias": False}, (ROWS,)),
    Case("Dense", {**DENSE, "kernel_regularizer": "l2", "activity_regularizer": "l2"}, (ROWS,)),
    Case("Embedding", LOOKUP, (NUMBERS,)),
    Case("Embedding", {**LOOKUP, "mask_zero": True}, (NUMBERS,)),
    Case("Embedding", LOOKUP, (NUMBERS[:, 0],)),
    Case("Activation", {"activation": "tanh"}, (ROWS,)),
    Case("Activation", {"activation": "softmax"}, (SEQUENCES,)),
    Case("ReLU", {}, (ROWS,)),
    Case("ReLU", {"max_value": 0.9, "negative_slope": 0.2, "threshold": 0.1}, (ROWS,)),
    Case("Softmax", {}, (ROWS,)),
    Case("Softmax", {"axis": (1, 2)}, (SEQUENCES,)),
    Case("Softmax", {}, (ROWS,), {"mask": np.array([True, False, True])}),
    Case("Dropout", {"rate": 0.4, "seed": 1}, (ROWS,)),
    Case("Dropout", {"rate": 0.4, "seed": 1}, (ROWS,), {"training": True}, False, False),
    Case(
        "Dropout",
        {"rate": 0.4, "noise_shape": (None, 1, 4), "seed": 1},
        (SEQUENCES,),
        {"training": True},
        False,
        False,
    ),
    Case("Flatten", {}, (SEQUENCES,)),
    Case("Flatten", {"data_format": "channels_first"}, (IMAGES,)),
    Case("Reshape", {"target_shape": (2, 10)}, (SEQUENCES,)),
    Case("Reshape", {"target_shape": (-1, 2)}, (SEQUENCES,)),
    Case("GlobalAveragePooling1D", {}, (SEQUENCES,)),
    Case("GlobalAveragePooling1D", {}, (SEQUENCES,), {"mask": STEPS}),
    Case(
        "GlobalAveragePooling1D", {"data_format": "channels_first", "keepdims": True}, (SEQUENCES,)
    ),
    Case("GlobalMaxPooling1D", {}, (SEQUENCES,)),
    Case("GlobalMaxPooling1D", {"data_format": "channels_first", "keepdims": True}, (SEQUENCES,)),
    Case("Masking", {}, (PADDED,), {}, False),
    Case("Masking", {"mask_value": -1.0}, (SEQUENCES,)),
    Case("TimeDistributed", {"layer": inner("Dense", name="dense", **DENSE)}, (SEQUENCES,)),
    Case("TimeDistributed", {"layer": inner("Flatten", name="flatten")}, (IMAGES,)),
    Case(
        "TimeDistributed",
        {"layer": inner("Softmax", name="softmax")},
        (SEQUENCES,),
        {"mask": np.ones((3, 5, 4), bool)},
    ),
    Case("Wrapper", {"layer": inner("Dense", name="dense", **DENSE)}),
    Case("InputLayer", {"shape": (3,)}),
]

# Layers that are not called on arrays, and why.
NOT_CALLED = {"Wrapper": "a base for subclasses", "InputLayer": "the entry of a model"}


@st.composite
def dense(draw):
    options = {
        "units": draw(st.integers(1, 4)),
        "activation": draw(activations),
        "use_bias": draw(flags),
        "kernel_initializer": draw(initializers),
        "bias_initializer": draw(initializers),
        "kernel_regularizer": draw(regularizers),
        "bias_regularizer": draw(regularizers),
        "activity_regularizer": draw(regularizers),
        "kernel_constraint": draw(constraints),
        "bias_constraint": draw(constraints),
    }
    return Case("Dense", options, (draw(floats(st.integers(2, 4))),))


@st.composite
def embedding(draw):
    input_dim = draw(st.integers(1, 6))
    options = {
        "input_dim": input_dim,
        "output_dim": draw(st.integers(1, 4)),
        "embeddings_initializer": draw(initializers),
        "embeddings_regularizer": draw(regularizers),
        "embeddings_constraint": draw(constraints),
        "mask_zero": draw(flags),
        "activity_regularizer": draw(regularizers),
    }
    shape = [draw(st.integers(1, 4)) for _ in range(draw(st.integers(1, 3)))]
    numbers = np.random.default_rng(draw(seeds)).integers(0, input_dim, shape)
    dtype = draw(st.sampled_from(["int32", "int64", "uint8", "float32"]))
    return Case("Embedding", options, (numbers.astype(dtype),))


@st.composite
def activation(draw):
    name = draw(activations.filter(bool))
    options = {"activation": name, "activity_regularizer": draw(regularizers)}
    return Case("Activation", options, (draw(floats(st.integers(2, 3))),))


@st.composite
def relu(draw):
    options = {
        "max_value": draw(st.sampled_from([None, 0.75, 6.0])),
        "negative_slope": draw(st.sampled_from([0.0, 0.25, 1.5])),
        "threshold": draw(st.sampled_from([0.0, 0.5])),
    }
    return Case("ReLU", options, (draw(floats(st.integers(1, 3))),))


@st.composite
def softmax(draw):
    x = draw(floats(3, low=2))
    options = {"axis": draw(st.sampled_from([-1, 1, 2, (1, 2), [0, 2]]))}
    call = draw(masks_for(x, 3))
    return Case("Softmax", options, (x,), call)


@st.composite
def dropout(draw):
    x = draw(floats(3))
    ones = [draw(st.sampled_from([None, 1, n])) for n in x.shape]
    options = {
        "rate": draw(st.sampled_from([0, 0.1, 0.5, 0.9, 1.0])),
        "noise_shape": draw(st.sampled_from([None, tuple(ones)])),
        "seed": draw(seeds),
    }
    return Case("Dropout", options, (x,), draw(st.sampled_from([{}, {"training": True}])))


@st.composite
def flatten(draw):
    options = {"data_format": draw(formats)}
    x = draw(floats(st.integers(1, 4)))
    return Case("Flatten", options, (x.astype(draw(st.sampled_from(["float32", "int64"]))),))


@st.composite
def reshape(draw):
    x = np.random.default_rng(draw(seeds)).normal(size=(draw(st.integers(1, 3)), 4, 6))
    targets = [(24,), (-1,), (6, 4), (2, 3, 4), (2, -1, 3), (4, 6), (-1, 1)]
    return Case("Reshape", {"target_shape": draw(st.sampled_from(targets))}, (x.astype("float32"),))


@st.composite
def average_pooling(draw):
    options = {"data_format": draw(formats), "keepdims": draw(flags)}
    x = draw(floats(3))
    steps = x.transpose(0, 2, 1) if options["data_format"] == "channels_first" else x
    return Case("GlobalAveragePooling1D", options, (x,), draw(masks_for(steps)))


@st.composite
def max_pooling(draw):
    options = {"data_format": draw(formats), "keepdims": draw(flags)}
    return Case("GlobalMaxPooling1D", options, (draw(floats(3)),))


@st.composite
def masking(draw):
    value = draw(st.sampled_from([0.0, -1.0, 0.1]))
    x = draw(floats(st.integers(2, 4)))
    hidden = np.random.default_rng(draw(seeds)).random(x.shape[:-1]) < 0.5
    x[hidden] = value
    return Case("Masking", {"mask_value": value}, (x,))


@st.composite
def time_distributed(draw):
    layer = draw(
        st.one_of(
            dense().map(lambda case: inner("Dense", name="dense", **case.options)),
            st.just(inner("Dropout", name="dropout", rate=0.5, seed=4)),
            st.just(inner("Flatten", name="flatten")),
            st.just(inner("Activation", name="activation", activation="tanh")),
            st.just(inner("LSTM", name="lstm", **RECURRENT)),
            st.just(inner("Softmax", name="softmax")),
        )
    )
    x = draw(floats(4 if layer["class_name"] == "LSTM" else 3))
    options = {"layer": layer, "activity_regularizer": draw(regularizers)}
    call = draw(st.sampled_from([{}, {"training": True}]))
    masks_steps = layer["class_name"] not in ("LSTM", "Softmax")
    return Case(
        "TimeDistributed", options, (x,), {**call, **(draw(masks_for(x)) if masks_steps else {})}
    )


CONFIGURATIONS = {
    "Dense": dense(),
    "Embedding": embedding(),
    "Activation": activation(),
    "ReLU": relu(),
    "Softmax": softmax(),
    "Dropout": dropout(),
    "Flatten": flatten(),
    "Reshape": reshape(),
    "GlobalAveragePooling1D": average_pooling(),
    "GlobalMaxPooling1D": max_pooling(),
    "Masking": masking(),
    "TimeDistributed": time_distributed(),
}

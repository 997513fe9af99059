"""Example configs and inputs for every registered layer, for `tests/common/test_layers.py`.

A new layer needs one line in `CASES`, and a strategy in `CONFIGURATIONS` if live Keras is to be
asked about every argument. Inputs stay away from kinks, where numeric gradients say nothing.
"""

import dataclasses
from typing import Any

import numpy as np
from hypothesis import strategies as st

_random = np.random.default_rng(5)


def _normal(*shape):
    return _random.normal(size=shape)


@dataclasses.dataclass
class Case:
    """One layer, and one call of it.

    Args:
        name: The layer.
        options: Its arguments, as a config has them.
        inputs: What is fed to it, as positional arguments: float64 arrays are cast to the dtype
            under test.
        call: Further arguments of the call.
        differentiable: Whether gradients are compared with numeric ones.
        per_sample: Whether rows of a batch do not see each other, and any number of them will do.
    """

    name: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    inputs: tuple = ()
    call: dict[str, Any] = dataclasses.field(default_factory=dict)
    differentiable: bool = True
    per_sample: bool = True

    def __str__(self):
        return "-".join([self.name, *map(str, self.options)])


def glorot(seed=1):
    return {"class_name": "GlorotUniform", "config": {"seed": seed}}


def small(seed=2):
    return {"class_name": "RandomUniform", "config": {"seed": seed, "minval": -0.5, "maxval": 0.5}}


def orthogonal(seed=3):
    return {"class_name": "Orthogonal", "config": {"seed": seed}}


def inner(class_name, **options):
    """The config of a layer, in the form that `deserialize` takes."""
    name = {"module": "keras.layers", "class_name": class_name, "registered_name": None}
    return {**name, "config": options}


ROWS = _normal(4, 3)
SEQUENCES = _normal(3, 5, 4)
IMAGES = _normal(2, 3, 4, 2)
NUMBERS = np.array([[1, 4, 0], [2, 2, 0]], "int32")
STEPS = np.array([[1, 1, 1, 1, 1], [1, 0, 1, 0, 0], [0, 0, 1, 1, 1]], bool)
PADDED = np.where(STEPS[..., None], SEQUENCES, 0.0)

DENSE = {"units": 2, "kernel_initializer": glorot(), "bias_initializer": small()}
LOOKUP = {"input_dim": 5, "output_dim": 3, "embeddings_initializer": small()}
RECURRENT = {
    "units": 3,
    "kernel_initializer": glorot(),
    "recurrent_initializer": orthogonal(),
    "bias_initializer": small(),
}
CELL = inner("LSTMCell", name="cell", **RECURRENT)

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
    Case("LSTM", RECURRENT, (SEQUENCES,)),
    Case("LSTM", {**RECURRENT, "return_sequences": True}, (SEQUENCES,), {"mask": STEPS}),
    Case("LSTMCell", RECURRENT, (ROWS, [_normal(4, 3), _normal(4, 3)])),
    Case("RNN", {"cell": CELL, "return_state": True}, (SEQUENCES,)),
    Case("StackedRNNCells", {"cells": [CELL]}, (ROWS, [[_normal(4, 3), _normal(4, 3)]])),
]

# Layers that are not called on arrays, and why.
NOT_CALLED = {"Wrapper": "a base for subclasses", "InputLayer": "the entry of a model"}

# Live Keras is asked about these in `tests/layers/test_lstm.py` and `test_recurrent.py`.
ELSEWHERE = {"LSTM", "LSTMCell", "RNN", "StackedRNNCells"}

flags = st.booleans()
activations = st.sampled_from([None, "relu", "tanh", "sigmoid", "softmax", "elu", "linear"])
regularizers = st.sampled_from(
    [None, None, "l1", "l2", {"class_name": "L1L2", "config": {"l1": 0.25, "l2": 0.5}}]
)
constraints = st.sampled_from([None, None, "max_norm", "non_neg", "unit_norm"])
formats = st.sampled_from([None, "channels_last", "channels_first"])
seeds = st.integers(0, 999)
initializers = st.one_of(
    st.builds(glorot, seeds),
    st.builds(small, seeds),
    st.builds(lambda seed: {"class_name": "HeNormal", "config": {"seed": seed}}, seeds),
    st.sampled_from(["zeros", "ones", {"class_name": "Constant", "config": {"value": -0.25}}]),
)


@st.composite
def floats(draw, ndims, low=1, batch=None):
    """An array of normally distributed numbers, with a batch of one to four samples."""
    ndim = draw(ndims) if hasattr(ndims, "example") else ndims
    lengths = st.integers(low, 4)
    shape = [draw(st.integers(1, 4)) if batch is None else batch]
    shape += [draw(lengths) for _ in range(ndim - 1)]
    return np.random.default_rng(draw(seeds)).normal(size=shape).astype("float32")


@st.composite
def masks_for(draw, x, ndim=2):
    """Booleans along the first axes of `x`, or None; each sample has at least one True."""
    if draw(flags):
        return {}
    mask = np.random.default_rng(draw(seeds)).random(x.shape[:ndim]) < 0.6
    mask[:, :1] = True
    return {"mask": mask}


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

"""Cases of small layers: activations with options, noise, axes moved and repeated."""

import numpy as np
from hypothesis import strategies as st

from tests.layers.cases.common import (
    IMAGES,
    ROWS,
    SEQUENCES,
    Case,
    constraints,
    flags,
    floats,
    formats,
    initializers,
    regularizers,
    seeds,
    small,
)

VOLUMES = np.random.default_rng(6).normal(size=(2, 2, 3, 2, 2))
TRAINING = {"training": True}


RELU = {
    "module": "builtins",
    "class_name": "function",
    "config": "relu",
    "registered_name": "function",
}


def _noisy(name, x, **options):
    """A case of training, with noise."""
    return Case(name, {**options, "seed": 1}, (x,), TRAINING, False, False)


CASES = [
    Case("LeakyReLU", {}, (ROWS,)),
    Case("LeakyReLU", {"negative_slope": 0.5}, (ROWS,)),
    Case("PReLU", {"alpha_initializer": small()}, (ROWS,)),
    Case("PReLU", {"alpha_initializer": small(), "shared_axes": [1]}, (SEQUENCES,)),
    Case("ELU", {}, (ROWS,)),
    Case("ELU", {"alpha": 0.5}, (ROWS,)),
    Case("Identity", {}, (ROWS,)),
    Case("Permute", {"dims": (2, 1)}, (SEQUENCES,)),
    Case("Permute", {"dims": (3, 1, 2)}, (IMAGES,)),
    Case("RepeatVector", {"n": 3}, (ROWS,)),
    Case("Lambda", {"function": RELU}, (ROWS,)),
    Case("SpatialDropout1D", {"rate": 0.4, "seed": 1}, (SEQUENCES,)),
    _noisy("SpatialDropout1D", SEQUENCES, rate=0.4),
    _noisy("SpatialDropout2D", IMAGES, rate=0.4),
    _noisy("SpatialDropout2D", IMAGES, rate=0.4, data_format="channels_first"),
    _noisy("SpatialDropout3D", VOLUMES, rate=0.4),
    Case("GaussianNoise", {"stddev": 0.5}, (ROWS,)),
    _noisy("GaussianNoise", ROWS, stddev=0.5),
    _noisy("GaussianDropout", ROWS, rate=0.5),
    _noisy("AlphaDropout", ROWS, rate=0.5),
    _noisy("AlphaDropout", SEQUENCES, rate=0.5, noise_shape=(None, 1, None)),
    Case("ActivityRegularization", {"l1": 0.25, "l2": 0.5}, (ROWS,)),
]


@st.composite
def leaky_relu(draw):
    options = {"negative_slope": draw(st.sampled_from([0, 0.25, 1.5]))}
    return Case("LeakyReLU", options, (draw(floats(st.integers(1, 3))),))


@st.composite
def prelu(draw):
    x = draw(floats(st.integers(2, 4)))
    axes = [None, [1], list(range(1, x.ndim))]
    options = {
        "alpha_initializer": draw(initializers),
        "alpha_regularizer": draw(regularizers),
        "alpha_constraint": draw(constraints),
        "shared_axes": draw(st.sampled_from(axes)),
    }
    return Case("PReLU", options, (x,))


@st.composite
def elu(draw):
    options = {"alpha": draw(st.sampled_from([0.0, 0.5, 1.0, -0.5]))}
    return Case("ELU", options, (draw(floats(st.integers(1, 3))),))


@st.composite
def identity(draw):
    return Case("Identity", {}, (draw(floats(st.integers(1, 3))),))


@st.composite
def permute(draw):
    x = draw(floats(st.integers(1, 4)))
    return Case("Permute", {"dims": tuple(draw(st.permutations(range(1, x.ndim))))}, (x,))


@st.composite
def repeat_vector(draw):
    return Case("RepeatVector", {"n": draw(st.integers(1, 4))}, (draw(floats(2)),))


@st.composite
def spatial_dropout(draw, axes):
    options = {"rate": draw(st.sampled_from([0, 0.25, 0.5, 1.0])), "seed": draw(seeds)}
    if axes > 1:
        options["data_format"] = draw(formats)
    call = draw(st.sampled_from([{}, TRAINING, TRAINING]))
    return Case(f"SpatialDropout{axes}D", options, (draw(floats(axes + 2)),), call)


@st.composite
def noise(draw, name, argument):
    options = {argument: draw(st.sampled_from([0, 0.25, 0.75])), "seed": draw(seeds)}
    x = draw(floats(st.integers(2, 3)))
    if name == "AlphaDropout":
        ones = tuple(draw(st.sampled_from([None, 1, n])) for n in x.shape)
        options["noise_shape"] = ones if draw(flags) else None
    return Case(name, options, (x,), draw(st.sampled_from([{}, TRAINING, TRAINING])))


@st.composite
def activity_regularization(draw):
    l1, l2 = draw(st.sampled_from([(0.25, 0.0), (0.0, 2.0), (2.0, 0.25)]))
    options = {"l1": l1, "l2": l2}
    return Case("ActivityRegularization", options, (draw(floats(st.integers(1, 3))),))


CONFIGURATIONS = {
    "LeakyReLU": leaky_relu(),
    "PReLU": prelu(),
    "ELU": elu(),
    "Identity": identity(),
    "Permute": permute(),
    "RepeatVector": repeat_vector(),
    "SpatialDropout1D": spatial_dropout(1),
    "SpatialDropout2D": spatial_dropout(2),
    "SpatialDropout3D": spatial_dropout(3),
    "GaussianNoise": noise("GaussianNoise", "stddev"),
    "GaussianDropout": noise("GaussianDropout", "rate"),
    "AlphaDropout": noise("AlphaDropout", "rate"),
    "ActivityRegularization": activity_regularization(),
}

# Live Keras is asked about it in `tests/layers/test_lambda_layer.py`.
ELSEWHERE = {"Lambda"}

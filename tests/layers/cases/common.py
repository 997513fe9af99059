"""What the cases of all layers share: arrays, initializers, and what Hypothesis chooses from."""

import dataclasses
from typing import Any

import numpy as np
from hypothesis import strategies as st

_random = np.random.default_rng(5)


def normal(*shape):
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
        keras: Whether TensorFlow on a CPU can compute it under every dtype policy.
    """

    name: str
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    inputs: tuple = ()
    call: dict[str, Any] = dataclasses.field(default_factory=dict)
    differentiable: bool = True
    per_sample: bool = True
    keras: bool = True

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


ROWS = normal(4, 3)
SEQUENCES = normal(3, 5, 4)
IMAGES = normal(2, 3, 4, 2)
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

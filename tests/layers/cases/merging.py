"""Cases of the layers that take several inputs."""

import numpy as np
from hypothesis import strategies as st

from tests.layers.cases.common import ROWS, SEQUENCES, Case, flags, floats, normal, seeds

OTHER = normal(*SEQUENCES.shape)
THIRD = normal(*SEQUENCES.shape)
ONE_STEP = normal(3, 1, 4)
FEATURES = normal(3, 4)
ALIKE = "Add Multiply Average Maximum Minimum".split()

CASES = [
    *(Case(name, {}, ([SEQUENCES, OTHER, THIRD],)) for name in ALIKE),
    *(Case(name, {}, ([SEQUENCES, ONE_STEP],)) for name in ALIKE),
    *(Case(name, {}, ([FEATURES, SEQUENCES],)) for name in ALIKE),
    Case("Add", {}, ([ROWS],)),
    Case("Subtract", {}, ([SEQUENCES, OTHER],)),
    Case("Subtract", {}, ([FEATURES, SEQUENCES],)),
    Case("Concatenate", {}, ([SEQUENCES, OTHER[..., :2]],)),
    Case("Concatenate", {"axis": 1}, ([SEQUENCES, ONE_STEP, OTHER],)),
    Case("Dot", {"axes": 1}, ([ROWS, normal(4, 3)],)),
    Case("Dot", {"axes": -1, "normalize": True}, ([ROWS, normal(4, 3)],)),
    Case("Dot", {"axes": [2, 1]}, ([SEQUENCES, normal(3, 4, 2)],)),
    Case("Dot", {"axes": [1, -1]}, ([FEATURES, SEQUENCES],)),
    Case("Dot", {"axes": 2}, ([normal(2, 3, 4, 2), normal(2, 2, 4, 3)],)),
]


@st.composite
def alike(draw, name):
    """Inputs that broadcast, some of which have fewer axes.

    No axis is as long as that of the samples, as Keras 3.15 takes an input (n, 1, 1) for a bias
    where the last axis of another has length n.
    """
    first = draw(floats(st.integers(2, 4), batch=5))
    count = 2 if name == "Subtract" else draw(st.integers(1, 3))
    inputs = [first]
    random = np.random.default_rng(draw(seeds))
    for _ in range(count - 1):
        shape = [n if i == 0 or draw(flags) else 1 for i, n in enumerate(first.shape)]
        shape = shape[:1] + shape[draw(st.integers(1, len(shape) - 1)) :]
        inputs.append(random.normal(size=shape).astype("float32"))
    return Case(name, {}, (draw(st.permutations(inputs)),))


@st.composite
def concatenate(draw):
    first = draw(floats(st.integers(2, 4)))
    axis = draw(st.integers(-1, first.ndim - 1))
    random = np.random.default_rng(draw(seeds))
    inputs = [first]
    for _ in range(draw(st.integers(0, 2))):
        shape = list(first.shape)
        shape[axis] = draw(st.integers(1, 3))
        inputs.append(random.normal(size=shape).astype("float32"))
    return Case("Concatenate", {"axis": axis}, (inputs,))


@st.composite
def dot(draw):
    first = draw(floats(st.integers(2, 4), low=2))
    second = draw(floats(st.integers(2, 3), low=2))
    a, b = draw(st.integers(1, first.ndim - 1)), draw(st.integers(1, second.ndim - 1))
    second = np.moveaxis(second, b, -1)[..., :1].repeat(first.shape[a], -1)
    second = np.resize(second, (len(first), *second.shape[1:]))
    second = np.moveaxis(second + np.arange(first.shape[a], dtype="float32"), -1, b)
    # Negative numbers in a pair are left out: Keras then checks other axes than it takes.
    axes = a if a == b and draw(flags) else [a, b]
    options = {"axes": axes, "normalize": draw(flags)}
    return Case("Dot", options, ([first, np.ascontiguousarray(second)],))


CONFIGURATIONS = {
    **{name: alike(name) for name in [*ALIKE, "Subtract"]},
    "Concatenate": concatenate(),
    "Dot": dot(),
}

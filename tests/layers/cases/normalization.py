"""Cases of the layers that normalize."""

import numpy as np
from hypothesis import strategies as st

from tests.layers.cases.common import (
    IMAGES,
    ROWS,
    SEQUENCES,
    STEPS,
    Case,
    constraints,
    flags,
    floats,
    glorot,
    initializers,
    inner,
    masks_for,
    regularizers,
    small,
)

WEIGHTS = {"beta_initializer": small(1), "gamma_initializer": small(2)}
AVERAGES = {"moving_mean_initializer": small(3), "moving_variance_initializer": "ones"}
TRAINING = {"training": True}
DENSE = inner("Dense", name="dense", units=2, kernel_initializer=glorot())


def _trained(options, x, **call):
    """A case of training, in which rows see each other."""
    return Case("BatchNormalization", options, (x,), {**TRAINING, **call}, True, False)


CASES = [
    Case("BatchNormalization", {**WEIGHTS, **AVERAGES}, (ROWS,)),
    Case("BatchNormalization", {**WEIGHTS, **AVERAGES, "axis": 1}, (IMAGES,)),
    Case("BatchNormalization", {"center": False, "scale": False}, (SEQUENCES,)),
    _trained(WEIGHTS, ROWS),
    _trained({**WEIGHTS, "axis": 1}, IMAGES),
    _trained({**WEIGHTS, "gamma_regularizer": "l2", "scale": False}, SEQUENCES),
    _trained(WEIGHTS, SEQUENCES, mask=STEPS),
    _trained({**WEIGHTS, "axis": 1}, SEQUENCES, mask=STEPS),
    Case("LayerNormalization", WEIGHTS, (ROWS,)),
    Case("LayerNormalization", {**WEIGHTS, "axis": [2, 1]}, (SEQUENCES,)),
    Case("LayerNormalization", {**WEIGHTS, "axis": -2, "center": False}, (IMAGES,)),
    Case("LayerNormalization", {**WEIGHTS, "axis": [1, -1], "scale": False}, (IMAGES,)),
    Case("GroupNormalization", {**WEIGHTS, "groups": 3}, (ROWS,)),
    Case("GroupNormalization", {**WEIGHTS, "groups": 2, "axis": 2}, (IMAGES,)),
    Case("GroupNormalization", {**WEIGHTS, "groups": 2, "center": False}, (SEQUENCES,)),
    Case("GroupNormalization", {**WEIGHTS, "groups": -1, "scale": False}, (SEQUENCES,)),
    Case("UnitNormalization", {}, (ROWS,)),
    Case("UnitNormalization", {"axis": [1, 2]}, (SEQUENCES,)),
    Case("RMSNormalization", {}, (ROWS,)),
    Case("RMSNormalization", {"axis": [1, 2], "epsilon": 0.1}, (SEQUENCES,)),
    Case("SpectralNormalization", {"layer": DENSE}, (ROWS,)),
    Case("Normalization", {}, (ROWS,)),
    Case("Normalization", {"axis": [1, 2]}, (SEQUENCES,)),
    Case("Normalization", {"axis": None, "mean": 0.5, "variance": 4.0}, (SEQUENCES,)),
    Case("Normalization", {"mean": [1.0, 2, 3], "variance": [3.0, 2, 1], "invert": True}, (ROWS,)),
    Case("Rescaling", {"scale": 0.5, "offset": -1}, (ROWS,)),
    Case("Rescaling", {"scale": [0.5, 1.5, -2.0], "offset": [1, 2, 3]}, (ROWS,)),
    Case("Rescaling", {"scale": 2, "offset": 0.0}, ((10 * ROWS).astype("int32"),), {}, False),
]


def _weights(draw):
    return {
        "epsilon": draw(st.sampled_from([0.01, 0.25])),
        "center": draw(flags),
        "scale": draw(flags),
        "beta_initializer": draw(initializers),
        "gamma_initializer": draw(initializers),
        "beta_regularizer": draw(regularizers),
        "gamma_regularizer": draw(regularizers),
        "beta_constraint": draw(constraints),
        "gamma_constraint": draw(constraints),
    }


@st.composite
def batch(draw):
    x = draw(floats(st.integers(2, 4), low=2, batch=5))
    renorm = draw(flags)
    clippings = [None, {}, {"rmin": 0.5, "rmax": 1.5}, {"dmax": 0.1}]
    options = {
        **_weights(draw),
        "axis": draw(st.sampled_from([-1, 1, x.ndim - 1])),
        "momentum": draw(st.sampled_from([0.99, 0.5, 0.0])),
        "moving_mean_initializer": draw(initializers),
        "moving_variance_initializer": draw(st.sampled_from(["ones", _constant(0.5)])),
        "renorm": renorm,
        "renorm_clipping": draw(st.sampled_from(clippings)),
        "renorm_momentum": draw(st.sampled_from([0.99, 0.25])),
    }
    call = dict(draw(st.sampled_from([{}, TRAINING, TRAINING])))
    if x.ndim > 2:
        call.update(draw(masks_for(x, x.ndim - 1)))
    return Case("BatchNormalization", options, (x,), call)


def _constant(value):
    return {"class_name": "Constant", "config": {"value": value}}


@st.composite
def layer(draw):
    x = draw(floats(st.integers(2, 4), low=3))
    axes = [-1, x.ndim - 1, 1, [1], list(range(1, x.ndim)), [-1, 1] if x.ndim > 2 else -1]
    options = {**_weights(draw), "axis": draw(st.sampled_from(axes))}
    return Case("LayerNormalization", options, (x,))


@st.composite
def group(draw):
    groups, size = draw(st.integers(1, 3)), draw(st.integers(2, 3))
    x = draw(floats(st.integers(2, 4), low=3))
    axis = draw(st.sampled_from([-1, 1, x.ndim - 1]))
    x = np.repeat(x.take([0], axis), groups * size, axis)
    x = x + np.random.default_rng(1).normal(size=x.shape).astype("float32")
    options = {**_weights(draw), "axis": axis, "groups": draw(st.sampled_from([groups, -1]))}
    return Case("GroupNormalization", options, (x,))


@st.composite
def unit(draw):
    x = draw(floats(st.integers(2, 4), low=2))
    return Case("UnitNormalization", {"axis": draw(st.sampled_from([-1, 1, [1], [0, 1]]))}, (x,))


@st.composite
def rms(draw):
    x = draw(floats(st.integers(2, 4), low=3))
    axes = [-1, x.ndim - 1, list(range(1, x.ndim))]
    options = {
        "axis": draw(st.sampled_from(axes)),
        "epsilon": draw(st.sampled_from([1e-6, 0.5])),
    }
    return Case("RMSNormalization", options, (x,))


@st.composite
def spectral(draw):
    options = {"layer": DENSE, "power_iterations": draw(st.integers(1, 4))}
    call = draw(st.sampled_from([{}, TRAINING]))
    return Case("SpectralNormalization", options, (draw(floats(2, low=2)),), call)


@st.composite
def by_moments(draw):
    x = draw(floats(st.integers(2, 3)))
    axis = draw(st.sampled_from([-1, None, 1, tuple(range(1, x.ndim))]))
    axes = () if axis is None else (axis,) if isinstance(axis, int) else axis
    random = np.random.default_rng(3)
    shape = [x.shape[a] for a in axes][draw(st.integers(0, len(axes))) :]
    given = draw(flags)
    options = {
        "axis": axis,
        "mean": random.normal(size=shape).tolist() if given else None,
        "variance": random.random(size=shape).tolist() if given else None,
        "invert": draw(flags),
    }
    return Case("Normalization", options, (x,))


@st.composite
def rescaling(draw):
    x = draw(floats(st.integers(1, 3)))
    number = st.sampled_from([0.5, 2, -1.25])
    many = st.lists(number, min_size=x.shape[-1], max_size=x.shape[-1])
    options = {"scale": draw(st.one_of(number, many)), "offset": draw(st.one_of(number, many))}
    x = x.astype(draw(st.sampled_from(["float32", "int32", "uint8"])))
    return Case("Rescaling", options, (x,))


CONFIGURATIONS = {
    "BatchNormalization": batch(),
    "LayerNormalization": layer(),
    "GroupNormalization": group(),
    "UnitNormalization": unit(),
    "RMSNormalization": rms(),
    "SpectralNormalization": spectral(),
    "Normalization": by_moments(),
    "Rescaling": rescaling(),
}

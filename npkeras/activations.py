"""Activations by name: what `activation="relu"` stands for in a layer.

They are the ops of the same names; `relu` and `gelu` have other arguments or defaults here.
"""

from __future__ import annotations

from npkeras import ops
from npkeras.core import check, registry
from npkeras.core.registry import register
from npkeras.ops.activation import (
    bent_relu,
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh_shrink,
    threshold,
)
from npkeras.ops.elementwise import tanh

_ALIASES = {hard_silu: ("hard_swish",), silu: ("swish",)}

for _activation in (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    mish,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
):
    register("activations", *_ALIASES.get(_activation, ()))(_activation)

hard_swish = hard_silu
swish = silu

for _op in (ops.relu, ops.gelu):  # configs hold their names too, which stand for the ones below
    registry.known_as("activations", _op)


@register("activations")
def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """x where x > 0 and 0 elsewhere, with three ways to bend it.

    Args:
        x: An array.
        negative_slope: The slope below the threshold.
        max_value: Where it stops rising. None: nowhere.
        threshold: Below it the result is `negative_slope` * (x - threshold).

    Example:
        >>> npkeras.activations.relu(np.array([-2.0, 0.5, 9.0]), negative_slope=0.5, max_value=6.0)
        array([-1. ,  0.5,  6. ])
    """
    if max_value is None and not threshold:
        return leaky_relu(x, negative_slope=negative_slope) if negative_slope else ops.relu(x)
    return bent_relu(x, negative_slope=negative_slope, max_value=max_value, threshold=threshold)


@register("activations")
def gelu(x, approximate=False):
    """x times the normal distribution's probability of a value below x.

    Args:
        x: An array.
        approximate: Whether to use a formula with tanh in place of the exact one.
    """
    return ops.gelu(x, approximate=approximate)


@register("activations")
def exponential(x):
    """e to the x."""
    return ops.exp(x)


@register("activations")
def linear(x):
    """x itself."""
    return x


def get(identifier):
    """The activation that a name, config or callable stands for; `linear` for None.

    Example:
        >>> npkeras.activations.get("relu")(np.array([-1.0, 2.0]))
        array([0., 2.])
    """
    if identifier is None:
        return linear
    if isinstance(identifier, (str, dict)) or callable(identifier):
        return registry.resolve("activations", identifier)
    raise ValueError(
        f"An activation is a name, a config or a callable. Received: {check.shown(identifier)}"
    )


def serialize(activation):
    """The name or config of an activation."""
    return registry.serialize_argument(activation)


def deserialize(config, custom_objects=None):
    """The activation that `serialize` described."""
    return registry.resolve("activations", config, custom_objects)


__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]

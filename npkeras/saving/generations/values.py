"""What layers are given, in older files: activations, initializers, dtypes."""

from __future__ import annotations

from typing import Any

from npkeras import ops
from npkeras.core import registry

Config = dict[str, Any]


@registry.register_keras_serializable(package="npkeras", name="hard_sigmoid_of_keras_2")
def hard_sigmoid_of_keras_2(x: Any) -> Any:
    """x / 5 + 1/2, kept between 0 and 1: what `"hard_sigmoid"` meant before Keras 3.

    Keras 3 has x / 6 + 1/2 under the old name. A model with the old meaning is saved under this
    name, so that Keras asks for the function instead of computing something else.

    Example:
        >>> from npkeras.saving.generations import hard_sigmoid_of_keras_2
        >>> hard_sigmoid_of_keras_2(np.array([-2.5, 0.5, 2.5]))
        array([0. , 0.6, 1. ])
    """
    return ops.clip(ops.add(ops.multiply(x, 0.2), 0.5), 0.0, 1.0)


_OLD_ACTIVATIONS = {"softmax_v2": "softmax", "leaky_relu_v2": "leaky_relu", "relu_v2": "relu"}
_OLD_INITIALIZERS = {
    "zero": "zeros", "one": "ones", "uniform": "random_uniform", "normal": "random_normal",
}  # fmt: skip
_OLD_REGULARIZERS = dict.fromkeys(
    ("WeightRegularizer", "ActivityRegularizer", "L1L2Regularizer"), "L1L2"
)


def upgrade_activation(value: Any) -> Any:
    """An activation, by name or as a config."""
    name = value
    if registry.is_config(value):
        if value["class_name"] != "function":
            return upgrade_value(value)
        name = value["config"]
    if name == "hard_sigmoid":
        return registry.serialize(hard_sigmoid_of_keras_2)
    return _OLD_ACTIVATIONS.get(name, value) if isinstance(name, str) else value


def upgrade_initializer(value: Any) -> Any:
    """An initializer, by name or as a config."""
    if isinstance(value, str):
        return _OLD_INITIALIZERS.get(value, value)
    return upgrade_value(value)


def upgrade_value(value: Any) -> Any:
    """An initializer, regularizer or constraint: only arguments that it has today."""
    if isinstance(value, dict) and isinstance(value.get("name"), str) and "config" not in value:
        rest = {k: v for k, v in value.items() if k != "name"}  # Keras 1: the class is the name
        value = {"class_name": value["name"], "config": rest}
    if not registry.is_config(value) or not isinstance(value["config"], dict):
        return value
    name, config = value["class_name"], dict(value["config"])
    if not isinstance(name, str):
        return value
    name = _OLD_REGULARIZERS.get(name, name)
    if "m" in config and name.lower() in ("maxnorm", "max_norm"):
        config["max_value"] = config.pop("m")
    for kind in ("initializers", "regularizers", "constraints"):
        known = registry.table(kind).get(_OLD_INITIALIZERS.get(name, name))
        if known is not None:
            taken = registry.argument_names(known)
            config = {k: v for k, v in config.items() if k in taken}
            return {
                "module": f"keras.{kind}", "class_name": known.__name__, "config": config,
                "registered_name": None,
            }  # fmt: skip
    return value


def upgrade_dtype(value: Any) -> Any:
    """A dtype, or a policy by the name of its class in Keras 2."""
    if isinstance(value, dict) and value.get("class_name") in ("Policy", "PolicyV1"):
        value = (value.get("config") or {}).get("name")
    return value


def upgrade_argument(name: str, value: Any) -> Any:
    """An argument of a layer, by its name."""
    if name in ("activation", "recurrent_activation"):
        return upgrade_activation(value)
    if name.endswith("initializer"):
        return upgrade_initializer(value)
    if name.endswith(("regularizer", "constraint")):
        return upgrade_value(value)
    if name == "dtype":
        return upgrade_dtype(value)
    return value

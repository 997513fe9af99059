"""The config of a model of Keras 1 or 2, with all that is in it."""

from __future__ import annotations

from typing import Any

from npkeras.core import registry
from npkeras.saving.errors import CorruptFileError
from npkeras.saving.generations.graph import OPS, Connections, upgrade_op
from npkeras.saving.generations.table import Owner, upgrade_layer
from npkeras.saving.generations.training import upgrade_training
from npkeras.saving.generations.values import upgrade_argument

Config = dict[str, Any]
Version = tuple[int, ...]

_MODELS = ("Model", "Functional", "Sequential")


def upgrade_model(entry: Config, version: Version) -> Config:
    """The config of a model, or of any other layer."""
    if version[0] >= 3:
        return _with_modules(entry)
    config = _upgraded(entry, version)
    compile_config = entry.get("compile_config")
    if compile_config:
        outputs = output_names(config)
        config["compile_config"] = upgrade_training(compile_config, version[0], outputs) or {}
    return config


def output_names(entry: Config) -> tuple[str, ...]:
    """The names of a functional model's outputs, where it has several."""
    ends = entry["config"].get("output_layers")
    if isinstance(ends, list) and ends and all(isinstance(end, list) for end in ends):
        return tuple(end[0] for end in ends)
    return ()


def _upgraded(entry: Config, version: Version) -> Config:
    name, config = entry["class_name"], entry["config"]
    if name == "Sequential":
        config = _sequential(config, entry, version)
        return _object("keras", name, config)
    if name in _MODELS and "layers" in config:
        return {
            **_object("keras.src.models.functional", "Functional", _functional(config, version)),
            "registered_name": "Functional",
        }
    if not _is_ours(entry):
        return {k: _inside(v, version) if k == "config" else v for k, v in entry.items()}
    return _layer(entry, version)


def _object(module: str, class_name: str, config: Config) -> Config:
    return {
        "module": module, "class_name": class_name, "config": config, "registered_name": None,
    }  # fmt: skip


def _is_ours(entry: Config) -> bool:
    """Whether a class is Keras' own, and not one that a user registered."""
    if ">" in str(entry["class_name"]) or ">" in str(entry.get("registered_name") or ""):
        return False
    module = str(entry.get("module") or "keras")
    return module.partition(".")[0] in ("keras", "tf_keras", "tensorflow", "builtins")


# -- Layers --------------------------------------------------------------------------------------


def _layer(entry: Config, version: Version) -> Config:
    owner = _owner(entry, version)
    class_name, config = upgrade_layer(dict(entry["config"]), owner)
    config = {k: _argument(k, v, version) for k, v in config.items()}
    if "name" in config:
        config["name"] = _name(config["name"])
    if class_name == "InputLayer":
        config = _input(config, owner)
    return _object("keras.layers", class_name, config)


def _owner(entry: Config, version: Version) -> Owner:
    config = entry["config"] if isinstance(entry["config"], dict) else {}
    name = config.get("name", entry.get("name", "?"))
    return Owner(str(entry["class_name"]), str(name), version)


def _name(name: Any) -> Any:
    """Names of layers may not hold a "/" any more."""
    return name.replace("/", "_") if isinstance(name, str) else name


def _input(config: Config, owner: Owner) -> Config:
    """An InputLayer knows no other arguments than these."""
    known = ("batch_shape", "dtype", "sparse", "ragged", "name", "optional")
    config = {k: v for k, v in config.items() if k in known}
    if not isinstance(config.get("dtype", ""), (str, type(None))):
        raise owner.refuse(f"dtype={config['dtype']!r:.60} is none that arrays have.")
    return config


def _argument(name: str, value: Any, version: Version) -> Any:
    """An argument of a layer: layers within it are upgraded like others."""
    changed = upgrade_argument(name, value)
    return _inside(changed, version) if changed is value else changed


def _inside(value: Any, version: Version) -> Any:
    if registry.is_config(value) and isinstance(value["config"], dict):
        if _is_layer(value):
            return _upgraded(value, version)
        return value
    if isinstance(value, dict):
        return {k: _inside(v, version) for k, v in value.items()}
    if isinstance(value, list):
        return [_inside(v, version) for v in value]
    return value


def _is_layer(value: Config) -> bool:
    name = str(value["class_name"])
    known = name in registry.table("layers") or name in _MODELS or "layers" in value["config"]
    return known or "trainable" in value["config"] or name.startswith("CuDNN")


# -- Sequential ----------------------------------------------------------------------------------


def _sequential(config: Any, entry: Config, version: Version) -> Config:
    given = {"layers": config} if isinstance(config, list) else dict(config)  # before Keras 2.2.3
    layers = given.get("layers")
    if not isinstance(layers, list):
        raise CorruptFileError("A Sequential model without a list of layers.")
    given["layers"] = [_upgraded(layer, version) for layer in layers]
    first = _first_input(layers)
    if first is not None:
        given["layers"].insert(0, first)
    shape = given.pop("build_input_shape", None) or (entry.get("build_config") or {}).get(
        "input_shape"
    )
    if shape and first is None and not (layers and layers[0]["class_name"] == "InputLayer"):
        given["build_input_shape"] = shape
    return {k: v for k, v in given.items() if k in _SEQUENTIAL}


_SEQUENTIAL = ("name", "trainable", "dtype", "layers", "build_input_shape")


def _first_input(layers: list[Config]) -> Config | None:
    """The InputLayer that stands for `batch_input_shape` of a first layer."""
    if not layers or layers[0]["class_name"] == "InputLayer":
        return None
    layer = layers[0]
    inner = layer["config"]
    if layer["class_name"] in ("Bidirectional", "TimeDistributed") and isinstance(inner, dict):
        shape = inner.get("batch_input_shape")
        if shape is None and layer["class_name"] == "Bidirectional":
            shape = inner.get("layer", {}).get("config", {}).get("batch_input_shape")
    elif layer["class_name"] in _MODELS:
        return None  # it begins with an input of its own
    else:
        shape = inner.get("batch_input_shape")
    if shape is None:
        shape = _keras_1_shape(layer)
    if not isinstance(shape, list):
        return None
    name = str(inner.get("name", "layer")).replace("/", "_")
    config = {"batch_shape": shape, "dtype": "float32", "sparse": False, "name": f"{name}_input"}
    return _object("keras.layers", "InputLayer", config)


def _keras_1_shape(layer: Config) -> list[Any] | None:
    """The shape of the input where only `input_dim` and `input_length` were written."""
    config = layer["config"]
    if layer["class_name"] == "Embedding":
        return [None, config.get("input_length")] if "input_length" in config else None
    if isinstance(config.get("input_dim"), int):  # layers over steps write both
        length = [config["input_length"]] if "input_length" in config else []
        return [None, *length, config["input_dim"]]
    return None


# -- Functional ----------------------------------------------------------------------------------


def _functional(config: Config, version: Version) -> Config:
    layers = config["layers"]
    for entry in layers:
        entry.setdefault("name", entry["config"].get("name"))
    renamed = {entry["name"]: _name(entry["name"]) for entry in layers}
    connections = Connections(layers, renamed)
    upgraded = [_node(entry, connections, version) for entry in layers]
    return {
        "name": config.get("name"),
        "trainable": config.get("trainable", True),
        "layers": upgraded,
        "input_layers": connections.ends(config["input_layers"]),
        "output_layers": connections.ends(config["output_layers"]),
    }


def _node(entry: Config, connections: Connections, version: Version) -> Config:
    """The entry of a layer in a functional model, with its calls."""
    owner = _owner(entry, version)
    calls = connections.upgraded(entry, owner)
    if entry["class_name"] in OPS:
        made = upgrade_op(entry, owner, calls)
        made["config"]["name"] = _name(entry["name"])
        return {**made, "name": _name(entry["name"])}
    return {**_upgraded(entry, version), "name": _name(entry["name"]), "inbound_nodes": calls}


# -- Keras 3 -------------------------------------------------------------------------------------


def _with_modules(entry: Config) -> Config:
    """`model_config` of a `.h5` file of Keras 3, which has no modules, with those that matter.

    An operation may have the name of a layer, and is told by having nothing to be trained.
    """
    config = entry["config"]
    layers = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(layers, list):
        return entry
    return {**entry, "config": {**config, "layers": [_with_module(layer) for layer in layers]}}


def _with_module(entry: Any) -> Any:
    if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
        return entry
    if "module" not in entry and entry.get("class_name") in _MODELS:
        sequential = entry["class_name"] == "Sequential"
        entry = {**entry, "module": "keras" if sequential else "keras.src.models.functional"}
    elif "module" not in entry and "inbound_nodes" in entry:
        if not {"trainable", "batch_shape", "layers"} & entry["config"].keys():
            return {**entry, "module": "keras.src.ops.numpy"}
    return _with_modules(entry)

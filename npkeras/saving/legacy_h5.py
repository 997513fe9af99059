"""`.h5`: whole models, and weights alone, in the format of Keras 1 and 2 that Keras 3 still has.

A group for each layer, under the layer's name, holds its arrays under the names of its weights.
Lists of names say in which order they go; arrays are assigned in that order. Whole models have
their config as JSON in an attribute.
"""

from __future__ import annotations

import json
import pathlib
from typing import Any, NamedTuple

import numpy as np

from npkeras.core import check, registry
from npkeras.core.tape import plain
from npkeras.saving import generations, hdf5, json_text, keras_file, parts
from npkeras.saving.atomic import replacing
from npkeras.saving.errors import CorruptFileError, WeightsMismatchError, warn

_WRITTEN_AS = "3.15.1"  # the version of Keras whose layout is written
_BACKEND = "tensorflow"
_LONGEST_ATTRIBUTE = 64512  # bytes; longer lists of names are split
_MOST_NAMES = 1_000_000
_TOP = "top_level_model_weights"
_MODEL, _OPTIMIZER = "model_weights", "optimizer_weights"


def is_legacy(file: Any) -> bool:
    """Whether an open HDF5 file has this layout, and not that of `.weights.h5`."""
    names = ("layer_names", "layer_names0", "model_config")
    return any(name in file.attrs for name in names) or has_member(file, _MODEL)


# -- Writing -------------------------------------------------------------------------------------


def save_model(
    model: Any, path: Any, overwrite: bool = True, include_optimizer: bool = True
) -> None:
    """Write a whole model, as Keras 3 does.

    Args:
        model: The model: a Sequential or a functional one, whose config says how it is made.
        path: The file.
        overwrite: Whether to replace an older file.
        include_optimizer: Whether to write how it is trained, and the optimizer's state.
    """
    path = pathlib.Path(path)
    if path.exists() and not overwrite:
        raise FileExistsError(f"{str(path)!r} exists. Pass `overwrite=True` to replace it.")
    config = json.dumps(_bare_model(model), separators=(",", ":"))
    training = _training_config(model) if include_optimizer else None
    found = parts.parts_of(model)
    parts.warn_of_non_finite(found, path.name)
    with replacing(path, parts.size_of(found) + len(config)) as temporary:
        with hdf5.new_file(temporary, path) as file:
            _write_versions(file)
            file.attrs["model_config"] = config
            _write_weights(model, file.create_group(_MODEL))
            if training is not None:
                file.attrs["training_config"] = json.dumps(training, separators=(",", ":"))
                if model.optimizer.built:
                    _write_arrays(file.create_group(_OPTIMIZER), model.optimizer.variables)


def _write_versions(group: Any) -> None:
    group.attrs["keras_version"] = _WRITTEN_AS
    group.attrs["backend"] = _BACKEND


def _write_weights(model: Any, group: Any) -> None:
    """Every layer's weights; what is a layer's order is said in `_weights_of`."""
    layers = model.layers
    names = [layer.name for layer in layers]
    if len(set(names)) != len(names):
        raise ValueError(
            f"Model {model.name!r} has two layers of one name: `.h5` files hold each under its "
            "name. Give them others, or save a `.keras` file."
        )
    _write_names(group, "layer_names", names)
    _write_versions(group)
    for layer in sorted(layers, key=lambda layer: layer.name):
        _write_arrays(group.create_group(layer.name), _weights_of(layer))
    _write_arrays(group.create_group(_TOP), parts.variables_of(model))


def _write_arrays(group: Any, variables: list[Any]) -> None:
    names = [str(variable.path) for variable in variables]
    if len(set(names)) != len(names):
        raise ValueError(
            f"Two weights within {group.name!r} have one path, under which a `.h5` file would "
            "hold both. Give the layers other names, or save a `.keras` file."
        )
    _write_names(group, "weight_names", names)
    for name, variable in zip(names, variables, strict=True):
        group.create_dataset(name, data=np.asarray(plain(variable.value)))


def _write_names(group: Any, name: str, texts: list[str]) -> None:
    """A list of names, in several attributes if it is too long for one."""
    longest = 4 * max(map(len, texts), default=0)
    if longest * len(texts) <= _LONGEST_ATTRIBUTE:
        group.attrs[name] = texts
        return
    pieces = -(-longest * len(texts) // _LONGEST_ATTRIBUTE)
    while longest * -(-len(texts) // pieces) > _LONGEST_ATTRIBUTE:
        pieces += 1
    for i, piece in enumerate(np.array_split(np.arange(len(texts)), pieces)):
        group.attrs[f"{name}{i}"] = [texts[j] for j in piece]


def _bare_model(model: Any) -> dict[str, Any]:
    entry = registry.serialize(model)
    if not isinstance(entry["config"].get("layers"), list):
        raise NotImplementedError(
            f"Model {model.name!r} ({type(model).__name__}) is made by its own code, which a `.h5` "
            "file has no place for. Save a `.keras` file, or the weights alone."
        )
    return _bare(entry)


def _bare(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry of a layer as these files have it: without module, build and compile config."""
    config = entry["config"]
    if isinstance(config.get("layers"), list) and "name" in config:
        config = {**config, "layers": [_bare(layer) for layer in config["layers"]]}
    name = entry.get("registered_name")
    custom = isinstance(name, str) and ">" in name
    known = registry.table("layers").get(entry["class_name"])
    own_name = getattr(known, "name_in_files", entry["class_name"])
    bare = {"class_name": name if custom else own_name, "config": config}
    return bare | {key: entry[key] for key in ("name", "inbound_nodes") if key in entry}


def _training_config(model: Any) -> dict[str, Any] | None:
    if not getattr(model, "compiled", False):
        return None
    config = {k: _without_module(v) for k, v in model.get_compile_config().items()}
    optimizer = config.pop("optimizer")
    return {**config, "optimizer_config": optimizer}


def _without_module(value: Any) -> Any:
    if registry.is_config(value):
        if value["class_name"] == "function":
            return value["config"]
        if value["class_name"] == "__lambda__":
            return "<lambda>"  # these files, too, say of it only that
        name = value.get("registered_name")
        custom = isinstance(name, str) and ">" in name
        return {"class_name": name if custom else value["class_name"], "config": value["config"]}
    if isinstance(value, dict):
        return {k: _without_module(v) for k, v in value.items()}
    return [_without_module(v) for v in value] if isinstance(value, list) else value


def _weights_of(layer: Any) -> list[Any]:
    """A layer's weights in the order of these files: those that are trained come first."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


# -- Reading -------------------------------------------------------------------------------------


class Origin(NamedTuple):
    """Who wrote a file, and what messages call it."""

    name: str
    version: tuple[int, ...]
    backend: str | None


def origin_of(file: Any, name: str) -> Origin:
    """The version and backend in the attributes of a file, or of its weights."""
    places = [file]
    if has_member(file, _MODEL):
        places.append(group_within(file, _MODEL, name))
    texts = {}
    for key in ("keras_version", "backend"):
        found = [text_of(place, key, name) for place in places if key in place.attrs]
        texts[key] = found[0] if found else None
    version = generations.parse_version(texts["keras_version"])
    return Origin(name, version, texts["backend"])


def load_model(
    path: Any,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model in a `.h5` file of any generation of Keras.

    Args:
        path: The file.
        custom_objects: Classes and functions of the user's own, by name.
        compile: Whether the model is compiled as the one that was saved.
        safe_mode: Taken for Keras' sake. Code in a file is never run, whatever it says.

    Raises:
        CorruptFileError: When it is damaged, or holds what no model file should.
        NotExpressibleError: When it holds what there is no counterpart of.
        WeightsMismatchError: When its weights do not fit its config.
    """
    path = pathlib.Path(path)
    with hdf5.open_file(path) as file:
        origin = origin_of(file, path.name)
        with registry.CustomObjectScope(custom_objects):
            config = config_of(file, origin)
        if config is None:
            raise CorruptFileError(
                f"{path.name!r} holds no model, only weights. Make the model in code, then call "
                "`model.load_weights`."
            )
        weights = group_within(file, _MODEL, path.name)
        held = _held(weights, origin)
        with registry.CustomObjectScope(custom_objects):
            model = keras_file.model_from(config, custom_objects, compile, held, path.name)
        if model.built or any(one.weights for one in saved_layers(weights, origin)):
            _load_layers(model, weights, origin, by_name=False, skip_mismatch=False)
        if compile and model.built and getattr(model, "compiled", False):
            _load_optimizer(model, file, origin)
    return model


def config_of(file: Any, origin: Origin) -> dict[str, Any] | None:
    """The config of the model in the layout of today, with its `compile_config`; None if none."""
    if "model_config" not in file.attrs:
        return None
    version = ".".join(map(str, origin.version))
    config = generations.upgrade(parsed(file, "model_config", origin), version)
    json_text.check_config(config, f"'model_config' of {origin.name!r}")
    if "training_config" in file.attrs:
        training = parsed(file, "training_config", origin)
        json_text.check_config(training, f"'training_config' of {origin.name!r}")
        config["compile_config"] = generations.upgrade_training(
            training, version, generations.output_names(config)
        )
    return config


def parsed(file: Any, name: str, origin: Origin) -> dict[str, Any]:
    """The JSON in an attribute."""
    text = text_of(file, name, origin.name)
    return json_text.parse(text.encode(), f"{name!r} of {origin.name!r}")


def load_weights(model: Any, path: Any, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Give a model the weights in a `.h5` file, of a whole model or of weights alone.

    Args:
        model: The model, built.
        path: The file.
        by_name: Whether layers are found by their names. Otherwise those with weights are paired
            in their order.
        skip_mismatch: Whether layers that do not fit are left as they are, with a warning.

    Raises:
        CorruptFileError: When the file is damaged or holds anything but arrays of numbers.
        WeightsMismatchError: When it fits another model. Nothing has changed then.
    """
    path = pathlib.Path(path)
    with hdf5.open_file(path) as file:
        if not is_legacy(file):
            raise CorruptFileError(
                f"{path.name!r} has no list of layers. If its layout is that of `.weights.h5` "
                "files, rename it to end so."
            )
        origin = origin_of(file, path.name)
        group = file
        if not has_names(file, "layer_names"):
            group = group_within(file, _MODEL, path.name)
        _load_layers(model, group, origin, by_name, skip_mismatch)


class Saved(NamedTuple):
    """What a file holds for one layer."""

    name: str
    group: Any
    weights: list[str]


def saved_layers(group: Any, origin: Origin) -> list[Saved]:
    """The layers in a file, in order, with the names of their weights."""
    found = []
    for name in names_of(group, "layer_names", origin.name):
        inner = group_within(group, name, origin.name)
        found.append(Saved(name, inner, names_of(inner, "weight_names", origin.name)))
    return found


def _held(group: Any, origin: Origin) -> hdf5.Held:
    """Where the arrays lie, for the count of the numbers in the file."""
    held: hdf5.Held = {}
    for saved in saved_layers(group, origin):
        for name in saved.weights:
            dataset_within(saved.group, name, origin.name)
        held[saved.group.name] = {name: group.file for name in saved.weights}
    return held


def _load_layers(
    model: Any, group: Any, origin: Origin, by_name: bool, skip_mismatch: bool
) -> None:
    """Read all that is wanted, then assign all of it."""
    _need_weights(model)
    saved = saved_layers(group, origin)
    pairs = _paired_by_name(model, saved, origin) if by_name else _paired(model, saved, origin)
    new: list[tuple[Any, np.ndarray]] = []
    for layer, one in pairs:
        try:
            new += _read_layer(layer, _weights_of(layer), one, origin)
        except WeightsMismatchError as error:
            if not skip_mismatch:
                raise
            warn(f"Skipped: {error}")
    top = parts.variables_of(model)
    if has_member(group, _TOP):
        inner = group_within(group, _TOP, origin.name)
        names = names_of(inner, "weight_names", origin.name)
        if names or top:
            new += _read_layer(model, top, Saved(_TOP, inner, names), origin)
    for variable, array in new:
        variable.assign(array)


def _need_weights(model: Any) -> None:
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} has no weights to load into yet: it is not built. Call it on "
            "data, or `build` it, first."
        )


def _paired(model: Any, saved: list[Saved], origin: Origin) -> list[tuple[Any, Saved]]:
    layers = [layer for layer in model.layers if layer.weights]
    held = [one for one in saved if one.weights]
    if len(layers) != len(held):
        raise WeightsMismatchError(
            f"{origin.name!r} holds weights for {len(held)} layers "
            f"({_listing(one.name for one in held)}), model {model.name!r} has {len(layers)} with "
            f"weights ({_listing(layer.name for layer in layers)})."
        )
    return list(zip(layers, held, strict=True))


def _paired_by_name(model: Any, saved: list[Saved], origin: Origin) -> list[tuple[Any, Saved]]:
    by_name: dict[str, list[Any]] = {}
    for layer in model.layers:
        by_name.setdefault(layer.name, []).append(layer)
    pairs = []
    for one in saved:
        for layer in by_name.get(one.name) or by_name.get(one.name.replace("/", "_")) or ():
            pairs.append((layer, one))
    if not pairs:
        warn(
            f"{origin.name!r}: no layer of model {model.name!r} has the name of one in the file "
            f"({_listing(one.name for one in saved)}). Nothing was loaded."
        )
    return [(layer, one) for layer, one in pairs if layer.weights or one.weights]


def _listing(names: Any) -> str:
    names = list(names)
    shown = ", ".join(check.shown(name, 40) for name in names[:4]) or "none"
    return shown + (", ..." if len(names) > 4 else "")


def _read_layer(
    layer: Any, variables: list[Any], saved: Saved, origin: Origin
) -> list[tuple[Any, np.ndarray]]:
    """The new values of a layer's variables, checked."""
    sets = [dataset_within(saved.group, name, origin.name) for name in saved.weights]
    place = f"{origin.name!r}: {hdf5.printable(saved.group.name)}"
    wheres = [f"{place}/{hdf5.printable(name)}" for name in saved.weights]
    known = [variable.shape for variable in variables] == [one.shape for one in sets]
    shapes = [one.shape if known else None for one in sets]
    arrays = [hdf5.read(*each) for each in zip(sets, shapes, wheres, strict=True)]
    arrays = generations.fitted(layer, variables, arrays, origin.version, origin.backend)
    whose = f"Weights of {origin.name!r} do not fit layer {layer.name!r} ({type(layer).__name__})"
    if len(arrays) != len(variables):
        raise WeightsMismatchError(
            f"{whose}: it has {len(variables)} weights "
            f"({', '.join(v.name for v in variables) or 'none'}), the file holds {len(arrays)}."
        )
    for i, (variable, array) in enumerate(zip(variables, arrays, strict=True)):
        if array.shape != variable.shape:
            raise WeightsMismatchError(
                f"{whose}: its `{variable.name}` has shape {variable.shape}, the file holds "
                f"{array.shape}.{_hint(layer, variable, array)}"
            )
        where = wheres[i] if i < len(wheres) else whose
        parts.check_fits(array, variable, where)
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            warn(f"{where} holds values that are not finite.")
    return list(zip(variables, arrays, strict=True))


def _hint(layer: Any, variable: Any, array: np.ndarray) -> str:
    if variable.name == "bias" and {variable.value.ndim, array.ndim} == {1, 2}:
        after = array.ndim == 2
        return f" If it is a GRU, it was saved with reset_after={after}: make the layer so."
    return " The model was saved with another input or other arguments."


def _load_optimizer(model: Any, file: Any, origin: Origin) -> None:
    if not has_member(file, _OPTIMIZER):
        return
    group = group_within(file, _OPTIMIZER, origin.name)
    names = names_of(group, "weight_names", origin.name)
    optimizer = model.optimizer
    if not optimizer.built:
        optimizer.build(model.trainable_variables)
    largest = sum(variable.value.nbytes for variable in optimizer.variables)
    sets = [dataset_within(group, name, origin.name) for name in names]
    if sum(one.nbytes or 0 for one in sets) <= 6 * largest + (1 << 20):
        read = [hdf5.read(one, one.shape, f"{origin.name!r}: {one.name}") for one in sets]
        old = origin.version[0] < 3
        arrays = generations.upgraded_state(optimizer, read, names) if old else read
        if _fits(optimizer, arrays):
            optimizer.set_weights(arrays)
            return
    warn(
        f"{origin.name!r}: the state of optimizer {optimizer.name!r} was not loaded, as it does "
        f"not fit: it has {len(optimizer.variables)} variables, the file holds {len(names)}. "
        "Training begins with a fresh one."
    )


def _fits(optimizer: Any, arrays: list[np.ndarray] | None) -> bool:
    if arrays is None or len(arrays) != len(optimizer.variables):
        return False
    shapes = [array.shape for array in arrays]
    return shapes == [variable.shape for variable in optimizer.variables] and all(
        np.isfinite(array).all() for array in arrays if array.ndim == 0
    )


# -- Attributes and members, read without trust --------------------------------------------------


def group_within(group: Any, name: str, where: str) -> Any:
    """The group of that name, if it is one."""
    return _within(group, name, where, hdf5.Group, "group")


def dataset_within(group: Any, name: str, where: str) -> Any:
    """The array at a path below a group."""
    return _within(group, name, where, hdf5.Dataset, "array")


def has_member(group: Any, name: str) -> bool:
    """Whether there is something of that name."""
    return name in group


def _within(group: Any, path: str, where: str, kind: type, word: str) -> Any:
    found = group
    shown = f"{where!r}: {hdf5.printable(group.name).rstrip('/')}/{hdf5.printable(path)}"
    for name in path.split("/"):
        if not isinstance(found, hdf5.Group) or name not in found:
            raise CorruptFileError(f"{shown} is missing.")
        found = found[name]
    if not isinstance(found, kind):
        raise CorruptFileError(f"{shown} is no {word}.")
    return found


def text_of(group: Any, name: str, where: str) -> str:
    """An attribute that is one text."""
    attribute = group.attrs.get_id(name)
    if attribute.shape != () or attribute.dtype.kind not in "OS":
        raise CorruptFileError(f"{where!r}: the attribute {name!r} is not one text.")
    return _decoded(group.attrs[name], name, where)


def _decoded(value: Any, name: str, where: str) -> str:
    try:
        text = value.decode("utf-8") if isinstance(value, bytes) else value
    except UnicodeDecodeError as error:
        raise CorruptFileError(f"{where!r}: the attribute {name!r} is not UTF-8.") from error
    if not isinstance(text, str):
        raise CorruptFileError(f"{where!r}: the attribute {name!r} does not hold text.")
    return text


def has_names(group: Any, name: str) -> bool:
    """Whether there is such a list of names, in one piece or several."""
    return name in group.attrs or f"{name}0" in group.attrs


def names_of(group: Any, name: str, where: str) -> list[str]:
    """A list of names in an attribute, or in several that are numbered."""
    keys, place = [name], hdf5.printable(group.name)
    if name not in group.attrs:
        keys = []
        while f"{name}{len(keys)}" in group.attrs:
            keys.append(f"{name}{len(keys)}")
        if not keys:
            raise CorruptFileError(f"{where!r}: {place} has no list {name!r}.")
    found: list[str] = []
    for key in keys:
        attribute = group.attrs.get_id(key)
        length = int(np.prod(attribute.shape or (0,)))
        if len(attribute.shape or ()) != 1 or length + len(found) > _MOST_NAMES:
            raise CorruptFileError(f"{where!r}: {place} has no list of names in {key!r}.")
        if length:
            found += [_decoded(text, key, where) for text in group.attrs[key]]
    return found

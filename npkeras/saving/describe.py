"""What a file of a model or of weights holds, without making anything of it.

Only names, shapes and configs are read, no weights, so it takes the same time for any size.
"""

from __future__ import annotations

import pathlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from npkeras.core.names import snake_case
from npkeras.saving import hdf5, json_text, legacy_h5
from npkeras.saving.archive import Archive
from npkeras.saving.atomic import older_of
from npkeras.saving.errors import CorruptFileError, MissingFileError

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MOST_ROWS = 10_000
_LARGEST_METADATA = 1 << 16  # bytes


class Array(NamedTuple):
    """An array in a file."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def numbers(self) -> int:
        return int(np.prod(self.shape, dtype=object))


class Part(NamedTuple):
    """A layer, an optimizer or another part of a model, and its arrays."""

    name: str
    class_name: str
    arrays: list[Array]
    depth: int = 0  # how many models it lies within


class Description(NamedTuple):
    """What a file holds. Printed, it is a table.

    Attributes:
        path: The file.
        size: Its size in bytes.
        format: What kind of file it is.
        version: The version of Keras that wrote it; None if it does not say.
        model: The name and class of the model; None if there are weights only.
        parts: Its layers with their arrays.
        optimizer: The optimizer's class and how many arrays its state has; None without one.
        compiled: Loss and metrics, in words; None if the model was not compiled.
    """

    path: str
    size: int
    format: str
    version: str | None
    model: tuple[str, str] | None
    parts: list[Part]
    optimizer: Part | None
    compiled: str | None

    @property
    def parameters(self) -> int:
        """How many numbers the weights hold."""
        return sum(array.numbers for part in self.parts for array in part.arrays)

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def describe(filepath: Any) -> Description:
    """Say what a file of a model or of weights holds, without making anything of it.

    Args:
        filepath: A `.keras`, `.weights.h5`, `.weights.json` or `.h5` file of any generation, or
            the folder of a model.

    Returns:
        A `Description`. `print` shows it as a table.

    Raises:
        CorruptFileError: When the file is damaged or is no such file.

    Example:
        >>> import tempfile, pathlib
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = pathlib.Path(folder.name, "model.weights.h5")
        >>> model = npkeras.Sequential([npkeras.Input((3,)), Dense(2, name="out")])
        >>> model.save_weights(path)
        >>> npkeras.saving.describe(path).parameters
        8
    """
    path = older_of(pathlib.Path(filepath))
    if not path.exists():
        raise MissingFileError(f"There is no file {str(path)!r}.")
    if path.is_dir() or path.name.endswith(".keras"):
        return _model_file(path)
    if path.name.endswith(".json"):
        return _sharded(path)
    with hdf5.open_file(path) as file:
        size = path.stat().st_size
        if legacy_h5.is_legacy(file):
            return _legacy(path, size, file)
        held = hdf5.tree_of(file)
        parts, optimizer = _numbered(held)
        kind = "weights of Keras 3 (.weights.h5)"
        if not any("name" in file[group].attrs for group in held):
            kind = "weights of Keras 2 or 3 (.weights.h5)"
        return Description(str(path), size, kind, None, None, parts, optimizer, None)


# -- Kinds of files ------------------------------------------------------------------------------


def _model_file(path: pathlib.Path) -> Description:
    if path.is_dir():
        size = sum(entry.stat().st_size for entry in path.rglob("*") if entry.is_file())
        texts = {name: _text(path / name) for name in (_CONFIG, _METADATA)}
        if texts[_CONFIG] is None:
            raise CorruptFileError(f"{str(path)!r} is a folder without a {_CONFIG!r}.")
        with hdf5.open_file(path / _WEIGHTS) as file:
            held = hdf5.tree_of(file)
            return _keras_3(path, size, "model in a folder", texts, held)
    with open(path, "rb") as source:
        archive = Archive(source, path.name)
        texts = {_CONFIG: archive.read(_CONFIG, json_text.LARGEST), _METADATA: None}
        if _METADATA in archive:
            texts[_METADATA] = archive.read(_METADATA, _LARGEST_METADATA)
        where = f"{path.name}/{_WEIGHTS}"
        with hdf5.open_within(archive.open(_WEIGHTS), where) as file:
            held = hdf5.tree_of(file)
            return _keras_3(path, path.stat().st_size, "model (.keras)", texts, held)


def _text(path: pathlib.Path) -> bytes | None:
    if not path.is_file() or path.is_symlink() or path.stat().st_size > json_text.LARGEST:
        return None
    return path.read_bytes()


def _keras_3(
    path: pathlib.Path, size: int, kind: str, texts: dict[str, bytes | None], held: hdf5.Held
) -> Description:
    config = json_text.parse(texts[_CONFIG] or b"", f"{_CONFIG!r} of {path.name!r}")
    metadata = {}
    if texts[_METADATA]:
        metadata = json_text.parse(texts[_METADATA] or b"", f"{_METADATA!r} of {path.name!r}")
    version = metadata.get("keras_version")
    parts, optimizer = _numbered(held)
    compiled = config.get("compile_config")
    return Description(
        str(path), size, kind, version if isinstance(version, str) else None, _title(config),
        _with_classes(parts, config), _with_class(optimizer, compiled), _training(compiled),
    )  # fmt: skip


def _sharded(path: pathlib.Path) -> Description:
    index = json_text.parse(_text(path) or b"", f"{path.name!r}")
    named = index.get("weight_map")
    if not isinstance(named, dict):
        raise CorruptFileError(f"{path.name!r} is no index of weights: it has no `weight_map`.")
    files = sorted({str(f) for value in named.values() for f in np.atleast_1d(value)})
    parts: dict[str, Part] = {}
    size = path.stat().st_size
    for name in files:
        if pathlib.PurePath(name).name != name or not (path.parent / name).is_file():
            raise CorruptFileError(
                f"{path.name!r} names {name[:60]!r}, which is no file beside it."
            )
        size += (path.parent / name).stat().st_size
        with hdf5.open_file(path.parent / name) as file:
            found, state = _numbered(hdf5.tree_of(file))
        for part in [*found, *([state] if state else [])]:
            arrays = parts[part.name].arrays if part.name in parts else []
            parts[part.name] = part._replace(arrays=_in_order([*arrays, *part.arrays]))
    optimizer = parts.pop("optimizer", None)
    kind = f"weights of Keras 3 in {len(files)} files (.weights.json)"
    return Description(str(path), size, kind, None, None, [*parts.values()], optimizer, None)


def _legacy(path: pathlib.Path, size: int, file: Any) -> Description:
    origin = legacy_h5.origin_of(file, path.name)
    version = ".".join(map(str, origin.version))
    whole = "model_config" in file.attrs
    config = legacy_h5.parsed(file, "model_config", origin) if whole else None
    training = None
    if "training_config" in file.attrs:
        training = legacy_h5.parsed(file, "training_config", origin)
    group = file
    if not legacy_h5.has_names(file, "layer_names"):
        group = legacy_h5.group_within(file, "model_weights", path.name)
    classes = dict(_classes(config)) if config else {}
    parts = [
        Part(saved.name, classes.get(saved.name, ""), _arrays(saved, path.name))
        for saved in legacy_h5.saved_layers(group, origin)
    ]
    optimizer = None
    if legacy_h5.has_member(file, "optimizer_weights"):
        inner = legacy_h5.group_within(file, "optimizer_weights", path.name)
        names = legacy_h5.names_of(inner, "weight_names", path.name)
        saved = legacy_h5.Saved("optimizer", inner, names)
        optimizer = Part("optimizer", "", _arrays(saved, path.name))
    compiled = {**training, "optimizer": training.get("optimizer_config")} if training else None
    kind = "model (.h5, older format)" if whole else "weights (.h5, older format)"
    return Description(
        str(path), size, kind, version, _title(config) if config else None, parts,
        _with_class(optimizer, compiled), _training(compiled),
    )  # fmt: skip


def _arrays(saved: legacy_h5.Saved, where: str) -> list[Array]:
    return [
        _array(name, legacy_h5.dataset_within(saved.group, name, where)) for name in saved.weights
    ]


# -- Configs and arrays --------------------------------------------------------------------------


def _numbered(held: hdf5.Held) -> tuple[list[Part], Part | None]:
    """The parts in a file of numbered arrays, each under its path, and the optimizer."""
    parts, optimizer = [], None
    for group, names in held.items():
        place = group.removesuffix("vars").rstrip("/")
        arrays = _in_order([_array(name, names[name][group][name]) for name in names])
        if place == "optimizer":
            optimizer = Part("optimizer", "", arrays)
        elif not place.startswith(("metrics/", "optimizer/")):
            parts.append(Part(place or "(the model itself)", "", arrays))
    return sorted(parts, key=lambda part: part.name), optimizer


def _in_order(arrays: list[Array]) -> list[Array]:
    """Numbered arrays by their numbers."""
    return sorted(arrays, key=lambda array: (len(array.name), array.name))


def _array(name: str, dataset: Any) -> Array:
    kind = "bfloat16" if dataset.dtype.kind == "V" else dataset.dtype.name
    return Array(name, tuple(dataset.shape or ()), kind)


def _title(config: Any) -> tuple[str, str] | None:
    if not isinstance(config, dict):
        return None
    inner = config.get("config")
    name = inner.get("name") if isinstance(inner, dict) else None
    return str(name or "?"), str(config.get("class_name"))


def _layers_of(config: Any) -> list[Any]:
    inner = config.get("config") if isinstance(config, dict) else None
    layers = inner.get("layers") if isinstance(inner, dict) else inner
    return layers if isinstance(layers, list) else []


def _classes(config: Any) -> Iterator[tuple[str, str]]:
    """The name and class of each layer directly within a model."""
    for layer in _layers_of(config):
        title = _title(layer)
        if title is not None:
            yield title


def _with_classes(parts: list[Part], config: Any) -> list[Part]:
    """The names and classes of layers in place of their paths, where the config tells them.

    A path is made from the class: the second layer of class Dense is at `layers/dense_1`.
    """
    titles = dict(_titled_paths(config, "", 0))
    order = {place: i for i, place in enumerate(titles)}
    found, left = [], dict(titles)
    for part in parts:
        place = max((p for p in titles if _lies_in(part.name, p)), key=len, default=None)
        if place is None:
            found.append((len(order), part))
            continue
        left.pop(place, None)
        name, class_name, depth = titles[place]
        part = Part(name + part.name[len(place) :], class_name, part.arrays, depth)
        found.append((order[place], part))
    for place, (name, class_name, depth) in left.items():
        found.append((order[place], Part(name, class_name, [], depth)))
    return [part for _, part in sorted(found, key=lambda pair: pair[0])]


def _lies_in(path: str, place: str) -> bool:
    return path == place or path.startswith(f"{place}/")


def _titled_paths(config: Any, path: str, depth: int) -> Iterator[tuple[str, tuple[str, str, int]]]:
    counts: dict[str, int] = {}
    for layer in _layers_of(config):
        title = _title(layer)
        if title is None or title[1] == "InputLayer" and _is_sequential(config):
            continue
        stem = snake_case(title[1].rpartition(">")[2])
        count = counts.get(stem, 0)
        counts[stem] = count + 1
        place = f"{path}layers/{stem}_{count}" if count else f"{path}layers/{stem}"
        yield place, (*title, depth)
        if depth < 16:
            yield from _titled_paths(layer, f"{place}/", depth + 1)


def _is_sequential(config: Any) -> bool:
    return config.get("class_name") == "Sequential"


def _with_class(optimizer: Part | None, compiled: Any) -> Part | None:
    given = compiled.get("optimizer") if isinstance(compiled, dict) else None
    if given is None:
        return optimizer
    name = given.get("class_name") if isinstance(given, dict) else given
    found = optimizer or Part("optimizer", "", [])
    return found._replace(class_name=str(name).removeprefix("Custom>"))


def _training(compiled: Any) -> str | None:
    if not isinstance(compiled, dict) or not compiled:
        return None
    words = [f"{key} {_words(compiled[key])}" for key in ("loss", "metrics") if compiled.get(key)]
    return "; ".join(words) or None


def _words(value: Any) -> str:
    if isinstance(value, dict) and "class_name" in value:
        inner = value.get("config")
        if value["class_name"] == "function":
            return str(inner)
        name = inner.get("name") if isinstance(inner, dict) else None
        return str(name or value["class_name"])
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_words(v)}" for key, v in list(value.items())[:20])
    if isinstance(value, list):
        return ", ".join(_words(v) for v in value[:20])
    return str(value)


# -- The table -----------------------------------------------------------------------------------


def _lines(found: Description) -> Iterator[str]:
    yield _shown(found.path, 200)
    yield f"  format      {found.format}"
    yield f"  written by  {'Keras ' + _shown(found.version, 20) if found.version else 'not said'}"
    yield f"  size        {found.size:,} bytes"
    if found.model is not None:
        yield f"  model       {_shown(found.model[0])} ({_shown(found.model[1])})"
    rows = [row for part in found.parts[:_MOST_ROWS] for row in _rows(part)]
    heading = ("layer", "class", "array", "shape", "dtype", "parameters")
    widths = [max(len(row[i]) for row in [heading, *rows]) for i in range(len(heading))]
    yield ""
    for row in [heading, tuple("-" * width for width in widths), *rows]:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)]
        yield "  ".join([*cells, row[-1].rjust(widths[-1])]).rstrip()
    if len(found.parts) > _MOST_ROWS:
        yield f"... and {len(found.parts) - _MOST_ROWS:,} parts more"
    yield ""
    yield f"  parameters  {found.parameters:,}"
    if found.optimizer is not None:
        count = sum(array.numbers for array in found.optimizer.arrays)
        state = f"{len(found.optimizer.arrays):,} arrays, {count:,} numbers"
        name = _shown(found.optimizer.class_name) or "not said which"
        yield f"  optimizer   {name}: {state if found.optimizer.arrays else 'no state saved'}"
    if found.compiled is not None:
        yield f"  trained by  {_shown(found.compiled, 200)}"


def _rows(part: Part) -> Iterator[tuple[str, ...]]:
    title = "  " * part.depth + _shown(part.name, 80), _shown(part.class_name)
    if not part.arrays:
        yield (*title, "", "", "", "0")
    for i, array in enumerate(part.arrays):
        first = title if i == 0 else ("", "")
        shape = str(array.shape)
        yield (*first, _shown(array.name, 60), shape, array.dtype, f"{array.numbers:,}")


def _shown(text: str | None, limit: int = 40) -> str:
    """A text of a file, without what would move the cursor of a terminal."""
    printable = "".join(c if c.isprintable() else "?" for c in str(text or ""))
    return printable if len(printable) <= limit else printable[: limit - 3] + "..."

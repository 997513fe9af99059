"""`.keras`: a whole model in one file, or in a folder: config, weights, optimizer, assets."""

from __future__ import annotations

import contextlib
import json
import pathlib
import time
from collections.abc import Iterator
from typing import Any

from npkeras.core import registry
from npkeras.core.variable import TooManyNumbers, at_most
from npkeras.saving import assets, generations, hdf5, json_text
from npkeras.saving import parts as parts_module
from npkeras.saving.archive import Archive, Writer
from npkeras.saving.atomic import older_of, replacing, replacing_folder
from npkeras.saving.errors import CorruptFileError, MissingFileError, WeightsMismatchError

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
_WRITTEN_AS = "3.15.1"  # the version of Keras whose layout this is
_LARGEST_METADATA = 1 << 16  # bytes
_SPARE_NUMBERS = 1 << 23  # what a model may hold that no file keeps: states of metrics and layers
_MOST_SLOTS = 6  # numbers that an optimizer keeps for each weight


def save(model: Any, path: pathlib.Path, zipped: bool = True) -> None:
    """Write a model as Keras 3 does.

    Args:
        model: The model.
        path: The file, or the folder.
        zipped: Whether it becomes one file.
    """
    texts = _texts_of(model)
    found = parts_module.parts_of(model)
    parts_module.warn_of_non_finite(found, path.name)
    size = parts_module.size_of(found)
    whole = size + sum(map(len, texts.values()))
    try:
        if zipped:
            with replacing(path, whole) as temporary:
                with open(temporary, "w+b", buffering=0) as output:
                    _write_archive(output, texts, found, size, path)
        else:
            with replacing_folder(path, whole, {*texts, WEIGHTS, assets.FOLDER}) as folder:
                _write_folder(folder, texts, found, path)
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def _write_folder(
    folder: pathlib.Path, texts: dict[str, bytes], found: parts_module.Parts, path: pathlib.Path
) -> None:
    for name, data in texts.items():
        (folder / name).write_bytes(data)
    with hdf5.new_file(folder / WEIGHTS, path) as file:
        parts_module.write(found, file)
    assets.save(found, folder / assets.FOLDER)


def _write_archive(
    output: Any, texts: dict[str, bytes], found: parts_module.Parts, size: int, path: pathlib.Path
) -> None:
    archive = Writer(output)
    for name, data in texts.items():
        archive.add(name, data)
    with archive.adding(WEIGHTS, size) as window:
        with hdf5.new_file(window, path) as file:
            parts_module.write(found, file)
    assets.add(found, archive)
    archive.close()


def _texts_of(model: Any) -> dict[str, bytes]:
    with registry.marking_shared():
        config = json.dumps(registry.serialize(model))
    saved = time.strftime("%Y-%m-%d@%H:%M:%S")
    metadata = json.dumps({"keras_version": _WRITTEN_AS, "date_saved": saved})
    return {METADATA: metadata.encode(), CONFIG: config.encode()}


def load(
    path: pathlib.Path, custom_objects: dict[str, Any] | None = None, compile: bool = True
) -> Any:
    """The model in a file or folder.

    Args:
        path: The file or folder.
        custom_objects: Classes and functions of the user's own, by name.
        compile: Whether the model is compiled as the one that was saved.

    Raises:
        CorruptFileError: When it is damaged, or asks for what no model may.
        WeightsMismatchError: When its weights do not fit its config.
        ValueError: When it names a class or function that is not known.
    """
    with _opened(path) as source:
        config = _config_of(source)
        with _weights_of(source) as held:
            model = model_from(config, custom_objects, compile, held, path.name)
            parts_module.load(model, held, path.name)
        with _explaining(path.name):
            assets.load(parts_module.parts_of(model), source)
    return model


def load_weights(model: Any, path: pathlib.Path, skip_mismatch: bool = False) -> None:
    """Give a model the weights, and the optimizer's state, that a file or folder holds."""
    with _opened(path) as source, _weights_of(source) as held:
        parts_module.load(model, held, path.name, skip_mismatch)


@contextlib.contextmanager
def _opened(path: pathlib.Path) -> Iterator[Archive | assets.Folder]:
    path = older_of(path)
    if path.is_dir():
        with assets.Folder(path, path.name) as folder:
            yield folder
        return
    if not path.exists():
        raise MissingFileError(f"There is no file {str(path)!r}.")
    with open(path, "rb") as file:
        yield Archive(file, path.name)


@contextlib.contextmanager
def _weights_of(source: Archive | assets.Folder) -> Iterator[hdf5.Held]:
    where = f"{source.name}/{WEIGHTS}"
    with hdf5.open_within(source.open(WEIGHTS), where) as file:
        yield hdf5.tree_of(file)


def _config_of(source: Archive | assets.Folder) -> dict[str, Any]:
    where = f"{CONFIG!r} of {source.name!r}"
    config = json_text.parse(source.read(CONFIG, json_text.LARGEST), where)
    json_text.check_config(config, where)
    version = None
    if METADATA in source:
        data = source.read(METADATA, _LARGEST_METADATA)
        version = json_text.parse(data, f"{METADATA!r} of {source.name!r}").get("keras_version")
    return generations.upgrade(config, version if isinstance(version, str) else None)


def model_from(
    config: dict[str, Any],
    custom_objects: dict[str, Any] | None,
    compile: bool,
    held: hdf5.Held,
    name: str,
) -> Any:
    """The model of a config, which may ask for no more weights than the file holds."""
    own = {group: names for group, names in held.items() if not group.startswith("optimizer/")}
    count = hdf5.count_numbers(own)
    compile_config = config.get("compile_config")
    config = {**config, "compile_config": None}
    slots = _MOST_SLOTS if _is_compiled_within(config) else 0
    with _explaining(name), registry.making_shared(), registry.CustomObjectScope(custom_objects):
        with at_most((1 + slots) * count + _SPARE_NUMBERS):
            model = registry.deserialize(config, custom_objects)
        if not hasattr(model, "compile_from_config"):
            raise CorruptFileError(
                f"{name!r} holds a {type(model).__name__}, which is not a model."
            )
        if compile and compile_config:
            with at_most(_MOST_SLOTS * count + _SPARE_NUMBERS):
                model.compile_from_config(compile_config)
    return model


def _is_compiled_within(config: Any) -> bool:
    """Whether a model within another is compiled, and so has an optimizer of its own."""
    waiting = [config]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if value.get("compile_config"):
                return True
            value = value.values()
        waiting += [item for item in value if isinstance(item, (dict, list))]
    return False


@contextlib.contextmanager
def _explaining(name: str) -> Iterator[None]:
    """Errors met while a model is made from its config, in a sentence that names the file."""
    try:
        yield
    except (CorruptFileError, WeightsMismatchError, registry.RefusedArgumentError):
        raise
    except TooManyNumbers as error:
        raise CorruptFileError(
            f"The config in {name!r} asks for more weights than the file holds: {error}."
        ) from error
    except ValueError as error:
        kind = registry.UnknownNameError if isinstance(error, TypeError) else ValueError
        raise kind(f"{name!r} could not be made into a model: {_text_of(error, 300)}") from error
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        MemoryError,
        RecursionError,
        TypeError,
        NotImplementedError,
    ) as error:
        raise CorruptFileError(
            f"The config in {name!r} is not one of a model ({type(error).__name__}: "
            f"{_text_of(error, 200)})"
        ) from error


def _text_of(error: Exception, longest: int) -> str:
    """The message of an error that may repeat what a file says."""
    return hdf5.printable(str(error), longest)

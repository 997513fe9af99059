"""`.weights.json`: weights in several files of bounded size, and one that says which is where.

The files of an older save are used until the new ones are complete: new arrays are written under
names of their own, then the index is replaced, which is the moment of the change. What follows,
giving the new files their usual names, moves whole files only.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pathlib
import re
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from npkeras.core import check
from npkeras.saving import hdf5, json_text, parts
from npkeras.saving.archive import is_plain_path
from npkeras.saving.atomic import PART, is_alive, replacing
from npkeras.saving.errors import CorruptFileError, MissingFileError, warn

ENDING = ".weights.json"
_GB = 1024**3
_MOST_FILES = 1000

# Which groups a file is to have, and which arrays each: [{group: (name, {key: array})}]
Shards = list[dict[str, tuple[Any, dict[str, np.ndarray]]]]


def index_path(path: pathlib.Path, doing: str) -> pathlib.Path:
    """The name of the index; as in Keras `.weights.h5` becomes `.weights.json`."""
    if path.suffix == ".json":
        return path
    renamed = path.with_suffix(".json")
    warn(f"{doing} several files of weights goes by {renamed.name!r}, not {path.name!r}.")
    return renamed


def save(
    model: Any, path: pathlib.Path, max_shard_size: float, left_out: Iterable[Any] | None = None
) -> None:
    """Write the weights of a model into files of at most `max_shard_size` GB each."""
    limit = check.number(max_shard_size, "max_shard_size", "`save_weights`", low=0) * _GB
    found = parts.parts_of(model, left_out)
    parts.warn_of_non_finite(found, path.name)
    shards, total = _divided(found, limit)
    base = path.name.removesuffix(".json").replace(".weights", "")
    older = [path, *(path.with_name(_usual(base, i)) for i in range(len(shards)))]
    fresh = any(other.exists() for other in older)
    _remove_leftovers(path, base)
    names = _unused(path, base, len(shards)) if fresh else [p.name for p in older[1:]]
    needed = total + parts.ROOM_PER_PART * len(found)
    for name, shard in zip(names, shards, strict=True):
        with replacing(path.with_name(name), needed) as temporary:
            with hdf5.new_file(temporary, path.with_name(name)) as file:
                _write(shard, file)
        needed = 0
    before = _files_of(path) if path.exists() else []
    _write_index(path, shards, names, total)
    if fresh:
        _take_usual_names(path, base, shards, names, total)
        _remove(path, set(before) - {_usual(base, i) for i in range(len(shards))}, base)


def _usual(base: str, number: int) -> str:
    return f"{base}_{number:05}.weights.h5"


def _unused(path: pathlib.Path, base: str, count: int) -> list[str]:
    """Names that no file has yet, and that say which process took them."""
    for attempt in itertools.count():
        names = [_usual(f"{base}-{os.getpid()}-{attempt}", i) for i in range(count)]
        if not any(path.with_name(name).exists() for name in names):
            return names
    raise AssertionError


def _divided(found: parts.Parts, limit: float) -> tuple[Shards, int]:
    """The arrays of all parts in order, as many into each file as there is room for."""
    shards: Shards = [{}]
    size = total = 0
    for place, part in found:
        group, name = parts.group_of(place), getattr(part, "name", None)
        for key, array in parts.arrays_of(part).items():
            if array.nbytes > limit:
                raise ValueError(
                    f"Weight {key} of {place!r} has {array.nbytes:,} bytes, and no file may have "
                    f"more than {int(limit):,}: `max_shard_size` is too small."
                )
            size, total = size + array.nbytes, total + array.nbytes
            if size > limit:
                shards.append({})
                size = array.nbytes
            shards[-1].setdefault(group, (name, {}))[1][key] = array
    return shards, total


def _write(shard: dict[str, tuple[Any, dict[str, np.ndarray]]], file: Any) -> None:
    for path, (name, arrays) in shard.items():
        group = file.create_group(path)
        if isinstance(name, str):
            group.attrs["name"] = name
        for key, array in arrays.items():
            group.create_dataset(key, data=array)


def _write_index(path: pathlib.Path, shards: Shards, names: list[str], total: int) -> None:
    places: dict[str, list[str]] = {}
    for shard, name in zip(shards, names, strict=True):
        for group in shard:
            places.setdefault(f"/{group}", []).append(name)
    text = json.dumps({"metadata": {"total_size": total}, "weight_map": places}, indent=4)
    with replacing(path, len(text)) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _take_usual_names(
    path: pathlib.Path, base: str, shards: Shards, names: list[str], total: int
) -> None:
    """Give new files the names that Keras gives; where a file cannot have two, let them be."""
    usual = [_usual(base, i) for i in range(len(shards))]
    for name, wanted in zip(names, usual, strict=True):
        second = path.with_name(f".{wanted}.{os.getpid()}")
        try:
            os.link(path.with_name(name), second)
        except OSError:
            return
        os.replace(second, path.with_name(wanted))
    _write_index(path, shards, usual, total)
    _remove(path, set(names), base)


def _remove(path: pathlib.Path, names: Iterable[str], base: str) -> None:
    for name in names:
        if re.fullmatch(rf"{re.escape(base)}(-\d+-\d+)?_\d{{5,}}\.weights\.h5", name):
            with contextlib.suppress(OSError):
                path.with_name(name).unlink()


def _remove_leftovers(path: pathlib.Path, base: str) -> None:
    """Remove what processes left behind that were killed while they saved under this name."""
    used = set(_files_of(path)) if path.exists() else set()
    pattern = re.compile(
        rf"\.?{re.escape(base)}(-(\d+)-\d+)?_\d{{5,}}\.weights\.h5(\.(\d+)(\.{PART})?)?"
    )
    for entry in path.parent.iterdir() if path.parent.is_dir() else ():
        match = pattern.fullmatch(entry.name)
        process = match and (match[2] or match[4])
        if process and entry.name not in used and not is_alive(int(process)):
            with contextlib.suppress(OSError):
                entry.unlink()


def _index_of(path: pathlib.Path) -> dict[str, list[str]]:
    """Which files each group lies in, once the index is known to name files beside it only."""
    if not path.is_file():
        raise MissingFileError(f"There is no file {str(path)!r}.")
    with open(path, "rb") as file:
        index = json_text.parse(file.read(json_text.LARGEST + 1), repr(path.name))
    places = index.get("weight_map")
    if not isinstance(places, dict):
        raise CorruptFileError(f"{path.name!r} does not say where the weights lie.")
    found = {}
    for group, names in places.items():
        names = names if isinstance(names, list) else [names]
        for name in names:
            if not isinstance(name, str) or not is_plain_path([name]):
                raise CorruptFileError(
                    f"{path.name!r} names a file that does not lie beside it: "
                    f"{check.shown(name, 60)}."
                )
        found[group.lstrip("/")] = names
    if len(set().union(*found.values())) > _MOST_FILES:
        raise CorruptFileError(f"{path.name!r} names more than {_MOST_FILES:,} files.")
    return found


def _files_of(path: pathlib.Path) -> list[str]:
    """The names of the files that an index names; none if it is no sound index."""
    try:
        return sorted(set().union(*_index_of(path).values()))
    except (OSError, CorruptFileError):
        return []


@contextlib.contextmanager
def held_by(path: pathlib.Path) -> Iterator[hdf5.Held]:
    """Where all the arrays lie, with the files open."""
    index = _index_of(path)
    with contextlib.ExitStack() as stack:
        trees = {}
        for name in dict.fromkeys(name for names in index.values() for name in names):
            target = path.with_name(name)
            if target.is_symlink():
                raise CorruptFileError(f"{name!r}, which {path.name!r} names, is a link.")
            file = stack.enter_context(hdf5.open_file(target))
            trees[name] = hdf5.tree_of(file)
        held: hdf5.Held = {}
        for group, names in index.items():
            for name in names:
                for key, file in trees[name].get(group, {}).items():
                    if key in held.setdefault(group, {}):
                        raise CorruptFileError(f"{path.name!r}: /{group}/{key} is there twice.")
                    held[group][key] = file
        yield held


def load(
    model: Any,
    path: pathlib.Path,
    skip_mismatch: bool = False,
    left_out: Iterable[Any] | None = None,
) -> None:
    """Read the weights of a model, and its optimizer's state."""
    with held_by(path) as held:
        parts.load(model, held, path.name, skip_mismatch, left_out)

"""Files in folders as a data set: which ones, their labels, their order and their parts."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from npkeras.core import check
from npkeras.data import Dataset, drawn_seed

_SUBSETS = ("training", "validation", "both")


class Kind(NamedTuple):
    """What is looked for: by which function, what it is called, how its files' names end."""

    owner: str
    thing: str
    endings: tuple[str, ...]


class Place(NamedTuple):
    """Where files are and what their labels come from: arguments of that name."""

    directory: Any
    labels: Any
    label_mode: str | None
    class_names: Any
    follow_links: bool


class Order(NamedTuple):
    """In which batches, order and parts they come: arguments of that name."""

    batch_size: int | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None


def read(
    kind: Kind,
    place: Place,
    order: Order,
    one: Callable[[pathlib.Path], Any],
    format: str,
    verbose: bool,
) -> Any:
    """A data set, or two, of what `one` makes of each file, with its label."""
    directory, labels, label_mode, class_names, follow_links = place
    check.one_of(("int", "categorical", "binary", None), label_mode, "label_mode", kind.owner)
    check.one_of(("tf", "grain"), format, "format", kind.owner)
    _check_parts(kind, order)
    labels = None if label_mode is None else labels
    folder = pathlib.Path(directory)
    paths, numbers, names = _found(kind, folder, labels, class_names, follow_links)
    files = _Files(paths, _targets(kind, numbers, names, label_mode), names, one)
    if verbose:
        of_classes = "" if names is None else f" belonging to {len(names)} classes"
        print(f"Found {len(paths)} files{of_classes}.")
    seed = drawn_seed(order.seed)
    places = np.arange(len(paths))
    if order.shuffle:
        np.random.RandomState(seed).shuffle(places)
    mixing = seed if order.shuffle else None
    if order.subset is None:
        return files.dataset(places, order.batch_size, mixing)
    parts = _parts(kind, places, order.validation_split, order.subset, verbose)
    mixings = (mixing, None)  # of both parts, the second is the one for validation
    made = [
        files.dataset(part, order.batch_size, mixed)
        for part, mixed in zip(parts, mixings, strict=False)
    ]
    return made if order.subset == "both" else made[0]


class _Files:
    """Files with their labels, read when they are asked for."""

    def __init__(self, paths: list[pathlib.Path], targets: Any, names: Any, one: Any) -> None:
        self.paths, self.targets, self.names, self.one = paths, targets, names, one

    def dataset(self, places: np.ndarray, batch_size: int | None, seed: int | None) -> Dataset:
        """Those at some places; in another order in each pass, if there is a seed."""
        random = None if seed is None else np.random.RandomState(seed)
        order = places.copy()

        def read() -> Iterator[Any]:
            if random is not None:
                random.shuffle(order)
            for i in order.copy():
                sample = self.one(self.paths[i])
                yield sample if self.targets is None else (sample, self.targets[i])

        data: Any = Dataset(read, len(order))
        if batch_size is not None:
            data = data.batch(batch_size)
        data.class_names = self.names
        data.file_paths = [str(self.paths[i]) for i in places]
        return data


def _found(
    kind: Kind, directory: pathlib.Path, labels: Any, class_names: Any, follow_links: bool
) -> tuple[list[pathlib.Path], list[int] | None, list[str] | None]:
    """The files, sorted, the number of each one's class, and the names of classes."""
    if not directory.is_dir():
        raise FileNotFoundError(f"`directory` of {kind.owner} is no folder: {str(directory)!r}")
    if isinstance(labels, str) and labels == "inferred":  # of an array, == is an array
        folders = sorted(p.name for p in directory.iterdir() if p.is_dir() and p.name[0] != ".")
        names = folders if class_names is None else list(class_names)
        if set(names) - set(folders) or len(set(names)) < len(names):
            raise ValueError(
                f"`class_names` of {kind.owner} must be folders of {str(directory)!r}, each once: "
                f"{check.shown(folders)}. Received: class_names={check.shown(names)}"
            )
        found = [
            (path, number)
            for number, name in enumerate(names)
            for path in _files(kind, directory / name, follow_links)
        ]
        _refuse_none(kind, found, directory)
        return [path for path, _ in found], [number for _, number in found], names
    if class_names is not None:
        raise ValueError(
            f'`class_names` of {kind.owner} are for labels="inferred". Received: '
            f"class_names={check.shown(class_names)}, labels={check.shown(labels)}"
        )
    paths = _files(kind, directory, follow_links)
    _refuse_none(kind, paths, directory)
    if labels is None:
        return paths, None, None
    if not isinstance(labels, (list, tuple, np.ndarray)):
        raise ValueError(
            f'`labels` of {kind.owner} must be "inferred", a list of whole numbers, or None. '
            f"Received: labels={check.shown(labels)}"
        )
    if len(labels) != len(paths):
        raise ValueError(
            f"`labels` of {kind.owner} must be one for each {kind.thing}. "
            f"Received: {len(labels)} labels and {len(paths)} {kind.thing}s"
        )
    if not all(map(check.is_int, labels)):
        raise ValueError(
            f"`labels` of {kind.owner} must be whole numbers. "
            f"Received: labels={check.shown(labels)}"
        )
    return paths, [int(label) for label in labels], [str(i) for i in sorted(set(labels))]


def _files(kind: Kind, folder: pathlib.Path, follow_links: bool) -> list[pathlib.Path]:
    """Those in a folder and those within: its own first, then folder by folder."""
    roots = sorted(os.walk(folder, followlinks=follow_links), key=lambda visit: visit[0])
    return [
        pathlib.Path(root, name)
        for root, _, names in roots
        for name in sorted(names)
        if name.lower().endswith(kind.endings)
    ]


def _targets(kind: Kind, numbers: Any, names: Any, label_mode: str | None) -> Any:
    if numbers is None or label_mode is None:
        return None
    if label_mode == "int":
        return np.array(numbers, "int32")
    if label_mode == "binary" and len(names) != 2:
        raise ValueError(
            f'label_mode="binary" of {kind.owner} is for two classes. '
            f"Received: {check.shown(names)}"
        )
    if not 0 <= min(numbers) <= max(numbers) < len(names):
        raise ValueError(
            f"`labels` of {kind.owner} must count the classes from 0 for "
            f"label_mode={label_mode!r}. Received: labels from {min(numbers)} to {max(numbers)} "
            f"of {len(names)} classes"
        )
    if label_mode == "binary":
        return np.array(numbers, "float32")[:, None]
    return np.eye(len(names), dtype="float32")[numbers]


def _check_parts(kind: Kind, order: Order) -> None:
    _, shuffle, seed, validation_split, subset = order
    if (validation_split is None) != (subset is None):
        raise ValueError(
            f"`validation_split` and `subset` of {kind.owner} go together. "
            f"Received: validation_split={validation_split}, subset={subset!r}"
        )
    if subset is None:
        return
    check.one_of(_SUBSETS, subset, "subset", kind.owner)
    if not isinstance(validation_split, (int, float)) or not 0 < validation_split < 1:
        raise ValueError(
            f"`validation_split` of {kind.owner} must be a fraction between 0 and 1. "
            f"Received: validation_split={check.shown(validation_split)}"
        )
    if shuffle and seed is None:
        raise ValueError(
            f"{kind.owner} needs a `seed` to mix before it splits, lest a {kind.thing} be in both "
            "parts. Give the same one for each, or shuffle=False. "
            f"Received: seed=None, subset={subset!r}"
        )


def _parts(
    kind: Kind, order: np.ndarray, validation_split: Any, subset: str, verbose: bool
) -> list[Any]:
    """The places of the part, or of both, that are asked for."""
    count = len(order) - int(float(validation_split) * len(order))
    places = {"training": order[:count], "validation": order[count:]}
    asked = ("training", "validation") if subset == "both" else (subset,)
    for name in asked:
        if verbose:
            print(f"Using {len(places[name])} files for {name}.")
        if not len(places[name]):
            raise ValueError(
                f"{kind.owner} has no {kind.thing}s for {name}: "
                f"validation_split={validation_split} of {len(order)} {kind.thing}s. "
                "Choose another fraction."
            )
    return [places[name] for name in asked]


def _refuse_none(kind: Kind, found: list[Any], directory: pathlib.Path) -> None:
    if not found:
        raise ValueError(
            f"{kind.owner} finds no {kind.thing}s in {str(directory)!r}: "
            f"no {', '.join(kind.endings)}."
        )

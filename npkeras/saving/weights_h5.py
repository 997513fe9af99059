"""`.weights.h5`: the weights of a model and the state of its optimizer, in one file."""

from __future__ import annotations

import pathlib
from collections.abc import Iterable
from typing import Any

from npkeras.saving import hdf5, parts
from npkeras.saving.atomic import replacing

ENDING = ".weights.h5"


def save(model: Any, path: pathlib.Path, left_out: Iterable[Any] | None = None) -> None:
    """Write the weights of a model, and its optimizer's state, in the layout of Keras 3."""
    found = parts.parts_of(model, left_out)
    parts.warn_of_non_finite(found, path.name)
    with replacing(path, parts.size_of(found)) as temporary:
        with hdf5.new_file(temporary, path) as file:
            parts.write(found, file)


def load(
    model: Any,
    path: pathlib.Path,
    skip_mismatch: bool = False,
    left_out: Iterable[Any] | None = None,
) -> None:
    """Read the weights of a model, and its optimizer's state."""
    with hdf5.open_file(path) as file:
        held = hdf5.tree_of(file)
        parts.load(model, held, path.name, skip_mismatch, left_out)

"""`.weights.h5`: the weights of a model and the state of its optimizer."""

from __future__ import annotations

import os
import pathlib
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from npkeras.core.tape import plain
from npkeras.saving import hdf5
from npkeras.saving.atomic import replacing
from npkeras.saving.errors import CorruptFileError, WeightsMismatchError
from npkeras.saving.walk import saveables

_ENDING = ".weights.h5"
_ROOM_PER_OBJECT = 4096  # what HDF5 needs beside the numbers themselves


def save(
    model: Any,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    max_shard_size: float | None = None,
) -> None:
    """Write the weights of a model, and its optimizer's state, in the layout of Keras 3.

    Args:
        model: The model, built.
        filepath: The file, whose name ends in `.weights.h5`.
        overwrite: Whether to replace an older file without asking.
        max_shard_size: Not supported; only None is taken.

    Raises:
        ValueError: For another ending, or a model without weights yet.
        OSError: When the disk is full, say. The older file is then as it was.
    """
    path = pathlib.Path(filepath)
    _check_name(path, "save_weights")
    if max_shard_size is not None:
        raise ValueError(
            "npkeras writes weights into one file: `max_shard_size` must be None. "
            f"Received: max_shard_size={max_shard_size}"
        )
    if path.exists() and not overwrite and not _may_overwrite(path):
        return
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} has no weights to save yet: it is not built. Call it on data, "
            "or `build` it, first."
        )
    parts = list(saveables(model))
    _warn_of_non_finite(parts, path)
    size = sum(v.value.nbytes for _, part in parts for v in variables_of(part))
    with replacing(path, size + _ROOM_PER_OBJECT * len(parts)) as temporary:
        try:
            _write(parts, temporary)
        except RuntimeError as error:  # so HDF5 says that it could not write the last bytes
            number = re.search(r"errno = (\d+)", str(error))
            if number is None:
                raise
            code = int(number[1])
            raise OSError(code, os.strerror(code), str(path)) from error


def _write(parts: list[tuple[str, Any]], path: pathlib.Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for place, part in parts:
            group = file.create_group(_group_of(place))
            if isinstance(getattr(part, "name", None), str):
                group.attrs["name"] = part.name
            store: dict[str, Any] = {}
            part.save_own_variables(store)
            for key, value in store.items():
                group.create_dataset(key, data=np.asarray(plain(value)))


def _group_of(place: str) -> str:
    return f"{place}/vars" if place else "vars"


def _check_name(path: pathlib.Path, method: str) -> None:
    if not path.name.endswith(_ENDING):
        raise ValueError(
            f"`{method}` expects a file name that ends in {_ENDING!r}. Received: {str(path)!r}"
        )


def _may_overwrite(path: pathlib.Path) -> bool:
    answer = input(f"{path} exists. Overwrite it? [y/n] ").strip().lower()
    return answer in ("y", "yes")


def variables_of(part: Any) -> list[Any]:
    """The variables a part itself has in a file, in order."""
    own = getattr(part, "_own_variables", None)
    if callable(own):
        return list(own())
    variables = getattr(part, "variables", [])
    return list(variables)


def _warn_of_non_finite(parts: list[tuple[str, Any]], path: pathlib.Path) -> None:
    for _, part in parts:
        for variable in variables_of(part):
            value = variable.value
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                warnings.warn(
                    f"{path.name!r}: `{variable.path}` holds values that are not finite; they are "
                    "saved as they are.",
                    stacklevel=4,
                )
                return


def load(
    model: Any,
    filepath: str | os.PathLike[str],
    skip_mismatch: bool = False,
    **kwargs: Any,
) -> None:
    """Read the weights of a model, and its optimizer's state, as Keras 3 or npkeras wrote them.

    Args:
        model: The model, built.
        filepath: The file.
        skip_mismatch: Whether parts that do not fit are left as they are, with a warning.

    Raises:
        CorruptFileError: When the file is damaged or holds anything but arrays of numbers.
        WeightsMismatchError: When it fits another model. Nothing has changed then.
    """
    path = pathlib.Path(filepath)
    if kwargs:
        raise ValueError(
            f"`load_weights` of {_ENDING} files does not take {', '.join(map(repr, kwargs))}."
        )
    _check_name(path, "load_weights")
    with hdf5.open_file(path) as file:
        held = hdf5.tree_of(file)
        _build_optimizer(model, held)
        parts = list(saveables(model))
        before = [pair for _, part in parts for pair in _values_of(part)]
        try:
            _load_parts(file, held, parts, path, skip_mismatch)
        except BaseException:
            _put_back(before)
            raise


def _build_optimizer(model: Any, held: dict[str, tuple[str, ...]]) -> None:
    """Let a compiled model have a place for the optimizer's state (Keras skips it instead)."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None or not model.built or optimizer.built:
        return
    if len(held.get("optimizer/vars", ())) > len(optimizer.variables):  # it was built there
        optimizer.build(model.trainable_variables)


def _values_of(part: Any) -> list[tuple[Any, Any]]:
    return [(variable, variable.value) for variable in variables_of(part)]


def _put_back(values: list[tuple[Any, Any]]) -> None:
    for variable, value in values:
        variable.value = value


def _load_parts(
    file: Any,
    held: dict[str, tuple[str, ...]],
    parts: list[tuple[str, Any]],
    path: pathlib.Path,
    skip_mismatch: bool,
) -> None:
    problems = []
    for place, part in parts:
        group = _group_of(place)
        names = held.pop(group, ())
        before = _values_of(part)
        try:
            _load_part(file, part, group, names, path)
        except WeightsMismatchError as error:
            _put_back(before)  # a part that is skipped is skipped as a whole
            problems.append(str(error))
    if problems and not skip_mismatch:
        more = f" ({len(problems)} parts of the model do not fit; this is the first.)"
        raise WeightsMismatchError(problems[0] + (more if len(problems) > 1 else ""))
    for problem in problems:
        warnings.warn(f"Skipped: {problem}", stacklevel=5)
    silent = ["metrics/"]
    if not any(_is_optimizer(part) for _, part in parts):
        silent.append("optimizer/")  # a model that is only to predict needs no compiling
    unused = [name for name in held if not name.startswith(tuple(silent))]
    if unused:
        warnings.warn(
            f"{path.name!r} also holds weights that the model has no place for: "
            f"{', '.join(sorted(unused)[:5])}{' and more' if len(unused) > 5 else ''}.",
            stacklevel=5,
        )


def _load_part(file: Any, part: Any, group: str, names: Any, path: pathlib.Path) -> None:
    if _has_own_way(part):
        _let_it_load(part, _Store(file, group, names, part, [], path), path)
        return
    own = variables_of(part)
    if _is_optimizer(part) and len(names) != len(own):
        if names:
            warnings.warn(
                f"{path.name!r}: the state of optimizer {part.name!r} was not loaded: it has "
                f"{len(own)} variables, the file holds {len(names)}.",
                stacklevel=6,
            )
        return
    if not own and not names:
        return
    if len(own) != len(names):
        raise WeightsMismatchError(_count_differs(part, own, names, path))
    store = _Store(file, group, names, part, own, path)
    part.load_own_variables(store)
    for variable in own:
        _check_values(variable, part, path)


def _is_optimizer(part: Any) -> bool:
    return hasattr(part, "apply_gradients")


def _has_own_way(part: Any) -> bool:
    """Whether a user's class says itself what a file keeps of it, so nothing is known of that."""
    return not type(part).load_own_variables.__module__.startswith("npkeras.")


def _let_it_load(part: Any, store: _Store, path: pathlib.Path) -> None:
    try:
        part.load_own_variables(store)
    except CorruptFileError:
        raise
    except Exception as error:
        raise WeightsMismatchError(
            f"{_whose(part, path)}: its `load_own_variables` raised {type(error).__name__}: "
            f"{str(error)[:100]}"
        ) from error
    for variable in variables_of(part):
        _check_values(variable, part, path)


def _whose(part: Any, path: pathlib.Path) -> str:
    kind = "optimizer" if _is_optimizer(part) else "layer"
    return f"Weights of {path.name!r} do not fit {kind} {part.name!r} ({type(part).__name__})"


def _count_differs(part: Any, own: list[Any], names: Any, path: pathlib.Path) -> str:
    if not getattr(part, "built", True):
        hint = " The layer is not built: call the model on data, or `build` it, first."
    else:
        hint = " The model was saved with other layers or other arguments."
    return (
        f"{_whose(part, path)}: it has {len(own)} weights "
        f"({', '.join(v.name for v in own) or 'none'}), the file holds {len(names)}.{hint}"
    )


class _Store(Mapping):
    """The arrays of one part, read when asked for, if they have the shape that is expected."""

    def __init__(
        self, file: Any, group: str, names: Any, part: Any, own: list[Any], path: pathlib.Path
    ) -> None:
        self._group: Any = file[group] if names else None
        self._group_name = group
        self._names = names
        self._part = part
        self._expected = {str(i): variable for i, variable in enumerate(own)}
        self._path = path

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, key: object) -> bool:
        return key in self._names

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else default

    def __getitem__(self, key: str) -> np.ndarray:
        where = f"{self._path.name!r}: /{self._group_name}/{key}"
        if key not in self._names:
            raise CorruptFileError(f"{where} is missing.")
        variable = self._expected.get(key)
        try:
            shape = None if variable is None else variable.shape
            array = hdf5.read(self._group[key], shape, where)
        except hdf5.ShapeDiffers as error:
            raise WeightsMismatchError(
                f"{_whose(self._part, self._path)}: its `{variable.name}` has shape "  # type: ignore[union-attr]
                f"{variable.shape}, the file holds {error.found}. The model was saved "  # type: ignore[union-attr]
                "with another input or other arguments."
            ) from None
        if variable is not None:
            _check_fits(array, variable, where)
        return array


def _check_fits(array: np.ndarray, variable: Any, where: str) -> None:
    """Refuse numbers that the weight's dtype cannot hold."""
    dtype = variable.value.dtype
    if array.dtype == dtype:
        return
    with np.errstate(over="ignore", invalid="ignore"):
        cast = array.astype(dtype)
    lost = np.isinf(cast) & np.isfinite(array) if dtype.kind == "f" else cast != array
    if lost.any():
        raise CorruptFileError(
            f"{where} holds {array[lost].flat[0]}, which the weight's dtype, {variable.dtype}, "
            "cannot hold."
        )


def _check_values(variable: Any, part: Any, path: pathlib.Path) -> None:
    value = variable.value
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        warnings.warn(
            f"{path.name!r}: `{variable.name}` of {part.name!r} ({type(part).__name__}) was loaded "
            "with values that are not finite.",
            stacklevel=7,
        )

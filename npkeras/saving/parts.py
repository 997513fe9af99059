"""The parts of a model, one by one, into HDF5 files and out of them: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from npkeras.core.tape import plain
from npkeras.saving import generations, hdf5
from npkeras.saving.errors import CorruptFileError, WeightsMismatchError, warn
from npkeras.saving.walk import saveables

ROOM_PER_PART = 4096  # bytes that HDF5 needs beside the numbers themselves

Parts = list[tuple[str, Any]]


def parts_of(model: Any, left_out: Iterable[Any] | None = None) -> Parts:
    """The parts of a model with their paths, without those left out and what is in them."""
    return list(saveables(model, left_out or ()))


def write(parts: Parts, file: Any) -> None:
    """Put the weights of all parts into an open HDF5 file."""
    for place, part in parts:
        group = file.create_group(group_of(place))
        if isinstance(getattr(part, "name", None), str):
            group.attrs["name"] = part.name
        for key, value in arrays_of(part).items():
            group.create_dataset(key, data=value)


def arrays_of(part: Any) -> dict[str, np.ndarray]:
    """What a part itself says that a file is to keep of it."""
    store: dict[str, Any] = {}
    part.save_own_variables(store)
    return {key: np.asarray(plain(value)) for key, value in store.items()}


def group_of(place: str) -> str:
    """The group that holds the weights of the part at a place."""
    return f"{place}/vars" if place else "vars"


def size_of(parts: Parts) -> int:
    """About how many bytes a file of these parts has."""
    numbers = sum(v.value.nbytes for _, part in parts for v in variables_of(part))
    return numbers + ROOM_PER_PART * len(parts)


def variables_of(part: Any) -> list[Any]:
    """The variables a part itself has in a file, in order."""
    own = getattr(part, "_own_variables", None)
    if callable(own):
        return list(own())
    variables = getattr(part, "variables", [])
    return list(variables)


def warn_of_non_finite(parts: Parts, name: str) -> None:
    """Warn, once, where weights are to be saved that are not finite."""
    for _, part in parts:
        for variable in variables_of(part):
            value = variable.value
            if value.dtype.kind == "f" and not np.isfinite(value).all():
                warn(
                    f"{name!r}: `{variable.path}` holds values that are not finite; they are "
                    "saved as they are."
                )
                return


def load(
    model: Any,
    held: hdf5.Held,
    name: str,
    skip_mismatch: bool = False,
    left_out: Iterable[Any] | None = None,
) -> None:
    """Give a model the weights that files hold. Where they do not fit, nothing changes.

    Args:
        model: The model.
        held: Where the arrays lie.
        name: What messages call the file.
        skip_mismatch: Whether parts that do not fit are left as they are, with a warning.
        left_out: Parts that are left as they are, whatever the files hold.
    """
    left_out = list(left_out or ())
    _build_optimizer(model, held, left_out)
    parts = parts_of(model, left_out)
    before = [pair for _, part in parts for pair in _values_of(part)]
    try:
        _load_parts(held, parts, name, skip_mismatch, bool(left_out))
    except BaseException:
        _put_back(before)
        raise


def _build_optimizer(model: Any, held: hdf5.Held, left_out: list[Any]) -> None:
    """Let a compiled model have a place for the optimizer's state (Keras skips it instead)."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None or not model.built or optimizer.built:
        return
    if any(part is optimizer for part in left_out):
        return
    if len(held.get("optimizer/vars", ())) > len(optimizer.variables):  # it was built there
        optimizer.build(model.trainable_variables)


def _values_of(part: Any) -> list[tuple[Any, Any]]:
    return [(variable, variable.value) for variable in variables_of(part)]


def _put_back(values: list[tuple[Any, Any]]) -> None:
    for variable, value in values:
        variable.value = value


def _load_parts(
    held: hdf5.Held, parts: Parts, name: str, skip_mismatch: bool, incomplete: bool
) -> None:
    held = dict(held)
    problems = []
    for place, part in parts:
        group = group_of(place)
        names = held.pop(group, {})
        before = _values_of(part)
        try:
            _load_part(part, group, names, name)
        except WeightsMismatchError as error:
            _put_back(before)  # a part that is skipped is skipped as a whole
            problems.append(str(error))
    if problems and not skip_mismatch:
        more = f" ({len(problems)} parts of the model do not fit; this is the first.)"
        raise WeightsMismatchError(problems[0] + (more if len(problems) > 1 else ""))
    for problem in problems:
        warn(f"Skipped: {problem}")
    if not incomplete:
        _tell_of_unused(held, parts, name)


def _tell_of_unused(held: hdf5.Held, parts: Parts, name: str) -> None:
    silent = ["metrics/"]
    if not any(_is_optimizer(part) for _, part in parts):
        silent.append("optimizer/")  # a model that is only to predict needs no compiling
    unused = [group for group in held if not group.startswith(tuple(silent))]
    if unused:
        shown = ", ".join(map(hdf5.printable, sorted(unused)[:5]))
        warn(
            f"{name!r} also holds weights that the model has no place for: "
            f"{shown}{' and more' if len(unused) > 5 else ''}."
        )


def _load_part(part: Any, group: str, names: dict[str, Any], name: str) -> None:
    if _has_own_way(part):
        _let_it_load(part, _Store(group, names, part, [], name), name)
        return
    in_files = getattr(part, "_variables_in_files", None)
    own = in_files() if callable(in_files) else variables_of(part)
    if _is_optimizer(part) and len(names) != len(own):
        if names and not _load_older_state(part, group, names, name):
            warn(
                f"{name!r}: the state of optimizer {part.name!r} was not loaded: it has "
                f"{len(own)} variables, the file holds {len(names)}."
            )
        return
    if not own and not names:
        return
    if len(own) != len(names):
        raise WeightsMismatchError(_count_differs(part, own, names, name))
    store = _Store(group, names, part, own, name)
    part.load_own_variables(store)
    for variable in own:
        _check_values(variable, part, name)


def _load_older_state(optimizer: Any, group: str, names: dict[str, Any], name: str) -> bool:
    """Take the state that Keras 2 saved, without a learning rate; False if it does not fit."""
    own = [*optimizer.variables, *optimizer._trainable_variables]
    shapes = {variable.shape for variable in own}
    if any(getattr(file[group][key], "shape", None) not in shapes for key, file in names.items()):
        return False
    store = _Store(group, names, optimizer, [], name)
    arrays = [store[str(i)] for i in range(len(names))]
    state = generations.upgraded_state(optimizer, arrays)
    if state is None:
        return False
    for variable, array in zip(optimizer.variables, state, strict=True):
        variable.assign(array)
    return True


def _is_optimizer(part: Any) -> bool:
    return hasattr(part, "apply_gradients")


def _has_own_way(part: Any) -> bool:
    """Whether a class says itself what a file keeps of it, so nothing is known of that."""
    if getattr(type(part), "keeps_its_own_files", False):
        return True
    methods = type(part).save_own_variables, type(part).load_own_variables
    return not all(method.__module__.startswith("npkeras.") for method in methods)


def _let_it_load(part: Any, store: _Store, name: str) -> None:
    try:
        part.load_own_variables(store)
    except CorruptFileError:
        raise
    except Exception as error:
        raise WeightsMismatchError(
            f"{_whose(part, name)}: its `load_own_variables` raised {type(error).__name__}: "
            f"{str(error)[:100]}"
        ) from error
    for variable in variables_of(part):
        _check_values(variable, part, name)


def _whose(part: Any, name: str) -> str:
    kind = "optimizer" if _is_optimizer(part) else "layer"
    return f"Weights of {name!r} do not fit {kind} {part.name!r} ({type(part).__name__})"


def _count_differs(part: Any, own: list[Any], names: Any, name: str) -> str:
    if not getattr(part, "built", True):
        hint = " The layer is not built: call the model on data, or `build` it, first."
    elif len(names) == len(_named(part)) < len(own):
        hint = (
            f" Keras keeps only {', '.join(_named(part))} of such a layer, unless its class has a "
            "`save_own_variables` and a `load_own_variables` that add the others."
        )
    else:
        hint = " The model was saved with other layers or other arguments."
    return (
        f"{_whose(part, name)}: it has {len(own)} weights "
        f"({', '.join(v.name for v in own) or 'none'}), the file holds {len(names)}.{hint}"
    )


def _named(part: Any) -> list[str]:
    """The attributes whose weights Keras keeps, where it keeps not all."""
    named = getattr(part, "weights_in_files", None) or ()
    return [name for name in named if getattr(part, name, None) is not None]


class _Store(Mapping):
    """The arrays of one part, read when asked for, if they have the shape that is expected."""

    def __init__(
        self, group: str, names: dict[str, Any], part: Any, own: list[Any], file_name: str
    ) -> None:
        self._group = group
        self._names = names
        self._part = part
        self._expected = {str(i): variable for i, variable in enumerate(own)}
        self._file_name = file_name

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, key: object) -> bool:
        return key in self._names

    def get(self, key: str, default: Any = None) -> Any:
        return self[key] if key in self else default

    def __getitem__(self, key: str) -> np.ndarray:
        where = f"{self._file_name!r}: /{self._group}/{key}"
        if key not in self._names:
            raise CorruptFileError(f"{where} is missing.")
        variable = self._expected.get(key)
        try:
            shape = None if variable is None else variable.shape
            array = hdf5.read(self._names[key][self._group][key], shape, where)
        except hdf5.ShapeDiffers as error:
            raise WeightsMismatchError(
                f"{_whose(self._part, self._file_name)}: its `{variable.name}` has shape "  # type: ignore[union-attr]
                f"{variable.shape}, the file holds {error.found}. The model was saved "  # type: ignore[union-attr]
                "with another input or other arguments."
            ) from None
        if variable is not None:
            check_fits(array, variable, where)
        return array


def check_fits(array: np.ndarray, variable: Any, where: str) -> None:
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


def _check_values(variable: Any, part: Any, name: str) -> None:
    value = variable.value
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        warn(
            f"{name!r}: `{variable.name}` of {part.name!r} ({type(part).__name__}) was loaded "
            "with values that are not finite."
        )

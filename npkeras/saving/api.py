"""Saving and loading by the name of the file, as Keras does it."""

from __future__ import annotations

import os
import pathlib
from typing import Any

from npkeras.core import check
from npkeras.saving import hdf5, keras_file, legacy_h5, sharded, weights_h5
from npkeras.saving.atomic import older_of
from npkeras.saving.errors import MissingFileError

_HDF5 = (".h5", ".hdf5")


def save_model(
    model: Any,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    zipped: bool | None = None,
    **kwargs: Any,
) -> None:
    """Write a whole model: how it is made, its weights, how it learns, and the optimizer's state.

    What was saved under the name before stays whole until the new file is, and is on disk.

    Args:
        model: The model.
        filepath: A name that ends in `.keras`, or in `.h5` for the older format of Keras 2.
        overwrite: Whether to replace an older file without asking.
        zipped: Whether to write one file. False: a folder of that name with the same contents.
        kwargs: `include_optimizer`, for `.h5` files: whether the optimizer is written too.

    Example:
        >>> import tempfile, pathlib
        >>> folder = tempfile.TemporaryDirectory()
        >>> path = pathlib.Path(folder.name, "model.keras")
        >>> model = npkeras.Sequential([npkeras.Input((3,)), Dense(2)])
        >>> npkeras.saving.save_model(model, path)
        >>> again = npkeras.saving.load_model(path)
        >>> bool((again.predict(np.ones((1, 3)), verbose=0) == model(np.ones((1, 3)))).all())
        True
    """
    include_optimizer = kwargs.pop("include_optimizer", True)
    save_format = kwargs.pop("save_format", None)
    check.no_more(kwargs, "`save_model`")
    path = _local(filepath)
    zipped = True if zipped is None else zipped
    known = path.name.endswith((".keras", *_HDF5)) if zipped else True
    if not known or (save_format and not path.name.endswith((".keras", *_HDF5))):
        raise ValueError(
            "`save_model` expects a file name that ends in `.keras`, or in `.h5` for the older "
            f"format; or `zipped=False` for a folder. Received: {str(filepath)!r}"
        )
    if path.exists() and not overwrite and not _may_overwrite(path):
        return
    if not zipped or path.name.endswith(".keras"):
        keras_file.save(model, path, zipped)
    else:
        legacy_h5.save_model(model, path, overwrite, include_optimizer)


def load_model(
    filepath: str | os.PathLike[str],
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = True,
) -> Any:
    """The model that `save_model`, or Keras, wrote.

    No code in the file is run, nothing is imported, and no other file is opened.

    Args:
        filepath: The file, or the folder.
        custom_objects: Classes and functions of your own, by the names the file has for them.
        compile: Whether the model is compiled as it was when it was saved.
        safe_mode: Taken for Keras' sake. Code in a file is never run, whatever it says.

    Raises:
        CorruptFileError: When the file is damaged, or asks for what no model may ask for.
        WeightsMismatchError: When its weights do not fit its config.
        ValueError: When it names a class or function that is neither npkeras' nor yours (a
            TypeError too), or there is no such file (a FileNotFoundError too).
    """
    path = _local(filepath)
    if path.name.endswith(_HDF5) and not path.is_dir():
        return legacy_h5.load_model(path, custom_objects, compile, safe_mode)
    if path.name.endswith(".keras") or _is_model_folder(path):
        return keras_file.load(path, custom_objects, compile)
    if not path.exists():
        raise MissingFileError(f"There is no file {str(path)!r}.")
    raise ValueError(
        "`load_model` reads `.keras` files, folders with a `config.json`, and `.h5` files. "
        f"Received: {str(path)!r}"
    )


def save_weights(
    model: Any,
    filepath: str | os.PathLike[str],
    overwrite: bool = True,
    max_shard_size: float | None = None,
    **kwargs: Any,
) -> None:
    """Write the weights of a model, and its optimizer's state, in the layout of Keras 3.

    Args:
        model: The model, built.
        filepath: The file, whose name ends in `.weights.h5`; with `max_shard_size` in
            `.weights.json`.
        overwrite: Whether to replace an older file without asking.
        max_shard_size: How many GB (2**30 bytes) a file may have; there will be several.
        kwargs: `objects_to_skip`, a list of layers whose weights are left out.

    Raises:
        ValueError: For another ending, or a model without weights yet.
        OSError: When the disk is full, say. The older file is then as it was.
    """
    left_out = kwargs.pop("objects_to_skip", None)
    check.no_more(kwargs, "`save_weights`")
    path = _local(filepath)
    endings = (weights_h5.ENDING,) if max_shard_size is None else _WEIGHTS
    _check_ending(path, endings, "save_weights")
    if max_shard_size is not None:
        path = sharded.index_path(path, "Saving")
    if path.exists() and not overwrite and not _may_overwrite(path):
        return
    if not model.built:
        raise ValueError(
            f"Model {model.name!r} has no weights to save yet: it is not built. Call it on data, "
            "or `build` it, first."
        )
    if max_shard_size is None:
        weights_h5.save(model, path, left_out)
    else:
        sharded.save(model, path, max_shard_size, left_out)


_WEIGHTS = (weights_h5.ENDING, sharded.ENDING)


def load_weights(
    model: Any,
    filepath: str | os.PathLike[str],
    skip_mismatch: bool = False,
    **kwargs: Any,
) -> None:
    """Read the weights of a model, and its optimizer's state, as Keras or npkeras wrote them.

    Args:
        model: The model, built.
        filepath: The file: `.weights.h5`, `.weights.json`, `.keras`, or `.h5` of Keras 2.
        skip_mismatch: Whether parts that do not fit are left as they are, with a warning.
        kwargs: `objects_to_skip`, a list of layers that keep their weights; `by_name`, for `.h5`
            files: whether layers are found by their names.

    Raises:
        CorruptFileError: When the file is damaged or holds anything but arrays of numbers.
        WeightsMismatchError: When it fits another model. Nothing has changed then.
    """
    left_out = kwargs.pop("objects_to_skip", None)
    by_name = kwargs.pop("by_name", None)
    check.no_more(kwargs, "`load_weights`")
    path = _local(filepath)
    numbered, name = path.name.endswith(_WEIGHTS), path.name
    if left_out is not None and not numbered:
        raise ValueError(
            f"`objects_to_skip` is for `.weights.h5` files only. Received: {str(filepath)!r}"
        )
    if by_name is not None and (numbered or not name.endswith(_HDF5)):
        raise ValueError(f"`by_name` is for older `.h5` files only. Received: {str(filepath)!r}")
    if name.endswith(sharded.ENDING):
        sharded.load(model, path, skip_mismatch, left_out)
    elif name.endswith(weights_h5.ENDING) and not _is_legacy(path):
        weights_h5.load(model, path, skip_mismatch, left_out)
    elif name.endswith(".keras") or _is_model_folder(path):
        keras_file.load_weights(model, path, skip_mismatch)
    else:  # Keras 2 wrote the older layout under any name that ends in `.h5`
        _check_ending(path, (*_WEIGHTS, ".keras", *_HDF5), "load_weights")
        legacy_h5.load_weights(model, path, bool(by_name), skip_mismatch)


def _is_legacy(path: pathlib.Path) -> bool:
    with hdf5.open_file(path) as file:
        return legacy_h5.is_legacy(file)


def _local(filepath: Any) -> pathlib.Path:
    if not isinstance(filepath, (str, os.PathLike)):
        raise ValueError(f"Expected the name of a file. Received: {check.shown(filepath)}")
    if "://" in str(filepath):
        raise ValueError(f"Only files on this machine can be used. Received: {str(filepath)!r}")
    return pathlib.Path(filepath)


def _is_model_folder(path: pathlib.Path) -> bool:
    path = older_of(path)
    return path.is_dir() and (path / keras_file.CONFIG).exists()


def _check_ending(path: pathlib.Path, endings: tuple[str, ...], method: str) -> None:
    if not path.name.endswith(endings):
        raise ValueError(
            f"`{method}` expects a file name that ends in {' or '.join(map(repr, endings))}. "
            f"Received: {str(path)!r}"
        )


def _may_overwrite(path: pathlib.Path) -> bool:
    answer = input(f"{path} exists. Overwrite it? [y/n] ").strip().lower()
    return answer in ("y", "yes")

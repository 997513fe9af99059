"""JSON that is not trusted: bounded in size and depth, each key once, and no code in it."""

from __future__ import annotations

import contextlib
import gc
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from npkeras.core import check
from npkeras.saving.errors import CorruptFileError, UnsafeModelError

LARGEST = 1 << 26  # bytes
_MOST_PIECES = 4_000_000  # entries of lists and dicts
_LARGEST_DEPTH = 128
_MOST_DIGITS = 40
_MOST_OBJECTS = 500_000
_MOST_LAYERS = 10_000  # in one model
_MOST_THRESHOLDS = 1_000_000  # in one metric
_NAME = re.compile(r"[^/\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]{1,255}")


def parse(data: bytes, where: str) -> dict[str, Any]:
    """The dict that a JSON text stands for.

    Args:
        data: The text.
        where: The file and what it is of it, for messages.
    """
    if len(data) > LARGEST or sum(map(data.count, (b",", b"[", b"{"))) > _MOST_PIECES:
        raise CorruptFileError(f"{where} is larger than that of any model: {len(data):,} bytes.")
    try:
        text = data.decode("utf-8")
        with _no_collection():
            parsed = json.loads(text, object_pairs_hook=_without_repetition, parse_int=_int)
    except RecursionError:
        raise CorruptFileError(f"{where} is nested too deep.") from None
    except UnicodeDecodeError:
        raise CorruptFileError(f"{where} is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise CorruptFileError(f"{where} is not JSON: {error.msg} at {error.pos:,}.") from None
    except ValueError as error:
        raise CorruptFileError(f"{where} is not as Keras writes it: {str(error)[:120]}.") from None
    if not isinstance(parsed, dict):
        raise CorruptFileError(f"{where} is a {type(parsed).__name__}. Expected a dict.")
    return parsed


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """No search for garbage: each new dict counts, and none is garbage. It takes half the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the same key occurs twice in one dict")
    return found


def _int(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise ValueError(f"it has a number of {len(digits):,} digits")
    return int(digits)


def check_config(config: dict[str, Any], where: str) -> None:
    """Refuse a config that holds code, names that no layer has, or more than any model has.

    Args:
        config: The config of a model or of anything else.
        where: The file and what it is of it, for messages.
    """
    if "class_name" in config and not isinstance(config.get("config"), dict):
        raise CorruptFileError(f"{where} describes no object: its `config` is not a dict.")
    waiting: list[tuple[Any, int, Any, Any]] = [(config, 0, None, None)]
    count = 0
    while waiting:
        value, depth, owner, key = waiting.pop()
        if depth > _LARGEST_DEPTH:
            raise CorruptFileError(f"{where} is nested too deep.")
        items: Iterable[tuple[Any, Any]] = ((key, item) for item in value)
        if isinstance(value, dict):
            count += 1
            _check_object(value, owner, key, where)
            owner = value if _is_named(value) else owner
            items = value.items()
        waiting += [(v, depth + 1, owner, k) for k, v in items if isinstance(v, (dict, list))]
    if count > _MOST_OBJECTS:
        raise CorruptFileError(f"{where} describes {count:,} objects, more than any model has.")


def _is_named(value: dict[str, Any]) -> bool:
    """Whether a dict describes an object that has a name."""
    config = value.get("config")
    return isinstance(config, dict) and isinstance(config.get("name"), str)


def _check_object(value: dict[str, Any], owner: Any, key: Any, where: str) -> None:
    if value.get("class_name") == "__lambda__":
        called = ""
        if owner is not None:
            called = f" ({check.shown(key, 40)} of {check.shown(owner['config']['name'], 40)})"
        raise UnsafeModelError(
            f"{where} holds compiled Python code{called}, which npkeras never runs, whatever "
            "`safe_mode` is. Make the model in your own code and use `load_weights`, or pass the "
            "function through `custom_objects` to a file that names it."
        )
    layers = value.get("layers")
    if isinstance(layers, list) and len(layers) > _MOST_LAYERS:
        raise CorruptFileError(f"{where} has a model of {len(layers):,} layers.")
    steps = value.get("num_thresholds")
    if isinstance(steps, (int, float)) and steps > _MOST_THRESHOLDS:
        raise CorruptFileError(f"{where} has a metric of {steps:,} thresholds.")
    name = value.get("name")
    if "trainable" in value and name is not None:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise CorruptFileError(f"{where} has a layer of the name {check.shown(name, 60)}.")

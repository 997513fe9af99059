"""The order in which Keras puts the parts of a model into a file, and their paths there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from npkeras.core.names import snake_case

# Attributes of the base classes, which hold nothing that a file keeps.
_BASE = frozenset(
    """_compile_config _compiled_loss _compiled_metrics _given _inbound_nodes _layers _losses
    _loss_tracker _non_trainable_variables _outputs _trainable_variables history loss
    dtype_policy _dtype_policy input_spec _gradient_hook""".split()
)


def is_saveable(thing: Any) -> bool:
    return hasattr(thing, "save_own_variables") and hasattr(thing, "load_own_variables")


def saveables(model: Any, left_out: Iterable[Any] = ()) -> Iterator[tuple[str, Any]]:
    """Each part of a model that may own variables, once, with its path in the file.

    The model itself has the path "". A part is found at the first place that leads to it: a
    Sequential model's `layers` first, then all other attributes in alphabetical order, those
    with a leading underscore last. Parts in a list or dict are named after their class.
    Those left out are passed over, with what is in them.
    """
    yield from _from(model, "", {id(thing) for thing in left_out})


def _from(thing: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    if id(thing) in seen:
        return
    seen.add(id(thing))
    yield path, thing
    for name, value in _attributes(thing):
        below = f"{path}/{name}" if path else name
        if is_saveable(value):
            yield from _from(value, below, seen)
        elif isinstance(value, (list, tuple, dict, set)):
            yield from _from_container(value, below, seen)


def _attributes(thing: Any) -> list[tuple[str, Any]]:
    attributes = {k: v for k, v in vars(thing).items() if k not in _BASE}
    first = []
    if hasattr(type(thing), "layers"):
        first = [("layers", thing.layers)]
        if not hasattr(thing, "_layers"):  # a subclassed model: in its alphabetical place
            attributes["layers"] = thing.layers
            first = []
    rest = sorted(attributes.items(), key=lambda item: (item[0].startswith("_"), item[0]))
    return first + rest


def _from_container(container: Any, path: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    items = list(container.values()) if isinstance(container, dict) else list(container)
    counts: dict[str, int] = {}
    for item in items:
        nested = isinstance(item, (list, tuple, dict, set))
        if not nested and not is_saveable(item):
            continue
        name = (
            "container"
            if nested
            else snake_case(getattr(item, "name_in_files", type(item).__name__))
        )
        count = counts.get(name, 0)
        counts[name] = count + 1
        below = f"{path}/{name}_{count}" if count else f"{path}/{name}"
        if nested:
            yield from _from_container(item, below, seen)
        else:
            yield from _from(item, below, seen)

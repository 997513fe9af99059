"""What there is, by kind and name; and how an object becomes JSON and comes back.

Nothing named in a config is ever imported: a name is looked up in the table of registered
classes and functions, and what is not in it does not exist.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from npkeras.core import check
from npkeras.core.names import snake_case

T = TypeVar("T")

_TABLES: dict[str, dict[str, Any]] = {}
_NAMES: dict[int, tuple[str, str]] = {}  # id(class or function) -> kind, name
CUSTOM: dict[str, Any] = {}  # "package>Name" -> what a user registered
_CUSTOM_NAMES: dict[int, str] = {}

_MODULES = {
    "schedules": "keras.optimizers.schedules",
    "dtype_policies": "keras",
    "models": "keras",
}


def register(kind: str, *aliases: str) -> Callable[[T], T]:
    """Make a class or function known under its name, its snake_case name and any aliases."""

    def add(thing: T) -> T:
        name = thing.__name__  # type: ignore[attr-defined]
        table = _TABLES.setdefault(kind, {})
        table[name] = thing
        table.setdefault(snake_case(name), thing)
        for alias in aliases:
            table[alias] = thing
        _NAMES[id(thing)] = (kind, name)
        return thing

    return add


def table(kind: str) -> dict[str, Any]:
    """Every name of one kind, aliases included."""
    return _TABLES.setdefault(kind, {})


def members(kind: str) -> dict[str, Any]:
    """Every class or function of one kind, once, under the name it was defined with."""
    return {name: thing for name, thing in table(kind).items() if name == thing.__name__}


def find(kind: str, name: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The class or function of that kind and name."""
    for place in (custom_objects or {}, _scope_objects(), CUSTOM, table(kind)):
        if name in place:
            return place[name]
    raise ValueError(
        f"Unknown {kind.replace('_', ' ').rstrip('s')}: {name!r}."
        f"{check.did_you_mean(name, table(kind))}"
        " A class of your own must be registered or be passed in `custom_objects`."
    )


def resolve(kind: str, identifier: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The object that a name, config, class or object stands for; None for None."""
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        return deserialize(identifier, custom_objects, kind)
    if isinstance(identifier, str):
        found = find(kind, identifier, custom_objects)
        return found() if inspect.isclass(found) else found
    if inspect.isclass(identifier):
        return identifier()
    if callable(identifier) or isinstance(identifier, Configurable):
        return identifier
    raise ValueError(
        f"Expected one of {kind}: a name, a config, a class or a callable. "
        f"Received: {check.shown(identifier)}"
    )


class Configurable:
    """An object whose config is its constructor's arguments, kept under their own names."""

    def get_config(self) -> dict[str, Any]:
        """What `from_config` needs to make an object like this one, ready for JSON."""
        names = argument_names(type(self))
        return {name: serialize(getattr(self, name)) for name in names if hasattr(self, name)}

    @classmethod
    def from_config(cls: type[T], config: dict[str, Any]) -> T:
        """An object like the one whose `get_config` gave `config`."""
        return cls(**{name: deserialize_if_needed(value) for name, value in config.items()})


def argument_names(cls: type) -> list[str]:
    """The constructor's arguments along the class hierarchy, the bases' first."""
    names: list[str] = []
    for base in reversed(cls.__mro__):
        if base is object or "__init__" not in vars(base):
            continue
        own = [
            parameter.name
            for parameter in list(inspect.signature(base.__init__).parameters.values())[1:]  # type: ignore[misc]
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ]
        takes_more = _takes_keywords(base.__init__)  # type: ignore[misc]
        names = [name for name in names if takes_more] + [n for n in own if n not in names]
    return list(dict.fromkeys(names))


def _takes_keywords(function: Callable[..., Any]) -> bool:
    kinds = [p.kind for p in inspect.signature(function).parameters.values()]
    return inspect.Parameter.VAR_KEYWORD in kinds


def registered_name(thing: Any) -> str | None:
    """`"package>Name"` of a class or function that a user registered; otherwise None."""
    return _CUSTOM_NAMES.get(id(thing))


def module_of(thing: Any) -> str | None:
    """The public module of what npkeras has, in Keras' words; a user's own module otherwise."""
    if id(thing) in _NAMES:
        kind = _NAMES[id(thing)][0]
        return _MODULES.get(kind, f"keras.{kind}")
    module = getattr(thing, "__module__", None)
    return None if module == "__main__" else module


def is_builtin(thing: Any, kind: str | None = None) -> bool:
    """Whether npkeras itself has this class or function (of that kind)."""
    known = _NAMES.get(id(thing))
    return known is not None and (kind is None or known[0] == kind)


def serialize(value: Any) -> Any:
    """A value as JSON can hold it, in the form Keras 3 writes."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [serialize(item) for item in value]
    if isinstance(value, dict):
        return {key: serialize(item) for key, item in value.items()}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return {
            "class_name": "__numpy__",
            "config": {"value": value.tolist(), "dtype": value.dtype.name},
        }
    if isinstance(value, np.dtype):
        return value.name
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType)) or id(value) in _NAMES:
        return _serialize_function(value)
    if hasattr(value, "get_config"):
        return _serialize_object(value)
    raise TypeError(f"Cannot turn {check.shown(value)} into a config: it has no `get_config`.")


def _serialize_object(value: Any) -> dict[str, Any]:
    cls = type(value)
    return {
        "module": module_of(cls),
        "class_name": cls.__name__,
        "config": value.get_config(),
        "registered_name": registered_name(cls) or (None if is_builtin(cls) else cls.__name__),
    }


def _serialize_function(value: Any) -> Any:
    if is_builtin(value, "activations") and registered_name(value) is None:
        return value.__name__
    if getattr(value, "__name__", "") == "<lambda>":
        raise ValueError(
            "A lambda has no name that a config could hold. Use a function defined with `def`, "
            "and register it with `npkeras.saving.register_keras_serializable()`."
        )
    return {
        "module": module_of(value),
        "class_name": "function",
        "config": value.__name__,
        "registered_name": registered_name(value) or value.__name__,
    }


def is_config(value: Any) -> bool:
    """Whether a value is a serialized object."""
    return isinstance(value, dict) and "class_name" in value and "config" in value


def deserialize_if_needed(value: Any) -> Any:
    return deserialize(value) if is_config(value) else value


def deserialize(
    config: Any, custom_objects: dict[str, Any] | None = None, kind: str | None = None
) -> Any:
    """The object that `serialize` described.

    Raises:
        ValueError: For a class or function that is neither part of npkeras nor registered nor
            among `custom_objects`. Nothing is imported, and no code in a config is run.
    """
    if isinstance(config, str) and kind:
        return resolve(kind, config, custom_objects)
    if not is_config(config):
        if isinstance(config, dict):
            return {key: deserialize(item, custom_objects) for key, item in config.items()}
        if isinstance(config, list):
            return [deserialize(item, custom_objects) for item in config]
        return config
    name, inner = config["class_name"], config["config"]
    if name in ("__lambda__", "__bytes__"):
        raise ValueError(
            "The config holds compiled Python code, which npkeras never runs. "
            "Pass the function through `custom_objects` instead."
        )
    if name == "__numpy__" or name == "__tensor__":
        return np.array(inner["value"], inner["dtype"])
    if name == "function":
        return _look_up(config, inner, custom_objects, kind)
    cls = _look_up(config, name, custom_objects, kind)
    if not inspect.isclass(cls):
        return cls
    if isinstance(cls, type) and hasattr(cls, "from_config"):
        return cls.from_config(inner)
    raise ValueError(f"The class {name!r} cannot be made from a config: it has no `from_config`.")


def _look_up(
    config: dict[str, Any], name: str, custom_objects: dict[str, Any] | None, kind: str | None
) -> Any:
    registered = config.get("registered_name") or name
    for place in (custom_objects or {}, _scope_objects(), CUSTOM):
        for key in (registered, name):
            if key in place:
                return place[key]
    kinds = [kind] if kind else []
    module = str(config.get("module") or "")
    kinds += [k for k in _TABLES if _MODULES.get(k, f"keras.{k}") == module]
    for candidate in kinds or list(_TABLES):
        if name in table(candidate):
            return table(candidate)[name]
    raise ValueError(
        f"Unknown class or function {name!r}"
        + (f" of module {module!r}" if module else "")
        + ". Register it with `npkeras.saving.register_keras_serializable()` or pass it in "
        "`custom_objects`."
    )


_scopes: list[dict[str, Any]] = []


def _scope_objects() -> dict[str, Any]:
    return {name: thing for scope in _scopes for name, thing in scope.items()}


class CustomObjectScope:
    """Inside this `with` block configs may name the given classes and functions."""

    def __init__(self, custom_objects: dict[str, Any]) -> None:
        self.custom_objects = custom_objects or {}

    def __enter__(self) -> CustomObjectScope:
        _scopes.append(self.custom_objects)
        return self

    def __exit__(self, *error: object) -> None:
        _scopes.remove(self.custom_objects)


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Decorator: configs may name this class or function of the user's as `package>name`."""

    def add(thing: T) -> T:
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise ValueError(
                f"{thing.__name__} cannot be registered: it has no `get_config` method."
            )
        full = f"{package}>{name or thing.__name__}"  # type: ignore[attr-defined]
        CUSTOM[full] = thing
        _CUSTOM_NAMES[id(thing)] = full
        return thing

    return add


def get_registered_name(thing: Any) -> str:
    """`"package>Name"` of what a user registered, or the plain name of anything else."""
    return registered_name(thing) or thing.__name__


def get_registered_object(
    name: str, custom_objects: dict[str, Any] | None = None, module_objects: Any = None
) -> Any:
    """What a user registered as `"package>Name"`; None if there is no such thing."""
    for place in (custom_objects or {}, _scope_objects(), CUSTOM, module_objects or {}):
        if name in place:
            return place[name]
    return None

"""What there is, by kind and name; and how an object becomes JSON and comes back.

Nothing named in a config is ever imported: a name is looked up in the table of registered
classes and functions, and what is not in it does not exist.
"""

from __future__ import annotations

import contextlib
import inspect
import threading
import types
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np

from npkeras.core import check, lambdas
from npkeras.core.names import snake_case

T = TypeVar("T")

_TABLES: dict[str, dict[str, Any]] = {}
_KINDS: dict[int, tuple[str, Any]] = {}  # id -> kind, and the thing: it keeps its id
CUSTOM: dict[str, Any] = {}  # "package>Name" -> what a user registered
_CUSTOM_NAMES: dict[int, tuple[str, Any]] = {}  # id -> "package>Name", and the thing

_SINGULAR = {"losses": "loss", "dtype_policies": "dtype policy"}
_MODULES = {
    "schedules": "keras.optimizers.schedules",
    "dtype_policies": "keras",
    "models": "keras",
    "functional": "keras.src.models.functional",
}


class UnknownNameError(ValueError, TypeError):
    """A class or function that is nowhere known: in Keras the one or the other kind of error."""


class RefusedArgumentError(TypeError):
    """A config holds an argument that the constructor of a user's class does not take."""


def register(kind: str, *aliases: str) -> Callable[[T], T]:
    """Make a class or function known under its name, its snake_case name and any aliases."""

    def add(thing: T) -> T:
        name = thing.__name__  # type: ignore[attr-defined]
        table = _TABLES.setdefault(kind, {})
        table[name] = thing
        table.setdefault(snake_case(name), thing)
        for alias in aliases:
            table[alias] = thing
        _KINDS[id(thing)] = (kind, thing)
        return thing

    return add


def known_as(kind: str, thing: Any) -> None:
    """Let configs hold the name of a thing, which stands there for what is registered under it."""
    _KINDS.setdefault(id(thing), (kind, thing))


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
    raise UnknownNameError(
        f"Unknown {_SINGULAR.get(kind, kind[:-1])}: {name!r}."
        f"{check.did_you_mean(name, table(kind))}"
        " A class of your own must be registered or be passed in `custom_objects`."
    )


def resolve(kind: str, identifier: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The object that a name, config, class or object stands for; None for None."""
    if identifier is None:
        return None
    if is_config(identifier):
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
        return {
            name: serialize_argument(getattr(self, name)) for name in names if hasattr(self, name)
        }

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
        names = list(dict.fromkeys([*names, *own])) if takes_more else own
    return names


def _takes_keywords(function: Callable[..., Any]) -> bool:
    kinds = [p.kind for p in inspect.signature(function).parameters.values()]
    return inspect.Parameter.VAR_KEYWORD in kinds


def registered_name(thing: Any) -> str | None:
    """`"package>Name"` of a class or function that a user registered; otherwise None."""
    name, _ = _CUSTOM_NAMES.get(id(thing), (None, None))
    return name


def module_of(thing: Any) -> str | None:
    """The public module of what npkeras has, in Keras' words; a user's own module otherwise."""
    if id(thing) in _KINDS:
        kind = _KINDS[id(thing)][0]
        return _MODULES.get(kind, f"keras.{kind}")
    module = getattr(thing, "__module__", None)
    return None if module == "__main__" else module


def is_builtin(thing: Any, kind: str | None = None) -> bool:
    """Whether npkeras itself has this class or function (of that kind)."""
    known = _KINDS.get(id(thing))
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
    if isinstance(value, bytes):
        return {"class_name": "__bytes__", "config": {"value": value.decode()}}
    if isinstance(value, slice):
        ends = {"start": value.start, "stop": value.stop, "step": value.step}
        return {"class_name": "__slice__", "config": serialize(ends)}
    if value is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(value, (types.FunctionType, types.BuiltinFunctionType)) or id(value) in _KINDS:
        return _serialize_function(value)
    if hasattr(value, "get_config"):
        return _serialize_object(value)
    raise TypeError(f"Cannot turn {check.shown(value)} into a config: it has no `get_config`.")


def _serialize_object(value: Any) -> dict[str, Any]:
    cls, module = type(value), module_of(type(value))
    is_public = is_builtin(cls) and not str(module).startswith("keras.src.")
    config = {
        "module": module,
        "class_name": cls.__name__,
        "config": value.get_config(),
        "registered_name": registered_name(cls) or (None if is_public else cls.__name__),
    }
    if hasattr(value, "get_build_config") and value.built:
        build_config = value.get_build_config()
        if build_config is not None:
            config["build_config"] = serialize(build_config)
    if hasattr(value, "get_compile_config"):
        config["compile_config"] = serialize(value.get_compile_config() or {})
    return _marked_if_shared(value, config)


def serialize_argument(value: Any) -> Any:
    """`serialize`, save that configs know the activations of npkeras by name: "relu"."""
    if is_builtin(value, "activations") and registered_name(value) is None:
        return value.__name__
    return serialize(value)


def _serialize_function(value: Any) -> dict[str, Any]:
    if lambdas.is_lambda(value):
        described = list(lambdas.described(value, serialize))
        return {"class_name": "__lambda__", "config": {"value": described}}
    return {
        "module": "builtins",
        "class_name": "function",
        "config": registered_name(value) or value.__name__,
        "registered_name": "function",
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
        UnknownNameError: For a class or function that is neither part of npkeras nor registered
            nor among `custom_objects`: a ValueError and a TypeError. Nothing is imported, and
            no code in a config is run.
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
    if name == "__lambda__":
        raise ValueError(
            "The config holds compiled Python code, which npkeras never runs. "
            "Pass the function through `custom_objects` instead."
        )
    if isinstance(name, str) and name in _PLAIN_VALUES:
        return _plain_value(name, inner)
    if name == "function":
        return _look_up(config, inner, custom_objects, kind)
    cls = _look_up(config, name, custom_objects, kind)
    if not inspect.isclass(cls):
        return cls
    make = getattr(cls, "from_config", None)
    if make is None:
        raise ValueError(
            f"The class {name!r} cannot be made from a config: it has no `from_config`."
        )
    if not isinstance(inner, dict):
        raise ValueError(f"The config of {name!r} must be a dict. Received: {check.shown(inner)}")
    with CustomObjectScope(custom_objects):  # what is within may name them too
        return _shared(config, lambda: _finished(_made(cls, make, inner), config))


def _made(cls: Any, make: Callable[[dict[str, Any]], Any], inner: dict[str, Any]) -> Any:
    """What a config describes; a constructor of the user's that cannot take it is named."""
    try:
        return make(inner)
    except TypeError as error:
        start = f"{cls.__qualname__}.__init__() got an unexpected keyword argument "
        if is_builtin(cls) or not str(error).startswith(start):
            raise
        raise RefusedArgumentError(
            f"{cls.__name__} cannot be made from its config: `{cls.__name__}.__init__` takes no "
            f"argument {str(error).removeprefix(start)}. Received: {', '.join(inner)}. Add "
            f"`**kwargs` to `{cls.__name__}.__init__` and hand them to `super().__init__`."
        ) from error


def _finished(made: Any, config: dict[str, Any]) -> Any:
    """An object that was just made from its config, built and compiled as the config says."""
    build_config, compile_config = config.get("build_config"), config.get("compile_config")
    if build_config and hasattr(made, "build_from_config") and not made.built:
        made.build_from_config(build_config)
    if compile_config and hasattr(made, "compile_from_config"):
        made.compile_from_config(compile_config)
    return made


_PLAIN_VALUES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "__numpy__": lambda config: np.array(config["value"], config["dtype"]),
    "__tensor__": lambda config: np.array(config["value"], config["dtype"]),
    "__bytes__": lambda config: config["value"].encode(),
    "__slice__": lambda config: slice(config["start"], config["stop"], config["step"]),
    "__ellipsis__": lambda config: ...,
}


def _plain_value(name: str, inner: Any) -> Any:
    """What JSON has no word for, and is no object of ours."""
    try:
        return _PLAIN_VALUES[name](inner)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(
            f"{check.shown(inner)} is no config of {name!r}: {check.shown(error)}"
        ) from error


def _look_up(
    config: dict[str, Any], name: Any, custom_objects: dict[str, Any] | None, kind: str | None
) -> Any:
    registered = config.get("registered_name")
    for place in (custom_objects or {}, _scope_objects(), CUSTOM):
        for key in (registered, name):
            if isinstance(key, str) and key in place:
                return place[key]
    module = config.get("module")
    by_own_name = config["class_name"] == "function"  # else `loss` would be the class `Loss`
    for candidate in _kinds_in(module, kind):
        found = table(candidate).get(name) if isinstance(name, str) else None
        if found is not None and not (by_own_name and _is_alias_of_class(name, found)):
            return found
    raise UnknownNameError(
        f"Unknown class or function {check.shown(name)}"
        + (f" of module {check.shown(module)}" if module else "")
        + ". Register it with `npkeras.saving.register_keras_serializable()` or pass it in "
        "`custom_objects`."
    )


def _is_alias_of_class(name: str, thing: Any) -> bool:
    return inspect.isclass(thing) and thing.__name__ != name


def _kinds_in(module: Any, kind: str | None) -> list[str]:
    """The tables that hold what Keras has in a module; all tables if that says nothing."""
    there = [k for k in _TABLES if _MODULES.get(k, f"keras.{k}") == module]
    if there:
        return [kind, *there] if kind else there
    within_keras = module is None or str(module).partition(".")[0] in ("builtins", "keras")
    if not within_keras:
        return []
    return [kind] if kind else list(_TABLES)


class _Thread(threading.local):
    scopes: tuple[dict[str, Any], ...] = ()
    described: dict[int, Any] | None = None  # id -> what has it, and its config
    made: dict[int, Any] | None = None  # `shared_object_id` -> what was made


_thread = _Thread()


def _scope_objects() -> dict[str, Any]:
    return {name: thing for scope in _thread.scopes for name, thing in scope.items()}


@contextlib.contextmanager
def marking_shared() -> Iterator[None]:
    """Inside this `with` block configs say, by a `shared_object_id`, which objects are the same."""
    outer, _thread.described = _thread.described, {}
    try:
        yield
    finally:
        _thread.described = outer


@contextlib.contextmanager
def making_shared() -> Iterator[None]:
    """Inside this `with` block configs with the same `shared_object_id` stand for one object."""
    outer, _thread.made = _thread.made, {}
    try:
        yield
    finally:
        _thread.made = outer


def _marked_if_shared(value: Any, config: dict[str, Any]) -> dict[str, Any]:
    described = _thread.described
    if described is not None:
        if id(value) in described:
            config["shared_object_id"] = described[id(value)][1]["shared_object_id"] = id(value)
        described[id(value)] = value, config
    return config


def _shared(config: dict[str, Any], make: Callable[[], Any]) -> Any:
    """What has the config's `shared_object_id`; it is made where nothing has it yet."""
    number, made = config.get("shared_object_id"), _thread.made
    if made is None or not isinstance(number, int):
        return make()
    if number not in made:
        made[number] = make()
    return made[number]


class CustomObjectScope:
    """Inside this `with` block configs may name the given classes and functions.

    Example:
        >>> def twice(x):
        ...     return 2 * x
        >>> with npkeras.saving.custom_object_scope({"twice": twice}):
        ...     npkeras.activations.get("twice")(4)
        8
    """

    def __init__(self, custom_objects: dict[str, Any] | None) -> None:
        self.custom_objects = custom_objects or {}

    def __enter__(self) -> CustomObjectScope:
        self._outer = _thread.scopes
        _thread.scopes = (*self._outer, self.custom_objects)
        return self

    def __exit__(self, *error: object) -> None:
        _thread.scopes = self._outer


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
        _CUSTOM_NAMES[id(thing)] = (full, thing)
        return thing

    return add


def get_custom_objects() -> dict[str, Any]:
    """The dict of all classes and functions that configs may name besides npkeras' own.

    What is put into it is known from then on, in the whole process; `custom_object_scope`
    does the same for a few lines.

    Example:
        >>> npkeras.saving.get_custom_objects()["twice"] = lambda x: 2 * x
        >>> del npkeras.saving.get_custom_objects()["twice"]
    """
    return CUSTOM


def get_registered_name(obj: Any) -> str:
    """`"package>Name"` of what a user registered, or the plain name of anything else."""
    return registered_name(obj) or obj.__name__


def get_registered_object(
    name: str, custom_objects: dict[str, Any] | None = None, module_objects: Any = None
) -> Any:
    """What a user registered as `"package>Name"`; None if there is no such thing."""
    for place in (custom_objects or {}, _scope_objects(), CUSTOM, module_objects or {}):
        if name in place:
            return place[name]
    return None

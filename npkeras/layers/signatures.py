"""What the methods of a layer's class take, read once for each class."""

from __future__ import annotations

import functools
import inspect


class CallSignature:
    """What the `call` of a class takes."""

    def __init__(self, cls):
        parameters = list(inspect.signature(cls.call).parameters.values())[1:]
        self.signature = inspect.Signature(parameters)
        self.names = tuple(
            p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        )
        self.first = self.names[0] if self.names else ""
        self.takes_training = "training" in self.names
        self.takes_mask = "mask" in self.names
        default = self.signature.parameters["training"].default if self.takes_training else None
        self.default_training = None if default is inspect.Parameter.empty else default

    def bind(self, layer, args, kwargs):
        """The arguments by name, in the order of the signature, which they must fit."""
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError as error:
            advice = " Several inputs for one argument go in a list." if len(args) > 1 else ""
            raise TypeError(
                f"Layer {layer.name!r} ({type(layer).__name__}): {error}. Its `call` takes "
                f"{self.signature}.{advice}"
            ) from None
        given = {**dict(zip(self.names, args, strict=False)), **kwargs}
        ordered = {name: given[name] for name in self.names if name in given}
        surplus = {f"argument {i}": arg for i, arg in enumerate(args) if i >= len(self.names)}
        return {**ordered, **surplus, **given}

    def named(self, args, kwargs):
        """Pairs of a name and an argument; an argument that fits nowhere has no name."""
        return [*zip(self.names, args, strict=False), *kwargs.items()]


@functools.cache
def call_signature(cls):
    return CallSignature(cls)


@functools.cache
def build_arguments(cls):
    """The names of `build`'s arguments.

    Raises:
        ValueError: If there are several, and one of them is not named after an argument of `call`.
    """
    wanted = _named_arguments(cls.build)
    for name in wanted if len(wanted) > 1 else ():
        if not name.endswith("_shape") or name.removesuffix("_shape") not in call_names(cls):
            raise ValueError(
                f"The arguments of `build` of {cls.__name__} must be named after those of `call`, "
                f"`a_shape` for `a`. Received: build{tuple(wanted)}, call{call_names(cls)}"
            )
    return wanted


@functools.cache
def rule_arguments(cls):
    """The names of the arguments of a class's own `compute_output_shape`."""
    return _named_arguments(cls.compute_output_shape)


def call_names(cls):
    return call_signature(cls).names


def _named_arguments(method):
    parameters = list(inspect.signature(method).parameters.values())[1:]
    return [p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


@functools.cache
def accepted_arguments(cls):
    """The arguments a class can be made with by name; None if any, for its base to judge."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return frozenset(p.name for p in parameters)


@functools.cache
def derived_arguments(cls, base):
    """The constructor's arguments from which a config is derived: those below `base`.

    A class of the user's that has its own `get_config` speaks for itself: its arguments, and
    those of classes derived from it, are left to it. The values say who has the argument: True
    for a class of the user's.
    """
    classes = cls.__mro__[: cls.__mro__.index(base)]
    speaking = [i for i, c in enumerate(classes) if "get_config" in vars(c) and is_users(c)]
    found = {}
    for c in reversed(classes[speaking[-1] + 1 if speaking else 0 :]):
        if "__init__" in vars(c):
            parameters = list(inspect.signature(c.__init__).parameters.values())[1:]
            for p in parameters:
                if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
                    found[p.name] = is_users(c)
    return found


@functools.cache
def open_arguments(cls, base):
    """What a user's constructor calls its `*args` and its `**kwargs`: two names, or None.

    There are none where a `get_config` of the user's speaks for them.
    """
    classes = cls.__mro__[: cls.__mro__.index(base)]
    owner = next((c for c in classes if "__init__" in vars(c)), base)
    if not is_users(owner) or any("get_config" in vars(c) and is_users(c) for c in classes):
        return None, None
    names = {p.kind: p.name for p in inspect.signature(owner.__init__).parameters.values()}
    kind = inspect.Parameter
    return names.get(kind.VAR_POSITIONAL), names.get(kind.VAR_KEYWORD)


def is_users(x):
    """Whether a class or a function is not one of npkeras' own."""
    return str(getattr(x, "__module__", None)).partition(".")[0] != "npkeras"

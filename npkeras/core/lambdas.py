"""Python lambdas in configs: written as Keras writes them, as compiled code; never read."""

from __future__ import annotations

import base64
import marshal
import threading
import types
from collections.abc import Callable
from typing import Any

from npkeras.core.warning import warn


class _Thread(threading.local):
    within: tuple[Any, ...] = ()  # the lambdas that are being described


_thread = _Thread()


def is_lambda(value: Any) -> bool:
    """Whether a value is a Python lambda, which no config can hold by name."""
    return isinstance(value, types.FunctionType) and value.__name__ == "<lambda>"


def described(function: Any, serialize: Callable[[Any], Any]) -> tuple[str, Any, Any]:
    """The code of a lambda, the defaults of its arguments, and what it uses from around it.

    Only Keras makes a function of it again, where it is told to trust the file and Python has the
    same version. That is said in a warning.

    Args:
        function: The lambda.
        serialize: What turns a default, or a value from around, into JSON.

    Returns:
        The code as text, and two lists, or None where there is nothing.
    """
    code = function.__code__
    warn(
        f"The lambda in line {code.co_firstlineno} of {code.co_filename!r} goes into the config as "
        "compiled Python code, as in Keras. npkeras never runs code from a file, so it will not "
        "read this config back; Keras will, with `safe_mode=False`. Use a function defined with "
        "`def` instead, and register it with `npkeras.saving.register_keras_serializable()`."
    )
    text = base64.encodebytes(marshal.dumps(code)).decode("ascii")
    if any(function is one for one in _thread.within):  # it is found in what it holds itself
        return text, None, None
    outer, _thread.within = _thread.within, (*_thread.within, function)
    try:
        defaults = function.__defaults__ and [_value(v, serialize) for v in function.__defaults__]
        closure = function.__closure__ and [_in_cell(c, serialize) for c in function.__closure__]
    finally:
        _thread.within = outer
    return text, defaults, closure


def _in_cell(cell: Any, serialize: Callable[[Any], Any]) -> Any:
    try:
        value = cell.cell_contents
    except ValueError:  # the variable was never set, or is gone
        return None
    return _value(value, serialize)


def _value(value: Any, serialize: Callable[[Any], Any]) -> Any:
    """A value as JSON; None for what has no config."""
    try:
        return serialize(value)
    except (TypeError, NotImplementedError):
        return None

"""Which dtype comes out when dtypes meet, and which dtypes a layer computes and stores in.

Promotion follows JAX's lattice, as Keras does: integers never turn floats into wider floats
(int64 with float16 is float16), and a plain Python number never widens anything.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from npkeras.core import check, config
from npkeras.core.names import snake_case
from npkeras.core.registry import register

# Each dtype, and those just above it. "int" and "float" stand for Python's own numbers.
_ABOVE = {
    "bool": ("int",),
    "int": ("uint8", "int8"),
    "uint8": ("int16", "uint16"),
    "uint16": ("int32", "uint32"),
    "uint32": ("int64", "uint64"),
    "uint64": ("float",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("float",),
    "float": ("bfloat16", "float16"),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64",),
    "float64": (),
}
ALLOWED = frozenset(_ABOVE) - {"int", "float"} | {"string", "complex64", "complex128"}
_PYTHON = {bool: "bool", int: "int64", float: None, str: "string"}
_NAMES: dict[Any, str] = {np.dtype(name): name for name in ALLOWED - {"bfloat16", "string"}}


@functools.cache
def _all_above(name: str) -> frozenset[str]:
    reached = {name}
    for above in _ABOVE[name]:
        reached |= _all_above(above)
    return frozenset(reached)


@functools.cache
def _meet(first: str, second: str) -> str:
    """The lowest dtype that stands above both."""
    common = _all_above(first) & _all_above(second)
    return max(common, key=lambda name: len(_all_above(name)))


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype given as a name, a NumPy dtype, a Python type or None (`floatx`)."""
    if dtype is None:
        return config.floatx()
    if isinstance(dtype, np.dtype):
        name = _NAMES.get(dtype)
        if name is not None:
            return name
    if isinstance(dtype, type) and dtype in _PYTHON:
        return _PYTHON[dtype] or config.floatx()
    if isinstance(dtype, str):
        name = {"int": "int64", "float": config.floatx()}.get(dtype, dtype)
    else:
        name = getattr(dtype, "name", None) or getattr(dtype, "__name__", str(dtype))
    if name not in ALLOWED:
        try:
            name = _NAMES.get(np.dtype(dtype), "")
        except TypeError:
            name = ""
    if name not in ALLOWED:
        raise ValueError(f"Invalid dtype: {dtype!s:.60}. Expected one of {sorted(ALLOWED)}.")
    return name


def numpy_dtype(name: str) -> Any:
    """The NumPy dtype of that name."""
    if name == "bfloat16":
        raise ValueError(
            "npkeras cannot compute in bfloat16, which NumPy lacks. Use float16 or float32."
        )
    return np.dtype(str if name == "string" else name)


def result_type(*dtypes: Any) -> str:
    """The dtype of a result computed from values of these dtypes.

    `int` and `float` stand for Python numbers, which only decide the kind: an int array times
    1.5 has the dtype `floatx()`.
    """
    names = [_weak_name(dtype) for dtype in dtypes] or ["float"]
    return _result_type(tuple(names), config.floatx())


@functools.lru_cache(maxsize=1024)
def _result_type(names: tuple[str, ...], floatx: str) -> str:
    if any(name.startswith("complex") for name in names):
        return "complex128" if {"complex128", "float64"} & set(names) else "complex64"
    if "float8" in "".join(names) or "string" in names:
        raise ValueError(f"There is no common dtype for {', '.join(names)}.")
    result = functools.reduce(_meet, names)
    if result == "float":
        return floatx
    return "int32" if result == "int" else result


def _weak_name(dtype: Any) -> str:
    if dtype is int:
        return "int"
    if dtype is float:
        return "float"
    return standardize_dtype(dtype)


def dtype_of(x: Any) -> str:
    """The name of the dtype of an array, a recorded value, a symbolic tensor or a number."""
    dtype = getattr(x, "dtype", None)
    if dtype is not None:
        if getattr(dtype, "kind", "") in ("U", "S"):  # as a layer that reads text takes them
            return "string"
        return standardize_dtype(dtype)
    if isinstance(x, bool):
        return "bool"
    if isinstance(x, int):
        return "int32"
    if isinstance(x, float):
        return config.floatx()
    return standardize_dtype(as_array(x).dtype)


def as_array(x: Any) -> np.ndarray:
    """An array of anything: Python's ints become int32 if they fit, its floats `floatx()`."""
    if isinstance(x, (np.ndarray, np.generic)):
        return np.asarray(x)
    if isinstance(x, (bool, float)) or (isinstance(x, int) and -(2**31) <= x < 2**31):
        return np.asarray(x, dtype_of(x))
    array = np.asarray(x)
    if array.dtype == object:
        raise ValueError(
            f"Expected an array of numbers, or what makes one. Received: {check.shown(x)}"
        )
    if hasattr(x, "__array__") or hasattr(x, "__array_interface__"):
        return array  # it has a dtype of its own
    if array.dtype == np.float64 and not _holds_float64(x):
        return array.astype(numpy_dtype(config.floatx()))
    if array.dtype == np.int64:
        return array.astype(np.int32) if _fits_int32(array) else array
    return array


def _holds_float64(x: Any) -> bool:
    """Whether a list holds NumPy's float64s, which keep their dtype, and not Python's floats."""
    while isinstance(x, (list, tuple)) and x:
        x = x[0]
    return isinstance(x, (np.ndarray, np.generic)) and x.dtype == np.float64


def _fits_int32(array: np.ndarray) -> bool:
    limits = np.iinfo(np.int32)
    return not array.size or bool(array.min() >= limits.min and array.max() <= limits.max)


def is_float(name: Any) -> bool:
    """Whether a dtype is one of floats. None stands for `floatx()`."""
    return "float" in standardize_dtype(name)


def is_int(name: Any) -> bool:
    """Whether a dtype is one of integers, with or without a sign."""
    return "int" in standardize_dtype(name)


@register("dtype_policies")
class DTypePolicy:
    """The dtype a layer computes in, and the dtype it keeps its weights in.

    Args:
        name: A dtype such as `"float32"` for both, or `"mixed_float16"`: weights in float32,
            arithmetic in float16.
    """

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = config.floatx()
        if not isinstance(name, str):
            raise TypeError(f"`name` of DTypePolicy must be a string. Received: name={name!r}")
        if "_from_" in name:
            raise ValueError(
                "Policies of quantized layers are not supported. "
                f"Received: name={name!r}. Use that of the weights: {name.split('_from_')[1]!r}."
            )
        self.name = name
        if name in ("mixed_float16", "mixed_bfloat16"):
            self.compute_dtype, self.variable_dtype = name.removeprefix("mixed_"), "float32"
        else:
            self.compute_dtype = self.variable_dtype = standardize_dtype(name)
        for dtype in {self.compute_dtype, self.variable_dtype} & {"bfloat16"}:
            numpy_dtype(dtype)  # refuses it

    quantization_mode = None

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash((DTypePolicy, self.name))

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self.name}">'


@register("dtype_policies")
class FloatDTypePolicy(DTypePolicy):
    """A `DTypePolicy`, under the name that some versions of Keras 3 gave it."""


_global_policy: list[DTypePolicy | None] = [None]


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given no dtype."""
    return _global_policy[0] or DTypePolicy(config.floatx())


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of layers that are given no dtype: a name or a `DTypePolicy`."""
    if policy is None:
        raise ValueError(
            "`set_dtype_policy` expects a name such as 'mixed_float16' or a DTypePolicy. "
            "Received: policy=None"
        )
    _global_policy[0] = get_dtype_policy(policy)


def get_dtype_policy(identifier: Any) -> DTypePolicy:
    """A policy, from its name, from a dtype, from its config, or None for the global one."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        kinds = {"d_type_policy": DTypePolicy, "float_d_type_policy": FloatDTypePolicy}
        kind = kinds.get(snake_case(str(identifier.get("class_name"))))
        if kind is None:
            raise ValueError(f"Expected the config of a DTypePolicy. Received: {identifier!r:.100}")
        return kind(**identifier["config"])
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    return DTypePolicy(standardize_dtype(identifier))

"""Mixed precision: float variables are read in the compute dtype of the layer around."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from npkeras.core.dtypes import is_float
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import Traced


class _Thread(threading.local):
    compute_dtype: Any = None  # float variables are read in this dtype; None: in their own


_thread = _Thread()


class autocast_scope:
    """Inside this `with` block ops read float variables in a layer's compute dtype."""

    __slots__ = ("dtype", "_outer")

    def __init__(self, dtype: str | None) -> None:
        self.dtype = None if dtype is None else np.dtype(dtype)

    def __enter__(self) -> None:
        self._outer, _thread.compute_dtype = _thread.compute_dtype, self.dtype

    def __exit__(self, *error: object) -> None:
        _thread.compute_dtype = self._outer


def read(arg: Traced) -> Any:
    """The array behind a recorded value, a variable's in the compute dtype."""
    value = arg.value
    dtype = _thread.compute_dtype
    if (
        dtype is not None
        and value.dtype is not dtype
        and value.dtype.kind == "f"
        and getattr(arg, "autocast", False)
    ):
        return value.astype(dtype)
    return value


def specs(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Variables as their shape and the dtype in which they will be read; the rest as it is."""
    return args if _thread.compute_dtype is None else tuple(map(_spec, args))


def _spec(arg: Any) -> Any:
    if isinstance(arg, Traced) and getattr(arg, "autocast", False) and is_float(arg.dtype):
        return KerasTensor(arg.shape, str(_thread.compute_dtype), name="variable")
    return arg

"""Plain functions on plain arrays: the inner loops, without tapes, variables or layers.

A kernel is chosen by the type of its first array. The function decorated here is the NumPy
reference; a faster one for the same or another type of array registers beside it:

    @kernel
    def softmax(x): ...                      # any array NumPy can work on

    @softmax.register(numpy.ndarray)         # in kernels/numba_kernels.py
    @softmax.register(cupy.ndarray)          # in kernels/cupy_kernels.py

`softmax.dispatch(object)` is always the reference.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from npkeras.kernels.memory import keep_freed_memory

KERNELS: dict[str, Any] = {}


def kernel(function: Callable[..., Any]) -> Any:
    """Make the function below the reference implementation of a kernel."""
    KERNELS[function.__name__] = dispatcher = functools.singledispatch(function)
    return dispatcher


def use(name: str) -> None:
    """Load a set of faster kernels by its name: the module `npkeras.kernels.<name>_kernels`."""
    module = f"npkeras.kernels.{name}_kernels"
    if not name.isidentifier() or importlib.util.find_spec(module) is None:
        raise ValueError(f"`npkeras.kernels.use` knows no set of kernels of that name: {name!r}.")
    importlib.import_module(module)


keep_freed_memory()

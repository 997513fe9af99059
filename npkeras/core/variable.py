"""Variable: an array that lives longer than one call, such as a weight."""

from __future__ import annotations

import contextlib
import math
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from npkeras.core import check, names, registry
from npkeras.core.dtypes import as_array, is_float, numpy_dtype, standardize_dtype
from npkeras.core.tape import Traced, plain


class Variable(Traced):
    """An array with a name, which optimizers change and files keep.

    While a tape runs, whatever is computed from a trainable variable is recorded.

    Args:
        initializer: The first value, or a function of `(shape, dtype=...)` that makes it, or the
            name of an initializer.
        shape: Its shape, if `initializer` is a function or a name, or a value to be spread.
        dtype: Its dtype. None: that of the first value, `floatx()` for a function.
        trainable: Whether gradients are wanted.
        autocast: Whether a layer that computes in another float dtype reads it in that one.
        aggregation, synchronization, layout: Taken for Keras' sake; they concern several devices.
        name: Its name. None: `variable`, `variable_1`, ...

    Example:
        >>> weight = npkeras.Variable([1.0, 2.0], name="weight")
        >>> weight.assign_add([1.0, 1.0]).numpy()
        array([2., 3.], dtype=float32)
    """

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str = "none",
        synchronization: str = "auto",
        name: str | None = None,
        layout: Any = None,
    ) -> None:
        name = name or names.auto_name("Variable")
        if not isinstance(name, str) or "/" in name:
            raise ValueError(
                f"`name` of Variable must be a string without '/'. Received: name={name!r}"
            )
        self.name = name
        self.path = names.path_of(name)
        if shape is not None:
            shape = check.shape(shape, "shape", "Variable")
            _spend(shape)
        if isinstance(initializer, str):
            initializer = registry.resolve("initializers", initializer)
        if not callable(initializer):
            value = _first_value(initializer, shape, dtype)
        elif shape is None:
            raise ValueError(
                "`shape` of Variable is needed when `initializer` is a function. "
                f"Received: initializer={check.shown(initializer)}"
            )
        else:
            value = _made(initializer, shape, dtype)
        super().__init__(value, None)
        self.home = object()  # its slot for life, also while it is frozen
        self.autocast = autocast
        self.aggregation = aggregation
        self.synchronization = synchronization
        self.regularizer = None
        self.constraint = None
        self.overwrite_with_gradient = False
        self.trainable = bool(trainable)

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "value" and not self._takes(value):
            raise AttributeError(
                f"`value` of variable {self.path!r} is an array of shape {self.shape} and dtype "
                f"{self.dtype}. Use `variable.assign(...)`. Received: value={check.shown(value)}"
            )
        if name in ("regularizer", "constraint") and not (value is None or callable(value)):
            raise ValueError(
                f"`{name}` of variable {self.path!r} must be a function or None. "
                f"Received: {name}={check.shown(value)}"
            )
        super().__setattr__(name, value)

    def _takes(self, value: Any) -> bool:
        """Whether this can be the array: it has the form of the one before, if there was one."""
        known = getattr(self, "value", value)
        return (
            isinstance(value, np.ndarray)
            and value.shape == known.shape
            and value.dtype == known.dtype
        )

    @property  # type: ignore[override]
    def dtype(self) -> str:
        return standardize_dtype(self.value.dtype)

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, trainable: bool) -> None:
        self._trainable = bool(trainable)
        wanted = self._trainable and self.value.dtype.kind in "fc"
        self.slot = self.home if wanted else None

    def assign(self, value: Any) -> Traced:
        """Replace the array. One that was handed out before keeps its entries.

        Returns:
            The new value, which stays what it is when the variable changes again.
        """
        value = np.array(_array(value), self.value.dtype, ndmin=0)
        if value.shape != self.value.shape:
            raise ValueError(
                f"Variable {self.path!r} has shape {self.value.shape}. "
                f"Received a value of shape {value.shape}."
            )
        self.value = value
        return Traced(value, self.slot)

    def assign_add(self, value: Any) -> Traced:
        """Add to the array (see `assign`)."""
        return self.assign(self.value + _array(value).astype(self.value.dtype))

    def assign_sub(self, value: Any) -> Traced:
        """Subtract from the array (see `assign`)."""
        return self.assign(self.value - _array(value).astype(self.value.dtype))

    def __repr__(self) -> str:
        return (
            f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, "
            f"value={self.value}>"
        )

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        copy = Variable(self.value.copy(), trainable=self.trainable, name=self.name)
        copy.path, copy.autocast = self.path, self.autocast
        copy.regularizer, copy.constraint = self.regularizer, self.constraint
        memo[id(self)] = copy
        return copy


def _holders(variable: Traced) -> int:
    """How many references there are to the array of a variable."""
    return sys.getrefcount(variable.value)


# Without such counts every array may be held by somebody.
_ALONE = _holders(Traced(np.zeros(1), None)) if hasattr(sys, "getrefcount") else -1


def before_writing(variable: Traced) -> None:
    """Give a variable an array of its own, if somebody else holds the one it has.

    Optimizers write into arrays. One that was handed out before, or a view of it (`numpy()`,
    `value`, `v[:]`, a result of `ops.reshape`), keeps its entries, as a tensor does.
    """
    value = variable.value
    flags = value.flags
    own = flags.owndata and flags.writeable
    del value, flags
    if not own or _ALONE < 0 or _holders(variable) > _ALONE:
        variable.value = variable.value.copy()


class _Thread(threading.local):
    left: int | None = None


_thread = _Thread()


class TooManyNumbers(ValueError):
    """Variables would hold more numbers than `at_most` allows; `shape` is that of the last."""

    def __init__(self, shape: tuple[Any, ...]) -> None:
        super().__init__(f"a weight of shape {check.shown(shape)} would be too much")
        self.shape = shape


@contextlib.contextmanager
def at_most(count: int) -> Iterator[None]:
    """Inside this `with` block new variables may hold that many numbers, all together.

    What is too large is refused before any memory is asked for. Files that are not trusted are
    loaded so: their config cannot ask for more weights than they hold.
    """
    outer, _thread.left = _thread.left, count
    try:
        yield
    finally:
        _thread.left = outer


def _spend(shape: tuple[Any, ...]) -> None:
    if _thread.left is not None and None not in shape:
        _thread.left -= math.prod(shape)
        if _thread.left < 0:
            raise TooManyNumbers(shape)


def _array(value: Any) -> np.ndarray:
    return as_array(plain(value))


def _first_value(initializer: Any, shape: Any, dtype: Any) -> np.ndarray:
    array = _array(initializer)
    if array.dtype.kind not in "fciub":
        raise ValueError(
            "A Variable holds numbers or booleans. "
            f"Received: initializer={check.shown(initializer)}"
        )
    if shape is not None:
        try:
            array = np.broadcast_to(array, shape)
        except (TypeError, ValueError):
            raise ValueError(
                "The first value of a Variable must have its `shape`, or broadcast to it. "
                f"Received: shape={shape}, and a value of shape {array.shape}"
            ) from None
    return np.array(array, numpy_dtype(standardize_dtype(dtype)) if dtype is not None else None)


def _made(initializer: Any, shape: Any, dtype: Any) -> np.ndarray:
    if None in shape:
        raise ValueError(f"A Variable needs a shape without None. Received: shape={shape}")
    name = standardize_dtype(dtype)
    value = np.array(_array(initializer(shape, dtype=name)), numpy_dtype(name))
    if value.shape != tuple(shape):
        raise ValueError(
            f"An initializer was asked for shape {tuple(shape)}. It returned {value.shape}."
        )
    return value


__all__ = ["Variable", "is_float"]

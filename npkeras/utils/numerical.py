"""Class numbers as one-hot rows, and vectors of length one."""

from __future__ import annotations

from typing import Any

import numpy as np

from npkeras import ops
from npkeras.core import check
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import Traced, plain


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Class numbers as rows that are 1 at the class and 0 elsewhere.

    Class numbers that are negative, not whole, or too large are refused. (Keras counts negative
    ones from the end, cuts off fractions, and gives the large ones an `IndexError`.)

    Args:
        x: Class numbers from 0 to `num_classes - 1`. A last axis of length 1 is dropped.
        num_classes: How many classes there are. None: one more than the largest number.

    Shapes:
        x (...) or (..., 1) -> (..., num_classes), float64

    Example:
        >>> to_categorical([0, 2, 1])
        array([[1., 0., 0.],
               [0., 0., 1.],
               [0., 1., 0.]])
    """
    classes = _class_numbers(plain(x))
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    if not num_classes:
        if not classes.size:
            raise ValueError(
                "to_categorical cannot tell the number of classes from no class numbers. "
                f"Received: x of shape {classes.shape}, num_classes={num_classes}"
            )
        num_classes = int(classes.max()) + 1
    check.positive_int(num_classes, "num_classes", "to_categorical")
    if classes.size and classes.max() >= num_classes:
        raise ValueError(
            f"to_categorical expected class numbers below num_classes={num_classes}. "
            f"Received: {classes.max()}"
        )
    rows = np.zeros((classes.size, num_classes))
    rows[np.arange(classes.size), classes.ravel()] = 1
    return rows.reshape(*classes.shape, num_classes)


def normalize(x: Any, axis: int | tuple[int, int] | None = -1, order: float = 2) -> Any:
    """x divided by its norm along an axis, so that it has length one there; zeros stay zeros.

    Variables, recorded values and symbolic tensors go through `ops.normalize`, with gradients, and
    keep their axes.
    As in Keras, a NumPy array of one axis becomes a matrix of one row, and lists become float32.
    (Along axis 0 of an array Keras divides by the wrong norms or fails; here each column gets
    its own.)

    Args:
        x: The array, or a list.
        axis: The axis of the vectors; two axes for matrix norms; None for the norm of the whole.
        order: Which norm: 1, 2, `np.inf` and so on, as in `np.linalg.norm`. Where gradients may
            be asked for, a positive integer.

    Example:
        >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]]))
        array([[0.6, 0.8],
               [0. , 0. ]])
    """
    if isinstance(x, (Traced, KerasTensor)):
        return ops.normalize(x, axis, order)
    array = x if isinstance(x, np.ndarray) else np.atleast_1d(np.asarray(x, "float32"))
    norms = np.asarray(np.linalg.norm(array, order, axis, keepdims=True))
    unit = array / np.where(norms == 0, norms.dtype.type(1), norms)
    return unit[None] if isinstance(x, np.ndarray) and x.ndim == 1 else unit


def _class_numbers(x: Any) -> np.ndarray:
    try:
        given = np.asarray(x)
        with np.errstate(invalid="ignore"):
            whole = given.astype("int64") if given.dtype.kind in "biufSUO" else None
        # a fraction, or a number that is not finite, does not come out of int64 as it went in
        if given.dtype.kind in "fO" and (whole != given).any():
            whole = None
    except (ValueError, TypeError, OverflowError) as error:
        whole, reason = None, error
    else:
        reason = None
    if whole is None:
        raise ValueError(
            "to_categorical expected class numbers, whole and from 0. "
            f"Received: x={check.shown(x if reason else given.ravel()[:5].tolist())}"
        ) from reason
    if whole.size and whole.min() < 0:
        raise ValueError(
            f"to_categorical expected class numbers from 0. Received: {whole.min()}, "
            f"at place {int(whole.argmin())} of x"
        )
    return whole

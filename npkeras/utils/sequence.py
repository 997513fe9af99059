"""Sequences of unlike length as one array."""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from npkeras.core import check


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Sequences cut or filled up to one length, one below the other.

    Numbers that the dtype cannot hold are not taken in silence: fractions cut off by an integer
    dtype are warned of, and numbers beyond its range are refused. (Keras cuts off, and wraps
    numbers that come in arrays around.)

    Args:
        sequences: The sequences, each a list or an array. Their entries may be arrays, too, all
            of one shape.
        maxlen: The length of the result. None for that of the longest sequence.
        dtype: Of the result. `object` takes texts of any length.
        padding: Where short sequences are filled up: "pre" or "post".
        truncating: Where long sequences lose their surplus: "pre" or "post".
        value: What fills up.

    Shapes:
        sequences of entries (...) -> (sequences, maxlen, ...)

    Example:
        >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2)
        array([[0, 1],
               [2, 3],
               [5, 6]], dtype=int32)
    """
    check.one_of(("pre", "post"), padding, "padding", "pad_sequences")
    check.one_of(("pre", "post"), truncating, "truncating", "pad_sequences")
    lengths = _lengths(sequences)
    if maxlen is None:
        maxlen = max(lengths, default=None)
        if maxlen is None:
            raise ValueError("pad_sequences cannot tell `maxlen` from no sequences. Give it one.")
    maxlen = check.non_negative_int(maxlen, "maxlen", "pad_sequences")
    target = _target_dtype(dtype, value)

    longest = next((row for row, length in zip(sequences, lengths, strict=True) if length), ())
    entry_shape = np.shape(_as_array(longest, target, 0))[1:]
    conversion = _Conversion(target)
    if isinstance(value, numbers.Real):
        conversion.run(np.array([value]), None)
    padded = np.full((len(lengths), maxlen, *entry_shape), value, dtype)
    for i, (row, length) in enumerate(zip(sequences, lengths, strict=True)):
        if not length:
            continue
        kept = row[:maxlen] if truncating == "post" else row[max(length - maxlen, 0) :]
        entries = _as_array(kept, target, i)
        if entries.shape[1:] != entry_shape:
            raise ValueError(
                f"pad_sequences expected entries of one shape, {entry_shape}. "
                f"Received: entries of shape {entries.shape[1:]} in the sequence at place {i}"
            )
        place = slice(len(entries)) if padding == "post" else slice(maxlen - len(entries), None)
        padded[i, place] = conversion.run(entries, i)
    return padded


class _Conversion:
    """Conversion to the dtype of the result; says so, once, if an integer dtype loses something."""

    def __init__(self, target: np.dtype):
        self.target = target
        self.warned = False

    def run(self, entries: np.ndarray, place: int | None) -> np.ndarray:
        if self.target.kind not in "iu" or entries.dtype.kind not in "iuf":
            return entries.astype(self.target)
        with np.errstate(invalid="ignore"):
            result = entries.astype(self.target)
        changed = result != entries
        if changed.any():
            self._tell(entries[changed].flat[0], place)
        return result

    def _tell(self, entry: Any, place: int | None) -> None:
        where = "as `value`" if place is None else f"in the sequence at place {place}"
        limits = np.iinfo(self.target)
        if not limits.min <= np.trunc(entry) <= limits.max:
            raise ValueError(
                f"pad_sequences cannot keep {entry} as {self.target}. "
                f"Received: {entry} {where}. Choose another `dtype`."
            )
        if not self.warned:
            warnings.warn(
                f"pad_sequences cuts fractions off: it received {entry} {where}, and makes it "
                f'{self.target}. Give dtype="float32" to keep them.',
                stacklevel=4,
            )
        self.warned = True


def _lengths(sequences: Any) -> list[int]:
    if not hasattr(sequences, "__len__"):
        raise ValueError(
            "`sequences` of pad_sequences must be a list of sequences. "
            f"Received: sequences={check.shown(sequences)}"
        )
    try:
        return [len(row) for row in sequences]
    except TypeError as error:
        wrong = next(row for row in sequences if not hasattr(row, "__len__"))
        raise ValueError(
            "`sequences` of pad_sequences must be a list of sequences. "
            f"Received one that is none: {check.shown(wrong)}"
        ) from error


def _target_dtype(dtype: Any, value: Any) -> np.dtype:
    target = np.dtype(dtype)
    if isinstance(value, str) and target.kind not in "OSU":
        raise ValueError(
            f"pad_sequences cannot fill up with value={value!r} in dtype={check.shown(dtype)}. "
            "Give dtype=object for texts."
        )
    return target


def _as_array(row: Any, target: np.dtype, place: int) -> np.ndarray:
    """The row in the dtype it has by itself, or that of the result where texts may be in it."""
    try:
        entries = np.asarray(row, target if target.kind in "OSU" else None)
        if entries.ndim:
            return entries
        reason = None
    except ValueError as error:
        reason = error
    raise ValueError(
        "pad_sequences expected lists or arrays, each with entries of one shape. "
        f"Received: {check.shown(row)} as the sequence at place {place}"
    ) from reason

"""Texts in arrays: whatever holds strings or bytes, as NumPy's strings."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_texts(array: np.ndarray) -> np.ndarray | None:
    """An array of objects or bytes as one of strings (kind "U"); None if not all are texts.

    Bytes are UTF-8, as in TensorFlow; those that are no text stay apart.
    """
    if array.dtype.kind == "U":
        return array
    if array.dtype.kind not in "SOT":
        return None
    texts = [_text(item) for item in array.ravel().tolist()]
    if not texts or None in texts:
        return None
    return np.array(texts).reshape(array.shape)


def _text(item: Any) -> str | None:
    if isinstance(item, bytes):
        return item.decode("utf-8", "surrogateescape")
    return item if isinstance(item, str) else None

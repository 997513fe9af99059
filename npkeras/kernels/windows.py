"""Windows: weights that fade a stretch of a signal in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from npkeras.core import check

# Sums of cosines, a[0] - a[1] cos t + a[2] cos 2t - ..., with t from 0 to 2 pi.
_COSINE_SUMS = {
    "hann": (0.5, 0.5),
    "hamming": (0.54, 0.46),
    "blackman": (0.42, 0.5, 0.08),
    "nuttall": (0.3635819, 0.4891775, 0.1365995, 0.0106411),
    "blackmanharris": (0.35875, 0.48829, 0.14128, 0.01168),
    "flattop": (0.21557895, 0.41663158, 0.277263158, 0.083578947, 0.006947368),
}
# In x, which goes from -1 to 1 along the window, and its length.
_OTHERS: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "boxcar": lambda x, size: np.ones_like(x),
    "bartlett": lambda x, size: 1 - np.abs(x),
    "bohman": lambda x, size: (
        (1 - np.abs(x)) * np.cos(np.pi * np.abs(x)) + np.sin(np.pi * np.abs(x)) / np.pi
    ),
    "cosine": lambda x, size: np.cos(np.pi / 2 * x * (size - 1) / size),
    "triang": lambda x, size: 1 - np.abs(x) * (size - 1) / (size + size % 2),
}
# Those with one parameter, under their own names.
_SHAPED: dict[str, Callable[[np.ndarray, int, float], np.ndarray]] = {
    "kaiser": lambda x, size, beta: np.kaiser(size, beta),
    "gaussian": lambda x, size, std: np.exp(-0.5 * (x * (size - 1) / 2 / std) ** 2),
    "general_hamming": lambda x, size, alpha: alpha + (1 - alpha) * np.cos(np.pi * x),
    "tukey": lambda x, size, alpha: (
        0.5 + 0.5 * np.cos(np.pi * np.clip(1 - (1 - np.abs(x)) / alpha, 0, 1))
        if alpha > 0
        else np.ones_like(x)
    ),
}
_ALIASES = {"hanning": "hann", "rect": "boxcar", "rectangular": "boxcar", "ones": "boxcar"}


def window(kind: Any, size: int, periodic: bool) -> np.ndarray:
    """A window of `size` weights, in float64.

    Args:
        kind: A name such as `"hann"`, or a name and a parameter such as `("kaiser", 8.0)`.
        size: How many weights.
        periodic: Whether the window is one period of a longer signal: it then ends one step
            before it would be back where it began.
    """
    name, parameters = named_window(kind)
    if size <= 1:
        return np.ones(size)
    length = size + bool(periodic)
    x = np.linspace(-1, 1, length)
    if name in _COSINE_SUMS:
        weights = sum(a * np.cos(k * np.pi * x) for k, a in enumerate(_COSINE_SUMS[name]))
    elif name in _OTHERS:
        weights = _OTHERS[name](x, length)
    else:
        weights = _SHAPED[name](x, length, *parameters)
    return np.asarray(weights)[:size]


def named_window(kind: Any) -> tuple[str, list[Any]]:
    """The window's name and its parameters; refused if unknown, or if a parameter lacks."""
    pair = isinstance(kind, (tuple, list)) and len(kind) > 0
    name, *parameters = kind if pair else (kind,)
    name = _ALIASES.get(name, name) if isinstance(name, str) else None
    if name in _COSINE_SUMS or name in _OTHERS:
        wanted = 0
    elif name in _SHAPED:
        wanted = 1
    else:
        known = ", ".join([*_COSINE_SUMS, *_OTHERS, *_SHAPED])
        raise ValueError(
            f"Unknown window. Received: window={check.shown(kind)}. Known are {known}."
        )
    if len(parameters) != wanted:
        raise ValueError(
            f"The window {name!r} takes {wanted} parameter(s). Received: window={check.shown(kind)}"
        )
    for parameter in parameters:
        check.number(parameter, "parameter", f"the window {name!r}")
    return name, parameters

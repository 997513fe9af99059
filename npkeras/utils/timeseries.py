"""Windows over a time series."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from npkeras.core import check
from npkeras.core.tape import plain
from npkeras.data import Dataset, drawn_seed

_OWNER = "timeseries_dataset_from_array"


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Dataset:
    """Windows over equally spaced measurements, in batches.

    The window that begins at step `i` holds the steps `i, i + rate, i + 2 rate, ...` and goes with
    `targets[i]`. To foretell a step ahead, give targets that are shifted: `data[delay:]`.

    Args:
        data: The measurements, steps along the first axis.
        targets: One for each step at which a window may begin. None: the batches are windows
            alone. Steps without one begin no window.
        sequence_length: How many steps a window has.
        sequence_stride: From one window's beginning to the next.
        sampling_rate: From one step of a window to the next.
        batch_size: How many windows make a batch. None: they come one by one.
        shuffle: Whether each pass has another order.
        seed: For the order. None: drawn from NumPy's global numbers.
        start_index, end_index: The part of `data` that is used. None: from the first, to the last.
        format: "tf" or "grain", as in Keras; both give the same.

    Returns:
        A `Dataset` of windows (batch, sequence_length, ...), or of pairs of windows and targets.
        `fit` takes it, and it can be read by a `for` loop.

    Example:
        >>> data = np.arange(6)
        >>> for x, y in timeseries_dataset_from_array(data, data[3:], 3, batch_size=2):
        ...     print(x.tolist(), y.tolist())
        [[0, 1, 2], [1, 2, 3]] [3, 4]
        [[2, 3, 4]] [5]
    """
    data = np.asarray(plain(data))
    check.one_of(("tf", "grain"), format, "format", _OWNER)
    if data.ndim == 0:
        raise ValueError(f"`data` of {_OWNER} must have steps along an axis. Received: {data}")
    length = check.positive_int(sequence_length, "sequence_length", _OWNER)
    stride = _below(sequence_stride, "sequence_stride", 1, len(data))
    rate = _below(sampling_rate, "sampling_rate", 1, len(data))
    start = 0 if start_index is None else _below(start_index, "start_index", 0, len(data))
    stop = len(data) if end_index is None else _below(end_index, "end_index", 1, len(data) + 1)
    if stop <= start:
        raise ValueError(
            f"`end_index` of {_OWNER} must be above `start_index`. "
            f"Received: start_index={start_index}, end_index={end_index}"
        )
    data = data[start:stop]
    count = len(data) - (length - 1) * rate
    if targets is not None:
        targets = np.asarray(plain(targets))[start:stop]
        count = min(count, len(targets))
    if count < 1:
        raise ValueError(
            f"{_OWNER} finds no window: sequence_length={length} and sampling_rate={rate} need "
            f"{(length - 1) * rate + 1} steps, and a target. Received: {len(data)} steps and "
            f"{'no' if targets is None else len(targets)} targets"
        )
    if batch_size is not None:
        batch_size = check.positive_int(batch_size, "batch_size", _OWNER)
    windows = _Windows(data, targets, np.arange(length) * rate, np.arange(0, count, stride))
    return windows.dataset(batch_size, drawn_seed(seed) if shuffle else None)


class _Windows:
    """Windows by the steps at which they begin."""

    def __init__(self, data: Any, targets: Any, steps: np.ndarray, starts: np.ndarray) -> None:
        self.data, self.targets, self.steps, self.starts = data, targets, steps, starts

    def dataset(self, batch_size: int | None, seed: int | None) -> Dataset:
        random = None if seed is None else np.random.RandomState(seed)
        count = len(self.starts)

        def read() -> Iterator[Any]:
            if random is not None:
                random.shuffle(self.starts)
            starts = self.starts.copy()  # another pass may put them in another order meanwhile
            if batch_size is None:
                return (self.at(start) for start in starts)
            places = range(0, count, batch_size)
            return (self.at(starts[place : place + batch_size]) for place in places)

        return Dataset(read, -(-count // (batch_size or 1)), batch_size)

    def at(self, starts: Any) -> Any:
        windows = self.data[np.add.outer(starts, self.steps)]
        return windows if self.targets is None else (windows, self.targets[starts])


def _below(value: Any, name: str, low: int, limit: int) -> int:
    if not check.is_int(value) or not low <= value < max(limit, low + 1):
        raise ValueError(
            f"`{name}` of {_OWNER} must be a whole number from {low} to {limit - 1}, by the length "
            f"of the data. Received: {name}={check.shown(value)}"
        )
    return int(value)

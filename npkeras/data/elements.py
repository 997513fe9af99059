"""Dataset: samples or batches that are made when they are asked for, as often as one likes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from npkeras.core import check, tree

_ENDLESS, _UNKNOWN = -1, -2  # what `cardinality` says, as in `tf.data`


class Dataset:
    """Elements in a row: arrays, or tuples, lists and dicts of arrays.

    What functions such as `npkeras.utils.timeseries_dataset_from_array` return, and what `fit`,
    `evaluate` and `predict` take. It goes by the names that `tf.data.Dataset` uses, without
    being one: elements are NumPy arrays, and nothing is compiled or computed ahead.

    Args:
        read: A function without arguments that begins a new pass: it returns an iterator.
        length: How many elements a pass has. None: it has no end. `...`: nobody knows.
        batch_size: How many samples an element is made of, if it is a batch.

    Example:
        >>> squares = Dataset(lambda: iter(np.arange(4) ** 2), 4)
        >>> [batch.tolist() for batch in squares.batch(3)]
        [[0, 1, 4], [9]]
    """

    def __init__(
        self, read: Callable[[], Iterator[Any]], length: Any, batch_size: int | None = None
    ) -> None:
        self._read = read
        self._length = length
        self.batch_size = batch_size

    def __iter__(self) -> Iterator[Any]:
        return self._read()

    def __len__(self) -> int:
        if not check.is_int(self._length):
            what = "has no end" if self._length is None else "does not know its length"
            raise TypeError(f"This Dataset {what}. Count its elements with `sum(1 for _ in data)`.")
        return int(self._length)

    def __repr__(self) -> str:
        return f"<Dataset of {self._length if check.is_int(self._length) else '?'} elements>"

    def cardinality(self) -> int:
        """How many elements there are; -1 where there is no end, -2 where nobody knows."""
        if self._length is None:
            return _ENDLESS
        return _UNKNOWN if self._length is ... else len(self)

    def as_numpy_iterator(self) -> Iterator[Any]:
        """The elements, in a new pass."""
        return iter(self)

    def map(self, function: Callable[..., Any], num_parallel_calls: Any = None) -> Dataset:
        """What a function makes of each element; of a tuple, it gets the parts as arguments.

        `num_parallel_calls` is accepted and changes nothing.
        """
        return Dataset(lambda: (_applied(function, element) for element in self), self._length)

    def take(self, count: int) -> Dataset:
        """The first elements; all of them for -1."""
        return self._part(
            0, None if count == -1 else check.non_negative_int(count, "count", "take")
        )

    def skip(self, count: int) -> Dataset:
        """All but the first elements."""
        return self._part(check.non_negative_int(count, "count", "skip"), None)

    def _part(self, start: int, stop: int | None) -> Dataset:
        length = self._length
        if check.is_int(length):
            length = len(range(length)[start:stop])
        elif length is None and stop is not None:
            length = stop - start
        return Dataset(lambda: itertools.islice(self, start, stop), length, self.batch_size)

    def repeat(self, count: int | None = None) -> Dataset:
        """The elements several times over; for None or -1 without end."""
        if count is None or count == -1:
            endless = itertools.repeat
            return Dataset(
                lambda: itertools.chain.from_iterable(endless(self)), None, self.batch_size
            )
        times = check.non_negative_int(count, "count", "repeat")
        length = times * self._length if check.is_int(self._length) else self._length
        return Dataset(
            lambda: itertools.chain.from_iterable([self] * times), length, self.batch_size
        )

    def batch(self, batch_size: int, drop_remainder: bool = False, **ignored: Any) -> Dataset:
        """Several elements in one, along a new first axis.

        Args:
            batch_size: How many.
            drop_remainder: Whether to leave out the last batch where it has fewer.
            ignored: What `tf.data` knows beside these; it changes nothing.
        """
        size = check.positive_int(batch_size, "batch_size", "batch")

        def read() -> Iterator[Any]:
            elements = iter(self)
            while chunk := list(itertools.islice(elements, size)):
                if len(chunk) == size or not drop_remainder:
                    yield tree.map(_stacked, *chunk)

        length = self._length
        if check.is_int(length):
            length = length // size if drop_remainder else -(-length // size)
        return Dataset(read, length, size)

    def unbatch(self) -> Dataset:
        """Each row of the elements as an element."""

        def read() -> Iterator[Any]:
            for element in self:
                for row in range(len(tree.leaves(element)[0])):
                    yield tree.map(lambda part, row=row: part[row], element)

        return Dataset(read, None if self._length is None else ...)

    def shuffle(
        self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True
    ) -> Dataset:
        """The elements in an order drawn for each pass.

        Args:
            buffer_size: How many elements are held back, among which the next one is drawn.
            seed: For the order. None: drawn from NumPy's global numbers.
            reshuffle_each_iteration: Whether each pass has an order of its own.
        """
        size = check.positive_int(buffer_size, "buffer_size", "shuffle")
        seed = drawn_seed(seed)
        random = np.random.RandomState(seed)

        def read() -> Iterator[Any]:
            source = random if reshuffle_each_iteration else np.random.RandomState(seed)
            elements = iter(self)
            held = list(itertools.islice(elements, size))
            for element in elements:
                place = source.randint(len(held))
                yield held[place]
                held[place] = element
            source.shuffle(held)
            yield from held

        return Dataset(read, self._length, self.batch_size)

    def cache(self) -> Dataset:
        """The same elements; those of the first whole pass are kept and given again."""
        kept: list[Any] = []
        whole = [False]

        def read() -> Iterator[Any]:
            if whole[0]:
                yield from kept
                return
            elements = []
            for element in self:
                elements.append(element)
                yield element
            kept[:], whole[0] = elements, True

        return Dataset(read, self._length, self.batch_size)

    def prefetch(self, buffer_size: int | None = None) -> Dataset:
        """The same elements. Nothing is made ahead."""
        return self


def drawn_seed(seed: int | None) -> int:
    """The seed, or one drawn from NumPy's global numbers, which `set_random_seed` governs."""
    return int(np.random.randint(10**6)) if seed is None else int(seed)


def _applied(function: Callable[..., Any], element: Any) -> Any:
    return function(*element) if type(element) is tuple else function(element)


def _stacked(*parts: Any) -> np.ndarray:
    arrays = [np.asarray(part) for part in parts]
    shapes = sorted({array.shape for array in arrays})
    if len(shapes) > 1:
        raise ValueError(
            "`batch` puts elements of one shape together. "
            f"Received: elements of shapes {', '.join(map(str, shapes))}"
        )
    return np.stack(arrays)

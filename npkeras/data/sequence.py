"""PyDataset: batches by number, fetched ahead by threads or processes."""

import collections
import concurrent.futures
import itertools
import random

from npkeras.core import check
from npkeras.data.base import Adapter
from npkeras.data.class_weight import ClassWeights
from npkeras.data.generator import standard


class PyDataset:
    """Batches by number: a class of one's own says how many there are and makes the i-th.

    Since every batch can be had at any time, they can be shuffled between epochs and made ahead
    by several workers. `__getitem__` gives `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`.

    Args:
        workers: How many threads (or processes) make batches ahead. Up to 1: none, each batch
            is made when it is wanted.
        use_multiprocessing: Whether the workers are processes. The data set is then copied to
            each of them at the beginning of every epoch.
        max_queue_size: How many batches may lie ready, or be in the making.

    Example:
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 2
        ...     def __getitem__(self, index):
        ...         x = np.arange(3) + 3 * index
        ...         return x, x**2
        >>> [y.tolist() for x, y in Squares()]
        [[0, 1, 4], [9, 16, 25]]
    """

    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(self, workers=1, use_multiprocessing=False, max_queue_size=10):
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index):
        raise NotImplementedError(f"{type(self).__name__} must define `__getitem__(index)`.")

    @property
    def num_batches(self):
        """How many batches there are: `len(self)`. None, in a class of one's own: no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(
            f"{type(self).__name__} must define `__len__` or the property `num_batches`."
        )

    def on_epoch_begin(self):
        """Called before each epoch."""

    def on_epoch_end(self):
        """Called after each epoch."""

    def __iter__(self):
        count = self.num_batches
        return map(self.__getitem__, itertools.count() if count is None else range(count))


class SequenceAdapter(Adapter):
    """Batches of a `PyDataset`, or of an object like one.

    `shuffle` puts the batches of each epoch in an order drawn from Python's `random`.
    """

    kind = "PyDataset"

    def __init__(self, dataset, steps=None, shuffle=False, class_weight=None):
        super().__init__(steps)
        self.dataset = dataset
        self.shuffle = bool(shuffle)
        self._class_weights = None if class_weight is None else ClassWeights(class_weight)
        if self.length == 0:
            raise ValueError(
                f"A PyDataset must have at least one batch. {type(dataset).__name__} has 0."
            )

    @property
    def length(self):
        return _length(self.dataset)

    def on_epoch_begin(self):
        getattr(self.dataset, "on_epoch_begin", _nothing)()

    def on_epoch_end(self):
        getattr(self.dataset, "on_epoch_end", _nothing)()

    def batches(self):
        count = self.length
        order = itertools.count() if count is None else list(range(count))
        if self.shuffle and count is not None:
            random.shuffle(order)
        for batch in self._fetch(order):
            yield self._standard(batch)

    def _fetch(self, order):
        workers = getattr(self.dataset, "workers", 1) or 0
        processes = bool(getattr(self.dataset, "use_multiprocessing", False))
        if workers > 1 or (workers == 1 and processes):
            return _fetch_ahead(self.dataset, order, workers, processes)
        return map(self.dataset.__getitem__, order)

    def _standard(self, batch):
        batch = tuple(batch) if type(batch) is list else batch
        x, y, sample_weight = standard(batch, self.kind)
        if self._class_weights is None:
            return x, y, sample_weight
        if sample_weight is not None:
            raise ValueError(
                "The PyDataset gives sample weights, so `class_weight` may not be given as well."
            )
        return x, y, self._class_weights(y)


def is_sequence(value):
    """Whether this is a `PyDataset`, of this library or of one like it."""
    if isinstance(value, PyDataset):
        return True
    return all(hasattr(value, name) for name in ("__getitem__", "__len__", "on_epoch_end"))


def _length(dataset):
    return dataset.num_batches if hasattr(dataset, "num_batches") else len(dataset)


def _nothing():
    pass


def _fetch_ahead(dataset, order, workers, processes):
    """The batches in that order, made by several workers; at most `max_queue_size` are ahead."""
    most = check.positive_int(
        getattr(dataset, "max_queue_size", 10), "max_queue_size", type(dataset).__name__
    )
    if processes:
        pool = concurrent.futures.ProcessPoolExecutor(
            workers, initializer=_receive, initargs=(dataset,)
        )
        fetch = _item_of_received
    else:
        pool = concurrent.futures.ThreadPoolExecutor(workers)
        fetch = dataset.__getitem__
    order = iter(order)
    try:
        ready = collections.deque(pool.submit(fetch, i) for i in itertools.islice(order, most))
        while ready:
            batch = ready.popleft().result()
            ready.extend(pool.submit(fetch, i) for i in itertools.islice(order, 1))
            yield batch
    finally:
        pool.shutdown(cancel_futures=True)


_received = None  # in a worker process: the data set whose batches it makes


def _receive(dataset):
    global _received
    _received = dataset


def _item_of_received(index):
    return _received[index]

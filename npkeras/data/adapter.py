"""adapt: batches from whatever the user has."""

from npkeras.core import check, config
from npkeras.data.arrays import ArrayAdapter
from npkeras.data.base import Adapter
from npkeras.data.dataset import DatasetAdapter, is_foreign_dataset
from npkeras.data.generator import GeneratorAdapter
from npkeras.data.rows import is_array, is_numbers
from npkeras.data.sequence import SequenceAdapter, is_sequence


def adapt(
    x,
    y=None,
    sample_weight=None,
    batch_size=None,
    steps=None,
    shuffle=False,
    class_weight=None,
    owner="fit",
    may_be_empty=False,
):
    """Batches `(x, y, sample_weight)` of arrays, a data set, or an iterable.

    Args:
        x: Arrays (NumPy, pandas, tensors, `h5py`, SciPy sparse, lists of numbers), nests of
            arrays, a `PyDataset`, a `tf.data.Dataset`, a PyTorch `DataLoader`, or any iterable
            of batches.
        y, sample_weight: Like `x`, if that is arrays; other data bring their own.
        batch_size: How many rows of arrays make a batch. None: 32. Other data make their own.
        steps: How many batches an epoch has. None: as many as there are.
        shuffle: Whether each epoch has another order. Arrays: True, False or "batch".
        class_weight: A dict from class numbers to weights. Not for generators.
        owner: The method that wants the data, for messages.
        may_be_empty: Whether arrays without rows are allowed, as for `predict`.

    Returns:
        An `Adapter`.

    Example:
        >>> adapt(np.zeros((10, 3)), batch_size=4).num_batches
        3
    """
    if isinstance(x, Adapter):
        return x
    adapter = _adapter(
        x, y, sample_weight, batch_size, steps, shuffle, class_weight, owner, may_be_empty
    )
    adapter.limit(config.max_steps_per_epoch())
    return adapter


def _adapter(x, y, sample_weight, batch_size, steps, shuffle, class_weight, owner, may_be_empty):
    if x is None:
        raise ValueError(f"`{owner}` needs data. Received: x=None")
    if is_array(x) or is_numbers(x) or isinstance(x, (list, tuple, dict)):
        return ArrayAdapter(
            x, y, sample_weight, batch_size, steps, shuffle, class_weight, owner, may_be_empty
        )
    adapter = _source(x, steps, shuffle, class_weight, owner)
    for name, value in (("y", y), ("sample_weight", sample_weight)):
        if value is not None:
            raise ValueError(
                f"`{name}` may not be given when `x` is a {adapter.kind}, which yields its own "
                f"as `(x, y)` or `(x, y, sample_weight)`. Received: {name}={check.shown(value)}"
            )
    return adapter


def _source(x, steps, shuffle, class_weight, owner):
    if is_foreign_dataset(x):
        return DatasetAdapter(x, steps, class_weight)
    if is_sequence(x):
        return SequenceAdapter(x, steps, shuffle, class_weight)
    if isinstance(x, (str, bytes)) or not hasattr(x, "__iter__"):
        raise ValueError(
            f"`{owner}` needs arrays, a data set, or an iterable of batches. "
            f"Received: x={check.shown(x)} of type {type(x).__name__}"
        )
    if class_weight is not None:
        raise ValueError(
            "`class_weight` may not be given when `x` is a generator: let it yield sample "
            f"weights. Received: class_weight={check.shown(class_weight)}"
        )
    return GeneratorAdapter(x, steps)

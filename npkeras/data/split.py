"""Taking data apart: into training and validation, and batches into their three parts."""

from npkeras.core import check, tree
from npkeras.data import rows


def train_validation_split(arrays, validation_split):
    """The last rows of all arrays for validation, those before them for training.

    Args:
        arrays: A nest of arrays with the same number of rows; None stays None.
        validation_split: Which fraction of the rows is for validation, between 0 and 1.

    Returns:
        Two nests like `arrays`, of views where the arrays are in memory.

    Example:
        >>> train_validation_split((np.arange(5), None), 0.4)
        ((array([0, 1, 2]), None), (array([3, 4]), None))
    """
    check.number(validation_split, "validation_split", "`fit`")
    if not _all_arrays(arrays):
        raise ValueError(
            "`validation_split` works on arrays alone, whose rows can be counted. Pass "
            "`validation_data` instead. Received: "
            f"{', '.join(sorted({type(leaf).__name__ for leaf in tree.leaves(arrays)}))}"
        )
    read = rows.rows_of(arrays, "arrays")
    count = rows.common_length(arrays=read)
    split = int(count * (1 - validation_split))
    if not 0 < split < count:
        raise ValueError(
            f"`validation_split={validation_split}` of {count} samples leaves "
            f"{'none for training' if split <= 0 else 'none for validation'}. It must be a "
            "fraction between 0 and 1 that leaves some for both."
        )
    return _parts(read, 0, split), _parts(read, split, count)


def unpack_x_y_sample_weight(data):
    """A batch as `(x, y, sample_weight)`, with None for what it has not.

    Example:
        >>> unpack_x_y_sample_weight((1, 2))
        (1, 2, None)
    """
    if isinstance(data, list):
        data = tuple(data)
    if not isinstance(data, tuple):
        return data, None, None
    if not 1 <= len(data) <= 3:
        raise ValueError(
            "A batch must be `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`. "
            f"Received: a tuple of {len(data)} entries"
        )
    return data + (None,) * (3 - len(data))


def pack_x_y_sample_weight(x, y=None, sample_weight=None):
    """The opposite of `unpack_x_y_sample_weight`: the shortest form of a batch.

    Example:
        >>> pack_x_y_sample_weight(1, 2)
        (1, 2)
    """
    if y is None:
        return (x,) if isinstance(x, (list, tuple)) else x
    return (x, y) if sample_weight is None else (x, y, sample_weight)


def _all_arrays(structure):
    if structure is None or rows.is_array(structure) or rows.is_numbers(structure):
        return True
    if not isinstance(structure, (list, tuple, dict)):
        return False
    items = structure.values() if isinstance(structure, dict) else structure
    return all(map(_all_arrays, items))


def _parts(structure, start, stop):
    return tree.map(lambda leaf: None if leaf is None else leaf.part(start, stop), structure)

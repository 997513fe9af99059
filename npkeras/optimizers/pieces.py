"""Updates run over large arrays piece by piece, so that each piece stays in the cache.

A rule such as Adam's reads and writes the same five arrays a dozen times. Done to whole arrays,
each of these passes goes to memory; done to pieces of `PIECE` entries, only the first and the
last one do.
"""

import numpy as np

from npkeras.core.rows import RowGradient, sum_rows

PIECE = 1 << 16


class Scratch:
    """Memory that all updates share: one flat array for each dtype and use."""

    def __init__(self):
        self._arrays = {}

    def like(self, array, use):
        """An array of the same shape, whose entries are whatever was left there."""
        held = self._arrays.get((use, array.dtype))
        if held is None or held.size < array.size:
            held = np.empty(array.size, array.dtype)
            self._arrays[use, array.dtype] = held
        return held[: array.size].reshape(array.shape)

    def some(self, array, number):
        """That many of them."""
        return [self.like(array, ("spare", i)) for i in range(number)]

    def __deepcopy__(self, memo):
        return Scratch()

    def __reduce__(self):
        return Scratch, ()


def pieces(scratch, gradient, arrays, functions=(), spare=1, touched_only=False):
    """Matching pieces of a gradient, of functions of it, of scratch, and of arrays to update.

    The gradient of an embedding is a list of rows, in which one index may occur many times.
    Keras on TensorFlow applies `functions` to each of these rows, and adds up the results: the
    square of a gradient is there the sum of the squares, not the square of the sum.

    Args:
        scratch: A `Scratch`.
        gradient: An array, or a `RowGradient`. It is not written into.
        arrays: The weights and their state: updated by writing into their pieces.
        functions: NumPy functions of one argument and `out`.
        spare: How many arrays of scratch the rule needs besides the results of `functions`.
        touched_only: Whether rows without a gradient stay as they are under this rule.

    Yields:
        (gradient, functions of it ..., scratch ..., arrays ...), equal in shape. All but the
        gradient may be written into.
    """
    if isinstance(gradient, RowGradient):
        walk = _touched_rows if touched_only else _all_rows
        return walk(scratch, gradient, arrays, functions, spare)
    if gradient.size <= PIECE:
        images = _images(scratch, gradient, functions)
        return ((gradient, *images, *scratch.some(gradient, spare), *arrays),)
    return _entries(scratch, gradient, arrays, functions, spare)


def _images(scratch, part, functions):
    return [function(part, out=scratch.like(part, use)) for use, function in enumerate(functions)]


def _entries(scratch, gradient, arrays, functions, spare):
    ranges = [...]
    if all(array.flags.c_contiguous for array in arrays):
        gradient = np.ascontiguousarray(gradient).reshape(-1)
        arrays = [array.reshape(-1) for array in arrays]
        ranges = [slice(start, start + PIECE) for start in range(0, gradient.size, PIECE)]
    for piece in ranges:
        part = gradient[piece]
        images = _images(scratch, part, functions)
        yield (part, *images, *scratch.some(part, spare), *(array[piece] for array in arrays))


def _all_rows(scratch, gradient, arrays, functions, spare):
    indices, lists = _summed(gradient, functions)
    length = gradient.shape[0]
    height = max(1, PIECE // max(1, arrays[0][:1].size))
    for start in range(0, length, height):
        piece = slice(start, min(start + height, length))
        low, high = np.searchsorted(indices, (piece.start, piece.stop))
        images = [scratch.like(arrays[0][piece], use) for use in range(len(lists))]
        for image, rows in zip(images, lists, strict=True):
            image.fill(0)
            image[indices[low:high] - start] = rows[low:high]
        yield (*images, *scratch.some(images[0], spare), *(array[piece] for array in arrays))


def _touched_rows(scratch, gradient, arrays, functions, spare):
    indices, lists = _summed(gradient, functions)
    copies = [array[indices] for array in arrays]
    if len(indices):
        yield (*lists, *scratch.some(lists[0], spare), *copies)
    for array, copy in zip(arrays, copies, strict=True):
        array[indices] = copy


def _summed(gradient, functions):
    """The distinct indices in order; and the rows, and each function of them, summed for each."""
    total = gradient.summed()
    lists = [total.rows]
    for function in functions:
        _, rows = sum_rows(gradient.indices, function(gradient.rows))
        lists.append(rows)
    return total.indices, lists

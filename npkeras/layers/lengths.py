"""Lengths made up for a `call` that asks for one nobody knows yet, such as that of the batch."""

import contextlib

from npkeras.core import tree
from npkeras.core.attach import get_mask, set_mask
from npkeras.core.dtypes import dtype_of
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor, UnknownLengthError, thread

# Pairs, the first that works is taken. Windows fit in long axes, which can be divided by what axes
# are usually divided by; short ones do not go beyond the end of a table of positions.
MADE_UP = ((48, 96), (8, 16), (2, 4))


def may_help(error, structure):
    """Whether a call failed, perhaps, because of a length that is not known: None for a number."""
    if isinstance(error, UnknownLengthError):
        return True
    if isinstance(error, ValueError) and not str(error).endswith("Received: None"):
        return False  # such as a layer that cannot be built without a length
    return any(isinstance(x, KerasTensor) and None in x.shape for x in tree.leaves(structure))


def outputs_for_any(run, args, kwargs):
    """The outputs of `run(args, kwargs)` on symbolic tensors, by two tries with lengths made up.

    Axes of the outputs that differ between the two are unknown. None if no lengths work.
    """
    for pair in MADE_UP:
        try:
            with _made_up():
                found = [run(*_with_lengths((args, kwargs), length)) for length in pair]
            return tree.map(_in_common, *found)
        except Exception:  # the user is told what went wrong at first
            continue
    return None


def _with_lengths(structure, length):
    """The structure with `length` in place of every unknown one; masks get it too."""
    return tree.map(lambda x: _with_length(x, length), structure)


def _with_length(x, length):
    if not isinstance(x, KerasTensor) or None not in x.shape:
        return x
    known = KerasTensor([length if n is None else n for n in x.shape], x.dtype)
    if get_mask(x) is not None:
        set_mask(known, _with_length(get_mask(x), length))
    return known


@contextlib.contextmanager
def _made_up():
    """Inside this `with` block lengths are known, as they were made up."""
    outer, thread.made_up = thread.made_up, True
    try:
        yield
    finally:
        thread.made_up = outer


def _in_common(first, second):
    """An output of which two calls made these: where their lengths differ, it is unknown."""
    if first is None:
        return None
    one, other = shape_of(first), shape_of(second)
    if len(one) != len(other):
        raise ValueError(f"The number of axes depends on their lengths: {one} and {other}")
    shape = [n if n == m else None for n, m in zip(one, other, strict=True)]
    return KerasTensor(shape, dtype_of(first))

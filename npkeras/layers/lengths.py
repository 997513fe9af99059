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


def outputs_for_any(run, args, kwargs, pairs=MADE_UP):
    """The outputs of `run(args, kwargs)` on symbolic tensors, by two tries with lengths made up.

    Axes of the outputs that differ between the two are unknown. None if no lengths work.
    """
    for pair in pairs:
        try:
            with _made_up():
                found = [run(*_with_lengths((args, kwargs), length)) for length in pair]
            return tree.map(_in_common, *found)
        except Exception:  # the user is told what went wrong at first
            continue
    return None


def may_hide(structure):
    """Whether an axis within, not that of the batch, has a length that nobody knows yet.

    `table[: ops.shape(x)[1]]` then is the whole table, and its length is taken for that of `x`.
    """
    return not thread.made_up and any(
        isinstance(x, KerasTensor) and None in x.shape[1:] for x in tree.leaves(structure)
    )


def without_guesses(outputs, run, args, kwargs):
    """The outputs of `run(args, kwargs)`, where a length that differs in two tries is unknown.

    The tries are with short lengths, if these work: they end within any table.
    """
    for_any = outputs_for_any(run, args, kwargs, MADE_UP[::-1])
    if for_any is None or not tree.same(outputs, for_any):
        return outputs
    return tree.map(_without_guess, outputs, for_any)


def _without_guess(y, tried):
    if y is None or tried is None or len(shape_of(y)) != len(tried.shape):
        return y
    shape = [None if m is None else n for n, m in zip(shape_of(y), tried.shape, strict=True)]
    if tuple(shape) == tuple(shape_of(y)):
        return y
    unknown = KerasTensor(shape, dtype_of(y))
    if get_mask(y) is not None:
        set_mask(unknown, get_mask(y))
    return unknown


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

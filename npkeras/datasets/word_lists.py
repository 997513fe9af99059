"""Texts as lists of word numbers: what the loaders of such data do to them."""

from __future__ import annotations

import json

import numpy as np

from npkeras.core import check
from npkeras.datasets import npz, object_arrays
from npkeras.datasets.object_arrays import Lists


def read(texts: npz.Member, labels: npz.Member, one: str) -> tuple[Lists, np.ndarray]:
    """The lists of a file, and the label of each; `one` is what a text is called."""
    lists = object_arrays.read(texts)
    if labels.dtype.kind not in "iu" or labels.shape != lists.lengths.shape:
        raise ValueError(
            f"{labels.label} must be whole numbers of shape {lists.lengths.shape}, one for "
            f"each {one}. Received: shape {labels.shape}, dtype {labels.dtype}"
        )
    return lists, labels.array()


def read_index(path: str, owner: str) -> dict[str, int]:
    """The rank of every word, from a JSON file."""
    with open(path, encoding="utf-8") as file:
        try:
            index = json.load(file)
        except (ValueError, RecursionError) as error:
            reason = f"it is no JSON: {str(error)[:80]}"
            raise ValueError(f"{owner} cannot read {path!r}: {reason}") from error
    if type(index) is not dict or not all(type(rank) is int for rank in index.values()):
        raise ValueError(
            f"{owner} expected a dict of words and whole numbers in {path!r}. "
            f"Received: {check.shown(index)}"
        )
    return index


def numbered(
    lists: Lists, order: np.ndarray, start_char: int | None, index_from: int | None
) -> Lists:
    """The lists in an order, with their numbers moved up and `start_char` in front of each."""
    lists = _chosen(lists, order)
    lists = lists._replace(values=lists.values + (index_from or 0))
    return lists if start_char is None else _with_start(lists, start_char)


def shorter(lists: Lists, labels: np.ndarray, maxlen: int | None) -> tuple[Lists, np.ndarray]:
    """Only the lists of less than `maxlen` numbers, and their labels."""
    if not maxlen:
        return lists, labels
    short = np.flatnonzero(lists.lengths < maxlen)
    return _chosen(lists, short), labels[short]


def highest(lists: Lists) -> int:
    """The highest number there is."""
    return int(lists.values.max(initial=0))


def check_numbers(
    owner: str,
    num_words: int | None,
    skip_top: int,
    maxlen: int | None,
    start_char: int | None,
    oov_char: int | None,
    index_from: int | None,
) -> None:
    """Refuse what is no whole number, with the name of who was given it."""
    for value, name in ((num_words, "num_words"), (maxlen, "maxlen")):
        if value is not None:
            check.non_negative_int(value, name, owner)
    check.non_negative_int(skip_top, "skip_top", owner)
    numbers = ((start_char, "start_char"), (oov_char, "oov_char"), (index_from, "index_from"))
    for value, name in numbers:
        if value is not None and not check.is_int(value):
            raise ValueError(
                f"`{name}` of {owner} must be an integer or None. Received: {name}={value!r}"
            )


def _chosen(lists: Lists, rows: np.ndarray) -> Lists:
    lengths = lists.lengths[rows]
    starts = (np.cumsum(lists.lengths) - lists.lengths)[rows]
    new_starts = np.cumsum(lengths) - lengths
    places = np.repeat(starts - new_starts, lengths) + np.arange(lengths.sum())
    return Lists(lists.values[places], lengths)


def _with_start(lists: Lists, start_char: int) -> Lists:
    starts = np.cumsum(lists.lengths) - lists.lengths
    return Lists(np.insert(lists.values, starts, start_char), lists.lengths + 1)


def filtered(lists: Lists, skip_top: int, num_words: int, oov_char: int | None) -> Lists:
    """Only the numbers from `skip_top` on and below `num_words`; `oov_char` for the others."""
    values, lengths = lists
    kept = (values >= skip_top) & (values < num_words)
    if oov_char is not None:
        return Lists(np.where(kept, values, oov_char), lengths)
    before = np.concatenate(([0], np.cumsum(kept)))
    ends = np.cumsum(lengths)
    return Lists(values[kept], before[ends] - before[ends - lengths])


def as_objects(lists: Lists) -> np.ndarray:
    """A row of lists of int."""
    values = lists.values.tolist()
    rows = np.empty(len(lists.lengths), object)
    end = 0
    for row, length in enumerate(lists.lengths.tolist()):
        start, end = end, end + length
        rows[row] = values[start:end]
    return rows

"""IMDB: film reviews, to be told apart by whether they praise or blame."""

from __future__ import annotations

import json
import os

import numpy as np

from npkeras.core import check
from npkeras.datasets import fetch, npz, object_arrays
from npkeras.datasets.object_arrays import Lists

_FOLDER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_REVIEWS = fetch.Remote(
    "imdb.npz",
    _FOLDER + "imdb.npz",
    "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
)
_WORDS = fetch.Remote(
    "imdb_word_index.json",
    _FOLDER + "imdb_word_index.json",
    "bfafd718b763782e994055a2d397834f",
)
_Part = tuple[np.ndarray, np.ndarray]


def load_data(
    path: str | os.PathLike[str] = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[_Part, _Part]:
    """50,000 film reviews as lists of word numbers, with 1 for praise and 0 for blame.

    A word's number is its rank by frequency plus `index_from`; 0 is left free for padding.
    The file is downloaded once, to `~/.keras/datasets` (or below `KERAS_HOME`), shared with
    Keras, and checked against its published hash each time it is used. It holds pickled
    lists; they are read here without unpickling, so a file of any origin runs no code.
    Source: Maas et al., 2011, aclanthology.org/P11-1015.

    Args:
        path: A bare name is that of the file in the cache. A path to a file of your own of
            the same layout, or to a folder that holds `imdb.npz`, is read as it is.
        num_words: Only numbers below this are kept. None stands for the highest number in
            the data, which is then the only one not kept.
        skip_top: Only numbers from this on are kept, `start_char` being no exception.
        maxlen: Only reviews shorter than this, `start_char` included, are kept.
        seed: Of the order in which the reviews come, train first, then test.
        start_char: Put in front of every review. None for nothing.
        oov_char: Takes the place of every number not kept. None leaves them out.
        index_from: Added to every rank.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: object arrays of lists of int, and the labels.
        The object arrays have one axis, also where all reviews happen to be equally long
        (Keras then makes them matrices).

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10_000)  # doctest: +SKIP
        >>> x_train[0][:4], y_train[0]  # doctest: +SKIP
        ([1, 14, 22, 16], 1)
    """
    path = fetch.find(path, _REVIEWS, "imdb.load_data")
    members = npz.read(path, ("x_train", "y_train", "x_test", "y_test"), "imdb.load_data")
    parts = []
    for name in ("train", "test"):
        lists = object_arrays.read(members[f"x_{name}"])
        labels = members[f"y_{name}"]
        if labels.dtype.kind not in "iu" or labels.shape != lists.lengths.shape:
            raise ValueError(
                f"{labels.label} must be whole numbers of shape {lists.lengths.shape}, one for "
                f"each review. Received: shape {labels.shape}, dtype {labels.dtype}"
            )
        parts.append((lists, labels.array()))
    return prepare(parts, num_words, skip_top, maxlen, seed, start_char, oov_char, index_from)


def get_word_index(path: str | os.PathLike[str] = "imdb_word_index.json") -> dict[str, int]:
    """The rank of every word, from 1 for the most frequent; `load_data` adds `index_from`.

    Args:
        path: As for `load_data`; a folder must hold `imdb_word_index.json`.

    Example:
        >>> word_of = {rank + 3: word for word, rank in get_word_index().items()}  # doctest: +SKIP
        >>> " ".join(word_of.get(number, "?") for number in x_train[0])  # doctest: +SKIP
    """
    path = fetch.find(path, _WORDS, "imdb.get_word_index")
    with open(path, encoding="utf-8") as file:
        try:
            index = json.load(file)
        except (ValueError, RecursionError) as error:
            reason = f"it is no JSON: {str(error)[:80]}"
            raise ValueError(f"imdb.get_word_index cannot read {path!r}: {reason}") from error
    if type(index) is not dict or not all(type(rank) is int for rank in index.values()):
        raise ValueError(
            f"imdb.get_word_index expected a dict of words and whole numbers in {path!r}. "
            f"Received: {check.shown(index)}"
        )
    return index


def prepare(
    parts: list[tuple[Lists, np.ndarray]],
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[_Part, _Part]:
    """What `load_data` does to the ranks in the file; its arguments are described there."""
    _check_numbers(num_words, skip_top, maxlen, start_char, oov_char, index_from)
    generator = np.random.RandomState(seed)
    prepared = []
    for lists, labels in parts:
        order = np.arange(len(labels))
        generator.shuffle(order)
        lists = _chosen(lists, order)
        lists = lists._replace(values=lists.values + (index_from or 0))
        if start_char is not None:
            lists = _with_start(lists, start_char)
        labels = labels[order]
        if maxlen:
            short = np.flatnonzero(lists.lengths < maxlen)
            lists, labels = _chosen(lists, short), labels[short]
        prepared.append((lists, labels))
    if maxlen and not all(len(labels) for _, labels in prepared):
        raise ValueError(
            "imdb.load_data kept no review of the train or of the test part: none is shorter "
            f"than maxlen={maxlen}. Choose a larger `maxlen`."
        )
    if not num_words:
        num_words = max(int(lists.values.max(initial=0)) for lists, _ in prepared)
    train, test = (
        (_as_objects(_filtered(lists, skip_top, num_words, oov_char)), labels)
        for lists, labels in prepared
    )
    return train, test


def _check_numbers(num_words, skip_top, maxlen, start_char, oov_char, index_from):
    owner = "imdb.load_data"
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


def _filtered(lists: Lists, skip_top: int, num_words: int, oov_char: int | None) -> Lists:
    values, lengths = lists
    kept = (values >= skip_top) & (values < num_words)
    if oov_char is not None:
        return Lists(np.where(kept, values, oov_char), lengths)
    before = np.concatenate(([0], np.cumsum(kept)))
    ends = np.cumsum(lengths)
    return Lists(values[kept], before[ends] - before[ends - lengths])


def _as_objects(lists: Lists) -> np.ndarray:
    values = lists.values.tolist()
    rows = np.empty(len(lists.lengths), object)
    end = 0
    for row, length in enumerate(lists.lengths.tolist()):
        start, end = end, end + length
        rows[row] = values[start:end]
    return rows

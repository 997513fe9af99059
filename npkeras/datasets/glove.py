"""GloVe: word vectors made beforehand, for the words of a vocabulary."""

from __future__ import annotations

import hashlib
import io
import os
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from npkeras.core import check
from npkeras.datasets import fetch

_ORIGIN = "https://nlp.stanford.edu/data/glove.6B.zip"
_LONGEST_LINE = 1 << 20


def load(
    path: str | os.PathLike[str] = "glove.6B.50d.txt",
    words: Mapping[str, int] | Sequence[str] | None = None,
    dimension: int | None = None,
    verbose: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """The vectors of the given words, and which of the words have one.

    The file is read line by line, and only the vectors asked for are kept; the result is
    stored in the cache folder, so that the next time takes no reading. If a word has several
    lines the first counts.
    Source: Pennington et al., 2014, nlp.stanford.edu/projects/glove.

    Args:
        path: A file in GloVe's text format (word2vec's, with its first line of two counts, is
            read too), or a zip file or a folder that holds one such file, or one named
            `...{dimension}d.txt`. A bare name is that of a file in `~/.keras/datasets` (or below
            `KERAS_HOME`), by itself or in `glove.6B.zip`. GloVe's own file has no published hash,
            so it is not downloaded for you: the message says what to do.
        words: A word index, as from `ptb.get_word_index`, or a list of words, numbered by
            their place. None for all words of the file, as `get_word_index` numbers them.
        dimension: How many numbers a vector has. None: as many as in the first line.
        verbose: Whether to print how many words were found.

    Returns:
        `matrix, found`: float32 (highest number + 1, dimension) with zeros where no vector was
        found, and bool (highest number + 1,).

    Example:
        >>> matrix, found = load(words=word_index)  # doctest: +SKIP
        9,955 of 10,000 words (99.5 %) have a vector of 50 numbers in glove.6B.50d.txt.
        >>> embedding = Embedding(*matrix.shape, weights=[matrix])  # doctest: +SKIP
    """
    if dimension is not None:
        check.positive_int(dimension, "dimension", "glove.load")
    rows = None if words is None else _rows(words)
    source = _find(path, dimension)
    store = _store(source, rows, dimension)
    matrix = _stored(store)
    if matrix is None:
        vectors_read = _vectors(source, dimension, rows)
        matrix = _all_vectors(vectors_read) if rows is None else _chosen(vectors_read, rows)
        _keep(matrix, store)
    found = ~np.isnan(matrix[:, 0])
    matrix[~found] = 0
    if verbose:
        wanted = len(matrix) if rows is None else len(rows)
        hits = len(matrix) if rows is None else int(found[list(rows.values())].sum())
        print(
            f"{hits:,} of {wanted:,} words ({hits / max(wanted, 1):.1%}) have a vector of "
            f"{matrix.shape[1]} numbers in {os.path.basename(source[-1])}."
        )
    return matrix, found


def get_word_index(
    path: str | os.PathLike[str] = "glove.6B.50d.txt", dimension: int | None = None
) -> dict[str, int]:
    """The words of a file, numbered as the rows of `load(path)`: from 0, in the file's order."""
    index: dict[str, int] = {}
    for word, _ in _vectors(_find(path, dimension), dimension, {}):
        index.setdefault(word, len(index))
    return index


def vectors(
    path: str | os.PathLike[str] = "glove.6B.50d.txt", dimension: int | None = None
) -> Iterator[tuple[str, np.ndarray]]:
    """Word by word, what a file holds: the word and its vector, float32 (dimension,)."""
    return _vectors(_find(path, dimension), dimension, None)


def _rows(words) -> dict[str, int]:
    if isinstance(words, str) or not isinstance(words, (Mapping, Iterable)):
        raise TypeError(
            "`words` of glove.load must be a word index or a list of words. "
            f"Received: words={check.shown(words)}"
        )
    if not isinstance(words, Mapping):
        words = {word: row for row, word in reversed(list(enumerate(words)))}
    for word, row in words.items():
        if not isinstance(word, str) or not check.is_int(row) or row < 0:
            raise ValueError(
                "`words` of glove.load must give each word a row, an integer from 0. "
                f"Received: {check.shown(word)} at row {check.shown(row)}"
            )
    return {word: int(row) for word, row in words.items()}


def _chosen(pairs, rows: dict[str, int]) -> np.ndarray:
    """A matrix with NaN in the rows of words that do not come."""
    matrix = None
    missing = set(rows)
    for word, vector in pairs:
        if matrix is None:
            matrix = np.full((max(rows.values(), default=-1) + 1, len(vector)), np.nan, "float32")
        if word in missing:
            missing.remove(word)
            matrix[rows[word]] = vector
    return matrix


def _all_vectors(pairs) -> np.ndarray:
    seen: dict[str, np.ndarray] = {}
    for word, vector in pairs:
        seen.setdefault(word, vector)
    return np.stack(list(seen.values()))


def _vectors(source, dimension: int | None, wanted) -> Iterator[tuple[str, np.ndarray]]:
    """Words and vectors; those of words not in `wanted` (None: all) are left unread, as zeros."""
    name = os.path.join(*source)
    unread = None
    for number, fields in _lines(source, dimension):
        dimension = dimension or len(fields) - 1
        if unread is None:
            unread = np.zeros(max(dimension, 0), "float32")
        try:
            word = _word(fields, dimension)
            vector = _vector(fields[-dimension:]) if wanted is None or word in wanted else unread
        except ValueError as error:
            raise ValueError(f"Line {number} of {name!r} {error}") from error
        yield word, vector
    if unread is None:
        raise ValueError(f"{name!r} holds no word vectors: it is empty.")


def _lines(source, dimension: int | None) -> Iterator[tuple[int, list[bytes]]]:
    """The lines with their numbers from 1, split at blanks; a first line of counts is left out."""
    with _open(source) as file:
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), start=1):
            fields = line.rstrip(b"\r\n ").split(b" ")
            counts = number == 1 and dimension != 1 and len(fields) == 2
            if not (counts and b"".join(fields).isdigit()):
                yield number, fields


def _word(fields: list[bytes], dimension: int) -> str:
    """What stands before the last `dimension` fields; a few published words hold blanks."""
    surplus = fields[1 : len(fields) - dimension]
    if len(fields) <= max(dimension, 1) or b"" in fields or any(map(_is_number, surplus)):
        raise ValueError(
            f"must be a word and {max(dimension, 1)} numbers with single blanks between. "
            f"Received: {len(fields)} fields, beginning with {b' '.join(fields[:3])[:60]!r}"
        )
    try:
        return b" ".join(fields[:-dimension]).decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"is no text in UTF-8: {fields[0][:60]!r}") from error


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True


def _vector(fields: list[bytes]) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):
            vector = np.array([float(field) for field in fields], "float32")
    except ValueError as error:
        raise ValueError(f"holds something that is no number: {str(error)[:80]}") from error
    if not np.isfinite(vector).all():
        raise ValueError("holds a number that is not finite")
    return vector


def _open(source):
    if len(source) == 1:
        return open(source[0], "rb")
    archive = zipfile.ZipFile(source[0])
    return io.BufferedReader(archive.open(source[1]))


def _find(path: str | os.PathLike[str], dimension: int | None) -> tuple[str, ...]:
    """The path of the text, or that of a zip file and the name of the text in it."""
    own = fetch.own_path(path, "", "glove.load")
    if own is None and path is not None:
        name = os.fspath(path)
        own = os.path.join(fetch.cache_folder(), name)
        if not os.path.exists(own):
            archive = os.path.join(fetch.cache_folder(), "glove.6B.zip")
            if os.path.isfile(archive) and name in zipfile.ZipFile(archive).namelist():
                return (archive, name)
    if own is not None and os.path.isdir(own):
        folder = os.path.join(own, "glove")
        folder = folder if os.path.isdir(folder) else own
        names = [name for name in os.listdir(folder) if name.startswith("glove")]
        return (os.path.join(folder, _only(names, dimension, folder)),)
    if own is None or not os.path.isfile(own):
        raise fetch.DataUnavailableError(
            f"glove.load found no file {path!r}. Download {_ORIGIN} (862 MB) and put it, or a file "
            f"out of it, into {fetch.cache_folder()!r}, or pass the `path` of a file of your own."
        )
    if zipfile.is_zipfile(own):
        return (own, _only(zipfile.ZipFile(own).namelist(), dimension, own))
    return (own,)


def _only(names: list[str], dimension: int | None, where: str) -> str:
    names = sorted(name for name in names if name.endswith(".txt"))
    exact = [name for name in names if dimension and name.endswith(f".{dimension}d.txt")]
    fitting = exact or names
    if len(fitting) != 1:
        raise ValueError(
            f"glove.load expected one text file in {where!r}, or one named for its `dimension`. "
            f"Received: dimension={dimension} and {', '.join(names)[:120] or 'none'}"
        )
    return fitting[0]


def _store(source: tuple[str, ...], rows: dict[str, int] | None, dimension: int | None) -> str:
    """Where the result is kept: the name tells the file, its size and age, and the words."""
    status = os.stat(source[0])
    key = hashlib.sha256(
        repr((os.path.abspath(source[0]), source[1:], status.st_size, status.st_mtime_ns)).encode()
    )
    key.update(repr((dimension, rows and list(rows.items()))).encode("utf-8", "backslashreplace"))
    stem = os.path.basename(source[-1]).removesuffix(".txt")
    return os.path.join(fetch.cache_folder(), "glove", f"{stem}.{key.hexdigest()[:16]}.npy")


def _keep(matrix: np.ndarray, store: str) -> None:
    try:
        with fetch.new_file(store) as file:
            np.save(file, matrix, allow_pickle=False)
    except OSError as error:  # the next call reads the text again, no more
        warnings.warn(f"glove.load could not keep its result: {error}", stacklevel=3)


def _stored(store: str) -> np.ndarray | None:
    """The matrix kept before; None if there is none, or none that is whole."""
    try:
        matrix = np.load(store, allow_pickle=False, mmap_mode=None)
    except (OSError, ValueError, EOFError):
        return None
    return matrix if matrix.ndim == 2 and matrix.dtype == "float32" else None

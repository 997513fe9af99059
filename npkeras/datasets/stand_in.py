"""Made-up data in the form of the real, for where there is neither a network nor a file.

Each function gives what the loader of the same name gives, as a `StandIn`: a tuple that unpacks
alike and tells, in its `description` and when printed, what it is. Figures reached on it say
nothing about the real data. The same arguments always make the same data.

    try:
        (x_train, y_train), (x_test, y_test) = mnist.load_data()
    except DataUnavailableError:
        (x_train, y_train), (x_test, y_test) = stand_in.mnist()
"""

from __future__ import annotations

import collections
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from npkeras.core import check
from npkeras.datasets import imdb as imdb_loader
from npkeras.datasets import ptb as ptb_loader
from npkeras.datasets.object_arrays import Lists

SIDE = 28


class StandIn(tuple):
    """What a loader returns, made up; `description` says how."""

    description: str

    def __new__(cls, values: tuple, description: str) -> StandIn:
        made = super().__new__(cls, values)
        made.description = description
        return made

    def __repr__(self) -> str:
        return f"<StandIn: {self.description}>"


def mnist(train: int = 10_000, test: int = 2_000, seed: int = 0, verbose: int = 1) -> StandIn:
    """Drawn digits in the form of `mnist.load_data()`.

    Each is a few strokes, bent, leaned, turned, scaled and moved at random, drawn with a pen
    of random width on noisy paper.

    Args:
        train, test: How many pictures each part has.
        seed: Of what is random.
        verbose: Whether to print that this is a stand-in.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = mnist(train=20, test=10, verbose=0)
        >>> x_train.shape, x_train.dtype, y_test.shape
        ((20, 28, 28), dtype('uint8'), (10,))
    """
    for count, name in ((train, "train"), (test, "test")):
        check.positive_int(count, name, "stand_in.mnist")
    generator = np.random.RandomState(seed)
    digits = generator.randint(0, 10, train + test).astype("uint8")
    pictures = np.concatenate(
        [_draw(digits[start : start + 100], generator) for start in range(0, len(digits), 100)]
    )
    parts = (pictures[:train], digits[:train]), (pictures[train:], digits[train:])
    return _told(parts, f"{train + test:,} drawn digits in place of MNIST", verbose)


def _arc(x: float, y: float, width: float, height: float, start: float, stop: float) -> np.ndarray:
    """Points along part of an ellipse, from one angle (degrees, 0 right, 90 down) to another."""
    angles = np.radians(np.linspace(start, stop, 2 + round(abs(stop - start) / 40)))
    return np.stack([x + width * np.cos(angles), y + height * np.sin(angles)], axis=1)


# strokes in a square from (0, 0), top left, to (1, 1)
_STROKES: list[list[Sequence]] = [
    [_arc(0.5, 0.5, 0.28, 0.45, 0, 360)],
    [[(0.35, 0.25), (0.55, 0.05), (0.55, 0.95)]],
    [[*_arc(0.5, 0.3, 0.28, 0.25, 190, 390), (0.2, 0.95), (0.82, 0.95)]],
    [_arc(0.45, 0.28, 0.28, 0.23, 200, 440), _arc(0.45, 0.73, 0.32, 0.24, -80, 160)],
    [[(0.65, 0.95), (0.65, 0.05), (0.18, 0.65), (0.85, 0.65)]],
    [[(0.78, 0.05), (0.3, 0.05), (0.27, 0.45), *_arc(0.47, 0.66, 0.3, 0.28, -125, 150)]],
    [[(0.7, 0.08), (0.45, 0.2), (0.28, 0.45), (0.24, 0.68)], _arc(0.5, 0.7, 0.26, 0.25, 0, 360)],
    [[(0.2, 0.05), (0.8, 0.05), (0.42, 0.95)]],
    [_arc(0.5, 0.27, 0.23, 0.21, 0, 360), _arc(0.5, 0.72, 0.28, 0.24, 0, 360)],
    [_arc(0.48, 0.3, 0.25, 0.24, 0, 360), [(0.74, 0.3), (0.72, 0.6), (0.55, 0.95)]],
]


def _segments() -> np.ndarray:
    """The strokes as lines from point to point: (10, most lines, 2 ends, 2 coordinates)."""
    lines = [
        [pair for stroke in strokes for pair in zip(stroke[:-1], stroke[1:], strict=True)]
        for strokes in _STROKES
    ]
    most = max(map(len, lines))
    # a line drawn twice looks as if drawn once
    return np.array([(some * most)[:most] for some in lines], "float32")


def _draw(digits: np.ndarray, generator: np.random.RandomState) -> np.ndarray:
    count = len(digits)

    def between(low: float, high: float) -> np.ndarray:
        return generator.uniform(low, high, (count, 1, 1)).astype("float32")

    x, y = np.moveaxis(_segments()[digits] - 0.5, -1, 0)
    x = x + between(-0.08, 0.08) * np.sin(6 * y + between(-3, 3))
    y = y + between(-0.08, 0.08) * np.sin(6 * x + between(-3, 3))
    x = (x + between(-0.35, 0.35) * y) * between(13, 22)
    y = y * between(15, 22)
    turn = between(-0.25, 0.25)
    x, y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    x, y = x + SIDE / 2 + between(-3, 3), y + SIDE / 2 + between(-3, 3)

    distance = _distance(np.stack([x, y], axis=-1))
    ink = np.clip(between(0.7, 1.8) - distance + 0.5, 0, 1) * between(160, 255)
    paper = generator.normal(0, 25, distance.shape)
    return np.clip(ink + paper, 0, 255).astype("uint8")


def _distance(lines: np.ndarray) -> np.ndarray:
    """From each pixel to the nearest line: lines (n, k, 2 ends, 2) -> (n, 28, 28)."""
    row, column = np.mgrid[:SIDE, :SIDE].astype("float32") + 0.5
    pixels = np.stack([column.ravel(), row.ravel()])
    nearest = np.full((len(lines), SIDE * SIDE), np.inf, "float32")
    for k in range(lines.shape[1]):
        begin, end = lines[:, k, 0, :, None], lines[:, k, 1, :, None]
        along, offset = end - begin, pixels - begin
        share = (offset * along).sum(axis=1) / np.maximum((along * along).sum(axis=1), 1e-6)
        offset -= np.clip(share, 0, 1)[:, None] * along
        np.minimum(nearest, (offset * offset).sum(axis=1), out=nearest)
    return np.sqrt(nearest).reshape(-1, SIDE, SIDE)


_THINGS = (
    "film movie plot story acting script ending music cast dialogue pace camera director hero "
    "villain humour romance scenery editing idea performance soundtrack lighting premise"
).split()
_PRAISE = (
    "good great wonderful moving brilliant charming funny clever superb touching gripping fresh "
    "beautiful honest delightful memorable strong perfect lovely exciting"
).split()
_BLAME = (
    "bad awful terrible boring dull weak stupid clumsy predictable tedious painful lazy flat "
    "ugly annoying pointless poor shallow messy forgettable"
).split()
_DEGREES = "very quite really truly rather simply so just fairly utterly".split()
_ASIDES = (
    "i saw it last night with my family|it was made in the seventies|the story takes place in a "
    "small town|my brother had told me about it|it runs for about two hours|there is a scene on a "
    "train|the book came out first|we rented it because of the cover|it is set during the war|"
    "half of it is in french|the lead plays a doctor|nobody in the room had heard of it"
).split("|")


def imdb(
    train: int = 4_000,
    test: int = 1_000,
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int | None = 3,
    verbose: int = 1,
) -> StandIn:
    """Reviews from a small grammar, in the form of `imdb.load_data()`.

    Sentences praise or blame, some of them by denying the opposite ("was not boring") or by
    taking something back ("was funny but ..."), and what most of a review says is its label.

    Args:
        train, test: How many reviews each part has.
        verbose: Whether to print that this is a stand-in.
        num_words, skip_top, maxlen, seed, start_char, oov_char, index_from: As for
            `imdb.load_data`.

    Example:
        >>> (x_train, y_train), (x_test, y_test) = imdb(train=20, test=10, verbose=0)
        >>> len(x_train), x_train[0][0], sorted(set(y_train.tolist()))
        (20, 1, [0, 1])
    """
    for count, name in ((train, "train"), (test, "test")):
        check.positive_int(count, name, "stand_in.imdb")
    reviews, labels = _reviews(train + test)
    index = _ranks(reviews[:train])
    parts = []
    for part in (slice(train), slice(train, None)):
        ranks = [[index[word] for word in words if word in index] for words in reviews[part]]
        lengths = np.array([len(row) for row in ranks])
        parts.append((Lists(np.concatenate(ranks), lengths), labels[part]))
    data = imdb_loader.prepare(
        parts, num_words, skip_top, maxlen, seed, start_char, oov_char, index_from
    )
    return _told(data, f"{train + test:,} made-up reviews in place of IMDB", verbose)


def imdb_word_index(train: int = 4_000, test: int = 1_000) -> dict[str, int]:
    """The rank of every word of `imdb(train, test)`, as `imdb.get_word_index()` gives it."""
    return _ranks(_reviews(train + test)[0][:train])


def _ranks(reviews: list[list[str]]) -> dict[str, int]:
    counts = collections.Counter(word for words in reviews for word in words)
    return {word: rank for rank, (word, _) in enumerate(counts.most_common(), start=1)}


def _reviews(count: int) -> tuple[list[list[str]], np.ndarray]:
    generator = np.random.RandomState(count)
    labels = generator.randint(0, 2, count)
    return [_review(bool(label), generator) for label in labels], labels.astype("int64")


def _review(praises: bool, generator: np.random.RandomState) -> list[str]:
    """Three to seven judgements, most of them the review's own, among asides."""
    judgements = generator.randint(3, 8)
    dissent = generator.randint(0, judgements // 2)
    praising = np.where(np.arange(judgements) < dissent, not praises, praises)
    sentences = [_judgement(bool(one), generator) for one in generator.permutation(praising)]
    for _ in range(generator.randint(1, 6)):
        aside = _ASIDES[generator.randint(len(_ASIDES))]
        sentences.insert(generator.randint(len(sentences) + 1), aside)
    return " ".join(sentences).split()


def _judgement(praises: bool, generator: np.random.RandomState) -> str:
    def one_of(words: list[str]) -> str:
        return words[generator.randint(len(words))]

    same, opposite = (_PRAISE, _BLAME) if praises else (_BLAME, _PRAISE)
    thing, degree = one_of(_THINGS), one_of(_DEGREES)
    forms = (
        f"the {thing} was {degree} {one_of(same)}",
        f"what a {one_of(same)} {thing}",
        f"the {thing} was not {one_of(opposite)}",
        f"the {thing} may be {one_of(opposite)} but the rest is {degree} {one_of(same)}",
        f"i never found the {thing} {one_of(opposite)} at all",
    )
    # counting words tells most reviews, not all: a third of the sentences deny or take back
    return forms[np.searchsorted((0.4, 0.6, 0.75, 0.9), generator.random_sample())]


_TOKEN = re.compile(r"[a-z]+(?:['-][a-z]+)*|[0-9]+(?:\.[0-9]+)*")
_SENTENCE_END = re.compile(r"[.!?:;]\s|\n\s*\n")


def ptb(num_words: int = 10_000, index_from: int = 0, verbose: int = 1) -> StandIn:
    """The help texts that come with Python, in the form of `ptb.load_data()`.

    Words are in lower case, numbers are `N`, rare words `<unk>`; of twenty sentences that
    follow each other, eighteen are train, one valid and one test. The text differs a little
    from one version of Python to the next.

    Args:
        num_words: How many different words there are at most.
        index_from: The number of the first word.
        verbose: Whether to print that this is a stand-in.

    Example:
        >>> train, valid, test, word_index = ptb(verbose=0)
        >>> len(train) > 50_000, len(word_index) <= 10_000
        (True, True)
    """
    check.positive_int(num_words, "num_words", "stand_in.ptb")
    check.non_negative_int(index_from, "index_from", "stand_in.ptb")
    sentences = list(_help_sentences())
    turn = np.arange(len(sentences)) // 10 % 20
    counts = collections.Counter(
        word for words, part in zip(sentences, turn, strict=True) if part < 18 for word in words
    )
    frequent = {word for word, n in counts.most_common(max(num_words - 2, 0)) if n > 1}
    parts: list[list[str]] = [[], [], []]
    for words, part in zip(sentences, turn, strict=True):
        text = parts[max(part - 17, 0)]
        text += [word if word in frequent else ptb_loader.UNKNOWN for word in words]
        text.append(ptb_loader.END)
    data = ptb_loader.number_words(*parts, index_from=index_from)
    return _told(data, "Python's help texts in place of the Penn Treebank", verbose)


def _help_sentences() -> Iterator[list[str]]:
    from pydoc_data import topics

    for name in sorted(topics.topics):
        for sentence in _SENTENCE_END.split(topics.topics[name].lower()):
            words = ["N" if word[0].isdigit() else word for word in _TOKEN.findall(sentence)]
            if len(words) > 2:
                yield words


def glove(
    words: Mapping[str, int] | Sequence[str], dimension: int = 50, verbose: int = 1
) -> StandIn:
    """Random vectors in the form of `glove.load()`: normal, of standard deviation 0.4.

    A word has the same vector wherever it comes; no two words have anything in common.

    Args:
        words: A word index or a list of words.
        dimension: How many numbers a vector has.
        verbose: Whether to print that this is a stand-in.

    Example:
        >>> matrix, found = glove(["the", "of"], dimension=4, verbose=0)
        >>> matrix.shape, found
        ((2, 4), array([ True,  True]))
    """
    check.positive_int(dimension, "dimension", "stand_in.glove")
    if not isinstance(words, Mapping):
        words = {word: row for row, word in enumerate(words)}
    matrix = np.zeros((max(words.values(), default=-1) + 1, dimension), "float32")
    found = np.zeros(len(matrix), bool)
    for word, row in words.items():
        matrix[row], found[row] = _random_vector(word, dimension), True
    return _told((matrix, found), "random vectors in place of GloVe", verbose)


def _random_vector(word: str, dimension: int) -> np.ndarray:
    """Normal numbers out of the word's hash, by Box & Muller, 1958."""
    digest = hashlib.shake_256(word.encode("utf-8", "backslashreplace")).digest(8 * dimension)
    uniform = (np.frombuffer(digest, "<u4") + 0.5) / 2.0**32
    radius = np.sqrt(-2 * np.log(uniform[:dimension]))
    return 0.4 * radius * np.cos(2 * np.pi * uniform[dimension:])


def _told(values: tuple, description: str, verbose: int) -> StandIn:
    if verbose:
        print(f"Stand-in: {description}.")
    return StandIn(values, description)

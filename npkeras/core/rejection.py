"""Gamma and binomial numbers, drawn by trial and rejection in float64.

Every number has some blocks of the stream to itself and draws from them until a trial is
accepted; `_Lanes` does this for many numbers at once. Seeds give the numbers TensorFlow draws.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from npkeras.core import philox

_BLOCKS_PER_TRIALS = 256  # what each number has, if it is drawn by rejection
_BLOCKS_PER_JUMPS = 42  # and if it is counted

Draw = Callable[[np.ndarray], np.ndarray]  # words of blocks -> two float64 numbers from each


class _Lanes:
    """Many places in one stream, each read on its own."""

    def __init__(self, stream: philox.Stream, first_blocks: np.ndarray) -> None:
        self.stream = stream
        self.block = first_blocks.astype(np.uint64)
        self.drawn: dict[Draw, np.ndarray] = {}
        self.left: dict[Draw, np.ndarray] = {}

    def draw(self, kind: Draw, lanes: np.ndarray) -> np.ndarray:
        """The next number of this kind in each of these lanes."""
        if kind not in self.left:
            self.drawn[kind] = np.empty((len(self.block), 2))
            self.left[kind] = np.zeros(len(self.block), np.intp)
        drawn, left = self.drawn[kind], self.left[kind]
        empty = lanes[left[lanes] == 0]
        words = philox.words_of_blocks(self.stream, self.block[empty])
        self.block[empty] += np.uint64(1)
        drawn[empty] = kind(words.reshape(-1)).reshape(-1, 2)
        left[empty] = 2
        left[lanes] -= 1
        return drawn[lanes, left[lanes]]


def _lanes_of(size: int, parameters: int) -> np.ndarray:
    """The number of the lane that gives each value, where the parameters' axes come last.

    Lanes are numbered along the values of one parameter, then along the next parameter.
    """
    return np.arange(size).reshape(parameters, -1).T.reshape(-1)


def gamma(
    stream: philox.Stream, size: int, alpha: np.ndarray, uniform: Draw, normal: Draw
) -> np.ndarray:
    """Gamma numbers with scale 1: Marsaglia & Tsang, 2000, "A simple method for generating gamma
    variables". A shape below 1 is drawn one higher, and the number made smaller.

    Shapes: alpha (n,) -> (size,), in which the values of alpha follow each other round and round
    """
    lanes = _Lanes(stream, _BLOCKS_PER_TRIALS * _lanes_of(size, len(alpha)))
    alpha = np.resize(alpha.astype(np.float64), size)
    y = np.empty(size)
    (exponential,) = np.nonzero(alpha == 1)
    y[exponential] = -np.log1p(-lanes.draw(uniform, exponential))
    low = alpha < 1
    d = alpha + np.where(low, 2 / 3, -1 / 3)
    c = 1 / 3 / np.sqrt(d)
    (trying,) = np.nonzero(alpha != 1)
    while trying.size:
        x = lanes.draw(normal, trying)
        v = 1 + c[trying] * x
        positive = v > 0
        tried, x, v = trying[positive], x[positive], v[positive] ** 3
        u = lanes.draw(uniform, tried)
        with np.errstate(divide="ignore"):
            bound = 0.5 * x * x + d[tried] * (1 - v + np.log(v))
            accepted = (u < 1 - 0.0331 * (x * x) * (x * x)) | (np.log(u) < bound)
        y[tried[accepted]] = d[tried[accepted]] * v[accepted]
        trying = np.setdiff1d(trying, tried[accepted], assume_unique=True)
    (lowered,) = np.nonzero(low)
    with np.errstate(divide="ignore"):
        y[lowered] *= lanes.draw(uniform, lowered) ** (1 / alpha[lowered])
    return y


def binomial(
    stream: philox.Stream, size: int, counts: np.ndarray, chances: np.ndarray, uniform: Draw
) -> np.ndarray:
    """How many of `counts` trials succeed, each with its chance.

    Many expected successes are drawn by rejection: Hörmann, 1993, "The generation of binomial
    random variates" (BTRS). Few are counted, by jumping from one success to the next.

    Shapes: counts, chances (n,) -> (size,), as for `gamma`
    """
    order = _lanes_of(size, len(counts))
    counts = np.resize(counts.astype(np.float64), size)
    chances = np.resize(chances.astype(np.float64), size).clip(0, 1)
    mirrored = chances > 0.5
    p = np.where(mirrored, 1 - chances, chances)
    many = counts * p >= 10
    lanes = _Lanes(stream, order * np.where(many, _BLOCKS_PER_TRIALS, _BLOCKS_PER_JUMPS))
    y = np.full(size, np.nan)
    _count_jumps(lanes, np.nonzero(~many & (p >= 0))[0], counts, p, uniform, y)
    _reject_transformed(lanes, np.nonzero(many)[0], counts, p, uniform, y)
    return np.where(mirrored, counts - y, y)


def _count_jumps(
    lanes: _Lanes,
    jumping: np.ndarray,
    counts: np.ndarray,
    p: np.ndarray,
    uniform: Draw,
    y: np.ndarray,
) -> None:
    """The distance from one success to the next is geometric; count those within `counts`."""
    place, successes = np.zeros(len(y)), np.zeros(len(y))
    with np.errstate(divide="ignore"):
        rate = np.log1p(-p)
        while jumping.size:
            jump = np.ceil(np.log(lanes.draw(uniform, jumping)) / rate[jumping])
            place[jumping] += jump
            beyond = place[jumping] > counts[jumping]
            y[jumping[beyond]] = successes[jumping[beyond]]
            jumping = jumping[~beyond]
            successes[jumping] += 1


def _reject_transformed(
    lanes: _Lanes,
    trying: np.ndarray,
    counts: np.ndarray,
    p: np.ndarray,
    uniform: Draw,
    y: np.ndarray,
) -> None:
    """Hörmann's algorithm BTRS, with his names for its constants."""
    n, p = counts, p
    spread = np.sqrt(np.maximum(n * p * (1 - p), 0))
    b = 1.15 + 2.53 * spread
    a = -0.0873 + 0.0248 * b + 0.01 * p
    while trying.size:
        u = lanes.draw(uniform, trying) - 0.5
        v = lanes.draw(uniform, trying)
        us = 0.5 - np.abs(u)
        some_n, some_p, some_a, some_b = n[trying], p[trying], a[trying], b[trying]
        with np.errstate(divide="ignore", invalid="ignore"):
            k = np.floor((2 * some_a / us + some_b) * u + some_n * some_p + 0.5)
            accepted = (us >= 0.07) & (v <= 0.92 - 4.2 / some_b)
            alpha = (2.83 + 5.1 / some_b) * spread[trying]
            height = np.log(v * alpha / (some_a / (us * us) + some_b))
            accepted |= (k >= 0) & (k <= some_n) & (height <= _log_ratio(k, some_n, some_p))
        y[trying[accepted]] = k[accepted]
        trying = trying[~accepted]


def _log_ratio(k: np.ndarray, n: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The logarithm of how likely k is, relative to the most likely number of successes."""
    m, odds = np.floor((n + 1) * p), p / (1 - p)
    return (
        (m + 0.5) * np.log((m + 1) / (odds * (n - m + 1)))
        + (n + 1) * np.log((n - m + 1) / (n - k + 1))
        + (k + 0.5) * np.log(odds * (n - k + 1) / (k + 1))
        + _stirling_tail(m)
        + _stirling_tail(n - m)
        - _stirling_tail(k)
        - _stirling_tail(n - k)
    )


def _stirling_tail(k: np.ndarray) -> np.ndarray:
    """log(k!) minus Stirling's formula (k + 1/2) log(k + 1) - (k + 1) + log(2 pi) / 2.

    Small k have no use for the series: their factorials are known.
    """
    square = (k + 1) ** 2
    tail = (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)
    small = (k >= 0) & (k < len(_STIRLING_TAILS))
    return np.where(small, _STIRLING_TAILS[np.where(small, k, 0).astype(np.intp)], tail)


_SMALL = np.arange(10)
_STIRLING_TAILS = (
    np.concatenate([[0.0], np.cumsum(np.log(_SMALL[1:]))])
    - (_SMALL + 0.5) * np.log(_SMALL + 1)
    + (_SMALL + 1)
    - 0.5 * np.log(2 * np.pi)
)

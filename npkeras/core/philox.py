"""Streams of random bits, the ones TensorFlow draws for a seed.

The generator is Philox4x32-10: Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2,
3". It enciphers a counter, so that any part of a stream can be had without what is before it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

WORDS_PER_BLOCK = 4
_ROUNDS = 10
_LOW = 0xFFFFFFFF
_MULTIPLIERS = (0xCD9E8D57, 0xD2511F53)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_SCRAMBLING_KEY = (0x3EC8F720, 0x02461E29)
# So many blocks are enciphered at once: the working arrays then stay in the cache.
_CHUNK = 8192


class Stream(NamedTuple):
    """What tells one stream from another: the cipher's key, and the counter's upper half."""

    key: tuple[int, int]
    tail: tuple[int, int]


def open_stream(seed: int, count: int) -> Stream:
    """The stream that belongs to a state `[seed, count]`, two integers of 64 bits."""
    counter = (seed & _LOW, seed >> 32 & _LOW, count & _LOW, count >> 32 & _LOW)
    r0, r1, r2, r3 = _encipher_one(counter, _SCRAMBLING_KEY)
    return Stream((r0, r1), (r2, r3))


def words(stream: Stream, count: int) -> np.ndarray:
    """The first `count` words of a stream, as uint32."""
    blocks = -(-count // WORDS_PER_BLOCK)
    out = np.empty((blocks, WORDS_PER_BLOCK), np.uint32)
    _encipher(np.arange(blocks, dtype=np.uint64), stream, out)
    return out.reshape(-1)[:count]


def words_of_blocks(stream: Stream, blocks: np.ndarray) -> np.ndarray:
    """The words of the blocks with these numbers.

    Shapes: blocks (n,) of uint64 -> (n, 4) of uint32
    """
    out = np.empty((len(blocks), WORDS_PER_BLOCK), np.uint32)
    _encipher(blocks, stream, out)
    return out


def numpy_words(seed: int, count: int, size: int) -> np.ndarray:
    """The first `size` words of NumPy's SFC64 generator seeded by `[seed, count]`: faster bits."""
    entropy = [seed & 0xFFFFFFFFFFFFFFFF, count & 0xFFFFFFFFFFFFFFFF]
    bits = np.random.SFC64(np.random.SeedSequence(entropy)).random_raw(-(-size // 2))
    return bits.astype("<u8", copy=False).view("<u4")[:size]


def _encipher_one(counter: tuple[int, ...], key: tuple[int, int]) -> tuple[int, ...]:
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(_ROUNDS):
        p, q = c2 * _MULTIPLIERS[0], c0 * _MULTIPLIERS[1]
        c0, c1, c2, c3 = p >> 32 ^ c1 ^ k0, p & _LOW, q >> 32 ^ c3 ^ k1, q & _LOW
        k0, k1 = k0 + _KEY_STEPS[0] & _LOW, k1 + _KEY_STEPS[1] & _LOW
    return c0, c1, c2, c3


def _encipher(blocks: np.ndarray, stream: Stream, out: np.ndarray) -> None:
    """Write the words of these blocks into `out`, a chunk at a time."""
    keys = _round_keys(stream.key)
    size = min(_CHUNK, len(blocks))
    scratch = np.empty((3, 2, size), np.uint64)
    for start in range(0, len(blocks), _CHUNK):
        some = blocks[start : start + _CHUNK]
        even, odd, product = scratch[:, :, : len(some)]
        np.bitwise_and(some, _LOW, out=even[0])
        np.right_shift(some, 32, out=odd[0])
        even[1], odd[1] = stream.tail
        _rounds(even, odd, product, keys)
        chunk = out[start : start + _CHUNK]
        chunk[:, 0], chunk[:, 2] = even
        chunk[:, 1], chunk[:, 3] = odd


def _round_keys(key: tuple[int, int]) -> np.ndarray:
    """Both key words in each round. Shapes: (rounds, 2, 1)"""
    steps = np.arange(_ROUNDS, dtype=np.uint64)[:, None] * np.array(_KEY_STEPS, np.uint64)
    return (steps + np.array(key, np.uint64) & np.uint64(_LOW))[:, :, None]


def _rounds(even: np.ndarray, odd: np.ndarray, product: np.ndarray, keys: np.ndarray) -> None:
    """Encipher in place; `even` holds words 0 and 2 of the counters, `odd` words 1 and 3.

    A word lies in the lower half of 64 bits, so that products of two have room.
    """
    multipliers = np.array(_MULTIPLIERS, np.uint64)[:, None]
    low, half = np.uint64(_LOW), np.uint64(32)
    for key in keys:
        np.multiply(even[::-1], multipliers, out=product)
        np.right_shift(product, half, out=even)
        np.bitwise_xor(even, odd, out=even)
        np.bitwise_xor(even, key, out=even)
        np.bitwise_and(product, low, out=odd)

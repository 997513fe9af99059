"""The bits behind all random numbers."""

import numpy as np
import pytest

from npkeras.core import philox


@pytest.mark.parametrize(
    "counter, key, words",
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((2**32 - 1,) * 4, (2**32 - 1,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
    ids=["zeros", "ones", "digits of pi"],
)
def test_blocks_are_those_its_authors_published(counter, key, words):
    block = np.array([counter[0] | counter[1] << 32], np.uint64)
    stream = philox.Stream(key, counter[2:])
    np.testing.assert_array_equal(philox.words_of_blocks(stream, block), [words])
    assert philox._encipher_one(counter, key) == words


def test_a_stream_is_read_from_its_beginning():
    stream = philox.open_stream(7, 0)
    longest = philox.words(stream, 3 * 4 * philox._CHUNK + 2)
    for count in (0, 1, 3, 4, 5, 4 * philox._CHUNK, 4 * philox._CHUNK + 1):
        np.testing.assert_array_equal(philox.words(stream, count), longest[:count])


def test_any_block_can_be_had_alone():
    stream = philox.open_stream(7, 0)
    blocks = philox.words(stream, 400).reshape(-1, 4)
    chosen = np.array([99, 0, 42], np.uint64)
    np.testing.assert_array_equal(philox.words_of_blocks(stream, chosen), blocks[[99, 0, 42]])


@pytest.mark.parametrize("state", [(8, 0), (7, 1), (7 + 2**32, 0), (7, 2**32)])
def test_another_seed_or_count_is_another_stream(state):
    words = philox.words(philox.open_stream(*state), 100)
    assert not (words == philox.words(philox.open_stream(7, 0), 100)).any()


def test_numpys_words_belong_to_the_state():
    words = philox.numpy_words(7, 0, 1001)
    assert words.shape == (1001,)
    assert words.dtype == np.uint32
    np.testing.assert_array_equal(words, philox.numpy_words(7, 0, 1001))
    assert (words != philox.numpy_words(7, 1, 1001)).mean() > 0.99
    assert (words != philox.numpy_words(-7, 0, 1001)).mean() > 0.99

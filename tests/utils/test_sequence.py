"""pad_sequences: equal to Keras, but for what Keras cuts off or wraps around in silence."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.utils import pad_sequences

UNLIKE = [[1], [2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    "options, rows",
    [
        ({}, [[0, 0, 1], [0, 2, 3], [4, 5, 6]]),
        ({"padding": "post"}, [[1, 0, 0], [2, 3, 0], [4, 5, 6]]),
        ({"value": -1}, [[-1, -1, 1], [-1, 2, 3], [4, 5, 6]]),
        ({"maxlen": 2}, [[0, 1], [2, 3], [5, 6]]),
        ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [4, 5]]),
        ({"maxlen": 4, "padding": "post"}, [[1, 0, 0, 0], [2, 3, 0, 0], [4, 5, 6, 0]]),
        ({"maxlen": 0}, np.zeros((3, 0))),
    ],
)
def test_sequences_come_to_one_length(options, rows):
    result = pad_sequences(UNLIKE, **options)
    np.testing.assert_array_equal(result, rows)
    assert result.dtype == "int32"


def test_texts_are_padded_with_texts():
    result = pad_sequences([["a", "bc"], ["d"]], dtype=object, value="x")
    assert result.tolist() == [["a", "bc"], ["x", "d"]]
    assert pad_sequences([["a"]], 2, dtype="U3", value="pad").tolist() == [["pad", "a"]]


def test_no_sequences_give_no_rows():
    assert pad_sequences([], maxlen=3).shape == (0, 3)
    assert pad_sequences([[], []]).shape == (2, 0)


def test_fractions_that_are_cut_off_are_warned_of_once():
    with pytest.warns(
        UserWarning, match="received 1.5 in the sequence at place 1, .* int32"
    ) as told:
        result = pad_sequences([[1.0], [1.5, 2.5], [3.5]])
    assert result.tolist() == [[0, 1], [1, 2], [0, 3]]
    assert len(told) == 1 and told[0].filename == __file__
    with pytest.warns(UserWarning, match="received 0.5 as `value`") as told:
        pad_sequences([[1]], 2, value=0.5)
    assert told[0].filename == __file__


def test_whole_floats_and_float_dtypes_are_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pad_sequences([[1.0, 2.0]], 3).tolist() == [[0, 1, 2]]
        assert pad_sequences([[1.5]], 2, dtype="float32", value=0.5).tolist() == [[0.5, 1.5]]


@pytest.mark.parametrize("sequence", [[3_000_000_000], np.array([3_000_000_000]), [3e9]])
def test_numbers_beyond_the_dtype_are_refused(sequence):
    with pytest.raises(
        ValueError, match="cannot keep 3000000000(.0)? as int32. Received: .* place 1"
    ):
        pad_sequences([[1], sequence])


@pytest.mark.parametrize(
    "sequences, options, message",
    [
        (5, {}, "must be a list of sequences. Received: sequences=5"),
        (iter([[1]]), {}, "must be a list of sequences. Received: sequences=<list_iterator"),
        ([[1], 2], {}, "Received one that is none: 2"),
        ("abc", {}, "Received: 'a' as the sequence at place 0"),
        ([], {}, "cannot tell `maxlen` from no sequences"),
        ([[1]], {"padding": "left"}, "`padding` of pad_sequences .*padding='left'"),
        ([[1]], {"truncating": "x"}, "`truncating` of pad_sequences .*truncating='x'"),
        ([[1]], {"maxlen": -1}, "`maxlen` of pad_sequences .*maxlen=-1"),
        ([[1]], {"maxlen": 2.0}, "`maxlen` of pad_sequences .*maxlen=2.0"),
        ([["a"]], {"value": "x"}, "value='x' in dtype='int32'. Give dtype=object"),
        ([[1]], {"value": -1, "dtype": "uint8"}, "cannot keep -1 as uint8. .* as `value`"),
        ([[np.nan]], {}, "cannot keep nan as int32. Received: nan in the sequence at place 0"),
        (
            [[[1, 2]], [[3]]],
            {},
            r"of one shape, \(2,\). .* shape \(1,\) in the sequence at place 1",
        ),
        ([[1, [2]]], {}, r"Received: \[1, \[2\]\] as the sequence at place 0"),
    ],
)
def test_what_is_no_list_of_sequences_is_refused(sequences, options, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(sequences, **options)


@pytest.mark.keras
@given(
    sequences=st.lists(st.lists(st.integers(-9, 9), max_size=6), min_size=1, max_size=6),
    maxlen=st.none() | st.integers(1, 8),
    dtype=st.sampled_from(["int32", "int64", "float32", "float16", object]),
    padding=st.sampled_from(["pre", "post"]),
    truncating=st.sampled_from(["pre", "post"]),
    value=st.sampled_from([0.0, 1, -3, 2.0]),
    wrap=st.sampled_from([list, tuple, np.array]),
)
@settings(max_examples=60, deadline=None)
def test_equal_to_keras(keras, sequences, wrap, **options):
    sequences = [wrap(row) for row in sequences]
    expected = keras.utils.pad_sequences(sequences, **options)
    result = pad_sequences(sequences, **options)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype == expected.dtype and result.shape == expected.shape


@pytest.mark.keras
@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.none() | st.integers(1, 4))
@settings(max_examples=20, deadline=None)
def test_sequences_of_vectors_equal_keras(keras, lengths, maxlen):
    sequences = [np.ones((length, 2, 3), "float32") * (i + 1) for i, length in enumerate(lengths)]
    for options in ({}, {"padding": "post", "truncating": "post", "dtype": "float32"}):
        expected = keras.utils.pad_sequences(sequences, maxlen, **options)
        np.testing.assert_array_equal(pad_sequences(sequences, maxlen, **options), expected)

"""Fourier transforms, frames, windows and correlation: inverses, gradients, Keras' numbers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import KerasTensor, ops
from tests.checks import check_gradients

random = np.random.default_rng(2)
X = random.normal(size=(2, 6, 8))
Y = random.normal(size=(2, 6, 8))


@pytest.mark.parametrize("name", ["fft", "fft2", "ifft2"])
def test_transforms_are_numpys_and_have_gradients(name):
    function = getattr(ops, name)
    expected = getattr(np.fft, name)(X + 1j * Y)
    real, imaginary = function((X, Y))
    np.testing.assert_allclose(real + 1j * imaginary, expected)
    check_gradients(lambda a, b: function((a, b)), X, Y)
    specs = function((KerasTensor((None, 6, 8)), KerasTensor((None, 6, 8))))
    assert [s.shape for s in specs] == [(None, 6, 8)] * 2


@pytest.mark.parametrize("length", [None, 5, 6, 9])
def test_real_transforms_go_back_and_forth(length):
    np.testing.assert_allclose(
        ops.irfft(ops.rfft(X, length), length), fit(X, length or 8), atol=1e-14
    )
    check_gradients(lambda a, b: ops.irfft((a, b), length), X[..., :5], Y[..., :5])
    assert ops.irfft([KerasTensor((2, 5))] * 2, length).shape == (2, length or 8)


def fit(x, length):
    return np.pad(x, [(0, 0), (0, 0), (0, max(length - 8, 0))])[..., :length]


def test_dtypes():
    for dtype in ("float16", "float32", "float64"):
        assert {part.dtype.name for part in ops.rfft(X.astype(dtype))} == {dtype}


@pytest.mark.parametrize("window", ["hann", "hamming", None])
@pytest.mark.parametrize("center", [True, False])
def test_the_short_time_transform_has_a_gradient_and_a_shape(window, center):
    options = {"window": window, "center": center}
    check_gradients(lambda x: ops.stft(x, 4, 2, 6, **options), X[0])
    check_gradients(lambda a, b: ops.istft((a, b), 4, 2, 6, **options), X[0, :, :4], Y[0, :, :4])
    expected = ops.stft(X, 4, 2, 6, **options)
    for spec, part in zip(
        ops.stft(KerasTensor(X.shape), 4, 2, 6, **options), expected, strict=True
    ):
        assert spec.shape == part.shape
    specs = [KerasTensor(part.shape) for part in expected]
    signal = ops.istft(expected, 4, 2, 6, **options)
    assert ops.istft(specs, 4, 2, 6, **options).shape == signal.shape


def test_a_signal_comes_back_from_its_short_time_transform():
    parts = ops.stft(X, 4, 2, 4)
    np.testing.assert_allclose(ops.istft(parts, 4, 2, 4), X, atol=1e-14)
    np.testing.assert_allclose(ops.istft(parts, 4, 2, 4, length=5), X[..., :5], atol=1e-14)


def test_windows():
    for name in ("bartlett", "blackman", "hamming", "hanning"):
        made = getattr(ops, name)(np.array(6))
        np.testing.assert_allclose(made, getattr(np, name)(6), atol=1e-7)
        assert made.dtype == "float32"
    np.testing.assert_allclose(ops.kaiser(5, 14.0), np.kaiser(5, 14.0), rtol=1e-6)


def test_messages():
    with pytest.raises(ValueError, match=r"`fft` expects a pair \(real, imaginary\).*3"):
        ops.fft(3)
    with pytest.raises(ValueError, match=r"two parts of one shape.*\(2,\) and \(3,\)"):
        ops.fft((np.ones(2), np.ones(3)))
    with pytest.raises(ValueError, match="`fft` expects floats. Received: dtype=int32"):
        ops.fft(([1], [2]))
    with pytest.raises(ValueError, match="`fft_length` of rfft.*fft_length=0"):
        ops.rfft([1.0], 0)
    with pytest.raises(ValueError, match="`fft_length` of irfft.*fft_length=0"):
        ops.irfft((X, Y), 0)
    with pytest.raises(ValueError, match="length 3 holds no frame of sequence_length=4"):
        ops.extract_sequences(np.ones(3), 4, 1)
    with pytest.raises(ValueError, match="fft_length=3, sequence_length=4"):
        ops.stft(X, 4, 2, 3)
    with pytest.raises(ValueError, match="`window` of stft.*'boxcar'"):
        ops.stft(X, 4, 2, 4, window="boxcar")
    with pytest.raises(ValueError, match=r"sequence_length=4 numbers. Received shape: \(3,\)"):
        ops.istft((X, Y), 4, 2, 14, window=np.ones(3))
    with pytest.raises(TypeError, match="`stft` expects floats. Received: dtype=int32"):
        ops.stft([1, 2, 3], 2, 1, 2)
    with pytest.raises(ValueError, match="`mode` of correlate.*'some'"):
        ops.correlate([1.0], [1.0], mode="some")
    with pytest.raises(ValueError, match=r"two vectors. Received shapes: \(1, 1\) and \(1,\)"):
        ops.correlate([[1.0]], [1.0])


@pytest.mark.keras
@given(
    lengths=st.sampled_from([(4, 2, 4), (4, 1, 8), (3, 2, 4), (4, 3, 6), (5, 2, 5), (1, 1, 2)]),
    window=st.sampled_from(["hann", "hamming", None]),
    center=st.booleans(),
    length=st.sampled_from([None, 7]),
)
@settings(max_examples=25, deadline=None)
def test_short_time_transforms_are_those_of_keras(lengths, window, center, length, keras):
    x = X[0].astype("float32")
    options = {"window": window, "center": center}
    ours, theirs = ops.stft(x, *lengths, **options), keras.ops.stft(x, *lengths, **options)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    back = ops.istft(ours, *lengths, length=length, **options)
    again = keras.ops.istft(theirs, *lengths, length=length, **options)
    np.testing.assert_allclose(back, again, rtol=1e-4, atol=1e-5)


@pytest.mark.keras
@given(length=st.sampled_from([None, 1, 5, 8, 13]))
@settings(max_examples=5, deadline=None)
def test_transforms_are_those_of_keras(length, keras):
    x, y = X.astype("float32"), Y.astype("float32")
    for name, given_ in (("fft", (x, y)), ("fft2", (x, y)), ("ifft2", (x, y))):
        both = getattr(ops, name)(given_), getattr(keras.ops, name)(given_)
        for a, b in zip(*both, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)
    for a, b in zip(ops.rfft(x, length), keras.ops.rfft(x, length), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    if length != 1:
        theirs = keras.ops.irfft((x, y), length)
        np.testing.assert_allclose(ops.irfft((x, y), length), theirs, rtol=1e-4, atol=1e-5)

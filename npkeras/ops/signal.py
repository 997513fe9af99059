"""Ops on signals: Fourier transforms, overlapping frames, windows, correlation.

Complex numbers are pairs of real arrays, (real part, imaginary part), as in Keras.
"""

from __future__ import annotations

import math

import numpy as np

from npkeras.core import check, config, shapes
from npkeras.core.dtypes import as_array, is_float
from npkeras.core.op import fused_op, op
from npkeras.core.shapes import dtype_of, float_dtype, shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import plain
from npkeras.ops.arrange import pad
from npkeras.ops.composed import composed
from npkeras.ops.elementwise import multiply
from npkeras.ops.indexing import get_item

# Fourier transforms ------------------------------------------------------------------------------


def _pair(x, owner):
    """The real and the imaginary part, checked."""
    if not isinstance(x, (tuple, list)) or len(x) != 2:
        raise ValueError(f"`{owner}` expects a pair (real, imaginary). Received: {check.shown(x)}")
    real, imaginary = x
    if shape_of(real) != shape_of(imaginary):
        raise ValueError(
            f"`{owner}` expects two parts of one shape. "
            f"Received shapes: {shape_of(real)} and {shape_of(imaginary)}"
        )
    for part in x:
        if not is_float(dtype_of(part)):
            raise ValueError(f"`{owner}` expects floats. Received: dtype={dtype_of(part)}")
    return real, imaginary


def _wide(x):
    return x if x.dtype == np.float64 else x.astype(np.float32, copy=False)


def _parts(z, like):
    """The two parts of a complex array, in the dtype of `like`."""
    dtype = float_dtype(like)
    return z.real.astype(dtype), z.imag.astype(dtype)


def _transform_infer(real, imaginary, name):
    return shapes.same_float(real), shapes.same_float(real)


@fused_op(_transform_infer, promote=True, arrays=2)
def _transform(real, imaginary, name, *, wanted):
    """A Fourier transform. Its transpose is the inverse transform, times the number of points."""
    forward, adjoint = getattr(np.fft, name), getattr(np.fft, _INVERSE[name])
    points = real.shape[-1] * (real.shape[-2] if name.endswith("2") else 1)
    scale = 1 / points if name.startswith("i") else points
    y = _parts(forward(_wide(real) + 1j * _wide(imaginary)), real)

    def backward(dys):
        return _parts(adjoint(_wide(dys[0]) + 1j * _wide(dys[1])) * scale, real)

    return y, backward


_INVERSE = {"fft": "ifft", "fft2": "ifft2", "ifft2": "fft2"}


@composed
def fft(x):
    """The Fourier transform along the last axis: sum over t of x[t] e**(-2 pi i k t / n)."""
    return _transform(*_pair(x, "fft"), "fft")


@composed
def fft2(x):
    """The Fourier transform along the last two axes."""
    return _transform(*_pair(x, "fft2"), "fft2")


@composed
def ifft2(x):
    """What `fft2` was made of."""
    return _transform(*_pair(x, "ifft2"), "ifft2")


def _rfft_infer(x, fft_length=None):
    *batch, length = shape_of(x)
    n = length if fft_length is None else fft_length
    shape = (*batch, None if n is None else n // 2 + 1)
    return KerasTensor(shape, float_dtype(x)), KerasTensor(shape, float_dtype(x))


def _of_length(x, length):
    """The last axis cut, or filled up with zeros."""
    if x.shape[-1] >= length:
        return x[..., :length]
    return np.concatenate([x, np.zeros((*x.shape[:-1], length - x.shape[-1]), x.dtype)], -1)


@fused_op(_rfft_infer, arrays=1)
def rfft(x, fft_length=None, *, wanted):
    """The first half of the Fourier transform of real numbers; the rest mirrors it."""
    n = x.shape[-1] if fft_length is None else check.positive_int(fft_length, "fft_length", "rfft")
    y = _parts(np.fft.rfft(_wide(x), n), x)

    def backward(dys):
        dx = np.fft.ifft(_wide(dys[0]) + 1j * _wide(dys[1]), n).real * n
        return (_of_length(dx, x.shape[-1]).astype(x.dtype),)

    return y, backward


def _irfft_infer(real, imaginary, fft_length=None):
    *batch, bins = shape_of(real)
    n = fft_length or (None if bins is None else 2 * (bins - 1))
    return KerasTensor((*batch, n), float_dtype(real))


@fused_op(_irfft_infer, promote=True, arrays=2)
def _irfft(real, imaginary, fft_length=None, *, wanted):
    bins = real.shape[-1]
    n = fft_length or 2 * (bins - 1)
    z = _wide(real) + 1j * _wide(imaginary)
    y = np.fft.irfft(z, n).astype(float_dtype(real))

    def backward(dy):
        dz = np.fft.rfft(_wide(dy)) * (2 / n)
        dz[..., 0] /= 2
        if n % 2 == 0:
            dz[..., -1] /= 2
        return _parts(_of_length(dz, bins), real)

    return y, backward


@composed
def irfft(x, fft_length=None):
    """The real numbers whose `rfft` is x."""
    if fft_length is not None:
        check.positive_int(fft_length, "fft_length", "irfft")
    return _irfft(*_pair(x, "irfft"), fft_length)


# Frames ------------------------------------------------------------------------------------------


def _frames_infer(x, sequence_length, sequence_stride):
    *batch, length = shape_of(x)
    check.positive_int(sequence_length, "sequence_length", "extract_sequences")
    check.positive_int(sequence_stride, "sequence_stride", "extract_sequences")
    if length is not None and length < sequence_length:
        raise ValueError(
            f"A signal of length {length} holds no frame of sequence_length={sequence_length}."
        )
    count = None if length is None else 1 + (length - sequence_length) // sequence_stride
    return KerasTensor((*batch, count, sequence_length), dtype_of(x))


def _frames_vjp(y, x, sequence_length, sequence_stride):
    length = x.shape[-1]
    return lambda dy: _added_up(dy, sequence_stride, length)


def _added_up(frames, stride, length):
    """Frames laid over one another, each `stride` after the one before."""
    count, width = frames.shape[-2:]
    total = np.zeros((*frames.shape[:-2], length), frames.dtype)
    for i in range(width):
        total[..., i : i + (count - 1) * stride + 1 : stride] += frames[..., i]
    return total


@op(_frames_infer, vjps=(_frames_vjp,))
def extract_sequences(x, sequence_length, sequence_stride):
    """Frames of the last axis, each `sequence_stride` after the one before."""
    _frames_infer(x, sequence_length, sequence_stride)
    frames = np.lib.stride_tricks.sliding_window_view(x, sequence_length, -1)
    return np.ascontiguousarray(frames[..., ::sequence_stride, :])


def _overlapped_infer(frames, stride):
    *batch, count, width = shape_of(frames)
    length = None if count is None else (count - 1) * stride + width
    return KerasTensor((*batch, length), dtype_of(frames))


def _overlapped_vjp(y, frames, stride):
    width = frames.shape[-1]
    return lambda dy: extract_sequences.forward(dy, width, stride)


@op(_overlapped_infer, vjps=(_overlapped_vjp,))
def _overlapped(frames, stride):
    count, width = frames.shape[-2:]
    return _added_up(frames, stride, (count - 1) * stride + width)


def _window(window, sequence_length, fft_length, owner):
    """A window's numbers, in the middle of a frame of `fft_length`; None for none."""
    if window is None:
        return None
    if isinstance(window, str):
        check.one_of(("hann", "hamming"), window, "window", owner)
        middle = 0.5 if window == "hann" else 0.54
        turn = max(sequence_length - sequence_length % 2, 1)  # TensorFlow's rule for odd lengths
        values = middle - (1 - middle) * np.cos(2 * math.pi * np.arange(sequence_length) / turn)
        if sequence_length == 1:
            values = np.ones(1)
    else:
        values = np.asarray(plain(window))
    if values.shape != (sequence_length,):
        raise ValueError(
            f"`window` of {owner} must hold sequence_length={sequence_length} numbers. "
            f"Received shape: {values.shape}"
        )
    before = (fft_length - sequence_length) // 2
    return np.pad(values, (before, fft_length - sequence_length - before))


def _check_frames(sequence_length, sequence_stride, fft_length, owner):
    check.positive_int(sequence_length, "sequence_length", owner)
    check.positive_int(sequence_stride, "sequence_stride", owner)
    check.positive_int(fft_length, "fft_length", owner)
    if fft_length < sequence_length:
        raise ValueError(
            f"`{owner}` expects fft_length >= sequence_length. "
            f"Received: fft_length={fft_length}, sequence_length={sequence_length}"
        )


@composed
def stft(x, sequence_length, sequence_stride, fft_length, window="hann", center=True):
    """The Fourier transforms of overlapping frames of a signal, each times a window.

    Args:
        x: Signals, along the last axis.
        sequence_length: How long a frame is.
        sequence_stride: How far it is from one frame to the next.
        fft_length: How long a frame is made with zeros on either side.
        window: `"hann"`, `"hamming"`, `sequence_length` numbers, or None for none.
        center: Whether frame i is centred at i * sequence_stride; the signal is then mirrored
            at its ends.

    Returns:
        The real and the imaginary parts, (..., frames, fft_length // 2 + 1).
    """
    _check_frames(sequence_length, sequence_stride, fft_length, "stft")
    if not is_float(dtype_of(x)):
        raise TypeError(f"`stft` expects floats. Received: dtype={dtype_of(x)}")
    shape = _window(window, sequence_length, fft_length, "stft")
    if center:
        around = [(0, 0)] * (len(shape_of(x)) - 1) + [(fft_length // 2, fft_length // 2)]
        x = pad(x, around, mode="reflect")
    frames = extract_sequences(x, fft_length, sequence_stride)
    return rfft(frames if shape is None else multiply(frames, shape.astype(dtype_of(x))))


@composed
def istft(x, sequence_length, sequence_stride, fft_length, length=None, window="hann", center=True):
    """The signal of which x is the `stft`: the frames, windowed once more, laid over one another.

    Each frame is divided by what the squares of all windows over a place add up to, so that a
    signal comes back as it was wherever enough frames overlap. Without a window nothing is
    divided.
    """
    _check_frames(sequence_length, sequence_stride, fft_length, "istft")
    frames = irfft(_pair(x, "istft"), fft_length)
    shape = _window(window, sequence_length, fft_length, "istft")
    if shape is not None:
        frames = multiply(frames, _shares(shape, sequence_stride).astype(dtype_of(frames)))
    signal = _overlapped(frames, sequence_stride)
    start = fft_length // 2 if center else 0
    if length is not None:
        stop = start + length
    else:
        stop = -start if center else None
    return get_item(signal, (..., slice(start, stop)))


def _shares(window, stride):
    """A window divided by the sums of squares of all the windows that lie over a place."""
    length = len(window)
    rounds = -(-length // stride)
    squares = np.pad(np.square(window), (0, rounds * stride - length))
    sums = np.tile(squares.reshape(rounds, stride).sum(axis=0), rounds)[:length]
    return np.divide(window, sums, out=np.zeros(length), where=sums > 0)


# Windows -----------------------------------------------------------------------------------------


def _window_of(function, x, *options):
    return function(int(plain(x)), *options).astype(config.floatx())


def bartlett(x):
    """A window of x numbers that rise in a line from 0 to 1 and fall back."""
    return _window_of(np.bartlett, x)


def blackman(x):
    """A window of x numbers: 0.42 - 0.5 cos(t) + 0.08 cos(2 t), t from 0 to 2 pi."""
    return _window_of(np.blackman, x)


def hamming(x):
    """A window of x numbers: 0.54 - 0.46 cos(t), t from 0 to 2 pi."""
    return _window_of(np.hamming, x)


def hanning(x):
    """A window of x numbers: 0.5 - 0.5 cos(t), t from 0 to 2 pi."""
    return _window_of(np.hanning, x)


def kaiser(x, beta):
    """A window of x numbers: i0(beta sqrt(1 - t**2)) / i0(beta), t from -1 to 1."""
    return _window_of(np.kaiser, x, float(as_array(plain(beta))))


# Correlation -------------------------------------------------------------------------------------


def _kept(first, second, mode):
    """Which part of the full correlation of two lengths a mode keeps: its start and length."""
    check.one_of(("full", "same", "valid"), mode, "mode", "correlate")
    small, large = sorted((first, second))
    full = first + second - 1
    if mode == "full":
        return 0, full
    if mode == "same":
        return small - 1 - small // 2, large
    return small - 1, large - small + 1


def _correlate_infer(x1, x2, mode="valid"):
    if not len(shape_of(x1)) == len(shape_of(x2)) == 1:
        raise ValueError(
            f"`correlate` expects two vectors. Received shapes: {shape_of(x1)} and {shape_of(x2)}"
        )
    lengths = shape_of(x1)[0], shape_of(x2)[0]
    length = None if None in lengths else _kept(*lengths, mode)[1]
    return KerasTensor((length,), float_dtype(x1, x2))


@fused_op(_correlate_infer, promote=True, arrays=2, numpy=np.correlate)
def correlate(x1, x2, mode="valid", *, wanted):
    """Sums of x1[n + k] x2[n] for every shift k at which the two overlap.

    `mode` says which shifts: `"valid"` those at which one lies wholly within the other,
    `"same"` as many as the longer one has entries, `"full"` all.
    """
    _correlate_infer(x1, x2, mode)
    dtype = float_dtype(x1)
    x1, x2 = x1.astype(dtype, copy=False), x2.astype(dtype, copy=False)
    start, length = _kept(len(x1), len(x2), mode)
    y = np.correlate(x1, x2, "full")[start : start + length]

    def backward(dy):
        whole = np.zeros(len(x1) + len(x2) - 1, dy.dtype)
        whole[start : start + length] = dy
        first = np.convolve(whole, x2)[len(x2) - 1 :][: len(x1)]
        second = np.correlate(x1, whole, "full")[len(x1) - 1 :][: len(x2)]
        return first, second

    return y, backward

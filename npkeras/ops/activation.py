"""Activations: elementwise bends and the softmax family, each with its slope.

Where the slope can be told from the result, only the result is kept for the way back.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from npkeras.core import shapes
from npkeras.core.attach import attach
from npkeras.core.deferred import Deferred
from npkeras.core.dtypes import numpy_dtype
from npkeras.core.op import Op, fused_op, op
from npkeras.core.shapes import axes_of, float_dtype, normalize_axis, shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.kernels import softmax as kernels
from npkeras.kernels import special

# The fixed point of Klambauer et al., 2017, arxiv.org/abs/1706.02515: mean 0, variance 1.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805

GELU_SCALE = math.sqrt(2 / math.pi)
GELU_CUBE = 0.044715


def floats(x):
    """`x` in a float dtype."""
    return x if x.dtype.kind == "f" else x.astype(numpy_dtype(float_dtype(x)))


def wide(x):
    """`x` in a float dtype of at least 32 bits."""
    x = floats(x)
    return x.astype(np.float32) if x.dtype == np.float16 else x


def in_float32(function):
    """A float16 argument is computed with in float32 and rounded once, at the end."""

    @functools.wraps(function)
    def widened(x, *args, **options):
        x = floats(x)
        if x.dtype != np.float16:
            return function(x, *args, **options)
        return function(x.astype(np.float32), *args, **options).astype(np.float16)

    return widened


# Bends made of straight lines.


def _positive(x):
    """max(x, 0): four times as fast with two bounds, as NumPy has vector code for these."""
    return np.clip(x, 0, np.inf) if x.dtype.kind == "f" else np.maximum(x, 0)


@op(shapes.same, vjps=(lambda y, x: lambda dy: dy * (y > 0),))
def relu(x):
    """max(x, 0)."""
    return _positive(x)


def _relu6_back(y, x):
    return lambda dy: dy * ((y > 0) & (y < 6))


@op(shapes.same, vjps=(_relu6_back,))
def relu6(x):
    """x kept between 0 and 6."""
    return np.clip(x, 0, 6)


# `np.where` with a mask that changes from entry to entry is ten times slower than arithmetic
# with the mask, so the bends below are sums and products.


def _leaky_relu_back(y, x, negative_slope=0.2):
    right = (y if negative_slope > 0 else x) > 0  # with a rising slope y has the sign of x

    def pullback(dy):
        slope = right * dy.dtype.type(1 - negative_slope)
        slope += dy.dtype.type(negative_slope)
        slope *= dy
        return slope

    return pullback


@op(shapes.same_float, vjps=(_leaky_relu_back,))
def leaky_relu(x, negative_slope=0.2):
    """x where x > 0, `negative_slope` * x elsewhere."""
    x = floats(x)
    y = x * negative_slope
    if 0 <= negative_slope <= 1:
        return np.maximum(x, y)
    return np.minimum(x, y) if negative_slope > 1 else np.maximum(x, 0) + np.maximum(y, 0)


def _bent_relu_back(y, x, negative_slope=0.0, max_value=None, threshold=0.0):
    passed = x > threshold
    if max_value == 6 and not threshold:
        passed &= x < 6  # the slope of `relu6` at its upper bend is 0
    elif max_value is not None:
        passed &= (x >= 0) & (x <= max_value)
    left = x < threshold if negative_slope else None

    def pullback(dy):
        dx = dy * passed
        return dx + dy * negative_slope * left if negative_slope else dx

    return pullback


@op(shapes.same, vjps=(_bent_relu_back,))
def bent_relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """x from `threshold` up to `max_value`, flat above, and sloping below.

    Below the threshold it is `negative_slope` * (x - threshold); above `max_value` it is
    `max_value`.
    """
    if max_value is not None:
        max_value = x.dtype.type(max_value)  # whole numbers end at a whole number
    if max_value is not None and not threshold:
        y = np.clip(x, 0, max_value, dtype=x.dtype)
    else:
        y = x * (x > threshold) if threshold else _positive(x)
        y = y if max_value is None else np.clip(y, 0, max_value, dtype=y.dtype)
    if negative_slope:
        y = y + negative_slope * np.minimum(x - threshold, 0)
    return y.astype(x.dtype, copy=False)


def _hard_sigmoid_back(y, x):
    return lambda dy: dy * ((y > 0) & (y < 1)) * (1 / 6)


@op(shapes.same_float, vjps=(_hard_sigmoid_back,))
def hard_sigmoid(x):
    """x / 6 + 1/2, kept between 0 and 1."""
    return np.clip(floats(x) + 3, 0, 6) * (1 / 6)


@fused_op(shapes.same_float)
def hard_silu(x, *, wanted):
    """x * hard_sigmoid(x)."""
    x = floats(x)
    gate = np.clip(x + 3, 0, 6) * (1 / 6)

    def backward(dy):
        rising = (gate > 0) & (gate < 1)
        return (dy * (gate + x * rising * (1 / 6)),)

    return x * gate, backward


hard_swish = hard_silu


def _hard_tanh_back(y, x):
    inside = (x >= -1) & (x <= 1)
    return lambda dy: dy * inside


@op(shapes.same, vjps=(_hard_tanh_back,))
def hard_tanh(x):
    """x kept between -1 and 1."""
    return np.clip(x, -1, 1)


def _shrink_back(y, x, threshold=0.5):
    return lambda dy: dy * (y != 0)


@op(shapes.same_float, vjps=(_shrink_back,))
def hard_shrink(x, threshold=0.5):
    """x where |x| > `threshold`, 0 elsewhere."""
    x = floats(x)
    return x * (np.abs(x) > threshold)


@op(shapes.same_float, vjps=(_shrink_back,))
def soft_shrink(x, threshold=0.5):
    """x moved towards 0 by `threshold`, and 0 where it is closer than that."""
    x = floats(x)
    return x - np.clip(x, -threshold, threshold)


def _threshold_back(y, x, threshold, default_value):
    above = x > threshold
    return lambda dy: dy * above


@op(shapes.same, vjps=(_threshold_back,))
def threshold(x, threshold, default_value):
    """x where x > `threshold`, `default_value` elsewhere."""
    return np.where(x > threshold, x, np.asarray(default_value, x.dtype))


def _sparse_plus_back(y, x):
    return lambda dy: dy * np.sqrt(np.minimum(y, 1))


@op(shapes.same_float, vjps=(_sparse_plus_back,))
def sparse_plus(x):
    """0 up to -1, (x + 1)**2 / 4 from there to 1, and x from 1 on."""
    x = floats(x)
    return np.square(np.clip(x, -1, 1) + 1) * 0.25 + np.maximum(x - 1, 0)


def _sparse_sigmoid_back(y, x):
    return lambda dy: dy * ((y > 0) & (y < 1)) * 0.5


@op(shapes.same_float, vjps=(_sparse_sigmoid_back,))
def sparse_sigmoid(x):
    """(x + 1) / 2, kept between 0 and 1."""
    return np.clip(floats(x) * 0.5 + 0.5, 0, 1)


# Smooth bends.


@in_float32
def logistic(x):
    """1 / (1 + e**-x) in three passes over one new array."""
    y = np.empty_like(x)
    np.negative(x, out=y)
    with np.errstate(over="ignore"):  # e**-x is infinite far to the left, and 1 / inf is 0
        np.exp(y, out=y)
    y += 1
    return np.reciprocal(y, out=y)


ORIGIN = "origin"  # the key under which a result remembers which op it is the result of


class WithLogits(Op):
    """An op whose result remembers its argument: cross-entropies go back to those logits."""

    def __call__(self, x, *args, **options):
        y = super().__call__(x, *args, **options)
        if type(y) is not KerasTensor:
            attach(y, "logits", x)
            attach(y, ORIGIN, self.origin(y, *args, **options))
        return y

    def origin(self, y):
        """The op and its axis, counted from the front."""
        return self.name, None


def _sigmoid_slope(y, x):
    return lambda dy: dy * y * (1 - y)


def _sigmoid(x):
    return logistic(x)


_sigmoid.__name__ = "sigmoid"
_sigmoid.__doc__ = "1 / (1 + e**-x), between 0 and 1."
sigmoid = WithLogits(_sigmoid, shapes.same_float, (_sigmoid_slope,))


@fused_op(shapes.same_float)
def silu(x, *, wanted):
    """x * sigmoid(x): Elfwing et al., 2017, arxiv.org/abs/1702.03118."""
    x = floats(x)
    gate = logistic(x)
    y = x * gate
    return y, lambda dy: (dy * (gate + y * (1 - gate)),)


swish = silu


@op(shapes.same_float, vjps=(lambda y, x: lambda dy: dy * -np.expm1(y),))
@in_float32
def log_sigmoid(x):
    """log(sigmoid(x)), exact far to the left, where the sigmoid itself is 0."""
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


@op(shapes.same_float, vjps=(lambda y, x: lambda dy: dy * -np.expm1(-y),))
@in_float32
def softplus(x):
    """log(1 + e**x), a smooth relu.

    Its slope is 1 / (1 + e**-x), which is 1 - e**-y: only the result is kept, and nothing
    overflows however large |x| is.
    """
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@op(shapes.same_float, vjps=(lambda y, x: lambda dy: dy * np.square(1 - np.abs(y)),))
def softsign(x):
    """x / (1 + |x|)."""
    x = floats(x)
    return x / (1 + np.abs(x))


def _squareplus_back(y, x, b=4):
    return lambda dy: dy * y / (2 * y - x)


@op(shapes.same_float, vjps=(_squareplus_back,))
@in_float32
def squareplus(x, b=4):
    """(x + sqrt(x**2 + b)) / 2: Barron, 2021, arxiv.org/abs/2112.11687."""
    return (x + np.sqrt(np.square(x) + b)) * 0.5


@op(shapes.same_float, vjps=(lambda y, x: lambda dy: dy * np.square(x - y),))
def tanh_shrink(x):
    """x - tanh(x)."""
    x = floats(x)
    return x - np.tanh(x)


@fused_op(shapes.same_float)
def mish(x, *, wanted):
    """x * tanh(softplus(x)): Misra, 2019, arxiv.org/abs/1908.08681."""
    dtype, x = floats(x).dtype, wide(x)
    # tanh(log(1 + e)) = e (e + 2) / (e (e + 2) + 2); from 30 on that rounds to 1.
    e = np.exp(np.minimum(x, 30))
    top = e * (e + 2)
    gate = top / (top + 2)

    def backward(dy):
        slope = gate + x * (1 - np.square(gate)) * logistic(x)
        return ((dy * slope).astype(dtype, copy=False),)

    return (x * gate).astype(dtype, copy=False), backward


# Exponential to the left, straight to the right.


def _bent_exponential(x, alpha, stretch=1.0):
    """x to the right of 0, `alpha` * (e**(x / `stretch`) - 1) to the left of it."""
    y = np.minimum(x, 0, out=np.empty_like(x))
    if stretch != 1:
        y /= stretch
    np.expm1(y, out=y)
    if alpha != 1:
        y *= alpha
    y += np.maximum(x, 0)
    return y


def _elu_back(y, x, alpha=1.0):
    right = x > 0 if alpha < 0 else None  # otherwise y has the sign of x

    def pullback(dy):
        if right is not None:
            return np.where(right, dy, dy * (y + alpha))
        slope = np.minimum(y, 0)
        slope = slope + alpha
        if alpha != 1:
            slope += (y > 0) * dy.dtype.type(1 - alpha)
        return slope * dy

    return pullback


@op(shapes.same_float, vjps=(_elu_back,))
def elu(x, alpha=1.0):
    """x where x > 0, `alpha` * (e**x - 1) elsewhere.

    Source: Clevert et al., 2015, arxiv.org/abs/1511.07289.
    """
    return _bent_exponential(floats(x), alpha)


def _selu_back(y, x):
    alpha = SELU_SCALE * SELU_ALPHA

    def pullback(dy):
        slope = np.minimum(y, 0) + alpha
        return (slope + (y >= 0) * dy.dtype.type(SELU_SCALE - alpha)) * dy

    return pullback


@op(shapes.same_float, vjps=(_selu_back,))
def selu(x):
    """An elu scaled so that activations keep mean 0 and variance 1 from layer to layer.

    Source: Klambauer et al., 2017, arxiv.org/abs/1706.02515.
    """
    return _bent_exponential(floats(x), SELU_ALPHA) * SELU_SCALE


def _celu_back(y, x, alpha=1.0):
    return lambda dy: dy * (np.minimum(y, 0) / alpha + 1)


@op(shapes.same_float, vjps=(_celu_back,))
def celu(x, alpha=1.0):
    """x where x > 0, `alpha` * (e**(x / `alpha`) - 1) elsewhere: its slope has no jump.

    Source: Barron, 2017, arxiv.org/abs/1704.07483.
    """
    return _bent_exponential(floats(x), alpha, alpha)


# Gates.


@fused_op(shapes.same_float, arrays=1)
def gelu(x, approximate=True, *, wanted):
    """x times the normal distribution's probability of a value below x.

    Source: Hendrycks & Gimpel, 2016, arxiv.org/abs/1606.08415.

    Args:
        x: An array.
        approximate: Whether to use the paper's formula with tanh in place of the exact one.
    """
    dtype, x = floats(x).dtype, wide(x)
    if approximate:
        square = np.square(x)
        bend = np.tanh(GELU_SCALE * x * (1 + GELU_CUBE * square))
        below = 0.5 * (1 + bend)
    else:
        below = 0.5 * (1 + special.erf(x * math.sqrt(0.5)))

    def backward(dy):
        if approximate:
            inner = GELU_SCALE * (1 + 3 * GELU_CUBE * square)
            slope = below + 0.5 * x * (1 - np.square(bend)) * inner
        else:
            slope = below + x * np.exp(-0.5 * np.square(x)) / math.sqrt(2 * math.pi)
        return ((dy * slope).astype(dtype, copy=False),)

    return (x * below).astype(dtype, copy=False), backward


def _glu_infer(x, axis=-1):
    shape = list(shape_of(x))
    axis = normalize_axis(axis, len(shape))
    _check_even(shape, axis)
    shape[axis] = None if shape[axis] is None else shape[axis] // 2
    return KerasTensor(shape, float_dtype(x))


def _check_even(shape, axis):
    if shape[axis] is not None and shape[axis] % 2:
        raise ValueError(
            "`glu` halves an axis, whose length must be even. "
            f"Received an array of shape {tuple(shape)}, and axis={axis}"
        )


@fused_op(_glu_infer, arrays=1)
def glu(x, axis=-1, *, wanted):
    """The first half along an axis, times the sigmoid of the second half.

    Source: Dauphin et al., 2016, arxiv.org/abs/1612.08083.
    """
    x = floats(x)
    axis = normalize_axis(axis, x.ndim)
    _check_even(x.shape, axis)
    half, logits = np.split(x, 2, axis)
    gate = logistic(logits)

    def backward(dy):
        dhalf = dy * gate
        return (np.concatenate([dhalf, dhalf * half * (1 - gate)], axis),)

    return half * gate, backward


# Softmax and its kin.


def _axes(axis, ndim):
    if type(axis) is int and -ndim <= axis < ndim:  # nearly always
        return axis % ndim
    if not ndim:
        raise ValueError("A softmax needs an array with at least one axis. Received a number.")
    several = axis is None or isinstance(axis, (tuple, list))
    return axes_of(axis, ndim) if several else normalize_axis(axis, ndim)


def _softmax_infer(x, axis=-1):
    _axes(axis, len(shape_of(x)))
    return KerasTensor(shape_of(x), float_dtype(x))


def _softmax_back(y, x, axis=-1):
    axis = _axes(axis, y.ndim)

    def pullback(dy):
        dx = dy * y
        dx -= y * dx.sum(axis, keepdims=True)
        return dx

    return pullback


class Softmax(WithLogits):
    def __call__(self, x, axis=-1):
        if isinstance(x, Deferred) and axis in (-1, x.ndim - 1):
            return self._later(x)
        return super().__call__(x, axis)

    def _later(self, x):
        """The softmax of logits that nobody has read yet: it is not computed either."""
        edges = [(x.slot, lambda dy: _softmax_back(y.value, None)(dy))] if x.slot else None
        y = Deferred(x.shape, x.dtype, lambda: self.forward(x.value), edges)
        attach(y, "logits", x)
        attach(y, ORIGIN, self.origin(y))
        return y

    def origin(self, y, axis=-1):
        return self.name, _axes(axis, y.ndim)


def _softmax(x, axis=-1):
    """e**x / sum(e**x) along an axis or several: positive numbers that add up to 1.

    Args:
        x: An array, the logits.
        axis: The axis, or a tuple of axes, along which they add up to 1. None: all of them.
    """
    with np.errstate(invalid="ignore"):  # a row of -inf has no softmax: it becomes nan
        return kernels.softmax(floats(x), _axes(axis, x.ndim))


_softmax.__name__ = "softmax"
softmax = Softmax(_softmax, _softmax_infer, (_softmax_back,))


def _log_softmax_back(y, x, axis=-1):
    axis = _axes(axis, y.ndim)

    def pullback(dy):
        return dy - np.exp(y) * dy.sum(axis, keepdims=True)

    return pullback


@op(_softmax_infer, vjps=(_log_softmax_back,))
def log_softmax(x, axis=-1):
    """log(softmax(x)), exact also where the softmax itself is 0."""
    with np.errstate(invalid="ignore"):
        return kernels.log_softmax(floats(x), _axes(axis, x.ndim))


def _ranked(x, axis):
    """Per entry its rank along the axis, from the largest on; and how many are in the support."""
    axis = normalize_axis(axis, x.ndim)
    order = np.argsort(-x, axis, kind="stable")
    ranks = np.argsort(order, axis, kind="stable")
    ranked = np.take_along_axis(x, order, axis)
    places = np.arange(1, x.shape[axis] + 1, dtype=x.dtype)
    places = places.reshape([-1 if i == axis else 1 for i in range(x.ndim)])
    sums = np.cumsum(ranked, axis, dtype=x.dtype)
    support = 1 + places * ranked > sums
    return ranks, support.sum(axis, keepdims=True), np.where(support, sums, 0)


def _sparsemax_back(y, x, axis=-1):
    ranks, count, _ = _ranked(floats(x), axis)
    weights = (np.maximum(count - ranks, 0) / count).astype(y.dtype)
    passed = y > 0

    def pullback(dy):
        dx = dy * passed
        return dx - weights * dx.sum(axis, keepdims=True)

    return pullback


@op(_softmax_infer, vjps=(_sparsemax_back,))
def sparsemax(x, axis=-1):
    """A softmax with many exact zeros: what is left of x above a height that depends on x.

    Source: Martins & Astudillo, 2016, arxiv.org/abs/1602.02068, Algorithm 1, but with the height
    that Keras computes, so that its models give the same results here: from the sum of the
    running sums of the largest entries, not from the sum of these entries. The two agree, and
    the results add up to 1, where a single entry is left.
    """
    x = floats(x)
    _, count, sums = _ranked(x, axis)
    height = (sums.sum(axis, keepdims=True, dtype=x.dtype) - 1) / count.astype(x.dtype)
    return np.maximum(x - height, 0)

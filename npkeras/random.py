"""`npkeras.random`: random arrays, with the numbers Keras on TensorFlow draws for a seed.

Each function takes `seed`: an int, which gives the same numbers in every call; a
`SeedGenerator`, which gives other numbers in each; or None for the global generator, which
`npkeras.utils.set_random_seed` resets.
"""

import functools
import inspect

import numpy as np

from npkeras import ops
from npkeras.core import check
from npkeras.core import random as core_random
from npkeras.core.dtypes import as_array, dtype_of, is_float, standardize_dtype
from npkeras.core.random import SeedGenerator
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor, thread
from npkeras.core.tape import plain

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]


def _draws(function):
    """A function that draws nothing while the `call` of a layer runs on shapes."""
    signature = inspect.signature(function)

    @functools.wraps(function)
    def drawing(*args, **kwargs):
        if not thread.inferring:
            return function(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        given = bound.arguments
        like = given.get("inputs", given.get("x"))
        if like is not None:
            return KerasTensor(shape_of(like), dtype_of(like))
        if "logits" in given:
            shape = (*shape_of(given["logits"])[:-1], given["num_samples"])
        else:
            shape = given["shape"]
        return KerasTensor(shape, standardize_dtype(given["dtype"]))

    return drawing


@_draws
def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Numbers spread evenly over [minval, maxval).

    Args:
        shape: The shape of the result.
        minval, maxval: The bounds: numbers, or arrays that broadcast with `shape`.
        dtype: A float dtype. None: `floatx()`.
        seed: An int, a `SeedGenerator`, or None for the global one.

    Example:
        >>> npkeras.random.uniform((3,), seed=7)
        array([0.7470788 , 0.6721802 , 0.05777955], dtype=float32)
    """
    shape, dtype = _shape(shape, "uniform"), _float_dtype(dtype, "uniform")
    return core_random.uniform(shape, core_random.draw_seed(seed), dtype, minval, maxval)


@_draws
def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers.

    Float32 numbers differ from TensorFlow's in the last place now and then, because its sine,
    cosine and logarithm are rounded otherwise.

    Args:
        shape: The shape of the result.
        mean, stddev: Numbers, or arrays that broadcast with `shape`.
        dtype: A float dtype. None: `floatx()`.
        seed: An int, a `SeedGenerator`, or None for the global one.

    Source: Box & Muller, 1958, "A note on the generation of random normal deviates".
    """
    shape, dtype = _shape(shape, "normal"), _float_dtype(dtype, "normal")
    return core_random.normal(shape, core_random.draw_seed(seed), dtype, mean, stddev)


@_draws
def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers, of which none lies beyond two standard deviations.

    Args:
        shape: The shape of the result.
        mean, stddev: Of the distribution before it is cut; numbers, or arrays that broadcast.
        dtype: A float dtype. None: `floatx()`.
        seed: An int, a `SeedGenerator`, or None for the global one.
    """
    shape, dtype = _shape(shape, "truncated_normal"), _float_dtype(dtype, "truncated_normal")
    return core_random.truncated_normal(shape, core_random.draw_seed(seed), dtype, mean, stddev)


@_draws
def randint(shape, minval, maxval, dtype="int32", seed=None):
    """Integers from `minval` up to, but without, `maxval`.

    Args:
        shape: The shape of the result.
        minval, maxval: Integers.
        dtype: An integer dtype. All but int32 draw from 64 bits, and so other numbers than int32;
            a result that does not fit a narrow dtype wraps around.
        seed: An int, a `SeedGenerator`, or None for the global one.

    Example:
        >>> npkeras.random.randint((6,), 0, 100, seed=7)
        array([83, 72, 18, 72, 71,  9], dtype=int32)
    """
    shape, dtype = _shape(shape, "randint"), standardize_dtype(dtype)
    if "int" not in dtype:
        raise ValueError(f"`dtype` of randint must be an integer dtype. Received: dtype={dtype!r}")
    limits = np.iinfo("int32" if dtype == "int32" else "int64")
    for name, bound in (("minval", minval), ("maxval", maxval)):
        if not check.is_int(bound):
            raise TypeError(
                f"`{name}` of randint must be an integer. Received: {name}={check.shown(bound)}"
            )
        if not limits.min <= bound <= limits.max:
            raise ValueError(
                f"`{name}` of randint must fit {limits.dtype}. Received: {name}={bound}"
            )
    if minval >= maxval:
        raise ValueError(
            "`minval` of randint must be below `maxval`. "
            f"Received: minval={minval}, maxval={maxval}"
        )
    return core_random.randint(shape, core_random.draw_seed(seed), dtype, minval, maxval)


@_draws
def categorical(logits, num_samples, dtype="int32", seed=None):
    """Classes drawn with probabilities softmax(logits), `num_samples` for each row.

    TensorFlow cuts large batches into one piece for each of its threads, and all but the first
    piece then draw other numbers than here.

    Args:
        logits: The logarithms of the classes' weights. A class whose logit is not finite is never
            drawn.
        num_samples: How many to draw for each row.
        dtype: The dtype of the result.
        seed: An int, a `SeedGenerator`, or None for the global one.

    Shapes: logits (rows, classes) -> (rows, num_samples)
    """
    logits = as_array(plain(_with_values(logits, "logits", "categorical")))
    if logits.ndim != 2 or not logits.shape[1]:
        raise ValueError(
            "`logits` of categorical must have shape (rows, classes). "
            f"Received: logits.shape={logits.shape}"
        )
    num_samples = check.non_negative_int(num_samples, "num_samples", "categorical")
    drawn = core_random.categorical(logits, num_samples, core_random.draw_seed(seed))
    return drawn.astype(standardize_dtype(dtype), copy=False)


@_draws
def dropout(inputs, rate, noise_shape=None, seed=None):
    """The inputs, of which a share `rate` is set to 0 and the others divided by 1 - rate.

    Args:
        inputs: An array of floats.
        rate: The probability of a 0, from 0 to 1.
        noise_shape: The shape of the mask, which broadcasts with the inputs: an axis of length 1
            drops all or nothing along it, None stands for the length of the inputs' axis.
        seed: An int, a `SeedGenerator`, or None for the global one.
    """
    inputs = _with_values(inputs, "inputs", "dropout")
    if not hasattr(inputs, "dtype"):
        inputs = as_array(inputs)
    dtype = dtype_of(inputs)
    if not is_float(dtype):
        raise ValueError(f"`inputs` of dropout must be floats. Received: inputs.dtype={dtype!r}")
    check.number(float(rate) if isinstance(rate, bool) else rate, "rate", "dropout", 0, 1)
    if rate == 0:
        return inputs
    shape = _noise_shape(tuple(inputs.shape), noise_shape)
    return ops.multiply(inputs, core_random.dropout_mask(shape, rate, seed, dtype))


@_draws
def shuffle(x, axis=0, seed=None):
    """The entries of `x` along one axis, in random order; all else stays together.

    Args:
        x: An array.
        axis: The axis to shuffle along.
        seed: An int, a `SeedGenerator`, or None for the global one.

    Example:
        >>> npkeras.random.shuffle(np.arange(5), seed=7)
        array([2, 4, 3, 1, 0])
    """
    x = _with_values(x, "x", "shuffle")
    if not hasattr(x, "dtype"):
        x = as_array(x)
    if not check.is_int(axis) or not -x.ndim <= axis < x.ndim:
        raise ValueError(
            f"`axis` of shuffle must be one of the axes of x. "
            f"Received: axis={check.shown(axis)}, x.shape={x.shape}"
        )
    order = core_random.permutation(x.shape[axis], core_random.draw_seed(seed))
    return ops.take(x, order, axis=axis)


@_draws
def gamma(shape, alpha, dtype=None, seed=None):
    """Gamma distributed numbers of scale 1.

    Args:
        shape: The shape of the result.
        alpha: The distribution's shape, not negative: a number, or an array whose axes are the
            last ones of `shape`.
        dtype: A float dtype. None: `floatx()`.
        seed: An int, a `SeedGenerator`, or None for the global one.

    Source: Marsaglia & Tsang, 2000, "A simple method for generating gamma variables".
    """
    shape, dtype = _shape(shape, "gamma"), _float_dtype(dtype, "gamma")
    alpha = _parameter(alpha, "alpha", "gamma")
    if alpha.ndim and shape[-alpha.ndim :] != alpha.shape:
        raise ValueError(
            "The axes of `alpha` of gamma must be the last ones of `shape`. "
            f"Received: alpha.shape={alpha.shape}, shape={shape}"
        )
    return core_random.gamma(shape, core_random.draw_seed(seed), dtype, alpha)


@_draws
def beta(shape, alpha, beta, dtype=None, seed=None):
    """Beta distributed numbers, between 0 and 1.

    Args:
        shape: The shape of the result.
        alpha, beta: How strongly the numbers are drawn to 1 and to 0: numbers that are not
            negative, or arrays that broadcast to `shape`.
        dtype: A float dtype. None: `floatx()`.
        seed: An int, a `SeedGenerator`, or None for the global one.
    """
    shape, dtype = _shape(shape, "beta"), _float_dtype(dtype, "beta")
    alpha, beta = _parameter(alpha, "alpha", "beta"), _parameter(beta, "beta", "beta")
    _check_broadcasts(alpha, "alpha", "beta", shape)
    _check_broadcasts(beta, "beta", "beta", shape)
    return core_random.beta(shape, core_random.draw_seed(seed), dtype, alpha, beta)


@_draws
def binomial(shape, counts, probabilities, dtype=None, seed=None):
    """How many of `counts` trials succeed.

    Args:
        shape: The shape of the result.
        counts: Numbers of trials: a number, or an array whose axes are the last ones of `shape`.
        probabilities: The chance that a trial succeeds, in the same form.
        dtype: A float dtype, int32 or int64. None: `floatx()`.
        seed: An int, a `SeedGenerator`, or None for the global one.

    Source: Hormann, 1993, "The generation of binomial random variates".
    """
    shape, dtype = _shape(shape, "binomial"), standardize_dtype(dtype)
    check.one_of(("float16", "float32", "float64", "int32", "int64"), dtype, "dtype", "binomial")
    counts = _parameter(counts, "counts", "binomial", low=None)
    probabilities = _parameter(probabilities, "probabilities", "binomial", low=None)
    try:
        counts, probabilities = np.broadcast_arrays(counts, probabilities)
        fits = not counts.ndim or shape[-counts.ndim :] == counts.shape
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            "The axes of `counts` and `probabilities` of binomial must be the last ones of `shape`."
            f" Received: counts.shape={counts.shape}, probabilities.shape={probabilities.shape}, "
            f"shape={shape}"
        )
    state = core_random.draw_seed(seed)
    return core_random.binomial(shape, state, dtype, counts, probabilities)


def _shape(shape, owner):
    """The shape as a tuple of lengths, all of them known."""
    if isinstance(shape, np.ndarray):
        shape = shape.tolist()
    if not isinstance(shape, (tuple, list)) or not all(
        check.is_int(length) and length >= 0 for length in shape
    ):
        raise ValueError(
            f"`shape` of {owner} must be a tuple of non-negative integers. "
            f"Received: shape={check.shown(shape)}"
        )
    return tuple(int(length) for length in shape)


def _float_dtype(dtype, owner):
    dtype = standardize_dtype(dtype)
    if not is_float(dtype):
        raise ValueError(f"`dtype` of {owner} must be a float dtype. Received: dtype={dtype!r}")
    return dtype


def _with_values(x, name, owner):
    if isinstance(x, KerasTensor):
        raise ValueError(
            f"`{name}` of {owner} must be an array. Received: {name}={x!r}, which has no values "
            "yet. Call it inside the `call` of a layer."
        )
    return x


def _parameter(value, name, owner, low=0.0):
    """A distribution's parameter: finite numbers, not below `low`."""
    array = np.asarray(plain(value))
    if array.dtype.kind not in "fiub" or not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` of {owner} must be finite numbers. Received: {name}={check.shown(value)}"
        )
    if low is not None and (array < low).any():
        raise ValueError(
            f"`{name}` of {owner} must not be negative. Received: {name}={check.shown(value)}"
        )
    return array


def _check_broadcasts(array, name, owner, shape):
    if not _broadcasts(array.shape, shape):
        raise ValueError(
            f"`{name}` of {owner} must broadcast to `shape`. "
            f"Received: {name}.shape={array.shape}, shape={shape}"
        )


def _broadcasts(shape, target):
    """Whether an array of that shape broadcasts to the target's shape."""
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return len(shape) <= len(target) and all(length in (1, wanted) for length, wanted in pairs)


def _noise_shape(shape, noise_shape):
    """The shape of a dropout mask, None filled in from the inputs' shape."""
    if noise_shape is None:
        return shape
    if not isinstance(noise_shape, (tuple, list)):
        raise TypeError(
            "`noise_shape` of dropout must be a tuple of integers or None. "
            f"Received: noise_shape={check.shown(noise_shape)}"
        )
    known = tuple(
        shape[i] if length is None and i < len(shape) else length
        for i, length in enumerate(noise_shape)
    )
    if not all(check.is_int(length) for length in known) or not _broadcasts(known, shape):
        raise ValueError(
            "`noise_shape` of dropout must broadcast to the inputs. "
            f"Received: noise_shape={tuple(noise_shape)}, inputs.shape={shape}"
        )
    return known

"""Random numbers, the ones Keras on TensorFlow draws for the same seed.

A state is a pair of integers `[seed, count]`. Each function here turns a state into an array:
the state opens a stream of bits (`philox`), and the bits become numbers.

Logarithms, sines and cosines are taken in float64 and then rounded, so that the numbers do not
depend on the machine.
"""

from __future__ import annotations

import math
import random as python_random
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from npkeras.core import check, config, philox, rejection
from npkeras.core.dtypes import numpy_dtype, standardize_dtype
from npkeras.core.names import auto_name, name_scope
from npkeras.core.registry import register
from npkeras.core.variable import Variable

State = tuple[int, int]
Shape = Sequence[int]

_FLOATS = ("float16", "float32", "float64")
_SMALLEST = 1e-7  # below this no logarithm is taken
_SEEDS = 2**31 - 2
_CUT = 2.0  # where a truncated normal distribution ends
_BLOCKS_PER_VALUE = 64  # of the stream, reserved for each value that is drawn by rejection
_CHUNK = 16384  # values turned from bits into normal numbers at once

_lock = threading.Lock()
_global_generator: SeedGenerator | None = None


# Seeds


def make_default_seed() -> int:
    """A seed from Python's `random`, for those who gave none."""
    return python_random.randint(1, int(1e9))


@register("random")
class SeedGenerator:
    """A source of seeds: each draw of random numbers takes the next one.

    The state is a pair `[seed, count]`, and `count` goes up by one with each draw. It is a
    variable, so it is saved with a model and training goes on with the same numbers.

    Args:
        seed: An integer. None: one is drawn from Python's `random`, which
            `npkeras.utils.set_random_seed` seeds.
        name: The name that the state's path begins with.

    Example:
        >>> generator = SeedGenerator(5)
        >>> generator.next(), generator.next()
        (array([5, 0]), array([5, 1]))
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        kwargs.pop("backend", None)  # Keras' name for the engine; there is one here
        if kwargs:
            raise ValueError(
                f"SeedGenerator got unknown keyword arguments: {', '.join(sorted(kwargs))}. "
                "Expected are seed and name."
            )
        if seed is not None:
            seed = checked_seed(seed, "SeedGenerator")
        self.name = auto_name("SeedGenerator") if name is None else name
        self._initial_seed = seed
        start = make_default_seed() if seed is None else seed
        with name_scope(self.name):
            self.state = Variable(
                np.array([start, 0], np.int64),
                dtype="int64",
                trainable=False,
                name="seed_generator_state",
            )

    def next(self, ordered: bool = True) -> np.ndarray:
        """The present state; the generator moves on to another one.

        Args:
            ordered: Whether the new state is the old one with `count + 1`. Otherwise both
                numbers are scrambled.
        """
        with _lock:
            state = self.state.value
            self.state.assign(state + [0, 1] if ordered else (state + 1) * 5387 % 933199)
        return state

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a generator, as it was before its first draw."""
        return {"seed": self._initial_seed, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """A generator at the beginning, from what `get_config` gave."""
        return cls(**config)


def checked_seed(seed: Any, owner: str) -> int:
    """The seed as an int, if it is an integer of 64 bits."""
    if not check.is_int(seed) or not -(2**63) <= seed < 2**63:
        raise ValueError(
            f"`seed` of {owner} must be an integer of at most 64 bits, None or a SeedGenerator. "
            f"Received: seed={check.shown(seed)} (of type {type(seed).__name__})"
        )
    return int(seed)


def global_seed_generator() -> SeedGenerator:
    """The generator behind random functions called without a seed; made when first needed."""
    global _global_generator
    if _global_generator is None:
        _global_generator = SeedGenerator()
    return _global_generator


def reset_global_seed(seed: int | None = None) -> None:
    """Forget the global generator, and seed Python's `random`, from which the next one comes."""
    global _global_generator
    _global_generator = None
    if seed is not None:
        python_random.seed(seed)


def draw_seed(seed: Any) -> State:
    """The state that `seed` stands for: an int, a `SeedGenerator`, or None for the global one.

    An int always means the same state, a generator means another one each time.
    """
    if isinstance(seed, SeedGenerator):
        first, count = seed.next().tolist()
    elif seed is None:
        first, count = global_seed_generator().next(ordered=False).tolist()
    else:
        first, count = checked_seed(seed, "a random function"), 0
    return first, count


# From bits to numbers


def uniform(
    shape: Shape, state: State, dtype: Any = "float32", minval: Any = 0.0, maxval: Any = 1.0
) -> np.ndarray:
    """Numbers spread evenly over [minval, maxval)."""
    name = _float_name(dtype, "uniform")
    size = math.prod(shape)
    words = philox.words(_stream(state), size * _words_per_float(name))
    y = _unit(words, name).reshape(shape)
    low, high = _bound(minval, name), _bound(maxval, name)
    return _scaled(y, high - low, low)


def normal(
    shape: Shape, state: State, dtype: Any = "float32", mean: Any = 0.0, stddev: Any = 1.0
) -> np.ndarray:
    """Normally distributed numbers: Box & Muller, 1958, "A note on the generation of random
    normal deviates".
    """
    name = _float_name(dtype, "normal")
    size = math.prod(shape)
    values = size + size % 2
    words = philox.words(_stream(state), values * _words_per_float(name))
    y = _box_muller(words, name)[:size].reshape(shape)
    return _scaled(y, _as(stddev, name), _as(mean, name))


def truncated_normal(
    shape: Shape, state: State, dtype: Any = "float32", mean: Any = 0.0, stddev: Any = 1.0
) -> np.ndarray:
    """Normally distributed numbers, those beyond two standard deviations drawn again."""
    name = _float_name(dtype, "truncated_normal")
    size = math.prod(shape)
    y = _inside(_stream(state), size, name).reshape(shape)
    return _scaled(y, _as(stddev, name), _as(mean, name))


def randint(
    shape: Shape, state: State, dtype: Any = "int32", minval: int = 0, maxval: int = 2
) -> np.ndarray:
    """Integers from minval up to, but without, maxval; in 64 bits for every dtype but int32."""
    name = standardize_dtype(dtype)
    bits = 32 if name == "int32" else 64
    words = philox.words(_stream(state), math.prod(shape) * bits // 32)
    y = words if bits == 32 else _pairs(words, high_first=False)
    y = y % y.dtype.type(maxval - minval)  # bounds within int64 are at most 2**64 - 1 apart
    y += np.array(minval, f"int{bits}").view(y.dtype)  # wraps around, as it must
    return y.view(f"int{bits}").astype(name, copy=False).reshape(shape)


def gamma(shape: Shape, state: State, dtype: Any = "float32", alpha: Any = 1.0) -> np.ndarray:
    """Gamma distributed numbers of scale 1. The axes of alpha must be the last ones of `shape`."""
    name = _float_name(dtype, "gamma")
    alpha = _as(alpha, name).reshape(-1)
    y = rejection.gamma(_stream(state), math.prod(shape), alpha, _unit_64, _normal_64)
    return np.maximum(y.astype(name), np.finfo(name).tiny).reshape(shape)


def beta(
    shape: Shape, state: State, dtype: Any = "float32", alpha: Any = 1.0, beta: Any = 1.0
) -> np.ndarray:
    """Beta distributed numbers: a gamma number over the sum of it and another one."""
    alpha, beta = (np.broadcast_to(x, shape) if np.ndim(x) else x for x in (alpha, beta))
    first = gamma(shape, state, dtype, alpha)
    second = gamma(shape, (state[0] + 12, state[1] + 12), dtype, beta)
    return first / (first + second)


def binomial(
    shape: Shape, state: State, dtype: Any = "float32", counts: Any = 1, chances: Any = 0.5
) -> np.ndarray:
    """How many of `counts` trials succeed. The axes of counts must be the last ones of `shape`."""
    name = standardize_dtype(dtype)
    counts, chances = np.broadcast_arrays(counts, chances)
    size, stream = math.prod(shape), _stream(state)
    y = rejection.binomial(stream, size, counts.reshape(-1), chances.reshape(-1), _unit_64)
    return y.astype(name).reshape(shape)


def categorical(logits: np.ndarray, num_samples: int, state: State) -> np.ndarray:
    """Numbers of classes, drawn with probabilities softmax(logits) for each row.

    A class whose logit is not finite is never drawn. TensorFlow cuts large batches into one piece
    for each of its threads, and all but the first then draw other numbers than here.

    Shapes: logits (rows, classes) -> (rows, num_samples) of int64
    """
    logits = np.asarray(logits, np.float64)
    rows = len(logits)
    u = uniform((rows, num_samples), state, "float64")
    y = np.empty((rows, num_samples), np.int64)
    possible = np.isfinite(logits)
    highest = logits.max(axis=1, where=possible, initial=-math.inf, keepdims=True)
    weights = np.exp(
        np.subtract(logits, highest, where=possible, out=np.full_like(logits, -np.inf))
    )
    sums = np.cumsum(weights, axis=1)
    for i in range(rows):
        y[i] = np.searchsorted(sums[i], u[i] * sums[i, -1], side="right")
    return y


def permutation(size: int, state: State) -> np.ndarray:
    """The numbers below `size` in random order."""
    return np.argsort(uniform((size,), state), kind="stable")


def dropout_mask(shape: Shape, rate: float, seed: Any = None, dtype: Any = "float32") -> np.ndarray:
    """What inputs are multiplied by: 0 with probability `rate`, otherwise 1 / (1 - rate).

    The bits come from the stream that `config.set_random_stream` chose.

    Args:
        shape: The shape of the mask.
        rate: The probability of a 0.
        seed: An int, a `SeedGenerator`, or None for the global one.
        dtype: The dtype of the mask.
    """
    name = _float_name(dtype, "dropout")
    if rate == 0:  # nothing is drawn then: the generator stays where it is
        return np.ones(shape, name)
    scalar = np.dtype(name).type
    state, size = draw_seed(seed), math.prod(shape)
    if config.random_stream() == "numpy":
        words, bits = philox.numpy_words(*state, size), "float32"
    else:
        words = philox.words(_stream(state), size * _words_per_float(name))
        bits = name
    if bits == "float32":  # compared as integers: a uniform number is a multiple of 2**-23
        words &= 0x7FFFFF
        kept = words >= np.uint32(math.ceil(float(np.float32(rate)) * 2**23))
    else:
        kept = _unit(words, name) >= scalar(rate)
    with np.errstate(over="ignore"):  # float16 ends at 65504
        scale = scalar(1 / (1 - rate)) if rate < 1 else scalar(0)
    if np.isinf(scale):  # 0 times it would be nan
        return np.where(kept, scale, scalar(0)).reshape(shape)
    return np.multiply(kept, scale, dtype=name).reshape(shape)


def noise(
    shape: Shape, seed: Any = None, dtype: Any = "float32", mean: float = 0.0, stddev: float = 1.0
) -> np.ndarray:
    """Normal numbers for noise layers, from the stream that `config.set_random_stream` chose."""
    state = draw_seed(seed)
    if config.random_stream() == "tensorflow":
        return normal(shape, state, dtype, mean, stddev)
    name = _float_name(dtype, "noise")
    words = philox.numpy_words(*state, 2)
    generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence(words.tolist())))
    y = generator.standard_normal(shape, "float64" if name == "float64" else "float32")
    return _scaled(y.astype(name, copy=False), _as(stddev, name), _as(mean, name))


def _stream(state: State) -> philox.Stream:
    # Keras hands TensorFlow seeds of 32 bits, and folds larger and negative ones in like this.
    return philox.open_stream(state[0] % _SEEDS, state[1] % _SEEDS)


def _float_name(dtype: Any, owner: str) -> str:
    name = standardize_dtype(dtype)
    if name not in _FLOATS:
        numpy_dtype(name)  # says so if NumPy lacks it
        raise ValueError(
            f"`dtype` of {owner} must be one of {', '.join(_FLOATS)}. Received: dtype={name!r}"
        )
    return name


def _words_per_float(name: str) -> int:
    return 2 if name == "float64" else 1


def _as(value: Any, name: str) -> np.ndarray:
    return np.asarray(value).astype(name)


def _bound(value: Any, name: str) -> np.ndarray:
    """A bound of `uniform`; Keras has Python's numbers pass through float32."""
    return _as(np.float32(value) if type(value) in (int, float) else value, name)


def _scaled(y: np.ndarray, factor: Any, offset: Any) -> np.ndarray:
    """y * factor + offset, in place where the shape stays."""
    for operation, operand, neutral in ((np.multiply, factor, 1), (np.add, offset, 0)):
        if operand.ndim:
            y = operation(y, operand)
        elif operand != neutral:
            operation(y, operand, out=y)
    return y


def _unit(words: np.ndarray, name: str) -> np.ndarray:
    """Numbers in [0, 1): random bits below the exponent of 1.0 give one in [1, 2); minus 1.

    The words may be overwritten.
    """
    if name == "float16":
        y = ((words & 0x3FF) | 0x3C00).astype(np.uint16).view(np.float16)
    elif name == "float32":
        words &= 0x7FFFFF
        words |= 0x3F800000
        y = words.view(np.float32)
    else:
        bits = _pairs(words, high_first=True)
        bits &= 0xFFFFFFFFFFFFF
        bits |= 0x3FF0000000000000
        y = bits.view(np.float64)
    y -= 1
    return y


def _unit_64(words: np.ndarray) -> np.ndarray:
    return _unit(words, "float64")


def _normal_64(words: np.ndarray) -> np.ndarray:
    return _box_muller(words, "float64")


def _pairs(words: np.ndarray, high_first: bool) -> np.ndarray:
    """Each two words as one of 64 bits."""
    first, second = words[::2].astype(np.uint64), words[1::2].astype(np.uint64)
    high, low = (first, second) if high_first else (second, first)
    return high << np.uint64(32) | low


def _box_muller(words: np.ndarray, name: str) -> np.ndarray:
    """Normal numbers, two from each two uniform ones. float16 is computed in float32."""
    inner = "float64" if name == "float64" else "float32"
    y = np.empty(len(words) // _words_per_float(name), name)
    step = _CHUNK * _words_per_float(name)
    for start in range(0, len(words), step):
        flat = _unit(words[start : start + step], inner)
        u, v = np.maximum(flat[::2], flat.dtype.type(_SMALLEST)), flat[1::2]
        angle = (2 * math.pi * v.astype(np.float64)).astype(inner).astype(np.float64)
        logarithm = np.log(u.astype(np.float64)).astype(inner)
        radius = np.sqrt(-2 * logarithm)
        out = y[start // _words_per_float(name) :][: len(flat)]
        out[::2] = np.sin(angle).astype(inner) * radius
        out[1::2] = np.cos(angle).astype(inner) * radius
    return y


def _inside(stream: philox.Stream, size: int, name: str) -> np.ndarray:
    """`size` normal numbers within (-2, 2).

    Values come in groups, as many as one block gives. Each group reads blocks of its own until
    it is full; what is left over in the last one is dropped.
    """
    inner = "float64" if name == "float64" else "float32"
    per_group = philox.WORDS_PER_BLOCK // _words_per_float(inner)
    groups = -(-size // per_group)
    y = np.empty((groups, per_group), inner)
    filled = np.zeros(groups, np.intp)
    open_groups = np.arange(groups)
    block = open_groups.astype(np.uint64) * np.uint64(per_group * _BLOCKS_PER_VALUE)
    while open_groups.size:
        drawn = _box_muller(philox.words_of_blocks(stream, block).reshape(-1), inner)
        drawn = drawn.reshape(-1, per_group)
        kept = np.abs(drawn) < _CUT
        places = filled[open_groups, None] + np.cumsum(kept, axis=1) - 1
        kept &= places < per_group
        rows, _ = np.nonzero(kept)
        y[open_groups[rows], places[kept]] = drawn[kept]
        filled[open_groups] += kept.sum(axis=1)
        unfilled = filled[open_groups] < per_group
        open_groups, block = open_groups[unfilled], block[unfilled] + np.uint64(1)
    return y.reshape(-1)[:size].astype(name, copy=False)

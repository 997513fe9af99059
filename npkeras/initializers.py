"""`npkeras.initializers`: what weights are before training.

An initializer is called with a shape and a dtype and returns an array. The random ones keep one
seed, so that calling one twice gives the same array twice; without a seed given, one is drawn
from Python's `random` when the initializer is made.
"""

import math

import numpy as np

from npkeras.core import check, registry
from npkeras.core import random as core_random
from npkeras.core.dtypes import as_array, is_float, numpy_dtype, standardize_dtype
from npkeras.core.random import SeedGenerator
from npkeras.core.registry import Configurable, register
from npkeras.core.tape import plain
from npkeras.kernels import windows

# The standard deviation of a standard normal distribution cut at two standard deviations.
_STDDEV_OF_TRUNCATED = 0.87962566103423978


class Initializer(Configurable):
    """Base class: `initializer(shape, dtype)` returns an array.

    Example:
        >>> class Ramp(npkeras.initializers.Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return np.arange(np.prod(shape), dtype=dtype).reshape(shape)
        >>> Ramp()((2, 2), dtype="float32")
        array([[0., 1.],
               [2., 3.]], dtype=float32)
    """

    def __call__(self, shape, dtype=None):
        """An array of that shape and dtype. None: `floatx()`."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(shape, dtype)`.")

    def clone(self):
        """Another initializer with the same config; one without a seed draws its own."""
        return type(self).from_config(self.get_config())


# Constants


@register("initializers", "zero")
class Zeros(Initializer):
    """All 0."""

    def __call__(self, shape, dtype=None):
        return np.zeros(_shape(shape, self), _dtype(dtype))


@register("initializers", "one")
class Ones(Initializer):
    """All 1."""

    def __call__(self, shape, dtype=None):
        return np.ones(_shape(shape, self), _dtype(dtype))


@register("initializers")
class Constant(Initializer):
    """One value everywhere.

    Args:
        value: A number, or an array that broadcasts to the shape asked for.

    Example:
        >>> npkeras.initializers.Constant(2.0)((3,))
        array([2., 2., 2.], dtype=float32)
    """

    only_shape = None  # an array that was given in place of an initializer fits no other shape

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        shape, value = _shape(shape, self), as_array(plain(self.value))
        if self.only_shape not in (None, shape):
            raise ValueError(
                f"The array given as an initializer has shape {self.only_shape}. "
                f"Received: shape={shape}"
            )
        if value.dtype.kind not in "fciub":
            raise ValueError(
                f"`value` of Constant must be a number. Received: value={check.shown(self.value)}"
            )
        try:
            return np.array(np.broadcast_to(value, shape), _dtype(dtype))
        except ValueError:
            raise ValueError(
                "`value` of Constant must broadcast to the shape asked for. "
                f"Received: value.shape={value.shape}, shape={shape}"
            ) from None


@register("initializers", "IdentityInitializer", "identity_initializer")
class Identity(Initializer):
    """A matrix with `gain` along the diagonal and 0 elsewhere.

    Args:
        gain: The value along the diagonal.

    Example:
        >>> npkeras.initializers.Identity()((2, 3))
        array([[1., 0., 0.],
               [0., 1., 0.]], dtype=float32)
    """

    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        shape = _shape(shape, self)
        if len(shape) != 2:
            raise ValueError(f"Identity makes matrices only. Received: shape={shape}")
        y = np.eye(*shape, dtype=_dtype(dtype))
        y *= y.dtype.type(self.gain)
        return y


@register("initializers", "STFTInitializer", "stft", "stft_initializer")
class STFT(Initializer):
    """The waves of a short-time Fourier transform, as the kernel of a `Conv1D`.

    Entry (k, 0, f) is `w[k] cos(2 pi k f / n)`, or `-w[k] sin(2 pi k f / n)`, with w the scaled
    window and n = 2 (frequencies - 1).

    Args:
        side: `"real"` for the cosines, `"imag"` for the sines.
        window: The name of a window, such as `"hann"`, or a name and a parameter, such as
            `("kaiser", 8.0)`; None for no window and no scaling.
        scaling: `"density"` divides by the root of the window's sum of squares, `"spectrum"` by
            its sum; None does neither.
        periodic: Whether the window is one period of a longer signal.

    Shapes: (size, 1, frequencies)
    """

    def __init__(self, side="real", window="hann", scaling="density", periodic=False):
        self.side = check.one_of(("real", "imag"), side, "side", "STFT")
        if window is not None:
            windows.named_window(window)
        self.window = window
        self.scaling = check.one_of((None, "density", "spectrum"), scaling, "scaling", "STFT")
        self.periodic = periodic

    def __call__(self, shape, dtype=None):
        shape = _shape(shape, self)
        if len(shape) != 3:
            raise ValueError(
                f"STFT makes kernels of shape (size, 1, frequencies). Received: shape={shape}"
            )
        size, _, frequencies = shape
        period = 2 * max(frequencies - 1, 1)
        angles = 2 * np.pi / period * np.outer(np.arange(size), np.arange(frequencies))
        waves = np.cos(angles) if self.side == "real" else -np.sin(angles)
        if self.window is not None:
            weights = windows.window(self.window, size, self.periodic)
            if self.scaling == "density":
                weights = weights / np.sqrt(np.sum(weights**2))
            elif self.scaling == "spectrum":
                weights = weights / np.sum(weights)
            waves *= weights[:, None]
        return waves[:, None].astype(_dtype(dtype))


# Random numbers


class RandomInitializer(Initializer):
    """Base class of the random initializers, which keep a seed.

    Args:
        seed: An int, a `SeedGenerator`, or None: one is drawn from Python's `random`, and kept.
    """

    def __init__(self, seed=None):
        self._init_seed = seed
        if seed is None:
            seed = core_random.make_default_seed()
        elif not isinstance(seed, SeedGenerator):
            seed = core_random.checked_seed(seed, type(self).__name__)
        self.seed = seed

    def get_config(self):
        """The arguments; the seed as it was given, so that None stays None."""
        return {**super().get_config(), "seed": registry.serialize(self._init_seed)}

    def _draw(self, distribution, shape, dtype, *parameters):
        name = standardize_dtype(dtype)
        if not is_float(name):
            raise ValueError(
                f"{type(self).__name__} makes floats only. Received: dtype={name!r}, shape={shape}"
            )
        return distribution(shape, core_random.draw_seed(self.seed), name, *parameters)


@register("initializers", "normal")
class RandomNormal(RandomInitializer):
    """Normally distributed numbers.

    Args:
        mean: Their mean.
        stddev: Their standard deviation.
        seed: An int, a `SeedGenerator`, or None to draw one.
    """

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape, dtype=None):
        shape = _shape(shape, self)
        return self._draw(core_random.normal, shape, dtype, self.mean, self.stddev)


@register("initializers")
class TruncatedNormal(RandomInitializer):
    """Normally distributed numbers, those beyond two standard deviations drawn again.

    Args:
        mean: The mean before the cut.
        stddev: The standard deviation before the cut.
        seed: An int, a `SeedGenerator`, or None to draw one.
    """

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape, dtype=None):
        shape = _shape(shape, self)
        return self._draw(core_random.truncated_normal, shape, dtype, self.mean, self.stddev)


@register("initializers", "uniform")
class RandomUniform(RandomInitializer):
    """Numbers spread evenly over [minval, maxval).

    Args:
        minval, maxval: The bounds; whole numbers if the dtype asked for is int32 or int64.
        seed: An int, a `SeedGenerator`, or None to draw one.
    """

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape, dtype=None):
        shape, name = _shape(shape, self), standardize_dtype(dtype)
        if name not in ("int32", "int64"):
            return self._draw(core_random.uniform, shape, name, self.minval, self.maxval)
        if not int(self.minval) < int(self.maxval):
            raise ValueError(
                "RandomUniform needs whole bounds, minval below maxval, to make integers. "
                f"Received: minval={self.minval}, maxval={self.maxval}, dtype={name!r}"
            )
        state = core_random.draw_seed(self.seed)
        return core_random.randint(shape, state, name, int(self.minval), int(self.maxval))


@register("initializers")
class VarianceScaling(RandomInitializer):
    """Random numbers whose variance is `scale / n`, so that signals keep their size.

    n is how many inputs each output has ("fan_in"), how many outputs each input has ("fan_out"),
    or the mean of the two ("fan_avg"). For a kernel of shape (..., inputs, outputs) both count
    the product of the leading axes, too.

    Args:
        scale: A number above 0.
        mode: `"fan_in"`, `"fan_out"` or `"fan_avg"`.
        distribution: `"truncated_normal"`, `"untruncated_normal"` or `"uniform"`.
        seed: An int, a `SeedGenerator`, or None to draw one.
        input_axes, output_axes: Which axes hold the inputs and the outputs, if not the last two.

    Example:
        >>> npkeras.initializers.VarianceScaling(distribution="uniform", seed=7)((2, 2))
        array([[ 0.605217  ,  0.42175364],
               [-1.0832145 ,  0.35324872]], dtype=float32)
    """

    def __init__(
        self,
        scale=1.0,
        mode="fan_in",
        distribution="truncated_normal",
        seed=None,
        input_axes=None,
        output_axes=None,
    ):
        owner = type(self).__name__
        if check.number(scale, "scale", owner, low=0) == 0:
            raise ValueError(f"`scale` of {owner} must be above 0. Received: scale={scale}")
        super().__init__(seed)
        self.scale = scale
        self.mode = check.one_of(("fan_in", "fan_out", "fan_avg"), mode, "mode", owner)
        distributions = ("truncated_normal", "untruncated_normal", "uniform")
        if distribution == "normal":  # its name in old configs
            distribution = "truncated_normal"
        self.distribution = check.one_of(distributions, distribution, "distribution", owner)
        self.input_axes = _axes(input_axes, "input_axes", owner)
        self.output_axes = _axes(output_axes, "output_axes", owner)

    def __call__(self, shape, dtype=None):
        shape = _shape(shape, self)
        fan_in, fan_out = self._fans(shape)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
        variance = self.scale / max(1.0, fans[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return self._draw(core_random.uniform, shape, dtype, -limit, limit)
        stddev = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return self._draw(core_random.normal, shape, dtype, 0.0, stddev)
        stddev /= _STDDEV_OF_TRUNCATED
        return self._draw(core_random.truncated_normal, shape, dtype, 0.0, stddev)

    def _fans(self, shape):
        if self.input_axes is not None and self.output_axes is not None:
            try:
                inputs, outputs = (
                    [shape[axis] for axis in axes] for axes in (self.input_axes, self.output_axes)
                )
            except IndexError:
                raise ValueError(
                    f"{type(self).__name__} got axes that are not in the shape. Received: "
                    f"input_axes={self.input_axes}, output_axes={self.output_axes}, shape={shape}"
                ) from None
            return math.prod(inputs), math.prod(outputs)
        return compute_fans(shape)


class _NamedScaling(VarianceScaling):
    """Base class of those whose scale, mode and distribution follow from their name."""

    scaling = (1.0, "fan_in", "truncated_normal")

    def __init__(self, seed=None, input_axes=None, output_axes=None):
        super().__init__(*self.scaling, seed, input_axes, output_axes)

    def get_config(self):
        axes = {"input_axes": self.input_axes, "output_axes": self.output_axes}
        return {"seed": registry.serialize(self._init_seed), **registry.serialize(axes)}


@register("initializers")
class GlorotUniform(_NamedScaling):
    """Uniform numbers within sqrt(6 / (fan_in + fan_out)); Xavier's.

    Args:
        seed: An int, a `SeedGenerator`, or None to draw one.
        input_axes, output_axes: Which axes hold the inputs and the outputs, if not the last two.

    Source: Glorot & Bengio, 2010, "Understanding the difficulty of training deep feedforward
    neural networks".
    """

    scaling = (1.0, "fan_avg", "uniform")


@register("initializers")
class GlorotNormal(_NamedScaling):
    """Truncated normal numbers of variance 2 / (fan_in + fan_out); Xavier's.

    Args:
        seed: An int, a `SeedGenerator`, or None to draw one.
        input_axes, output_axes: Which axes hold the inputs and the outputs, if not the last two.

    Source: Glorot & Bengio, 2010, "Understanding the difficulty of training deep feedforward
    neural networks".
    """

    scaling = (1.0, "fan_avg", "truncated_normal")


@register("initializers")
class LecunUniform(_NamedScaling):
    """Uniform numbers within sqrt(3 / fan_in).

    Args:
        seed: An int, a `SeedGenerator`, or None to draw one.
        input_axes, output_axes: Which axes hold the inputs and the outputs, if not the last two.

    Source: LeCun et al., 1998, "Efficient backprop".
    """

    scaling = (1.0, "fan_in", "uniform")


@register("initializers")
class LecunNormal(_NamedScaling):
    """Truncated normal numbers of variance 1 / fan_in.

    Args:
        seed: An int, a `SeedGenerator`, or None to draw one.
        input_axes, output_axes: Which axes hold the inputs and the outputs, if not the last two.

    Source: LeCun et al., 1998, "Efficient backprop".
    """

    scaling = (1.0, "fan_in", "truncated_normal")


@register("initializers")
class HeUniform(_NamedScaling):
    """Uniform numbers within sqrt(6 / fan_in), made for relu.

    Args:
        seed: An int, a `SeedGenerator`, or None to draw one.
        input_axes, output_axes: Which axes hold the inputs and the outputs, if not the last two.

    Source: He et al., 2015, arxiv.org/abs/1502.01852.
    """

    scaling = (2.0, "fan_in", "uniform")


@register("initializers")
class HeNormal(_NamedScaling):
    """Truncated normal numbers of variance 2 / fan_in, made for relu.

    Args:
        seed: An int, a `SeedGenerator`, or None to draw one.
        input_axes, output_axes: Which axes hold the inputs and the outputs, if not the last two.

    Source: He et al., 2015, arxiv.org/abs/1502.01852.
    """

    scaling = (2.0, "fan_in", "truncated_normal")


@register("initializers", "OrthogonalInitializer", "orthogonal_initializer")
class Orthogonal(RandomInitializer):
    """A random matrix whose columns, or rows if those are fewer, are orthogonal unit vectors.

    More than two axes: all but the last are taken as the rows of the matrix.

    Args:
        gain: What the matrix is multiplied by.
        seed: An int, a `SeedGenerator`, or None to draw one.

    Source: Saxe et al., 2014, arxiv.org/abs/1312.6120.
    """

    def __init__(self, gain=1.0, seed=None):
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape, dtype=None):
        shape, name = _shape(shape, self), standardize_dtype(dtype)
        if len(shape) < 2:
            raise ValueError(
                f"Orthogonal makes arrays of two or more axes. Received: shape={shape}"
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        normal = self._draw(core_random.normal, tall, name)
        inner = "float32" if name == "float16" else name  # no QR decomposition takes float16
        q, r = np.linalg.qr(normal.astype(inner, copy=False))
        q *= np.sign(np.diagonal(r))  # makes the decomposition unique, and q uniformly spread
        if rows < columns:
            q = q.T
        return (self.gain * q).astype(name, copy=False).reshape(shape)


def compute_fans(shape):
    """How many inputs an output has, and outputs an input, for a kernel of that shape."""
    if len(shape) < 2:
        fan = math.prod(shape)
        return fan, fan
    *field, inputs, outputs = shape
    return math.prod(field) * inputs, math.prod(field) * outputs


def _shape(shape, initializer):
    """The shape as a tuple of lengths, all of them known."""
    shape = check.shape(shape, "shape", type(initializer).__name__)
    if None in shape:
        raise ValueError(
            f"{type(initializer).__name__} needs a shape without None. Received: shape={shape}"
        )
    return shape


def _dtype(dtype):
    return numpy_dtype(standardize_dtype(dtype))


def _axes(axes, name, owner):
    if axes is not None and (
        not isinstance(axes, (tuple, list)) or not all(check.is_int(axis) for axis in axes)
    ):
        raise ValueError(
            f"`{name}` of {owner} must be a tuple of axes or None. "
            f"Received: {name}={check.shown(axes)}"
        )
    return axes


# By name


def get(identifier):
    """The initializer that a name, config, class, callable or array stands for; None for None.

    An array stands for itself: it is what a weight of the same shape is before training.

    Example:
        >>> npkeras.initializers.get("he_normal").scale
        2.0
    """
    identifier = plain(identifier)
    if isinstance(identifier, np.ndarray) or (
        hasattr(identifier, "__array__") and not callable(identifier)
    ):
        given = Constant(as_array(identifier))
        given.only_shape = given.value.shape
        return given
    return registry.resolve("initializers", identifier)


def serialize(initializer):
    """An initializer as JSON can hold it."""
    return registry.serialize(initializer)


def deserialize(config, custom_objects=None):
    """The initializer that `serialize` described."""
    return registry.deserialize(config, custom_objects, "initializers")


# Keras has most initializers under a second name too
IdentityInitializer = Identity
OrthogonalInitializer = Orthogonal
STFTInitializer = STFT
constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
identity = Identity
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
orthogonal = Orthogonal
random_normal = RandomNormal
random_uniform = RandomUniform
stft = STFT
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros


__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFT",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]

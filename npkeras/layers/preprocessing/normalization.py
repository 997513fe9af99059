"""Normalization: features at mean 0 and variance 1, by what the data at hand says."""

import math

import numpy as np

from npkeras import ops
from npkeras.core import check, config
from npkeras.core.registry import register
from npkeras.core.tape import Traced, plain
from npkeras.layers.base import Layer


@register("layers")
class Normalization(Layer):
    """`(inputs - mean) / sqrt(variance)`, with moments that are given or learned by `adapt`.

    Unlike BatchNormalization it does the same in training and outside it, and is not trained.

    Args:
        axis: The axis, or axes, along which every entry has moments of its own. None: one mean and
            one variance for all.
        mean, variance: The moments: numbers, or arrays along the axes. None: `adapt` finds them.
        invert: Whether to go back instead: `inputs * sqrt(variance) + mean`.

    Example:
        >>> layer = Normalization()
        >>> layer.adapt(np.array([[1.0, 10.0], [3.0, 30.0]]))
        >>> layer(np.array([[1.0, 40.0]]))
        array([[-1.,  2.]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, axis=-1, mean=None, variance=None, invert=False, **kwargs):
        super().__init__(**kwargs)
        axes = () if axis is None else (axis,) if check.is_int(axis) else axis
        if not isinstance(axes, (tuple, list)) or not all(map(check.is_int, axes)):
            raise ValueError(
                "`axis` of Normalization must be an integer, some integers, or None. "
                f"Received: axis={check.shown(axis)}"
            )
        self.axis = tuple(int(a) for a in axes)
        self.invert = invert
        self.input_mean, self.input_variance = mean, variance
        _check_moments(mean, variance, self.axis)

    def build(self, input_shape):
        ndim = len(input_shape)
        if not all(-ndim <= axis < ndim for axis in self.axis):
            raise ValueError(
                f"Layer {self.name!r} (Normalization) has moments along axis={self.axis}, which "
                f"its inputs lack. Received an input of shape {tuple(input_shape)}."
            )
        self._kept = tuple(sorted({axis % ndim for axis in self.axis}))
        shape = tuple(input_shape[i] for i in self._kept)
        if None in shape:
            raise ValueError(
                f"Layer {self.name!r} (Normalization) needs to know the length of its inputs along "
                f"axis={self.axis}. Received an input shape of {tuple(input_shape)}."
            )
        self._along = tuple(n if i in self._kept else 1 for i, n in enumerate(input_shape))
        if self.input_mean is not None:
            self._given = [self._spread(m) for m in (self.input_mean, self.input_variance)]
            return
        more = {"trainable": False, "shape": shape}
        self.adapt_mean = self.add_weight(initializer="zeros", name="mean", **more)
        self.adapt_variance = self.add_weight(initializer="ones", name="variance", **more)
        self.count = self.add_weight(  # never used; files of Keras have it
            initializer="zeros", shape=(), dtype="int64", trainable=False, name="count"
        )

    def _spread(self, moment):
        """A moment that was given, in a shape that fits the inputs."""
        moment = np.asarray(plain(moment), np.dtype(self.compute_dtype))
        shape = [1] * len(self._along)
        if moment.ndim:
            for axis, length in zip(self._kept[-moment.ndim :], moment.shape, strict=True):
                shape[axis] = length
        try:
            return np.broadcast_to(moment.reshape(shape), self._along)
        except ValueError:
            raise ValueError(
                f"Layer {self.name!r} (Normalization) has moments of shape {moment.shape} along "
                f"axis={self.axis}, which do not fit its inputs, of shape {self._along} there."
            ) from None

    @property
    def mean(self):
        """The mean, in a shape that broadcasts with the inputs; None before building."""
        return self._moment(0)

    @property
    def variance(self):
        """The variance, in a shape that broadcasts with the inputs; None before building."""
        return self._moment(1)

    def _moment(self, which):
        if not self.built:
            return None
        if self.input_mean is not None:
            return self._given[which]
        weight = (self.adapt_mean, self.adapt_variance)[which].value
        return weight.astype(np.dtype(self.compute_dtype), copy=False).reshape(self._along)

    def _check_broadcast(self, shape):
        for back, length in enumerate(reversed(self._along), start=1):
            found = shape[-back] if back <= len(shape) else 1
            if length != 1 and found not in (length, 1, None):
                raise ValueError(
                    f"Layer {self.name!r} (Normalization) has moments for {length} entries along "
                    f"axis {-back}. Received inputs of shape {tuple(shape)}. Call `adapt` on data "
                    "that are shaped as the inputs will be."
                )

    def call(self, inputs):
        self._check_broadcast(ops.shape(inputs))
        deviation = np.maximum(np.sqrt(self.variance), self.variance.dtype.type(config.epsilon()))
        inputs = ops.cast(inputs, self.compute_dtype)
        if self.invert:
            return ops.add(ops.multiply(inputs, deviation), self.mean)
        return ops.divide(ops.subtract(inputs, self.mean), deviation)

    def adapt(self, data):
        """Find the mean and the variance of data, and forget those found before.

        Args:
            data: An array; or batches: a list of arrays, a generator, a `PyDataset`, of arrays or
                of tuples whose first entry is one.
        """
        if self.input_mean is not None:
            raise ValueError(
                f"Layer {self.name!r} (Normalization) was given its moments. Make it without "
                "`mean` and `variance` to have `adapt` find them."
            )
        if isinstance(data, (np.ndarray, Traced)):
            array = np.asarray(plain(data))
            self._fit_to(array)
            others = self._others(array)
            mean, variance = np.mean(array, axis=others), np.var(array, axis=others)
        elif hasattr(data, "__iter__"):
            mean, variance = self._moments_of_batches(data)
        else:
            raise TypeError(
                "`adapt` of Normalization takes an array, or an iterable of batches. "
                f"Received: {check.shown(data)} (of type {type(data).__name__})"
            )
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def finalize_state(self):
        """Nothing: the moments are read from the weights. There for Keras' sake."""

    def _others(self, array):
        return tuple(i for i in range(array.ndim) if i not in self._kept)

    def _fit_to(self, array):
        """Build for an array, or make sure that the layer fits it."""
        if not array.size:
            raise ValueError(
                f"Layer {self.name!r} (Normalization) cannot adapt to no data. Received an array "
                f"of shape {array.shape}."
            )
        if not self.built:
            self.build(array.shape)
        elif len(array.shape) != len(self._along) or any(
            array.shape[i] != self._along[i] for i in self._kept
        ):
            raise ValueError(
                f"Layer {self.name!r} (Normalization) was built for inputs of shape {self._along} "
                f"along axis={self.axis}. Received data of shape {array.shape}."
            )

    def _moments_of_batches(self, batches):
        """Mean and variance of what comes in pieces: Chan et al., 1983, "Algorithms for computing
        the sample variance"."""
        count, mean, squares = 0, 0.0, 0.0
        for batch in batches:
            array = self._batch(batch)
            self._fit_to(array)
            others = self._others(array)
            size = math.prod(array.shape[i] for i in others)
            own = array.mean(others)
            ahead = own - mean
            mean = mean + ahead * (size / (count + size))
            squares = squares + array.var(others) * size
            squares = squares + ahead**2 * (count * size / (count + size))
            count += size
        if not count:
            raise ValueError(
                f"Layer {self.name!r} (Normalization) cannot adapt to no data. Received an "
                "iterable without batches."
            )
        return mean, squares / count

    def _batch(self, batch):
        """The inputs of a batch, as they would be seen by the layer, in double precision."""
        array = plain(batch[0] if isinstance(batch, tuple) and batch else batch)
        if not hasattr(array, "shape"):
            raise TypeError(
                "`adapt` of Normalization takes batches that are arrays. "
                f"Received: {check.shown(array)} (of type {type(array).__name__})"
            )
        return np.asarray(array).astype(np.dtype(self.compute_dtype)).astype("float64")

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        moments = {"mean": self.input_mean, "variance": self.input_variance}
        plain_moments = {k: None if v is None else _as_numbers(v) for k, v in moments.items()}
        return {**super().get_config(), **plain_moments}


def _as_numbers(moment):
    return np.asarray(plain(moment)).tolist()


def _check_moments(mean, variance, axes):
    if (mean is None) != (variance is None):
        raise ValueError(
            "`mean` and `variance` of Normalization must be given together. "
            f"Received: mean={check.shown(mean)}, variance={check.shown(variance)}"
        )
    if mean is None:
        return
    shapes = [np.shape(plain(moment)) for moment in (mean, variance)]
    if shapes[0] != shapes[1] or len(shapes[0]) > len(axes):
        raise ValueError(
            "`mean` and `variance` of Normalization must have one shape, of no more axes than "
            f"`axis` names. Received: shapes {shapes[0]} and {shapes[1]}, axis={axes}"
        )

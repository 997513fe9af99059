"""Layers that disturb training so that the model does not learn the data by heart."""

import math

from npkeras import ops, random, regularizers
from npkeras.core import check, config
from npkeras.core import random as core_random
from npkeras.core.dtypes import is_float
from npkeras.core.random import SeedGenerator
from npkeras.core.registry import register
from npkeras.core.symbolic import KerasTensor
from npkeras.layers.base import Layer
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.reshaping import data_format_of


@register("layers")
class Dropout(Layer):
    """In training, sets entries to 0 with probability `rate` and scales the others up.

    What is kept is divided by 1 - rate, so that sums stay what they are on average. Outside
    training nothing happens. Source: Srivastava et al., 2014, jmlr.org/papers/v15/srivastava14a.

    Args:
        rate: The probability with which an entry is set to 0, in [0, 1].
        noise_shape: The shape of the mask, which is broadcast to that of the inputs. None in it
            stands for the length of that axis of the inputs.
        seed: Where the random numbers start.

    Example:
        >>> Dropout(0.5, seed=1)(np.ones((2, 3)), training=True)
        array([[2., 0., 2.],
               [0., 0., 0.]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.rate = check.number(rate, "rate", "Dropout", low=0, high=1)
        self.seed = seed
        self.noise_shape = _noise_shape(noise_shape)
        if self.rate > 0:
            self.seed_generator = SeedGenerator(seed)
        self.built = True

    def call(self, inputs, training=False):
        if not training or self.rate == 0 or isinstance(inputs, KerasTensor):
            return inputs
        return random.dropout(
            inputs, self.rate, noise_shape=self.noise_shape, seed=self.seed_generator
        )


class _SpatialDropout(Layer):
    """Dropout of whole feature maps: what is dropped is so along all axes between."""

    supports_masking = True
    axes = 1  # how many there are between samples and channels

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        owner = type(self).__name__
        self.rate = check.number(rate, "rate", owner, low=0, high=1)
        self.seed = seed
        if self.rate > 0:
            self.seed_generator = SeedGenerator(seed)
        self.data_format = data_format_of(data_format, owner)
        self.input_spec = InputSpec(ndim=self.axes + 2)
        self.built = True

    def call(self, inputs, training=False):
        if not training or self.rate == 0 or isinstance(inputs, KerasTensor):
            return inputs
        between = [1] * self.axes
        last = self.data_format == "channels_last"
        noise_shape = (None, *between, None) if last else (None, None, *between)
        return random.dropout(inputs, self.rate, noise_shape=noise_shape, seed=self.seed_generator)

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        return {**super().get_config(), "dtype": self.dtype}


@register("layers")
class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole features of sequences, at all steps alike.

    Source: Tompson et al., 2014, arxiv.org/abs/1411.4280.

    Args:
        rate: The probability with which a feature of a sample is set to 0, in [0, 1].
        seed: Where the random numbers start.

    Shapes:
        inputs (batch, steps, features) -> the same

    Example:
        >>> SpatialDropout1D(0.5, seed=1)(np.ones((1, 2, 3)), training=True)
        array([[[2., 0., 2.],
                [2., 0., 2.]]], dtype=float32)
    """

    def __init__(self, rate, seed=None, name=None, dtype=None):
        super().__init__(rate, "channels_last", seed, name, dtype)

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        config = super().get_config()
        return {k: v for k, v in config.items() if k != "data_format"}


@register("layers")
class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images.

    Source: Tompson et al., 2014, arxiv.org/abs/1411.4280.

    Args:
        rate: The probability with which a channel of a sample is set to 0, in [0, 1].
        data_format: `"channels_last"` for inputs (batch, height, width, channels),
            `"channels_first"` for (batch, channels, height, width). None: the global setting.
        seed: Where the random numbers start.

    Example:
        >>> SpatialDropout2D(0.5, seed=1)(np.ones((1, 2, 2, 3)), training=True)[0, 1]
        array([[2., 0., 2.],
               [2., 0., 2.]], dtype=float32)
    """

    axes = 2

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None):
        super().__init__(rate, data_format, seed, name, dtype)


@register("layers")
class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes.

    Source: Tompson et al., 2014, arxiv.org/abs/1411.4280.

    Args:
        rate: The probability with which a channel of a sample is set to 0, in [0, 1].
        data_format: `"channels_last"` for inputs (batch, three axes, channels),
            `"channels_first"` for (batch, channels, three axes). None: the global setting.
        seed: Where the random numbers start.

    Example:
        >>> SpatialDropout3D(0.5, seed=1)(np.ones((1, 2, 2, 2, 3)), training=True)[0, 1, 1]
        array([[2., 0., 2.],
               [2., 0., 2.]], dtype=float32)
    """

    axes = 3

    def __init__(self, rate, data_format=None, seed=None, name=None, dtype=None):
        super().__init__(rate, data_format, seed, name, dtype)


class _Noise(Layer):
    """What layers share that disturb their inputs in training by as much as one number says."""

    supports_masking = True
    strength = "rate"

    def _keep_arguments(self, strength, seed):
        owner = type(self).__name__
        setattr(self, self.strength, check.number(strength, self.strength, owner, low=0, high=1))
        self.seed = seed
        if strength > 0:
            self.seed_generator = SeedGenerator(seed)
        self.built = True

    def call(self, inputs, training=False):
        strength = getattr(self, self.strength)
        if not training or strength == 0 or isinstance(inputs, KerasTensor):
            return inputs
        if not is_float(inputs.dtype):
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) disturbs floats. "
                f"Received inputs of dtype {inputs.dtype}."
            )
        if strength == 1 and self.strength == "rate":
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) cannot be trained with rate=1, which "
                "leaves nothing to scale up. Use a rate below 1."
            )
        return self._disturbed(inputs)

    def _normal(self, inputs, mean, stddev):
        dtype = self.compute_dtype
        return core_random.noise(tuple(inputs.shape), self.seed_generator, dtype, mean, stddev)


@register("layers")
class GaussianNoise(_Noise):
    """In training, adds normally distributed noise with mean 0.

    Args:
        stddev: The standard deviation of the noise, in [0, 1].
        seed: Where the random numbers start.

    Example:
        >>> GaussianNoise(0.1, seed=1)(np.ones(3), training=True).round(2)
        array([1.01, 0.95, 1.06], dtype=float32)
    """

    strength = "stddev"

    def __init__(self, stddev, seed=None, **kwargs):
        super().__init__(**kwargs)
        self._keep_arguments(stddev, seed)

    def _disturbed(self, inputs):
        return ops.add(inputs, self._normal(inputs, 0.0, self.stddev))


@register("layers")
class GaussianDropout(_Noise):
    """In training, multiplies by normally distributed noise with mean 1.

    Its standard deviation is sqrt(rate / (1 - rate)), as that of Dropout's. Source: Srivastava et
    al., 2014, jmlr.org/papers/v15/srivastava14a.

    Args:
        rate: How much is disturbed, in [0, 1]; 1 would need infinitely much noise.
        seed: Where the random numbers start.

    Example:
        >>> GaussianDropout(0.1, seed=1)(np.ones(3), training=True).round(2)
        array([1.04, 0.84, 1.21], dtype=float32)
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        self._keep_arguments(rate, seed)

    def _disturbed(self, inputs):
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return ops.multiply(inputs, self._normal(inputs, 1.0, stddev))


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717


@register("layers")
class AlphaDropout(_Noise):
    """In training, sets entries to SELU's lowest value with probability `rate`.

    All are then scaled and shifted so that inputs with mean 0 and variance 1 keep both. Source:
    Klambauer et al., 2017, arxiv.org/abs/1706.02515.

    Args:
        rate: The probability, in [0, 1].
        noise_shape: The shape of the mask, which is broadcast to that of the inputs. None in it
            stands for the length of that axis of the inputs.
        seed: Where the random numbers start.

    Example:
        >>> AlphaDropout(0.5, seed=1)(np.zeros((1, 3)), training=True).round(3)
        array([[ 0.779, -0.779,  0.779]], dtype=float32)
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        _noise_shape(noise_shape, "AlphaDropout")
        self.noise_shape = noise_shape
        self._keep_arguments(rate, seed)

    def _disturbed(self, inputs):
        shape = tuple(inputs.shape)
        if self.noise_shape is not None:
            given = enumerate(self.noise_shape)
            shape = tuple(shape[i] if length is None else length for i, length in given)
        drawn = core_random.dropout_mask(shape, self.rate, self.seed_generator, config.floatx())
        lowest = -_SELU_ALPHA * _SELU_SCALE
        a = ((1 - self.rate) * (1 + self.rate * lowest**2)) ** -0.5
        y = ops.where(drawn != 0, inputs, lowest)
        return ops.add(ops.multiply(y, a), -a * lowest * self.rate)


@register("layers")
class ActivityRegularization(Layer):
    """The inputs as they are, with a penalty on them: l1 * sum(abs(x)) + l2 * sum(x**2).

    As every activity regularizer's, the penalty is divided by the number of samples.

    Args:
        l1: The factor of the absolute values.
        l2: The factor of the squares.

    Example:
        >>> layer = ActivityRegularization(l1=0.5)
        >>> y = layer(np.array([[1.0, -3.0]]))
        >>> [float(loss) for loss in layer.losses]
        [2.0]
    """

    supports_masking = True

    def __init__(self, l1=0.0, l2=0.0, **kwargs):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2
        self.built = True

    def call(self, inputs):
        return inputs

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        config = super().get_config()
        return {k: v for k, v in config.items() if k != "activity_regularizer"}


def _noise_shape(noise_shape, owner="Dropout"):
    if noise_shape is None:
        return None
    if check.is_int(noise_shape) or 0 in check.shape(noise_shape, "noise_shape", owner):
        raise ValueError(
            f"`noise_shape` of {owner} must be a tuple of positive integers or None. "
            f"Received: noise_shape={noise_shape}"
        )
    return tuple(noise_shape)

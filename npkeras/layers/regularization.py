"""Layers that disturb training so that the model does not learn the data by heart."""

from npkeras import random
from npkeras.core import check
from npkeras.core.random import SeedGenerator
from npkeras.core.registry import register
from npkeras.core.symbolic import KerasTensor
from npkeras.layers.base import Layer


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


def _noise_shape(noise_shape):
    if noise_shape is None:
        return None
    if check.is_int(noise_shape) or 0 in check.shape(noise_shape, "noise_shape", "Dropout"):
        raise ValueError(
            "`noise_shape` of Dropout must be a tuple of positive integers or None. "
            f"Received: noise_shape={noise_shape}"
        )
    return tuple(noise_shape)

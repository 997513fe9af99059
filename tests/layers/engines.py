"""What is asked of npkeras and of live Keras alike."""

import numpy as np

from npkeras.core.attach import get_mask, set_mask
from npkeras.core.dtypes import dtype_of


def ones(*shape, dtype="float32"):
    return np.ones(shape, dtype)


def paths(variables):
    return [variable.path for variable in variables]


def names(things):
    return [thing.name for thing in things]


def array(x):
    """The bare array of whatever an engine computes with."""
    return np.asarray(x.value if type(x).__name__ == "Traced" else x)


def mask_of(x):
    """The mask beside an array or on a tensor, as nested lists; None without one."""
    mask = getattr(x, "_keras_mask", None)
    mask = get_mask(x) if mask is None else mask
    return None if mask is None else array(mask).tolist()


def masked(engine, x, mask):
    """An input with a mask, as an embedding would have it."""
    if engine.__name__ == "npkeras":
        x = np.array(x)
        set_mask(x, np.array(mask))
        return x
    x = engine.ops.convert_to_tensor(x)
    x._keras_mask = engine.ops.convert_to_tensor(mask)
    return x


def name_of_dtype(x):
    return dtype_of(x) if isinstance(x, np.ndarray) else getattr(x.dtype, "name", str(x.dtype))


def user_layers(engine):
    """Layers as users write them."""
    Layer = engine.layers.Layer

    class Scale(Layer):
        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape):
            self.seen = input_shape
            self.w = self.add_weight(shape=(input_shape[-1], self.units), name="w")

        def call(self, x):
            return engine.ops.matmul(x, self.w)

    class Pair(Layer):
        def build(self, a_shape, b_shape=None):
            self.seen = a_shape, b_shape

        def call(self, a, b=None):
            return a

    class Inner(Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.w = self.add_weight(shape=(2,), name="w")
            self.dense = engine.layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    return Scale, Pair, Inner

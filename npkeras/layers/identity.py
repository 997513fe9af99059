"""Identity: a layer that does nothing."""

from npkeras.core.registry import register
from npkeras.layers.base import Layer


@register("layers")
class Identity(Layer):
    """The inputs as they are: a placeholder.

    Example:
        >>> Identity()(np.array([1.0, 2.0]))
        array([1., 2.], dtype=float32)
    """

    supports_masking = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.built = True

    def call(self, inputs):
        return inputs

"""Masking: steps that hold a certain value are to be ignored."""

from npkeras import ops
from npkeras.core.attach import set_mask
from npkeras.core.registry import register
from npkeras.layers.base import Layer


@register("layers")
class Masking(Layer):
    """Masks each step all of whose entries equal `mask_value`, and sets them to 0.

    Args:
        mask_value: The value that stands for "nothing here".

    Shapes:
        inputs (batch, steps, features) -> the same, with a mask (batch, steps)

    Example:
        >>> Masking(-1.0)(np.array([[[-1.0, -1.0], [-1.0, 2.0]]]))
        array([[[-0., -0.],
                [-1.,  2.]]], dtype=float32)
    """

    supports_masking = True

    def __init__(self, mask_value=0.0, **kwargs):
        super().__init__(**kwargs)
        self.mask_value = mask_value
        self.built = True

    def compute_mask(self, inputs, mask=None):
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def call(self, inputs):
        mask = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        outputs = ops.multiply(inputs, ops.cast(mask, inputs.dtype))
        set_mask(outputs, ops.squeeze(mask, axis=-1))
        return outputs

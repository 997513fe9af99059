"""Layers around other layers."""

from npkeras import ops
from npkeras.core.registry import register
from npkeras.layers.base import Layer


@register("layers")
class Wrapper(Layer):
    """A layer around another one, whose weights it has. A base for subclasses.

    Args:
        layer: The layer inside.
    """

    def __init__(self, layer, **kwargs):
        if not isinstance(layer, Layer):
            raise ValueError(
                f"`layer` of {type(self).__name__} must be a Layer. Received: layer={layer!r:.80}"
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape=None):
        if not self.layer.built:
            self.layer.build(input_shape)


@register("layers")
class TimeDistributed(Wrapper):
    """Applies a layer to every step of a sequence, with the same weights.

    All steps go through the layer at once, as one larger batch.

    Args:
        layer: The layer to apply, which takes inputs (batch, ...).

    Shapes:
        inputs (batch, steps, ...) -> (batch, steps, *what the layer makes of the rest)
    """

    supports_masking = True

    def build(self, input_shape):
        if len(input_shape) < 3:
            raise ValueError(
                f"Layer {self.name!r} (TimeDistributed) expects inputs (batch, steps, ...) of at "
                f"least 3 axes. Received an input shape of {tuple(input_shape)}."
            )
        super().build((input_shape[0], *input_shape[2:]))

    def call(self, inputs, training=None, mask=None):
        batch, steps, *rest = inputs.shape
        mask_shape = None if mask is None else tuple(mask.shape)
        if mask_shape is not None and mask_shape[:2] != (batch, steps):
            raise ValueError(
                f"Layer {self.name!r} (TimeDistributed) expects a mask of shape {(batch, steps)}. "
                f"Received a mask of shape {mask_shape}."
            )
        flat = ops.reshape(inputs, (_product(batch, steps), *rest))
        outputs = self.layer(flat, training=training) if training is not None else self.layer(flat)
        if batch is None and steps is not None:
            lead = (-1, steps)
        elif steps is None and batch is None:
            lead = (None, None)
        else:
            lead = (batch, steps if steps is not None else -1)
        return ops.reshape(outputs, (*lead, *outputs.shape[1:]))

    def compute_mask(self, inputs, mask=None):
        return mask


def _product(batch, steps):
    return -1 if batch is None or steps is None else batch * steps

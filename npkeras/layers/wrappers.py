"""Layers around other layers."""

from npkeras import ops
from npkeras.core import check, tree
from npkeras.core.registry import deserialize, register
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.layers.base import Layer
from npkeras.layers.convolution import defaults
from npkeras.layers.signatures import call_signature, is_users


@register("layers")
class Wrapper(Layer):
    """A layer around another one, whose weights it has. A base for subclasses.

    Args:
        layer: The layer inside.
    """

    def __init__(self, layer, **kwargs):
        if not isinstance(layer, Layer):
            raise ValueError(
                f"`layer` of {type(self).__name__} must be a Layer. "
                f"Received: layer={check.shown(layer)}"
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape=None):
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A layer like the one whose `get_config` gave `config`."""
        layer = deserialize(config["layer"], custom_objects, "layers")
        return cls(**{**config, "layer": layer})


@register("layers")
@defaults()
class TimeDistributed(Wrapper):
    """Applies a layer to every step of a sequence, with the same weights.

    Where that changes nothing, all steps go through the layer at once, as one larger batch. A
    layer that draws random numbers, keeps averages, reads the mask or was written by the user is
    called step by step, on what it would see alone. As in Keras the layer's `call` is used, and so
    its own `activity_regularizer` and dtype policy are not: give them to this layer.

    Args:
        layer: The layer to apply, which takes inputs (batch, ...).

    Shapes:
        inputs (batch, steps, ...) -> (batch, steps, *what the layer makes of the rest)

    Example:
        >>> TimeDistributed(Dense(4))(np.ones((2, 5, 3))).shape
        (2, 5, 4)
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
        signature = call_signature(type(self.layer))
        given = {"training": training} if signature.takes_training else {}
        if isinstance(inputs, KerasTensor):
            outputs = self.layer.infer(KerasTensor((batch, *rest), inputs.dtype), **given)
            return tree.map(lambda y: KerasTensor((batch, steps, *y.shape[1:]), y.dtype), outputs)
        if mask is not None and tuple(shape_of(mask)[:2]) != (batch, steps):
            raise ValueError(
                f"Layer {self.name!r} (TimeDistributed) expects a mask that begins with the axes "
                f"{(batch, steps)}. Received a mask of shape {tuple(shape_of(mask))}."
            )
        mask = mask if signature.takes_mask else None
        if steps == 0 or (mask is None and self._steps_are_alike(training)):
            outputs = self.layer.call(ops.reshape(inputs, (batch * steps, *rest)), **given)
            return tree.map(lambda y: ops.reshape(y, (batch, steps, *y.shape[1:])), outputs)
        outputs = []
        for step in range(steps):
            masked = {} if mask is None else {"mask": mask[:, step]}
            outputs.append(self.layer.call(inputs[:, step], **given, **masked))
        return tree.map(lambda *ys: ops.stack(ys, axis=1), *outputs)

    def _steps_are_alike(self, training):
        """Whether the layer makes of a step what it would make of it in a larger batch."""
        layers = self.layer._flatten_layers()
        return not any(
            is_users(type(layer))
            or getattr(layer, "stateful", False)
            or (training and (layer._seed_states() or layer._non_trainable_variables))
            for layer in layers
        )

    def compute_mask(self, inputs, previous_mask=None):
        return previous_mask

"""Model: a layer that learns."""

from npkeras.core import check, registry
from npkeras.core.registry import register
from npkeras.layers.base import Layer
from npkeras.models.summary import print_summary
from npkeras.saving import weights_h5
from npkeras.training.trainer import Trainer


@register("models")
class Model(Trainer, Layer):
    """A layer made of layers, with `compile`, `fit`, `evaluate` and `predict`.

    Subclass it: make layers in `__init__`, connect them in `call`.

    Example:
        >>> class Classifier(npkeras.Model):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.hidden = npkeras.layers.Dense(8, activation="relu")
        ...         self.head = npkeras.layers.Dense(3, activation="softmax")
        ...     def call(self, inputs):
        ...         return self.head(self.hidden(inputs))
        >>> Classifier()(np.ones((2, 4))).shape
        (2, 3)
    """

    def __init__(self, *args, **kwargs):
        if args or "inputs" in kwargs or "outputs" in kwargs:
            raise ValueError(
                "npkeras does not build functional models, `Model(inputs, outputs)`, yet. "
                "Use `Sequential`, or subclass `Model` and connect the layers in `call`."
            )
        Layer.__init__(self, **kwargs)

    @property
    def layers(self):
        """The layers directly within, in order."""
        return self._sublayers()

    @layers.setter
    def layers(self, _):
        raise AttributeError(
            "`Model.layers` is what npkeras finds in the attributes; it cannot be set. Use another "
            "name for a list of your own."
        )

    def get_layer(self, name=None, index=None):
        """The layer of that name, or at that position."""
        if (name is None) == (index is None):
            raise ValueError(
                f"`get_layer` takes either a name or an index. Received: name={name}, index={index}"
            )
        layers = self.layers
        if index is not None:
            if not check.is_int(index) or not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"Model {self.name!r} has {len(layers)} layers. Received: index={index}"
                )
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in layers]
        raise ValueError(
            f"Model {self.name!r} has no layer named {name!r}.{check.did_you_mean(name, names)} "
            f"Its layers are: {', '.join(names)}"
        )

    def summary(
        self,
        line_length=None,
        positions=None,
        print_fn=None,
        expand_nested=False,
        show_trainable=False,
        layer_range=None,
    ):
        """Print a table of the layers, their output shapes and numbers of weights.

        Args:
            line_length: How many characters wide the table is.
            positions: Where its columns end, as fractions of the width.
            print_fn: Called with the text instead of `print`.
            expand_nested: Whether the layers of models within are listed too.
            show_trainable: Whether a column says which layers are trained.
            layer_range: The names, or patterns, of the first and the last layer to list.
        """
        print_summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    def save_weights(self, filepath, overwrite=True, max_shard_size=None):
        """Write all weights, and the optimizer's state, to a `.weights.h5` file.

        The file replaces an older one in one step, when it is whole and on disk.
        """
        weights_h5.save(self, filepath, overwrite=overwrite, max_shard_size=max_shard_size)

    def load_weights(self, filepath, skip_mismatch=False, **kwargs):
        """Read all weights, and the optimizer's state, from a `.weights.h5` file.

        A file that does not fit changes nothing, and the error says where it does not fit.

        Args:
            filepath: The file.
            skip_mismatch: Whether layers that do not fit are left as they are, with a warning.
        """
        weights_h5.load(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def get_config(self):
        """What `from_config` needs to make a model like this one."""
        config = super().get_config()
        if type(self).__init__ is not Model.__init__:
            return config
        return {name: config[name] for name in ("name", "trainable", "dtype")}

    def to_json(self, **kwargs):
        """The architecture, without the weights, as JSON. Arguments go to `json.dumps`."""
        import json

        return json.dumps(registry.serialize(self), **kwargs)

"""Model: a layer that learns."""

from npkeras.core import check, registry
from npkeras.core.registry import register
from npkeras.layers.base import Layer
from npkeras.models import graph_config
from npkeras.models.files import Files
from npkeras.models.summary import print_summary
from npkeras.training.trainer import Trainer


@register("models")
class Model(Files, Trainer, Layer):
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

    _functional_class = None  # what `Model(inputs, outputs)` is, as its module says

    def __new__(cls, *args, **kwargs):
        if cls is Model and _has_ends(args, kwargs):
            cls = Model._functional_class
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args, **kwargs):
        if _has_ends(args, kwargs):
            _make_functional(type(self))
            Model._functional_class.__init__(self, *args, **kwargs)
            return
        if args or "inputs" in kwargs or "outputs" in kwargs:
            raise ValueError(
                "A functional model needs both ends: `Model(inputs, outputs)`. Without them, "
                "subclass `Model` and connect layers in `call`. Received: "
                f"{check.shown(args)} and the keywords {sorted(kwargs)}"
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

    def get_config(self):
        """What `from_config` needs to make a model like this one."""
        config = super().get_config()
        if type(self).__init__ is not Model.__init__:
            return config
        return {name: config[name] for name in ("name", "trainable", "dtype")}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A model like the one whose `get_config` gave `config`."""
        if not all(key in config for key in graph_config.KEYS):
            return super().from_config(config)
        inputs, outputs = graph_config.ends_of(config, custom_objects)
        model = cls(inputs=inputs, outputs=outputs, name=config.get("name"))
        model._trainable = bool(config.get("trainable", True))
        return model

    def to_json(self, **kwargs):
        """The architecture, without the weights, as JSON. Arguments go to `json.dumps`."""
        import json

        return json.dumps(registry.serialize(self), **kwargs)


def _has_ends(args, kwargs):
    """Whether a model is made of inputs and outputs."""
    if "outputs" in kwargs:
        return len(args) == 1 or "inputs" in kwargs
    return len(args) >= 2


def _make_functional(cls):
    """Put the class of functional models between a user's class of models and `Model`."""
    functional = Model._functional_class
    if issubclass(cls, functional):
        return
    for base in cls.__bases__:
        if base is not Model and issubclass(base, Model):
            _make_functional(base)
    if Model in cls.__bases__:
        cls.__bases__ = tuple(functional if base is Model else base for base in cls.__bases__)

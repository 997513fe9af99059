"""Sequential: layers one after another."""

import copy

from npkeras import ops
from npkeras.core import names, registry, tree
from npkeras.core.attach import get_mask, set_mask
from npkeras.core.deferred import chaining
from npkeras.core.dtypes import dtype_of
from npkeras.core.registry import register
from npkeras.core.symbolic import KerasTensor
from npkeras.layers.base import Layer
from npkeras.layers.calls import lasting_shape
from npkeras.layers.input import InputLayer
from npkeras.models.model import Model


@register("models")
class Sequential(Model):
    """Layers one after another: each is fed what the one before it made.

    Args:
        layers: The layers, in order. May begin with an `Input`; without one the model is built
            when it first sees data.
        trainable: Whether the weights are to be trained.
        name: A name.

    Example:
        >>> model = npkeras.Sequential([
        ...     npkeras.Input((4,)),
        ...     npkeras.layers.Dense(8, activation="relu"),
        ...     npkeras.layers.Dense(3, activation="softmax"),
        ... ])
        >>> model(np.ones((2, 4))).shape
        (2, 3)
    """

    def __new__(cls, *args, **kwargs):
        model = super().__new__(cls, *args, **kwargs)
        model._layers = []
        model._outputs = None  # the symbolic output, once the input's shape is known
        return model

    def __init__(self, layers=None, trainable=True, name=None, **kwargs):
        super().__init__(trainable=trainable, name=name, **kwargs)
        if layers is not None:
            for layer in layers if isinstance(layers, (list, tuple)) else [layers]:
                self._append(layer)
            self._connect()

    def add(self, layer, rebuild=True):
        """Put a layer at the end.

        Args:
            layer: The layer, or an `Input` as the first one.
            rebuild: Whether to build it at once, if the shape of the input is known.
        """
        self._append(layer)
        if rebuild:
            self._connect()

    def _append(self, layer):
        if isinstance(layer, KerasTensor):
            layer = layer.node.operation
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Only layers can be added to a Sequential model. Received: {layer!r:.80} (of type "
                f"{type(layer).__name__})"
            )
        if isinstance(layer, InputLayer) and self._layers:
            what = "another input" if self._has_input else "layers already, so no input"
            raise ValueError(f"Sequential model {self.name!r} has {what}; it comes first.")
        if any(other.name == layer.name and other is not layer for other in self._layers):
            raise ValueError(
                "All layers of a Sequential model need names of their own. "
                f"There is already a layer {layer.name!r} in {self.name!r}."
            )
        shape = getattr(layer, "_input_shape_arg", None)
        if not self._layers and shape is not None:
            self._layers.append(InputLayer(batch_shape=shape))
        elif not self._layers and isinstance(layer, Sequential) and layer._has_input:
            self._layers.append(InputLayer(batch_shape=layer.input_shape, dtype=layer.input.dtype))
        self._layers.append(layer)
        self._outputs = None

    def pop(self, rebuild=True):
        """Take the last layer off, and return it."""
        if not self.layers:
            raise TypeError(f"Sequential model {self.name!r} has no layers to take off.")
        layer = self._layers.pop()
        self._outputs = None
        self.built = False
        if rebuild:
            self._connect()
        return layer

    @property
    def _has_input(self):
        return bool(self._layers) and isinstance(self._layers[0], InputLayer)

    def _connect(self):
        """Build, if the shape of the input is known and there is something to build."""
        self.built = False
        if self._has_input and len(self._layers) > 1:
            self.build(self._layers[0].batch_shape)

    @property
    def layers(self):
        """The layers, without the input."""
        return self._layers[1:] if self._has_input else self._layers[:]

    def build(self, input_shape=None):
        if not self.layers:
            raise ValueError(f"Sequential model {self.name!r} has no layers to build.")
        if not self._has_input:
            if input_shape is None:
                raise ValueError(
                    f"Sequential model {self.name!r} does not know the shape of its input. Call it "
                    "on data, or give `build` the shape, or begin with an `Input`."
                )
            self._layers.insert(0, InputLayer(batch_shape=input_shape, dtype=self.compute_dtype))
        x = self._layers[0].output
        for layer in self._layers[1:]:
            x = layer(x)
        self._outputs = x
        if input_shape is not None:
            names.auto_name("Functional")  # Keras makes one here, whose name is then taken

    def _build_for(self, arguments):
        inputs = next(iter(arguments.values()), None)
        if not self._has_input and isinstance(inputs, (list, tuple, dict)):
            self.built = True  # several inputs have no `Input`; each layer is built when called
        else:
            self.build(None if inputs is None else tuple(lasting_shape(inputs)))

    def call(self, inputs, training=None, mask=None):
        x = inputs if self._outputs is None else self._as_expected(inputs)
        if mask is not None and get_mask(x) is None:
            set_mask(x, mask)
        with chaining() as chain:
            for layer in self.layers:
                x = layer(x, training=training) if training is not None else layer(x)
        return chain.result(x)

    def _as_expected(self, inputs):
        """The inputs with the axes and the dtype of the `Input`."""
        if isinstance(inputs, (list, tuple)) and len(inputs) == 1:
            inputs = inputs[0]
        if isinstance(inputs, (list, tuple, dict)):
            keys = f", with the keys {list(inputs)!r:.100}" if isinstance(inputs, dict) else ""
            raise ValueError(
                f"Sequential model {self.name!r} expects an array of shape {self.input_shape}. "
                f"Received a {type(inputs).__name__} of {len(inputs)} entries{keys}."
            )
        x, expected = inputs, self.input_shape
        if len(x.shape) == len(expected) + 1 and x.shape[-1] == 1:
            x = ops.squeeze(x, -1)
        elif len(x.shape) == len(expected) - 1 and expected[-1] == 1:
            x = ops.expand_dims(x, -1)
        elif len(x.shape) != len(expected):
            raise ValueError(
                f"Sequential model {self.name!r} expects an input of shape {expected}. "
                f"Received an input of shape {tuple(x.shape)}."
            )
        # Numbers of words stay whole, and texts what they are: the first layer looks them up.
        first, known = self.layers[0], dtype_of(x)
        texts = known == "string" == first.input_dtype
        if known != self.input.dtype and first.autocast and not texts:
            x = ops.cast(x, self.input.dtype)
        if x is not inputs and get_mask(inputs) is not None:
            set_mask(x, get_mask(inputs))
        return x

    supports_masking = True

    def compute_mask(self, inputs, previous_mask=None):
        return None  # the last layer has set its own

    @property
    def inputs(self):
        return [self.input]

    @property
    def outputs(self):
        return tree.leaves(self.output)

    @property
    def input(self):
        """The symbolic input."""
        self._need_connection("input")
        return self._layers[0].output

    @property
    def output(self):
        """The symbolic output."""
        self._need_connection("output")
        return self._outputs

    @property
    def input_shape(self):
        return self.input.shape

    @property
    def output_shape(self):
        return tree.map(lambda tensor: tensor.shape, self.output)

    def _need_connection(self, what):
        if self._outputs is None:
            raise AttributeError(
                f"Sequential model {self.name!r} has no `{what}` yet: it is not built. Begin with "
                "an `Input`, or call it on data first."
            )

    def get_config(self):
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": registry.serialize(self.dtype_policy),
            "layers": [registry.serialize(layer) for layer in self._layers],
        }
        if self._outputs is not None:
            config["build_input_shape"] = list(self.input_shape)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A model like the one whose `get_config` gave `config`."""
        model = cls(name=config.get("name"), trainable=config.get("trainable", True))
        for item in config["layers"]:
            model._append(registry.deserialize(item, custom_objects, "layers"))
            if model._has_input and 2 < len(model._layers):
                names.auto_name("Functional")  # as if it was built after each layer, as in Keras
        model._connect()
        shape = config.get("build_input_shape")
        if not model.built and shape:
            model.build(tuple(shape))
        return model

    def __copy__(self):
        return copy.deepcopy(self)

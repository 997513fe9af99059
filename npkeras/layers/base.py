"""Layer: a computation with weights, built when it first sees its inputs."""

from __future__ import annotations

import functools
import inspect

import numpy as np

from npkeras import regularizers
from npkeras.core import names
from npkeras.core.dtypes import get_dtype_policy
from npkeras.core.registry import Configurable, serialize
from npkeras.layers.calls import Caller, as_shape
from npkeras.layers.weights import WeightKeeper


class Layer(Caller, WeightKeeper, Configurable):
    """What every layer is: weights, a `call`, a name, and a config.

    A subclass keeps its arguments in `__init__`, makes weights in `build(input_shape)` and says
    what it computes in `call(inputs)`, with `npkeras.ops` or plain NumPy. Derivatives, shapes,
    saving and the config follow. `call` may take `training` and `mask`, which are then passed
    to it.

    Args:
        activity_regularizer: A penalty on the outputs, added to the loss.
        trainable: Whether the weights are to be trained. It can be set at any time, and holds
            for all layers inside.
        dtype: A dtype, or a `DTypePolicy`. None: the global policy.
        autocast: Whether float inputs are cast to the compute dtype.
        name: A name, unique within a model. None: from the class.

    Example:
        >>> class Scale(npkeras.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> Scale()(np.ones((2, 3))).shape
        (2, 3)
    """

    input_spec = None
    supports_masking = False
    quiet_activity_regularizer = True  # whether the config leaves it out where there is none

    def __new__(cls, *args, **kwargs):
        layer = super().__new__(cls)
        layer._given = (args, kwargs)
        layer._trainable_variables = []
        layer._non_trainable_variables = []
        layer._losses = []
        layer._trainable = True
        layer.built = False
        layer._building = False
        layer._inbound_nodes = []
        return layer

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "build" in vars(cls):
            cls.build = _scoped_build(vars(cls)["build"])

    def __init__(
        self,
        *,
        activity_regularizer=None,
        trainable=True,
        dtype=None,
        autocast=True,
        name=None,
        **kwargs,
    ):
        self.name = names.auto_name(type(self).__name__) if name is None else name
        if not isinstance(self.name, str) or "/" in self.name:
            raise ValueError(
                f"`name` of {type(self).__name__} must be a string without '/'. "
                f"Received: name={name!r}"
            )
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.dtype_policy = get_dtype_policy(dtype)
        self.autocast = autocast
        self._trainable = bool(trainable)
        given_shape = _input_shape_of(kwargs)
        if given_shape is not None:
            self._input_shape_arg = given_shape
        if kwargs:
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}"
            )

    @property
    def dtype_policy(self):
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, policy):
        self._dtype_policy = policy = get_dtype_policy(policy)
        self._compute = np.dtype(policy.compute_dtype)
        mixed = policy.compute_dtype != policy.variable_dtype
        self._mixed = policy.compute_dtype if mixed else None

    @property
    def compute_dtype(self):
        """The dtype the layer computes in."""
        return self.dtype_policy.compute_dtype

    @property
    def variable_dtype(self):
        """The dtype of the layer's weights."""
        return self.dtype_policy.variable_dtype

    dtype = variable_dtype
    input_dtype = compute_dtype

    def build(self, input_shape=None):
        """Make the weights, knowing the shape of the inputs. For subclasses to override."""

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": serialize(self.dtype_policy),
        }
        given = _bound_arguments(self)
        for name in _constructor_arguments(type(self)):
            if name in config or name in ("autocast", "args", "kwargs"):
                continue
            if hasattr(self, name):
                config[name] = serialize(getattr(self, name))
            elif name in given:
                config[name] = serialize(given[name])
        if self.activity_regularizer is None and type(self).quiet_activity_regularizer:
            config.pop("activity_regularizer", None)
        return config

    def get_build_config(self):
        """What `build_from_config` needs to build a layer like this one."""
        shape = getattr(self, "_build_shape", None)
        return None if shape is None else {"input_shape": shape}

    def build_from_config(self, config):
        shape = (config or {}).get("input_shape")
        if shape is not None and not self.built:
            self.build(as_shape(shape))

    @property
    def input(self):
        """The symbolic input of the layer's only symbolic call."""
        return self._only_node("input").args[0]

    @property
    def output(self):
        """The symbolic output of the layer's only symbolic call."""
        return self._only_node("output").outputs

    def _only_node(self, what):
        if len(self._inbound_nodes) != 1:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) was called "
                f"{len(self._inbound_nodes)} times on symbolic inputs, so it has no single "
                f"`{what}`."
            )
        return self._inbound_nodes[0]

    @property
    def path(self):
        return names.path_of(self.name)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


@functools.cache
def _constructor_arguments(cls):
    from_bases = [name for base in reversed(cls.__mro__) for name in _own_arguments(base)]
    return tuple(dict.fromkeys(from_bases))


@functools.cache
def _own_arguments(cls):
    if "__init__" not in vars(cls) or cls is object:
        return ()
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return tuple(p.name for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD))


def _bound_arguments(layer):
    """The arguments the layer was made with, for those it did not keep as attributes."""
    args, kwargs = layer._given
    try:
        bound = inspect.signature(type(layer).__init__).bind(layer, *args, **kwargs)
    except TypeError:
        return {}
    bound.apply_defaults()
    return bound.arguments


def _scoped_build(build):
    """`build` with variables named after the layer, done at most once at a time."""

    @functools.wraps(build)
    def scoped(self, *args, **kwargs):
        if self._building:
            return build(self, *args, **kwargs)
        self._building = True
        shape = args[0] if args else next(iter(kwargs.values()), None)
        args = tuple(as_shape(a) for a in args)
        try:
            with names.name_scope(self.name):
                build(self, *args, **kwargs)
        finally:
            self._building = False
        self.built = True
        if not hasattr(self, "_build_shape"):
            self._build_shape = as_shape(shape)
        if not self._trainable:
            self.trainable = False
        return None

    return scoped


def _input_shape_of(kwargs):
    """The batch shape in `input_shape`, `input_dim`, `batch_input_shape` or `batch_shape`."""
    batch = kwargs.pop("batch_size", None) if "input_shape" in kwargs else None
    for key in ("batch_input_shape", "batch_shape"):
        if key in kwargs:
            return tuple(kwargs.pop(key))
    if "input_dim" in kwargs:
        return (batch, kwargs.pop("input_dim"))
    if "input_shape" in kwargs:
        shape = kwargs.pop("input_shape")
        return (batch, *(shape if isinstance(shape, (list, tuple)) else (shape,)))
    return None


Layer.build = _scoped_build(Layer.build)

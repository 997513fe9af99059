"""Layer: a computation with weights, built when it first sees its inputs."""

from __future__ import annotations

import functools
import inspect
import warnings

import numpy as np

from npkeras import regularizers
from npkeras.core import check, names
from npkeras.core.dtypes import get_dtype_policy
from npkeras.core.registry import Configurable, serialize, serialize_argument
from npkeras.layers.calls import Caller, _shapes_of, as_shape, recording_calls
from npkeras.layers.signatures import (
    accepted_arguments,
    derived_arguments,
    is_users,
    open_arguments,
)
from npkeras.layers.weights import WeightKeeper

_BASE_ARGUMENTS = ("activity_regularizer", "trainable", "dtype", "autocast", "name")


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
    input_advice = "The first axis is that of the samples."  # for inputs with other axes
    supports_masking = False
    supports_jit = True  # Keras' users set it; nothing is compiled here
    quiet_activity_regularizer = True  # whether the config leaves it out where there is none
    not_in_config: frozenset[str] = frozenset()  # arguments that only say how to begin

    def __new__(cls, *args, **kwargs):
        layer = super().__new__(cls)
        layer._given = (args, kwargs)
        layer._trainable_variables = []
        layer._non_trainable_variables = []
        layer._losses = []
        layer._trainable = True
        layer.built = False
        layer._building = False
        layer._build_shapes = None  # what `build` was given, by name; its weights are then made
        layer._inbound_nodes = []
        return layer

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "_is_foreign" not in vars(cls):
            cls._is_foreign = is_users(cls)
        if "build" in vars(cls):
            cls.build = _scoped_build(vars(cls)["build"])
        if "compute_mask" in vars(cls) and "supports_masking" not in vars(cls):
            cls.supports_masking = True

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
            known = [*derived_arguments(type(self), Layer), *_BASE_ARGUMENTS]
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {kwargs}."
                f"{check.did_you_mean(next(iter(kwargs)), known)}"
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

    def build(self, input_shape):
        """Make the weights, knowing the shape of the inputs. For subclasses to override."""
        if self._is_built_by_calls():
            warnings.warn(
                f"Layer {self.name!r} ({type(self).__name__}) has no `build` of its own, so "
                "building it leaves the layers within unbuilt. Call it on data, or define `build`.",
                stacklevel=3,
            )

    def _is_built_by_calls(self):
        """Whether there are layers within that nothing but a call of this one would build."""
        return type(self).build is Layer.build and not all(
            layer.built for layer in self._flatten_layers(False)
        )

    def _build_for(self, arguments):
        if type(self).build is not Layer.build:
            super()._build_for(arguments)
            return
        shapes = _shapes_of(arguments)
        if len(shapes) == 1:
            self._finish_building({"input_shape": next(iter(shapes.values()))})
        else:
            self._finish_building({f"{name}_shape": shape for name, shape in shapes.items()})

    def _finish_building(self, shapes):
        self.built = True
        self._build_shapes = shapes
        if not self._trainable:
            self.trainable = False

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        cls = type(self)
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": serialize(self.dtype_policy),
        }
        if self.activity_regularizer is not None or not cls.quiet_activity_regularizer:
            config["activity_regularizer"] = serialize(self.activity_regularizer)
        if is_users(cls) and not self.autocast:
            config["autocast"] = False
        given = _bound_arguments(self)
        for name, is_users_own in derived_arguments(cls, Layer).items():
            if (
                name not in config
                and name not in _BASE_ARGUMENTS
                and name not in self.not_in_config
            ):
                if hasattr(self, name) and not (is_users_own and name in given):
                    config[name] = _for_config(getattr(self, name), name, self)
                elif name in given:
                    config[name] = _for_config(given[name], name, self)
        for name, value in _handed_on(self, given).items():
            if name not in config and name not in self.not_in_config:
                config[name] = _for_config(value, name, self)
        accepted = accepted_arguments(cls)
        return {k: v for k, v in config.items() if accepted is None or k in accepted}

    def get_build_config(self):
        """What `build_from_config` needs to build a layer like this one."""
        shapes = {name: s for name, s in (self._build_shapes or {}).items() if s is not None}
        if not shapes:
            return None
        if len(shapes) == 1:
            return {"input_shape": next(iter(shapes.values()))}
        return {"shapes_dict": shapes}

    def build_from_config(self, config):
        """Build with the shapes that `get_build_config` gave, unless a call has to do that."""
        config = config or {}
        if self.built or self._is_built_by_calls():
            return
        if "shapes_dict" in config:
            self.build(**config["shapes_dict"])
        elif config.get("input_shape") is not None:
            self.build(config["input_shape"])

    @property
    def input(self):
        """The symbolic input of the layer's first symbolic call."""
        return self._first_node("input").args[0]

    @property
    def output(self):
        """The symbolic output of the layer's first symbolic call."""
        return self._first_node("output").outputs

    def _first_node(self, what):
        if not self._inbound_nodes:
            raise AttributeError(
                f"Layer {self.name!r} ({type(self).__name__}) has no `{what}`: it was never called "
                "on symbolic inputs."
            )
        return self._inbound_nodes[0]

    @property
    def path(self):
        return names.path_of(self.name)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _for_config(value, name, layer):
    """The value of an argument as JSON can hold it; tuples of plain values stay tuples."""
    if isinstance(value, tuple) and all(
        isinstance(v, (int, float, str, type(None))) for v in value
    ):
        return value
    try:
        return serialize_argument(value)
    except TypeError as error:
        raise NotImplementedError(
            f"Layer {layer.name!r} ({type(layer).__name__}) cannot derive its config, as its "
            f"argument {name}={check.shown(value, 60)} has no config. Define `get_config`."
        ) from error


def _bound_arguments(layer):
    """The arguments the layer was made with, by name."""
    args, kwargs = layer._given
    try:
        bound = inspect.signature(type(layer).__init__).bind(layer, *args, **kwargs)
    except TypeError:
        return {}
    bound.apply_defaults()
    return bound.arguments


def _handed_on(layer, given):
    """What a user's layer took by `**kwargs`, for a layer within perhaps."""
    cls = type(layer)
    unnamed, keywords = open_arguments(cls, Layer)
    if given.get(unnamed) and all(derived_arguments(cls, Layer).values()):
        raise NotImplementedError(
            f"Layer {layer.name!r} ({cls.__name__}) cannot derive its config, as its "
            f"`__init__` took arguments that have no name: *{unnamed}="
            f"{check.shown(given[unnamed], 60)}. Name them, or define `get_config` and "
            "`from_config`."
        )
    handed_on = dict(given.get(keywords, {}))
    if hasattr(layer, "_input_shape_arg"):
        _input_shape_of(handed_on)
    return handed_on


def _scoped_build(build):
    """`build` with variables named after the layer, and undone where it fails."""
    names_of_shapes = [*inspect.signature(build).parameters][1:]

    @functools.wraps(build)
    def scoped(self, *args, **kwargs):
        if self._building:
            return build(self, *args, **kwargs)
        args = tuple(map(as_shape, args))
        kwargs = {name: as_shape(shape) for name, shape in kwargs.items()}
        counts = len(self._trainable_variables), len(self._non_trainable_variables)
        self._building = True
        try:
            with names.name_scope(self.name), recording_calls():
                build(self, *args, **kwargs)
        except BaseException:
            self._forget_variables(counts)
            raise
        finally:
            self._building = False
        self._finish_building({**dict(zip(names_of_shapes, args, strict=False)), **kwargs})
        return None

    return scoped


def _input_shape_of(kwargs):
    """The batch shape in `input_shape`, `input_dim` or `batch_input_shape`; None without them."""
    if "batch_input_shape" in kwargs:
        return tuple(kwargs.pop("batch_input_shape"))
    given = kwargs.keys() & {"input_shape", "input_dim"}
    batch_size = kwargs.pop("batch_size", None) if given else None
    dim, shape = kwargs.pop("input_dim", None), kwargs.pop("input_shape", None)
    if dim is not None:
        return (batch_size, dim)
    if shape is None:
        return None
    return (batch_size, *(shape if isinstance(shape, (list, tuple)) else (shape,)))


Layer.build = _scoped_build(Layer.build)

"""Lambda: a function as a layer."""

import inspect

from npkeras.core import check, lambdas, tree
from npkeras.core.registry import deserialize, register, serialize
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.layers.base import Layer

_ONLY_KERAS_2 = ("function_type", "output_shape_type", "mask_type", "module")


@register("layers")
class Lambda(Layer):
    """A function as a layer. It has no weights: variables that the function uses are not its own.

    It is kept in files by its name, under which it must be registered, with
    `npkeras.saving.register_keras_serializable`, or given in `custom_objects`, when the file is
    read. A Python lambda has no name: it is kept as compiled code, with a warning, as in Keras.
    npkeras never runs code from a file, so only Keras reads it, with `safe_mode=False`. For
    anything that is to be saved, a class derived from `Layer` is the better choice.

    Args:
        function: Called with the inputs, and with `mask` and `training` if it has arguments of
            those names.
        output_shape: The shape of the output without the axis of the samples, or a function from
            the input's shape to the output's. None: found by calling the function on shapes.
        mask: The mask of the output: an array, or a function of the inputs and their mask. None:
            no mask.
        arguments: A dict of further arguments for the function.

    Example:
        >>> Lambda(lambda x: x**2)(np.array([[1.0, 3.0]]))
        array([[1., 9.]], dtype=float32)
    """

    supports_masking = False
    not_in_config = frozenset({"function", "output_shape", "mask", "arguments"})
    _is_foreign = True  # its function is

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(
                "`function` of Lambda must be a function. "
                f"Received: function={check.shown(function)}"
            )
        if arguments is not None and not isinstance(arguments, dict):
            raise ValueError(
                "`arguments` of Lambda must be a dict. "
                f"Received: arguments={check.shown(arguments)}"
            )
        self.function = function
        self.arguments = arguments or {}
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        self._takes = [name for name in ("mask", "training") if name in _arguments_of(function)]

    def call(self, inputs, mask=None, training=None):
        symbolic = any(isinstance(x, KerasTensor) for x in tree.leaves(inputs))
        if symbolic and self._output_shape is not None:
            return self._declared(inputs)
        given = {"mask": mask, "training": training}
        more = {name: given[name] for name in self._takes}
        if not symbolic:
            return self.function(inputs, **self.arguments, **more)
        try:
            return self.function(inputs, **self.arguments, **more)
        except Exception as error:
            raise NotImplementedError(
                f"Layer {self.name!r} (Lambda) cannot find the shape of its outputs, as its "
                "function does not take symbolic inputs. Use `npkeras.ops` in it, or give "
                f"`output_shape`. The function said: {check.shown(error, 200)}"
            ) from error

    def _declared(self, inputs):
        """Symbolic outputs of the shape that the layer was given."""
        if callable(self._output_shape):
            shapes = self._output_shape(tree.map(shape_of, inputs))
        else:
            batch = shape_of(tree.leaves(inputs)[0])[0]
            shapes = _with_batch(batch, self._output_shape)
        return _as_tensors(shapes, self.compute_dtype)

    def compute_mask(self, inputs, mask=None):
        """The mask that the layer was given, or what the function for it says."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self):
        """What `from_config` needs to make a layer like this one."""
        config = super().get_config()
        config["function"] = _in_config(self.function)
        for name, value in (("output_shape", self._output_shape), ("mask", self.mask)):
            if value is not None:
                config[name] = _in_config(value) if callable(value) else _as_json(value)
        return {**config, "arguments": serialize(self.arguments)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A layer like the one whose `get_config` gave `config`. No code in it is run."""
        config = {k: v for k, v in config.items() if not k.endswith(_ONLY_KERAS_2)}
        for name in ("function", "output_shape", "mask"):
            value = config.get(name)
            if isinstance(value, (list, tuple)) and any(isinstance(v, str) for v in value):
                raise ValueError(
                    f"`{name}` of Lambda in the config is compiled Python code, which npkeras "
                    "never runs. Make the layer anew from the function itself."
                )
            if isinstance(value, (dict, str)):
                config[name] = deserialize(value, custom_objects, "activations")
        if isinstance(config.get("output_shape"), list):
            config["output_shape"] = _tuples(config["output_shape"])
        if "arguments" in config:
            config["arguments"] = deserialize(config["arguments"], custom_objects)
        return cls(**config)


def _arguments_of(function):
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # some functions written in C say nothing
        return {}


def _in_config(function):
    """A function by its name; a lambda as code, which this layer keeps in a form of its own."""
    if not lambdas.is_lambda(function):
        return serialize(function)
    whole = lambdas.described(function, serialize)
    code, defaults, closure = whole
    if defaults:  # Keras makes a function of this form only, though it writes the other
        code = list(whole)
    return {
        "class_name": "__lambda__",
        "config": {"code": code, "defaults": defaults, "closure": closure},
    }


def _as_json(value):
    return value if isinstance(value, tuple) else serialize(value)


def _is_shape(value):
    return isinstance(value, (list, tuple)) and all(n is None or check.is_int(n) for n in value)


def _tuples(value):
    return tuple(value) if _is_shape(value) else [_tuples(v) for v in value]


def _with_batch(batch, shape):
    """A shape, or each in a nest of them, with the axis of the samples."""
    if check.is_int(shape):
        return (batch, shape)
    if _is_shape(shape):
        return (batch, *shape)
    return type(shape)(_with_batch(batch, s) for s in shape)


def _as_tensors(shapes, dtype):
    if _is_shape(shapes):
        return KerasTensor(tuple(shapes), dtype)
    return type(shapes)(_as_tensors(shape, dtype) for shape in shapes)

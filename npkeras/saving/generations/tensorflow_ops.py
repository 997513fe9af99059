"""TensorFlow functions in the middle of Keras 2 models, as operations of Keras 3.

Keras 2 kept a layer for each call of a TensorFlow function on symbolic tensors, also for `a + b`
and `a[:, 0]`. The table says which operation does the same.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from npkeras.core import registry
from npkeras.saving.generations.table import Owner

Config = dict[str, Any]


class Op(NamedTuple):
    """An operation of Keras 3.

    Args:
        place: Its module and class.
        inputs: The function's further arguments that the operation is called with, in order.
        options: Arguments that its constructor takes: the function's name -> today's.
        fixed: What its constructor is given besides, unless the function was given it.
        without: Arguments that may have these values only, and are then left out.
    """

    place: str
    inputs: tuple[str, ...] = ()
    options: dict[str, str] = {}
    fixed: Config = {}
    without: Config = {}


def _unary(place: str) -> Op:
    return Op(place)


def _binary(place: str) -> Op:
    return Op(place, ("y",))


def _reduction(place: str) -> Op:
    return Op(place, options={"axis": "axis", "keepdims": "keepdims"})


def _along_axis(place: str, default: int) -> Op:
    return Op(place, options={"axis": "axis"}, fixed={"axis": default})


_TABLE: dict[str, Op] = {
    "math.add": _binary("numpy.Add"),
    "__operators__.add": _binary("numpy.Add"),
    "math.subtract": _binary("numpy.Subtract"),
    "math.multiply": _binary("numpy.Multiply"),
    "math.truediv": _binary("numpy.TrueDivide"),
    "math.divide": _binary("numpy.Divide"),
    "math.divide_no_nan": _binary("numpy.DivideNoNan"),
    "compat.v1.floor_div": _binary("numpy.FloorDivide"),
    "math.floordiv": _binary("numpy.FloorDivide"),
    "math.floormod": _binary("numpy.Mod"),
    "math.pow": _binary("numpy.Power"),
    "math.maximum": _binary("numpy.Maximum"),
    "math.minimum": _binary("numpy.Minimum"),
    "math.equal": _binary("numpy.Equal"),
    "math.not_equal": _binary("numpy.NotEqual"),
    "math.greater": _binary("numpy.Greater"),
    "math.greater_equal": _binary("numpy.GreaterEqual"),
    "math.less": _binary("numpy.Less"),
    "math.less_equal": _binary("numpy.LessEqual"),
    "math.logical_and": _binary("numpy.LogicalAnd"),
    "math.logical_or": _binary("numpy.LogicalOr"),
    "math.logical_not": _unary("numpy.LogicalNot"),
    "math.negative": _unary("numpy.Negative"),
    "math.abs": _unary("numpy.Absolute"),
    "math.square": _unary("numpy.Square"),
    "math.sqrt": _unary("numpy.Sqrt"),
    "math.rsqrt": _unary("math.Rsqrt"),
    "math.reciprocal": _unary("numpy.Reciprocal"),
    "math.exp": _unary("numpy.Exp"),
    "math.expm1": _unary("numpy.Expm1"),
    "math.log": _unary("numpy.Log"),
    "math.log1p": _unary("numpy.Log1p"),
    "math.sin": _unary("numpy.Sin"),
    "math.cos": _unary("numpy.Cos"),
    "math.tanh": _unary("numpy.Tanh"),
    "math.sign": _unary("numpy.Sign"),
    "math.floor": _unary("numpy.Floor"),
    "math.ceil": _unary("numpy.Ceil"),
    "math.round": _unary("numpy.Round"),
    "math.erf": _unary("math.Erf"),
    "math.is_nan": _unary("numpy.Isnan"),
    "math.sigmoid": _unary("nn.Sigmoid"),
    "math.softplus": _unary("nn.Softplus"),
    "nn.softsign": _unary("nn.Softsign"),
    "nn.relu": _unary("nn.Relu"),
    "nn.relu6": _unary("nn.Relu6"),
    "nn.silu": _unary("nn.Silu"),
    "nn.selu": _unary("nn.Selu"),
    "nn.elu": _unary("nn.Elu"),
    "nn.gelu": Op("nn.Gelu", options={"approximate": "approximate"}, fixed={"approximate": False}),
    "nn.leaky_relu": Op(
        "nn.LeakyRelu", options={"alpha": "negative_slope"}, fixed={"negative_slope": 0.2}
    ),
    "nn.softmax": _along_axis("nn.Softmax", -1),
    "nn.log_softmax": _along_axis("nn.LogSoftmax", -1),
    "nn.bias_add": Op("numpy.Add", ("bias",), without={"data_format": (None, "N...C")}),
    "math.reduce_mean": _reduction("numpy.Mean"),
    "math.reduce_sum": _reduction("numpy.Sum"),
    "math.reduce_max": _reduction("numpy.Max"),
    "math.reduce_min": _reduction("numpy.Min"),
    "math.reduce_prod": _reduction("numpy.Prod"),
    "math.reduce_std": _reduction("numpy.Std"),
    "math.reduce_variance": _reduction("numpy.Var"),
    "math.reduce_any": _reduction("numpy.Any"),
    "math.reduce_all": _reduction("numpy.All"),
    "math.reduce_logsumexp": _reduction("math.Logsumexp"),
    "math.argmax": _along_axis("numpy.Argmax", 0),
    "math.argmin": _along_axis("numpy.Argmin", 0),
    "math.cumsum": Op(
        "numpy.Cumsum",
        options={"axis": "axis"},
        fixed={"axis": 0},
        without={"exclusive": (False,), "reverse": (False,)},
    ),
    "math.l2_normalize": Op(
        "nn.Normalize", options={"axis": "axis"}, fixed={"axis": -1}, without={"epsilon": (1e-12,)}
    ),
    "compat.v1.norm": Op(
        "linalg.Norm",
        options={"axis": "axis", "keepdims": "keepdims"},
        without={"ord": ("euclidean", 2)},
    ),
    "linalg.matmul": Op(
        "numpy.Matmul",
        ("b",),
        without={
            "transpose_a": (False,), "transpose_b": (False,), "adjoint_a": (False,),
            "adjoint_b": (False,), "a_is_sparse": (False,), "b_is_sparse": (False,),
        },
    ),
    "concat": _along_axis("numpy.Concatenate", 0),
    "stack": _along_axis("numpy.Stack", 0),
    "unstack": Op(
        "core.Unstack", options={"num": "num", "axis": "axis"}, fixed={"num": None, "axis": 0}
    ),
    "split": Op(
        "numpy.Split",
        options={"num_or_size_splits": "indices_or_sections", "axis": "axis"},
        fixed={"axis": 0},
        without={"num": (None,)},
    ),
    "reshape": Op("numpy.Reshape", options={"shape": "newshape"}),
    "compat.v1.transpose": Op(
        "numpy.Transpose", options={"perm": "axes"}, without={"conjugate": (False,)}
    ),
    "expand_dims": Op("numpy.ExpandDims", options={"axis": "axis"}),
    "compat.v1.squeeze": Op(
        "numpy.Squeeze", options={"axis": "axis"}, without={"squeeze_dims": (None,)}
    ),
    "tile": Op("numpy.Tile", options={"multiples": "repeats"}),
    "repeat": Op("numpy.Repeat", options={"repeats": "repeats", "axis": "axis"}),
    "reverse": Op("numpy.Flip", options={"axis": "axis"}),
    "roll": Op("numpy.Roll", options={"shift": "shift", "axis": "axis"}),
    "sort": Op("numpy.Sort", options={"axis": "axis"}, without={"direction": ("ASCENDING",)}),
    "broadcast_to": Op("numpy.BroadcastTo", options={"shape": "shape"}),
    "compat.v1.pad": Op(
        "numpy.Pad",
        options={"paddings": "pad_width"},
        fixed={"mode": "constant"},
        without={"mode": ("CONSTANT",), "constant_values": (0,)},
    ),
    "compat.v1.gather": Op(
        "numpy.Take",
        ("indices",),
        options={"axis": "axis"},
        fixed={"axis": 0},
        without={"batch_dims": (0,), "validate_indices": (None,)},
    ),
    "where": Op("numpy.Where", ("x", "y")),
    "zeros_like": Op("numpy.ZerosLike", options={"dtype": "dtype"}),
    "ones_like": Op("numpy.OnesLike", options={"dtype": "dtype"}),
    "one_hot": Op(
        "nn.OneHot",
        options={"depth": "num_classes", "axis": "axis"},
        without={"on_value": (None, 1), "off_value": (None, 0)},
    ),
    "clip_by_value": Op(
        "numpy.Clip", options={"clip_value_min": "x_min", "clip_value_max": "x_max"}
    ),
    "cast": Op("core.Cast", options={"dtype": "dtype"}),
    "stop_gradient": Op("core.StopGradient"),
    "identity": Op("keras.layers.Identity"),
    "convert_to_tensor": Op("keras.layers.Identity"),
    "math.add_n": Op("keras.layers.Add"),
    "__operators__.getitem": Op("numpy.GetItem", ("slice_spec",)),
}  # fmt: skip
_IGNORED = ("name", "dtype_hint", "output_type", "out_type")


def upgrade_call(function: str, first: Any, given: Config, owner: Owner) -> Config:
    """The entry of an operation that does what a TensorFlow function did.

    Args:
        function: The function's name below `tf`.
        first: Its first argument.
        given: Its other arguments.
        owner: The layer that stood for it.
    """
    op = _TABLE.get(function)
    if op is None:
        raise owner.refuse(f"there is no counterpart of the TensorFlow function tf.{function}.")
    given = {k: v for k, v in given.items() if k not in _IGNORED}
    if function == "linalg.matmul" and (given.get("transpose_a") or given.get("transpose_b")):
        return _transposed_matmul(first, given, owner)
    args = [first]
    for name in op.inputs:
        if name not in given:
            raise owner.refuse(f"the file lacks the argument {name!r} of tf.{function}.")
        args.append(_as_array(given.pop(name)) if name != "slice_spec" else given.pop(name))
    config = dict(op.fixed)
    for old, new in op.options.items():
        if old in given:
            config[new] = _constant(given.pop(old), f"{old} of tf.{function}", owner)
    for name, value in given.items():
        if name not in op.without or value not in op.without[name]:
            raise owner.refuse(f"{name}={value!r:.40} of tf.{function} has no counterpart.")
    if function == "__operators__.getitem":
        args[1] = _slices(args[1])
    if function == "split" and isinstance(config.get("indices_or_sections"), list):
        sizes = config["indices_or_sections"]
        config["indices_or_sections"] = [sum(sizes[: i + 1]) for i in range(len(sizes) - 1)]
    if function == "cast":
        config["dtype"] = _dtype(config["dtype"])
    return _entry(op.place, config, args)


def _entry(place: str, config: Config, args: list[Any]) -> Config:
    module, _, class_name = place.rpartition(".")
    layer = module == "keras.layers"
    return {
        "module": module if layer else f"keras.src.ops.{module}",
        "class_name": class_name,
        "config": config,
        "registered_name": None if layer else class_name,
        "inbound_nodes": [{"args": args, "kwargs": {}}],
    }


def _transposed_matmul(first: Any, given: Config, owner: Owner) -> Config:
    left = "...ji" if given.pop("transpose_a", False) else "...ij"
    right = "...kj" if given.pop("transpose_b", False) else "...jk"
    other = given.pop("b", None)
    if other is None or any(given.values()):
        raise owner.refuse("this form of tf.linalg.matmul has no counterpart.")
    return _entry("numpy.Einsum", {"subscripts": f"{left},{right}->...ik"}, [first, other])


def _constant(value: Any, what: str, owner: Owner) -> Any:
    """An argument that must be known beforehand."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if registry.is_config(part) and part["class_name"] == "__keras_tensor__":
            raise owner.refuse(f"{what} is computed within the model.")
        waiting += part if isinstance(part, list) else []
    return value


def _as_array(value: Any) -> Any:
    """An argument in the place of a tensor: a list of numbers is an array."""
    if not isinstance(value, list) or any(map(registry.is_config, value)):
        return value
    array = np.asarray(value)
    dtype = {"f": "float32", "i": "int32", "b": "bool"}.get(array.dtype.kind, array.dtype.name)
    return {"class_name": "__numpy__", "config": {"value": value, "dtype": dtype}}


def _slices(spec: Any) -> list[Any]:
    return [_slice(part) for part in (spec if isinstance(spec, list) else [spec])]


def _slice(part: Any) -> Any:
    if isinstance(part, dict) and "start" in part:
        return {
            "class_name": "__slice__",
            "config": {k: part[k] for k in ("start", "stop", "step")},
        }
    ellipsis = part in ("Ellipsis", "...")
    if ellipsis or (isinstance(part, dict) and part.get("class_name") == "__ellipsis__"):
        return {"class_name": "__ellipsis__", "config": {}}
    return part


def _dtype(value: Any) -> Any:
    return value.split("'")[1] if isinstance(value, str) and "'" in value else value

"""Ops in graphs: the table of Keras' classes, and each of its lines in a model."""

import importlib
import inspect
import json

import numpy as np
import pytest

import npkeras
from npkeras.models import operations
from npkeras.models.operations import Operation

X = "a symbolic tensor"
CALLS = {  # name of the op: arguments
    "absolute": (X,), "add": (X, 1.0), "argmax": (X, 1), "average": (X, 1), "cast": (X, "int32"),
    "clip": (X, 0.0, 1.0), "cumsum": (X, 1), "divide": (X, 2.0), "elu": (X, 0.5),
    "einsum": ("bi,bj->bij", X, X), "equal": (X, 1.0), "exp": (X,), "expand_dims": (X, 1),
    "flip": (X, 1), "floor_divide": (X, 2.0), "gelu": (X, False), "greater": (X, 1.0),
    "hard_sigmoid": (X,), "leaky_relu": (X, 0.1), "log_softmax": (X,), "logsumexp": (X, 1, True),
    "matmul": (X, np.ones((4, 2), "float32")), "max": (X, 1), "maximum": (X, 0.5),
    "mean": (X, 1, True), "min": (X, 1), "minimum": (X, X), "mod": (X, 2.0), "moveaxis": (X, 1, 0),
    "multiply": (2.0, X), "negative": (X,), "norm": (X, None, 1), "normalize": (X, 1),
    "ones_like": (X,), "pad": (X, [[0, 0], [1, 1]]), "power": (X, 2), "prod": (X, 1),
    "relu": (X,), "relu6": (X,), "repeat": (X, 2, 1), "reshape": (X, (-1, 2, 2)),
    "roll": (X, 1, 1), "round": (X, 2), "rsqrt": (X,), "selu": (X,), "sigmoid": (X,),
    "sign": (X,), "silu": (X,), "softmax": (X,), "softplus": (X,), "sort": (X,),
    "sqrt": (X,), "square": (X,), "squeeze": (X,), "std": (X, 1), "stop_gradient": (X,),
    "subtract": (1.0, X), "sum": (X, -1, True), "swapaxes": (X, 0, 1), "take": (X, [0, 2], 1),
    "tanh": (X,), "tensordot": (X, np.ones((4, 2), "float32"), 1), "tile": (X, (1, 2)),
    "transpose": (X, (1, 0)), "tril": (X,), "var": (X, 1), "where": (True, X, 0.0),
    "zeros_like": (X,), "concatenate": ([X, X], 1), "stack": ([X, X], 1), "split": (X, 2, 1),
    "top_k": (X, 2), "moments": (X, [1]), "one_hot": (X, 3), "logical_not": (X,), "dot": (X, X),
    "logaddexp": (X, X), "mish": (X,), "outer": (X, X), "vstack": ([X, X],),
}  # fmt: skip
OURS_ALONE = {"mish"}  # an op that Keras has as a function of several
NEEDS_EQUAL_AXES = {"dot": (4, 4), "squeeze": (1, 4)}


def model_of(keras, name):
    shape = NEEDS_EQUAL_AXES.get(name)
    dtype = "int32" if name == "one_hot" else "float32"
    x = keras.Input(batch_shape=shape, dtype=dtype, name="x") if shape else keras.Input(
        (4,), dtype=dtype, name="x")  # fmt: skip

    def filled(value):
        return x if value is X else [filled(v) for v in value] if type(value) is list else value

    return keras.Model(x, getattr(keras.ops, name)(*map(filled, CALLS[name])))


def data(name):
    shape = NEEDS_EQUAL_AXES.get(name, (3, 4))
    values = np.random.default_rng(0).uniform(0.1, 2.9, shape)
    return values.astype("int32" if name == "one_hot" else "float32")


def outputs(model, name):
    found = npkeras.core.tree.leaves(model(data(name)))
    return [np.asarray(getattr(y, "value", y)) for y in found]


@pytest.mark.keras
@pytest.mark.parametrize("name", sorted(set(CALLS) - OURS_ALONE))
def test_a_call_is_written_and_read_as_by_keras(keras, name):
    keras.utils.clear_session(free_memory=False)
    ours, theirs = model_of(npkeras, name), model_of(keras, name)
    written, expected = (json.loads(json.dumps(m.get_config()["layers"])) for m in (ours, theirs))
    written[-1].pop("name"), expected[-1].pop("name")
    assert written[-1]["class_name"] == expected[-1]["class_name"]
    assert written[-1]["module"] == expected[-1]["module"]
    there = keras.Model.from_config(json.loads(json.dumps(ours.get_config())))
    here = npkeras.Model.from_config(json.loads(json.dumps(theirs.get_config())))
    for model in (there, here, theirs):
        for a, b in zip(outputs(ours, name), outputs(model, name), strict=True):
            np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.keras
def test_the_table_has_keras_classes_and_their_arguments(keras):
    for name, cls in operations._classes().items():
        theirs = getattr(importlib.import_module(cls.__module__), name)
        arguments = [*inspect.signature(theirs.__init__).parameters][1:]
        assert tuple(a for a in arguments if a not in ("name", "kwargs")) == cls.options, name
        public = cls.function == "bent_relu" or any(
            hasattr(place, cls.function) for place in (keras.ops, keras.ops.image, keras.ops.nn)
        )
        assert public or name in ("Conv", "MaxPool"), f"{name}: {cls.function}"


def test_every_op_that_is_named_so_is_in_the_table():
    named = {cls.function for cls in operations._classes().values()}
    ours = {name for name in vars(npkeras.ops) if name in npkeras.core.op.OPS}
    without = ours - named
    assert without <= NOT_IN_FILES, sorted(without - NOT_IN_FILES)


NOT_IN_FILES = {
    # Functions are among their arguments, which a config cannot hold.
    "associative_scan", "cond", "fori_loop", "map", "scan", "switch", "vectorized_map",
    "while_loop", "custom_gradient", "jvp",
}  # fmt: skip


def test_an_op_of_npkeras_alone_runs_but_has_no_config():
    x = npkeras.Input((4,))
    model = npkeras.Model(x, npkeras.activations.mish(x))
    assert model(np.ones((2, 4))).shape == (2, 4)
    with pytest.raises(ValueError, match="The op 'mish' has no name in Keras' files"):
        model.get_config()


def test_an_operation_by_itself():
    x = npkeras.Input((4,), name="x")
    operation = npkeras.Model(x, npkeras.ops.sum(x, 1, keepdims=True)).operations[1]
    assert isinstance(operation, Operation) and type(operation).__name__ == "Sum"
    assert operation.get_config() == {"name": "sum", "axis": 1, "keepdims": True}
    assert operation(np.ones((2, 4))).tolist() == [[4], [4]]
    assert repr(operation) == "<Sum name=sum>"
    again = type(operation).from_config(operation.get_config())
    assert again(x).node.name == "sum"
    with pytest.raises(ValueError, match="Sum has no option 'axes'. It has: axis, keepdims"):
        type(operation)(axes=1)


def test_a_class_that_npkeras_lacks():
    config = {"module": "keras.src.ops.numpy", "class_name": "Add", "config": {"name": "a"}}
    assert operations.find(config).__name__ == "Add"
    assert operations.find({**config, "class_name": "Nothing"}) is None
    assert operations.find({**config, "module": "keras.layers"}) is None

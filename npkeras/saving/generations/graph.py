"""Connections between layers: how Keras 1 and 2 wrote them, in the way of Keras 3.

Keras 2 has for every call of a layer a list of `[layer, call, output, arguments]`, one for each
input, with further tensors among the arguments. Keras 3 writes the arguments of the call as they
were given, with a `__keras_tensor__` in the place of each symbolic tensor.
"""

from __future__ import annotations

from typing import Any

from npkeras.saving.errors import CorruptFileError
from npkeras.saving.generations.table import RECURRENT, Owner
from npkeras.saving.generations.tensorflow_ops import upgrade_call

Config = dict[str, Any]
_CONSTANT = "_CONSTANT_VALUE"
OPS = ("TFOpLambda", "SlicingOpLambda")


class Connections:
    """The calls of a functional model's layers.

    Args:
        layers: The entries of the layers, as the file has them.
        renamed: The names of layers today, where they are others.
    """

    def __init__(self, layers: list[Config], renamed: dict[str, str]) -> None:
        self.calls = {entry["name"]: len(entry.get("inbound_nodes") or ()) for entry in layers}
        self.renamed = renamed
        self._first = self._first_calls(layers)

    def _first_calls(self, layers: list[Config]) -> dict[str, int]:
        """The number of each layer's first call: a model within began with 1 before Keras 3."""
        return {
            entry["name"]: int(entry["class_name"] in ("Model", "Functional", "Sequential"))
            for entry in layers
        }

    def is_reference(self, value: Any) -> bool:
        return (
            isinstance(value, list)
            and len(value) in (3, 4)
            and isinstance(value[0], str)
            and value[0] in self.calls
            and isinstance(value[1], int)
            and isinstance(value[2], int)
        )

    def history(self, reference: list[Any]) -> list[Any]:
        """`[layer, call, output]` in today's counting."""
        name, call, output = reference[:3]
        if name not in self.calls:
            raise CorruptFileError(f"The config connects to a layer {name!r} that it lacks.")
        call -= min(self._first[name], call)
        return [self.renamed.get(name, name), call, output]

    def tensor(self, reference: list[Any]) -> Config:
        return {
            "class_name": "__keras_tensor__",
            "config": {"shape": [], "dtype": "float32", "keras_history": self.history(reference)},
        }

    def ends(self, value: Any) -> Any:
        """`input_layers` or `output_layers`, single ones without a list around them."""
        if self.is_reference(value):
            return self.history(value)
        if isinstance(value, dict):
            return {k: self.ends(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.ends(v) for v in value] if len(value) != 1 else self.ends(value[0])
        return value

    def upgraded(self, entry: Config, owner: Owner) -> list[Config]:
        """The calls of one layer."""
        nodes = entry.get("inbound_nodes") or []
        if not isinstance(nodes, list):
            raise CorruptFileError(f"`inbound_nodes` of layer {owner.name!r} must be a list.")
        return [self._call(node, owner) for node in nodes]

    def _call(self, node: Any, owner: Owner) -> Config:
        if isinstance(node, dict) and "args" in node:
            return node
        kwargs: Config = {}
        inputs = self._inputs(node, kwargs, owner)
        kwargs = {k: v for k, v in kwargs.items() if v is not None or k == "training"}
        if owner.class_name in OPS:
            return {"args": [inputs], "kwargs": kwargs}
        if isinstance(inputs, list) and len(inputs) == 1 and not self.is_reference(node):
            inputs = inputs[0]
        recurrent = owner.class_name in (*RECURRENT, "Bidirectional", "CuDNNLSTM", "CuDNNGRU")
        if recurrent and isinstance(inputs, list) and len(inputs) > 1:
            return {"args": inputs[:1], "kwargs": {**kwargs, "initial_state": inputs[1:]}}
        return {"args": [inputs], "kwargs": kwargs}

    def _inputs(self, node: Any, kwargs: Config, owner: Owner) -> Any:
        """The first argument of a call; further ones are put into `kwargs`."""
        if isinstance(node, list) and len(node) in (3, 4) and isinstance(node[0], str):
            more = node[3] if len(node) == 4 else {}
            kwargs.update({k: self._argument(v) for k, v in (more or {}).items()})
            return node[2] if node[0] == _CONSTANT else self.tensor(node)
        if isinstance(node, dict):
            return {k: self._inputs(v, kwargs, owner) for k, v in node.items()}
        if isinstance(node, list):
            return [self._inputs(part, kwargs, owner) for part in node]
        raise CorruptFileError(
            f"`inbound_nodes` of layer {owner.name!r} must hold lists. Received: {node!r:.60}"
        )

    def _argument(self, value: Any) -> Any:
        if self.is_reference(value):
            return self.tensor(value)
        if isinstance(value, list):
            if len(value) == 3 and value[0] == _CONSTANT:
                return value[2]
            return [self._argument(v) for v in value]
        if isinstance(value, dict):
            return {k: self._argument(v) for k, v in value.items()}
        return value


def upgrade_op(entry: Config, owner: Owner, calls: list[Config]) -> Config:
    """The operation of today for a call of a TensorFlow function in the middle of a model."""
    function = entry["config"].get("function")
    if owner.class_name == "SlicingOpLambda":
        function = "__operators__.getitem"
    if len(calls) != 1:
        raise owner.refuse(f"the TensorFlow function {function!r} is called {len(calls)} times.")
    (call,) = calls
    return upgrade_call(str(function), call["args"][0], call["kwargs"], owner)

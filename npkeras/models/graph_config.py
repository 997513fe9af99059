"""A functional model as JSON, in the form that Keras 3 writes, and back."""

from __future__ import annotations

import inspect

import numpy as np

from npkeras.core import registry, tree
from npkeras.core.attach import get_mask
from npkeras.core.check import is_int
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import Traced
from npkeras.layers.base import Layer
from npkeras.layers.input import InputLayer
from npkeras.layers.signatures import call_signature
from npkeras.models import operations

KEYS = ("layers", "input_layers", "output_layers")  # what tells the config of such a model


def of(model, graph):
    """The config of a functional model."""
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": [_entry(operation, graph) for operation in graph.operations],
        "input_layers": tree.map(lambda x: list(graph.history(x)), model.input),
        "output_layers": tree.map(lambda y: _end(y, graph), model.output),
    }


def _end(tensor, graph):
    """Where an output comes from. Keras counts the calls of a functional model from 1 here."""
    name, call, output = graph.history(tensor)
    return [name, call + _is_functional(graph.node_of(tensor).operation), output]


def _is_functional(operation):
    return hasattr(type(operation), "_connected")


def _entry(operation, graph):
    """The config of an operation, with the calls of it."""
    entry = registry.serialize(operation)
    entry["name"] = operation.name
    nodes = [node for node in graph.nodes[operation.name] if graph.tensors_into(node)]
    entry["inbound_nodes"] = [_call(node, graph) for node in nodes]
    return entry


def _call(node, graph):
    if not isinstance(node.operation, Layer):
        args, kwargs = operations.arguments_of(node), {}
    else:
        args, kwargs = node.args, node.kwargs
        if len(args) == 1 and not kwargs:  # Keras then notes what it fills in
            signature = call_signature(type(node.operation))
            if signature.default_training is not None:
                kwargs = {"training": signature.default_training}
            if signature.takes_mask:
                kwargs = {**kwargs, "mask": graph.masks_of(node).get("mask")}
    return {
        "args": [_argument(value, graph) for value in args],
        "kwargs": {name: _argument(value, graph) for name, value in kwargs.items()},
    }


def _argument(value, graph):
    if isinstance(value, KerasTensor):
        config = {
            "shape": value.shape,
            "dtype": value.dtype,
            "keras_history": list(graph.history(value)),
        }
        return {"class_name": "__keras_tensor__", "config": config}
    if isinstance(value, Traced):
        config = {"value": value.value.tolist(), "dtype": str(value.value.dtype)}
        return {"class_name": "__tensor__", "config": config}
    if isinstance(value, (list, tuple)):
        return [_argument(item, graph) for item in value]
    if isinstance(value, dict):
        return {key: _argument(item, graph) for key, item in value.items()}
    return registry.serialize(value)


def ends_of(config, custom_objects=None):
    """Make the layers and the calls of a config again: the symbolic inputs and outputs."""
    builder = _Builder(custom_objects)
    builder.run(config["layers"])
    return builder.ends(config["input_layers"]), builder.ends(config["output_layers"])


class _Builder:
    """Makes the operations of a config, then their calls as soon as their arguments exist."""

    def __init__(self, custom_objects):
        self.custom_objects = custom_objects
        self.operations = {}
        self.outputs = {}  # name -> the outputs of each call, flat
        self.needed = set()  # (name, call) of what other calls take

    def run(self, entries):
        """Make everything that the entries of a config's `layers` describe."""
        waiting = []
        for entry in entries:
            name = entry.get("name") or entry["config"]["name"]
            self.operations[name] = operation = self._made(entry)
            calls = list(entry.get("inbound_nodes") or [])
            is_input = not calls and isinstance(operation, InputLayer)
            self.outputs[name] = [[operation.output]] if is_input else []
            self.needed.update(place[:2] for call in calls for place in _places_in(call))
            waiting.append((name, calls))
        while waiting:
            left = sum(len(calls) for _, calls in waiting)
            for name, calls in waiting:
                while calls and self._can_be_made(calls[0]):
                    self._call(name, calls.pop(0))
            waiting = [(name, calls) for name, calls in waiting if calls]
            if waiting and sum(len(calls) for _, calls in waiting) == left:
                raise ValueError(
                    "The config of the model cannot be put together: a call of "
                    f"{waiting[0][0]!r} needs the output of a call that the config does not have."
                )

    def _made(self, entry):
        cls = operations.find(entry)
        if cls is not None:
            return cls.from_config(registry.deserialize(entry["config"], self.custom_objects))
        # Without a module, as in `.h5` files, `Identity` is a layer and no initializer.
        bare = not entry.get("module") and entry["class_name"] in registry.table("layers")
        made = registry.deserialize(entry, self.custom_objects, "layers" if bare else None)
        if isinstance(made, Layer) and not made.built and entry.get("build_config"):
            made.build_from_config(entry["build_config"])
        return made

    def _can_be_made(self, call):
        return all(self._has(place) for place in _places_in(call))

    def _has(self, place):
        name, call, _ = place
        return len(self.outputs.get(name, ())) > call

    def _tensor(self, place):
        name, call, output = place[:3]
        try:
            return self.outputs[name][call][output]
        except (KeyError, IndexError):
            raise ValueError(
                f"The config of the model names output {output} of call {call} of {name!r}, which "
                "it does not describe."
            ) from None

    def _call(self, name, call):
        operation = self.operations[name]
        args, kwargs = self._arguments(call)
        if isinstance(operation, Layer):
            kwargs = _without_defaults(operation, args, kwargs)
        outputs = operation(*args, **kwargs)
        self.outputs[name].append(tree.leaves(outputs))

    def _arguments(self, call):
        """What a layer was called with. Keras 2 lists `[layer, call, output, kwargs]` for each."""
        if isinstance(call, dict):
            return self._value(call["args"]), self._value(call["kwargs"])
        if isinstance(call, (list, tuple)) and call and isinstance(call[0], str):
            call = [call]
        tensors = [self._tensor(place) for place in call]
        kwargs = {}
        for place in call:
            kwargs.update(place[3] if len(place) > 3 else {})
        kwargs = {
            key: self._tensor(value) if _is_place(value) else registry.deserialize(value)
            for key, value in kwargs.items()
        }
        return tensors if len(tensors) == 1 else [tensors], kwargs

    def _value(self, value):
        if _is_tensor(value):
            return self._tensor(value["config"]["keras_history"])
        if registry.is_config(value):
            return registry.deserialize(value, self.custom_objects)
        if isinstance(value, (list, tuple)):
            return [self._value(item) for item in value]
        if isinstance(value, dict):
            return {key: self._value(item) for key, item in value.items()}
        return value

    def ends(self, structure):
        """The tensors that `input_layers` or `output_layers` names, in the same nest."""
        named = {}
        for name, call, _ in _places_in(structure):
            named.setdefault(name, set()).add(call)
        first = {name: self._first_call(name, calls) for name, calls in named.items()}
        return self._ends(structure, first)

    def _first_call(self, name, named):
        """From which number the calls are counted among the ends: 1 for a functional model.

        Keras' call 0 is the model itself. What was brought up to date from an older file begins
        with 0, which is seen by the calls that nothing but the ends needs.
        """
        calls = range(len(self.outputs.get(name, ())))
        alone = {call for call in calls if (name, call) not in self.needed}
        from_1 = {call - 1 for call in named}
        return int(_is_functional(self.operations.get(name)) and {*calls} >= from_1 >= alone)

    def _ends(self, structure, first):
        if _is_place(structure):
            name, call, output = structure[:3]
            return self._tensor((name, call - first[name], output))
        if isinstance(structure, dict):
            return {key: self._ends(value, first) for key, value in structure.items()}
        return type(structure)(self._ends(value, first) for value in structure)


def _is_tensor(value):
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _is_place(value):
    return (
        isinstance(value, (list, tuple))
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and is_int(value[1])
        and is_int(value[2])
    )


def _places_in(value):
    """Every `(name, call, output)` in the config of a call."""
    if _is_tensor(value):
        yield tuple(value["config"]["keras_history"])
    elif _is_place(value):
        yield tuple(value[:3])
        yield from _places_in(value[3:])
    elif isinstance(value, dict):
        for item in value.values():
            yield from _places_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _places_in(item)


def _without_defaults(layer, args, kwargs):
    """The keyword arguments without those that are filled in anyhow: the mode and the mask."""
    signature = call_signature(type(layer))
    kept = {
        name: value
        for name, value in kwargs.items()
        if not (value is None and name in ("mask", "training"))
        and not (name == "mask" and not signature.takes_mask)
    }
    if len(args) == 1:
        if kept.get("training") == signature.default_training:
            kept.pop("training", None)
        mask = get_mask(args[0]) if isinstance(args[0], KerasTensor) else None
        if mask is not None and _is_same(mask, kept.get("mask")):
            _take_names(mask, kept.pop("mask"))
    return kept


def _is_same(a, b):
    """Whether two symbolic tensors stand for the same calls of ops on the same tensors."""
    if a is b:
        return True
    if not isinstance(a, KerasTensor) or not isinstance(b, KerasTensor):
        return type(a) is type(b) and not isinstance(a, np.ndarray) and a == b
    if a.node is None or b.node is None or a.node.operation is not b.node.operation:
        return False
    if isinstance(a.node.operation, Layer):
        return False
    ours, theirs = (arguments_by_name(node) for node in (a.node, b.node))
    return len(ours) == len(theirs) and all(map(_is_same, ours, theirs))


def arguments_by_name(node):
    """All arguments of the call of an op, defaults included, in a flat list."""
    bound = inspect.signature(node.operation).bind(*node.args, **node.kwargs)
    bound.apply_defaults()
    return tree.leaves(list(bound.arguments.values()))


def _take_names(mask, named):
    """Give the calls behind a mask the names of those behind another that is the same."""
    if mask is named or mask.node is None:
        return
    mask.node.name = named.node.name
    for ours, theirs in zip(mask.node.inputs, named.node.inputs, strict=True):
        if not isinstance(ours.node and ours.node.operation, Layer):
            _take_names(ours, theirs)

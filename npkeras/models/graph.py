"""The calls between the inputs and the outputs of a model: in Keras' order, and ready to be run."""

from __future__ import annotations

from collections import Counter

from npkeras.core import tree
from npkeras.core.symbolic import KerasTensor, nodes_between
from npkeras.layers.base import Layer
from npkeras.layers.input import InputLayer
from npkeras.models.operations import operation_of


class Graph:
    """The calls that lead from some symbolic tensors to others.

    Args:
        inputs: The tensors to begin with. Where one is not an `Input` but was made by a call, an
            `Input` stands in its place.
        outputs: The tensors to compute.
        entries: The `Input` for each of `inputs`, where they were made before.
    """

    def __init__(self, inputs, outputs, entries=None):
        self.inputs = entries or [_entry(x) for x in inputs]
        self.outputs = outputs
        self._entries = {
            id(x): entry.node for x, entry in zip(inputs, self.inputs, strict=True)
        } | {id(entry): entry.node for entry in self.inputs}
        self._countable: dict[int, bool] = {}  # id(mask) -> whether it comes from the inputs
        order, indices = self._walk()
        keys = self._in_keras_order(order, indices)
        known = set(map(id, order)) | {id(entry.node) for entry in self.inputs}
        self.operations, self.nodes = [], {}
        for node in keys:
            operation = node.operation
            if isinstance(operation, Layer):
                nodes = [n for n in operation._inbound_nodes if id(n) in known]
            else:
                operation, nodes = operation_of(node), [node]
            self.operations.append(operation)
            self.nodes[operation.name] = nodes
        _check_names(self.operations)
        self._places = {
            id(node): (operation.name, i)
            for operation in self.operations
            for i, node in enumerate(self.nodes[operation.name])
        }

    @property
    def layers(self):
        return [operation for operation in self.operations if isinstance(operation, Layer)]

    def history(self, tensor):
        """Which output of which call of which operation a tensor is: `(name, call, output)`."""
        node = self.node_of(tensor)
        if id(tensor) in self._entries:
            return (*self._places[id(node)], 0)
        outputs = tree.leaves(node.outputs)
        return (*self._places[id(node)], [id(y) for y in outputs].index(id(tensor)))

    def node_of(self, tensor):
        """The call that a tensor comes from; for an input of the graph, its `Input`."""
        return self._entries.get(id(tensor), tensor.node)

    def masks_of(self, node):
        """The masks that a call took along, as Keras lists them.

        That is where the call has one argument; masks from within another model do not count.
        """
        if len(node.args) != 1 or node.kwargs:
            return {}
        return {
            name: mask if isinstance(mask, KerasTensor) and self._comes_from_inputs(mask) else None
            for name, mask in node.masks.items()
        }

    def _comes_from_inputs(self, mask):
        if id(mask) in self._entries:
            return True
        node = mask.node
        if node is None or node.name is None or isinstance(node.operation, InputLayer):
            return False
        if id(node) not in self._countable:
            self._countable[id(node)] = all(map(self._comes_from_inputs, node.inputs))
        return self._countable[id(node)]

    def tensors_into(self, node):
        """The symbolic arguments of a call, masks included."""
        if isinstance(node.operation, InputLayer):
            return []
        arguments = [node.args, {**node.kwargs, **self.masks_of(node)}]
        return [x for x in tree.leaves(arguments) if isinstance(x, KerasTensor)]

    def _walk(self):
        """The calls, each after those it depends on; and when each operation was first met."""
        order, indices, finished = [], {}, set()
        for output in self.outputs:
            waiting = [(self.node_of(output), None)]
            while waiting:
                node, before = waiting[-1]
                if before is None:
                    if id(node) in finished:
                        waiting.pop()
                        continue
                    indices.setdefault(_key(node), len(indices))
                    before = iter([self.node_of(x) for x in self.tensors_into(node)])
                    waiting[-1] = node, before
                missing = next((n for n in before if id(n) not in finished), None)
                if missing is not None:
                    waiting.append((missing, None))
                    continue
                waiting.pop()
                finished.add(id(node))
                order.append(node)
        return order, indices

    def _in_keras_order(self, order, indices):
        """One call of each operation: those farthest from the outputs first."""
        depths, of_operation, first = {}, {}, {}
        for node in reversed(order):
            key = _key(node)
            depth = max(depths.get(id(node), 0), of_operation.get(key, 0))
            of_operation[key] = depths[id(node)] = depth
            first[key] = node
            for x in self.tensors_into(node):
                parent = id(self.node_of(x))
                depths[parent] = max(depth + 1, depths.get(parent, 0))
        for entry in self.inputs:  # those that nothing needs
            key = _key(entry.node)
            if key not in of_operation:
                of_operation[key], indices[key], first[key] = 0, -1, entry.node
        keys = sorted(of_operation, key=lambda key: (-of_operation[key], indices[key]))
        return [first[key] for key in keys]


def _key(node):
    """What tells operations apart: a layer is one, however often it is called."""
    return id(node.operation) if isinstance(node.operation, Layer) else id(node)


def _entry(x):
    """The tensor itself if it is an `Input`; otherwise an `Input` to stand in its place."""
    if x.node is not None and isinstance(x.node.operation, InputLayer):
        return x
    return InputLayer(batch_shape=x.shape, dtype=x.dtype, name=f"{x.name}CLONE").output


def calls_of(inputs, outputs):
    """The calls to be made, in order.

    Raises:
        ValueError: If an output depends on an input that is not among the given ones.
    """
    nodes = nodes_between(inputs, outputs)
    for node in nodes:
        if isinstance(node.operation, InputLayer):
            raise ValueError(
                "The outputs of the model are not connected to its `inputs` alone: they also need "
                f"the input {node.operation.name!r}, {node.outputs!r}. Add it to `inputs`."
            )
    return nodes


def _check_names(operations):
    counts = Counter(operation.name for operation in operations)
    for name, count in counts.items():
        if count > 1:
            raise ValueError(
                f"The name {name!r} is used {count} times in the model. All operations of a model "
                "need names of their own."
            )

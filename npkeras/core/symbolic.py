"""Arrays to come: shapes and dtypes without values, and the calls that connect them."""

from __future__ import annotations

import threading
from typing import Any, NamedTuple

import numpy as np

from npkeras.core import check, names, tree
from npkeras.core.attach import attach, get_mask
from npkeras.core.dtypes import ALLOWED, standardize_dtype
from npkeras.core.tape import Operators


class _Thread(threading.local):
    inferring = False  # whether a layer's `call` runs on shapes only
    made_up = False  # whether lengths were made up for that, where they are not known


thread = _Thread()


def _lengths(shape: Any) -> tuple[int | None, ...]:
    for length in shape if type(shape) is tuple or type(shape) is list else (-1,):
        if length is not None and (type(length) is not int or length < 0):
            return check.shape(shape, "shape", "KerasTensor")
    return tuple(shape)  # nearly always; checking with care takes ten times as long


class UnknownLengthError(TypeError):
    """A length is wanted that is not known while models are built."""


class KerasHistory(NamedTuple):
    """Where a symbolic tensor comes from.

    Args:
        operation: The layer, model or op that made it.
        node_index: Which of the symbolic calls of a layer or model that was. 0 for an op.
        tensor_index: Which of the outputs of that call it is.
    """

    operation: Any
    node_index: int
    tensor_index: int


class KerasTensor(Operators):
    """The shape and dtype of an array to come. An axis of unknown length is None."""

    __slots__ = ("shape", "dtype", "name", "node", "notes", "sparse", "__weakref__")

    def __init__(
        self,
        shape: Any,
        dtype: str = "float32",
        sparse: bool = False,
        ragged: bool = False,
        record_history: bool = True,
        name: str | None = None,
    ) -> None:
        if ragged:
            raise ValueError(
                "Ragged tensors are not supported: rows of different lengths do not make an array. "
                "Pad them to one length, with a mask. Received: ragged=True"
            )
        self.shape = _lengths(shape)
        self.dtype = dtype if type(dtype) is str and dtype in ALLOWED else standardize_dtype(dtype)
        self.sparse = sparse
        # Those within a layer's `call` are seen by nobody, and not counted.
        self.name = name or ("inner" if thread.inferring else names.auto_name("KerasTensor"))
        self.node: Node | None = None  # the call that made it; None for an input
        self.notes: dict[str, Any] | None = None

    ndim = property(lambda self: len(self.shape))
    ragged = False

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise ValueError(
            f"{self!r} has no values yet: it stands for an array to come. Use `npkeras.ops`, or "
            "NumPy functions that have an op, on it."
        )

    __float__ = __int__ = __array__

    def __bool__(self) -> bool:
        raise TypeError(f"{self!r} has no values yet, so it is neither true nor false.")

    def __len__(self) -> int:
        if not self.shape or self.shape[0] is None:
            raise TypeError(f"The length of {self!r} is not known.")
        return self.shape[0]

    def __iter__(self) -> Any:
        # Within a layer's `call` it stands for an array, which can be walked along.
        if thread.inferring and self.shape and self.shape[0] is not None:
            return (self[i] for i in range(len(self)))  # type: ignore[index]
        raise NotImplementedError(
            f"{self!r} has no values yet, so there is nothing to go through one by one. "
            "`ops.unstack(x, axis=...)` makes a list of its slices."
        )

    def reshape(self, newshape: Any) -> Any:
        """The same entries in another shape, as `ops.reshape`."""
        return np.reshape(self, newshape)  # type: ignore[call-overload]

    def squeeze(self, axis: Any = None) -> Any:
        """Without axes of length 1, as `ops.squeeze`."""
        return np.squeeze(self, axis)  # type: ignore[call-overload]

    # Under the names that Keras has for them. What is not there is an AttributeError.

    @property
    def _keras_history(self) -> KerasHistory:
        if self.node is None:
            raise AttributeError(f"{self!r} was not made by a layer or an op.")
        calls = [id(node) for node in getattr(self.node.operation, "_inbound_nodes", ())]
        outputs = [id(y) for y in tree.leaves(self.node.outputs)]
        index = calls.index(id(self.node)) if id(self.node) in calls else 0
        return KerasHistory(self.node.operation, index, outputs.index(id(self)))

    @property
    def _keras_mask(self) -> Any:
        mask = get_mask(self)
        if mask is None:
            raise AttributeError(f"{self!r} has no mask.")
        return mask

    @_keras_mask.setter
    def _keras_mask(self, mask: Any) -> None:
        attach(self, "mask", mask)


class Node:
    """One call of an operation on symbolic tensors.

    `masks` are those that `call` takes by keyword and that came along with the other arguments.
    `name` is that of an op's call; a layer has its own. It is None for calls within a layer's
    `call`, which no model lists.
    """

    __slots__ = ("operation", "args", "kwargs", "outputs", "name", "masks")

    def __init__(self, operation: Any, args: Any, kwargs: Any, outputs: Any) -> None:
        self.operation, self.args, self.kwargs, self.outputs = operation, args, kwargs, outputs
        self.masks: dict[str, Any] = {}
        self.name: str | None = None

    @property
    def inputs(self) -> list[KerasTensor]:
        return [x for x in tree.leaves([self.args, self.kwargs]) if isinstance(x, KerasTensor)]


def apply(operation: Any, args: Any, kwargs: Any) -> Any:
    """Call an operation on symbolic tensors: infer what comes out, remember the call."""
    outer, thread.inferring = thread.inferring, True
    try:
        outputs = operation.infer(*args, **kwargs)
    finally:
        thread.inferring = outer
    given = {id(x) for x in tree.leaves([args, kwargs])}
    outputs = tree.map(lambda y: _another(y) if id(y) in given else y, outputs)
    return remember(operation, args, kwargs, outputs)


def _another(x: Any) -> Any:
    return KerasTensor(x.shape, x.dtype) if isinstance(x, KerasTensor) else x


def remember(operation: Any, args: Any, kwargs: Any, outputs: Any) -> Any:
    """Note which call the symbolic tensors in `outputs` came from.

    The nests are copied: the caller may go on to append to a list that was an argument.
    """
    args, kwargs = tree.map(_same, args), tree.map(_same, kwargs)
    node = Node(operation, args, kwargs, outputs)
    if not thread.inferring:
        is_layer = hasattr(operation, "_inbound_nodes")
        node.name = operation.name if is_layer else names.auto_name(operation.name)
    for tensor in tree.leaves(outputs):
        if isinstance(tensor, KerasTensor):
            tensor.node = node
    return outputs


def _same(x: Any) -> Any:
    return x


def nodes_between(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> list[Node]:
    """The calls that lead from `inputs` to `outputs`, each after those it depends on."""
    known, order, waiting = {id(x) for x in inputs}, [], list(outputs)
    while waiting:
        tensor = waiting[-1]
        if id(tensor) in known:
            waiting.pop()
        elif tensor.node is None:
            raise ValueError(f"{tensor!r} cannot be computed from the inputs of the model.")
        elif missing := [x for x in tensor.node.inputs if id(x) not in known]:
            waiting.extend(missing)
        else:
            order.append(tensor.node)
            known.update(id(x) for x in tree.leaves(tensor.node.outputs))
    return order


def replay(nodes: list[Node], values: dict[int, Any]) -> dict[int, Any]:
    """Make the same calls again on other values; `values` maps id(tensor) to its value."""

    def value_of(x: Any) -> Any:
        return values[id(x)] if isinstance(x, KerasTensor) else x

    for node in nodes:
        result = node.operation(*tree.map(value_of, node.args), **tree.map(value_of, node.kwargs))
        outputs = map(id, tree.leaves(node.outputs))
        values.update(zip(outputs, tree.leaves(result), strict=True))
    return values


def is_symbolic(structure: Any) -> bool:
    """Whether a symbolic tensor is among the leaves."""
    return any(isinstance(leaf, KerasTensor) for leaf in tree.leaves(structure))

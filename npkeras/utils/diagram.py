"""What a picture of a model shows: boxes, groups of boxes, and arrows between them."""

from __future__ import annotations

from npkeras.core import tree
from npkeras.layers.base import Layer
from npkeras.layers.input import InputLayer
from npkeras.models.functional import Functional
from npkeras.models.model import Model
from npkeras.models.sequential import Sequential


class Box:
    """A layer or an op: its headline, and facts as pairs `(label, value)`.

    `path` holds the names of the models around it, then its own: no two boxes have the same.
    `sort` is "input", "layer", "model" or "op".
    """

    def __init__(self, path, name, kind, sort, facts):
        self.path, self.name, self.kind, self.sort, self.facts = path, name, kind, sort, facts

    @property
    def ends(self):
        """The paths of the boxes that are fed the inputs, and of those that make the outputs."""
        return [self.path], [self.path]


class Group:
    """A model taken apart: its boxes and groups in the order of the model, and its ends."""

    def __init__(self, path, items, ends):
        self.path, self.items, self.ends = path, items, ends
        self.name = path[-1] if path else ""


class Shown:
    """Which facts a picture shows."""

    def __init__(self, names, shapes, dtype, activations, trainable, expand_nested):
        self.names, self.shapes, self.dtype = names, shapes, dtype
        self.activations, self.trainable = activations, trainable
        self.expand_nested = expand_nested


def diagram_of(model, shown):
    """The outermost group, and the arrows as pairs of paths of boxes."""
    if not isinstance(model, Layer):
        raise ValueError(
            f"A picture is made of a model or a layer. Received: {model!r:.80} (of type "
            f"{type(model).__name__})"
        )
    if not model.built:
        raise ValueError(
            f"{type(model).__name__} {model.name!r} is not built yet, so there is nothing to draw. "
            "Call it on data or call its `build` first, or begin a Sequential with an `Input`."
        )
    taker = _Taker(shown)
    return taker.apart(model, ()), list(taker.arrows)


class _Taker:
    """Takes models apart and collects the arrows on the way."""

    def __init__(self, shown):
        self.shown = shown
        self.arrows = {}  # pairs of paths, each once

    def apart(self, model, path):
        if isinstance(model, Functional):
            return self._web(model, path)
        if isinstance(model, Sequential):
            return self._chain(model, path)
        box = self._box(model, [], path)
        return Group(path, [box], box.ends)

    def _item(self, operation, nodes, path):
        if self.shown.expand_nested and isinstance(operation, (Functional, Sequential)):
            return self.apart(operation, (*path, operation.name))
        return self._box(operation, nodes, path)

    def _chain(self, model, path):
        calls = _calls_in(model)
        items = [self._item(layer, calls[layer.name], path) for layer in model.layers]
        for one, other in zip(items, items[1:], strict=False):
            for i in range(max(len(one.ends[1]), len(other.ends[0]))):
                self._arrow(one, i, other, i)
        return Group(path, items, (items[0].ends[0], items[-1].ends[1]))

    def _web(self, model, path):
        graph = model._connected
        found = {
            operation.name: self._item(operation, graph.nodes[operation.name], path)
            for operation in graph.operations
        }
        for name, item in found.items():
            for node in graph.nodes[name]:
                for x, position in _given(node, graph):
                    source, _, output = graph.history(x)
                    self._arrow(found[source], output, item, position)
        entries = [found[graph.history(x)[0]].path for x in model.inputs]
        ends = [graph.history(y) for y in model.outputs]
        exits = [_entry(found[name].ends[1], output) for name, _, output in ends]
        return Group(path, list(found.values()), (entries, exits))

    def _arrow(self, source, output, target, position):
        arrow = _entry(source.ends[1], output), _entry(target.ends[0], position)
        self.arrows[arrow] = True

    def _box(self, operation, nodes, path):
        kind = type(operation).__name__
        name = operation.name if self.shown.names else None
        facts = self._facts(operation, nodes)
        return Box((*path, operation.name), name, kind, _sort_of(operation), facts)

    def _facts(self, operation, nodes):
        shown, facts = self.shown, []
        activation = getattr(operation, "activation", None)
        if shown.activations and activation is not None:
            facts.append(("Activation", _name_of(activation)))
        if shown.shapes:
            if not isinstance(operation, InputLayer):
                facts.append(("Input shape", _shapes([node.inputs for node in nodes])))
            facts.append(("Output shape", _shapes([node.outputs for node in nodes])))
        if shown.dtype:
            facts.append(("Output dtype", _dtypes([node.outputs for node in nodes])))
        if shown.trainable and isinstance(operation, Layer) and operation.weights:
            facts.append(("Trainable", "yes" if operation.trainable else "no"))
        return facts


def _sort_of(operation):
    if isinstance(operation, InputLayer):
        return "input"
    if isinstance(operation, Model):
        return "model"
    return "layer" if isinstance(operation, Layer) else "op"


def _calls_in(model):
    """For each layer of a Sequential its call in there, by name; none where it is not known."""
    calls = {layer.name: [] for layer in model.layers}
    if model._outputs is not None:
        outputs = model._outputs
        for layer in reversed(model.layers):
            node = tree.leaves(outputs)[0].node
            if node is None or node.operation is not layer:
                break  # a layer that hands on what it was given
            calls[layer.name].append(node)
            outputs = node.args[0]
    return calls


def _given(node, graph):
    """The symbolic arguments of a call, each with its position among the model's inputs."""
    model, inputs = node.operation, node.args[0] if node.args else node.kwargs.get("inputs")
    while isinstance(model, Sequential):
        model = model.layers[0]
    ordered = isinstance(model, Functional) and type(model).call is Functional.call
    flat = model._flat(inputs) if ordered and inputs is not None else []
    for x in graph.tensors_into(node):
        positions = [i for i, y in enumerate(flat) if y is x]
        yield from ((x, position) for position in positions or [0])


def _entry(paths, i):
    """The path for an input or output; a box has the same for all."""
    return paths[min(i, len(paths) - 1)]


def _shapes(structures):
    return _each(structures, lambda tensor: tuple(tensor.shape))


def _dtypes(structures):
    return _each(structures, lambda tensor: tensor.dtype)


def _each(structures, fact):
    """A fact of the tensors of each call; those of several calls only where they differ."""
    texts = []
    for structure in structures:
        found = [fact(x) for x in tree.leaves(structure) if x is not None]
        alike = len(found) == 1 or len({*found}) == 1 and isinstance(found[0], str)
        value = found[0] if alike else found
        texts.append(str(value).replace("'", ""))
    return " or ".join(dict.fromkeys(texts)) or "?"


def _name_of(activation):
    for attribute in ("name", "__name__"):
        if isinstance(name := getattr(activation, attribute, None), str):
            return name
    return type(activation).__name__

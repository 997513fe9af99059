"""Running the calls of a graph on values: what can be decided before is decided once."""

from __future__ import annotations

from npkeras.core import tree
from npkeras.core.symbolic import KerasTensor


class _Slot:
    """The place of a value, within a nest of arguments."""

    __slots__ = ("index",)

    def __init__(self, index):
        self.index = index


class Runner:
    """Makes the calls of a graph again, on values.

    Values lie in a list, each at a place of its own; constants have theirs too. A value is let go
    after the last call that needs it.

    Args:
        inputs, outputs: The symbolic tensors at the ends.
        calls: The calls between them, in order.
    """

    def __init__(self, inputs, outputs, calls):
        self._places = {id(x): i for i, x in enumerate(inputs)}
        self._blank = [None] * len(inputs)
        self._calls = []
        for node in calls:
            self._calls.append(self._prepared(node))
        self.outputs = [self._places[id(y)] for y in outputs]
        self._calls = _with_ends(self._calls, set(self.outputs))
        del self._places

    def _new_place(self, value=None):
        self._blank.append(value)
        return len(self._blank) - 1

    def _prepared(self, node):
        """What to call, the places of its arguments, other arguments, and places of results."""
        plain = not any(map(_is_nest_of_tensors, [*node.args, *node.kwargs.values()]))
        plain = plain and not any(isinstance(x, KerasTensor) for x in node.kwargs.values())
        if plain:
            places = [
                self._places[id(x)] if isinstance(x, KerasTensor) else self._new_place(x)
                for x in node.args
            ]
            nest, options = None, dict(node.kwargs)
        else:
            places, options = None, {}
            nest = tree.map(self._slot_or_constant, (tuple(node.args), dict(node.kwargs)))
        results = [
            self._result_place(y) if isinstance(y, KerasTensor) else None
            for y in tree.leaves(node.outputs)
        ]
        single = isinstance(node.outputs, KerasTensor)
        return node.operation, places, nest, options, results[0] if single else results

    def _slot_or_constant(self, x):
        return _Slot(self._places[id(x)]) if isinstance(x, KerasTensor) else x

    def _result_place(self, y):
        place = self._places[id(y)] = self._new_place()
        return place

    def run(self, inputs, training=None):
        """The values of the outputs. A mode that is given goes before that of single calls."""
        values = self._blank.copy()
        values[: len(inputs)] = inputs
        for operation, places, nest, options, quiet, results, ended in self._calls:
            if training is not None:
                options = quiet
            if nest is None:
                result = operation(*[values[i] for i in places], **options)
            else:
                args, kwargs = _filled(nest, values)
                if training is not None:
                    kwargs.pop("training", None)
                result = operation(*args, **kwargs)
            if type(results) is int:
                values[results] = result
            else:
                for place, value in zip(results, tree.leaves(result), strict=True):
                    if place is not None:
                        values[place] = value
            for i in ended:
                values[i] = None
        return [values[i] for i in self.outputs]


def _is_nest_of_tensors(value):
    return tree.is_nested(value) and any(isinstance(x, KerasTensor) for x in tree.leaves(value))


def _filled(nest, values):
    kind = type(nest)
    if kind is _Slot:
        return values[nest.index]
    if kind is list:
        return [_filled(item, values) for item in nest]
    if kind is tuple:
        return tuple([_filled(item, values) for item in nest])
    if kind is dict:
        return {key: _filled(item, values) for key, item in nest.items()}
    if tree.is_nested(nest):
        return tree.map(lambda x: values[x.index] if type(x) is _Slot else x, nest)
    return nest


def _with_ends(calls, kept):
    """The calls, each with the places whose values nobody needs after it."""
    seen, complete = set(kept), []
    for operation, places, nest, options, results in reversed(calls):
        used = places if nest is None else _places_in(nest)
        made = [results] if isinstance(results, int) else [r for r in results if r is not None]
        ended = [i for i in dict.fromkeys([*used, *made]) if i not in seen]
        seen.update(used)
        quiet = {key: value for key, value in options.items() if key != "training"}
        complete.append((operation, places, nest, options, quiet, results, ended))
    return complete[::-1]


def _places_in(nest):
    return [x.index for x in tree.leaves(nest) if type(x) is _Slot]

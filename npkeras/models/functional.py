"""Functional models: a graph of symbolic calls as a layer that learns."""

from __future__ import annotations

import inspect

import numpy as np

from npkeras import ops
from npkeras.core import check, tree
from npkeras.core.attach import get_mask, set_mask
from npkeras.core.deferred import chaining
from npkeras.core.dtypes import dtype_of, numpy_dtype
from npkeras.core.registry import register
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import Traced
from npkeras.core.texts import as_texts
from npkeras.layers.base import Layer
from npkeras.layers.signatures import is_users
from npkeras.models import graph_config
from npkeras.models.graph import Graph, calls_of
from npkeras.models.model import Model
from npkeras.models.runner import Runner


@register("functional")
class Functional(Model):
    """A model made of symbolic calls: `Model(inputs, outputs)` makes one.

    Args:
        inputs: Symbolic tensors, as `Input` gives them: one, or a list or dict of them. Those in
            the middle of another model will do too.
        outputs: What was computed from them, in any nest.
        name: A name.
        trainable: Whether the weights are to be trained, where their layers' are. None: they are.

    Example:
        >>> left, right = npkeras.Input((4,)), npkeras.Input((4,))
        >>> shared = npkeras.layers.Dense(8, activation="relu")
        >>> distance = ops.sum((shared(left) - shared(right)) ** 2, axis=-1, keepdims=True)
        >>> model = npkeras.Model([left, right], distance)
        >>> model([np.ones((2, 4)), np.zeros((2, 4))]).shape
        (2, 1)
    """

    supports_masking = True
    not_in_config = frozenset({"inputs", "outputs"})  # those of a subclass follow from its own

    def __init__(self, inputs, outputs, name=None, trainable=None, **kwargs):
        dtype = kwargs.pop("dtype", None)
        kwargs.pop("autocast", None)
        check.no_more(kwargs, "`Model(inputs, outputs)`")
        Layer.__init__(self, name=name, dtype=dtype, autocast=False)
        given, computed = _checked(inputs, "inputs"), _checked(outputs, "outputs")
        calls = calls_of(given, computed)
        self._graph = Graph(given, computed)
        self._layers = self._graph.layers
        self._ends = _Ends(given, self._graph.inputs, computed)
        self._input_form = tree.pack(inputs, self._graph.inputs)
        self._output_form = outputs
        self._runner = Runner(given, computed, calls)
        self._expected = [
            _Expected(i, entry, x, calls, computed)
            for i, (entry, x) in enumerate(zip(self._graph.inputs, given, strict=True))
        ]
        self.built = True
        if trainable is not None:
            self._trainable = bool(trainable)

    def build(self, input_shape=None):
        """Nothing is left to be done: the layers were built when they were called."""

    def call(self, inputs, training=None, mask=None):
        values = self._standardized(inputs)
        if mask is not None:
            values = [_masked(x, m) for x, m in zip(values, self._flat_masks(mask), strict=True)]
        with chaining() as chain:
            results = self._runner.run(values, training)
        results = [chain.result(x) for x in results]
        form = self._output_form
        if isinstance(form, KerasTensor):
            return results[0]
        if len(form) == 1 and isinstance(form, (list, tuple)):
            if not isinstance(results[0], KerasTensor) and not tree.is_nested(form[0]):
                return results[0]  # as in Keras
        return tree.pack(form, results)

    def compute_mask(self, inputs, previous_mask=None):
        return None  # the layers within have set theirs

    def add_loss(self, loss):
        """Not supported, as in Keras 3: a graph has no place for a loss."""
        raise NotImplementedError(
            "`add_loss` cannot add a term to a functional model. Received: "
            f"{check.shown(loss)} for model {self.name!r}. Make a layer that calls "
            "`self.add_loss(...)` in its `call`, and put it into the graph; or subclass `Model` "
            "and add the term in `compute_loss` or `train_step`."
        )

    def _standardized(self, inputs):
        """The inputs as a flat list of arrays, with the axes and dtypes that are expected."""
        if isinstance(self._input_form, KerasTensor) and not tree.is_nested(inputs):
            return [self._expected[0].take(inputs, self)]
        flat = self._flat(inputs)
        return [expected.take(x, self) for expected, x in zip(self._expected, flat, strict=True)]

    def _flat(self, inputs):
        """The inputs in order: by their names if they come as a dict, else as they come."""
        if isinstance(inputs, dict):
            keys = self._keys_of_inputs()
            missing = [key for key in keys if key not in inputs]
            if missing:
                raise ValueError(
                    f"Model {self.name!r} expects a dict with the keys {keys}. Received one with "
                    f"the keys {list(inputs)}: data for {missing[0]!r} are missing."
                )
            inputs = [inputs[key] for key in keys]
        elif len(self._expected) == 1 and _is_numbers(inputs):
            inputs = np.asarray(inputs)
        flat = tree.leaves(inputs)
        if len(flat) != len(self._expected):
            names = ", ".join(repr(expected.name) for expected in self._expected)
            raise ValueError(
                f"Model {self.name!r} expects {len(self._expected)} inputs: {names}. "
                f"Received {len(flat)}. Give them as a list in this order, or as a dict."
            )
        return flat

    def _flat_masks(self, mask):
        """The masks of the inputs, in the order of `_flat`."""
        if isinstance(mask, dict):
            mask = [mask.get(key) for key in self._keys_of_inputs()]
        return tree.leaves(mask)

    def _keys_of_inputs(self):
        """The keys of a dict of inputs, in the order in which its leaves are expected."""
        if isinstance(self._input_form, dict):
            return tree.keys(self._input_form)
        return [expected.name for expected in self._expected]

    def _check_positional(self, arg):
        """What is no array is made one, or refused, when it is known what is expected."""

    @property
    def layers(self):
        """The layers, those of the inputs among them, in the order in which Keras has them."""
        return list(self._layers)

    @property
    def operations(self):
        """The layers, and the ops between them."""
        return list(self._connected.operations)

    @property
    def _connected(self):
        """The graph. It is made anew in copies, whose tensors are others."""
        if self._graph is None:
            self._graph = Graph(self._ends.given, self._ends.outputs, self._ends.entries)
        return self._graph

    def __getstate__(self):
        # With the calls first, in their order, a copy of a deep model needs no deep stack.
        calls = calls_of(self._ends.given, self._ends.outputs)
        return {"_calls": [node.outputs for node in calls], **vars(self), "_graph": None}

    def __setstate__(self, state):
        vars(self).update(state)
        del self._calls

    @property
    def inputs(self):
        """The symbolic inputs, in a flat list."""
        return list(self._ends.entries)

    @property
    def outputs(self):
        """The symbolic outputs, in a flat list."""
        return list(self._ends.outputs)

    @property
    def input(self):
        """The symbolic inputs, in the form in which they were given."""
        return self._input_form

    @property
    def output(self):
        """The symbolic outputs, in the form in which they were given."""
        return self._output_form

    @property
    def input_shape(self):
        return _one_or_all([x.shape for x in self.inputs])

    @property
    def output_shape(self):
        return _one_or_all([y.shape for y in self.outputs])

    @property
    def output_names(self):
        """The names of the operations that make the outputs."""
        return [self._connected.history(y)[0] for y in self.outputs]

    def _output_names(self):
        form = self._output_form
        flat = isinstance(form, dict) and not any(map(tree.is_nested, form.values()))
        return None if flat else self.output_names  # the keys of a dict are names enough

    def get_build_config(self):
        return {"input_shape": None}

    def build_from_config(self, config):
        """Nothing is left to be done."""

    def get_config(self):
        """What `from_config` needs to make a model like this one: its layers and their calls."""
        if not takes_inputs_and_outputs(type(self)):
            return super().get_config()
        return graph_config.of(self, self._connected)


Model._functional_class = Functional


class _Ends:
    """The tensors at both ends of a model, flat."""

    def __init__(self, given, entries, outputs):
        self.given, self.entries, self.outputs = given, entries, outputs


class _Expected:
    """What is known of one input before it comes."""

    def __init__(self, position, entry, given, calls, outputs):
        self.position, self.name = position, entry.node.operation.name
        self.shape, self.dtype = entry.shape, numpy_dtype(entry.dtype)
        self.dtype_name = entry.dtype
        self.optional = entry.node.operation.optional
        readers = [node.operation for node in calls if any(x is given for x in node.inputs)]
        # Numbers of words stay whole: a layer that takes them as they are looks them up.
        self.whole = bool(readers) and all(map(_takes_whole, readers))
        self.whole = self.whole and not any(y is given for y in outputs)

    def take(self, x, model):
        """The value as an array with the expected axes, in the expected dtype."""
        if x is None:
            if self.optional:
                return None
            raise ValueError(
                f"Input {self.name!r} of model {model.name!r} is not optional. Received: None"
            )
        if not isinstance(x, (np.ndarray, Traced, KerasTensor)):
            x = np.asarray(x)
        if self.dtype_name == "string" and isinstance(x, np.ndarray) and x.dtype.kind in "OS":
            texts = as_texts(x)
            x = x if texts is None else texts
        value = x
        if not self._fits(x.shape):
            value = self._with_axes(x, model)
        if value.dtype != self.dtype and not self._may_stay(value):
            value = ops.cast(value, self.dtype_name)
        if value is not x and get_mask(x) is not None:
            set_mask(value, get_mask(x))
        return value

    def _fits(self, shape):
        expected = self.shape
        if len(shape) != len(expected):
            return False
        for n, wanted in zip(shape[1:], expected[1:], strict=True):
            if n != wanted and wanted is not None and n is not None:
                return False
        return True

    def _with_axes(self, x, model):
        shape, expected = tuple(x.shape), self.shape
        if len(shape) == len(expected) + 1 and shape[-1] == 1 and self._fits(shape[:-1]):
            return ops.squeeze(x, -1)
        if len(shape) == len(expected) - 1 and expected[-1] == 1 and self._fits((*shape, 1)):
            return ops.expand_dims(x, -1)
        advice = ""
        if self._fits((None, *shape)):
            advice = ". Is the axis of the samples missing? `x[None]` is a batch of one sample"
        raise ValueError(
            f"Input {self.position}, {self.name!r}, of model {model.name!r} has another shape than "
            f"expected: expected shape={expected}, found shape={shape}{advice}"
        )

    def _may_stay(self, x):
        if dtype_of(x) == self.dtype_name:
            return True
        return self.whole and dtype_of(x).startswith(("int", "uint"))


def _takes_whole(operation):
    return isinstance(operation, Layer) and not operation.autocast and not is_users(type(operation))


def _checked(structure, what):
    """The leaves of inputs or outputs, which must be symbolic."""
    flat = tree.leaves(structure)
    for leaf in flat:
        if not isinstance(leaf, KerasTensor):
            raise ValueError(
                f"All `{what}` of a model must be KerasTensors, as `Input` and calls on them give. "
                f"Received: {check.shown(leaf)} (of type {type(leaf).__name__})"
            )
    if not flat:
        raise ValueError(f"A model needs `{what}`. Received: {what}={structure!r}")
    return flat


def _masked(x, mask):
    if x is None or mask is None or get_mask(x) is not None:
        return x
    if isinstance(x, np.ndarray):
        x = x.view()  # the caller's own array stays without a mask
    set_mask(x, mask)
    return x


def _is_numbers(value):
    return isinstance(value, (list, tuple)) and all(
        isinstance(leaf, (bool, int, float, np.generic)) for leaf in tree.leaves(value)
    )


def _one_or_all(shapes):
    return shapes[0] if len(shapes) == 1 else shapes


def takes_inputs_and_outputs(cls):
    """Whether a class of models is made as `Functional` is."""
    parameters = [*inspect.signature(cls.__init__).parameters][1:3]
    return parameters == ["inputs", "outputs"] or cls.__init__ is Model.__init__

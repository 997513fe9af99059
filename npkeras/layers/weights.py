"""The weights of a layer: made, found, counted, read and replaced."""

from __future__ import annotations

import contextlib
import threading
import weakref

import numpy as np

from npkeras import constraints, initializers, regularizers
from npkeras.core import check, names, tree
from npkeras.core.dtypes import is_float, standardize_dtype
from npkeras.core.random import SeedGenerator
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import Traced, plain
from npkeras.core.variable import Variable
from npkeras.layers.calls import _context
from npkeras.layers.tracking import Owner, found_in, parts_of
from npkeras.metrics.base import Metric

_with_losses = weakref.WeakSet()  # the layers whose last call added losses: nearly always none


class _Look(threading.local):
    layer = found = None


_look = _Look()


class _LookingOnce:
    def __init__(self, layer):
        self.layer, self.found = layer, None

    def __enter__(self):
        self.outer = _look.layer, _look.found
        _look.layer, _look.found = self.layer, self.found

    def __exit__(self, *error):
        self.found = _look.found
        _look.layer, _look.found = self.outer


class WeightKeeper(Owner):
    """What a layer has: variables, layers within, penalties, metrics."""

    untracked = frozenset(
        {"_losses", "_given", "_loss_tracker", "_compile_config", "_inbound_nodes", "optimizer"}
        | {"_long_without_parts"}
    )

    weights_in_files = None  # attributes whose weights go into files, in this order; None: all

    def add_weight(
        self,
        *args,
        shape=None,
        initializer=None,
        dtype=None,
        trainable=True,
        autocast=True,
        regularizer=None,
        constraint=None,
        aggregation="none",
        overwrite_with_gradient=False,
        name=None,
    ):
        """Make a `Variable` that belongs to this layer.

        Args:
            shape: Its shape; `()` if None. It, `initializer` and `dtype` need no keyword.
            initializer: What it is before training. None: Glorot uniform for floats, else zeros.
            dtype: Its dtype. None: the layer's `variable_dtype`.
            trainable: Whether it is to be trained.
            autocast: Whether it is read in the layer's compute dtype.
            regularizer: A penalty on it, added to the loss.
            constraint: Applied to it after every update.
            aggregation, overwrite_with_gradient: Taken for Keras' sake.
            name: Its name.
        """
        if args and isinstance(args[0], str):
            raise ValueError(
                "`add_weight` takes the name by keyword: `add_weight(shape=..., name=...)`. "
                f"Received: add_weight({args[0]!r}, ...)"
            )
        if len(args) > 3:
            raise TypeError(
                "`add_weight` takes at most `shape`, `initializer` and `dtype` without a keyword. "
                f"Received: {len(args)} arguments without one"
            )
        shape, initializer, dtype = (*args, *(shape, initializer, dtype)[len(args) :])
        if self._build_shapes is not None:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) is built: its weights are made once, "
                f"in `__init__` or `build`. Received one more: name={name!r}, shape={shape}"
            )
        dtype = self.variable_dtype if dtype is None else standardize_dtype(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if is_float(dtype) else "zeros"
        with contextlib.nullcontext() if self._building else names.name_scope(self.name):
            variable = Variable(
                initializers.get(initializer),
                shape=() if shape is None else shape,
                dtype=dtype,
                trainable=trainable and self._trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
            )
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._own_variables()
        own = self._trainable_variables if trainable else self._non_trainable_variables
        own.append(variable)
        return variable

    def add_variable(
        self,
        shape,
        initializer,
        dtype=None,
        trainable=True,
        autocast=True,
        regularizer=None,
        constraint=None,
        name=None,
    ):
        """An older name of `add_weight`."""
        return self.add_weight(
            shape=shape,
            initializer=initializer,
            dtype=dtype,
            trainable=trainable,
            autocast=autocast,
            regularizer=regularizer,
            constraint=constraint,
            name=name,
        )

    def add_metric(self, *args, **kwargs):
        """Gone, as in Keras 3: the message says what to do instead."""
        raise NotImplementedError(
            "`add_metric` is gone from layers and models, as in Keras 3. Received: a call on "
            f"{self.name!r} ({type(self).__name__}). For a metric of the outputs, use "
            "`compile(metrics=[...])`. For one of a value inside, make it in `__init__`, as in "
            "`self.size = metrics.Mean(name='size')`, and feed it in `call`: "
            "`self.size.update_state(value)`."
        )

    def _own_variables(self):
        """This layer's own weights: trainable ones first, each in order of creation.

        A `Variable` put into an attribute joins them when the layer is next looked at.
        """
        return self._with_own(parts_of(self))

    def _with_own(self, parts):
        """This layer's own weights, those among its parts included."""
        known = [*self._trainable_variables, *self._non_trainable_variables]
        variables = [part for part in parts if isinstance(part, Variable)]
        if len(variables) == len(known) == len(set(map(id, known))):
            return known  # every one of `known` is among the parts
        ids = set(map(id, known))
        for variable in variables:
            if id(variable) not in ids:
                own = (
                    self._trainable_variables
                    if variable.trainable
                    else self._non_trainable_variables
                )
                own.append(variable)
                variable.trainable = variable.trainable and self._trainable
        return [*self._trainable_variables, *self._non_trainable_variables]

    def _forget_variables(self, counts):
        """Drop all but the first of the trainable and other variables: a build has failed."""
        for own, count in zip(
            (self._trainable_variables, self._non_trainable_variables), counts, strict=True
        ):
            dropped = {id(variable) for variable in own[count:]}
            del own[count:]
            for name in [name for name, value in vars(self).items() if id(value) in dropped]:
                delattr(self, name)

    def _sublayers(self):
        """The layers kept in attributes, in the order in which they were put there."""
        return found_in(self, WeightKeeper)

    def _inventory(self):
        """This layer and those within, each once and with its parts, the outer before the inner."""
        if _look.layer is not self:
            return self._look_through()
        if _look.found is None:
            _look.found = self._look_through()
        return _look.found

    def _looking_once(self):
        """For `with` blocks, one or several, in which what is within is looked for only once."""
        return _LookingOnce(self)

    def _look_through(self):
        seen, found, waiting = set(), [], [self]
        while waiting:
            layer = waiting.pop()
            if id(layer) not in seen:
                seen.add(id(layer))
                parts = parts_of(layer)
                found.append((layer, parts))
                waiting.extend([part for part in reversed(parts) if isinstance(part, WeightKeeper)])
        return found

    def _flatten_layers(self, include_self=True):
        """This layer and those within, each once, the outer before the inner."""
        layers = [layer for layer, _ in self._inventory()]
        return layers if include_self else layers[1:]

    @property
    def variables(self):
        """All state: the weights, and the states of random generators."""
        found = []
        for layer, parts in self._inventory():
            found += layer._with_own(parts)
            found += [part.state for part in parts if isinstance(part, SeedGenerator)]
        return _once(found)

    def _seed_states(self):
        return [generator.state for generator in found_in(self, SeedGenerator)]

    @property
    def weights(self):
        """All weights, of this layer and of those within."""
        return _once(v for layer, parts in self._inventory() for v in layer._with_own(parts))

    @property
    def trainable_weights(self):
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self):
        return [v for v in self.weights if not v.trainable] if self.trainable else self.weights

    @property
    def trainable_variables(self):
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self):
        return [v for v in self.variables if not v.trainable] if self.trainable else self.variables

    @property
    def trainable(self):
        """Whether the weights are to be trained. Setting it reaches all layers within."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._own_variables()
        self._trainable = bool(value)
        for variable in self._trainable_variables:
            variable.trainable = self._trainable
        for layer in self._sublayers():
            layer.trainable = self._trainable

    def count_params(self):
        """How many numbers the weights hold."""
        if not self.built:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) has no weights to count yet: it is "
                "not built. Call it on inputs, or `build` it, first."
            )
        return sum(int(np.prod(v.shape)) for v in self.weights)

    def get_weights(self):
        """The weights as a list of arrays."""
        return [v.value.copy() for v in self.weights]

    def set_weights(self, weights):
        """Replace all weights, given in the order of `get_weights`. All or none are set."""
        variables = self.weights
        weights = [np.asarray(plain(w)) for w in weights]
        if len(variables) != len(weights):
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) has {len(variables)} weights. "
                f"Received a list of {len(weights)} arrays."
            )
        for variable, value in zip(variables, weights, strict=True):
            if variable.shape != value.shape:
                raise ValueError(
                    f"Weight {variable.path!r} of layer {self.name!r} ({type(self).__name__}) has "
                    f"shape {variable.shape}. Received an array of shape {value.shape}."
                )
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)

    def save_own_variables(self, store):
        """Put this layer's own weights into `store` under "0", "1", ..."""
        for i, variable in enumerate(self._variables_in_files()):
            store[str(i)] = variable.value

    def load_own_variables(self, store):
        """Take this layer's own weights from `store`."""
        own = self._own_variables()
        if len(store.keys()) != len(own):
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects {len(own)} weights: "
                f"{[v.name for v in own]}. Received {len(store.keys())}."
            )
        for i, variable in enumerate(self._variables_in_files()):
            variable.assign(store[str(i)])

    def _variables_in_files(self):
        """The weights that the two methods above deal with, in their order.

        Where the class names them in `weights_in_files`, those come first. The weights that a
        subclass adds follow, unless it has such a method of its own: then they are its own
        affair, as in Keras.
        """
        own = self._own_variables()
        if self.weights_in_files is None:
            return own
        named = {id(getattr(self, name, None)): i for i, name in enumerate(self.weights_in_files)}
        first = sorted((v for v in own if id(v) in named), key=lambda v: named[id(v)])
        if self._has_own_files():
            return first if self.built else []
        return [*first, *(v for v in own if id(v) not in named)]

    def _has_own_files(self):
        """Whether a subclass says itself what of its weights goes into files."""
        cls, base = type(self), WeightKeeper
        return (cls.save_own_variables, cls.load_own_variables) != (
            base.save_own_variables,
            base.load_own_variables,
        )

    def add_loss(self, loss):
        """Add a scalar, or a list of them, to the loss of the model. Call it within `call`."""
        for value in tree.leaves(loss):
            outside = _context.entry is None and not self._building
            if outside and isinstance(value, (KerasTensor, int, float)):
                raise ValueError(  # the next call would begin without it
                    f"`add_loss` of {self.name!r} ({type(self).__name__}) is for a value computed "
                    f"in `call`. Received, outside of it: {check.shown(value)}. Call "
                    "`self.add_loss(...)` in the `call` of a layer, or add the term in the "
                    "`compute_loss` or `train_step` of a model of your own."
                )
            if not isinstance(value, (Traced, np.ndarray, np.generic, int, float, KerasTensor)):
                raise ValueError(
                    f"`add_loss` of layer {self.name!r} ({type(self).__name__}) expects a number "
                    f"computed in `call`. Received: {check.shown(value)}"
                )
            self._gather_loss(value)

    def _gather_loss(self, value):
        if not isinstance(value, KerasTensor):  # else `call` runs on shapes: nothing to add yet
            self._losses.append(value)
            _with_losses.add(self)

    @property
    def losses(self):
        """What `add_loss` collected in the last call, and the penalties on the weights."""
        found = self._inventory()
        collected = [loss for layer, _ in found for loss in layer._losses]
        if self.trainable:
            weights = _once(v for layer, parts in found for v in layer._with_own(parts))
            collected += [v.regularizer(v) for v in weights if v.trainable and v.regularizer]
        return collected

    def _clear_losses(self):
        if _with_losses:
            for layer in self._flatten_layers():
                layer._losses.clear()
                _with_losses.discard(layer)

    @property
    def metrics(self):
        """The metrics kept in attributes, of this layer and of those within."""
        return self._metrics_within()

    def _metrics_within(self):
        return _once(m for _, parts in self._inventory() for m in parts if isinstance(m, Metric))

    @property
    def metrics_variables(self):
        """The states of the metrics."""
        return [variable for metric in self.metrics for variable in metric.variables]


def _once(things):
    return list({id(thing): thing for thing in things}.values())

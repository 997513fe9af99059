"""Calling a layer: cast, build, check, pass on the mode and the masks, record the symbolic call."""

from __future__ import annotations

import contextlib
import copy
import random
import threading
import warnings

import numpy as np

from npkeras.core import check, names, tree
from npkeras.core.attach import get_mask, set_mask
from npkeras.core.autocast import autocast_scope
from npkeras.core.deferred import chaining, settled
from npkeras.core.dtypes import dtype_of, is_float, standardize_dtype
from npkeras.core.handed import Handed, handed, plain_view, taken_back
from npkeras.core.op import OPS, with_slot
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor, remember, thread
from npkeras.core.tape import Traced, recording, watched
from npkeras.core.texts import as_texts
from npkeras.core.variable import Variable
from npkeras.layers import lengths
from npkeras.layers.input_spec import check_inputs
from npkeras.layers.signatures import build_arguments, call_signature, is_users, rule_arguments
from npkeras.metrics.base import Metric

TENSORS = (np.ndarray, Traced, KerasTensor)
_NOTHING = {}


class _Context(threading.local):
    """What the layers within the outermost call under way in this thread are to know."""

    entry = None  # the outermost layer
    training = None
    passing_rows = None  # a number of rows that no layer is to be built for: other batches differ


_context = _Context()


class Caller:
    """What happens around `call`."""

    _is_foreign = False  # whether `call` is others' code

    def call(self, *args, **kwargs):
        raise NotImplementedError(
            f"Layer {self.name!r} ({type(self).__name__}) does not say what it computes: "
            "define its method `call`."
        )

    def __call__(self, *args, **kwargs):
        """Cast the inputs, build if need be, and `call`; masks and the mode travel along."""
        if "_dtype_policy" not in vars(self):
            raise RuntimeError(
                f"{type(self).__name__} was not initialized. Call `super().__init__()` first in "
                "its `__init__`."
            )
        signature = call_signature(type(self))
        given = args, kwargs or _NOTHING
        args = tuple([self._cast(arg) for arg in args])
        for arg in args:
            if arg is not None and not isinstance(arg, TENSORS):
                self._check_positional(arg)
        if kwargs:
            kwargs = {name: self._cast(value) for name, value in kwargs.items()}
        training = self._resolve_training(signature, kwargs)
        first = args[0] if args else kwargs.get(signature.first)
        if self.input_spec is not None and (args or first is not None):
            check_inputs(self.input_spec, first, self)
        if not self.built:
            self._build_for(signature.bind(self, args, kwargs))
        mask = self._hand_on_masks(signature, args, kwargs, first)
        if _any_symbolic(args, kwargs):
            outputs = self._symbolic_call(args, kwargs, training, given)
        else:
            outputs = self._run(args, kwargs, training)
            if self.activity_regularizer is not None:
                self._penalize(outputs)
        if self.supports_masking:
            return self._with_masks(args, outputs, mask, first)
        if mask is not None and any(m is not None for m in tree.leaves(mask)):
            _warn_of_lost_mask(self)
        return outputs

    def _cast(self, x):
        """Float arrays in the compute dtype; everything else as it is."""
        if watched and recording() and with_slot(x) is not x:
            x = _masked_like(with_slot(x), x)
        if type(x) is Handed:
            x = plain_view(x)
        if type(x) is np.ndarray:
            kind = x.dtype.kind
            if x.dtype is self._compute or (kind != "f" and kind != "O") or not self.autocast:
                return x
            if kind == "O":
                texts = as_texts(x)
                if texts is not None:
                    return texts
                raise ValueError(
                    f"Layer {self.name!r} ({type(self).__name__}) expects arrays of numbers. "
                    f"Received an array of dtype object and shape {x.shape}."
                )
            return _masked_like(x.astype(self._compute, copy=False), x)
        if isinstance(x, Traced) and x.dtype == self._compute:
            return x
        if isinstance(x, (Traced, KerasTensor)):
            dtype = standardize_dtype(x.dtype)
            if self.autocast and is_float(dtype) and dtype != self.compute_dtype:
                cast = OPS["cast"]
                if isinstance(x, KerasTensor):  # no call of its own in a graph
                    return _masked_like(cast.infer(x, self.compute_dtype), x)
                return _masked_like(cast(x, self.compute_dtype), x)
            return x
        if isinstance(x, (list, tuple, dict)):
            return tree.map(self._cast, x)
        if hasattr(x, "__array__"):
            return self._cast(np.asarray(x))
        return x

    def _check_positional(self, arg):
        """Refuse what is no array in place of one: Keras takes it by keyword only."""
        for leaf in tree.leaves(arg):
            if leaf is not None and not isinstance(leaf, TENSORS):
                raise ValueError(
                    f"Layer {self.name!r} ({type(self).__name__}) takes arrays, or lists and "
                    f"dicts of arrays, as positional arguments. Received: {check.shown(leaf)} (of "
                    f"type {type(leaf).__name__}). Make numbers an array with `np.array`; pass "
                    "options by keyword."
                )

    def _build_for(self, arguments):
        """Build from the shapes of the tensors among the arguments of a first call."""
        shapes = _shapes_of(arguments)
        wanted = build_arguments(type(self))
        if len(wanted) == 1:
            self.build(next(iter(shapes.values()), None))
        else:
            self.build(**{name: shapes.get(name.removesuffix("_shape")) for name in wanted})

    def _resolve_training(self, signature, kwargs):
        """The mode: as given, else as in the call around this one, else the default."""
        training = kwargs.get("training")
        if training is None:
            training = _context.training
        if training is None and "training" not in kwargs:
            training = signature.default_training
        if not signature.takes_training:
            kwargs.pop("training", None)
        elif training is not None:
            kwargs["training"] = training
        return training

    def _hand_on_masks(self, signature, args, kwargs, first):
        """Give `call` the masks on its arguments, where it takes them. Returns that of the first.

        Where `call` has one tensor argument (or nest of tensors), its mask goes to `mask`; where
        it has several, such as `a` and `b`, theirs go to `a_mask` and `b_mask`.
        """
        masked = signature.takes_mask and isinstance(first, (list, tuple, dict))
        for value in (*args, *kwargs.values()):
            masked = masked or _is_masked(value)
        if not masked:
            return kwargs.get("mask") if signature.takes_mask else None
        tensors = {
            name: value
            for name, value in signature.named(args, kwargs)
            if not name.endswith("mask") and _holds_tensors(value)
        }
        for name, value in tensors.items():
            key = "mask" if len(tensors) == 1 else f"{name}_mask"
            if key in signature.names and kwargs.get(key) is None:
                kwargs[key] = tree.map(get_mask, value)
        given = kwargs.get("mask") if signature.takes_mask else None
        return tree.map(get_mask, first) if given is None else given

    def _run(self, args, kwargs, training):
        """`call` with the mode set for the layers within, and losses gathered afresh."""
        outer_entry, outer_training = _context.entry, _context.training
        if outer_entry is None:
            _context.entry = self
            self._clear_losses()
        _context.training = training
        try:
            with names.name_scope(self.name), autocast_scope(self._mixed):
                if self._is_foreign:
                    return self._call_foreign(args, kwargs)
                return self.call(*args, **kwargs)
        finally:
            _context.entry, _context.training = outer_entry, outer_training

    def _call_foreign(self, args, kwargs):
        """`call` by others: they expect arrays where no tape runs, and may not change them."""
        with chaining(False):
            try:
                outputs = self.call(*tree.map(_for_others, args), **tree.map(_for_others, kwargs))
            except ValueError as error:
                if "read-only" not in str(error):
                    raise
                raise ValueError(
                    f"`call` of layer {self.name!r} ({type(self).__name__}) writes into an array "
                    "that it was given, or a view of one, which would change the data of the "
                    "caller. Make a new one: `x = x + 1` in place of `x += 1`, or `np.array(x)`."
                ) from error
        return tree.map(taken_back, outputs)

    def _penalize(self, outputs):
        """Add the activity regularizer's penalties: per sample, as Keras does."""
        for output in tree.leaves(outputs):
            if isinstance(output, (*TENSORS, np.generic)):
                shape = shape_of(output)
                samples = max(shape[0], 1) if shape else 1
                self._gather_loss(self.activity_regularizer(settled(output)) / samples)

    def _symbolic_call(self, args, kwargs, training, given):
        """The symbolic outputs; the call is noted with the arguments as they were `given`."""
        outputs = self._infer(args, kwargs, training)
        given_args, given_kwargs = given
        remember(self, given_args, {k: v for k, v in given_kwargs.items() if k in kwargs}, outputs)
        node = next((y.node for y in tree.leaves(outputs) if isinstance(y, KerasTensor)), None)
        if node is not None and not thread.inferring:
            node.masks = {k: v for k, v in kwargs.items() if k not in given_kwargs}
            node.masks.pop("training", None)
            self._inbound_nodes.append(node)
        return outputs

    def _infer(self, args, kwargs, training=None):
        """The symbolic outputs: by the user's own shape rule, or by running `call` on shapes."""
        own_rule = type(self).compute_output_shape is not Caller.compute_output_shape
        if own_rule and all(layer.built for layer in self._flatten_layers()):
            return self._apply_own_rule(args, kwargs)
        outer = _context.entry, thread.inferring
        _context.entry, thread.inferring = _context.entry or self, True
        try:
            with _keeping_state(self):
                outputs = self._run_on_shapes(args, kwargs, training)
        finally:
            _context.entry, thread.inferring = outer
        return self._apply_own_rule(args, kwargs) if own_rule else tree.map(_fresh, outputs)

    def _run_on_shapes(self, args, kwargs, training):
        """`call` on symbolic inputs, if need be with lengths made up for the unknown ones.

        `ops.zeros(ops.shape(x))` wants numbers. So `call` is run for two lengths, and what differs
        between their outputs is unknown. A user's `call` that does without numbers is run so too.
        """

        def run(args, kwargs):
            return self._run(args, kwargs, training)

        try:
            outputs = run(args, kwargs)
        except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
            if not lengths.may_help(error, (args, kwargs)):
                raise
            outputs = lengths.outputs_for_any(run, args, kwargs)
            if outputs is None:
                raise
            return outputs
        if is_users(type(self)) and lengths.may_hide((args, kwargs)):
            return lengths.without_guesses(outputs, run, args, kwargs)
        return outputs

    def _apply_own_rule(self, args, kwargs):
        shapes = _shapes_of(dict(call_signature(type(self)).named(args, kwargs)))
        wanted = rule_arguments(type(self))
        if len(wanted) == 1:
            shape = self.compute_output_shape(next(iter(shapes.values())))
        else:
            given = {f"{name}_shape": value for name, value in shapes.items()}
            shape = self.compute_output_shape(**{n: given[n] for n in wanted if n in given})
        return _as_tensors(shape, self.compute_dtype)

    def symbolic_call(self, *args, **kwargs):
        """What `call` would return, as symbolic tensors. The layer must be built."""
        return self._infer(args, kwargs)

    def infer(self, *args, **kwargs):
        """What `call` would return, as symbolic tensors. The layer must be built."""
        return self._infer(args, kwargs)

    def compute_output_shape(self, *args, **kwargs):
        """The shape of the outputs for inputs of the given shape. The layer stays as it is."""
        inputs = [_as_tensors(shape, self.compute_dtype) for shape in args]
        given = {
            name.removesuffix("_shape"): _as_tensors(shape, self.compute_dtype)
            for name, shape in kwargs.items()
        }
        if "input" in given:
            inputs.insert(0, given.pop("input"))
        return tree.map(lambda tensor: tensor.shape, self.compute_output_spec(*inputs, **given))

    def compute_output_spec(self, *args, **kwargs):
        """The outputs as symbolic tensors, for symbolic inputs. The layer stays as it is."""
        drawn, counted = random.getstate(), dict(names._counts)
        calls, inferring = len(self._inbound_nodes), thread.inferring
        built = all(layer.built for layer in self._flatten_layers())
        layer = self if built else copy.deepcopy(self)
        thread.inferring = True
        try:
            return tree.map(_fresh, layer(*args, **kwargs))
        finally:
            thread.inferring = inferring
            del self._inbound_nodes[calls:]
            random.setstate(drawn)
            names._counts.clear()
            names._counts.update(counted)

    def compute_mask(self, inputs, previous_mask):
        """The mask of the outputs: that of the inputs, unless a layer says otherwise."""
        return previous_mask

    def _with_masks(self, args, outputs, previous_mask, first):
        """The outputs, with their masks beside them."""
        by_default = type(self).compute_mask is Caller.compute_mask
        if by_default and previous_mask is None:
            return outputs
        flat = tree.leaves(outputs)
        # In a graph the mask is a call of its own, not one left behind within `call`.
        in_graph = not by_default and not thread.inferring and isinstance(flat[0], KerasTensor)
        if not in_graph and all(get_mask(output) is not None for output in flat):
            return outputs
        masks = previous_mask if by_default else self.compute_mask(first, previous_mask)
        if masks is None:
            return outputs
        given = {id(leaf) for leaf in tree.leaves((args, first))}
        for i, mask in enumerate(tree.leaves(masks)[: len(flat)]):
            if mask is not None and (in_graph or get_mask(flat[i]) is None):
                if id(flat[i]) in given:
                    flat[i] = _same_values(flat[i])  # the caller's own array stays without a mask
                set_mask(flat[i], mask)
        return tree.pack(outputs, flat)


@contextlib.contextmanager
def passing_rows(rows):
    """Inside this `with` block layers are built as if nobody knew how many rows a batch has.

    Args:
        rows: How many this batch has.
    """
    outer, _context.passing_rows = _context.passing_rows, rows
    try:
        yield
    finally:
        _context.passing_rows = outer


def lasting_shape(x):
    """The shape to build for: None for the number of rows, if only this batch has so many."""
    shape = shape_of(x)
    rows = _context.passing_rows
    if rows is None or isinstance(x, KerasTensor) or not shape or shape[0] != rows:
        return shape
    return (None, *shape[1:])


class recording_calls:
    """Inside this `with` block symbolic calls are noted, even within the `call` of a layer."""

    def __enter__(self):
        self._outer, thread.inferring = thread.inferring, False

    def __exit__(self, *error):
        thread.inferring = self._outer


@contextlib.contextmanager
def _keeping_state(layer):
    """Inside this `with` block variables and metrics within stay as they are, whatever `call` does.

    It runs on shapes, where there is nothing to assign or to count yet.
    """
    held = []
    for owner, parts in layer._inventory():
        for part in (*owner._with_own(parts), *parts):
            for name in _changes(part):
                if name not in vars(part):
                    vars(part)[name] = lambda *args, part=part, **kwargs: part
                    held.append((part, name))
    try:
        yield
    finally:
        for part, name in held:
            del vars(part)[name]


def _changes(part):
    """The names of the methods that change a part of a layer."""
    if isinstance(part, Variable):
        return "assign", "assign_add", "assign_sub"
    return ("update_state",) if isinstance(part, Metric) else ()


def _for_others(value):
    """A value as code of others gets it."""
    return handed(settled(value))


def as_shape(shape):
    """Shapes as tuples: JSON and users write lists."""
    if isinstance(shape, dict):
        return {key: as_shape(value) for key, value in shape.items()}
    if isinstance(shape, (list, tuple)):
        if all(n is None or check.is_int(n) for n in shape):
            return tuple(shape)
        return type(shape)(as_shape(s) for s in shape)
    return shape


def _as_tensors(shape, dtype):
    """A symbolic tensor for each shape in a nest of shapes."""
    if isinstance(shape, KerasTensor):
        return shape
    if isinstance(shape, dict):
        return {key: _as_tensors(value, dtype) for key, value in shape.items()}
    if shape and isinstance(shape[0], (list, tuple)):
        return type(shape)(_as_tensors(s, dtype) for s in shape)
    return KerasTensor(shape, dtype)


def _fresh(tensor):
    """A symbolic tensor like this one, without the calls inside the layer behind it."""
    if tensor is None:
        return None
    if not isinstance(tensor, KerasTensor):
        return KerasTensor(shape_of(tensor), dtype_of(tensor))  # it does not depend on the inputs
    result = KerasTensor(tensor.shape, tensor.dtype)
    result.notes = tensor.notes
    return result


def _masked_like(y, x):
    if y is not x and get_mask(x) is not None:
        set_mask(y, get_mask(x))
    return y


def _same_values(x):
    """Another object with the same values and gradient."""
    if isinstance(x, Variable):
        return x
    if isinstance(x, Traced):
        return Traced(x.value, x.slot)
    return x.view()


def _shapes_of(arguments):
    """The shapes of those arguments that are tensors or nests of tensors."""
    return {
        name: tree.map(lambda x: None if x is None else lasting_shape(x), value)
        for name, value in arguments.items()
        if _holds_tensors(value)
    }


def _holds_tensors(value):
    if isinstance(value, TENSORS):
        return True
    if not isinstance(value, (list, tuple, dict)):
        return False
    leaves = [leaf for leaf in tree.leaves(value) if leaf is not None]
    return bool(leaves) and all(isinstance(leaf, TENSORS) for leaf in leaves)


def _is_masked(x):
    if isinstance(x, (list, tuple, dict)):
        return any(get_mask(leaf) is not None for leaf in tree.leaves(x))
    return get_mask(x) is not None


def _any_symbolic(args, kwargs):
    for value in (*args, *kwargs.values()):
        if type(value) is KerasTensor:
            return True
        if isinstance(value, (list, tuple, dict)):
            if any(isinstance(leaf, KerasTensor) for leaf in tree.leaves(value)):
                return True
    return False


def _warn_of_lost_mask(layer):
    if not getattr(layer, "_warned_of_mask", False):
        layer._warned_of_mask = True
        warnings.warn(
            f"Layer {layer.name!r} ({type(layer).__name__}) was given inputs with a mask, which "
            "it does not pass on: what follows sees no mask.",
            stacklevel=4,
        )

"""Calling a layer: cast, build, check, pass on the mode and the masks, record the symbolic call."""

from __future__ import annotations

import copy
import functools
import inspect
import threading
import warnings

import numpy as np

from npkeras.core import names, tree
from npkeras.core.attach import get_mask, set_mask
from npkeras.core.dtypes import is_float, standardize_dtype
from npkeras.core.op import OPS, autocast_scope
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor, remember
from npkeras.core.tape import Traced
from npkeras.layers.input_spec import check_inputs


class _Context(threading.local):
    """The outermost call under way in this thread, and the mode it set."""

    entry = None
    training = None


_context = _Context()


class Caller:
    """What happens around `call`."""

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
        signature = _call_signature(type(self))
        args = tuple(self._cast(arg) for arg in args)
        if kwargs:
            kwargs = {name: self._cast(value) for name, value in kwargs.items()}
        symbolic = _any_symbolic(args, kwargs)
        if not self.built:
            self._build_for(signature.bind(args, kwargs))
        if self.input_spec is not None and args:
            check_inputs(self.input_spec, args[0], f"Layer {self.name!r} ({type(self).__name__})")
        training = self._resolve_training(signature, kwargs)
        mask = self._incoming_mask(signature, args, kwargs)
        if symbolic:
            outputs = self._symbolic_call(args, kwargs, training)
        else:
            outputs = self._run(args, kwargs, training)
        if self.supports_masking:
            self._set_output_masks(args, outputs, mask)
        elif mask is not None and any(m is not None for m in tree.leaves(mask)):
            _warn_of_lost_mask(self)
        return outputs

    def _cast(self, x):
        """Float arrays in the compute dtype; everything else as it is."""
        if type(x) is np.ndarray:
            if x.dtype is self._compute or x.dtype.kind != "f" or not self.autocast:
                return x
            return x.astype(self._compute)
        if isinstance(x, (list, tuple, dict)):
            return tree.map(self._cast, x)
        if isinstance(x, (Traced, KerasTensor)):
            dtype = standardize_dtype(x.dtype)
            if self.autocast and is_float(dtype) and dtype != self.compute_dtype:
                return _masked_like(OPS["cast"](x, self.compute_dtype), x)
            return x
        if hasattr(x, "__array__") and not np.isscalar(x):
            return self._cast(np.asarray(x))
        return x

    def _build_for(self, arguments):
        """Build from the shapes of the tensors among the arguments of a first call."""
        shapes = {
            name: tree.map(shape_of, value)
            for name, value in arguments.items()
            if value is not None and all(map(_is_tensor, tree.leaves(value))) and tree.leaves(value)
        }
        wanted = _build_arguments(type(self))
        if wanted is None or len(wanted) == 1:
            if shapes:
                self.build(next(iter(shapes.values())))
            else:
                self.build(None)
        else:
            given = {f"{name}_shape": shape for name, shape in shapes.items()}
            self.build(**{name: given[name] for name in wanted if name in given})

    def _resolve_training(self, signature, kwargs):
        training = kwargs.get("training")
        if training is None:
            training = _context.training
            if training is None:
                training = signature.default_training
            if signature.takes_training and training is not None:
                kwargs["training"] = training
        if not signature.takes_training:
            kwargs.pop("training", None)
        return training

    def _incoming_mask(self, signature, args, kwargs):
        """The masks on the inputs, handed to `call` where it takes them."""
        if not args:
            return kwargs.get("mask")
        first = args[0]
        mask = tree.map(get_mask, first) if isinstance(first, (list, tuple, dict)) else None
        if mask is None:
            mask = get_mask(first)
        if signature.takes_mask and kwargs.get("mask") is None:
            if mask is not None and any(m is not None for m in tree.leaves(mask)):
                kwargs["mask"] = mask
        for name, value in zip(signature.names[1:], args[1:], strict=False):
            key = f"{name}_mask"
            if key in signature.names and key not in kwargs and get_mask(value) is not None:
                kwargs[key] = get_mask(value)
        first_key = f"{signature.names[0]}_mask" if signature.names else ""
        if first_key in signature.names and kwargs.get(first_key) is None and mask is not None:
            kwargs[first_key] = mask
        return kwargs.get("mask", mask) if signature.takes_mask else mask

    def _run(self, args, kwargs, training):
        """`call` with the mode set for the layers within, and losses gathered afresh."""
        outer_entry, outer_training = _context.entry, _context.training
        if outer_entry is None:
            _context.entry = self
            self._clear_losses()
        _context.training = training
        try:
            with names.name_scope(self.name), autocast_scope(self._mixed):
                outputs = self.call(*args, **kwargs)
        finally:
            _context.entry, _context.training = outer_entry, outer_training
        if self.activity_regularizer is not None:
            for output in tree.leaves(outputs):
                self.add_loss(self.activity_regularizer(output))
        return outputs

    def _symbolic_call(self, args, kwargs, training):
        stored = {k: v for k, v in kwargs.items() if k not in ("mask", "training")}
        outputs = self._infer(args, kwargs, training)
        remember(self, args, stored, outputs)
        self._inbound_nodes.append(tree.leaves(outputs)[0].node)
        return outputs

    def _infer(self, args, kwargs, training=None):
        """The symbolic outputs: by the user's own shape rule, or by running `call` on shapes."""
        if type(self).compute_output_shape is not Caller.compute_output_shape:
            shape = self.compute_output_shape(tree.map(shape_of, args[0]))
            return _as_tensors(shape, self.compute_dtype)
        outer, _context.entry = _context.entry, _context.entry or self
        try:
            outputs = self._run(args, kwargs, training)
        finally:
            _context.entry = outer
            self._clear_losses()
        return tree.map(_fresh, outputs)

    def infer(self, *args, **kwargs):
        """What `call` would return, as symbolic tensors. The layer must be built."""
        return self._infer(args, kwargs)

    def compute_output_shape(self, *args, **kwargs):
        """The shape of the outputs for inputs of the given shape."""
        layer = self if self.built else copy.deepcopy(self)
        inputs = [_as_tensors(a, self.compute_dtype) for a in args]
        given = {
            name.removesuffix("_shape"): _as_tensors(s, self.compute_dtype)
            for name, s in kwargs.items()
        }
        if "input" in given:
            inputs.insert(0, given.pop("input"))
        return tree.map(lambda tensor: tensor.shape, layer(*inputs, **given))

    def compute_output_spec(self, *args, **kwargs):
        """The outputs as symbolic tensors, for symbolic inputs."""
        layer = self if self.built else copy.deepcopy(self)
        return layer(*args, **kwargs)

    def compute_mask(self, inputs, previous_mask):
        """The mask of the outputs: that of the inputs, unless a layer says otherwise."""
        return previous_mask

    def _set_output_masks(self, args, outputs, previous_mask):
        flat = tree.leaves(outputs)
        if all(get_mask(output) is not None for output in flat):
            return
        masks = self.compute_mask(args[0] if args else None, previous_mask)
        if masks is None:
            return
        for output, mask in zip(flat, tree.leaves(masks), strict=False):
            if mask is not None and get_mask(output) is None:
                set_mask(output, mask)


class _CallSignature:
    """What the `call` of a class takes, read once."""

    def __init__(self, cls):
        parameters = list(inspect.signature(cls.call).parameters.values())[1:]
        self.parameters = parameters
        self.names = tuple(
            p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        )
        by_name = {p.name: p for p in parameters}
        any_keyword = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.takes_training = "training" in by_name or any_keyword
        self.takes_mask = "mask" in by_name
        default = by_name["training"].default if "training" in by_name else None
        self.default_training = None if default is inspect.Parameter.empty else default

    def bind(self, args, kwargs):
        """The arguments by name, in the order of the signature."""
        return {**dict(zip(self.names, args, strict=False)), **kwargs}


@functools.cache
def _call_signature(cls):
    return _CallSignature(cls)


@functools.cache
def _build_arguments(cls):
    """The names of `build`'s arguments; None if it takes whatever comes."""
    parameters = list(inspect.signature(cls.build).parameters.values())[1:]
    if any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters):
        return None
    return [p.name for p in parameters]


def as_shape(shape):
    """Shapes as tuples: JSON and users write lists."""
    if isinstance(shape, list) and all(n is None or isinstance(n, int) for n in shape):
        return tuple(shape)
    if isinstance(shape, dict):
        return {key: as_shape(value) for key, value in shape.items()}
    if isinstance(shape, (list, tuple)) and any(isinstance(s, (list, tuple)) for s in shape):
        return [as_shape(s) for s in shape]
    return shape


def _as_tensors(shape, dtype):
    """A symbolic tensor for each shape in a nest of shapes."""
    if isinstance(shape, KerasTensor):
        return shape
    if isinstance(shape, dict):
        return {key: _as_tensors(value, dtype) for key, value in shape.items()}
    if shape and isinstance(shape[0], (list, tuple)):
        return [_as_tensors(s, dtype) for s in shape]
    return KerasTensor(shape, dtype)


def _fresh(tensor):
    """A symbolic tensor like this one, without the calls inside the layer behind it."""
    if not isinstance(tensor, KerasTensor):
        return tensor
    result = KerasTensor(tensor.shape, tensor.dtype)
    result.notes = tensor.notes
    return result


def _masked_like(y, x):
    if get_mask(x) is not None:
        set_mask(y, get_mask(x))
    return y


def _is_tensor(x):
    return isinstance(x, (np.ndarray, np.generic, Traced, KerasTensor))


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

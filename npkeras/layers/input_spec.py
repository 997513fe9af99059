"""InputSpec: what a layer expects of the arrays it is fed."""

from __future__ import annotations

from npkeras.core import check, tree
from npkeras.core.dtypes import dtype_of
from npkeras.core.shapes import shape_of


class InputSpec:
    """The shape, number of axes and dtype that a layer expects.

    Args:
        dtype: The dtype expected.
        shape: The shape expected; None stands for any length.
        ndim, max_ndim, min_ndim: How many axes there must, may, have to be.
        axes: The lengths of some axes, such as `{-1: 64}`.
        allow_last_axis_squeeze: Whether a last axis of length 1 may be missing or added.
        name: The key of this input when inputs come in a dict.
        optional: Whether None may be fed.
    """

    def __init__(
        self,
        dtype=None,
        shape=None,
        ndim=None,
        max_ndim=None,
        min_ndim=None,
        axes=None,
        allow_last_axis_squeeze=False,
        name=None,
        optional=False,
    ):
        self.dtype = dtype
        self.shape = None if shape is None else check.shape(shape, "shape", "InputSpec")
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim = max_ndim
        self.min_ndim = min_ndim
        self.axes = _axes(axes)
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        self.name = name
        self.optional = optional
        limit = self.ndim if self.ndim is not None else max_ndim
        if limit is not None and any(axis >= limit for axis in self.axes):
            raise ValueError(
                f"`axes` of InputSpec must be axes of inputs with at most {limit} axes. "
                f"Received: axes={axes}"
            )

    def get_config(self):
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def __repr__(self):
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        given = {name: getattr(self, name) for name in names}
        return f"InputSpec({', '.join(f'{name}={v}' for name, v in given.items() if v)})"

    def fits(self, shape):
        """None if an input of this shape will do; otherwise what was expected, in words."""
        if self.allow_last_axis_squeeze and self.shape is not None:
            if shape[-1:] == (1,) and len(shape) == len(self.shape) + 1:
                shape = shape[:-1]
            elif self.shape[-1:] == (1,) and len(shape) == len(self.shape) - 1:
                shape = (*shape, 1)
        ndim = len(shape)
        if self.ndim is not None and ndim != self.ndim:
            return f"{self.ndim} axes"
        if self.max_ndim is not None and ndim > self.max_ndim:
            return f"at most {self.max_ndim} axes"
        if self.min_ndim is not None and ndim < self.min_ndim:
            return f"at least {self.min_ndim} axes"
        for axis, length in self.axes.items():
            found = shape[axis] if -ndim <= axis < ndim else 0
            if length is not None and found not in (length, None):
                return f"{length} entries along axis {axis}"
        for length, expected in zip(shape, self.shape or (), strict=False):
            if expected is not None and length not in (expected, None):
                return f"an input of shape {self.shape}"
        return None


def _axes(axes):
    try:
        return {int(axis): length for axis, length in (axes or {}).items()}
    except (AttributeError, ValueError):
        raise TypeError(
            "`axes` of InputSpec must be a dict from axes to lengths, such as {-1: 64}. "
            f"Received: axes={check.shown(axes)}"
        ) from None


def check_inputs(spec, inputs, layer):
    """Raise if the inputs are not what the spec, or the nest of specs, expects."""
    if type(spec) is InputSpec and hasattr(inputs, "shape"):
        _check_one(spec, inputs, layer)
        return
    specs = [spec] if isinstance(spec, InputSpec) else tree.leaves(spec)
    values = [inputs] if len(specs) == 1 and not tree.is_nested(inputs) else _values(specs, inputs)
    if isinstance(values, str):
        raise ValueError(f"{_name(layer)} {values}")
    if len(values) != len(specs):
        raise ValueError(f"{_name(layer)} expects {len(specs)} input(s). Received {len(values)}.")
    for i, (one, value) in enumerate(zip(specs, values, strict=True)):
        if one is None or (value is None and one.optional):
            continue
        if value is None:
            raise ValueError(f"{_name(layer)} expects an array. Received: None")
        _check_one(one, value, layer, "" if len(specs) == 1 else f" as input {one.name or i!r}")


def _check_one(spec, value, layer, which=""):
    shape = shape_of(value)
    expected = spec.fits(shape)
    if expected:
        advice = "Feed it the inputs it was built for, or make a new layer."
        if expected.endswith(" axes"):
            advice = layer.input_advice
        raise ValueError(
            f"{_name(layer)} expects {expected}{which}. Received an input of shape {shape}. "
            f"{advice}"
        )
    if spec.dtype is not None and dtype_of(value) != spec.dtype:
        raise ValueError(
            f"{_name(layer)} expects dtype {spec.dtype}. Received an input of dtype "
            f"{dtype_of(value)}."
        )


def _name(layer):
    return f"Layer {layer.name!r} ({type(layer).__name__})"


def _values(specs, inputs):
    """The inputs in the order of the specs, a dict's by their names; or a text: what is missing."""
    names = [spec.name if spec is not None else None for spec in specs]
    if not isinstance(inputs, dict) or None in names:
        if isinstance(inputs, dict) and len(specs) == 1:
            keys = ", ".join(map(repr, inputs))
            return f"expects an array. Received a dict of arrays, with the keys {keys:.100}"
        return tree.leaves(inputs)
    missing = [name for name in names if name not in inputs]
    if missing:
        return f"expects the inputs {names}. Missing: {', '.join(missing)}"
    return [inputs[name] for name in names]

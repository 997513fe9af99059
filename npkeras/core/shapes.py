"""Shape rules: what an op makes of shapes and dtypes, for symbolic calls.

A rule has the signature of its op and returns a `KerasTensor`, or a tuple of them. Most ops
share one of these; the decorators in `op.py` take the rule as an argument, so no op can be
written without one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from npkeras.core import check
from npkeras.core.dtypes import as_array, dtype_of, is_float, result_type
from npkeras.core.sums import column_sums
from npkeras.core.symbolic import KerasTensor

Shape = tuple[int | None, ...]


def shape_of(x: Any) -> Shape:
    """The shape of an array, a recorded value, a symbolic tensor or a number."""
    shape = getattr(x, "shape", None)
    return tuple(shape) if shape is not None else as_array(x).shape


def kind_of(x: Any) -> Any:
    """The dtype for promotion: a Python number only decides between int and float."""
    if type(x) is float:
        return float
    return int if type(x) is int else dtype_of(x)


def common_dtype(*values: Any) -> str:
    """The dtype in which these values meet."""
    return result_type(*map(kind_of, values))


def float_dtype(*values: Any) -> str:
    """The dtype in which these values meet if only floats will do."""
    dtype = common_dtype(*values)
    return dtype if is_float(dtype) else result_type(dtype, float)


def broadcast_shapes(*shapes: Shape) -> Shape:
    """NumPy's rule, with axes of unknown length: None meets 1 or None as None, n as n."""
    ndim = max(map(len, shapes), default=0)
    padded = [(1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes]
    result: list[int | None] = []
    for lengths in zip(*padded, strict=True):
        known = {length for length in lengths if length not in (None, 1)}
        if len(known) > 1:
            raise ValueError(
                f"Shapes {' and '.join(map(str, shapes))} cannot be broadcast to one shape."
            )
        result.append(known.pop() if known else None if None in lengths else 1)
    return tuple(result)


def spreads_to(shape: Shape, target: Shape) -> bool:
    """Whether an array of a shape can be broadcast to another. Unknown lengths fit any."""
    pairs = zip(reversed(shape), reversed(target), strict=False)
    fits = all(n == 1 or n == m or None in (n, m) for n, m in pairs)
    return len(shape) <= len(target) and fits


def unbroadcast(dy: Any, shape: Shape) -> Any:
    """The gradient of an argument that was broadcast: summed over the axes it was spread along."""
    if dy.shape == shape:
        return dy
    extra = dy.ndim - len(shape)
    if extra and dy.size and dy.dtype.char in "fd" and dy.flags.c_contiguous:
        dy = column_sums(dy.reshape(math.prod(dy.shape[:extra]), -1)).reshape(dy.shape[extra:])
    elif extra:
        dy = dy.sum(axis=tuple(range(extra)))
    spread = tuple(i for i, n in enumerate(shape) if n == 1 and dy.shape[i] != 1)
    return dy.sum(axis=spread, keepdims=True) if spread else dy


def normalize_axis(axis: int, ndim: int) -> int:
    """The axis counted from the front."""
    if not check.is_int(axis) or not -ndim <= axis < max(ndim, 1):
        raise ValueError(
            f"`axis` must be an integer in [{-ndim}, {ndim}) for an array with {ndim} axes. "
            f"Received: axis={axis!r}"
        )
    return int(axis) % ndim if ndim else 0


def axes_of(axis: Any, ndim: int) -> tuple[int, ...]:
    """The axes as a tuple counted from the front; None stands for all of them."""
    if axis is None:
        return tuple(range(ndim))
    if not isinstance(axis, (tuple, list)):
        return (normalize_axis(axis, ndim),)
    axes = tuple(normalize_axis(a, ndim) for a in axis)
    if len(set(axes)) < len(axes):
        raise ValueError(f"`axis` names an axis twice. Received: axis={axis!r} of {ndim} axes")
    return axes


def same(x: Any, *args: Any, **options: Any) -> KerasTensor:
    """The shape and dtype of the first argument."""
    return KerasTensor(shape_of(x), dtype_of(x))


def same_float(x: Any, *args: Any, **options: Any) -> KerasTensor:
    """The shape of the first argument; integers become floats."""
    return KerasTensor(shape_of(x), float_dtype(x))


def same_bool(x: Any, *args: Any, **options: Any) -> KerasTensor:
    return KerasTensor(shape_of(x), "bool")


def broadcast(*args: Any, **options: Any) -> KerasTensor:
    """The arguments spread to one shape, in the dtype in which they meet."""
    return KerasTensor(broadcast_shapes(*map(shape_of, args)), common_dtype(*args))


def broadcast_float(*args: Any, **options: Any) -> KerasTensor:
    return KerasTensor(broadcast_shapes(*map(shape_of, args)), float_dtype(*args))


def broadcast_bool(*args: Any, **options: Any) -> KerasTensor:
    return KerasTensor(broadcast_shapes(*map(shape_of, args)), "bool")


def reduced_shape(shape: Shape, axis: Any, keepdims: bool) -> Shape:
    axes = axes_of(axis, len(shape))
    return tuple(1 if i in axes else n for i, n in enumerate(shape) if keepdims or i not in axes)


def reduced(x: Any, axis: Any = None, keepdims: bool = False, **options: Any) -> KerasTensor:
    """The shape of `x` without the reduced axes, or with length 1 there."""
    return KerasTensor(reduced_shape(shape_of(x), axis, keepdims), dtype_of(x))


def reduced_float(x: Any, axis: Any = None, keepdims: bool = False, **options: Any) -> KerasTensor:
    return KerasTensor(reduced_shape(shape_of(x), axis, keepdims), float_dtype(x))


def reduced_bool(x: Any, axis: Any = None, keepdims: bool = False, **options: Any) -> KerasTensor:
    return KerasTensor(reduced_shape(shape_of(x), axis, keepdims), "bool")


def reduced_int(x: Any, axis: Any = None, keepdims: bool = False, **options: Any) -> KerasTensor:
    """Positions: argmax and its kin give int32."""
    return KerasTensor(reduced_shape(shape_of(x), axis, keepdims), "int32")


def without_last_axis(x: Any, *args: Any, **options: Any) -> KerasTensor:
    return KerasTensor(shape_of(x)[:-1], float_dtype(x))


def matmul_shape(a: Shape, b: Shape) -> Shape:
    if not a or not b:
        raise ValueError(f"`matmul` expects arrays with axes. Received shapes: {a} and {b}")
    inner_a, inner_b = a[-1], b[-2] if len(b) > 1 else b[0]
    if None not in (inner_a, inner_b) and inner_a != inner_b:
        raise ValueError(
            f"`matmul` expects the last axis of the first array to be as long as the "
            f"second-to-last of the second. Received shapes: {a} and {b}"
        )
    batch = broadcast_shapes(a[:-2], b[:-2])
    return batch + (a[-2:-1] if len(a) > 1 else ()) + (b[-1:] if len(b) > 1 else ())


def matmul(x1: Any, x2: Any) -> KerasTensor:
    return KerasTensor(matmul_shape(shape_of(x1), shape_of(x2)), common_dtype(x1, x2))


def concatenated(*arrays: Any, axis: int = -1, **options: Any) -> KerasTensor:
    """One after another along an axis; the other axes must agree."""
    shapes = [shape_of(x) for x in arrays]
    axis = normalize_axis(axis, len(shapes[0]))
    total: int | None = 0
    merged = list(shapes[0])
    for shape in shapes:
        if len(shape) != len(merged) or any(
            None not in (m, n) and m != n
            for i, (m, n) in enumerate(zip(merged, shape, strict=True))
            if i != axis
        ):
            raise ValueError(
                "`concatenate` expects arrays whose shapes agree except along "
                f"axis {axis}. Received shapes: {', '.join(map(str, shapes))}"
            )
        merged = [n if m is None else m for m, n in zip(merged, shape, strict=True)]
        total = None if total is None or shape[axis] is None else total + shape[axis]  # type: ignore[operator]
    merged[axis] = total
    return KerasTensor(merged, common_dtype(*arrays))


def stacked(*arrays: Any, axis: int = 0, **options: Any) -> KerasTensor:
    shape = list(broadcast_shapes(*map(shape_of, arrays)))
    shape.insert(normalize_axis(axis, len(shape) + 1), len(arrays))
    return KerasTensor(shape, common_dtype(*arrays))


def reshaped(x: Any, newshape: Any) -> KerasTensor:
    """A new shape for the same entries; -1 stands for what is left."""
    old = shape_of(x)
    new = tuple(newshape) if isinstance(newshape, (tuple, list)) else (newshape,)
    known = None if None in old else math.prod(old)  # type: ignore[arg-type]
    wanted = [n for n in new if n not in (-1, None)]
    product = math.prod(wanted)
    if known is None:
        return KerasTensor([None if n in (-1, None) else n for n in new], dtype_of(x))
    fits = product and known % product == 0 if -1 in new else known == product
    if not fits and not (known == 0 and product == 0):
        raise ValueError(
            f"Cannot reshape {known} entries of an array of shape {old} into shape {new}."
        )
    rest = known // product if product else 0
    return KerasTensor([rest if n == -1 else n for n in new], dtype_of(x))


def transposed(x: Any, axes: Any = None) -> KerasTensor:
    shape = shape_of(x)
    ndim = len(shape)
    order = range(ndim)[::-1] if axes is None else [normalize_axis(a, ndim) for a in axes]
    if sorted(order) != list(range(len(shape))):
        raise ValueError(
            f"`axes` of `transpose` must name each of the {len(shape)} axes once. "
            f"Received: axes={axes!r}"
        )
    return KerasTensor([shape[i] for i in order], dtype_of(x))


def indexed(x: Any, key: Any) -> KerasTensor:
    """The shape of `x[key]`, found by indexing an array that owns no memory.

    An unknown axis is tried with two lengths: where the results differ, the answer is None.
    """
    shape = shape_of(x)
    small, large = (
        np.broadcast_to(np.zeros((), bool), [n if n is not None else guess for n in shape])[key]
        for guess in (61, 67)
    )
    lengths = zip(small.shape, large.shape, strict=True)
    return KerasTensor([a if a == b else None for a, b in lengths], dtype_of(x))

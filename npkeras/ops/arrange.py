"""Arrays arranged anew: other shapes, other orders, several joined or one taken apart.

Most of these copy nothing: the result is a view of the argument where NumPy can make one.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from npkeras.core import check, shapes
from npkeras.core.dtypes import dtype_of
from npkeras.core.op import fused_op, numpy_function, op
from npkeras.core.shapes import broadcast_shapes, normalize_axis, shape_of, unbroadcast
from npkeras.core.symbolic import KerasTensor
from npkeras.kernels.rows import add_rows
from npkeras.ops.composed import composed


def _reshape_back(y, x, *args, **options):
    shape = x.shape
    return lambda dy: dy.reshape(shape)


def _reshape_infer(x, newshape):
    old = shape_of(x)
    new = _lengths(old, newshape)
    if None not in new:
        return shapes.reshaped(x, new)
    known = [math.prod(n for n in shape if n not in (-1, None)) for shape in (old, new)]
    alike = old.count(None) == new.count(None) and not known[0] % max(known[1], 1)
    rest = known[0] // max(known[1], 1) if alike else None
    return KerasTensor([rest if n == -1 else n for n in new], dtype_of(x))


@op(_reshape_infer, vjps=(_reshape_back,), numpy=np.reshape)
def reshape(x, newshape):
    """The same entries in another shape.

    Args:
        x: An array.
        newshape: The lengths of the new axes. One of them may be -1 or None: what is left.
    """
    try:
        return x.reshape(_lengths(x.shape, newshape))
    except ValueError as error:
        raise ValueError(
            f"`reshape` keeps all entries of an array, here {x.size}, of shape {x.shape}. "
            f"No such number fits into: newshape={newshape}"
        ) from error


def _lengths(old, newshape):
    new = newshape if isinstance(newshape, (tuple, list)) else (newshape,)
    if None not in new:
        return tuple(new)
    if -1 not in new and sum(n is None for n in new) == 1:
        return tuple(-1 if n is None else n for n in new)
    # Several lengths were unknown when the shape was written down: each is the old one there.
    return tuple(old[i] if n is None and i < len(old) else n for i, n in enumerate(new))


def _ravel_infer(x):
    return shapes.reshaped(x, (-1,))


@op(_ravel_infer, vjps=(_reshape_back,), numpy=np.ravel)
def ravel(x):
    """All entries in one row."""
    return x.reshape(-1)


def _expand_infer(x, axis):
    shape = list(shape_of(x))
    axes = _new_axes(axis, len(shape))
    for a in sorted(axes):
        shape.insert(a, 1)
    return KerasTensor(shape, dtype_of(x))


def _new_axes(axis, ndim):
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return shapes.axes_of(tuple(axes), ndim + len(axes))


@op(_expand_infer, vjps=(_reshape_back,), numpy=np.expand_dims)
def expand_dims(x, axis):
    """One more axis of length 1, which stands at `axis` in the result; a tuple for several."""
    return np.expand_dims(x, _new_axes(axis, x.ndim))


def _squeezed_axes(shape, axis):
    if axis is None:
        return tuple(i for i, n in enumerate(shape) if n == 1)
    axes = shapes.axes_of(axis, len(shape))
    for a in axes:
        if shape[a] not in (1, None):
            raise ValueError(
                f"`squeeze` drops axes of length 1. Axis {a} of shape {tuple(shape)} has "
                f"length {shape[a]}. Received: axis={axis!r}"
            )
    return axes


def _squeeze_infer(x, axis=None):
    shape = shape_of(x)
    axes = _squeezed_axes(shape, axis)
    return KerasTensor([n for i, n in enumerate(shape) if i not in axes], dtype_of(x))


@op(_squeeze_infer, vjps=(_reshape_back,), numpy=np.squeeze)
def squeeze(x, axis=None):
    """Without the axes of length 1: all of them, or those named by `axis`."""
    return np.squeeze(x, _squeezed_axes(x.shape, axis))


def _transpose_back(y, x, axes=None):
    back = None if axes is None else tuple(np.argsort([a % x.ndim for a in axes]))
    return lambda dy: dy.transpose(back)


@op(shapes.transposed, vjps=(_transpose_back,), numpy=np.transpose)
def transpose(x, axes=None):
    """The axes in another order: reversed, or as `axes` lists them."""
    return x.transpose(axes)


def _swapaxes_infer(x, axis1, axis2):
    shape = list(shape_of(x))
    a, b = normalize_axis(axis1, len(shape)), normalize_axis(axis2, len(shape))
    shape[a], shape[b] = shape[b], shape[a]
    return KerasTensor(shape, dtype_of(x))


def _swapaxes_back(y, x, axis1, axis2):
    return lambda dy: dy.swapaxes(axis1, axis2)


@op(_swapaxes_infer, vjps=(_swapaxes_back,), numpy=np.swapaxes)
def swapaxes(x, axis1, axis2):
    """Two axes in each other's place."""
    return x.swapaxes(axis1, axis2)


def _moved_order(ndim, source, destination):
    source = normalize_axis_tuple(source, ndim)
    destination = normalize_axis_tuple(destination, ndim)
    if len(source) != len(destination):
        raise ValueError(
            "`moveaxis` expects as many destinations as sources. "
            f"Received: source={source}, destination={destination}"
        )
    order = [i for i in range(ndim) if i not in source]
    for to, a in sorted(zip(destination, source, strict=True)):
        order.insert(to, a)
    return order


def _moveaxis_infer(x, source, destination):
    shape = shape_of(x)
    return KerasTensor([shape[i] for i in _moved_order(len(shape), source, destination)], x.dtype)


def _moveaxis_back(y, x, source, destination):
    return lambda dy: np.moveaxis(dy, destination, source)


@op(_moveaxis_infer, vjps=(_moveaxis_back,), numpy=np.moveaxis)
def moveaxis(x, source, destination):
    """Axes moved from the places `source` to the places `destination`; the rest close ranks."""
    return x.transpose(_moved_order(x.ndim, source, destination))


def _flip_back(y, x, axis=None):
    return lambda dy: np.flip(dy, axis)


@op(shapes.same, vjps=(_flip_back,), numpy=np.flip)
def flip(x, axis=None):
    """The entries in reverse order along an axis, several axes, or all of them."""
    return np.flip(x, axis)


@composed(numpy=np.fliplr)
def fliplr(x):
    """The columns in reverse order."""
    return flip(x, 1)


@composed(numpy=np.flipud)
def flipud(x):
    """The rows in reverse order."""
    return flip(x, 0)


def _roll_back(y, x, shift, axis=None):
    return lambda dy: np.roll(dy, tuple(np.negative(np.atleast_1d(shift))), axis)


@op(shapes.same, vjps=(_roll_back,), numpy=np.roll)
def roll(x, shift, axis=None):
    """Entries shifted along an axis; those pushed out at the end come in at the front."""
    return np.roll(x, shift, axis)


def _rot90_infer(array, k=1, axes=(0, 1)):
    return array if k % 2 == 0 else _swapaxes_infer(array, *axes)


def _rot90_back(y, array, k=1, axes=(0, 1)):
    return lambda dy: np.rot90(dy, -k, axes)


@op(_rot90_infer, vjps=(_rot90_back,), numpy=np.rot90)
def rot90(array, k=1, axes=(0, 1)):
    """Turned by k quarter turns in the plane of two axes, from the first towards the second."""
    return np.rot90(array, k, axes)


def _broadcast_to_infer(x, shape):
    lengths = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    broadcast_shapes(shape_of(x), lengths)
    return KerasTensor(lengths, dtype_of(x))


def _broadcast_to_back(y, x, shape):
    old = x.shape
    return lambda dy: unbroadcast(dy, old)


@op(_broadcast_to_infer, vjps=(_broadcast_to_back,), numpy=np.broadcast_to)
def broadcast_to(x, shape):
    """Spread to a larger shape, by NumPy's rule. The result is a view that cannot be written."""
    return np.broadcast_to(x, shape)


def sum_along(dy, positions, length, axis):
    """Slices of `dy` along an axis, each added to the one of `length` places it came from."""
    dy = np.moveaxis(dy, axis, 0)
    total = np.zeros((length, *dy.shape[1:]), dy.dtype)
    return np.moveaxis(add_rows(total, positions, dy), 0, axis)


def _repeat_infer(x, repeats, axis=None):
    shape = list(shape_of(x)) if axis is not None else [shapes.reshaped(x, (-1,)).shape[0]]
    axis = normalize_axis(0 if axis is None else axis, len(shape))
    counts = np.atleast_1d(repeats)
    if len(counts) == 1:
        shape[axis] = None if shape[axis] is None else shape[axis] * int(counts[0])
    else:
        shape[axis] = int(counts.sum())
    return KerasTensor(shape, dtype_of(x))


def _repeat_back(y, x, repeats, axis=None):
    shape = x.shape
    flat = axis is None
    length = x.size if flat else shape[axis]
    axis = 0 if flat else axis
    positions = np.repeat(np.arange(length), repeats)
    return lambda dy: sum_along(dy, positions, length, axis).reshape(shape)


@op(_repeat_infer, vjps=(_repeat_back,), numpy=np.repeat)
def repeat(x, repeats, axis=None):
    """Each entry several times in a row along an axis; without an axis, of the flat array.

    Args:
        x: An array.
        repeats: How often: one number for all, or one for each entry along the axis.
        axis: The axis. None: the array is first laid out in one row.
    """
    return np.repeat(x, repeats, axis)


def _tile_counts(repeats, ndim):
    counts = tuple(int(n) for n in np.atleast_1d(repeats))
    return (1,) * (ndim - len(counts)) + counts


def _tile_infer(x, repeats):
    shape = shape_of(x)
    counts = _tile_counts(repeats, len(shape))
    shape = (1,) * (len(counts) - len(shape)) + shape
    tiled = [None if n is None else n * count for n, count in zip(shape, counts, strict=True)]
    return KerasTensor(tiled, dtype_of(x))


def _tile_back(y, x, repeats):
    old = x.shape
    counts = _tile_counts(repeats, len(old))
    padded = (1,) * (len(counts) - len(old)) + old
    split_up = [n for pair in zip(counts, padded, strict=True) for n in pair]
    axes = tuple(range(0, len(split_up), 2))
    return lambda dy: dy.reshape(split_up).sum(axis=axes, dtype=dy.dtype).reshape(old)


@op(_tile_infer, vjps=(_tile_back,), numpy=np.tile)
def tile(x, repeats):
    """The whole array several times along each axis, as tiles on a floor."""
    return np.tile(x, repeats)


# Several arrays joined.


@fused_op(shapes.concatenated, promote=True)
def _concatenate(*arrays, axis, wanted):
    try:
        y = np.concatenate(arrays, axis)
    except ValueError as error:
        listed = ", ".join(str(x.shape) for x in arrays)
        raise ValueError(
            f"`concatenate` expects arrays whose shapes agree except along axis {axis}. "
            f"Received shapes: {listed:.160}"
        ) from error

    lengths = [x.shape[axis] for x in arrays] if wanted else ()
    return y, lambda dy: np.split(dy, np.cumsum(lengths)[:-1], axis)


@composed(numpy=np.concatenate)
def concatenate(xs, axis=0):
    """Several arrays one after another along an axis.

    Args:
        xs: A list of arrays whose shapes agree except along that axis.
        axis: The axis.
    """
    return _concatenate(*_several(xs, "concatenate"), axis=axis)


def _several(xs, name):
    xs = list(xs)
    if not xs:
        raise ValueError(f"`{name}` expects at least one array. Received: []")
    return xs


@fused_op(shapes.stacked, promote=True)
def _stack(*arrays, axis, wanted):
    axis = normalize_axis(axis, arrays[0].ndim + 1)
    if any(x.shape != arrays[0].shape for x in arrays):
        listed = ", ".join(str(x.shape) for x in arrays)
        raise ValueError(f"`stack` expects arrays of one shape. Received shapes: {listed:.160}")
    return np.stack(arrays, axis), lambda dy: np.moveaxis(dy, axis, 0)


@composed(numpy=np.stack)
def stack(x, axis=0):
    """Several arrays of one shape side by side along a new axis."""
    return _stack(*_several(x, "stack"), axis=axis)


def _at_least_1d(x):
    return x if shape_of(x) else reshape(x, (1,))


@composed(numpy=np.hstack)
def hstack(xs):
    """Joined along the second axis; along the first if they have only one."""
    xs = [_at_least_1d(x) for x in _several(xs, "hstack")]
    return _concatenate(*xs, axis=0 if len(shape_of(xs[0])) == 1 else 1)


@composed(numpy=np.vstack)
def vstack(xs):
    """Joined along the first axis; an array with one axis counts as a row."""
    xs = [_at_least_1d(x) for x in _several(xs, "vstack")]
    rows = [expand_dims(x, 0) if len(shape_of(x)) == 1 else x for x in xs]
    return _concatenate(*rows, axis=0)


@composed(numpy=np.dstack)
def dstack(xs):
    """Joined along the third axis; a row counts as one of depth 1."""
    xs = [_at_least_1d(x) for x in _several(xs, "dstack")]
    xs = [expand_dims(x, 0) if len(shape_of(x)) == 1 else x for x in xs]
    deep = [expand_dims(x, 2) if len(shape_of(x)) == 2 else x for x in xs]
    return _concatenate(*deep, axis=2)


@composed(numpy=np.append)
def append(x1, x2, axis=None):
    """The second array after the first along an axis; both laid out in a row without one."""
    if axis is None:
        return _concatenate(ravel(x1), ravel(x2), axis=0)
    return _concatenate(x1, x2, axis=axis)


# One array taken apart.


def _ends(length, indices_or_sections, uneven, name):
    """Where the parts along an axis of that length end, all but the last."""
    if not check.is_int(indices_or_sections):
        return [int(i) for i in indices_or_sections]
    count = check.positive_int(indices_or_sections, "indices_or_sections", f"`{name}`")
    whole, extra = divmod(length, count)
    if extra and not uneven:
        raise ValueError(
            f"`{name}` cannot part {length} entries into {count} equal parts. "
            f"Received: indices_or_sections={count}"
        )
    return np.cumsum([whole + (i < extra) for i in range(count)])[:-1].tolist()


def _split_infer(x, indices_or_sections, axis=0, uneven=False):
    shape = list(shape_of(x))
    axis = normalize_axis(axis, len(shape))
    length = shape[axis]
    if length is None:
        known = check.is_int(indices_or_sections)
        lengths = [None] * (indices_or_sections if known else len(indices_or_sections) + 1)
    else:
        ends = _ends(length, indices_or_sections, uneven, "split")
        lengths = [len(range(length)[a:b]) for a, b in zip([0, *ends], [*ends, None], strict=True)]
    parts = [[*shape[:axis], n, *shape[axis + 1 :]] for n in lengths]
    return tuple(KerasTensor(part, dtype_of(x)) for part in parts)


def _split_back(y, x, indices_or_sections, axis=0, uneven=False):
    return lambda dys: np.concatenate(dys, axis)


@op(_split_infer, vjps=(_split_back,))
def _split(x, indices_or_sections, axis=0, uneven=False):
    axis = normalize_axis(axis, x.ndim)
    ends = _ends(x.shape[axis], indices_or_sections, uneven, "split")
    return tuple(np.split(x, ends, axis))


@composed(numpy=np.split)
def split(x, indices_or_sections, axis=0):
    """The parts of an array along an axis, as a list.

    Args:
        x: An array.
        indices_or_sections: How many equal parts, or the places where to cut.
        axis: The axis.
    """
    return list(_split(x, indices_or_sections, axis))


@composed(numpy=np.array_split)
def array_split(x, indices_or_sections, axis=0):
    """Like `split`, but the first parts may be longer by one."""
    return list(_split(x, indices_or_sections, axis, uneven=True))


@composed(numpy=np.hsplit)
def hsplit(x, indices_or_sections):
    """Parts along the second axis; along the first if there is only one."""
    return list(_split(x, indices_or_sections, 0 if len(shape_of(x)) == 1 else 1))


@composed(numpy=np.vsplit)
def vsplit(x, indices_or_sections):
    """Parts along the first axis."""
    return list(_split(x, indices_or_sections, 0))


@composed(numpy=np.dsplit)
def dsplit(x, indices_or_sections):
    """Parts along the third axis."""
    return list(_split(x, indices_or_sections, 2))


def _unstack_infer(x, num=None, axis=0):
    shape = list(shape_of(x))
    length = shape.pop(normalize_axis(axis, len(shape)))
    length = num if length is None else length
    if length is None:
        raise ValueError(
            f"`unstack` must know how many arrays there are along axis {axis} of {shape_of(x)}. "
            "Give their number as `num`."
        )
    return tuple(KerasTensor(shape, dtype_of(x)) for _ in range(length))


@op(_unstack_infer, vjps=(lambda y, x, num=None, axis=0: lambda dys: np.stack(dys, axis),))
def _unstack(x, num=None, axis=0):
    parts = tuple(np.moveaxis(x, normalize_axis(axis, x.ndim), 0))
    if num is not None and num != len(parts):
        raise ValueError(
            f"`unstack` found {len(parts)} arrays along axis {axis} of shape {x.shape}. "
            f"Received: num={num}"
        )
    return parts


@composed
def unstack(x, num=None, axis=0):
    """The slices of an array along an axis, as a list of arrays without that axis."""
    return list(_unstack(x, num, axis))


# Padding.

_MODES = ("constant", "reflect", "symmetric")


def _widths(pad_width, ndim):
    """Pairs (before, after), one for each axis; one number or pair is enough where there is one."""
    try:
        widths = np.asarray(pad_width)
        if widths.dtype.kind not in "iu" or widths.shape == (1,):
            raise ValueError
        rows = widths if widths.ndim == 2 else widths.reshape(1, -1)
        pairs = np.broadcast_to(rows, (ndim, 2)).tolist() if len(rows) == ndim else None
    except (ValueError, TypeError):
        pairs = None
    if pairs is None:
        raise ValueError(
            f"`pad_width` of `pad` must be a pair of whole numbers for each of the {ndim} axes: "
            f"(before, after). Received: {pad_width}"
        )
    if any(n < 0 for pair in pairs for n in pair):
        raise ValueError(f"`pad_width` of `pad` must not be negative. Received: {pad_width}")
    return [(before, after) for before, after in pairs]


def _checked_pad(shape, pad_width, mode, constant_values):
    """The widths and the mode in small letters; what Keras refuses is refused."""
    kind = check.one_of(_MODES, str(mode).lower(), "mode", "`pad`")
    if constant_values is not None and mode != "constant":
        raise ValueError(
            "`constant_values` of `pad` belongs to mode='constant'. "
            f"Received: constant_values={constant_values}, mode={mode!r}"
        )
    widths = _widths(pad_width, len(shape))
    spared = {"reflect": 1, "symmetric": 0}.get(kind)  # the outermost entry is its own image or not
    for axis, (n, width) in enumerate(zip(shape, widths, strict=True)):
        if spared is not None and n is not None and max(width) > n - spared and any(width):
            raise ValueError(
                f"`pad` with mode={mode!r} can add at most {max(n - spared, 0)} entries at an end "
                f"of axis {axis}, which has {n}. Received: {width} of pad_width={pad_width}"
            )
    return widths, kind


def _pad_infer(x, pad_width, mode="constant", constant_values=None):
    shape = shape_of(x)
    widths, _ = _checked_pad(shape, pad_width, mode, constant_values)
    padded = [None if n is None else n + sum(w) for n, w in zip(shape, widths, strict=True)]
    return KerasTensor(padded, dtype_of(x))


def _pad_back(y, x, pad_width, mode="constant", constant_values=None):
    shape, widths, mode = x.shape, _widths(pad_width, x.ndim), mode.lower()
    if mode == "constant":
        inner = tuple(slice(w[0], w[0] + n) for n, w in zip(shape, widths, strict=True))
        return lambda dy: dy[inner]

    def pullback(dy):
        for axis, (n, width) in enumerate(zip(shape, widths, strict=True)):
            if any(width):
                dy = sum_along(dy, np.pad(np.arange(n), width, mode), n, axis)
        return dy

    return pullback


@op(_pad_infer, vjps=(_pad_back,))
def pad(x, pad_width, mode="constant", constant_values=None):
    """More entries before and after those along each axis.

    Args:
        x: An array.
        pad_width: How many: a pair (before, after) for each axis. Where there is one axis, the
            pair itself will do, or one number.
        mode: `"constant"`, or a mirror image of the entries at the edge, without
            (`"reflect"`) or with (`"symmetric"`) the outermost entry itself. In capitals, too.
        constant_values: What to pad with in mode `"constant"`. None: 0.

    Raises:
        ValueError: Also where a mirror image would need more entries than the axis has.
    """
    widths, kind = _checked_pad(x.shape, pad_width, mode, constant_values)
    if kind != "constant":
        return np.pad(x, widths, kind)
    if constant_values:
        return np.pad(x, widths, constant_values=constant_values)
    y = np.zeros([n + sum(w) for n, w in zip(x.shape, widths, strict=True)], x.dtype)
    y[tuple(slice(w[0], w[0] + n) for n, w in zip(x.shape, widths, strict=True))] = x
    return y


def _numpy_pad(array, pad_width, mode="constant", **options):
    """As NumPy has it: one width, or one pair, is for all axes."""
    return pad(
        array, np.broadcast_to(pad_width, (len(shape_of(array)), 2)).tolist(), mode, **options
    )


numpy_function(np.pad, _numpy_pad)


def size(x):
    """How many entries an array has; None if a symbolic tensor does not know."""
    shape = shape_of(x)
    return None if None in shape else math.prod(shape)


numpy_function(np.size, size)

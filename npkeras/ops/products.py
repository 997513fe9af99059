"""Products of matrices, and of arrays along named axes."""

from __future__ import annotations

import functools
import math
import string

import numpy as np

from npkeras.core import check, shapes
from npkeras.core.dtypes import dtype_of
from npkeras.core.op import FusedOp, Op, fused_op, op
from npkeras.core.shapes import axes_of, common_dtype, shape_of, unbroadcast
from npkeras.core.symbolic import KerasTensor
from npkeras.kernels.contraction import contract, product
from npkeras.ops import reduction
from npkeras.ops.arrange import moveaxis
from npkeras.ops.composed import composed

LETTERS = string.ascii_letters


def _product_dtype(*arrays):
    """The dtype in which arrays meet; the products of int8 are added up in int32."""
    dtype = common_dtype(*arrays)
    return "int32" if dtype == "int8" else dtype


def _widened(arrays):
    """Arrays of int8 as int32."""
    return [x.astype(np.int32) if x.dtype.char == "b" else x for x in arrays]


# matmul ------------------------------------------------------------------------------------------


def _matmul_infer(x1, x2):
    return KerasTensor(shapes.matmul(x1, x2).shape, _product_dtype(x1, x2))


def _matmul_left(y, x1, x2):
    shape = x1.shape

    def pullback(dy):
        if x2.ndim == 1:
            return (dy if len(shape) == 1 else dy[..., None]) * x2
        rows = dy[..., None, :] if len(shape) == 1 else dy
        dx = product(rows, x2.swapaxes(-1, -2))
        return unbroadcast(dx, (1,) * (2 - len(shape)) + shape).reshape(shape)

    return pullback


def _matmul_right(y, x1, x2):
    shape = x2.shape

    def pullback(dy):
        if len(shape) <= 2:  # one kernel for all rows: one product for all rows
            count = math.prod(x1.shape[:-1])
            rows = x1.reshape(count, x1.shape[-1])
            return product(rows.T, dy.reshape((count, *shape[1:]))).reshape(shape)
        if x1.ndim == 1:
            dx = x1[:, None] * dy[..., None, :]
        else:
            dx = product(x1.swapaxes(-1, -2), dy)
        return unbroadcast(dx, shape)

    return pullback


@op(
    _matmul_infer,
    vjps=(_matmul_left, _matmul_right),
    sign="matmul",
    promote=True,
    numpy=np.matmul,
)
def matmul(x1, x2):
    """x1 @ x2: rows of x1 times columns of x2, for every pair of matrices of a batch."""
    if x1.dtype.char == "b":
        x1, x2 = _widened((x1, x2))
    try:
        return product(x1, x2)
    except ValueError:
        shapes.matmul_shape(x1.shape, x2.shape)  # says what does not fit
        raise


# einsum ------------------------------------------------------------------------------------------


def parse(subscripts, ndims):
    """The labels of each operand and of the result; those behind an ellipsis get new ones."""
    text = subscripts.replace(" ", "")
    left, arrow, right = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise ValueError(
            f"`einsum` expects {len(terms)} arrays for {subscripts!r}. Received: {len(ndims)}"
        )
    spare = [letter for letter in LETTERS if letter not in text]
    hidden = [n - len(t.replace("...", "")) for t, n in zip(terms, ndims, strict=True)]
    rank = max([h for t, h in zip(terms, hidden, strict=True) if "..." in t], default=0)
    behind = spare[: max(rank, 0)]
    names = []
    for term, ndim, count in zip(terms, ndims, hidden, strict=True):
        if count < 0 or (count and "..." not in term):
            raise ValueError(
                f"`einsum` with {subscripts!r}: the term {term!r} does not fit an array with "
                f"{ndim} axes."
            )
        names.append(tuple(term.replace("...", "".join(behind[rank - count :]))))
    if arrow:
        kept = tuple(right.replace("...", "".join(behind)))
    else:
        single = sorted(n for n in set(left) & set(LETTERS) if left.count(n) == 1)
        kept = (*behind, *single) if "..." in left else tuple(single)
    known = {name for term in names for name in term}
    if len(set(kept)) < len(kept) or not set(kept) <= known or not known <= set(LETTERS):
        raise ValueError(
            f"`einsum` expects terms of letters, and after '->' letters that stand before it, "
            f"each once. Received: {subscripts!r}"
        )
    return tuple(names), kept, frozenset(behind)


def _label_lengths(names, array_shapes, owner, spread=frozenset()):
    """How long each label is. Those in `spread` may be 1 long in some arrays."""
    lengths = {}
    for term, shape in zip(names, array_shapes, strict=True):
        for name, length in zip(term, shape, strict=True):
            known = lengths.setdefault(name, length)
            if name in spread and 1 in (known, length):
                lengths[name] = length if known == 1 else known
            elif known is None:
                lengths[name] = length
            elif length not in (None, known):
                raise ValueError(
                    f"`{owner}` expects axes that run together to be equally long. "
                    f"Received shapes: {', '.join(map(str, array_shapes))}"
                )
    return lengths


@functools.lru_cache(maxsize=512)
def _way_back(i, names, kept, array_shapes):
    """What the gradient of operand i needs to know that does not depend on values."""
    own, shape = names[i], array_shapes[i]
    others = tuple(j for j in range(len(names)) if j != i)
    lengths = {}
    for term, lengths_of in zip(names, array_shapes, strict=True):
        for name, length in zip(term, lengths_of, strict=True):
            lengths[name] = max(length, lengths.get(name, length))
    found = {n for j in others for n in names[j]} | set(kept)
    spread = {n for n, length in zip(own, shape, strict=True) if length == 1 != lengths[n]}
    once = tuple(dict.fromkeys(own))
    target = tuple(n for n in once if n in found and n not in spread)
    absent = tuple(k for k, n in enumerate(once) if n not in target)
    full = tuple(1 if n in spread else lengths[n] for n in once)
    return others, (kept, *(names[j] for j in others)), target, absent, full, once


def _gradient_of(i, names, kept, arrays, dy):
    """The gradient of one operand: the same sum with the places of it and dy exchanged."""
    way = _way_back(i, names, kept, tuple(x.shape for x in arrays))
    others, labels, target, absent, full, once = way
    dx = contract([dy, *(arrays[j] for j in others)], labels, target)
    if target == names[i]:
        return dx
    dx = np.broadcast_to(np.expand_dims(dx, absent), full)
    if once == names[i]:
        return dx
    whole = np.zeros(arrays[i].shape, dx.dtype)  # a repeated label: it lies on the diagonal
    numbers = [once.index(n) for n in names[i]]
    np.einsum(whole, numbers, list(range(len(once))))[...] = dx
    return whole


def _contraction(arrays, names, kept, wanted):
    y = contract(arrays, names, kept)

    def backward(dy):
        return [
            _gradient_of(i, names, kept, arrays, dy) if i in wanted else None
            for i in range(len(arrays))
        ]

    return y, backward if wanted else None


class _Einsum(FusedOp):
    """`einsum`, whose equation stands before the arrays."""

    def __call__(self, *args, subscripts=None, **options):
        if subscripts is None:
            subscripts, *args = args
        if not isinstance(subscripts, str):
            raise TypeError(f"`einsum` expects an equation first. Received: {subscripts!r:.80}")
        return Op.__call__(self, *args, subscripts=subscripts)


@functools.lru_cache(maxsize=512)
def _read(subscripts, array_shapes):
    """The labels of the operands and of the result, and how long each is, once checked."""
    names, kept, behind = parse(subscripts, tuple(map(len, array_shapes)))
    return names, kept, _label_lengths(names, array_shapes, f"einsum {subscripts}", behind)


def _einsum_infer(*operands, subscripts):
    _, kept, lengths = _read(subscripts, tuple(map(shape_of, operands)))
    return KerasTensor([lengths[n] for n in kept], _product_dtype(*operands))


def _einsum(*operands, subscripts, wanted):
    """The sum of products that an equation such as "ij,jk->ik" describes.

    Axes with the same letter run together; letters that do not stand after "->" are summed
    over. "..." stands for any axes in front.
    """
    names, kept, _ = _read(subscripts, tuple(x.shape for x in operands))
    return _contraction(_widened(operands), names, kept, wanted)


_einsum.__name__ = "einsum"
einsum = _Einsum(_einsum, _einsum_infer, promote=True, numpy=np.einsum)


# Products along axes -----------------------------------------------------------------------------


def _product_op(name, doc, labels, numpy):
    """An op of two arrays whose axes `labels(ndim1, ndim2)` names."""

    def infer(x1, x2):
        array_shapes = shape_of(x1), shape_of(x2)
        names1, names2, kept = labels(*map(len, array_shapes))
        lengths = _label_lengths((names1, names2), array_shapes, name)
        return KerasTensor([lengths[n] for n in kept], common_dtype(x1, x2))

    def forward(x1, x2, *, wanted):
        names1, names2, kept = labels(x1.ndim, x2.ndim)
        _label_lengths((names1, names2), (x1.shape, x2.shape), name)
        return _contraction((x1, x2), (names1, names2), kept, wanted)

    forward.__name__, forward.__doc__, forward.__module__ = name, doc, __name__
    return fused_op(infer, promote=True, numpy=numpy)(forward)


def _dot_labels(ndim1, ndim2):
    names1, names2 = tuple(LETTERS[:ndim1]), tuple(LETTERS[26 : 26 + ndim2])
    if ndim1 and ndim2:
        at = max(ndim2 - 2, 0)
        names2 = names2[:at] + names1[-1:] + names2[at + 1 :]
        return names1, names2, names1[:-1] + names2[:at] + names2[at + 1 :]
    return names1, names2, names1 + names2


def _inner_labels(ndim1, ndim2):
    names1, names2 = tuple(LETTERS[:ndim1]), tuple(LETTERS[26 : 26 + ndim2])
    if ndim1 and ndim2:
        return names1, names2[:-1] + names1[-1:], names1[:-1] + names2[:-1]
    return names1, names2, names1 + names2


dot = _product_op(
    "dot",
    "Sums over the last axis of x1 and the second-to-last of x2 (or its only one).",
    _dot_labels,
    np.dot,
)
inner = _product_op("inner", "Sums over the last axes of x1 and of x2.", _inner_labels, np.inner)


def _size(shape):
    return None if None in shape else math.prod(shape)


def _outer_infer(x1, x2):
    return KerasTensor((_size(shape_of(x1)), _size(shape_of(x2))), common_dtype(x1, x2))


@op(
    _outer_infer,
    vjps=(
        lambda y, x1, x2: lambda dy: product(dy, x2.reshape(-1)).reshape(x1.shape),
        lambda y, x1, x2: lambda dy: product(dy.T, x1.reshape(-1)).reshape(x2.shape),
    ),
    promote=True,
    numpy=np.outer,
)
def outer(x1, x2):
    """Each entry of the flattened x1 times each of the flattened x2."""
    return np.outer(x1, x2)


def _vdot_infer(x1, x2):
    sizes = _size(shape_of(x1)), _size(shape_of(x2))
    if None not in sizes and sizes[0] != sizes[1]:
        raise ValueError(
            "`vdot` expects arrays with as many entries. "
            f"Received shapes: {shape_of(x1)} and {shape_of(x2)}"
        )
    return KerasTensor((), common_dtype(x1, x2))


@op(
    _vdot_infer,
    vjps=(
        lambda y, x1, x2: lambda dy: (dy * x2).reshape(x1.shape),
        lambda y, x1, x2: lambda dy: (dy * x1).reshape(x2.shape),
    ),
    promote=True,
    numpy=np.vdot,
)
def vdot(x1, x2):
    """The sum of the products of all entries of the flattened arrays."""
    _vdot_infer(x1, x2)
    x1, x2 = x1.reshape(-1), x2.reshape(-1)
    return np.asarray(product(np.conjugate(x1) if x1.dtype.kind == "c" else x1, x2))


def _tensordot_labels(ndim1, ndim2, axes):
    """Labels for `axes`: a count of axes that meet, or the axes of either array."""
    if check.is_int(axes):
        check.non_negative_int(axes, "axes", "tensordot")
        if axes > min(ndim1, ndim2):
            raise ValueError(
                f"`tensordot` cannot sum over axes={axes} axes of arrays with {ndim1} and "
                f"{ndim2} axes."
            )
        axes = range(ndim1 - axes, ndim1), range(axes)
    axes1, axes2 = [[a] if check.is_int(a) else list(a) for a in axes]
    axes1, axes2 = axes_of(axes1, ndim1), axes_of(axes2, ndim2)
    if len(axes1) != len(axes2):
        raise ValueError(f"`axes` of tensordot must come in pairs. Received: axes={axes}")
    names1, names2 = list(LETTERS[:ndim1]), list(LETTERS[26 : 26 + ndim2])
    for i, j in zip(axes1, axes2, strict=True):
        names2[j] = names1[i]
    kept = [n for i, n in enumerate(names1) if i not in axes1]
    kept += [n for j, n in enumerate(names2) if j not in axes2]
    return tuple(names1), tuple(names2), tuple(kept)


def _tensordot_infer(x1, x2, axes=2):
    array_shapes = shape_of(x1), shape_of(x2)
    names1, names2, kept = _tensordot_labels(*map(len, array_shapes), axes)
    lengths = _label_lengths((names1, names2), array_shapes, "tensordot")
    return KerasTensor([lengths[n] for n in kept], common_dtype(x1, x2))


@fused_op(_tensordot_infer, promote=True, arrays=2, numpy=np.tensordot)
def tensordot(x1, x2, axes=2, *, wanted):
    """Sums over pairs of axes: the last `axes` of x1 with the first of x2, or those listed."""
    names1, names2, kept = _tensordot_labels(x1.ndim, x2.ndim, axes)
    _label_lengths((names1, names2), (x1.shape, x2.shape), "tensordot")
    return _contraction((x1, x2), (names1, names2), kept, wanted)


# Sums over diagonals, cross products -------------------------------------------------------------


def _trace_infer(x, offset=0, axis1=0, axis2=1):
    shape = list(shape_of(x))
    first, second = axes_of((axis1, axis2), len(shape))
    kept = [n for i, n in enumerate(shape) if i not in (first, second)]
    return KerasTensor(kept, reduction.wide(dtype_of(x)))


def _trace_vjp(y, x, offset=0, axis1=0, axis2=1):
    shape = x.shape
    axes = axes_of((axis1, axis2), len(shape))

    def pullback(dy):
        rest = tuple(n for i, n in enumerate(shape) if i not in axes)
        ones = np.eye(shape[axes[0]], shape[axes[1]], offset, dy.dtype)
        dx = np.reshape(dy, rest + (1, 1)) * ones
        return np.moveaxis(dx, (-2, -1), axes)

    return pullback


@op(_trace_infer, vjps=(_trace_vjp,), numpy=np.trace)
def trace(x, offset=0, axis1=0, axis2=1):
    """The sum of the diagonal of the matrices that two axes form."""
    dtype = np.dtype(reduction.wide(dtype_of(x)))
    return np.trace(x, offset, axis1, axis2, dtype=dtype)


@composed(numpy=np.cross)
def cross(x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """The cross product of vectors of length 3 (or 2: their third entry counts as 0)."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2 = moveaxis(x1, axisa, -1), moveaxis(x2, axisb, -1)
    lengths = shape_of(x1)[-1], shape_of(x2)[-1]
    if not {2, 3} >= set(lengths):
        raise ValueError(f"`cross` expects vectors of length 2 or 3. Received: {lengths}")
    result = _cross(x1, x2)
    return result if lengths == (2, 2) else moveaxis(result, -1, axisc)


def _cross_infer(x1, x2):
    shape1, shape2 = shape_of(x1), shape_of(x2)
    batch = shapes.broadcast_shapes(shape1[:-1], shape2[:-1])
    plane = (shape1[-1], shape2[-1]) == (2, 2)
    return KerasTensor(batch if plane else (*batch, 3), common_dtype(x1, x2))


def _in_space(x):
    """Vectors of length 2 with a third entry, 0."""
    if x.shape[-1] == 3:
        return x
    return np.concatenate([x, np.zeros_like(x[..., :1])], -1)


def _cross_product(a, b):
    a, b = _in_space(a), _in_space(b)
    one, two = [1, 2, 0], [2, 0, 1]
    return a[..., one] * b[..., two] - a[..., two] * b[..., one]


def _cross_vjp(own):
    def vjp(y, x1, x2):
        target, other = (x1, x2) if own == 0 else (x2, x1)

        def pullback(dy):
            if y.shape[-1:] != (3,) or (x1.shape[-1], x2.shape[-1]) == (2, 2):
                dy = dy[..., None] * np.array([0, 0, 1], dy.dtype)
            dx = _cross_product(other, dy) if own == 0 else _cross_product(dy, other)
            dx = dx[..., : target.shape[-1]]
            return unbroadcast(dx, target.shape)

        return pullback

    return vjp


@op(_cross_infer, vjps=(_cross_vjp(0), _cross_vjp(1)), promote=True)
def _cross(x1, x2):
    result = _cross_product(x1, x2)
    return result[..., 2] if (x1.shape[-1], x2.shape[-1]) == (2, 2) else result

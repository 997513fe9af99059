"""Axes rearranged by a pattern, blocks of images as channels, and bytes read as other numbers."""

from __future__ import annotations

import math
import re

import numpy as np

from npkeras.core import check, config
from npkeras.core.dtypes import dtype_of, numpy_dtype, standardize_dtype
from npkeras.core.op import op
from npkeras.core.shapes import shape_of
from npkeras.core.symbolic import KerasTensor
from npkeras.ops.arrange import reshape, stack, transpose
from npkeras.ops.composed import composed
from npkeras.ops.elementwise import cos, multiply, sin

# Patterns.


def _side(text, pattern):
    """One side of a pattern as a list of groups of names."""
    groups = re.findall(r"\(([^()]*)\)|(\w+)", text)
    names = [inside.split() or [] if not single else [single] for inside, single in groups]
    rest = re.sub(r"\([\w\s]*\)|\w+|\s", "", text)
    flat = [name for group in names for name in group]
    if rest or len(set(flat)) != len(flat) or not all(name.isidentifier() for name in flat):
        raise ValueError(
            "A pattern of `rearrange` has names and groups in parentheses, each name once on "
            f"each side. Received: pattern={pattern!r}"
        )
    return names


def _lengths_of(names, groups, shape, given, pattern):
    """The length of each name; None for one that cannot be known yet."""
    lengths = {}
    for group, length in zip(groups, shape, strict=True):
        open_names = [name for name in group if name not in given]
        product = math.prod(given[name] for name in group if name in given)
        if len(open_names) > 1:
            raise ValueError(
                f"All but one of the lengths of {group} must be given to `rearrange`. "
                f"Received: {given or 'none'}, pattern={pattern!r}"
            )
        if length is not None and (
            length % max(product, 1) or not open_names and length != product
        ):
            raise ValueError(
                f"An axis of length {length} does not split into {group}. "
                f"Received: {given}, pattern={pattern!r}"
            )
        lengths |= {name: given[name] for name in group if name in given}
        if open_names:
            lengths[open_names[0]] = None if length is None else length // max(product, 1)
    return lengths


def _product(lengths):
    return None if None in lengths else math.prod(lengths)


@composed
def rearrange(tensor, pattern, **axes_lengths):
    """Axes split, moved and joined as a pattern says.

    Args:
        tensor: An array.
        pattern: The axes before and after an arrow. Names in parentheses share one axis.
        **axes_lengths: Lengths of names that share an axis before the arrow; one of them may be
            left out.

    Example:
        >>> images = np.zeros((8, 32, 32, 3))
        >>> ops.rearrange(images, "b (h x) (w y) c -> b h w (x y c)", x=4, y=4).shape
        (8, 8, 8, 48)
    """
    before, arrow, after = pattern.partition("->")
    left, right = _side(before, pattern), _side(after, pattern)
    names = [name for group in left for name in group]
    target = [name for group in right for name in group]
    shape = shape_of(tensor)
    if not arrow or set(names) != set(target) or len(left) != len(shape):
        raise ValueError(
            "A pattern of `rearrange` names every axis before and after an arrow. "
            f"Received: pattern={pattern!r}, for an array of shape {shape}"
        )
    given = {name: n for name, n in axes_lengths.items() if name in names}
    lengths = _lengths_of(names, left, shape, given, pattern)
    joined = [_product([lengths[name] for name in group]) for group in right]
    if isinstance(tensor, KerasTensor):
        return KerasTensor(joined, tensor.dtype)
    split = reshape(tensor, [lengths[name] for name in names])
    return reshape(transpose(split, [names.index(name) for name in target]), joined)


# Blocks of pixels and channels.


def _blocks(x, block_size, data_format, owner):
    if not check.is_int(block_size) or block_size < 2:
        raise ValueError(
            f"`block_size` of `{owner}` must be an integer of at least 2. "
            f"Received: block_size={block_size}"
        )
    data_format = config.image_data_format() if data_format is None else data_format
    check.one_of(("channels_last", "channels_first"), data_format, "data_format", f"`{owner}`")
    if len(shape_of(x)) != 4:
        raise ValueError(
            f"`{owner}` expects images, an array with 4 axes. Received shape {shape_of(x)}"
        )
    return data_format == "channels_first"


def _divided(length, by, what, owner):
    if length is not None and length % by:
        raise ValueError(
            f"`{owner}` expects the {what} to be a multiple of {by}. Received: {length}"
        )


@composed
def depth_to_space(x, block_size, data_format="channels_last"):
    """Groups of channels laid out as blocks of pixels: images `block_size` times as large.

    Shapes:
        x (batch, height, width, block_size**2 * channels)
            -> (batch, block_size * height, block_size * width, channels)
    """
    owner, n = "depth_to_space", block_size
    first = _blocks(x, block_size, data_format, owner)
    _divided(shape_of(x)[1 if first else -1], n * n, "number of channels", owner)
    if first:
        return rearrange(x, "b (p q c) h w -> b c (h p) (w q)", p=n, q=n)
    return rearrange(x, "b h w (p q c) -> b (h p) (w q) c", p=n, q=n)


@composed
def space_to_depth(x, block_size, data_format="channels_last"):
    """Blocks of pixels laid out as channels: images `block_size` times as small.

    Shapes:
        x (batch, block_size * height, block_size * width, channels)
            -> (batch, height, width, block_size**2 * channels)
    """
    owner, n = "space_to_depth", block_size
    first = _blocks(x, block_size, data_format, owner)
    for length in shape_of(x)[2:] if first else shape_of(x)[1:3]:
        _divided(length, n, "height and width", owner)
    if first:
        return rearrange(x, "b c (h p) (w q) -> b (p q c) h w", p=n, q=n)
    return rearrange(x, "b (h p) (w q) c -> b h w (p q c)", p=n, q=n)


# The same bytes.


def _view_infer(x, dtype=None):
    old, shape = numpy_dtype(dtype_of(x)), list(shape_of(x))
    new = old if dtype is None else numpy_dtype(standardize_dtype(dtype))
    if new.itemsize != old.itemsize:
        size = None if shape[-1] is None else shape[-1] * old.itemsize
        if size is not None and size % new.itemsize:
            raise _no_view(shape, old, new)
        shape[-1] = None if size is None else size // new.itemsize
    return KerasTensor(shape, standardize_dtype(new))


def _no_view(shape, old, new):
    return ValueError(
        f"An array of shape {tuple(shape)} and dtype {old} cannot be read as {new}: the bytes "
        "along its last axis do not make a whole number of entries."
    )


@op(_view_infer)
def view(x, dtype=None):
    """The same bytes read as another dtype; the last axis grows or shrinks accordingly."""
    new = x.dtype if dtype is None else numpy_dtype(standardize_dtype(dtype))
    if x.ndim and x.shape[-1] * x.itemsize % new.itemsize:
        raise _no_view(x.shape, x.dtype, new)
    return np.ascontiguousarray(x).view(new)


def _complex_infer(x):
    dtype = "complex128" if dtype_of(x) == "float64" else "complex64"
    return KerasTensor(_without_pair(shape_of(x)), dtype)


def _without_pair(shape):
    if not shape or shape[-1] not in (2, None):
        raise ValueError(
            "`view_as_complex` expects pairs (real, imaginary) along the last axis. "
            f"Received shape {tuple(shape)}"
        )
    return shape[:-1]


@op(_complex_infer, vjps=(lambda y, x: lambda dy: np.stack([dy.real, dy.imag], -1),))
def view_as_complex(x):
    """Complex numbers of the pairs (real, imaginary) along the last axis."""
    _without_pair(x.shape)
    real = x.astype("float64" if x.dtype == np.float64 else "float32", copy=False)
    return real[..., 0] + 1j * real[..., 1]


def _real_infer(x):
    dtype = {"complex128": "float64", "complex64": "float32"}.get(dtype_of(x), dtype_of(x))
    return KerasTensor((*shape_of(x), 2), dtype)


@op(_real_infer, vjps=(lambda y, x: lambda dy: dy[..., 0] + 1j * dy[..., 1],))
def view_as_real(x):
    """The pairs (real, imaginary) of complex numbers, along a new last axis."""
    return np.stack([x.real, x.imag], axis=-1)


@composed
def polar(abs_, angle):
    """The complex numbers with these absolute values and angles."""
    parts = [multiply(abs_, cos(angle)), multiply(abs_, sin(angle))]
    return view_as_complex(stack(parts, axis=-1))

"""The shape and the dtype of arrays and attributes, where they are of a kind that models have."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from npkeras.saving.h5read.source import Cursor

_MOST_AXES = 32
_MOST_NUMBERS = 1 << 42  # which NumPy can count the bytes of
_INTEGER, _FLOAT, _STRING, _OPAQUE, _ENUM, _VARIABLE = 0, 1, 3, 5, 8, 9
# Of each size: where the sign is; the places and lengths of exponent and mantissa; the bias.
_IEEE = {
    2: (15, 10, 5, 0, 10, 15),
    4: (31, 23, 8, 0, 23, 127),
    8: (63, 52, 11, 0, 52, 1023),
}


class Kind(NamedTuple):
    """What each element is: a dtype of NumPy, or texts of any length."""

    dtype: np.dtype
    text: bool = False

    @property
    def size(self) -> int:
        return 16 if self.text else self.dtype.itemsize


def shape_of(cursor: Cursor) -> tuple[int, ...] | None:
    """The shape of an array; None of one that holds nothing, not even a scalar."""
    version = cursor.one_of(1, (1, 2), "a shape of version")
    count, flags = cursor.number(1), cursor.number(1)
    if count > _MOST_AXES:
        raise cursor.error(f"has {count} axes")
    if version == 1:
        cursor.take(5)
    elif cursor.one_of(1, (0, 1, 2), "a shape of kind") == 2:
        return None
    if flags > 1:
        raise cursor.error("has axes in another order")
    shape = tuple(cursor.number() for _ in range(count))
    if math.prod(max(1, length) for length in shape) >= _MOST_NUMBERS:
        raise cursor.error(f"claims the shape {shape}")
    return shape


def sound(array: np.ndarray) -> np.ndarray:
    """Booleans as 0 or 1, on which NumPy relies; other arrays as they are."""
    return array.view(np.uint8) != 0 if array.dtype == bool else array


def kind_of(cursor: Cursor) -> Kind:
    """What the elements are, if it is something that weights and names of layers can be."""
    first = cursor.number(1)
    group, version = first & 15, first >> 4
    bits, size = cursor.number(3), cursor.number(4)
    if not 1 <= version <= 5:  # of what is taken here, they differ in how names are padded
        raise cursor.error(f"has a type of version {version}")
    if not 0 < size < 1 << 20:
        raise cursor.error(f"has elements of {size:,} bytes")
    if group == _INTEGER:
        return Kind(_integer(cursor, bits, size))
    if group == _FLOAT:
        return Kind(_float(cursor, bits, size))
    if group == _STRING:
        return Kind(np.dtype(f"S{size}"))
    if group == _OPAQUE:
        return Kind(np.dtype(f"V{size}"))
    if group == _ENUM:
        return Kind(_enum(cursor, bits, size, version))
    if group == _VARIABLE and bits & 15 == 1 and size == 16:
        return Kind(np.dtype(object), text=True)
    raise cursor.error("holds neither numbers nor texts")


def _order(bits: int) -> str:
    return ">" if bits & 1 else "<"


def _integer(cursor: Cursor, bits: int, size: int) -> np.dtype:
    if size not in (1, 2, 4, 8) or cursor.number(2) or cursor.number(2) != 8 * size:
        raise cursor.error(f"holds integers of {size} bytes that are not filled")
    return np.dtype(f"{_order(bits)}{'i' if bits & 8 else 'u'}{size}")


def _float(cursor: Cursor, bits: int, size: int) -> np.dtype:
    start, precision = cursor.number(2), cursor.number(2)
    layout = *(cursor.number(1) for _ in range(4)), cursor.number(4)
    layout = (bits >> 8 & 255, *layout)
    # Bits 4 and 5: the leading one of the mantissa is left out; bit 6 is of an order of the VAX.
    if layout != _IEEE.get(size) or start or precision != 8 * size or bits & 0x70 != 0x20:
        raise cursor.error(f"holds numbers of {size} bytes that are not as IEEE 754 says")
    return np.dtype(f"{_order(bits)}f{size}")


def _enum(cursor: Cursor, bits: int, size: int, version: int) -> np.dtype:
    """Integers with names; the names "FALSE" and "TRUE" are how h5py writes booleans."""
    first, base_bits, base_size = cursor.number(1), cursor.number(3), cursor.number(4)
    if first & 15 != _INTEGER or base_size != size:
        raise cursor.error("names numbers that are no integers")
    base = _integer(cursor, base_bits, size)
    names = []
    for _ in range(bits & 0xFFFF):
        start = cursor.at
        names.append(cursor.text())
        if version < 3:
            cursor.skip_to_multiple(8, start)
    values = cursor.take(size * len(names))
    if size == 1 and dict(zip(names, values, strict=True)) == {"FALSE": 0, "TRUE": 1}:
        return np.dtype(bool)
    return base

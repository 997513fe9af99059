"""Ops on integers: bits, shifts, divisors. No gradient flows through any of them."""

from __future__ import annotations

import numpy as np

from npkeras.core import shapes
from npkeras.core.op import binary, op
from npkeras.core.tape import Traced
from npkeras.ops.elementwise import logical_not


def _bits(function, name, doc):
    """An op of two integer arrays that Keras calls x and y."""

    def forward(x, y):
        if x.dtype.kind == "f":
            raise TypeError(f"`{name}` expects integers or booleans. Received: dtype={x.dtype}")
        return function(x, y)

    forward.__name__, forward.__doc__, forward.__module__ = name, doc, __name__
    return op(shapes.broadcast, vjps=(None, None), promote=True, numpy=function)(forward)


bitwise_and = _bits(np.bitwise_and, "bitwise_and", "The bits that x and y both have.")
bitwise_or = _bits(np.bitwise_or, "bitwise_or", "The bits that x or y has.")
bitwise_xor = _bits(np.bitwise_xor, "bitwise_xor", "The bits that just one of x and y has.")
bitwise_left_shift = _bits(
    np.left_shift, "bitwise_left_shift", "The bits of x, moved up by y places."
)
bitwise_right_shift = _bits(
    np.right_shift, "bitwise_right_shift", "The bits of x, moved down by y places."
)
left_shift, right_shift = bitwise_left_shift, bitwise_right_shift


@op(shapes.same, numpy=np.bitwise_not)
def bitwise_invert(x):
    """The bits that x does not have."""
    if x.dtype.kind == "f":
        raise TypeError(f"`bitwise_invert` expects integers. Received: dtype={x.dtype}")
    return np.bitwise_not(x)


bitwise_not = bitwise_invert


def _invert(x):
    return (bitwise_invert if x.value.dtype.kind in "iu" else logical_not)(x)


Traced.__invert__ = (
    _invert  # of symbolic tensors `~` is `logical_not` whatever they hold, as in Keras
)
gcd = binary(np.gcd, "The greatest number that divides both x1 and x2.")
lcm = binary(np.lcm, "The least number that both x1 and x2 divide.")

"""Ops that work on each entry by itself: a table of functions and their derivatives.

Read a line such as `exp = elementwise(np.exp, "...", lambda y, x: lambda dy: dy * y)` as: the
derivative of y = exp(x) is y. The outer lambda is called in the forward pass, the inner one in
the backward pass, and what the inner one mentions is kept in between.
"""

from __future__ import annotations

import math

import numpy as np

from npkeras.core import shapes
from npkeras.core.dtypes import numpy_dtype, standardize_dtype
from npkeras.core.op import binary, elementwise, numpy_function, op
from npkeras.core.shapes import unbroadcast
from npkeras.core.symbolic import KerasTensor

LOG_2, LOG_10 = math.log(2), math.log(10)

# Arithmetic ------------------------------------------------------------------------------------

add = binary(
    np.add,
    "x1 + x2.",
    (lambda y, x1, x2: lambda dy: dy, lambda y, x1, x2: lambda dy: dy),
    sign="add",
)
subtract = binary(
    np.subtract,
    "x1 - x2.",
    (lambda y, x1, x2: lambda dy: dy, lambda y, x1, x2: lambda dy: -dy),
    sign="sub",
)
multiply = binary(
    np.multiply,
    "x1 * x2.",
    (lambda y, x1, x2: lambda dy: dy * x2, lambda y, x1, x2: lambda dy: dy * x1),
    sign="mul",
)
divide = binary(
    np.divide,
    "x1 / x2.",
    (lambda y, x1, x2: lambda dy: dy / x2, lambda y, x1, x2: lambda dy: -dy * y / x2),
    name="divide",
    sign="truediv",
    floats=True,
)
true_divide = divide
floor_divide = binary(np.floor_divide, "The floor of x1 / x2.", sign="floordiv")
mod = binary(
    np.remainder,
    "x1 - floor(x1 / x2) * x2: what is left, with the sign of x2.",
    (lambda y, x1, x2: lambda dy: dy, lambda y, x1, x2: lambda dy: -dy * np.floor(x1 / x2)),
    name="mod",
    sign="mod",
)
fmod = binary(
    np.fmod,
    "x1 - trunc(x1 / x2) * x2: what is left, with the sign of x1.",
    (lambda y, x1, x2: lambda dy: dy, lambda y, x1, x2: lambda dy: -dy * np.trunc(x1 / x2)),
)


def _power_base(y, x1, x2):
    return lambda dy: dy * x2 * np.power(x1, np.where(x2 == 0, x2, x2 - 1))


def _power_exponent(y, x1, x2):
    return lambda dy: dy * y * np.log(np.where(x1 > 0, x1, 1))


power = binary(np.power, "x1 to the x2.", (_power_base, _power_exponent), sign="pow")
maximum = binary(
    np.maximum,
    "The larger of x1 and x2; where they are equal, the gradient goes to x1.",
    (
        lambda y, x1, x2: lambda dy: np.where(x1 >= x2, dy, 0),
        lambda y, x1, x2: lambda dy: np.where(x1 >= x2, 0, dy),
    ),
)
minimum = binary(
    np.minimum,
    "The smaller of x1 and x2; where they are equal, the gradient goes to x1.",
    (
        lambda y, x1, x2: lambda dy: np.where(x1 <= x2, dy, 0),
        lambda y, x1, x2: lambda dy: np.where(x1 <= x2, 0, dy),
    ),
)
negative = elementwise(
    np.negative, "-x.", lambda y, x: lambda dy: -dy, sign="neg", keeps_integers=True
)
absolute = elementwise(
    np.absolute,
    "|x|.",
    lambda y, x: lambda dy: dy * np.sign(x),
    sign="abs",
    keeps_integers=True,
)
sign = elementwise(
    np.sign,
    "-1, 0 or 1: the sign of x. Its slope counts as 0.",
    lambda y, x: lambda dy: dy * 0,
    keeps_integers=True,
)
reciprocal = elementwise(np.reciprocal, "1 / x.", lambda y, x: lambda dy: -dy * y * y)


# Powers, exponentials, logarithms --------------------------------------------------------------

sqrt = elementwise(np.sqrt, "The square root of x.", lambda y, x: lambda dy: dy * 0.5 / y)
cbrt = elementwise(np.cbrt, "The cube root of x.", lambda y, x: lambda dy: dy / (3 * y * y))
exp = elementwise(np.exp, "e to the x.", lambda y, x: lambda dy: dy * y)
exp2 = elementwise(np.exp2, "2 to the x.", lambda y, x: lambda dy: dy * y * LOG_2)
expm1 = elementwise(np.expm1, "e to the x, less 1.", lambda y, x: lambda dy: dy * (y + 1))
log = elementwise(np.log, "The natural logarithm of x.", lambda y, x: lambda dy: dy / x)
log2 = elementwise(np.log2, "log(x) / log(2).", lambda y, x: lambda dy: dy / (x * LOG_2))
log10 = elementwise(np.log10, "log(x) / log(10).", lambda y, x: lambda dy: dy / (x * LOG_10))
log1p = elementwise(
    np.log1p, "log(1 + x), accurate for small x.", lambda y, x: lambda dy: dy / (1 + x)
)

# Angles ----------------------------------------------------------------------------------------

sin = elementwise(np.sin, "The sine of x.", lambda y, x: lambda dy: dy * np.cos(x))
cos = elementwise(np.cos, "The cosine of x.", lambda y, x: lambda dy: -dy * np.sin(x))
tan = elementwise(np.tan, "The tangent of x.", lambda y, x: lambda dy: dy * (1 + y * y))
sinh = elementwise(np.sinh, "(e**x - e**-x) / 2.", lambda y, x: lambda dy: dy * np.cosh(x))
cosh = elementwise(np.cosh, "(e**x + e**-x) / 2.", lambda y, x: lambda dy: dy * np.sinh(x))
tanh = elementwise(np.tanh, "sinh(x) / cosh(x).", lambda y, x: lambda dy: dy * (1 - y * y))
arcsin = elementwise(
    np.arcsin, "The angle whose sine is x.", lambda y, x: lambda dy: dy / np.sqrt(1 - x * x)
)
arccos = elementwise(
    np.arccos, "The angle whose cosine is x.", lambda y, x: lambda dy: -dy / np.sqrt(1 - x * x)
)
arctan = elementwise(
    np.arctan, "The angle whose tangent is x.", lambda y, x: lambda dy: dy / (1 + x * x)
)
arcsinh = elementwise(
    np.arcsinh, "The inverse of sinh.", lambda y, x: lambda dy: dy / np.sqrt(x * x + 1)
)
arccosh = elementwise(
    np.arccosh, "The inverse of cosh.", lambda y, x: lambda dy: dy / np.sqrt(x * x - 1)
)
arctanh = elementwise(
    np.arctanh, "The inverse of tanh.", lambda y, x: lambda dy: dy / (1 - x * x)
)
deg2rad = elementwise(
    np.deg2rad, "x * pi / 180.", lambda y, x: lambda dy: dy * (math.pi / 180)
)
rad2deg = elementwise(
    np.rad2deg, "x * 180 / pi.", lambda y, x: lambda dy: dy * (180 / math.pi)
)
arctan2 = binary(
    np.arctan2,
    "The angle of the point (x2, x1), in (-pi, pi].",
    (
        lambda y, x1, x2: lambda dy: dy * x2 / (x1 * x1 + x2 * x2),
        lambda y, x1, x2: lambda dy: -dy * x1 / (x1 * x1 + x2 * x2),
    ),
    floats=True,
)
hypot = binary(
    np.hypot,
    "sqrt(x1**2 + x2**2), without overflow.",
    (lambda y, x1, x2: lambda dy: dy * x1 / y, lambda y, x1, x2: lambda dy: dy * x2 / y),
    floats=True,
)
logaddexp = binary(
    np.logaddexp,
    "log(e**x1 + e**x2), without overflow.",
    (
        lambda y, x1, x2: lambda dy: dy * np.exp(x1 - y),
        lambda y, x1, x2: lambda dy: dy * np.exp(x2 - y),
    ),
    floats=True,
)
logaddexp2 = binary(
    np.logaddexp2,
    "log2(2**x1 + 2**x2), without overflow.",
    (
        lambda y, x1, x2: lambda dy: dy * np.exp2(x1 - y),
        lambda y, x1, x2: lambda dy: dy * np.exp2(x2 - y),
    ),
    floats=True,
)

# Rounding --------------------------------------------------------------------------------------

floor = elementwise(np.floor, "The largest whole number that is not above x.")
ceil = elementwise(np.ceil, "The smallest whole number that is not below x.")
trunc = elementwise(np.trunc, "x without what stands after the point.", keeps_integers=True)


# Questions -------------------------------------------------------------------------------------


def _question(function, doc):
    return elementwise(function, doc, keeps_integers=True, infer=shapes.same_bool)


def _comparison(function, doc, sign=None):
    return binary(function, doc, sign=sign, infer=shapes.broadcast_bool)


isfinite = _question(np.isfinite, "Whether x is a number, and not infinite.")
isinf = _question(np.isinf, "Whether x is infinite.")
isnan = _question(np.isnan, "Whether x is not a number.")
logical_not = _question(np.logical_not, "Whether x is zero or False.")
equal = _comparison(np.equal, "Whether x1 == x2.", "eq")
not_equal = _comparison(np.not_equal, "Whether x1 != x2.", "ne")
less = _comparison(np.less, "Whether x1 < x2.", "lt")
less_equal = _comparison(np.less_equal, "Whether x1 <= x2.", "le")
greater = _comparison(np.greater, "Whether x1 > x2.", "gt")
greater_equal = _comparison(np.greater_equal, "Whether x1 >= x2.", "ge")
logical_and = _comparison(np.logical_and, "Whether x1 and x2 are both true.", "and")
logical_or = _comparison(np.logical_or, "Whether x1 or x2 is true, or both.", "or")
logical_xor = _comparison(np.logical_xor, "Whether just one of x1 and x2 is true.", "xor")


# Functions with options ------------------------------------------------------------------------


@op(shapes.same)
def stop_gradient(variable):
    """`variable` as a constant: no gradient flows through it."""
    return variable.view()


def _cast_shape(x, dtype):
    return KerasTensor(shapes.shape_of(x), standardize_dtype(dtype))


def _cast_vjp(y, x, dtype):
    source = x.dtype
    if y.dtype.kind not in "fc":
        return None
    return lambda dy: dy.astype(source)


@op(_cast_shape, vjps=(_cast_vjp,))
def cast(x, dtype):
    """x in another dtype. Its gradient comes back in the dtype of x."""
    return x.astype(numpy_dtype(standardize_dtype(dtype)), copy=False)


def _clip_shape(x, x_min, x_max):
    return shapes.broadcast(x, x_min, x_max)


@op(
    _clip_shape,
    vjps=(
        lambda y, x, x_min, x_max: lambda dy: unbroadcast(
            np.where((x >= x_min) & (x <= x_max), dy, 0), x.shape
        ),
        lambda y, x, x_min, x_max: lambda dy: unbroadcast(np.where(x < x_min, dy, 0), x_min.shape),
        lambda y, x, x_min, x_max: lambda dy: unbroadcast(
            np.where((x > x_max) & (x >= x_min), dy, 0), x_max.shape
        ),
    ),
    promote=True,
    numpy=np.clip,
)
def clip(x, x_min, x_max):
    """x, but nowhere below x_min nor above x_max."""
    return np.minimum(np.maximum(x, x_min), x_max)


def _round_infer(x, decimals=0):
    return shapes.same(x)


@op(_round_infer, numpy=np.round)
def round(x, decimals=0):
    """The nearest number with `decimals` digits after the point; halves go to the even one."""
    return np.round(x, decimals)


numpy_function(np.true_divide, divide)


def _where_infer(condition, x1, x2):
    shape = shapes.broadcast_shapes(*map(shapes.shape_of, (condition, x1, x2)))
    return KerasTensor(shape, shapes.common_dtype(x1, x2))


def _choose_back(first):
    def vjp(y, condition, x1, x2):
        shape = (x1 if first else x2).shape

        def pullback(dy):
            chosen = np.where(condition, dy, 0) if first else np.where(condition, 0, dy)
            return shapes.unbroadcast(chosen.astype(dy.dtype, copy=False), shape)

        return pullback

    return vjp


@op(_where_infer, vjps=(None, _choose_back(True), _choose_back(False)), numpy=np.where)
def where(condition, x1, x2):
    """x1 where the condition holds, x2 elsewhere."""
    dtype = numpy_dtype(shapes.common_dtype(x1, x2))
    return np.where(condition, x1, x2).astype(dtype, copy=False)

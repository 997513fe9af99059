"""Ops that work on each entry by itself: a table of functions and their derivatives.

Read a line such as `exp = elementwise(np.exp, "...", lambda y, x: lambda dy: dy * y)` as: the
derivative of y = exp(x) is y. The outer lambda is called in the forward pass, the inner one in
the backward pass, and what the inner one mentions is kept in between.
"""

from __future__ import annotations

import math

import numpy as np

from npkeras.core import shapes
from npkeras.core.dtypes import dtype_of, numpy_dtype, standardize_dtype
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
    numpy=np.true_divide,
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
    if x2.ndim == 0 and x2 == 2:
        return lambda dy: dy * 2 * x1
    return lambda dy: dy * x2 * np.power(x1, np.where(x2 == 0, x2, x2 - 1))


def _power_exponent(y, x1, x2):
    return lambda dy: dy * y * np.log(np.where(x1 > 0, x1, 1))


def _power(x1, x2):
    if x2.ndim == 0 and x2 == 2:
        return np.square(x1)  # the commonest power by far, at a tenth of the price
    return np.power(x1, x2)


power = binary(
    _power,
    "x1 to the x2.",
    (_power_base, _power_exponent),
    name="power",
    sign="pow",
    numpy=np.power,
)
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
abs = absolute
fabs = elementwise(np.fabs, "|x| as a float.", lambda y, x: lambda dy: dy * np.sign(x))
reciprocal = elementwise(np.reciprocal, "1 / x.", lambda y, x: lambda dy: -dy * y * y)


# Powers, exponentials, logarithms --------------------------------------------------------------


def _square(x):
    return np.square(x) if x.dtype.kind != "b" else x.astype(np.int32)


def _square_infer(x):
    dtype = dtype_of(x)
    return KerasTensor(shapes.shape_of(x), "int32" if dtype == "bool" else dtype)


def _rsqrt(x):
    return np.reciprocal(np.sqrt(x))


square = elementwise(
    _square,
    "x * x.",
    lambda y, x: lambda dy: dy * 2 * x,
    name="square",
    keeps_integers=True,
    infer=_square_infer,
    numpy=np.square,
)
rsqrt = elementwise(
    _rsqrt, "1 / sqrt(x).", lambda y, x: lambda dy: dy * -0.5 * y * y * y, name="rsqrt"
)
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
arctanh = elementwise(np.arctanh, "The inverse of tanh.", lambda y, x: lambda dy: dy / (1 - x * x))
deg2rad = elementwise(np.deg2rad, "x * pi / 180.", lambda y, x: lambda dy: dy * (math.pi / 180))
rad2deg = elementwise(np.rad2deg, "x * 180 / pi.", lambda y, x: lambda dy: dy * (180 / math.pi))
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
    (
        lambda y, x1, x2: lambda dy: dy * (x1 / np.where(y == 0, 1, y)),
        lambda y, x1, x2: lambda dy: dy * (x2 / np.where(y == 0, 1, y)),
    ),
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


def _trunc(x):
    return np.trunc(x) if x.dtype.kind == "f" else x


trunc = elementwise(
    _trunc,
    "x without what stands after the point.",
    name="trunc",
    keeps_integers=True,
    numpy=np.trunc,
)


# Questions -------------------------------------------------------------------------------------


def _question(function, doc, sign=None):
    return elementwise(function, doc, sign=sign, keeps_integers=True, infer=shapes.same_bool)


def _comparison(function, doc, sign=None):
    return binary(function, doc, sign=sign, infer=shapes.broadcast_bool)


isfinite = _question(np.isfinite, "Whether x is a number, and not infinite.")
isinf = _question(np.isinf, "Whether x is infinite.")
isnan = _question(np.isnan, "Whether x is not a number.")
logical_not = _question(np.logical_not, "Whether x is zero or False.", "invert")
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
    return (lambda dy: dy.astype(source)) if y.dtype.kind in "fc" else None


@op(_cast_shape, vjps=(_cast_vjp,))
def cast(x, dtype):
    """x in another dtype. Its gradient comes back in the dtype of x."""
    dtype = numpy_dtype(standardize_dtype(dtype))
    if x.dtype.kind in "US" or dtype.kind == "U":
        if x.dtype.kind == dtype.kind:
            return x
        raise ValueError(
            f"Strings do not become numbers, nor numbers strings. Received: an array of dtype "
            f"{x.dtype}, to be cast to {'string' if dtype.kind == 'U' else dtype}"
        )
    if x.dtype.kind == "f" and dtype.kind in "iu":
        with np.errstate(invalid="ignore"):  # NaN becomes some integer, as everywhere
            return x.astype(dtype)
    return x.astype(dtype, copy=False)


def _clip_shape(x, x_min, x_max):
    made = shapes.broadcast(x, x_min, x_max)
    return KerasTensor(made.shape, "int32" if made.dtype == "bool" else made.dtype)


@op(
    _clip_shape,
    vjps=(
        lambda y, x, x_min, x_max: (
            lambda dy: unbroadcast(np.where((x >= x_min) & (x <= x_max), dy, 0), x.shape)
        ),
        lambda y, x, x_min, x_max: lambda dy: unbroadcast(np.where(x < x_min, dy, 0), x_min.shape),
        lambda y, x, x_min, x_max: (
            lambda dy: unbroadcast(np.where((x > x_max) & (x >= x_min), dy, 0), x_max.shape)
        ),
    ),
    promote=True,
    numpy=np.clip,
)
def clip(x, x_min, x_max):
    """x, but nowhere below x_min nor above x_max."""
    if x.dtype.kind == "b":
        x = x.astype(np.int32)
    return np.minimum(np.maximum(x, x_min), x_max)


@op(shapes.same, sign="round", numpy=np.round)
def round(x, decimals=0):
    """The nearest number with `decimals` digits after the point; halves go to the even one."""
    return np.round(x, decimals)


numpy_function(np.around, round)


def _where_infer(condition, x1=None, x2=None):
    _check_choices(x1, x2)
    if x1 is None:
        raise ValueError("`where` with a condition alone has no shape before it has values.")
    shape = shapes.broadcast_shapes(*map(shapes.shape_of, (condition, x1, x2)))
    return KerasTensor(shape, shapes.common_dtype(x1, x2))


def _check_choices(x1, x2):
    if (x1 is None) != (x2 is None):
        missing = "x1" if x1 is None else "x2"
        raise ValueError(f"`where` takes both `x1` and `x2`, or neither. Received: {missing}=None")


def _where_first(y, condition, x1, x2):
    shape = x1.shape
    return lambda dy: unbroadcast(np.where(condition, dy, 0), shape)


def _where_second(y, condition, x1, x2):
    shape = x2.shape
    return lambda dy: unbroadcast(np.where(condition, 0, dy), shape)


@op(_where_infer, vjps=(None, _where_first, _where_second), promote=slice(1, 3), numpy=np.where)
def where(condition, x1=None, x2=None):
    """x1 where the condition holds, x2 elsewhere; alone, the positions where it holds."""
    _check_choices(x1, x2)
    if x1 is None:
        return tuple(positions.astype(np.int32) for positions in np.nonzero(condition))
    return np.where(condition, x1, x2)

"""Elementwise ops with a twist: special functions, safe division, saturation, complex parts."""

from __future__ import annotations

import math

import numpy as np

from npkeras.core import shapes
from npkeras.core.dtypes import dtype_of, numpy_dtype, standardize_dtype
from npkeras.core.op import binary, elementwise, op
from npkeras.core.symbolic import KerasTensor
from npkeras.kernels import special as kernels

TWO_OVER_SQRT_PI = 2 / math.sqrt(math.pi)

erf = elementwise(
    kernels.erf,
    "2 / sqrt(pi) times the integral of e**(-t**2) from 0 to x.",
    lambda y, x: lambda dy: dy * np.exp(-x * x) * TWO_OVER_SQRT_PI,
)
erfc = elementwise(
    kernels.erfc,
    "1 - erf(x), accurate also where erf(x) is nearly 1.",
    lambda y, x: lambda dy: dy * np.exp(-x * x) * -TWO_OVER_SQRT_PI,
)
erfinv = elementwise(
    kernels.erfinv,
    "The y whose erf is x.",
    lambda y, x: lambda dy: dy * np.exp(y * y) / TWO_OVER_SQRT_PI,
)


def _i0(x):
    return np.i0(x).astype(x.dtype, copy=False)


i0 = elementwise(
    _i0,
    "Bessel's modified function of order 0: the mean of e**(x cos(t)) over a full turn.",
    lambda y, x: lambda dy: dy * kernels.bessel_i1(x),
    name="i0",
    numpy=np.i0,
)


def _sinc(x):
    return np.sinc(x).astype(x.dtype, copy=False)


def _sinc_vjp(y, x):
    def pullback(dy):
        safe = np.where(x == 0, 1, x)
        return dy * np.where(x == 0, 0, (np.cos(math.pi * safe) - y) / safe)

    return pullback


sinc = elementwise(_sinc, "sin(pi x) / (pi x), and 1 at 0.", _sinc_vjp, name="sinc", numpy=np.sinc)

# Two arguments -----------------------------------------------------------------------------------


def _divide_no_nan(x1, x2):
    zero = x2 == 0
    return np.where(zero, 0, x1 / np.where(zero, 1, x2)).astype(x1.dtype, copy=False)


divide_no_nan = binary(
    _divide_no_nan,
    "x1 / x2, but 0 where x2 is 0.",
    (
        lambda y, x1, x2: lambda dy: _divide_no_nan(dy, x2),
        lambda y, x1, x2: lambda dy: _divide_no_nan(-dy * y, x2),
    ),
    name="divide_no_nan",
    floats=True,
)
heaviside = binary(
    np.heaviside,
    "0 for negative x1, 1 for positive x1, and x2 where x1 is 0.",
    (None, lambda y, x1, x2: lambda dy: np.where(x1 == 0, dy, 0)),
    floats=True,
)
nextafter = binary(
    np.nextafter,
    "The next number after x1 in the direction of x2.",
    (lambda y, x1, x2: lambda dy: dy, None),
    floats=True,
)
fmax = binary(
    np.fmax,
    "The larger of x1 and x2, or the one that is not NaN.",
    (
        lambda y, x1, x2: lambda dy: np.where((x1 >= x2) | np.isnan(x2), dy, 0),
        lambda y, x1, x2: lambda dy: np.where((x1 >= x2) | np.isnan(x2), 0, dy),
    ),
)
fmin = binary(
    np.fmin,
    "The smaller of x1 and x2, or the one that is not NaN.",
    (
        lambda y, x1, x2: lambda dy: np.where((x1 <= x2) | np.isnan(x2), dy, 0),
        lambda y, x1, x2: lambda dy: np.where((x1 <= x2) | np.isnan(x2), 0, dy),
    ),
)


def _ldexp_infer(x1, x2):
    if not np.issubdtype(numpy_dtype(dtype_of(x2)), np.integer):
        raise TypeError(f"`x2` of ldexp must hold integers. Received: dtype={dtype_of(x2)}")
    shape = shapes.broadcast_shapes(shapes.shape_of(x1), shapes.shape_of(x2))
    return KerasTensor(shape, shapes.float_dtype(x1))


@op(
    _ldexp_infer,
    vjps=(lambda y, x1, x2: lambda dy: shapes.unbroadcast(np.ldexp(dy, x2), x1.shape), None),
    numpy=np.ldexp,
)
def ldexp(x1, x2):
    """x1 * 2**x2, for integers x2."""
    _ldexp_infer(x1, x2)
    return np.ldexp(x1.astype(shapes.float_dtype(x1), copy=False), x2)


def _close_infer(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    return shapes.broadcast_bool(x1, x2)


@op(_close_infer, arrays=2, promote=True, numpy=np.isclose)
def isclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether |x1 - x2| <= atol + rtol * |x2|."""
    return np.isclose(x1, x2, rtol, atol, equal_nan)


def _all_close_infer(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    shapes.broadcast_bool(x1, x2)
    return KerasTensor((), "bool")


@op(_all_close_infer, arrays=2, promote=True, numpy=np.allclose)
def allclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether `isclose` holds everywhere."""
    return np.asarray(np.allclose(x1, x2, rtol, atol, equal_nan))


# Not a number, out of range ----------------------------------------------------------------------


@op(
    shapes.same,
    vjps=(lambda y, x, *args, **options: lambda dy: np.where(np.isfinite(x), dy, 0),),
    numpy=np.nan_to_num,
)
def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """x with `nan` in place of NaN, and finite numbers (the largest if None) in place of inf."""
    return np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf)


def _saturated_infer(x, dtype):
    return KerasTensor(shapes.shape_of(x), standardize_dtype(dtype))


def _limits(x, dtype):
    """The least and largest number of `dtype` that x can hold, and not a larger one."""
    if dtype.kind == "b" or x.dtype.kind == "b":
        return 0, 1
    info = np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)
    least, largest = info.min, info.max
    if x.dtype.kind in "iu":
        own = np.iinfo(x.dtype)
        return max(int(own.min), int(least)), min(int(own.max), int(largest))
    if dtype.kind == "f":
        own = np.finfo(x.dtype)
        return max(float(own.min), float(least)), min(float(own.max), float(largest))
    top = x.dtype.type(largest)
    return x.dtype.type(least), top if int(top) <= largest else np.nextafter(top, x.dtype.type(0))


def _saturated_vjp(y, x, dtype):
    if y.dtype.kind != "f":
        return None
    least, largest = _limits(x, y.dtype)
    return lambda dy: np.where((x >= least) & (x <= largest), dy, 0).astype(x.dtype)


@op(_saturated_infer, vjps=(_saturated_vjp,))
def saturate_cast(x, dtype):
    """x in another dtype; what is out of its range becomes its least or largest number."""
    target = numpy_dtype(standardize_dtype(dtype))
    if x.dtype == target or x.dtype.kind == "b":
        return x.astype(target)
    least, largest = _limits(x, target)
    clipped = np.clip(x, least, largest)
    if x.dtype.kind == "f" and target.kind != "f":
        clipped = np.where(np.isnan(x), 0, clipped)
    return clipped.astype(target)


# Signs and complex numbers -----------------------------------------------------------------------


def _signbit(x):
    return np.signbit(x) if x.dtype.kind == "f" else x < 0


def _part_infer(x):
    dtype = {"complex64": "float32", "complex128": "float64"}.get(dtype_of(x), dtype_of(x))
    return KerasTensor(shapes.shape_of(x), dtype)


def _angle_infer(x):
    part = _part_infer(x)
    return KerasTensor(part.shape, shapes.float_dtype(part))


def _angle(x):
    return np.angle(x) if x.dtype.kind == "c" else np.where(x < 0, x.dtype.type(math.pi), 0)


def _isneginf(x):
    return x == -np.inf


def _isposinf(x):
    return x == np.inf


def _question(function, doc, name, numpy):
    return elementwise(
        function, doc, name=name, keeps_integers=True, infer=shapes.same_bool, numpy=numpy
    )


signbit = _question(_signbit, "Whether x has a minus sign; -0.0 has.", "signbit", np.signbit)
isneginf = _question(_isneginf, "Whether x is -inf.", "isneginf", np.isneginf)
isposinf = _question(_isposinf, "Whether x is inf.", "isposinf", np.isposinf)
isreal = _question(np.isreal, "Whether x has no imaginary part.", "isreal", np.isreal)
real = elementwise(
    np.real,
    "The real part of x.",
    lambda y, x: lambda dy: dy.astype(x.dtype),
    keeps_integers=True,
    infer=_part_infer,
    numpy=np.real,
)
imag = elementwise(
    np.imag,
    "The imaginary part of x: 0 for real x.",
    keeps_integers=True,
    infer=_part_infer,
    numpy=np.imag,
)
conjugate = elementwise(
    np.conjugate,
    "x with the opposite imaginary part.",
    lambda y, x: lambda dy: np.conjugate(dy),
    keeps_integers=True,
)
conj = conjugate
angle = elementwise(
    _angle,
    "The angle of the number x in the plane: 0 or pi for real x.",
    name="angle",
    infer=_angle_infer,
    numpy=np.angle,
)

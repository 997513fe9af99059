"""Elementwise ops: edges, ties, dtypes, Python's signs, NumPy's functions, messages."""

import math
import operator
import warnings

import numpy as np
import pytest

from npkeras import GradientTape, KerasTensor, Variable, ops
from npkeras.core.dtypes import dtype_of
from npkeras.core.op import OPS, Binary, Unary
from npkeras.core.tape import Traced
from tests.checks import check_gradients, kept_after_forward, recorded_gradients

NAN = np.nan
FLOATS = ["float16", "float32", "float64"]
DTYPES = ["bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "int64", *FLOATS]
UNARY = sorted(name for name, op in OPS.items() if isinstance(op, Unary))
BINARY = sorted(name for name, op in OPS.items() if isinstance(op, Binary))
SILENT = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def gradient(function, *values):
    arrays = [np.array(value, "float32") for value in values]
    gradients, _ = recorded_gradients(function, arrays, [np.float32(1)])
    return [g.tolist() for g in gradients]


# Ties, kinks and zeros ---------------------------------------------------------------------------


def test_where_two_numbers_are_equal_the_gradient_of_their_maximum_goes_to_the_first():
    assert gradient(ops.maximum, [1, 2, 3], [1, 3, 2]) == [[1, 0, 1], [0, 1, 0]]
    assert gradient(ops.minimum, [1, 2, 3], [1, 3, 2]) == [[1, 1, 0], [0, 0, 1]]


def test_the_slope_of_the_absolute_value_is_0_at_0():
    assert gradient(ops.absolute, [-1, 0, 2]) == [[-1, 0, 1]]


def test_within_and_on_the_limits_clip_lets_gradients_through():
    y = ops.clip(np.array([-1.0, 0, 1, 2, 3]), 0, 2)
    np.testing.assert_array_equal(y, [0, 0, 1, 2, 2])
    dx, low, high = gradient(ops.clip, [-1, 0, 1, 2, 3], 0, 2)
    assert (dx, low, high) == ([0, 1, 1, 1, 0], 1, 1)


def test_the_slope_of_sign_is_0_and_rounding_has_none():
    assert gradient(ops.sign, [-1, 0, 2]) == [[0, 0, 0]]
    x = Traced(np.ones(2), object())
    with GradientTape() as tape:
        y = [ops.floor(x), ops.ceil(x), ops.round(x), ops.trunc(x)]
    assert tape.gradient([v for v in y if isinstance(v, Traced)], x) is None


@SILENT
def test_powers_at_0_and_of_negative_numbers_have_finite_gradients():
    assert gradient(ops.power, [0, -2, 0], [0, 2, 5]) == [[0, -4, 0], [0, 0, 0]]


def test_a_square_written_as_a_power_is_exact():
    x = np.array([-3.0, 0.1], "float32")
    np.testing.assert_array_equal(ops.power(x, 2), x * x)
    assert gradient(lambda x: x**2, [3, -1]) == [[6, -2]]


def test_the_length_of_nothing_has_slope_0():
    assert gradient(ops.hypot, [0, 3], [0, 4]) == [[0, pytest.approx(0.6)], [0, pytest.approx(0.8)]]


def test_dividing_by_zero_without_nan_gives_zero_and_no_gradient():
    np.testing.assert_array_equal(ops.divide_no_nan([1.0, 0, 6], [0.0, 0, 3]), [0, 0, 2])
    assert gradient(ops.divide_no_nan, [1, 6], [0, 3]) == [
        [0, pytest.approx(1 / 3)],
        [0, pytest.approx(-2 / 3)],
    ]


def test_equal_shares_of_logaddexp():
    assert gradient(ops.logaddexp, [1], [1]) == [[0.5], [0.5]]


def test_the_remainder_has_the_sign_of_the_divisor_and_fmod_that_of_the_dividend():
    np.testing.assert_array_equal(ops.mod([-3, 3], [2, -2]), [1, -1])
    np.testing.assert_array_equal(ops.fmod([-3, 3], [2, -2]), [-1, 1])


def test_where_not_a_number_meets_a_number_fmax_takes_the_number():
    np.testing.assert_array_equal(ops.fmax([1.0, np.nan], [np.nan, 2.0]), [1, 2])
    assert gradient(ops.fmax, [1, np.nan], [np.nan, 2]) == [[1, 0], [0, 1]]
    assert gradient(ops.fmin, [1, np.nan], [np.nan, 2]) == [[1, 0], [0, 1]]


# The error function ------------------------------------------------------------------------------


def test_erf_is_that_of_the_standard_library_to_a_few_ulp():
    x = np.concatenate([np.linspace(-6, 6, 4001), 10.0 ** np.linspace(-300, 0, 50)])
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_array_less(np.abs(ops.erf(x) - expected), 5 * np.spacing(np.abs(expected)))
    expected = np.array([math.erfc(v) for v in x])
    np.testing.assert_allclose(ops.erfc(x), expected, rtol=3e-15)


def test_erf_and_its_inverse_at_the_ends():
    np.testing.assert_array_equal(ops.erf([-np.inf, 0.0, np.inf]), [-1, 0, 1])
    np.testing.assert_array_equal(ops.erfc([-np.inf, 0.0, np.inf]), [2, 1, 0])
    np.testing.assert_array_equal(ops.erfinv([-1.0, 0.0, 1.0]), [-np.inf, 0, np.inf])
    assert np.isnan(ops.erf(np.nan)) and np.isnan(ops.erfinv(1.5))


def test_the_inverse_of_erf_undoes_it():
    y = np.concatenate([np.linspace(-0.9999, 0.9999, 2001), 1 - 10.0 ** -np.arange(5, 15)])
    np.testing.assert_allclose(ops.erf(ops.erfinv(y)), y, rtol=1e-14)


def test_float32_keeps_its_dtype_and_its_accuracy():
    x = np.linspace(-4, 4, 999, dtype="float32")
    expected = np.array([math.erf(v) for v in x], "float32")
    assert ops.erf(x).dtype == "float32"
    np.testing.assert_allclose(ops.erf(x), expected, rtol=5e-7, atol=1e-30)
    ends = np.array([-np.inf, -5, 5, np.inf], "float32")
    np.testing.assert_array_equal(ops.erf(ends), [-1, -1, 1, 1])
    assert np.isnan(ops.erf(np.array([np.nan], "float32"))).all()


def test_the_slope_of_i0_is_the_series_of_i1():
    x = np.array([0.0, 0.5, 2.0, 10.0, 100.0])
    series = [
        sum(
            math.exp((2 * k + 1) * math.log(v / 2) - math.lgamma(k + 1) - math.lgamma(k + 2))
            for k in range(300)
        )
        if v
        else 0.0
        for v in x
    ]
    (slope,), _ = recorded_gradients(ops.i0, [x], [np.ones(5)])
    np.testing.assert_allclose(slope, series, rtol=1e-11, atol=1e-15)


# Casting, rounding, choosing ---------------------------------------------------------------------


def test_cast_takes_names_and_the_gradient_comes_back_in_the_first_dtype():
    assert ops.cast([1.7, -1.7], "int32").tolist() == [1, -1]
    assert ops.cast([0.0, 0.5], "bool").tolist() == [False, True]
    x = Traced(np.ones(2, "float32"), object())
    with GradientTape() as tape:
        y = ops.cast(x, "float16")
    assert tape.gradient(y, x).dtype == "float32"
    with GradientTape() as tape:
        assert isinstance(ops.cast(x, "int32"), np.ndarray)


def test_cast_does_not_know_every_dtype():
    with pytest.raises(ValueError, match="Invalid dtype: floaty"):
        ops.cast([1.0], "floaty")


def test_saturate_cast_stops_at_the_ends_of_the_range():
    x = np.array([-1.5, 300, np.nan, 1e20])
    assert ops.saturate_cast(x, "uint8").tolist() == [0, 255, 0, 255]
    assert ops.saturate_cast(x, "int32").tolist() == [-1, 300, 0, 2**31 - 1]
    assert ops.saturate_cast(np.float32(3e9), "int32") <= 2**31 - 1
    assert ops.saturate_cast([1e5, -np.inf], "float16").tolist() == [65504, -65504]
    assert ops.saturate_cast(np.array([300, -5]), "uint8").tolist() == [255, 0]
    (dx,), _ = recorded_gradients(
        lambda x: ops.saturate_cast(x, "float16"), [np.array([1e5, 2.0])], [np.ones(2, "float16")]
    )
    assert dx.tolist() == [0, 1]


def test_halves_are_rounded_to_even():
    assert ops.round([0.5, 1.5, 2.5, -0.5]).tolist() == [0, 2, 2, 0]
    assert ops.round(np.array([15.0, 25.0]), -1).tolist() == [20, 20]


def test_where_keeps_the_dtype_of_the_arrays_beside_python_numbers():
    y = ops.where([True, False], np.ones(2, "float16"), 0.0)
    assert (y.tolist(), y.dtype) == ([1, 0], "float16")


def test_where_alone_gives_positions():
    rows, columns = ops.where([[1, 0], [0, 2]])
    assert rows.tolist() == columns.tolist() == [0, 1]
    assert rows.dtype == "int32"


def test_where_takes_both_choices_or_none():
    with pytest.raises(ValueError, match="both `x1` and `x2`, or neither. Received: x2=None"):
        ops.where([True], [1.0])
    with pytest.raises(ValueError, match="no shape before it has values"):
        ops.where(KerasTensor((2,), "bool"))


def test_nan_to_num_replaces_what_is_no_finite_number():
    x = np.array([np.nan, np.inf, -np.inf, 1], "float32")
    largest = np.finfo("float32").max
    np.testing.assert_array_equal(ops.nan_to_num(x), [0, largest, -largest, 1])
    np.testing.assert_array_equal(ops.nan_to_num(x, 1.0, 2.0, 3.0), [1, 2, 3, 1])
    (dx,), _ = recorded_gradients(ops.nan_to_num, [x], [np.ones(4, "float32")])
    assert dx.tolist() == [0, 0, 0, 1]


def test_complex_parts():
    x = np.array([3 + 4j, -1j])
    assert ops.real(x).tolist() == [3, 0]
    assert ops.imag(x).tolist() == [4, -1]
    assert ops.conj(x).tolist() == [3 - 4j, 1j]
    assert ops.angle(x)[1] == pytest.approx(-math.pi / 2)
    assert ops.isreal(x).tolist() == [False, False]
    assert ops.real(KerasTensor((2,), "complex64")).dtype == "float32"


def test_bits_and_divisors_need_integers():
    assert ops.gcd([-4, 6, 0], [6, 9, 0]).tolist() == [2, 3, 0]
    assert ops.lcm([4, 6], [6, 9]).tolist() == [12, 18]
    assert ops.bitwise_not(np.array([1], "uint8")).tolist() == [254]
    with pytest.raises(TypeError, match="`bitwise_and` expects integers.*dtype=float32"):
        ops.bitwise_and([1.0], [2])
    with pytest.raises(TypeError, match="`bitwise_invert` expects integers.*dtype=float32"):
        ops.bitwise_invert([1.0])
    with pytest.raises(TypeError, match="`x2` of ldexp must hold integers.*dtype=float32"):
        ops.ldexp([1.0], [1.0])


def test_stop_gradient_gives_a_constant():
    x = Traced(np.array([3.0]), object())
    with GradientTape() as tape:
        y = x * ops.stop_gradient(x)
    assert tape.gradient(y, x).tolist() == [3]


# Python's signs ----------------------------------------------------------------------------------

SIGNS = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow"]
COMPARISONS = ["lt", "le", "gt", "ge", "ne"]


@pytest.mark.parametrize("sign", SIGNS + COMPARISONS)
@pytest.mark.parametrize("kind", ["variable", "recorded", "symbolic"])
def test_signs_work_with_the_value_on_either_side(sign, kind):
    function = getattr(operator, sign)
    x = np.array([1.5, 2.0], "float32")
    made = {
        "variable": lambda: Variable(x),
        "recorded": lambda: Traced(x, object()),
        "symbolic": lambda: KerasTensor((2,)),
    }[kind]()
    for other in (2, 0.5, np.array([1.0, 3.0], "float32")):
        for left, right, expected in (
            (made, other, function(x, other)),
            (other, made, function(other, x)),
        ):
            y = function(left, right)
            assert tuple(y.shape) == (2,)
            assert dtype_of(y) == dtype_of(expected)
            if kind != "symbolic":
                np.testing.assert_allclose(np.asarray(y), expected, rtol=1e-6)


def test_other_signs():
    x = Variable([[1.0, -2.0]])
    assert (-x).tolist() == [[-1, 2]]
    assert abs(x).tolist() == [[1, 2]]
    assert (x @ np.ones((2, 1), "float32")).tolist() == [[-1]]
    assert (np.ones((1, 1), "float32") @ x).tolist() == [[1, -2]]
    flags = Variable([True, False])
    assert (flags & True).tolist() == [True, False]
    assert (True | flags).tolist() == [True, True]
    assert (flags ^ np.array([True, True])).tolist() == [False, True]
    assert (~flags).tolist() == [False, True]


def test_equality_compares_values_of_variables_and_identity_of_symbolic_tensors():
    x = Variable([1.0, 2.0])
    assert (x == [1.0, 3.0]).tolist() == [True, False]
    assert {x: 1}[x] == 1
    tensor = KerasTensor((2,))
    assert (tensor == tensor) is True
    assert (tensor == KerasTensor((2,))) is False


# NumPy's functions -------------------------------------------------------------------------------


def test_numpys_functions_are_differentiable():
    x = Variable(np.ones((2, 3)))
    with GradientTape() as tape:
        y = np.sum(np.exp(np.clip(x, 0, 2)) * np.where(x > 0, x, 0), axis=-1, keepdims=True)
    assert y.shape == (2, 1)
    np.testing.assert_allclose(tape.gradient(y, x), np.full((2, 3), 2 * np.e))


def test_numpys_functions_work_on_symbolic_tensors():
    x = KerasTensor((None, 3))
    assert np.mean(np.tanh(x), axis=-1).shape == (None,)
    assert np.add(np.ones(3, "float32"), x).dtype == "float32"


def test_numpys_functions_without_an_op_say_so():
    x = Variable([1.0])
    with pytest.raises(TypeError, match="`np.spacing` has no counterpart"):
        np.spacing(x)
    with pytest.raises(TypeError, match="`np.unwrap` has no counterpart"):
        np.unwrap(x)
    with pytest.raises(TypeError, match="`np.sum` of a recorded.*does not take `where`"):
        np.sum(x, where=[True])
    with pytest.raises(TypeError, match="`np.add` has no counterpart"):
        np.add(x, x, out=np.ones(1))


# Memory and warnings -----------------------------------------------------------------------------


def test_only_what_a_pullback_mentions_is_kept():
    assert kept_after_forward(ops.exp, np.ones(3))[0] == {"input": False, "output": True}
    assert kept_after_forward(ops.log, np.ones(3))[0] == {"input": True, "output": False}
    assert kept_after_forward(ops.negative, np.ones(3))[0] == {"input": False, "output": False}
    assert kept_after_forward(lambda x: x + 1.0, np.ones(3))[0] == {
        "input": False,
        "output": False,
    }


def test_far_out_nothing_warns():
    x = np.array([-1e4, -100, 100, 1e4], "float32")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ops.logaddexp(x, 0.0)
        ops.tanh(x)
        ops.erf(x)
        ops.erfc(x)
        ops.logsumexp(x)
        ops.cast(np.array([np.nan, 1e20]), "int32")


def test_lists_and_numbers_are_taken_as_they_are():
    assert ops.add(1, 2).dtype == "int32"
    assert ops.add([1, 2], 0.5).dtype == "float32"
    assert ops.multiply(np.ones(2, "float16"), 2.0).dtype == "float16"
    assert ops.add(x1=1.0, x2=[2.0]).tolist() == [3]
    assert ops.exp(x=0.0) == 1


# Keras' dtypes -----------------------------------------------------------------------------------

SAMPLE = np.array([[1, 0], [0, 1]])
WEAKER_IN_KERAS = {"arctan2", "logaddexp", "logaddexp2", "nextafter", "hypot", "heaviside"}


def keras_dtype(function, *args):
    try:
        return function(*args).dtype.name
    except Exception:
        return None  # Keras does not take this dtype


def agree(name, ours, theirs, dtypes):
    assert ours == theirs, f"{name} of {dtypes}: {ours}, Keras {theirs}"


@SILENT
@pytest.mark.keras
@pytest.mark.parametrize("name", UNARY)
def test_dtypes_of_one_argument_are_those_of_keras(name, keras):
    for dtype in DTYPES:
        x = SAMPLE.astype(dtype)
        theirs = keras_dtype(getattr(keras.ops, name), x)
        wide = name in ("cbrt", "deg2rad", "rad2deg", "i0") and dtype == "int64"
        if theirs is not None and not wide:
            function = getattr(ops, name)
            agree(name, dtype_of(function(x)), theirs, dtype)
            agree(name, function(KerasTensor((2, 2), dtype)).dtype, theirs, dtype)


@SILENT
@pytest.mark.keras
@pytest.mark.parametrize("name", BINARY)
def test_dtypes_of_two_arguments_are_those_of_keras(name, keras):
    function = getattr(ops, name)
    for first in DTYPES:
        a = SAMPLE.astype(first)
        others = [SAMPLE.astype(second) for second in DTYPES]
        if name not in WEAKER_IN_KERAS | {"mod", "fmod", "gcd", "lcm"}:
            others += [True, 1, 1.0]
        for b in others:
            dtypes = first, dtype_of(b)
            if name in ("hypot", "heaviside") and not set(dtypes) & set(FLOATS):
                continue  # Keras computes these in float64 if an int64 is among them
            theirs = keras_dtype(getattr(keras.ops, name), a, b)
            if theirs is not None:
                agree(name, dtype_of(function(a, b)), theirs, dtypes)
                spec = b if isinstance(b, (int, float)) else KerasTensor((2, 2), dtypes[1])
                agree(name, function(KerasTensor((2, 2), first), spec).dtype, theirs, dtypes)


SPECIAL = np.array(
    [0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2.5, 3, 100, -100, 1e-4, 1e-30, -1e30, np.inf, -np.inf, NAN],
    "float32",
)
# Where Keras on TensorFlow is not right, or says nothing, and NumPy is
KERAS_ERRS = {
    "erfinv": "near 0 it is rounded to 0",
    "floor_divide": "by infinity and by tiny numbers it is off by 1",
    "heaviside": "of NaN it is not NaN",
    "hypot": "of two infinities it is NaN",
    "logaddexp2": "near 0 digits are lost",
    "nextafter": "from infinity there is no way back",
}


@SILENT
@pytest.mark.keras
@pytest.mark.parametrize("name", [name for name in UNARY if name not in KERAS_ERRS])
def test_special_numbers_give_what_keras_gives(name, keras):
    theirs = keras.ops.__dict__[name](SPECIAL)
    np.testing.assert_allclose(getattr(ops, name)(SPECIAL), theirs, rtol=3e-6, atol=1e-37)


@SILENT
@pytest.mark.keras
@pytest.mark.parametrize("name", [n for n in BINARY if n not in {*KERAS_ERRS, "gcd", "lcm"}])
def test_pairs_of_special_numbers_give_what_keras_gives(name, keras):
    a, b = SPECIAL[:, None], SPECIAL
    theirs = keras.ops.__dict__[name](a, b)
    np.testing.assert_allclose(getattr(ops, name)(a, b), theirs, rtol=3e-6, atol=1e-37)


@pytest.mark.parametrize("dtype", FLOATS)
@SILENT
def test_gradients_keep_the_dtype(dtype):
    x = Traced(np.array([0.5, 0.25], dtype), object())
    for name in UNARY:
        with GradientTape() as tape, np.errstate(all="ignore"):
            y = getattr(ops, name)(x)
        if isinstance(y, Traced):
            assert tape.gradient(y, x).dtype == dtype, name


def test_a_broadcast_argument_gets_the_sum_of_its_gradients():
    check_gradients(ops.multiply, np.ones((2, 1, 3)), np.ones((4, 1)))
    check_gradients(lambda x: x * np.ones((4, 3)), 2.0)

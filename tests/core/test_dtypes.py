"""Dtypes: names, promotion as Keras has it, arrays of anything, policies."""

import itertools

import numpy as np
import pytest

from npkeras import Variable, ops
from npkeras.core import config
from npkeras.core.dtypes import (
    DTypePolicy,
    as_array,
    dtype_of,
    dtype_policy,
    get_dtype_policy,
    is_float,
    numpy_dtype,
    result_type,
    set_dtype_policy,
    standardize_dtype,
)

NAMES = "bool uint8 uint16 uint32 int8 int16 int32 int64 bfloat16 float16 float32 float64".split()


def test_names_of_dtypes():
    assert standardize_dtype(None) == "float32"
    assert standardize_dtype(np.float64) == standardize_dtype(np.dtype("float64")) == "float64"
    assert standardize_dtype(bool) == "bool"
    assert standardize_dtype(int) == standardize_dtype("int") == "int64"
    assert standardize_dtype(float) == "float32"
    assert standardize_dtype("bfloat16") == "bfloat16"
    config.set_floatx("float16")
    assert standardize_dtype(None) == standardize_dtype(float) == "float16"


def test_names_that_are_none():
    with pytest.raises(ValueError, match="Invalid dtype: floaty. Expected one of"):
        standardize_dtype("floaty")


def test_numpy_has_no_bfloat16():
    with pytest.raises(ValueError, match="cannot compute in bfloat16"):
        numpy_dtype("bfloat16")


def test_integers_do_not_widen_floats():
    assert result_type("int64", "float16") == "float16"
    assert result_type("int32", "float32") == "float32"
    assert result_type("uint32", "int32") == "int64"
    assert result_type("float16", "bfloat16") == "float32"


def test_python_numbers_only_decide_the_kind():
    assert result_type("float16", float) == "float16"
    assert result_type("int8", int) == "int8"
    assert result_type("int8", float) == "float32"
    assert result_type("bool", int) == "int32"
    assert result_type(int) == "int32"
    assert result_type(float) == result_type() == "float32"
    config.set_floatx("float64")
    assert result_type("int8", float) == "float64"


def test_promotion_does_not_depend_on_the_order():
    for pair in itertools.combinations([*NAMES, int, float], 2):
        assert result_type(*pair) == result_type(*pair[::-1])


def test_what_has_no_common_dtype():
    with pytest.raises(ValueError, match="no common dtype for string, int8"):
        result_type("string", "int8")


@pytest.mark.keras
def test_promotion_is_that_of_keras(keras):
    kinds = [*NAMES, int, float]
    for pair in itertools.product(kinds, repeat=2):
        assert result_type(*pair) == keras.backend.result_type(*pair), pair
    for kind in kinds:
        assert result_type(kind) == keras.backend.result_type(kind), kind
    for triple in itertools.product(["bool", "uint32", "int8", "float16", int, float], repeat=3):
        assert result_type(*triple) == keras.backend.result_type(*triple), triple


@pytest.mark.keras
def test_names_are_those_of_keras(keras):
    for dtype in [None, *NAMES, np.int8, np.dtype("uint16"), float, bool, "string"]:
        assert standardize_dtype(dtype) == keras.backend.standardize_dtype(dtype), dtype


def test_arrays_of_anything():
    assert as_array(1).dtype == "int32"
    assert as_array(1.0).dtype == "float32"
    assert as_array(True).dtype == "bool"
    assert as_array([1.0, 2.0]).dtype == "float32"
    assert as_array([1, 2]).dtype == "int32"
    assert as_array([2**40]).dtype == "int64"
    assert as_array([np.float64(1)]).dtype == "float64"
    assert as_array(np.float64(1)).dtype == "float64"
    array = np.ones(2)
    assert as_array(array) is array


def test_integers_that_do_not_fit_32_bits_take_64():
    assert as_array(2**31 - 1).dtype == as_array(-(2**31)).dtype == "int32"
    assert as_array(2**31).dtype == as_array([2**40]).dtype == "int64"
    assert ops.add(np.array([1]), 2**40).tolist() == [1 + 2**40]
    assert Variable(2**40).value == 2**40


def test_a_list_of_numpys_narrow_floats_is_no_wider_than_floatx():
    assert as_array([np.float32(1.5), 2.5]).dtype == "float32"
    assert as_array([np.float64(1.5), 2.5]).dtype == "float64"


@pytest.mark.keras
@pytest.mark.parametrize("value", [2**40, [2**40, 1], [np.float32(1.5), 2.5], -(2**31) - 1])
def test_arrays_of_odd_numbers_are_those_of_keras(keras, value):
    expected = keras.ops.convert_to_tensor(value).numpy()
    assert as_array(value).dtype == expected.dtype
    assert as_array(value).tolist() == expected.tolist()


@pytest.mark.parametrize("value", [None, [1, None], {"a": 1}, 2**70])
def test_what_makes_no_array(value):
    with pytest.raises(ValueError, match="Expected an array of numbers.*Received: "):
        ops.add(value, 1)


def test_dtypes_of_things():
    assert [dtype_of(x) for x in (1, 1.0, True, [1.0], np.ones(1))] == [
        "int32",
        "float32",
        "bool",
        "float32",
        "float64",
    ]
    assert is_float("bfloat16") and not is_float("int8")


def test_policies_name_two_dtypes():
    policy = DTypePolicy("mixed_float16")
    assert (policy.compute_dtype, policy.variable_dtype) == ("float16", "float32")
    assert DTypePolicy("float64").compute_dtype == "float64"
    assert DTypePolicy.from_config(policy.get_config()) == policy
    assert hash(policy) == hash(DTypePolicy("mixed_float16"))
    assert repr(policy) == '<DTypePolicy "mixed_float16">'


def test_the_global_policy():
    assert dtype_policy().name == "float32"
    set_dtype_policy("mixed_float16")
    assert dtype_policy().compute_dtype == "float16"
    assert get_dtype_policy(None).name == "mixed_float16"
    assert get_dtype_policy(np.float64).name == "float64"
    config_of = {"class_name": "DTypePolicy", "config": {"name": "float16"}}
    assert get_dtype_policy(config_of).name == "float16"


def test_policies_that_are_none():
    with pytest.raises(ValueError, match="Invalid dtype: floaty"):
        DTypePolicy("floaty")
    with pytest.raises(TypeError, match="`name` of DTypePolicy must be a string.*name=3"):
        DTypePolicy(3)
    with pytest.raises(ValueError, match="cannot compute in bfloat16"):
        DTypePolicy("mixed_bfloat16")
    with pytest.raises(ValueError, match="config of a DTypePolicy.*'Dense'"):
        get_dtype_policy({"class_name": "Dense", "config": {}})
    with pytest.raises(ValueError, match="`set_dtype_policy` expects a name.*policy=None"):
        set_dtype_policy(None)

"""`npkeras.backend`: questions about dtypes and tensors."""

import numpy as np
import pytest

import npkeras
from npkeras import backend

DTYPES = ["float16", "bfloat16", "float32", "int8", "uint8", "int64", "bool", "string", None]
DTYPES += [float, int, bool, np.float16, np.dtype("int32"), np.complex64]


def test_symbolic_tensors_are_told_from_values():
    assert backend.is_keras_tensor(npkeras.KerasTensor((2,)))
    for value in (1.0, None, np.ones(2), npkeras.Variable(1.0)):
        assert not backend.is_keras_tensor(value)
    assert npkeras.utils.is_keras_tensor is backend.is_keras_tensor


def test_floats_and_integers_are_told_apart():
    assert backend.is_float_dtype("float16") and not backend.is_float_dtype("int8")
    assert backend.is_int_dtype(np.uint8) and not backend.is_int_dtype(bool)
    with pytest.raises(ValueError, match="Invalid dtype: foo"):
        backend.is_int_dtype("foo")


@pytest.mark.keras
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_answers_are_those_of_keras(keras, dtype):
    assert backend.is_float_dtype(dtype) == keras.backend.is_float_dtype(dtype)
    assert backend.is_int_dtype(dtype) == keras.backend.is_int_dtype(dtype)

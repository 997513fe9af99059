"""What is special about convolutions: shapes, padding, groups, dtypes and errors."""

import numpy as np
import pytest

from npkeras import ops
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import GradientTape, Traced


def normal(*shape, dtype="float32"):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


X, KERNEL = normal(2, 6, 7, 4), normal(3, 2, 4, 5)


def test_causal_padding_looks_at_the_past_only():
    x, kernel = normal(1, 8, 2), normal(3, 2, 3)
    y = ops.conv(x, kernel, padding="causal", dilation_rate=2)
    assert y.shape == (1, 8, 3)
    changed = x.copy()
    changed[:, 5:] += 1
    again = ops.conv(changed, kernel, padding="causal", dilation_rate=2)
    np.testing.assert_array_equal(y[:, :5], again[:, :5])
    assert (y[:, 5:] != again[:, 5:]).all()
    np.testing.assert_allclose(y[:, 0], x[:, 0] @ kernel[-1], rtol=1e-5, atol=1e-6)


def test_channels_first_is_a_view_of_the_same():
    first = np.moveaxis(X, -1, 1)
    y = ops.conv(first, KERNEL, padding="same", data_format="channels_first")
    expected = ops.conv(X, KERNEL, padding="same", data_format="channels_last")
    np.testing.assert_array_equal(y, np.moveaxis(expected, -1, 1))
    assert np.moveaxis(y, 1, -1).flags.c_contiguous  # the next convolution copies nothing


@pytest.mark.parametrize("groups", [2, 4])
def test_groups_are_convolutions_side_by_side(groups):
    kernel = normal(3, 2, 4 // groups, 8)
    parts = [
        ops.conv(x, k)
        for x, k in zip(np.split(X, groups, -1), np.split(kernel, groups, -1), strict=True)
    ]
    y = ops.conv(X, kernel)
    np.testing.assert_allclose(y, np.concatenate(parts, -1), rtol=1e-5, atol=1e-5)


def test_only_what_is_asked_for_is_computed():
    x, kernel = Traced(X, object()), KERNEL
    with GradientTape() as tape:
        y = ops.conv(x, kernel)
    assert tape.gradient(y, x).shape == X.shape


@pytest.mark.parametrize(
    "dtypes, result",
    [
        (("float16", "float16"), "float16"),
        (("float16", "float32"), "float32"),
        (("int32", "float32"), "float32"),
        (("int32", "int32"), "int32"),
    ],
)
def test_dtypes_meet(dtypes, result):
    x, kernel = np.ones((1, 4, 4, 1), dtypes[0]), np.ones((2, 2, 1, 3), dtypes[1])
    for op, k in ((ops.conv, kernel), (ops.conv_transpose, kernel.swapaxes(-1, -2))):
        y = op(x, k)
        assert y.dtype == result
        specs = KerasTensor(x.shape, dtypes[0]), KerasTensor(k.shape, dtypes[1])
        assert op(*specs).dtype == result
        assert y[0, 1, 1, 0] == 4


def test_half_precision_is_rounded_once():
    x, kernel = normal(1, 5, 5, 300, dtype="float16"), normal(3, 3, 300, 1, dtype="float16")
    exact = ops.conv(x.astype("float64"), kernel.astype("float64"))
    assert (ops.conv(x, kernel) == exact.astype("float16")).mean() > 0.9


@pytest.mark.keras
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("stride, dilation", [(1, 1), (2, 1), (3, 1), (1, 2), (1, 3)])
@pytest.mark.parametrize("extra", [None, 0, 1])
def test_transposed_shapes_are_those_of_keras(keras, padding, size, stride, dilation, extra):
    shapes = (None, 5, 2), (size, 4, 2)
    options = dict(strides=stride, padding=padding, output_padding=extra, dilation_rate=dilation)
    expected = keras.ops.conv_transpose(*map(keras.KerasTensor, shapes), **options).shape
    assert ops.conv_transpose(*map(KerasTensor, shapes), **options).shape == expected
    y = ops.conv_transpose(np.ones((1, 5, 2)), np.ones(shapes[1]), **options)
    assert y.shape[1:] == expected[1:]


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: ops.conv(X, KERNEL[0]), r"`conv`.*4.*\(2, 4, 5\)"),
        (lambda: ops.conv(X[0, 0], KERNEL), r"`conv` expects inputs with 3 or 4 or 5 axes.*\(7, 4"),
        (lambda: ops.conv(X, normal(3, 2, 3, 5)), r"4 channels.*\(3, 2, 3, 5\)"),
        (lambda: ops.conv(X, normal(3, 2, 2, 5)), r"groups.*\(3, 2, 2, 5\)"),
        (lambda: ops.conv(X, KERNEL, padding="full"), "'valid', 'same'.*padding='full'"),
        (lambda: ops.conv(X, KERNEL, strides=(1, 2, 3)), r"2 integers.*strides=\(1, 2, 3\)"),
        (lambda: ops.conv(X, KERNEL, strides=0), "at least 1.*strides=0"),
        (lambda: ops.conv(X, KERNEL, strides=2, dilation_rate=2), "not both.*strides="),
        (lambda: ops.conv(X, KERNEL, data_format="last"), "data_format='last'"),
        (lambda: ops.conv(X[:, :2], KERNEL), r"no place for a window of \(3, 2\).*\(2, 7\)"),
        (lambda: ops.depthwise_conv(X, normal(3, 2, 3, 1)), r"`depthwise_conv`.*4 channels"),
        (lambda: ops.conv_transpose(X, KERNEL), r"`conv_transpose`.*\(3, 2, 4, 5\)"),
        (lambda: ops.conv_transpose(X, normal(2, 2, 1, 4), output_padding=-1), "at least 0"),
    ],
)
def test_errors_say_what_was_expected(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_symbolic_calls_are_checked_too():
    with pytest.raises(ValueError, match="no place for a window"):
        ops.conv(KerasTensor((None, 2, 7, 4)), KERNEL)
    assert ops.conv(KerasTensor((None, None, 7, 4)), KERNEL).shape == (None, None, 6, 5)

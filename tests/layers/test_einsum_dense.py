"""EinsumDense: equations, the shapes of its weights, messages."""

import numpy as np
import pytest

from npkeras.layers import Dense, EinsumDense, Input
from tests.layers.engines import ones


def shapes_of(layer):
    return [tuple(v.shape) for v in layer.weights]


@pytest.mark.parametrize(
    "equation, output_shape, bias_axes, kernel, bias",
    [
        ("abc,cd->abd", (None, 5), "d", (4, 5), (5,)),
        ("abc,cd->abd", (3, 5), "b", (4, 5), (3, 1)),
        ("abc,cd->abd", (3, 5), "bd", (4, 5), (3, 5)),
        ("abc,dc->adb", (5, 3), "d", (5, 4), (5, 1)),
        ("abc,cde->abde", (None, 5, 6), "e", (4, 5, 6), (6,)),
        ("...x,xy->...y", 5, "y", (4, 5), (5,)),
        ("...bx,xy->...by", (None, 5), "y", (4, 5), (5,)),
        ("ab...,bcd->acd...", (5, 6), "c", (3, 5, 6), (5, 1, 1)),
        ("abc,de->abcde", (3, 4, 5, 6), "de", (5, 6), (5, 6)),
    ],
)
def test_the_equation_says_the_shapes_of_the_weights(
    engine, equation, output_shape, bias_axes, kernel, bias
):
    layer = engine.layers.EinsumDense(equation, output_shape, bias_axes=bias_axes)
    layer.build((2, 3, 4))
    assert shapes_of(layer) == [kernel, bias]


def test_one_layer_takes_any_number_of_steps(engine):
    layer = engine.layers.EinsumDense("abc,cd->abd", (None, 5))
    assert layer(engine.Input((None, 4))).shape == (None, None, 5)
    assert layer(ones(2, 7, 4)).shape == (2, 7, 5)


def test_an_output_shape_may_be_a_number(engine):
    layer = engine.layers.EinsumDense("ab,bc->ac", 5)
    assert layer.get_config()["output_shape"] == (5,)
    assert layer(ones(2, 3)).shape == (2, 5)


@pytest.mark.parametrize(
    "equation",
    ["abc,cd", "abc->ab", "abc,cd,de->abe", "a...b,bc->a...c", "...x,xy->y", "a b,bc->ac", "", 3],
)
def test_equations_of_another_form_are_refused(equation):
    with pytest.raises(
        ValueError, match=r"`equation` of EinsumDense must be of the form.*equation="
    ):
        EinsumDense(equation, 5)


@pytest.mark.parametrize(
    "equation, output_shape, bias_axes, message",
    [
        ("abc,cd->abd", (4, 5), None, r"axis 'b' of inputs and outputs is the same, but it is 3 l"),
        ("abc,cd->abe", (3, 5), None, r"does not say where axis 'e' of the outputs is from"),
        ("abc,cdf->abd", (3, 5), None, r"axis 'f' of the kernel that is found nowhere else"),
        ("abc,cd->abd", (None, 5), "c", r"no axis 'c' of the outputs for bias_axes='c'"),
        ("abc,cd->abd", 5, None, r"more outputs than output_shape=\(5,\)"),
        ("abc,cd->abd", (None, None), None, r"needs to know more than an input shape of \(2, 3, 4"),
        ("ab,bc->ac", 5, None, r"does not fit inputs of shape \(2, 3, 4\)"),
        ("abcde,ef->abcdf", 5, None, r"does not fit inputs of shape \(2, 3, 4\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(equation, output_shape, bias_axes, message):
    layer = EinsumDense(equation, output_shape, bias_axes=bias_axes, name="d")
    with pytest.raises(
        ValueError, match=rf"The equation '.*' of layer 'd' \(EinsumDense\).*{message}"
    ):
        layer(ones(2, 3, 4))


def test_an_axis_of_unknown_length_that_the_kernel_has_is_refused(engine):
    with pytest.raises(ValueError, match="None"):
        engine.layers.EinsumDense("abc,bd->acd", (None, 5))(engine.Input((None, 4)))


def test_later_inputs_have_as_many_axes():
    layer = EinsumDense("abc,cd->abd", (None, 5), name="d")
    layer(ones(2, 3, 4))
    with pytest.raises(ValueError, match=r"'d' \(EinsumDense\) expects 3 axes.*\(2, 4\)"):
        layer(ones(2, 4))


@pytest.mark.parametrize(
    "argument, value",
    [
        ("lora_rank", 2),
        ("lora_alpha", 4),
        ("gptq_unpacked_column_size", 3),
        ("quantization_config", {"a": 1}),
    ],
)
def test_what_is_not_supported_is_refused(argument, value):
    with pytest.raises(
        ValueError, match=f"does not support `{argument}` of EinsumDense.*{argument}="
    ):
        EinsumDense("ab,bc->ac", 3, **{argument: value})


def test_it_is_a_dense_layer_with_one_letter_for_each_axis():
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    dense, same = Dense(5), EinsumDense("abc,cd->abd", (None, 5), bias_axes="d")
    expected = dense(x)
    same.build(x.shape)
    same.set_weights(dense.get_weights())
    np.testing.assert_array_equal(same(x), expected)


def test_the_shape_is_known_for_symbolic_inputs():
    y = EinsumDense("abc,cde->abde", (None, 2, 3))(Input((5, 4)))
    assert y.shape == (None, 5, 2, 3)

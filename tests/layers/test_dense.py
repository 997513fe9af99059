"""Dense: its formula, weights and refusals."""

import numpy as np
import pytest

import npkeras
from npkeras import layers
from npkeras.core.tape import GradientTape
from npkeras.layers import Dense
from tests.layers.engines import array, ones


def test_it_is_a_product_a_sum_and_an_activation():
    x, kernel, bias = np.array([[1.0, 2.0]]), np.array([[1, -1], [2, -3]]), np.array([0.5, 0.5])
    layer = Dense(2, activation="relu")
    layer.build((None, 2))
    layer.set_weights([kernel, bias])
    np.testing.assert_allclose(layer(x), np.maximum(x @ kernel + bias, 0))


@pytest.mark.parametrize("shape", [(2, 4), (2, 3, 4), (2, 3, 5, 4), (0, 4), (2, 0, 4)])
def test_only_the_last_axis_changes(engine, shape):
    assert tuple(engine.layers.Dense(3)(ones(*shape)).shape) == (*shape[:-1], 3)


def test_without_features_only_the_bias_is_left(engine):
    y = engine.layers.Dense(2, bias_initializer="ones")(ones(3, 0))
    assert array(y).tolist() == [[1, 1]] * 3


def test_without_a_bias_there_is_none(engine):
    layer = engine.layers.Dense(3, use_bias=False)
    layer.build((None, 2))
    assert layer.bias is None and len(layer.weights) == 1


def test_constraints_and_regularizers_are_on_the_weights(engine):
    layer = engine.layers.Dense(
        3, kernel_constraint="non_neg", bias_constraint="max_norm", bias_regularizer="l1"
    )
    layer.build((None, 2))
    assert type(layer.kernel.constraint).__name__ == "NonNeg"
    assert type(layer.bias.constraint).__name__ == "MaxNorm"
    assert layer.kernel.regularizer is None
    assert type(layer.bias.regularizer).__name__ == "L1"


def test_one_seed_gives_the_same_kernel_in_every_layer(engine):
    def kernel():
        start = engine.initializers.GlorotUniform(seed=3)
        layer = engine.layers.Dense(3, kernel_initializer=start)
        layer.build((None, 2))
        return array(layer.kernel)

    np.testing.assert_array_equal(kernel(), kernel())


@pytest.mark.parametrize("units", [0, -1, 3.0, "3", None, True, (3,)])
def test_units_is_a_positive_integer(units):
    with pytest.raises(ValueError, match="`units` of Dense must be a positive integer.*units="):
        Dense(units)


def test_units_may_be_a_number_of_numpy():
    assert Dense(np.int64(3)).get_config()["units"] == 3


@pytest.mark.parametrize(
    "argument",
    [
        "activation",
        "kernel_initializer",
        "bias_initializer",
        "kernel_regularizer",
        "bias_regularizer",
        "activity_regularizer",
        "kernel_constraint",
        "bias_constraint",
    ],
)
def test_unknown_names_are_refused(engine, argument):
    with pytest.raises(ValueError, match="no_such"):
        engine.layers.Dense(3, **{argument: "no_such"})


@pytest.mark.parametrize(
    "inputs, message",
    [
        (ones(2, 5), r"'d' \(Dense\) expects 4 entries along axis -1.*\(2, 5\)"),
        (ones(4), r"'d' \(Dense\) expects at least 2 axes.*\(4,\)"),
        ([ones(2, 4), ones(2, 4)], r"'d' \(Dense\) expects 1 input\(s\). Received 2"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs, message):
    layer = Dense(3, name="d")
    layer(ones(2, 4))
    with pytest.raises(ValueError, match=message):
        layer(inputs)


@pytest.mark.parametrize("shape", [(None,), (2, None)])
def test_features_of_unknown_number_are_refused(engine, shape):
    with pytest.raises(ValueError, match="None"):
        engine.layers.Dense(3)(engine.Input(shape))


@pytest.mark.parametrize(
    "argument, value", [("lora_rank", 2), ("lora_alpha", 4), ("quantization_config", {"a": 1})]
)
def test_what_is_not_supported_is_refused(argument, value):
    with pytest.raises(ValueError, match=f"does not support `{argument}` of Dense.*{argument}="):
        Dense(3, **{argument: value})


def test_the_gradient_of_a_dense_layer_is_an_outer_product():
    layer, x = Dense(2), np.array([[1.0, 2.0, 3.0]], "float32")
    layer(x)
    with GradientTape() as tape:
        y = layer(x)
    kernel, bias = tape.gradient(y, layer.trainable_variables, np.array([[1.0, -1.0]]))
    np.testing.assert_allclose(kernel, x.T @ [[1.0, -1.0]])
    np.testing.assert_allclose(bias, [1.0, -1.0])


def test_nan_goes_through(engine):
    y = array(engine.layers.Dense(2)(np.array([[np.nan, 1.0], [1.0, 1.0]])))
    assert np.isnan(y[0]).all() and np.isfinite(y[1]).all()


def test_it_is_part_of_the_public_names():
    assert npkeras.layers.Dense is Dense


@pytest.mark.parametrize(
    "layer, shape",
    [
        (layers.Dense(2, activation="softmax"), (1, 4)),
        (layers.EinsumDense("ab,bc->ac", output_shape=2, activation="softmax"), (1, 4)),
        (layers.Conv1D(2, 1, activation="softmax", use_bias=False), (1, 4, 1)),
    ],
)
def test_an_activation_can_be_taken_off(layer, shape):
    """As tutorials do to see the logits of a trained model."""
    before = layer(ones(*shape))
    layer.activation = None
    np.testing.assert_allclose(npkeras.activations.softmax(layer(ones(*shape))), before, rtol=1e-6)

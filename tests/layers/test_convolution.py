"""What is special about convolution layers: causal windows, fused activations, names, errors."""

import numpy as np
import pytest

from npkeras import GradientTape, activations, layers, ops
from npkeras.core.symbolic import KerasTensor
from tests.layers.engines import array, ones

X = np.random.default_rng(0).normal(size=(2, 6, 7, 3)).astype("float32")


@pytest.mark.parametrize("activation", ["relu", activations.relu, ops.relu])
@pytest.mark.parametrize(
    "make",
    [
        lambda **more: layers.Conv2D(4, 3, **more),
        lambda **more: layers.Conv2D(4, 1, **more),
        lambda **more: layers.Conv2DTranspose(4, 3, strides=2, **more),
        lambda **more: layers.DepthwiseConv2D(3, **more),
        lambda **more: layers.SeparableConv2D(4, 3, **more),
    ],
)
def test_a_rectifier_within_the_kernel_is_the_rectifier(make, activation):
    fused, plain = make(activation=activation), make()
    y = fused(X)
    plain(X)
    plain.set_weights(fused.get_weights())
    np.testing.assert_array_equal(y, np.maximum(plain(X), 0))


def test_causal_windows_see_no_later_step():
    layer = layers.Conv1D(3, 3, padding="causal", dilation_rate=2)
    x = X[:, 0]
    y, changed = layer(x), x.copy()
    changed[:, 4:] = 0
    np.testing.assert_array_equal(layer(changed)[:, :4], y[:, :4])


def test_only_conv1d_is_causal(engine):
    for make in (
        lambda: engine.layers.Conv2D(2, 3, padding="causal"),
        lambda: engine.layers.Conv1DTranspose(2, 3, padding="causal"),
        lambda: engine.layers.DepthwiseConv1D(3, padding="causal"),
    ):
        with pytest.raises(ValueError, match="causal"):
            make()


def test_capital_letters_will_do(engine):
    assert engine.layers.Conv2D(2, 3, padding="SAME").padding == "same"


@pytest.mark.parametrize(
    "name, other",
    [
        *((f"Conv{n}D", f"Convolution{n}D") for n in (1, 2, 3)),
        *((f"Conv{n}DTranspose", f"Convolution{n}DTranspose") for n in (1, 2, 3)),
        *((f"SeparableConv{n}D", f"SeparableConvolution{n}D") for n in (1, 2)),
    ],
)
def test_other_names(engine, name, other):
    assert getattr(engine.layers, name) is getattr(engine.layers, other)


@pytest.mark.parametrize(
    "make",
    [
        lambda layers: layers.Conv2D(0, 3),
        lambda layers: layers.Conv2D(4, 0),
        lambda layers: layers.Conv2D(4, (3,)),
        lambda layers: layers.Conv2D(4, 3.5),
        lambda layers: layers.Conv2D(4, 3, strides=0),
        lambda layers: layers.Conv2D(4, 3, padding="full"),
        lambda layers: layers.Conv2D(4, 3, data_format="last"),
        lambda layers: layers.Conv2D(5, 3, groups=2),
        lambda layers: layers.Conv2D(4, 3, strides=2, dilation_rate=2),
        lambda layers: layers.Conv2D(4, 3, groups=2)(ones(1, 5, 5, 3)),
        lambda layers: layers.Conv2D(4, 3)(ones(1, 2, 5, 3)),
        lambda layers: layers.Conv2D(4, 3)(ones(1, 5, 5)),
        lambda layers: layers.Conv2DTranspose(4, 3, strides=2, output_padding=2),
        lambda layers: layers.Conv2DTranspose(4, 3, strides=2, dilation_rate=2),
        lambda layers: layers.DepthwiseConv2D(3, depth_multiplier=0)(ones(1, 5, 5, 3)),
    ],
)
def test_bad_arguments_and_inputs_are_refused(engine, make):
    with pytest.raises(ValueError):
        make(engine.layers)


def test_errors_name_the_layer():
    layer = layers.Conv2D(4, 3, name="edges")
    with pytest.raises(ValueError, match=r"'edges' \(Conv2D\).*no place for a window"):
        layer(ones(1, 2, 5, 3))
    with pytest.raises(ValueError, match=r"'edges' \(Conv2D\).*known number of channels"):
        layers.Conv2D(4, 3, name="edges")(KerasTensor((None, 5, 5, None)))
    with pytest.raises(ValueError, match=r"'edges' \(Conv2D\) expects 3 entries along axis -1"):
        layer(ones(1, 5, 5, 3)) is not None and layer(ones(1, 5, 5, 2))


def test_both_formats_share_weights():
    last = layers.Conv2D(4, 3, strides=2, padding="same", data_format="channels_last")
    first = layers.Conv2D(4, 3, strides=2, padding="same", data_format="channels_first")
    y = last(X)
    first.build((None, 3, 6, 7))
    first.set_weights(last.get_weights())
    np.testing.assert_array_equal(first(np.moveaxis(X, -1, 1)), np.moveaxis(y, -1, 1))


def test_third_order_of_arguments(engine):
    layer = engine.layers.Conv3DTranspose(2, 3, 2, "same", "channels_last", 1)
    assert layer.output_padding == (1, 1, 1)
    assert array(layer(ones(1, 2, 2, 2, 1))).shape == (1, 4, 4, 4, 2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Conv1D(2, 3, padding="causal"),
        lambda: layers.Conv1D(2, 3, padding="same"),
        lambda: layers.DepthwiseConv1D(3, padding="same"),
        lambda: layers.Conv1DTranspose(2, 3),
        lambda: layers.Conv1DTranspose(2, 3, padding="same", strides=2),
    ],
)
def test_sequences_without_steps_are_refused(make):
    with pytest.raises(ValueError, match="at least one entry along each axis"):
        make()(ones(2, 0, 4))


def test_low_rank_adaptation_is_refused():
    assert layers.Conv2D(2, 3, lora_rank=None).filters == 2
    with pytest.raises(ValueError, match="does not support `lora_rank` of Conv2D"):
        layers.Conv2D(2, 3, lora_rank=4)


def masked(layers):
    """A convolution that does not look at the middle of its windows, and below."""

    class Masked(layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            mask = np.ones(tuple(kernel.shape), "float32")
            mask[1, 1:] = mask[2:] = 0
            return super().convolution_op(inputs, kernel * mask)

    return Masked


@pytest.mark.keras
@pytest.mark.parametrize("bias", [True, False])
def test_a_convolution_of_ones_own_is_called_as_in_keras(keras, tf, bias):
    form = dict(filters=4, kernel_size=3, padding="same", activation="relu", use_bias=bias)
    theirs, ours = masked(keras.layers)(**form), masked(layers)(**form)
    theirs.build(X.shape), ours.build(X.shape)
    ours.set_weights([w if w.ndim > 1 else w + 0.5 for w in theirs.get_weights()])
    theirs.set_weights(ours.get_weights())
    with tf.GradientTape() as their_tape:
        expected = theirs(X)
        total = tf.reduce_sum(expected**2)
    with GradientTape() as tape:
        y = ours(X)
        loss = ops.sum(y**2)
    np.testing.assert_allclose(array(y), expected, rtol=1e-4, atol=1e-5)
    found = tape.gradient(loss, ours.trainable_variables)
    wanted = their_tape.gradient(total, [v.value for v in theirs.trainable_variables])
    for dw, expected_dw in zip(found, wanted, strict=True):
        np.testing.assert_allclose(dw, expected_dw, rtol=1e-3, atol=1e-3)
    assert not found[0][1, 1:].any() and not found[0][2:].any()
    np.testing.assert_allclose(ours(X), expected, rtol=1e-4, atol=1e-5)


def test_models_call_a_convolution_of_ones_own(engine):
    inputs = engine.Input((6, 7, 3))
    layer = masked(engine.layers)(4, 3)
    model = engine.Model(inputs, layer(inputs))
    x, changed = X, X.copy()
    changed[:, 2, :] = 0
    y, other = model.predict(x, verbose=0), model.predict(changed, verbose=0)
    np.testing.assert_allclose(other[:, 0], y[:, 0], rtol=1e-5, atol=1e-6)
    assert model.output.shape == (None, 4, 5, 4) and not np.allclose(other[:, 1], y[:, 1])


def test_a_convolution_of_ones_own_with_channels_first():
    class Doubled(layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel * 2)

    form = dict(filters=4, kernel_size=3, data_format="channels_first", activation="relu")
    form["bias_initializer"] = "random_normal"
    plain, doubled = layers.Conv2D(**form), Doubled(**form)
    x = X.transpose(0, 3, 1, 2)
    plain(x), doubled(x)
    kernel, bias = plain.get_weights()
    doubled.set_weights([kernel / 2, bias])
    np.testing.assert_allclose(doubled(x), plain(x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("padding", ["valid", "causal"])
def test_sequences_have_a_convolution_of_ones_own_too(padding):
    class Nothing(layers.Conv1D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel) * 0

    layer = Nothing(2, 3, padding=padding, bias_initializer="ones")
    assert np.all(layer(X[0]) == 1) and layer(X[0]).shape[1] == (5 if padding == "valid" else 7)


def test_the_convolution_alone_has_no_bias_and_no_activation(engine):
    layer = engine.layers.Conv2D(4, 3, activation="relu", bias_initializer="ones")
    layer.build(X.shape)
    y = array(layer.convolution_op(X, layer.kernel))
    np.testing.assert_allclose(array(layer(X)), np.maximum(y + 1, 0), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "name",
    """Conv1D Conv2D Conv3D Conv1DTranspose Conv3DTranspose DepthwiseConv1D DepthwiseConv2D
    SeparableConv1D SeparableConv2D AveragePooling1D AveragePooling2D AveragePooling3D
    AdaptiveAveragePooling2D AdaptiveMaxPooling1D CenterCrop TimeDistributed Dense""".split(),
)
def test_a_missing_argument_names_the_class(engine, name):
    with pytest.raises(TypeError, match=rf"^{name}\.__init__\(\).* missing"):
        getattr(engine.layers, name)(name="a")

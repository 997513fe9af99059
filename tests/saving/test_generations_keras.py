"""Configs of Keras 2 brought to the layout of Keras 3: a live Keras 3 reads them and agrees."""

import json

import numpy as np
import pytest

import npkeras
from npkeras.saving import generations

pytestmark = pytest.mark.keras


SEQUENCE, IMAGE, ROW = (6, 4), (8, 8, 3), (5,)
LAYERS = {
    "Dense": (ROW, lambda L: L.Dense(3, activation="relu", kernel_regularizer="l2")),
    "Activation": (ROW, lambda L: L.Activation("hard_sigmoid")),
    "ActivationSwish": (ROW, lambda L: L.Activation("swish")),
    "LeakyReLU": (ROW, lambda L: L.LeakyReLU(0.1)),
    "ELU": (ROW, lambda L: L.ELU(0.5)),
    "PReLU": (ROW, lambda L: L.PReLU()),
    "ReLU": (ROW, lambda L: L.ReLU(2.0, 0.1, 0.2)),
    "ThresholdedReLU": (ROW, lambda L: L.ThresholdedReLU(0.5)),
    "Softmax": (ROW, lambda L: L.Softmax()),
    "Dropout": (ROW, lambda L: L.Dropout(0.5, noise_shape=(None, 1))),
    "AlphaDropout": (ROW, lambda L: L.AlphaDropout(0.5)),
    "GaussianNoise": (ROW, lambda L: L.GaussianNoise(0.5)),
    "GaussianDropout": (ROW, lambda L: L.GaussianDropout(0.5)),
    "SpatialDropout1D": (SEQUENCE, lambda L: L.SpatialDropout1D(0.5)),
    "SpatialDropout2D": (IMAGE, lambda L: L.SpatialDropout2D(0.5)),
    "BatchNormalization": (ROW, lambda L: L.BatchNormalization()),
    "BatchNormalizationImage": (IMAGE, lambda L: L.BatchNormalization(axis=1)),
    "LayerNormalization": (SEQUENCE, lambda L: L.LayerNormalization()),
    "GroupNormalization": (SEQUENCE, lambda L: L.GroupNormalization(2)),
    "UnitNormalization": (SEQUENCE, lambda L: L.UnitNormalization()),
    "Flatten": (IMAGE, lambda L: L.Flatten()),
    "Reshape": (SEQUENCE, lambda L: L.Reshape((4, 6))),
    "Permute": (SEQUENCE, lambda L: L.Permute((2, 1))),
    "RepeatVector": (ROW, lambda L: L.RepeatVector(2)),
    "Masking": (SEQUENCE, lambda L: L.Masking(0.5)),
    "Conv1D": (SEQUENCE, lambda L: L.Conv1D(2, 3, padding="causal", dilation_rate=2)),
    "Conv2D": (IMAGE, lambda L: L.Conv2D(6, 3, groups=3)),
    "Conv3D": ((4, 4, 4, 2), lambda L: L.Conv3D(2, 2)),
    "Conv1DTranspose": (SEQUENCE, lambda L: L.Conv1DTranspose(2, 3)),
    "Conv2DTranspose": (IMAGE, lambda L: L.Conv2DTranspose(2, 3, strides=2)),
    "Conv3DTranspose": ((4, 4, 4, 2), lambda L: L.Conv3DTranspose(2, 2)),
    "DepthwiseConv1D": (SEQUENCE, lambda L: L.DepthwiseConv1D(2)),
    "DepthwiseConv2D": (IMAGE, lambda L: L.DepthwiseConv2D(2, depth_multiplier=2)),
    "SeparableConv1D": (SEQUENCE, lambda L: L.SeparableConv1D(2, 3)),
    "SeparableConv2D": (IMAGE, lambda L: L.SeparableConv2D(2, 3)),
    "MaxPooling2D": (IMAGE, lambda L: L.MaxPooling2D()),
    "AveragePooling1D": (SEQUENCE, lambda L: L.AveragePooling1D()),
    "GlobalMaxPooling1D": (SEQUENCE, lambda L: L.GlobalMaxPooling1D()),
    "GlobalAveragePooling2D": (IMAGE, lambda L: L.GlobalAveragePooling2D(keepdims=True)),
    "UpSampling2D": (IMAGE, lambda L: L.UpSampling2D(2, interpolation="bilinear")),
    "ZeroPadding2D": (IMAGE, lambda L: L.ZeroPadding2D((1, 2))),
    "Cropping2D": (IMAGE, lambda L: L.Cropping2D(1)),
    "SimpleRNN": (SEQUENCE, lambda L: L.SimpleRNN(3, return_sequences=True)),
    "LSTM": (SEQUENCE, lambda L: L.LSTM(3, implementation=1, dropout=0.1)),
    "LSTMHard": (SEQUENCE, lambda L: L.LSTM(3, recurrent_activation="hard_sigmoid")),
    "GRU": (SEQUENCE, lambda L: L.GRU(3)),
    "GRUBefore": (SEQUENCE, lambda L: L.GRU(3, reset_after=False, go_backwards=True)),
    "RNN": (SEQUENCE, lambda L: L.RNN(L.LSTMCell(3))),
    "RNNStacked": (SEQUENCE, lambda L: L.RNN([L.LSTMCell(3), L.GRUCell(2)])),
    "Bidirectional": (SEQUENCE, lambda L: L.Bidirectional(L.LSTM(3, return_sequences=True))),
    "BidirectionalTwo": (
        SEQUENCE,
        lambda L: L.Bidirectional(L.GRU(3), backward_layer=L.GRU(3, go_backwards=True)),
    ),
    "TimeDistributed": (SEQUENCE, lambda L: L.TimeDistributed(L.Dense(3))),
    "ConvLSTM2D": ((3, 5, 5, 2), lambda L: L.ConvLSTM2D(2, 2)),
    "EinsumDense": (SEQUENCE, lambda L: L.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d")),
    "Rescaling": (ROW, lambda L: L.Rescaling(0.5, 1.0)),
    "Normalization": (ROW, lambda L: L.Normalization(mean=0.5, variance=2.0)),
    "CategoryEncoding": (ROW, lambda L: L.CategoryEncoding(4, output_mode="multi_hot")),
    "ActivityRegularization": (ROW, lambda L: L.ActivityRegularization(0.1)),
}


LATER = {"ConvLSTM2D", "CategoryEncoding"}  # read by Keras 3 alone where there are none here


def configs_of(keras_2, model):
    """A model as `.h5` files hold it, and as `.keras` files do."""
    yield json.loads(model.to_json())
    try:
        yield json.loads(json.dumps(keras_2.saving.serialize_keras_object(model)))
    except TypeError:
        return  # it cannot write `...` there


def readers(keras, config):
    """The same model made by Keras 3 and by npkeras."""
    upgraded = json.loads(json.dumps(generations.upgrade(config, "2.21.0")))
    classes = {layer["class_name"] for layer in upgraded["config"]["layers"]}
    if all(hasattr(npkeras.layers, name) for name in classes & LATER):
        yield npkeras.saving.deserialize_keras_object(upgraded)
    names = {"npkeras>hard_sigmoid_of_keras_2": lambda x: keras.ops.clip(0.2 * x + 0.5, 0, 1)}
    yield keras.saving.deserialize_keras_object(upgraded, custom_objects=names)


def assert_all_agree(keras, keras_2, model, inputs):
    for config in configs_of(keras_2, model):
        for other in readers(keras, config):
            assert_agree(model, other, inputs)


def assert_agree(model, other, inputs):
    pairs = zip(
        [layer for layer in model.layers if layer.weights],
        [layer for layer in other.layers if layer.weights],
        strict=True,
    )
    rng = np.random.default_rng(5)
    for layer, twin in pairs:
        weights = [np.abs(rng.normal(size=w.shape)) for w in layer.get_weights()]
        layer.set_weights(weights)
        twin.set_weights(weights)
    ours, theirs = other(inputs), model(inputs)
    several = isinstance(theirs, list)
    for a, b in zip(*((ours, theirs) if several else ([ours], [theirs])), strict=True):
        np.testing.assert_allclose(np.array(a), np.array(b), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_of_keras_2_computes_the_same(keras, keras_2, name):
    shape, make = LAYERS[name]
    model = keras_2.Sequential([keras_2.Input(shape), make(keras_2.layers)])
    x = np.random.default_rng(3).uniform(0, 3, (2, *shape)).astype("float32")
    x = np.floor(x) if name == "CategoryEncoding" else x
    assert_all_agree(keras, keras_2, model, x)


OPS = {
    "add": lambda tf, a, b: a + b,
    "subtract a number": lambda tf, a, b: a - 1,
    "subtract from a number": lambda tf, a, b: 1.0 - a,
    "multiply": lambda tf, a, b: a * b,
    "divide": lambda tf, a, b: a / b,
    "floor divide": lambda tf, a, b: a // 2,
    "mod": lambda tf, a, b: a % 2,
    "power": lambda tf, a, b: a**2,
    "negative": lambda tf, a, b: -a,
    "abs": lambda tf, a, b: tf.abs(a),
    "matmul": lambda tf, a, b: a @ tf.transpose(b, [0, 2, 1]),
    "transposed matmul": lambda tf, a, b: tf.matmul(a, b, transpose_b=True),
    "slice": lambda tf, a, b: a[:, 0],
    "ellipsis": lambda tf, a, b: a[..., 1:],
    "new axis": lambda tf, a, b: a[:, None],
    "square": lambda tf, a, b: tf.square(a),
    "sqrt": lambda tf, a, b: tf.sqrt(a),
    "exp": lambda tf, a, b: tf.exp(a),
    "log": lambda tf, a, b: tf.math.log(a),
    "log1p": lambda tf, a, b: tf.math.log1p(a),
    "rsqrt": lambda tf, a, b: tf.math.rsqrt(a),
    "reciprocal": lambda tf, a, b: tf.math.reciprocal(a),
    "maximum": lambda tf, a, b: tf.maximum(a, 0.5),
    "minimum": lambda tf, a, b: tf.minimum(a, b),
    "tanh": lambda tf, a, b: tf.tanh(a),
    "sigmoid": lambda tf, a, b: tf.sigmoid(a),
    "relu": lambda tf, a, b: tf.nn.relu(a),
    "relu6": lambda tf, a, b: tf.nn.relu6(a),
    "softmax": lambda tf, a, b: tf.nn.softmax(a, axis=1),
    "log softmax": lambda tf, a, b: tf.nn.log_softmax(a),
    "silu": lambda tf, a, b: tf.nn.silu(a),
    "gelu": lambda tf, a, b: tf.nn.gelu(a),
    "elu": lambda tf, a, b: tf.nn.elu(a),
    "selu": lambda tf, a, b: tf.nn.selu(a),
    "softplus": lambda tf, a, b: tf.nn.softplus(a),
    "softsign": lambda tf, a, b: tf.nn.softsign(a),
    "leaky relu": lambda tf, a, b: tf.nn.leaky_relu(a - 1.0, 0.1),
    "bias add": lambda tf, a, b: tf.nn.bias_add(a, tf.ones(4)),
    "mean": lambda tf, a, b: tf.reduce_mean(a, 1),
    "sum": lambda tf, a, b: tf.reduce_sum(a, axis=-1, keepdims=True),
    "max": lambda tf, a, b: tf.reduce_max(a, axis=[1, 2]),
    "min": lambda tf, a, b: tf.reduce_min(a, 1),
    "prod": lambda tf, a, b: tf.reduce_prod(a, 1),
    "std": lambda tf, a, b: tf.math.reduce_std(a, 1),
    "variance": lambda tf, a, b: tf.math.reduce_variance(a, 1),
    "logsumexp": lambda tf, a, b: tf.reduce_logsumexp(a, 1),
    "norm": lambda tf, a, b: tf.norm(a, axis=-1),
    "l2 normalize": lambda tf, a, b: tf.math.l2_normalize(a, axis=-1),
    "concat": lambda tf, a, b: tf.concat([a, b], -1),
    "stack": lambda tf, a, b: tf.stack([a, b], 1),
    "unstack": lambda tf, a, b: tf.unstack(a, axis=1)[1],
    "split": lambda tf, a, b: tf.split(a, 2, axis=-1)[1],
    "uneven split": lambda tf, a, b: tf.split(a, [1, 3], axis=-1)[1],
    "reshape": lambda tf, a, b: tf.reshape(a, (-1, 12)),
    "transpose": lambda tf, a, b: tf.transpose(a, [0, 2, 1]),
    "expand dims": lambda tf, a, b: tf.expand_dims(a, 1),
    "squeeze": lambda tf, a, b: tf.squeeze(a[:, :1], 1),
    "cast": lambda tf, a, b: tf.cast(tf.cast(a, "int32"), "float32"),
    "one hot": lambda tf, a, b: tf.one_hot(tf.cast(a, "int32"), 5),
    "clip": lambda tf, a, b: tf.clip_by_value(a, 0.5, 1.0),
    "tile": lambda tf, a, b: tf.tile(a, [1, 2, 1]),
    "repeat": lambda tf, a, b: tf.repeat(a, 2, axis=1),
    "roll": lambda tf, a, b: tf.roll(a, 1, 1),
    "sort": lambda tf, a, b: tf.sort(a, -1),
    "reverse": lambda tf, a, b: tf.reverse(a, [1]),
    "pad": lambda tf, a, b: tf.pad(a, [[0, 0], [1, 1], [0, 0]]),
    "gather": lambda tf, a, b: tf.gather(a, [0, 1], axis=1),
    "cumsum": lambda tf, a, b: tf.cumsum(a, 1),
    "argmax": lambda tf, a, b: tf.cast(tf.argmax(a, -1), "float32"),
    "where": lambda tf, a, b: tf.where(a > 1.0, a, b),
    "logical": lambda tf, a, b: tf.cast(
        tf.logical_or(tf.logical_and(a > 1.0, b < 2.0), tf.logical_not(a >= b)), "float32"
    ),
    "any and all": lambda tf, a, b: (
        tf.cast(tf.reduce_any(a > 2.0, 1), "float32")
        + tf.cast(tf.reduce_all(b > 0.5, 1), "float32")
    ),
    "zeros and ones": lambda tf, a, b: tf.zeros_like(a) + tf.ones_like(b),
    "divide no nan": lambda tf, a, b: tf.math.divide_no_nan(a, b),
    "add several": lambda tf, a, b: tf.add_n([a, b, a]),
    "identity": lambda tf, a, b: tf.stop_gradient(tf.identity(tf.convert_to_tensor(a))),
    "round": lambda tf, a, b: tf.round(a) + tf.sign(b) + tf.floor(a) + tf.math.ceil(b),
    "erf": lambda tf, a, b: tf.math.erf(a) + tf.math.sin(b) + tf.math.cos(a) + tf.math.expm1(b),
}


def model_of_op(keras_2, tf, op):
    a, b = keras_2.Input((3, 4), name="a"), keras_2.Input((3, 4), name="b")
    return keras_2.Model([a, b], keras_2.layers.Activation("linear")(op(tf, a, b) * 1.0))


@pytest.mark.parametrize("name", OPS)
def test_a_tensorflow_function_of_keras_2_is_an_operation_of_keras_3(keras, keras_2, tf, name):
    model = model_of_op(keras_2, tf, OPS[name])
    x = [np.random.default_rng(i).uniform(0.1, 3, (2, 3, 4)).astype("float32") for i in (0, 1)]
    assert_all_agree(keras, keras_2, model, x)


REFUSED = {
    "shape": lambda tf, a, b: tf.reshape(a, (tf.shape(a)[0], 12)),
    "nn.dropout": lambda tf, a, b: tf.nn.dropout(a, 0.1),
    "einsum": lambda tf, a, b: tf.einsum("abc,adc->abd", a, b),
    "math.cumsum": lambda tf, a, b: tf.cumsum(a, 1, reverse=True),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_function_without_counterpart_is_refused_by_name(keras_2, tf, name):
    config = json.loads(model_of_op(keras_2, tf, REFUSED[name]).to_json())
    with pytest.raises(generations.NotExpressibleError, match=rf"Layer 'tf.*{name}.*Keras 2\.21"):
        generations.upgrade(config, "2.21.0")


def connected(keras_2):
    """A model with shared layers, models within, states handed on, and arguments by name."""
    L = keras_2.layers
    a, s = keras_2.Input((6, 4), name="a"), keras_2.Input((3,), name="s")
    x, h, c = L.LSTM(3, return_sequences=True, return_state=True, name="enc")(a)
    y = L.LSTM(3, name="dec")(a, initial_state=[h, c])
    inner = keras_2.Sequential([keras_2.Input((3,)), L.Dense(3)], name="inner")
    i = keras_2.Input((3,), name="i")
    other = keras_2.Model(i, [L.Dense(3)(i), L.Dense(2)(i)], name="other")
    twice = other(other(s)[0])
    joined = L.Concatenate(name="joined")([y, inner(s), inner(y), *twice])
    shared = L.Dense(4, name="shared")
    both = L.Add()([shared(joined), shared(joined * 2.0)])
    attended = L.MultiHeadAttention(2, 3, name="mha")(x, x, attention_mask=None)
    attended = L.MultiHeadAttention(2, 3, name="mha2")(attended, value=x, key=attended)
    pooled = L.GlobalAveragePooling1D()(L.Dropout(0.5)(attended, training=False))
    return keras_2.Model({"a": a, "s": s}, [L.Dense(1, name="one")(both), pooled], name="net")


def test_connections_of_keras_2_are_understood(keras, keras_2):
    model = connected(keras_2)
    rng = np.random.default_rng(0)
    x = {"a": rng.normal(size=(2, 6, 4)), "s": rng.normal(size=(2, 3))}
    assert_all_agree(keras, keras_2, model, x)

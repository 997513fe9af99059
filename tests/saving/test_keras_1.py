"""Models of Keras 1: other names of layers and arguments, other axes, an array for each gate."""

import pathlib

import h5py
import numpy as np
import pytest

import npkeras
from npkeras.saving import generations, legacy_h5

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
L = npkeras.layers


def layer_of(class_name, version="1.2.2", **config):
    """The layer that a config of Keras 1 stands for today, and its config."""
    entry = {"class_name": class_name, "config": {"name": "it", **config}}
    upgraded = generations.upgrade(entry, version)
    layer = npkeras.saving.deserialize_keras_object(upgraded)
    return layer, layer.get_config()


# -- A stored model with every layer whose arguments or axes changed -------------------------------

KNOWN = dict(np.load(FIXTURES / "keras_1_layers.npz"))
NAMES = sorted({name.partition("_w")[0] for name in KNOWN if "_w" in name})


@pytest.fixture(scope="module")
def layers():
    model = npkeras.saving.load_model(FIXTURES / "keras_1_layers.h5")
    return {layer.name: layer for layer in model.layers}


@pytest.mark.parametrize("name", NAMES)
def test_weights_are_turned_as_later_versions_do(layers, name):
    weights = layers[name].get_weights()
    assert len(weights) == sum(key.startswith(f"{name}_w") for key in KNOWN)
    for i, weight in enumerate(weights):
        np.testing.assert_array_equal(weight, KNOWN[f"{name}_w{i}"])


@pytest.mark.parametrize("name", [name for name in NAMES if f"{name}_y" in KNOWN])
def test_layers_compute_what_they_did(layers, name):
    y = layers[name](KNOWN[f"{name}_x"])
    np.testing.assert_allclose(y, KNOWN[f"{name}_y"], atol=1e-5)


def test_the_classes_of_today(layers):
    names = {
        "line": "Conv1D", "holes_line": "Conv1D", "flat": "Conv2D", "holes": "Conv2D",
        "back": "Conv2DTranspose", "apart": "SeparableConv2D", "space": "Conv3D", "rows": "Dense",
    }  # fmt: skip
    assert {name: type(layers[name]).__name__ for name in names} == names
    assert [layers[name].data_format for name in ("flat", "flat_th", "back_th", "space_th")] == [
        "channels_last", "channels_first", "channels_first", "channels_first"
    ]  # fmt: skip


# -- Arguments -----------------------------------------------------------------------------------

ARGUMENTS = {
    "MaxPooling1D": ({"pool_length": 3, "stride": 2, "border_mode": "same"},
                     {"pool_size": (3,), "strides": (2,), "padding": "same"}),
    "AveragePooling1D": ({"pool_length": 2, "stride": 2, "border_mode": "valid"},
                         {"pool_size": (2,), "padding": "valid"}),
    "MaxPooling2D": ({"pool_size": [2, 3], "strides": [1, 2], "border_mode": "valid",
                      "dim_ordering": "th"},
                     {"pool_size": (2, 3), "strides": (1, 2), "data_format": "channels_first"}),
    "GlobalAveragePooling2D": ({"dim_ordering": "tf"}, {"data_format": "channels_last"}),
    "UpSampling1D": ({"length": 3}, {"size": 3}),
    "UpSampling2D": ({"size": [2, 3], "dim_ordering": "default"}, {"size": (2, 3)}),
    "Dropout": ({"p": 0.25}, {"rate": 0.25}),
    "SpatialDropout2D": ({"p": 0.25, "dim_ordering": "th"},
                         {"rate": 0.25, "data_format": "channels_first"}),
    "GaussianNoise": ({"sigma": 0.5}, {"stddev": 0.5}),
    "GaussianDropout": ({"p": 0.25}, {"rate": 0.25}),
    "RepeatVector": ({"n": 3}, {"n": 3}),
    "LeakyReLU": ({"alpha": 0.5}, {"negative_slope": 0.5}),
    "SimpleRNN": ({"output_dim": 3, "inner_init": "identity", "dropout_W": 0.1, "dropout_U": 0.2,
                   "go_backwards": True, "consume_less": "mem", "input_dim": 4,
                   "input_length": 6},
                  {"units": 3, "dropout": 0.1, "recurrent_dropout": 0.2, "go_backwards": True}),
    "LSTM": ({"output_dim": 3, "forget_bias_init": "zero", "inner_activation": "tanh"},
             {"units": 3, "unit_forget_bias": False, "recurrent_activation": "tanh"}),
    "GRU": ({"output_dim": 3}, {"units": 3, "reset_after": False}),
    "BatchNormalization": ({"mode": 0, "axis": 1, "gamma_init": "one", "beta_init": "zero"},
                           {"axis": 1}),
    "Dense": ({"output_dim": 3, "bias": False, "input_dim": 4}, {"units": 3, "use_bias": False}),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_go_by_todays_names(name):
    old, new = ARGUMENTS[name]
    layer, config = layer_of(name, trainable=True, **old)
    assert type(layer).__name__ == name
    found = {key: config[key] for key in new}
    assert {k: tuple(v) if isinstance(v, list) else v for k, v in found.items()} == new


@pytest.mark.parametrize(
    "padding",
    [[1, 2, 3, 4], {"top_pad": 1, "bottom_pad": 2, "left_pad": 3, "right_pad": 4}],
    ids=["a row", "by name"],
)
def test_a_padding_of_four_numbers(padding):
    layer, _ = layer_of("ZeroPadding2D", padding=padding, dim_ordering="tf")
    assert layer(np.zeros((1, 5, 5, 1))).shape == (1, 8, 12, 1)
    assert layer_of("ZeroPadding2D", padding=[1, 2])[0](np.zeros((1, 5, 5, 1))).shape[1:3] == (7, 9)


INITIALIZERS = {"uniform": "RandomUniform", "normal": "RandomNormal", "zero": "Zeros",
                "one": "Ones", "identity": "Identity", "he_normal": "HeNormal"}  # fmt: skip


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers_go_by_todays_names(name):
    layer, _ = layer_of("Dense", output_dim=3, init=name)
    assert INITIALIZERS[name] in type(layer.kernel_initializer).__name__


def test_regularizers_and_constraints_were_dicts_with_a_name():
    layer, _ = layer_of(
        "LSTM",
        output_dim=3,
        W_regularizer={"name": "L1L2Regularizer", "l1": 0.0, "l2": 0.25},
        U_regularizer={"name": "WeightRegularizer", "l1": 0.5, "l2": 0.0},
        b_regularizer=None,
    )
    assert layer.cell.kernel_regularizer.get_config() == {"l1": 0.0, "l2": 0.25}
    assert layer.cell.recurrent_regularizer.get_config() == {"l1": 0.5, "l2": 0.0}
    layer, _ = layer_of(
        "Dense",
        output_dim=3,
        W_constraint={"name": "MaxNorm", "m": 2, "axis": 0},
        b_constraint={"name": "NonNeg"},
        activity_regularizer={"name": "ActivityRegularizer", "l1": 0.0, "l2": 1.0},
    )
    assert layer.kernel_constraint.get_config() == {"max_value": 2, "axis": 0}
    assert type(layer.bias_constraint).__name__ == "NonNeg"
    assert layer.activity_regularizer.l2 == 1.0


def test_layers_within_layers_are_of_keras_1_too():
    inner = {"class_name": "Convolution2D", "config": {
        "name": "c", "trainable": True, "nb_filter": 2, "nb_row": 3, "nb_col": 3,
        "dim_ordering": "th", "border_mode": "same"}}  # fmt: skip
    layer, _ = layer_of("TimeDistributed", trainable=True, layer=inner)
    assert (layer.layer.filters, layer.layer.data_format) == (2, "channels_first")


REFUSED = {
    "Highway": ({}, "removed in Keras 2"),
    "MaxoutDense": ({}, "removed in Keras 2"),
    "SReLU": ({}, "removed in Keras 2"),
    "ParametricSoftplus": ({}, "removed in Keras 2"),
    "Merge": ({"mode": "concat"}, "Keras 2 first"),
    "Convolution2D": ({"dim_ordering": "up"}, "dim_ordering='up' has no meaning"),
    "LocallyConnected1D": ({}, "removed in Keras 3"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_there_is_no_counterpart_of_is_refused(name):
    config, reason = REFUSED[name]
    with pytest.raises(generations.NotExpressibleError, match=rf"'it' \({name}\).*{reason}"):
        layer_of(name, **config)


# -- The shape of the input on a first layer -----------------------------------------------------

FIRST = {
    "Dense": ({"output_dim": 2, "input_dim": 3}, (None, 3)),
    "TimeDistributedDense": ({"output_dim": 2, "input_dim": 3, "input_length": 5}, (None, 5, 3)),
    "LSTM": ({"output_dim": 2, "input_dim": 3, "input_length": None}, (None, None, 3)),
    "Convolution1D": ({"nb_filter": 2, "filter_length": 2, "input_dim": 3, "input_length": 7},
                      (None, 7, 3)),
    "Embedding": ({"output_dim": 2, "input_dim": 3, "input_length": 7}, (None, 7)),
}  # fmt: skip


@pytest.mark.parametrize("name", FIRST)
def test_a_first_layer_tells_the_shape_of_the_input(name):
    config, shape = FIRST[name]
    layers = [{"class_name": name, "config": {"name": "it", "trainable": True, **config}}]
    upgraded = generations.upgrade({"class_name": "Sequential", "config": layers}, "1.1.0")
    model = npkeras.saving.deserialize_keras_object(upgraded)
    assert model.input_shape == shape
    assert model.built


# -- Weights -------------------------------------------------------------------------------------

RNG = np.random.default_rng(4)


def weights_file(path, layers, **attributes):
    """A file of weights: `layers` is a dict from names to lists of arrays."""
    with h5py.File(path, "w") as file:
        file.attrs.update(attributes)
        file.attrs["layer_names"] = [name.encode() for name in layers]
        for name, arrays in layers.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = [f"w{i}".encode() for i in range(len(arrays))]
            for i, array in enumerate(arrays):
                group[f"w{i}"] = array
    return path


def gates_of(weights, order):
    """Weights of today with an array for each gate; `order` are today's places of the gates."""
    parts = [np.split(weight, len(order), axis=-1) for weight in weights]
    return [part[gate] for gate in order for part in parts]


def random_weights(layer):
    layer.set_weights([RNG.normal(size=w.shape) for w in layer.get_weights()])
    return layer.get_weights()


LSTM_GATES, GRU_GATES = (0, 2, 1, 3), (0, 1, 2)  # i, c, f, o of today's i, f, c, o; z, r, h


def test_gates_within_wrappers_and_models(tmp_path):
    innermost = npkeras.Sequential([npkeras.Input((5, 2)), L.GRU(2, reset_after=False)])
    inner = npkeras.Sequential(
        [
            npkeras.Input((5, 3)),
            L.LSTM(2, return_sequences=True),
            L.BatchNormalization(),
            innermost,
            L.Dense(2),
        ]
    )
    both = L.Bidirectional(L.LSTM(2, return_sequences=True), merge_mode="sum")
    dense = L.TimeDistributed(L.Dense(3))
    model = npkeras.Sequential([npkeras.Input((5, 3)), both, dense, inner])
    both_w, dense_w, _ = (random_weights(layer) for layer in model.layers)
    lstm, gru, last = (
        w.layers[i].get_weights() for w, i in ((inner, 0), (innermost, 0), (inner, 3))
    )
    gamma, beta, *moving = inner.layers[1].get_weights()
    held = {
        "both": gates_of(both_w[:3], LSTM_GATES) + gates_of(both_w[3:], LSTM_GATES),
        "dense": dense_w,
        "inner": [*gates_of(lstm, LSTM_GATES), gamma, beta, *gates_of(gru, GRU_GATES), *last,
                  *moving],
    }  # fmt: skip
    path = weights_file(tmp_path / "old.h5", held)
    wanted = model.get_weights()
    model.set_weights([np.zeros_like(w) for w in wanted])
    legacy_h5.load_weights(model, path)
    for a, b in zip(model.get_weights(), wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def test_gates_that_were_kept_together_stay_so(tmp_path):
    """`consume_less="gpu"` kept W, U and b of all gates in one array each."""
    model = npkeras.Sequential(
        [npkeras.Input((5, 3)), L.LSTM(2, return_sequences=True), L.GRU(2, reset_after=False)]
    )
    wanted = {layer.name: random_weights(layer) for layer in model.layers}
    path = weights_file(tmp_path / "old.h5", wanted)
    for layer in model.layers:
        random_weights(layer)
    legacy_h5.load_weights(model, path)
    for layer in model.layers:
        for a, b in zip(layer.get_weights(), wanted[layer.name], strict=True):
            np.testing.assert_array_equal(a, b)


# -- Theano --------------------------------------------------------------------------------------


def convolution(x, kernel, axes):
    """A convolution as mathematics has it, with the kernel turned around: sums over products."""
    size = [n - k + 1 for n, k in zip(x.shape[1:], kernel.shape, strict=False)]
    y = np.zeros((len(x), *size[:axes], kernel.shape[-1]))
    for place in np.ndindex(*kernel.shape[:axes]):
        opposite = [k - 1 - i for k, i in zip(kernel.shape, place, strict=False)]
        window = tuple(slice(o, o + n) for o, n in zip(opposite, size, strict=False))
        y += x[(slice(None), *window)] @ kernel[place]
    return y


THEANO = {
    "Conv1D": (lambda: L.Conv1D(3, 3), (6, 2), 1),
    "Conv2D": (lambda: L.Conv2D(3, (3, 2)), (5, 4, 2), 2),
    "Conv3D": (lambda: L.Conv3D(3, (3, 2, 2)), (4, 4, 3, 2), 3),
    "TimeDistributed": (lambda: L.TimeDistributed(L.Conv2D(3, (3, 2))), (1, 5, 4, 2), 2),
}


@pytest.mark.parametrize("version", ["2.2.4", "1.2.2"])
@pytest.mark.parametrize("name", THEANO)
def test_theano_turned_kernels_around(tmp_path, name, version):
    make, shape, axes = THEANO[name]
    model = npkeras.Sequential([npkeras.Input(shape), make()])
    kernel, bias = random_weights(model.layers[0])
    stored = kernel[:, None] if (name, version) == ("Conv1D", "1.2.2") else kernel
    held = {"it": [stored, bias]}
    path = weights_file(tmp_path / "t.h5", held, keras_version=version, backend="theano")
    legacy_h5.load_weights(model, path)
    x = RNG.normal(size=(2, *shape)).astype("float32")
    expected = convolution(x.reshape(2, *shape[-axes - 1 :]), kernel, axes) + bias
    np.testing.assert_allclose(np.reshape(model(x), expected.shape), expected, atol=1e-4)


def test_kernels_of_transposed_convolutions_are_turned_too_and_those_of_tensorflow_are_not(
    tmp_path,
):
    model = npkeras.Sequential([npkeras.Input((4, 4, 2)), L.Conv2DTranspose(3, (3, 2))])
    kernel, bias = random_weights(model.layers[0])
    for backend, expected in (("theano", kernel[::-1, ::-1]), ("tensorflow", kernel)):
        attributes = {"keras_version": "2.2.4", "backend": backend}
        path = weights_file(tmp_path / f"{backend}.h5", {"it": [kernel, bias]}, **attributes)
        legacy_h5.load_weights(model, path)
        np.testing.assert_array_equal(model.layers[0].kernel, expected)


def test_theano_and_its_axes_at_once(tmp_path):
    """(filters, inputs, rows, columns), turned around."""
    model = npkeras.Sequential(
        [npkeras.Input((2, 5, 4)), L.Conv2D(3, (3, 2), data_format="channels_first")]
    )
    kernel, bias = random_weights(model.layers[0])
    stored = np.transpose(kernel, (3, 2, 0, 1))
    path = weights_file(tmp_path / "t.h5", {"it": [stored, bias]}, keras_version="1.2.2",
                        backend="theano")  # fmt: skip
    legacy_h5.load_weights(model, path)
    np.testing.assert_array_equal(model.layers[0].kernel, kernel[::-1, ::-1])


def test_what_else_was_written_about_training_is_left_out():
    given = {
        "optimizer_config": {"class_name": "SGD", "config": {"lr": 0.5, "name": "SGD"}},
        "loss": "mse", "metrics": ["acc"], "sample_weight_mode": "temporal",
        "class_weight": {"0": 2.0}, "class_mode": "categorical", "loss_weights": None,
    }  # fmt: skip
    upgraded = generations.upgrade_training(given, "1.2.2")
    assert set(upgraded) == {"optimizer", "loss", "metrics"}
    assert upgraded["optimizer"]["config"]["learning_rate"] == 0.5

"""The table of generations: what an older config becomes, and what is refused, by name."""

import json

import numpy as np
import pytest

import npkeras
from npkeras.saving import CorruptFileError, generations
from npkeras.saving.generations import table
from npkeras.saving.generations.version import parse_version

LSTM = {"name": "reader", "units": 2, "time_major": False, "implementation": 1}


def upgraded(class_name, config, version="2.15.0", **more):
    entry = {"class_name": class_name, "config": {"name": "it", **config}, **more}
    return generations.upgrade(entry, version)


REFUSED = {
    "time_major": ("LSTM", {"time_major": True}, "2.15.0", "steps come second"),
    "locally connected": ("LocallyConnected1D", {}, "2.15.0", "removed in Keras 3"),
    "groups": ("SeparableConv2D", {"groups": 2}, "2.15.0", "no groups"),
    "several axes": ("BatchNormalization", {"axis": [1, 2]}, "2.15.0", "over one axis"),
    "ragged": ("InputLayer", {"ragged": True}, "2.15.0", "different lengths"),
    "feature columns": ("DenseFeatures", {}, "2.15.0", "feature columns"),
    "a method": ("InstanceMethod", {}, "2.15.0", "method of a TensorFlow tensor"),
    "merging": ("Merge", {}, "1.2.2", "Keras 2 first"),
    "time_major of a convolution": ("ConvLSTM2D", {"time_major": True}, "2.15.0", "steps come"),
    "locally connected 2D": ("LocallyConnected2D", {}, "2.2.4", "removed in Keras 3"),
    "groups of a depthwise": ("DepthwiseConv1D", {"groups": 2}, "2.15.0", "no groups"),
    "groups of a transposed": ("Conv3DTranspose", {"groups": 2}, "2.15.0", "no groups"),
    "sparse": ("InputLayer", {"sparse": True}, "2.15.0", "sparse tensors"),
    "columns in steps": ("SequenceFeatures", {}, "2.4.0", "feature columns"),
    "a node of a graph": ("TensorFlowOpLayer", {}, "2.2.4", "node of a TensorFlow graph"),
    "a method of a class": ("ClassMethod", {}, "2.15.0", "method of a TensorFlow tensor"),
    "a property": ("InstanceProperty", {}, "2.15.0", "method of a TensorFlow tensor"),
    "mode": ("BatchNormalization", {"mode": 1}, "1.2.2", "only mode 0"),
    "dropped words": ("Embedding", {"dropout": 0.5}, "1.2.2", "whole words"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_expressed_is_refused_with_layer_and_reason(name):
    class_name, config, version, reason = REFUSED[name]
    message = rf"Layer 'it' \({class_name}\) was saved by Keras {version} .*{reason}"
    with pytest.raises(generations.NotExpressibleError, match=message):
        upgraded(class_name, config, version)


SEPARATE = {"groups": 1, "kernel_initializer": "zeros", "kernel_regularizer": None,
            "kernel_constraint": None}  # fmt: skip
ONE_AXIS = {"axis": [2], "fused": True, "virtual_batch_size": None, "adjustment": None}
# What was written, and what becomes of it: class and arguments.
BECOMES = {
    "CuDNNLSTM": ({"units": 2}, "LSTM",
                  {"units": 2, "activation": "tanh", "recurrent_activation": "sigmoid",
                   "use_bias": True}),
    "CuDNNGRU": ({"units": 2}, "GRU",
                 {"units": 2, "activation": "tanh", "recurrent_activation": "sigmoid",
                  "use_bias": True, "reset_after": True}),
    "LSTMCell": ({"units": 2, "implementation": 1, "recurrent_activation": "tanh"}, "LSTMCell",
                 {"units": 2, "recurrent_activation": "tanh"}),
    "SimpleRNN": ({"units": 2, "implementation": 1, "time_major": False, "num_constants": None,
                   "input_dim": 3, "input_length": None}, "SimpleRNN", {"units": 2}),
    "StackedRNNCells": ({"cells": [], "reverse_state_order": True}, "StackedRNNCells",
                        {"cells": []}),
    "SeparableConv2D": ({"filters": 2, **SEPARATE}, "SeparableConv2D", {"filters": 2}),
    "DepthwiseConv2D": ({"filters": None, "kernel_size": 2, **SEPARATE}, "DepthwiseConv2D",
                        {"kernel_size": 2}),
    "Conv2DTranspose": ({"filters": 2, "groups": 1, "kernel_initializer": "zeros"},
                        "Conv2DTranspose", {"filters": 2, "kernel_initializer": "zeros"}),
    "MultiHeadAttention": ({"num_heads": 2, "query_shape": [None, 3], "key_shape": [None, 3],
                            "value_shape": [None, 3], "softmax_robust_masking": True},
                           "MultiHeadAttention", {"num_heads": 2}),
    "Embedding": ({"input_dim": 3, "output_dim": 2, "input_length": 5, "sparse": False,
                   "batch_input_shape": [None, 5]}, "Embedding",
                  {"input_dim": 3, "output_dim": 2}),
    "BatchNormalization": (ONE_AXIS, "BatchNormalization", {"axis": 2}),
    "BatchNormalizationV1": (ONE_AXIS, "BatchNormalization", {"axis": 2}),
    "BatchNormalizationV2": (ONE_AXIS, "BatchNormalization", {"axis": 2}),
    "SyncBatchNormalization": (ONE_AXIS, "BatchNormalization", {"axis": 2, "synchronized": True}),
    "SpatialDropout3D": ({"rate": 0.5, "noise_shape": None, "trainable": True},
                         "SpatialDropout3D", {"rate": 0.5}),
    "LeakyReLU": ({"alpha": {"class_name": "__numpy__", "config": {"value": 0.5, "dtype": "f4"}}},
                  "LeakyReLU", {"negative_slope": 0.5}),
    "ThresholdedReLU": ({"theta": 2.0}, "ReLU", {"threshold": 2.0}),
    "InputLayer": ({"batch_input_shape": [None, 2], "dtype": "int32", "sparse": False,
                    "ragged": False}, "InputLayer", {"batch_shape": [None, 2], "dtype": "int32"}),
    "RepeatVector": ({"n": 3, "input_dim": 2, "dynamic": False, "input_spec": None},
                     "RepeatVector", {"n": 3}),
    "Discretization": ({"bins": [1.0, 2.0]}, "Discretization", {"bin_boundaries": [1.0, 2.0]}),
    "Normalization": ({"axis": -1, "is_adapted": True}, "Normalization", {"axis": -1}),
    "ConvLSTM2D": ({"filters": 2, "time_major": False, "implementation": 1}, "ConvLSTM2D",
                   {"filters": 2}),
}  # fmt: skip


@pytest.mark.parametrize("name", BECOMES)
def test_arguments_of_keras_2_become_those_of_keras_3(name):
    given, class_name, config = BECOMES[name]
    made = upgraded(name, given)
    assert (made["class_name"], made["config"]) == (class_name, {"name": "it", **config})


def test_bins_that_are_a_number_are_how_many_there_are_to_be():
    assert upgraded("Discretization", {"bins": 3})["config"] == {"name": "it", "num_bins": 3}


def test_a_lambda_of_a_function_with_a_name_asks_for_the_function():
    config = {"function": "double", "function_type": "function", "module": "__main__",
              "output_shape": None, "output_shape_type": "raw", "output_shape_module": None,
              "arguments": {}}  # fmt: skip
    made = upgraded("Lambda", config)
    with pytest.raises(ValueError, match="double"):
        npkeras.saving.deserialize_keras_object(made)
    layer = npkeras.saving.deserialize_keras_object(made, {"double": lambda x: 2 * x})
    np.testing.assert_array_equal(layer(np.ones(2, "float32")), [2, 2])


CLASSES = sorted(set().union(*(row.classes for row in table.ROWS if row.classes)))


@pytest.mark.keras
@pytest.mark.parametrize("version", [(1, 2, 2), (2, 15, 0)])
def test_every_class_of_the_table_becomes_one_of_keras_3_or_is_refused(keras, version):
    refused = set()
    for name in CLASSES:
        try:
            config = {"name": "it", "function": "double"}
            class_name, _ = table.upgrade_layer(config, table.Owner(name, "it", version))
        except generations.NotExpressibleError:
            refused.add(name)
            continue
        only_before = any(row.until == 1 and name in (row.classes or ()) for row in table.ROWS)
        if version[0] == 1 or not only_before:
            assert hasattr(keras.layers, class_name), name
    always = {"LocallyConnected1D", "LocallyConnected2D", "DenseFeatures", "SequenceFeatures",
              "TensorFlowOpLayer", "ClassMethod", "InstanceMethod", "InstanceProperty"}  # fmt: skip
    assert refused == always | (
        {"Merge", "MaxoutDense", "Highway", "SReLU", "ParametricSoftplus"}
        if version[0] == 1
        else set()
    )


def test_the_old_hard_sigmoid_is_the_default_only_where_it_was():
    assert upgraded("LSTM", {}, "2.3.1")["config"]["recurrent_activation"] == "sigmoid"
    old = upgraded("LSTM", {}, "2.2.4")["config"]["recurrent_activation"]
    assert old["config"] == "npkeras>hard_sigmoid_of_keras_2"
    made = npkeras.activations.get(old)
    np.testing.assert_allclose(made(np.array([-3.0, 0.5, 3.0])), [0.0, 0.6, 1.0])
    assert generations.upgrade({"class_name": "LSTM", "config": {}}, "3.0.0")["config"] == {}


def test_reset_after_was_false_where_it_was_not_written():
    assert upgraded("GRU", {}, "2.0.8")["config"]["reset_after"] is False
    assert upgraded("GRU", {"reset_after": True})["config"]["reset_after"] is True


def test_a_shared_table_serves_layers_within_layers():
    inner = {"class_name": "LSTM", "config": dict(LSTM)}
    outer = upgraded("Bidirectional", {"layer": inner, "backward_layer": inner})
    for name in ("layer", "backward_layer"):
        assert not {"time_major", "implementation"} & outer["config"][name]["config"].keys()
    with pytest.raises(generations.NotExpressibleError, match="Layer 'reader'"):
        upgraded("Bidirectional", {"layer": {"class_name": "LSTM",
                                             "config": {**LSTM, "time_major": True}}})  # fmt: skip


def test_the_shape_on_a_first_layer_becomes_an_input():
    dense = {"class_name": "Dense", "config": {"name": "d", "units": 2,
                                               "batch_input_shape": [None, 3]}}  # fmt: skip
    model = generations.upgrade({"class_name": "Sequential", "config": [dense]}, "2.2.0")
    made = npkeras.saving.deserialize_keras_object(model)
    assert made.input_shape == (None, 3) and made.layers[0].units == 2


def test_the_config_of_keras_3_stays_as_it_is():
    model = npkeras.Sequential([npkeras.Input((3,)), npkeras.layers.Dense(2)])
    config = json.loads(model.to_json())
    assert generations.upgrade(config, "3.9.0") == config


def test_a_class_of_the_users_is_left_to_the_user():
    entry = {"class_name": "Mine>Bend", "config": {"name": "b", "alpha": 2, "implementation": 5}}
    assert generations.upgrade(entry, "2.15.0")["config"] == entry["config"]


def optimizer_of(class_name, **config):
    given = {"optimizer_config": {"class_name": class_name, "config": config}, "loss": "mse"}
    return generations.upgrade_training(given, "2.3.1")["optimizer"]


def test_lr_decay_and_names_of_optimizers():
    plain = optimizer_of("Custom>Adam", lr=0.5, decay=0.0, epsilon=None, jit_compile=False)
    assert plain["class_name"] == "Adam"
    assert plain["config"] == {"learning_rate": 0.5, "epsilon": 1e-7}
    slower = optimizer_of("SGD", learning_rate=0.5, decay=0.25)
    made = npkeras.saving.deserialize_keras_object(slower)
    made.build([npkeras.Variable([1.0])])
    made.iterations.assign(4)
    assert float(made.learning_rate) == pytest.approx(0.5 / (1 + 0.25 * 4))
    with pytest.warns(UserWarning, match="no counterpart of: magic"):
        optimizer_of("SGD", learning_rate=0.5, magic=1)


def test_a_metric_of_several_outputs_gets_its_name_back():
    function, kind = "mean_absolute_error", "MeanMetricWrapper"
    metrics = [
        [{"class_name": kind, "config": {"name": f"{output}_mae", "fn": function}}]
        for output in ("a", "b")
    ]
    given = {"optimizer_config": {"class_name": "SGD", "config": {}}, "metrics": metrics}
    found = generations.upgrade_training(given, "2.15.0", ("a", "b"))["metrics"]
    assert [(m["class_name"], m["config"]) for (m,) in found] == [
        ("MeanAbsoluteError", {"name": "mae"})
    ] * 2


@pytest.mark.parametrize(
    "text, version",
    [("2.2.4-tf", (2, 2, 4)), ("3.15.1", (3, 15, 1)), (None, (1,)), ("x", (1,)), (3, (1,))],
)
def test_versions(text, version):
    assert parse_version(text) == version


BROKEN = [
    {}, {"class_name": "Sequential"}, {"class_name": "Sequential", "config": {}},
    {"class_name": "Sequential", "config": {"layers": [3]}},
    {"class_name": "Model", "config": {"layers": [{}]}},
    {"class_name": "Model", "config": {"layers": [], "input_layers": [["x", 0, 0]]}},
    {"class_name": "Model", "config": {"name": "m", "input_layers": [], "output_layers": [],
     "layers": [{"class_name": "Dense", "config": {"name": "d"},
                 "inbound_nodes": [[["e", 0, 0]]]}]}},
]  # fmt: skip


@pytest.mark.parametrize("config", BROKEN)
def test_a_config_that_is_none_is_told_so(config):
    with pytest.raises(CorruptFileError):
        generations.upgrade(config, "2.15.0")

"""The table of generations: what an older config becomes, and what is refused, by name."""

import json

import numpy as np
import pytest

import npkeras
from npkeras.saving import CorruptFileError, generations
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
    "mode": ("BatchNormalization", {"mode": 1}, "1.2.2", "only mode 0"),
    "dropped words": ("Embedding", {"dropout": 0.5}, "1.2.2", "whole words"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_expressed_is_refused_with_layer_and_reason(name):
    class_name, config, version, reason = REFUSED[name]
    message = rf"Layer 'it' \({class_name}\) was saved by Keras {version} .*{reason}"
    with pytest.raises(generations.NotExpressibleError, match=message):
        upgraded(class_name, config, version)


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

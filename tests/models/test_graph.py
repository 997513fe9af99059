"""The order in which Keras lists the layers of a graph, which is that of the weights in files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npkeras
from npkeras.models.graph import Graph
from npkeras.models.runner import Runner


@st.composite
def plans(draw):
    """How many inputs; for each call the layer and what it is fed; and which are the outputs."""
    inputs = draw(st.integers(1, 3))
    calls, count = [], inputs
    for _ in range(draw(st.integers(1, 9))):
        kind = draw(st.sampled_from(["new", "again", "add", "twice"]))
        calls.append((kind, draw(st.integers(0, count - 1)), draw(st.integers(0, count - 1))))
        count += 1
    outputs = draw(st.lists(st.integers(inputs, count - 1), min_size=1, max_size=3))
    return inputs, calls, outputs


def build(keras, plan):
    inputs, calls, outputs = plan
    tensors = [keras.Input((2,), name=f"in{i}") for i in range(inputs)]
    layers = []
    for i, (kind, a, b) in enumerate(calls):
        if kind == "new" or (kind == "again" and not layers):
            layers.append(keras.layers.Dense(2, name=f"layer{i}"))
            tensors.append(layers[-1](tensors[a]))
        elif kind == "again":
            tensors.append(layers[b % len(layers)](tensors[a]))
        elif kind == "add":
            tensors.append(keras.ops.add(tensors[a], tensors[b]))
        else:
            tensors.append(keras.ops.multiply(tensors[a], 2.0))
    return keras.Model(tensors[:inputs], [tensors[i] for i in outputs])


@pytest.mark.keras
@settings(max_examples=60, deadline=None)
@given(plans())
def test_operations_come_in_keras_order(keras, plan):
    listed = []
    for engine in (npkeras, keras):
        engine.utils.clear_session()
        try:
            model = build(engine, plan)
        except ValueError:
            listed.append("refused")
            continue
        calls = {entry["name"]: entry["inbound_nodes"] for entry in model.get_config()["layers"]}
        sources = {name: str([_histories(c) for c in calls[name]]) for name in calls}
        names = [op.name for op in model.operations]
        listed.append((names, [w.path for w in model.weights], sources, model.output_names))
    assert listed[0] == listed[1]


def _histories(value):
    """Where the tensors of a call come from."""
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return list(value["config"]["keras_history"])
    if isinstance(value, dict):
        return [_histories(item) for item in value.values()]
    return [_histories(item) for item in value] if isinstance(value, (list, tuple)) else None


def ends(count=3):
    x = npkeras.Input((2,), name="x")
    y = x
    for _ in range(count):
        y = npkeras.ops.exp(y)
    return x, y


def test_a_long_graph_needs_no_deep_stack():
    x, y = ends(3000)
    graph = Graph([x], [y])
    assert len(graph.operations) == 3001
    assert graph.operations[0].name == "x" and graph.history(y)[1:] == (0, 0)


def test_values_are_let_go_after_their_last_use():
    x = npkeras.Input((2,))
    seen = []

    class Watch(npkeras.layers.Layer):
        def call(self, inputs):
            if isinstance(inputs, np.ndarray):
                seen.append(sum(value is not None for value in alive()))
            return inputs * 1.0

    y = x
    for _ in range(4):
        y = Watch()(y)
    nodes = npkeras.core.symbolic.nodes_between([x], [y])
    runner = Runner([x], [y], nodes)
    held = {}

    class Values(list):
        def copy(self):
            held["values"] = Values(self)
            return held["values"]

    def alive():
        return held["values"]

    runner._blank = Values(runner._blank)
    (result,) = runner.run([np.ones((1, 2), "float32")])
    assert seen == [1, 1, 1, 1] and result.tolist() == [[1, 1]]


def test_what_is_not_connected_is_named():
    x, other = npkeras.Input((2,), name="x"), npkeras.Input((2,), name="other")
    with pytest.raises(ValueError, match="not connected to its `inputs` alone.*'other'"):
        npkeras.Model(x, x + other)
    with pytest.raises(ValueError, match="name=bare.* cannot be computed from the inputs"):
        npkeras.Model(x, x + npkeras.KerasTensor((2,), name="bare"))


def test_names_are_used_once():
    x = npkeras.Input((2,), name="x")
    y = npkeras.layers.Dense(2, name="same")(npkeras.layers.Dense(2, name="same")(x))
    with pytest.raises(ValueError, match="'same' is used 2 times"):
        npkeras.Model(x, y)

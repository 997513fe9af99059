"""Symbolic tensors: what they know, the graph they remember, and running it on values."""

import numpy as np
import pytest

from npkeras import GradientTape, KerasTensor, Variable, ops
from npkeras.core.symbolic import is_symbolic, nodes_between, replay


def test_what_a_tensor_knows():
    x = KerasTensor((None, 3), "float16", name="x")
    assert (x.shape, x.dtype, x.ndim, x.name) == ((None, 3), "float16", 2, "x")
    assert repr(x) == "<KerasTensor shape=(None, 3), dtype=float16, name=x>"
    assert KerasTensor((2,)).dtype == "float32"
    assert len({x, x}) == 1


def test_shapes_and_dtypes_are_checked_and_brought_to_one_form():
    x = KerasTensor([np.int64(2), None], np.float16)
    assert (x.shape, x.dtype, repr(x.name)) == ((2, None), "float16", "'keras_tensor'")
    for shape in (None, (2, -1), (2, "a"), "ab"):
        with pytest.raises(ValueError, match="`shape` of KerasTensor must"):
            KerasTensor(shape)
    with pytest.raises(ValueError, match="Invalid dtype: foo"):
        KerasTensor((2,), "foo")


def test_signs_and_functions_of_python_and_numpy():
    x = KerasTensor((None, 3))
    assert round(x).shape == round(x, 1).shape == (+x).shape == (None, 3)
    assert (np.shape(x), np.ndim(x), np.size(x)) == ((None, 3), 2, None)
    assert np.fliplr(x).shape == np.around(x, 1).shape == (None, 3)


def test_a_tensor_has_no_values():
    x = KerasTensor((2, 3), name="x")
    for convert in (np.asarray, float, int):
        with pytest.raises(ValueError, match="name=x.*has no values yet"):
            convert(x)
    with pytest.raises(TypeError, match="name=x.*neither true nor false"):
        bool(x)
    assert len(x) == 2
    with pytest.raises(TypeError, match="The length of .*name=y.* is not known"):
        len(KerasTensor((None,), name="y"))


def test_a_graph_is_replayed_on_values():
    x, y = KerasTensor((None, 2)), KerasTensor((2,))
    z = ops.sum(ops.exp(x) * y + 1.0, axis=-1)
    nodes = nodes_between([x, y], [z])
    assert [node.operation.name for node in nodes] == ["exp", "multiply", "add", "sum"]
    a, b = np.ones((3, 2), "float32"), np.array([1.0, 2.0], "float32")
    found = replay(nodes, {id(x): a, id(y): b})[id(z)]
    np.testing.assert_allclose(found, np.full(3, 3 * np.e + 2), rtol=1e-6)


def test_a_replay_can_be_recorded():
    x = KerasTensor((2,))
    y = ops.sum(x * x)
    value = Variable([1.0, 3.0])
    with GradientTape() as tape:
        found = replay(nodes_between([x], [y]), {id(x): value})[id(y)]
    assert tape.gradient(found, value).tolist() == [2, 6]


def test_constants_and_variables_stay_in_the_graph():
    weight = Variable([2.0])
    x = KerasTensor((1,))
    y = x * weight + np.array([1.0], "float32")
    nodes = nodes_between([x], [y])
    assert replay(nodes, {id(x): np.ones(1, "float32")})[id(y)].tolist() == [3]
    weight.assign([5.0])
    assert replay(nodes, {id(x): np.ones(1, "float32")})[id(y)].tolist() == [6]


def test_shared_parts_run_once_and_before_those_that_need_them():
    x = KerasTensor((2,))
    shared = ops.exp(x)
    outputs = [shared + 1.0, shared * 2.0]
    nodes = nodes_between([x], outputs)
    assert [n.operation.name for n in nodes] == ["exp", "multiply", "add"] or [
        n.operation.name for n in nodes
    ] == ["exp", "add", "multiply"]


def test_a_graph_may_be_cut_inside():
    x = KerasTensor((2,))
    inside = ops.exp(x)
    y = inside + 1.0
    assert [n.operation.name for n in nodes_between([inside], [y])] == ["add"]
    assert nodes_between([x], [x]) == []


def test_long_graphs_need_no_deep_stack():
    x = y = KerasTensor(())
    for _ in range(5000):
        y = y + 1.0
    nodes = nodes_between([x], [y])
    assert replay(nodes, {id(x): np.float32(0)})[id(y)] == 5000


def test_what_does_not_lead_to_the_inputs():
    x, y = KerasTensor((2,)), KerasTensor((2,), name="elsewhere")
    with pytest.raises(ValueError, match="name=elsewhere.* cannot be computed from the inputs"):
        nodes_between([x], [x + y])


def test_several_outputs_come_from_one_call():
    x = KerasTensor((None, 5))
    values, positions = ops.top_k(x, k=2)
    assert values.node is positions.node
    found = replay(nodes_between([x], [positions]), {id(x): np.arange(5.0)[None]})
    assert found[id(positions)].tolist() == [[4, 3]]


def test_is_symbolic_looks_inside():
    assert is_symbolic([1, {"a": KerasTensor(())}])
    assert not is_symbolic([1, {"a": np.ones(1)}])

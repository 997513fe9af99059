"""Ops made of ops: one node outside, derivatives from within."""

import numpy as np

from npkeras import KerasTensor, ops
from npkeras.core.op import OPS
from npkeras.core.symbolic import nodes_between, replay


def test_a_symbolic_call_is_one_node():
    a, b = KerasTensor((2, 3)), KerasTensor((4, 3))
    y = ops.concatenate([a, b], axis=0)
    (node,) = nodes_between([a, b], [y])
    assert node.operation is ops.concatenate is OPS["concatenate"]
    assert node.args == ([a, b],)
    assert node.kwargs == {"axis": 0}
    values = replay([node], {id(a): np.zeros((2, 3)), id(b): np.ones((4, 3))})
    assert values[id(y)].sum() == 12


def test_a_list_of_results_belongs_to_one_node():
    x = KerasTensor((4, 2))
    parts = ops.split(x, 2)
    assert parts[0].node is parts[1].node
    assert parts[0].node.inputs == [x]


def test_a_tensor_deep_in_a_nest_or_among_the_options_is_found():
    x = KerasTensor((2,))
    assert ops.stack(x=[np.ones(2), x]).shape == (2, 2)
    assert ops.vstack((x, np.ones(2))).shape == (2, 2)

"""Ops: three kinds of input, keywords, promotion, autocast, several outputs, signs."""

import inspect

import numpy as np
import pytest

from npkeras import GradientTape, KerasTensor, Variable, ops
from npkeras.core import op as core_op
from npkeras.core import shapes
from npkeras.core.autocast import autocast_scope
from npkeras.core.op import (
    OPS,
    fused_op,
    is_recorded,
    numpy_function,
    op,
)
from npkeras.core.tape import Traced


@pytest.fixture
def scratch():
    """Ops made by a test are forgotten afterwards."""
    tables = OPS, core_op._BY_NUMPY
    before = [dict(table) for table in tables]
    yield
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)


def test_plain_arrays_give_plain_arrays_even_while_a_tape_runs():
    with GradientTape() as tape:
        assert type(ops.matmul(np.ones((2, 2)), np.ones((2, 2)))) is np.ndarray
    assert not tape.records


def test_variables_give_plain_arrays_without_a_tape():
    assert type(ops.exp(Variable([1.0]))) is np.ndarray
    assert type(Variable([1.0]) + 1.0) is np.ndarray


def test_arrays_can_be_given_by_keyword():
    assert ops.add(x1=1.0, x2=2.0) == 3
    assert ops.matmul(np.ones((1, 2)), x2=np.ones((2, 1))).item() == 2
    assert ops.matmul(x1=KerasTensor((1, 2)), x2=KerasTensor((2, 3))).shape == (1, 3)
    assert ops.sum(x=Variable([1.0, 2.0]), axis=0) == 3


def test_options_can_be_given_by_position():
    assert ops.sum(np.ones((2, 3)), 1, True).shape == (2, 1)
    assert ops.sum(KerasTensor((2, 3)), 1, True).shape == (2, 1)


def test_signatures_show_what_keras_shows():
    assert str(inspect.signature(ops.sum)) == "(x, axis=None, keepdims=False)"
    assert str(inspect.signature(ops.add)) == "(x1, x2)"
    assert str(inspect.signature(ops.exp)) == "(x)"
    assert "wanted" not in str(inspect.signature(ops.var))


def test_every_op_says_what_it_does():
    assert not [name for name, made in OPS.items() if not made.__doc__ and name[0] != "_"]


def test_python_numbers_do_not_widen():
    assert ops.add(np.ones(2, "float16"), 1.5).dtype == "float16"
    assert ops.add(np.ones(2, "int8"), 1).dtype == "int8"
    assert ops.add(np.ones(2, "int8"), 1.5).dtype == "float32"
    assert ops.matmul(np.ones((2, 2), "float16"), [[1, 2], [3, 4]]).dtype == "float16"


def test_gradients_come_back_in_the_dtype_of_the_argument():
    x, z = Variable([1.0], dtype="float16"), Variable([2.0], dtype="float64")
    with GradientTape() as tape:
        y = x * z
    assert y.dtype == "float64"
    assert [g.dtype for g in tape.gradient(y, [x, z])] == ["float16", "float64"]


def test_integers_of_a_recorded_value_are_promoted_and_gradients_still_flow():
    x = Variable([4.0])
    with GradientTape() as tape:
        y = ops.where(x > 3, x, np.array([1], "int32"))
    assert tape.gradient(y, x).tolist() == [1]


def test_float_variables_are_read_in_the_compute_dtype():
    x = Variable([1.0])
    with GradientTape() as tape, autocast_scope("float16"):
        y = x * x + ops.exp(x)
        assert y.dtype == "float16"
        assert (Variable([1]) * 2).dtype == "int32"
        assert (Variable([1.0], autocast=False) * 2).dtype == "float32"
    assert tape.gradient(y, x).dtype == "float32"
    assert (x * x).dtype == "float32"


def test_an_op_of_ones_own(scratch):
    @op(shapes.same, vjps=(lambda y, x: lambda dy: dy * 3,))
    def triple(x):
        """3 x."""
        return 3 * x

    x = Variable([2.0])
    with GradientTape() as tape:
        y = triple(x)
    assert (y.tolist(), tape.gradient(y, x).tolist()) == ([6], [3])
    assert triple(KerasTensor((None,))).shape == (None,)
    assert repr(triple) == "<op triple>" and triple.__doc__ == "3 x."


def test_a_vjp_may_decline(scratch):
    @op(shapes.same, vjps=(lambda y, x: None,))
    def declined(x):
        """x."""
        return x * 1

    with GradientTape():
        assert isinstance(declined(Variable([2.0])), np.ndarray)


def test_a_fused_op_learns_what_is_wanted_and_goes_back_once(scratch):
    calls = []

    @fused_op(shapes.broadcast)
    def weighted(x, weights, *, wanted):
        """x times weights."""
        calls.append(tuple(wanted))

        def backward(dy):
            calls.append("back")
            return dy * weights, dy * x

        return x * weights, backward

    x, z = Variable([2.0]), Variable([3.0])
    weighted(x, z)
    with GradientTape() as tape:
        y = weighted(x, z)
    assert tape.gradient(y, [x, z]) == [[3], [2]]
    with GradientTape():
        weighted(np.ones(1, "float32"), z)
    assert calls == [(), (0, 1), "back", (1,)]


def test_outputs_through_which_nothing_flowed_count_as_zero(scratch):
    @op(
        lambda x: (shapes.same(x), shapes.same(x)),
        vjps=(lambda y, x: lambda dys: dys[0] + 10 * dys[1],),
    )
    def twice(x):
        """x and x."""
        return x * 1, x * 1

    x = Variable([2.0])
    with GradientTape(persistent=True) as tape:
        first, second = twice(x)
    assert tape.gradient(first, x).tolist() == [1]
    assert tape.gradient(second, x).tolist() == [10]
    assert tape.gradient([first, second], x).tolist() == [11]
    specs = twice(KerasTensor((3,)))
    assert [s.shape for s in specs] == [(3,), (3,)]


def test_another_function_of_numpy_can_be_given_an_op(scratch):
    def doubled(x):
        return ops.multiply(x, 2.0)

    numpy_function(np.fix, doubled)
    assert np.fix(Variable([2.0])).tolist() == [4]


def test_is_recorded():
    x = Variable([1.0])
    assert not is_recorded(x)
    with GradientTape():
        assert is_recorded(x) and is_recorded(x * 2)
        assert not is_recorded(np.ones(1)) and not is_recorded(Traced(np.ones(1), None))


def test_none_is_no_array():
    with pytest.raises((TypeError, ValueError)):
        ops.add(None, 1.0)

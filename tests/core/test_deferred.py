"""Deferred values: computed when read, once, and else like any recorded value."""

import numpy as np
import pytest

from npkeras import ops
from npkeras.core.deferred import Deferred, deferring, may_defer
from npkeras.core.tape import GradientTape, no_grad
from npkeras.core.variable import Variable


@pytest.fixture
def made():
    """A deferred value and the list of its computations."""
    calls = []

    def compute():
        calls.append(len(calls))
        return np.arange(6.0).reshape(2, 3)

    return Deferred((2, 3), np.dtype("float64"), compute), calls


def test_its_form_is_known_without_computing_it(made):
    value, calls = made
    assert (value.shape, value.ndim, value.dtype, len(value)) == ((2, 3), 2, "float64", 2)
    assert not calls


def test_it_is_computed_once_and_for_whoever_reads_it(made):
    value, calls = made
    np.testing.assert_array_equal(ops.add(value, 1), np.arange(6.0).reshape(2, 3) + 1)
    np.testing.assert_array_equal(np.asarray(value), value.numpy())
    assert calls == [0]


def test_gradients_flow_through_it_though_it_was_read_late():
    x = Variable([1.0, 2.0], dtype="float64")
    with GradientTape() as tape:
        edges = [(x.slot, lambda dy: 3 * dy)]
        y = Deferred((2,), np.dtype("float64"), lambda: 3 * x.value, edges)
        z = ops.square(y)
    np.testing.assert_array_equal(tape.gradient(z, x), [18, 36])


def test_it_is_welcome_under_a_tape_or_where_one_says_so():
    assert not may_defer()
    with deferring():
        assert may_defer()
    with GradientTape():
        assert may_defer()
        with no_grad():
            assert not may_defer()
    assert not may_defer()

"""Branches, loops, scans and gradients of one's own."""

import numpy as np
import pytest

from npkeras import GradientTape, KerasTensor, ops
from npkeras.core.symbolic import nodes_between, replay
from npkeras.core.tape import Traced
from tests.checks import check_gradients

ROW = np.array([0.5, -1.0, 2.0, 3.0])
TABLE = np.arange(6.0).reshape(2, 3) + 0.5


def replayed(function, *arrays):
    """The result of a function that was traced on symbolic tensors."""
    inputs = [KerasTensor(x.shape, str(x.dtype)) for x in arrays]
    outputs = function(*inputs)
    values = dict(zip(map(id, inputs), arrays, strict=True))
    several = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    found = replay(nodes_between(inputs, list(several)), values)
    return several, [found[id(y)] for y in several]


def test_cond_takes_one_branch_only():
    assert ops.cond(True, lambda: 1, lambda: 1 / 0) == 1
    assert ops.cond(np.array(False), lambda: 1 / 0, lambda: 2) == 2


def test_switch_takes_the_nearest_branch():
    branches = [lambda x: x + 1, lambda x: x * 2]
    assert [ops.switch(i, branches, 3) for i in (-3, 0, 1, 7)] == [4, 4, 6, 6]


def test_while_loop_returns_what_it_was_given():
    def body(i, total):
        return i + 1, total + i

    assert ops.while_loop(lambda i, t: i < 5, body, (0, 10)) == (5, 20)
    assert ops.while_loop(lambda i, t: i < 5, body, [0, 10], maximum_iterations=2) == (2, 11)
    assert ops.while_loop(lambda i: i < 5, lambda i: i + 1, 0) == 5


def test_fori_loop():
    assert ops.fori_loop(0, 4, lambda i, total: total + i, 10) == 16
    assert ops.fori_loop(4, 0, lambda i, total: total + i, 10) == 10


def test_scan_carries_a_state():
    state, ys = ops.scan(lambda c, x: (c + x, c * x), 1.0, ROW)
    assert state == 5.5
    np.testing.assert_allclose(ys, [0.5, -1.5, 1.0, 7.5])
    state, ys = ops.scan(lambda c, x: (c + x, c * x), 1.0, ROW, reverse=True)
    np.testing.assert_allclose(ys, [2.5, -6.0, 8.0, 3.0])


def test_scan_of_a_nest_and_of_nothing():
    def step(state, x):
        return (state[0] + x["a"], state[1]), {"y": state[0]}

    (total, kept), ys = ops.scan(step, (0.0, 7.0), {"a": ROW})
    assert (total, kept) == (4.5, 7.0)
    np.testing.assert_allclose(ys["y"], [0, 0.5, -0.5, 1.5])
    assert ops.scan(lambda c, x: (c + 1, c), 1, length=3)[1].tolist() == [1, 2, 3]


def test_map_stacks_the_results():
    np.testing.assert_allclose(ops.map(lambda row: ops.sum(row), TABLE), TABLE.sum(1))
    both, first = ops.vectorized_map(lambda t: (t[0] * t[1], t[0]), (TABLE, TABLE))
    np.testing.assert_allclose(both, TABLE**2)
    np.testing.assert_allclose(first, TABLE)


@pytest.mark.parametrize("length", range(1, 10))
@pytest.mark.parametrize("reverse", [False, True])
def test_associative_scan_gives_all_running_totals(length, reverse):
    x = np.random.default_rng(length).normal(size=(2, length))
    expected = np.cumsum(x[:, ::-1], 1)[:, ::-1] if reverse else np.cumsum(x, 1)
    y = ops.associative_scan(lambda a, b: a + b, x, reverse=reverse, axis=1)
    np.testing.assert_allclose(y, expected)


def test_associative_scan_keeps_the_order_of_the_operands():
    matrices = np.random.default_rng(0).normal(size=(6, 2, 2))
    y = ops.associative_scan(lambda a, b: ops.matmul(a, b), matrices)
    running = matrices[0]
    for i in range(1, 6):
        running = running @ matrices[i]
        np.testing.assert_allclose(y[i], running)


def test_associative_scan_of_a_nest():
    ones, twos = ops.associative_scan(
        lambda a, b: [a[0] + b[0], a[1] * b[1]], [np.ones((2, 3)), np.full((2, 3), 2.0)], axis=-1
    )
    np.testing.assert_array_equal(ones, [[1, 2, 3]] * 2)
    np.testing.assert_array_equal(twos, [[2, 4, 8]] * 2)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ops.cond(True, lambda: x * x, lambda: x),
        lambda x: ops.switch(1, [lambda a: a, lambda a: a * a * a], x),
        lambda x: ops.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (0, x))[1],
        lambda x: ops.fori_loop(0, 3, lambda i, y: y * x, x),
        lambda x: ops.scan(lambda c, a: (c * a, c + a), x[0], x),
        lambda x: ops.map(lambda a: a * a, x),
        lambda x: ops.associative_scan(lambda a, b: a * b, x),
    ],
    ids=["cond", "switch", "while_loop", "fori_loop", "scan", "map", "associative_scan"],
)
def test_gradients_flow_through(function):
    check_gradients(function, ROW)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: ops.switch(1, [lambda a: a, lambda a: a * 2.0], x),
        lambda x: ops.while_loop(lambda y: ops.sum(y) < 50.0, lambda y: y * 2.0, x),
        lambda x: ops.fori_loop(0, 3, lambda i, y: y * 2.0, x),
        lambda x: ops.scan(lambda c, a: (c + a, c * 2.0), ops.sum(x, axis=0), x),
        lambda x: ops.map(lambda a: ops.sum(a), x),
        lambda x: ops.vectorized_map(lambda a: a * 2.0, x),
        lambda x: ops.associative_scan(lambda a, b: a + b, x),
        ops.custom_gradient(lambda x: (ops.exp(x), lambda dy: dy)),
    ],
)
def test_a_symbolic_call_is_replayed(function):
    specs, results = replayed(function, TABLE)
    expected = function(TABLE)
    expected = expected if isinstance(expected, (list, tuple)) else [expected]
    for spec, result, y in zip(specs, results, expected, strict=True):
        np.testing.assert_allclose(result, y)
        assert (spec.shape, spec.dtype) == (y.shape, str(y.dtype))


def test_a_symbolic_condition_is_decided_later():
    def choose(x):
        return ops.cond(ops.sum(x) > 0.0, lambda: np.ones(2), lambda: np.zeros(2))

    for x, expected in ((TABLE, 1), (-TABLE, 0)):
        np.testing.assert_array_equal(replayed(choose, x)[1][0], [expected] * 2)


def test_a_gradient_of_ones_own():
    @ops.custom_gradient
    def log1pexp(x):
        e = ops.exp(x)
        return ops.log(1 + e), lambda dy: dy * (1 - 1 / (1 + e))

    check_gradients(log1pexp, ROW)
    assert log1pexp(np.array(0.0)) == np.log(2)


def test_a_gradient_of_ones_own_need_not_be_the_derivative():
    @ops.custom_gradient
    def product(a, b):
        return (a * b, a + b), lambda dy, dz: (dy * 7.0, dz * 2.0)

    a, b = Traced(np.array(3.0), object()), Traced(np.array(4.0), object())
    with GradientTape() as tape:
        y, z = product(a, b)
    assert (y.value, z.value) == (12, 7)
    assert tape.gradient([y, z], [a, b]) == [7, 2]


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: ops.cond(True, 1, lambda: 2), TypeError, r"`true_fn` of `cond`.*true_fn=1"),
        (
            lambda: ops.cond(KerasTensor(()), lambda: np.ones(2), lambda: np.ones(3)),
            ValueError,
            r"branches of `cond`.*\(2,\).*\(3,\)",
        ),
        (lambda: ops.scan(3, 0, ROW), TypeError, r"`f` of `scan`.*f=3"),
        (lambda: ops.scan(lambda c, x: (c, x), 0), ValueError, r"xs=None, length=None"),
        (lambda: ops.scan(lambda c, x: (c, x), 0, ROW, unroll=-1), ValueError, r"unroll=-1"),
        (lambda: ops.scan(lambda c, x: (c, x), 0, ROW, length=3), ValueError, r"3 and 4"),
        (lambda: ops.scan(lambda c, x: (c, x), 0, ROW[:0]), ValueError, r"length 0"),
        (lambda: ops.map(lambda x: x, ROW[:0]), ValueError, r"length 0"),
        (lambda: ops.map(None, ROW), TypeError, r"`f` of `map`.*f=None"),
        (
            lambda: ops.associative_scan(lambda a, b: a, [ROW, TABLE]),
            ValueError,
            r"one length.*\[2, 4\]",
        ),
        (lambda: ops.custom_gradient(1), TypeError, r"`f` of `custom_gradient`.*f=1"),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "loop",
    [
        lambda o, start: o.while_loop(lambda i: i < 3, lambda i: i + 1, start),
        lambda o, start: o.while_loop(lambda i: i < 0, lambda i: i + 1, start),
        lambda o, start: o.while_loop(lambda i: i < 3, lambda i: (i + 1,), (start,))[0],
        lambda o, start: o.fori_loop(0, 2, lambda i, s: s + i, start),
        lambda o, start: o.fori_loop(0, 0, lambda i, s: s + i, start),
        lambda o, start: o.fori_loop(0, 2, lambda i, s: [s[0] * 2], [start])[0],
    ],
)
@pytest.mark.parametrize("start", [0, 0.5, np.int64(1)])
@pytest.mark.keras
def test_numbers_come_out_of_loops_as_arrays(keras, loop, start):
    expected, y = loop(keras.ops, start), loop(ops, start)
    assert (y.shape, y.dtype) == ((), expected.dtype.name)
    assert y == expected.numpy()

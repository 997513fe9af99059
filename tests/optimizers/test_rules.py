"""What holds for every rule there is."""

import copy
import tracemalloc

import numpy as np
import pytest

from npkeras.core import registry
from npkeras.core.rows import RowGradient
from npkeras.core.variable import Variable
from tests.optimizers.parity import ones, variables

RULES = {
    name: rule
    for name, rule in registry.members("optimizers").items()
    if name != "LossScaleOptimizer"
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_finds_the_bottom_of_a_bowl(name):
    rate = {"Ftrl": 2.0, "Adadelta": 20.0, "Adagrad": 1.0, "Lamb": 0.01}.get(name, 0.05)
    (w,) = variables((3, 2))
    target = np.array([[1.0, -2.0], [0.5, 3.0], [0.0, -1.0]], "float32")
    optimizer = RULES[name](learning_rate=rate, weight_decay=0.0)
    for _ in range(400):
        optimizer.apply([w.value - target], [w])
    assert np.abs(w.value - target).max() < 0.1


@pytest.mark.parametrize("name", RULES)
def test_a_rule_writes_into_the_arrays_that_are_there(name):
    weights = variables((3, 4), (4,), (6, 2))
    optimizer = RULES[name](use_ema=True, weight_decay=0.1, clipnorm=0.1)
    optimizer.build(weights)
    kept = [v for v in [*weights, *optimizer.variables] if v.shape != ()]
    places = [v.value.ctypes.data for v in kept]
    for _ in range(3):
        optimizer.apply(ones((3, 4), (4,), (6, 2)), weights)
    assert [v.value.ctypes.data for v in kept] == places


@pytest.mark.parametrize("name", RULES)
def test_a_rule_leaves_the_gradients_as_they_were(name):
    weights = variables((3, 4), (6, 2))
    rows = RowGradient(np.array([1, 1]), np.ones((2, 2), "float32"), (6, 2))
    dense = np.ones((3, 4), "float32")
    optimizer = RULES[name](clipvalue=0.1)
    optimizer.apply([dense, rows], weights)
    assert (dense == 1).all() and (rows.rows == 1).all() and (rows.indices == 1).all()


@pytest.mark.parametrize("name", RULES)
def test_pieces_of_a_large_array_are_updated_like_a_small_one(name, monkeypatch):
    random = np.random.default_rng(0)
    start = random.normal(size=(7, 5)).astype("float32")
    steps = [random.normal(size=(7, 5)).astype("float32") for _ in range(3)]
    results = []
    for piece in (8, 1 << 16):
        monkeypatch.setattr("npkeras.optimizers.pieces.PIECE", piece)
        w = Variable(start, name="w")
        optimizer = RULES[name](0.1, use_ema=True, weight_decay=0.1)
        for gradient in steps:
            optimizer.apply([gradient], [w])
        results.append([w.value, *(v.value for v in optimizer.variables)])
    for small, whole in zip(*results, strict=True):
        np.testing.assert_array_equal(small, whole)


@pytest.mark.parametrize("name", RULES)
def test_rows_of_a_table_in_pieces_are_updated_like_the_whole_table(name, monkeypatch):
    random = np.random.default_rng(0)
    start = random.normal(size=(9, 5)).astype("float32")
    indices = np.array([8, 2, 5, 0])
    rows = random.normal(size=(4, 5)).astype("float32")
    results = []
    for piece, dense in ((10, False), (1, False), (1 << 16, True)):
        monkeypatch.setattr("npkeras.optimizers.pieces.PIECE", piece)
        w = Variable(start, name="w")
        optimizer = RULES[name](0.1)
        gradient = RowGradient(indices, rows, (9, 5))
        for _ in range(3):
            optimizer.apply([gradient.to_dense() if dense else gradient], [w])
        results.append(w.value)
    np.testing.assert_allclose(results[0], results[2], rtol=1e-6)
    np.testing.assert_allclose(results[1], results[2], rtol=1e-6)


@pytest.mark.parametrize("name", RULES)
def test_a_table_of_which_no_row_was_used_is_left_alone_by_a_fresh_rule(name):
    (w,) = variables((6, 2))
    empty = RowGradient(np.empty(0, np.int64), np.empty((0, 2), "float32"), (6, 2))
    optimizer = RULES[name](0.1, weight_decay=0.0)
    optimizer.apply([empty], [w])
    if name != "Ftrl":  # which works out the weights anew, from its state alone
        assert (w.value == 1).all()


@pytest.mark.parametrize("name", RULES)
def test_transposed_gradients_are_taken_entry_for_entry(name, monkeypatch):
    monkeypatch.setattr("npkeras.optimizers.pieces.PIECE", 4)
    gradient = np.arange(12, dtype="float32").reshape(3, 4) - 5
    results = []
    for one in (gradient, np.asfortranarray(gradient)):
        (w,) = variables((3, 4))
        RULES[name](0.1).apply([one], [w])
        results.append(w.value)
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("name", RULES)
def test_updates_allocate_nothing_that_stays(name):
    weights = variables((900, 100), (100,))
    gradients = ones((900, 100), (100,))
    optimizer = RULES[name](global_clipnorm=0.1, weight_decay=0.1, use_ema=True)
    for _ in range(3):
        optimizer.apply(gradients, weights)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    for _ in range(20):
        optimizer.apply(gradients, weights)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 2_000
    assert peak - before < weights[0].value.nbytes / 2


@pytest.mark.parametrize("name", RULES)
def test_saved_state_goes_on_as_if_never_stopped(name):
    random = np.random.default_rng(0)
    steps = [random.normal(size=(3, 4)).astype("float32") for _ in range(6)]
    (w,) = variables((3, 4))
    optimizer = RULES[name](0.1, use_ema=True, gradient_accumulation_steps=2)
    for gradient in steps[:3]:
        optimizer.apply([gradient], [w])
    store = {}
    optimizer.save_own_variables(store)
    resumed, again = Variable(w.value.copy(), name="kernel"), RULES[name](0.5, use_ema=True)
    again = type(optimizer).from_config(optimizer.get_config())
    again.build([resumed])
    again.load_own_variables(store)
    for gradient in steps[3:]:
        optimizer.apply([gradient], [w])
        again.apply([gradient], [resumed])
    np.testing.assert_array_equal(resumed.value, w.value)
    for one, other in zip(optimizer.variables, again.variables, strict=True):
        np.testing.assert_array_equal(one.value, other.value)


@pytest.mark.parametrize("name", RULES)
def test_a_copy_of_an_optimizer_with_its_variables_goes_its_own_way(name):
    (w,) = variables((3,))
    optimizer = RULES[name](0.1)
    optimizer.apply(ones((3,)), [w])
    twin, v = copy.deepcopy((optimizer, w))
    before = w.value.copy()
    twin.apply(ones((3,)), [v])
    np.testing.assert_array_equal(w.value, before)
    optimizer.apply(ones((3,)), [w])
    np.testing.assert_array_equal(w.value, v.value)


@pytest.mark.parametrize("name", RULES)
def test_scalars_and_float64_are_updated_in_their_own_dtype(name):
    w = Variable(np.float64(1.0), dtype="float64", name="w")
    optimizer = RULES[name](0.1)
    optimizer.apply([np.float64(2.0)], [w])
    assert w.value.dtype == np.float64 and w.shape == () and np.isfinite(w.value)
    state = [v for v in optimizer.variables[2:] if v.dtype != "int32"]  # Adafactor's placeholders
    assert all(v.dtype == "float64" for v in state)

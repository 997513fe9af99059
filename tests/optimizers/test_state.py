"""The learning rate, the state, and what is kept of them."""

import numpy as np
import pytest

from npkeras.core.variable import Variable
from npkeras.optimizers import SGD, Adam, schedules
from tests.optimizers.parity import ones, variables

# -- The learning rate -----------------------------------------------------------------------------


def test_the_learning_rate_is_a_float32_variable_that_can_be_set():
    optimizer = Adam(0.001)
    assert float(optimizer.learning_rate) == 0.0010000000474974513
    variable = optimizer.learning_rate
    optimizer.learning_rate = 0.5
    optimizer.learning_rate.assign(0.25)
    assert optimizer.learning_rate is variable and float(variable) == 0.25
    assert optimizer.get_config()["learning_rate"] == 0.25


@pytest.mark.parametrize("rate", [1, np.float32(1), np.int64(1), np.array(1.0), Variable(1.0)])
def test_any_real_number_is_a_learning_rate(rate):
    assert float(SGD(rate).learning_rate) == 1.0


@pytest.mark.parametrize("rate", [-1, -0.1, np.nan, np.inf, True, None, "0.1", [0.1]])
def test_what_is_no_learning_rate_is_refused(rate):
    with pytest.raises(ValueError, match=r"`learning_rate` of SGD must be a finite number.*_rate="):
        SGD(rate)
    optimizer = SGD(0.1)
    with pytest.raises(ValueError, match="`learning_rate` of SGD"):
        optimizer.learning_rate = rate
    assert float(optimizer.learning_rate) == np.float32(0.1)


def test_a_learning_rate_that_becomes_nan_is_refused_at_the_step():
    (w,) = variables((1,))
    optimizer = SGD(lambda: np.nan)
    with pytest.raises(ValueError, match="learning_rate=nan"):
        optimizer.apply(ones((1,)), [w])
    np.testing.assert_array_equal(w.value, [1])


def test_a_function_gives_the_learning_rate_of_each_step():
    rates = iter([0.5, 0.25])
    (w,) = variables((1,))
    optimizer = SGD(lambda: next(rates))
    for _ in range(2):
        optimizer.apply(ones((1,)), [w])
    np.testing.assert_array_equal(w.value, [0.25])
    assert [v.name for v in optimizer.variables] == ["iteration"]


def test_a_schedule_gives_the_learning_rate_and_takes_no_place_among_the_variables():
    (w,) = variables((1,))
    optimizer = SGD(schedules.PiecewiseConstantDecay([0], [0.5, 0.25]))
    seen = []
    for _ in range(2):
        seen.append(float(optimizer.learning_rate))
        optimizer.apply(ones((1,)), [w])
    assert seen == [0.5, 0.25]
    np.testing.assert_array_equal(w.value, [0.25])
    assert [v.name for v in optimizer.variables] == ["iteration"]
    with pytest.raises(TypeError, match="'sgd' follows .*cannot be set.*learning_rate=0.5"):
        optimizer.learning_rate = 0.5


def test_a_number_may_give_way_to_a_schedule():
    optimizer = SGD(0.5)
    optimizer.learning_rate = schedules.ExponentialDecay(0.25, 1, 0.5)
    assert float(optimizer.learning_rate) == 0.25
    assert [v.name for v in optimizer.variables] == ["iteration"]


def test_a_schedule_written_by_a_user_is_given_the_step():
    class Warm(schedules.LearningRateSchedule):
        def __init__(self, top):
            self.top = top

        def __call__(self, step):
            return self.top * min(1.0, (float(step) + 1) / 4)

    (w,) = variables((1,))
    optimizer = SGD(Warm(1.0))
    rates = []
    for _ in range(5):
        rates.append(float(optimizer.learning_rate))
        optimizer.apply(ones((1,)), [w])
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0]


# -- State -----------------------------------------------------------------------------------------


def test_state_can_be_set_and_read_as_a_list():
    (w,) = variables((2,))
    optimizer = SGD(0.5, momentum=0.5)
    with pytest.raises(ValueError, match="'sgd' has no state yet. Call `build"):
        optimizer.set_weights([])
    optimizer.build([w])
    optimizer.set_weights([np.int64(4), 0.25, np.full(2, 7.0)])
    assert [v.value.tolist() for v in optimizer.variables] == [4, 0.25, [7, 7]]
    with pytest.raises(ValueError, match="'sgd' has 3 variables. Received 2 arrays"):
        optimizer.set_weights([4, 0.25])


def test_a_failed_load_changes_nothing():
    (w,) = variables((2,))
    optimizer = SGD(0.5, momentum=0.5)
    optimizer.build([w])
    with pytest.raises(ValueError, match=r"'sgd/kernel_momentum' .*\(2,\). Received .* \(3,\)"):
        optimizer.load_own_variables({"0": 3, "1": 0.1, "2": np.ones(3)})
    assert [v.value.tolist() for v in optimizer.variables] == [0, 0.5, [0, 0]]
    with pytest.warns(UserWarning, match="'sgd' keeps its fresh state: it has 3 .* saved one 1"):
        optimizer.load_own_variables({"0": 3})
    assert int(optimizer.iterations) == 0


def test_saved_arrays_do_not_change_with_the_next_step():
    (w,) = variables((2,))
    optimizer = SGD(0.5, momentum=0.5)
    optimizer.apply(ones((2,)), [w])
    store = {}
    optimizer.save_own_variables(store)
    kept = store["2"].copy()
    optimizer.apply(ones((2,)), [w])
    np.testing.assert_array_equal(store["2"], kept)


def test_building_twice_changes_nothing():
    weights = variables((2,), (2,))
    optimizer = SGD(0.5, momentum=0.5)
    optimizer.build(weights)
    optimizer.build(weights[:1])
    assert len(optimizer.variables) == 4

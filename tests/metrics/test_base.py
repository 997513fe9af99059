"""Metric: state, reset, stateless use, and a metric of one's own."""

import numpy as np
import pytest

from npkeras import metrics
from npkeras.core.tape import GradientTape


class Own(metrics.Metric):
    def __init__(self, name="own", **kwargs):
        super().__init__(name=name, **kwargs)
        self.pair = self.add_weight(name="pair", shape=(2,), initializer="ones")
        self.single = self.add_variable((), "zeros", name="single")
        self.inner = metrics.Mean(name="inner")

    def update_state(self, y):
        self.pair.assign_add(y)
        self.inner.update_state(3.0)

    def result(self):
        return self.pair.value


def test_a_metric_of_ones_own_keeps_its_state_in_variables():
    metric = Own()
    paths = [variable.path for variable in metric.variables]
    assert paths == ["own/pair", "own/single", "inner/total", "inner/count"]
    assert not any(variable.trainable for variable in metric.variables)
    metric.update_state([1.0, 2.0])
    np.testing.assert_array_equal(metric.result(), [2, 3])
    assert metric.inner.result() == 3


def test_reset_sets_all_of_the_state_to_zero_as_in_keras():
    metric = Own()
    metric.update_state([1.0, 2.0])
    metric.reset_state()
    np.testing.assert_array_equal(metric.result(), [0, 0])
    assert metric.inner.count.value == 0


def test_calling_a_metric_updates_and_returns():
    np.testing.assert_array_equal(Own()([1.0, 2.0]), [2, 3])


def test_weights_are_single_numbers_and_zero_if_nothing_is_said():
    metric = Own()
    weight = metric.add_weight(name="more")
    assert (weight.shape, weight.dtype, weight.value) == ((), "float32", 0)


def test_names_and_dtypes_have_keras_defaults():
    assert metrics.Metric().name == "metric"
    assert metrics.Metric().name == "metric_1"
    assert metrics.Precision().name == "precision"
    assert metrics.Mean(dtype="float16").total.dtype == "float16"
    assert metrics.Metric().dtype == "float32"


def test_a_state_may_be_borrowed():
    metric = metrics.Mean()
    metric.update_state([1.0, 3.0])
    state = metric.stateless_update_state([np.float32(1), np.float32(1)], np.array([3.0, 4.0]))
    np.testing.assert_array_equal(state, [8, 3])
    assert metric.stateless_result([6.0, 2.0]) == 3
    assert metric.result() == 2
    np.testing.assert_array_equal(metric.stateless_reset_state(), [0, 0])


def test_a_state_of_another_length_is_refused():
    with pytest.raises(ValueError, match="'mean' has 2 variables.*of length 1"):
        metrics.Mean().stateless_result([1.0])


def test_a_metric_that_forgot_super_says_so():
    class Forgetful(metrics.Metric):
        def __init__(self):
            pass

    with pytest.raises(RuntimeError, match="Forgetful.*super"):
        Forgetful().add_weight(name="x")
    with pytest.raises(RuntimeError, match="Forgetful.*super"):
        Forgetful()(1.0)


def test_a_metric_without_methods_says_so():
    with pytest.raises(NotImplementedError, match="Metric does not define `update_state`"):
        metrics.Metric().update_state(1.0)
    with pytest.raises(NotImplementedError, match="Metric does not define `result`"):
        metrics.Metric().result()


def test_nothing_is_recorded():
    y_true, y_pred = np.zeros((2, 3), "float32"), np.ones((2, 3), "float32")
    with GradientTape() as tape:
        watched = tape.watch(y_pred)
        for name in ("MeanSquaredError", "BinaryAccuracy", "AUC", "F1Score"):
            metric = getattr(metrics, name)()
            metric.update_state(y_true, watched)
            assert isinstance(metric.result(), (np.ndarray, np.generic))
    assert not tape.records


def test_earlier_readings_of_the_state_stay_as_they_were():
    metric = metrics.Mean()
    metric.update_state([1.0, 3.0])
    reading = metric.total.value
    metric.update_state([5.0])
    metric.reset_state()
    assert reading == 4

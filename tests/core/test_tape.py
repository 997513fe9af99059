"""The tape: what it records, how it walks back, what it keeps and what it frees."""

import gc
import threading
import weakref

import numpy as np
import pytest

from npkeras import GradientTape, Variable, ops
from npkeras.core.tape import Traced, no_grad, plain, record, recording, watched


def test_a_variable_is_recorded_by_itself():
    x = Variable(3.0)
    with GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) == 6


def test_the_gradient_of_an_array_is_that_of_its_sum():
    x = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x).tolist() == [2, 4]


def test_output_gradients_weigh_the_entries():
    x = Variable([1.0, 2.0])
    with GradientTape(persistent=True) as tape:
        y = x * x
    assert tape.gradient(y, x, np.array([10.0, 0.0])).tolist() == [20, 0]
    with pytest.raises(ValueError, match="one array for each target. Received: 2 for 1 targets"):
        tape.gradient(y, x, [1.0, 2.0])


def test_several_targets_are_summed_and_sources_may_be_nested():
    x, z = Variable(2.0), Variable(5.0)
    with GradientTape() as tape:
        a, b = x * z, x + z
    assert tape.gradient([a, b], {"x": x, "more": [z]}) == {"x": 6, "more": [3]}


def test_a_value_used_many_times_gets_the_sum():
    x = Variable(2.0)
    with GradientTape() as tape:
        y = x + x * x + x * x * x + 1.0 / x + x
    assert tape.gradient(y, x) == pytest.approx(1 + 4 + 12 - 0.25 + 1)


def test_adding_up_never_writes_into_an_array_that_others_hold():
    x, z = Variable([1.0, 1.0]), Variable([1.0, 1.0])
    with GradientTape() as tape:
        y = (x + z) + x + x + x
    dx, dz = tape.gradient(y, [x, z])
    assert (dx.tolist(), dz.tolist()) == ([4, 4], [1, 1])


def test_what_the_target_does_not_depend_on_has_no_gradient():
    x, z = Variable(2.0), Variable([3.0])
    with GradientTape(persistent=True) as tape:
        y = x * x
        z * z
    assert tape.gradient(y, z) is None
    assert tape.gradient(y, z, unconnected_gradients="zero").tolist() == [0]
    assert tape.gradient(np.ones(1), x) is None


def test_a_target_can_be_a_source():
    x = Variable([2.0])
    with GradientTape() as tape:
        y = x * 3
    assert tape.gradient(y, [y, x]) == [[1], [3]]
    with GradientTape() as tape:
        x * 3
    assert tape.gradient(x, x) == [1]


def test_intermediate_values_are_sources_too():
    x = Variable(2.0)
    with GradientTape() as tape:
        y = x * x
        z = y * y
    assert tape.gradient(z, [y, x]) == [8, 32]


def test_a_tape_is_used_up_unless_persistent():
    x = Variable(2.0)
    with GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="used up by an earlier call.*persistent=True"):
        tape.gradient(y, x)
    with GradientTape(persistent=True) as tape:
        y = x * x
    assert tape.gradient(y, x) == tape.gradient(y, x) == 4


def test_watched_arrays_are_recorded_only_inside_the_block():
    array = np.array([1.0, 2.0])
    with GradientTape() as tape:
        x = tape.watch(array)
        y = ops.exp(array) + x * x
    np.testing.assert_allclose(tape.gradient(y, array), np.exp(array) + 2 * array)
    assert not watched
    assert isinstance(ops.exp(array), np.ndarray)


def test_watching_a_nest_and_a_variable_that_is_not_trainable():
    frozen = Variable(2.0, trainable=False)
    with GradientTape() as tape:
        tape.watch([frozen, {"a": np.ones(1)}])
        y = frozen * frozen
    assert tape.gradient(y, frozen) == 4
    assert frozen.slot is None


def test_only_arrays_can_be_watched():
    with GradientTape() as tape, pytest.raises(TypeError, match="expects arrays.*Received: 'x'"):
        tape.watch("x")


@pytest.mark.keras
def test_an_inner_tape_that_watches_the_same_array_takes_it_from_nobody(keras, tf):
    for kit, tape, x in (
        (ops, GradientTape, np.array([1.0, 2.0])),
        (keras.ops, tf.GradientTape, tf.constant([1.0, 2.0])),
    ):
        with tape() as outer:
            outer.watch(x)
            with tape() as inner:
                inner.watch(x)
                y = kit.square(x)
            z = kit.multiply(y, x)
        assert np.asarray(inner.gradient(y, x)).tolist() == [2, 4]
        assert np.asarray(outer.gradient(z, x)).tolist() == [3, 12]
    assert not watched


@pytest.mark.keras
def test_integers_have_no_gradient_though_they_are_watched(tf):
    for tape, x in (
        (GradientTape(), np.array([1, 2])),
        (tf.GradientTape(), tf.constant([1, 2])),
    ):
        with tape:
            tape.watch(x)
            y = x * 2
        assert tape.gradient(y, x) is None


def test_a_variable_frozen_after_it_was_recorded_has_its_gradient():
    x = Variable(3.0)
    with GradientTape() as tape:
        y = x * x
    x.trainable = False
    assert tape.gradient(y, x) == 6
    with GradientTape() as tape:
        y = x * x
        x.trainable = True
        z = y * x
    assert tape.gradient(z, x) == 9


def test_gradients_may_be_written_into():
    x, z, w = Variable([1.0, 1.0]), Variable([1.0, 1.0]), Variable([1.0, 1.0])
    with GradientTape() as tape:
        y = ops.sum(x + z) + ops.sum(w) + ops.sum(ops.reshape(z, (2, 1)))
    gradients = tape.gradient(y, [x, z, w, x])
    for gradient in gradients:
        gradient *= 10
    assert [g.tolist() for g in gradients] == [[10, 10], [20, 20], [10, 10], [10, 10]]


def test_what_is_no_value_has_no_gradient():
    x = Variable(3.0)
    with GradientTape(persistent=True) as tape:
        y = x * x
    with pytest.raises(TypeError, match="`target` of `gradient` must be.*Received: None"):
        tape.gradient(None, x)
    with pytest.raises(TypeError, match="`sources` of `gradient` must be.*Received: 'x'"):
        tape.gradient(y, [x, "x"])
    with pytest.raises(ValueError, match="must be one of 'none', 'zero'"):
        tape.gradient(y, x, unconnected_gradients="nil")
    for shape in ((3,), (2, 2)):
        with pytest.raises(ValueError, match="shapes of the targets"):
            tape.gradient(y, x, output_gradients=np.ones(shape))


def test_variables_that_are_not_trainable_are_constants():
    frozen = Variable(2.0, trainable=False)
    with GradientTape() as tape:
        y = frozen * frozen
    assert not isinstance(y, Traced) and tape.gradient(y, frozen) is None
    frozen.trainable = True
    with GradientTape() as tape:
        y = frozen * frozen
    assert tape.gradient(y, frozen) == 4


def test_a_tape_can_leave_variables_alone():
    x, z = Variable(2.0), Variable(3.0)
    with GradientTape(watch_accessed_variables=False) as tape:
        tape.watch(z)
        y = x * z
    assert tape.gradient(y, [x, z]) == [None, 2]


def test_two_tapes_both_record():
    x = Variable(2.0)
    with GradientTape() as outer:
        y = x * x
        with GradientTape() as inner:
            z = x * x * x
    assert inner.gradient(z, x) == 12
    assert outer.gradient([y, z], x) == 16


def test_a_gradient_of_a_gradient_is_refused():
    x = Variable(2.0)
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = x * x
        slope = inner.gradient(y, x)
    assert slope.numpy() == 4
    with pytest.raises(NotImplementedError, match="npkeras differentiates once"):
        outer.gradient(slope, x)


def test_nothing_is_recorded_where_nothing_should_be():
    x = Variable(2.0)
    with GradientTape() as tape:
        with no_grad():
            assert not recording()
            y = x * x
        with tape.stop_recording():
            z = x * x
        assert recording()
    assert not tape.records and not isinstance(y, Traced) and not isinstance(z, Traced)


def test_only_the_tape_that_was_told_to_stop_stops():
    x = Variable(2.0)
    with GradientTape() as outer, GradientTape() as inner:
        y = x * x
        with inner.stop_recording():
            z = y * y
    assert outer.gradient(z, x) == 32
    assert inner.gradient(z, x) is None


def test_entering_twice_leaves_nothing_recording():
    tape, pause = GradientTape(), no_grad()
    with tape, pytest.raises(ValueError, match="is recording already"), tape:
        pass
    assert not recording()
    with tape, pause:
        with pause:
            pass
        assert not recording()
    assert not recording()


def test_a_gradient_is_a_constant_to_an_outer_tape_if_it_is_told_so():
    x, w = Variable(2.0), Variable(3.0)
    with GradientTape() as outer:
        with GradientTape() as inner:
            y = x * x
        z = w * ops.stop_gradient(inner.gradient(y, x))
    assert outer.gradient(z, w) == 4


def test_an_error_inside_the_block_ends_the_recording():
    with pytest.raises(KeyError), GradientTape():
        raise KeyError
    assert not recording()


def test_other_threads_do_not_record():
    seen = []
    with GradientTape():
        thread = threading.Thread(target=lambda: seen.append(recording()))
        thread.start()
        thread.join()
    assert seen == [False]


def test_resetting_forgets():
    x = Variable(2.0)
    with GradientTape() as tape:
        y = x * x
        tape.reset()
    assert tape.gradient(y, x) is None


def test_arrays_die_with_the_last_who_needs_them():
    x, w = np.ones((2, 3)), Variable(np.ones((3, 4), "float64"))
    alive = {}
    with GradientTape() as tape:
        product = ops.matmul(x, w)
        alive["matmul"] = weakref.ref(product.value)
        total = product + 1.0
        alive["add"] = weakref.ref(total.value)
        y = ops.tanh(total)
        alive["tanh"] = weakref.ref(y.value)
        z = ops.sum(y)
        del product, total, y
    gc.collect()
    assert {name: r() is not None for name, r in alive.items()} == {
        "matmul": False,
        "add": False,
        "tanh": True,
    }
    tape.gradient(z, w)
    gc.collect()
    assert alive["tanh"]() is None


def test_gradients_nobody_wants_are_not_computed():
    def pullback(dy):
        raise AssertionError("nobody asked")

    x = Variable(2.0)
    with GradientTape() as tape:
        record(np.float64(1), [(x.slot, pullback)])
        y = x * x
    assert tape.gradient(y, x) == 4


def test_an_op_with_several_outputs_gets_several_gradients():
    seen = []

    def pullback(dys):
        seen.append(dys)
        return dys[0]

    x = Traced(np.ones(2), object())
    with GradientTape() as tape:
        first, _ = record((np.ones(2), np.ones(3)), [(x.slot, pullback)])
        y = first * 5.0
    assert tape.gradient(y, x).tolist() == [5, 5]
    assert seen[0][1] is None


def test_what_a_recorded_value_offers():
    x = Traced(np.array([[1.5, 2.5]]), None)
    assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == ((1, 2), 2, 2, "float64", 1)
    assert x.tolist() == [[1.5, 2.5]] and x.numpy() is x.value
    scalar = Traced(np.float64(2.5), None)
    assert (float(scalar), int(scalar), bool(scalar), scalar.item()) == (2.5, 2, True, 2.5)
    assert f"{scalar:.2f}" == "2.50"
    assert np.asarray(x, "float32").dtype == "float32"
    assert [row.tolist() for row in x] == [[1.5, 2.5]]
    assert repr(x) == "<Traced shape=(1, 2) dtype=float64 value=[[1.5 2.5]]>"
    assert plain(x) is x.value and plain(3) == 3

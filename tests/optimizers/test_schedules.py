"""Learning rates as functions of the step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.core import registry
from npkeras.core.variable import Variable
from npkeras.optimizers import schedules

rates = st.sampled_from([0.0, 1e-4, 0.1, 1.0])
lengths = st.integers(1, 12)
ARGUMENTS = {
    "ExponentialDecay": dict(
        initial_learning_rate=rates,
        decay_steps=lengths,
        decay_rate=st.sampled_from([0.5, 0.96]),
        staircase=st.booleans(),
    ),
    "InverseTimeDecay": dict(
        initial_learning_rate=rates,
        decay_steps=lengths,
        decay_rate=st.sampled_from([0.0, 0.5, 2.0]),
        staircase=st.booleans(),
    ),
    "PolynomialDecay": dict(
        initial_learning_rate=rates,
        decay_steps=lengths,
        end_learning_rate=st.sampled_from([0.0, 1e-4, 0.2]),
        power=st.sampled_from([0.5, 1.0, 2.0]),
        cycle=st.booleans(),
    ),
    "CosineDecay": dict(
        initial_learning_rate=rates,
        decay_steps=lengths,
        alpha=st.sampled_from([0.0, 0.1, 1.0]),
        warmup_target=st.sampled_from([None, 0.2, 1.0]),
        warmup_steps=st.integers(0, 6),
    ),
    "CosineDecayRestarts": dict(
        initial_learning_rate=rates,
        first_decay_steps=lengths,
        t_mul=st.sampled_from([1.0, 1.5, 3.0]),
        m_mul=st.sampled_from([1.0, 0.5]),
        alpha=st.sampled_from([0.0, 0.1]),
    ),
    "PiecewiseConstantDecay": dict(
        boundaries=st.sampled_from([[3, 8], [0, 5], [2, 2]]),
        values=st.sampled_from([[0.3, 0.2, 0.1], [0.0, 1.0, 0.5]]),
    ),
}


def test_every_schedule_of_keras_is_there(keras):
    theirs = {n for n in dir(keras.optimizers.schedules) if n[0].isupper()}
    assert theirs == {*ARGUMENTS, "LearningRateSchedule"} <= set(dir(schedules))


@pytest.mark.keras
@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_schedule_gives_the_rates_and_the_config_of_keras(keras, name):
    @settings(max_examples=20, deadline=None)
    @given(st.fixed_dictionaries(ARGUMENTS[name]), st.integers(13, 3000))
    def check(arguments, late):
        ours = getattr(schedules, name)(**arguments)
        theirs = getattr(keras.optimizers.schedules, name)(**arguments)
        assert ours.get_config() == theirs.get_config()
        assert schedules.serialize(ours) == keras.optimizers.schedules.serialize(theirs)
        for step in [*range(13), late]:
            if name == "CosineDecayRestarts" and _restarts_at(ours, step):
                continue  # one rounding more or less decides whether the restart is now
            expected = float(theirs(step))
            # near the bottom, 1 + cos(x) has lost the digits of either
            np.testing.assert_allclose(float(ours(step)), expected, rtol=2e-6, atol=2e-7)

    check()


def _restarts_at(schedule, step):
    begin, length = 0.0, float(schedule.first_decay_steps)
    while begin < step - 0.5:
        begin, length = begin + length, length * schedule.t_mul
    return 0 < step and abs(begin - step) < 0.01


@pytest.mark.keras
def test_a_schedule_takes_its_arguments_in_the_order_of_keras(keras):
    import inspect

    for name in ARGUMENTS:
        ours = inspect.signature(getattr(schedules, name))
        theirs = inspect.signature(getattr(keras.optimizers.schedules, name))
        assert str(ours) == str(theirs)


CASES = [
    schedules.ExponentialDecay(0.1, 3, 0.5),
    schedules.InverseTimeDecay(0.1, 3, 0.5, staircase=True),
    schedules.PolynomialDecay(0.1, 5, cycle=True),
    schedules.CosineDecay(0.0, 5, 0.1, warmup_target=0.2, warmup_steps=3),
    schedules.CosineDecayRestarts(0.1, 3, 2.0, 0.5),
    schedules.PiecewiseConstantDecay([3, 6], [0.1, 0.2, 0.3]),
]


@pytest.mark.parametrize("schedule", CASES, ids=lambda schedule: type(schedule).__name__)
def test_a_schedule_gives_float32_and_takes_steps_of_every_kind(schedule):
    expected = schedule(2)
    assert expected.dtype == np.float32 and expected.shape == ()
    for step in (2.0, np.int64(2), np.array(2), Variable(2, dtype="int64")):
        assert schedule(step) == expected
    many = schedule(np.arange(12))
    assert many.dtype == np.float32
    np.testing.assert_array_equal(many, [schedule(step) for step in range(12)])


@pytest.mark.parametrize("schedule", CASES, ids=lambda schedule: type(schedule).__name__)
def test_a_schedule_comes_back_from_its_config(schedule):
    for again in (
        type(schedule).from_config(schedule.get_config()),
        schedules.deserialize(schedules.serialize(schedule)),
        registry.deserialize(registry.serialize(schedule)),
    ):
        assert type(again) is type(schedule)
        assert again.get_config() == schedule.get_config()
        assert again(7) == schedule(7)


def test_rates_at_the_ends_and_in_the_middle():
    assert float(schedules.ExponentialDecay(0.5, 10, 0.5)(0)) == 0.5
    assert float(schedules.ExponentialDecay(0.5, 10, 0.5, staircase=True)(19)) == 0.25
    assert float(schedules.InverseTimeDecay(0.5, 10, 1.0, staircase=True)(9)) == 0.5
    assert float(schedules.PolynomialDecay(0.5, 10, 0.25)(10**9)) == 0.25
    assert float(schedules.PolynomialDecay(0.5, 10, 0.0, cycle=True)(15)) == 0.125
    assert float(schedules.CosineDecay(0.0, 10, warmup_target=0.5, warmup_steps=4)(2)) == 0.25
    assert float(schedules.CosineDecay(0.0, 10, warmup_target=0.5, warmup_steps=4)(4)) == 0.5
    assert float(schedules.CosineDecay(0.5, 10, alpha=0.5)(10**9)) == 0.25
    assert float(schedules.PiecewiseConstantDecay([], [0.5])(3)) == 0.5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "`decay_steps` of Exp.*decay_steps=0"),
        (lambda: schedules.ExponentialDecay(-0.1, 1, 0.5), "initial_learning_rate=-0.1"),
        (lambda: schedules.ExponentialDecay(0.1, 1, -2), "`decay_rate` of Exp.*decay_rate=-2"),
        (lambda: schedules.ExponentialDecay("a", 1, 0.5), "initial_learning_rate='a'"),
        (lambda: schedules.InverseTimeDecay(0.1, -1, 0.5), "decay_steps=-1"),
        (lambda: schedules.PolynomialDecay(0.1, 0), "`decay_steps` of Poly.* above 0.*_steps=0"),
        (lambda: schedules.PolynomialDecay(0.1, 1, np.nan), "end_learning_rate=nan"),
        (lambda: schedules.CosineDecay(0.1, 0), "`decay_steps` of CosineDecay.*decay_steps=0"),
        (lambda: schedules.CosineDecay(0.1, 1, warmup_steps=-2), "warmup_steps=-2"),
        (lambda: schedules.CosineDecay(0.1, 1, warmup_target=-1), "warmup_target=-1"),
        (lambda: schedules.CosineDecayRestarts(0.1, 0), "first_decay_steps=0"),
        (lambda: schedules.CosineDecayRestarts(0.1, 1, t_mul=0), "t_mul=0"),
        (lambda: schedules.PiecewiseConstantDecay([3], [0.1]), "1 boundaries and 1 values"),
        (lambda: schedules.PiecewiseConstantDecay([3, 1], [1, 2, 3]), r"boundaries=\[3, 1\]"),
        (lambda: schedules.PiecewiseConstantDecay([3], [0.1, -1]), "values=-1"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_schedule_must_define_its_rate():
    with pytest.raises(NotImplementedError, match=r"Slow must define `__call__\(step\)`"):
        type("Slow", (schedules.LearningRateSchedule,), {})()(1)

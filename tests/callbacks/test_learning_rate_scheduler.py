"""LearningRateScheduler: a rate for every epoch."""

import numpy as np
import pytest

from npkeras.callbacks import LearningRateScheduler
from tests.callbacks.stage import Model, train, values

SCHEDULES = {
    "of the epoch": lambda epoch: 0.1 / (epoch + 1),
    "of the epoch and the rate": lambda epoch, rate: rate / 2,
    "with a default": lambda epoch, rate=0.0: rate / 4,
    "a NumPy number": lambda epoch: np.float32(0.5),
}


def rates(callback):
    return [logs["learning_rate"] for logs in train(callback, values(1, 1, 1), Model(1.0))[1]]


def test_a_schedule_of_the_epoch():
    assert rates(LearningRateScheduler(SCHEDULES["of the epoch"])) == [0.1, 0.05, 0.1 / 3]


def test_a_schedule_of_the_epoch_and_the_rate():
    schedule = SCHEDULES["of the epoch and the rate"]
    assert rates(LearningRateScheduler(schedule)) == [0.5, 0.25, 0.125]


def test_an_error_within_the_schedule_comes_through():
    def schedule(epoch, rate):
        raise TypeError("mine")

    with pytest.raises(TypeError, match="mine"):
        rates(LearningRateScheduler(schedule))


@pytest.mark.parametrize("rate", ["a", None, 1, np.array(0.5)])
def test_a_rate_is_a_float(rate):
    with pytest.raises(ValueError, match="must return a float. Received: .* for epoch 0"):
        rates(LearningRateScheduler(lambda epoch: rate))


def test_the_optimizer_has_a_rate():
    model = Model()
    del model.optimizer.learning_rate
    with pytest.raises(ValueError, match="needs an optimizer with a `learning_rate`"):
        train(LearningRateScheduler(lambda epoch: 0.1), values(1), model)


def test_a_schedule_is_a_function():
    with pytest.raises(TypeError, match="`schedule` of .* must be a function.*schedule=0.1"):
        LearningRateScheduler(0.1)


def test_it_says_what_it_did(capsys):
    rates(LearningRateScheduler(lambda epoch: 0.5, verbose=1))
    assert "Epoch 3: LearningRateScheduler sets the learning rate to 0.5" in capsys.readouterr().out


@pytest.mark.keras
@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES.keys())
def test_it_does_what_keras_does(keras, schedule):
    ours, theirs = (
        rates(cls(schedule))
        for cls in (LearningRateScheduler, keras.callbacks.LearningRateScheduler)
    )
    assert ours == theirs

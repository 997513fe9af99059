"""ReduceLROnPlateau: when the learning rate falls, and how far."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npkeras
from npkeras.callbacks import ReduceLROnPlateau
from tests.callbacks.stage import Model, train, values


def rates(callback, losses):
    return [logs["learning_rate"] for logs in train(callback, values(*losses), Model(1.0))[1]]


def test_the_rate_falls_after_patience():
    callback = ReduceLROnPlateau(factor=0.5, patience=2)
    assert rates(callback, [3, 2, 2, 2, 2, 2, 2]) == [1, 1, 1, 1, 0.5, 0.5, 0.25]


def test_epochs_of_cooldown_do_not_count():
    callback = ReduceLROnPlateau(factor=0.5, patience=1, cooldown=2)
    assert rates(callback, [2] * 6) == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_the_rate_does_not_fall_below_its_least():
    callback = ReduceLROnPlateau(factor=0.5, patience=1, min_lr=0.4)
    assert rates(callback, [2] * 5) == [1, 1, 0.5, 0.4, 0.4]


@pytest.mark.parametrize("least", [0.001, 0.1, 1e-7])
def test_the_least_rate_is_reached_once(capsys, least):
    model = npkeras.Sequential([npkeras.Input((2,)), npkeras.layers.Dense(1)])
    model.compile(npkeras.optimizers.SGD(2 * least), "mse")
    callback = ReduceLROnPlateau("loss", patience=1, min_delta=9, min_lr=least, verbose=1)
    model.fit(np.ones((4, 2)), np.ones(4), epochs=6, verbose=0, callbacks=[callback])
    assert capsys.readouterr().out.count("lowers the learning rate") == 1


def test_small_changes_do_not_count():
    callback = ReduceLROnPlateau(factor=0.5, patience=1, min_delta=0.5)
    assert rates(callback, [3, 2.6, 2.2, 2]) == [1, 1, 0.5, 0.5]


def test_nan_is_no_improvement():
    callback = ReduceLROnPlateau(factor=0.5, patience=1)
    assert rates(callback, [float("nan"), 5, 4, 3]) == [1, 0.5, 0.5, 0.5]


def test_it_says_what_it_did(capsys):
    rates(ReduceLROnPlateau(factor=0.5, patience=1, verbose=1), [1, 1])
    assert "Epoch 2: ReduceLROnPlateau lowers the learning rate to 0.5" in capsys.readouterr().out


def test_a_factor_is_below_one():
    with pytest.raises(
        ValueError, match="`factor` of ReduceLROnPlateau must be a number below 1. .*factor=1.0"
    ):
        ReduceLROnPlateau(factor=1.0)


def test_unknown_arguments_are_said_to_be_ignored():
    with pytest.warns(UserWarning, match="ignores arguments it does not know: epsilon"):
        ReduceLROnPlateau(epsilon=0.1)


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(
    losses=st.lists(st.sampled_from([1.0, 1.3, 2.0, 2.5, 3.0]), min_size=1, max_size=9),
    factor=st.sampled_from([0.1, 0.5]),
    patience=st.integers(0, 3),
    mode=st.sampled_from(["auto", "min", "max"]),
    min_delta=st.sampled_from([1e-4, 0.5]),
    cooldown=st.integers(0, 3),
    min_lr=st.sampled_from([0.0, 0.02]),
)
def test_it_does_what_keras_does(
    keras, losses, factor, patience, mode, min_delta, cooldown, min_lr
):
    arguments = ("val_loss", factor, patience, 0, mode, min_delta, cooldown, min_lr)
    results = []
    for cls in (ReduceLROnPlateau, keras.callbacks.ReduceLROnPlateau):
        model, left = train(cls(*arguments), values(*losses), Model(1.0))
        results.append(([log["learning_rate"] for log in left], model.optimizer.learning_rate))
    assert results[0] == results[1]

"""Arguments that make no sense."""

import numpy as np
import pytest

from npkeras import Variable, optimizers
from npkeras.optimizers import SGD, Adam
from npkeras.optimizers.arguments import checked_pairs


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": 0.1}, "SGD takes no argument `lr`. Received: lr=0.1. It is called `learning_rate`"),
        ({"clip_norm": 1.0}, "`clip_norm`. Received: clip_norm=1.0. Did you mean 'clipnorm'"),
        ({"clipnorm": 1.0, "clipvalue": 2.0}, "one way only.*clipnorm=1.0, clipvalue=2.0"),
        ({"clipnorm": -1.0}, "`clipnorm` of SGD must be a number at least 0.*clipnorm=-1.0"),
        ({"global_clipnorm": np.nan}, "global_clipnorm=nan"),
        ({"clipvalue": "a"}, "clipvalue='a'"),
        ({"weight_decay": -0.1}, "`weight_decay` of SGD .*weight_decay=-0.1"),
        ({"ema_momentum": 1.1}, "`ema_momentum` of SGD .*ema_momentum=1.1"),
        ({"ema_overwrite_frequency": 0}, "`ema_overwrite_frequency` .*ema_overwrite_frequency=0"),
        ({"loss_scale_factor": -2.0}, "loss_scale_factor=-2.0"),
        ({"gradient_accumulation_steps": 1}, "at least 2.*gradient_accumulation_steps=1"),
        ({"gradient_accumulation_steps": 2.5}, "gradient_accumulation_steps=2.5"),
        ({"name": "a/b"}, "`name` of SGD must be a string without '/'. Received: name='a/b'"),
        ({"momentum": 2}, "`momentum` of SGD .*momentum=2"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SGD(**arguments)


def test_decay_is_ignored_with_a_warning_that_says_what_to_use():
    with pytest.warns(UserWarning, match="SGD takes no `decay`.*InverseTimeDecay"):
        SGD(decay=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Adam(beta_1=1.0), "`beta_1` of Adam must be a number .*below 1.*beta_1=1.0"),
        (lambda: Adam(beta_2=-0.1), "`beta_2` of Adam .*beta_2=-0.1"),
        (lambda: Adam(epsilon=-1), "`epsilon` of Adam .*epsilon=-1"),
        (lambda: optimizers.AdamW(weight_decay=None), "`weight_decay` of AdamW.*weight_decay=None"),
        (lambda: optimizers.RMSprop(rho=2), "`rho` of RMSprop .*rho=2"),
        (lambda: optimizers.RMSprop(momentum=-1), "`momentum` of RMSprop .*momentum=-1"),
        (lambda: optimizers.Adagrad(initial_accumulator_value=-1), "initial_accumulator_value=-1"),
        (lambda: optimizers.Adadelta(rho=-1), "`rho` of Adadelta .*rho=-1"),
        (lambda: optimizers.Ftrl(learning_rate_power=1), "learning_rate_power=1"),
        (lambda: optimizers.Ftrl(beta=-1), "`beta` of Ftrl .*beta=-1"),
        (lambda: optimizers.Lamb(beta_2=1), "`beta_2` of Lamb .*beta_2=1"),
        (lambda: optimizers.Adafactor(beta_2_decay=1), "`beta_2_decay` .*beta_2_decay=1"),
        (lambda: optimizers.Adafactor(clip_threshold=0), "above 0. Received: clip_threshold=0"),
        (lambda: optimizers.Lion(beta_1=0), "`beta_1` of Lion must be above 0.*beta_1=0"),
        (lambda: optimizers.Lion(beta_2=2), "`beta_2` of Lion .*beta_2=2"),
    ],
)
def test_a_rule_refuses_numbers_that_make_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "given",
    [
        [np.ones(3)],
        [np.ones(2), np.ones(2)],
        np.ones((2, 2)),
        [None],
        [(Variable(np.ones(3)), np.ones(3))],
    ],
    ids=["one gradient", "gradients", "an array", "no gradient", "the wrong way round"],
)
def test_gradients_without_their_variables_are_no_pairs(given):
    with pytest.raises(ValueError, match=r"'sgd' expects pairs of \(gradient, variable\), as `zip"):
        checked_pairs(given, "'sgd'")


def test_pairs_may_come_from_a_generator():
    variable = Variable(np.ones(3))
    pairs = checked_pairs(zip([np.ones(3), None], [variable, variable], strict=True), "'sgd'")
    assert [pair[1] is variable for pair in pairs] == [True, True]
    with pytest.raises(ValueError, match="no .* pairs"):
        checked_pairs([], "'sgd'")

"""Ftrl: follow the regularized leader."""

import numpy as np

from npkeras.core import check
from npkeras.core.registry import register
from npkeras.optimizers.base import Optimizer, takes_common_arguments


@register("optimizers")
class Ftrl(Optimizer):
    """The weights that would have been best so far, under penalties that keep many at zero.

    With p = -learning_rate_power:

        h = g + 2 * l2_shrinkage_regularization_strength * w
        n' = n + g**2
        z <- z + h - (n'**p - n**p) / learning_rate * w
        n <- n'
        q = n**p / learning_rate + 2 * (l2_regularization_strength + beta / (2 * learning_rate))
        w <- (clip(z, -l1, l1) - z) / q        where l1 = l1_regularization_strength

    Args:
        learning_rate: A number, or a schedule.
        learning_rate_power: How fast the steps shrink; not above 0, and 0 keeps them.
        initial_accumulator_value: What n begins with.
        l1_regularization_strength: Weights whose z is not above it are exactly zero.
        l2_regularization_strength: A penalty on w**2.
        l2_shrinkage_regularization_strength: The same, on w as it stands, through the gradient.
        beta: A further such penalty, in proportion to 1 / learning_rate.
        **kwargs: The arguments of `Optimizer`.

    Source:
        McMahan et al., 2013, "Ad click prediction: a view from the trenches"

    Example:
        >>> optimizer = npkeras.optimizers.Ftrl(0.05, l1_regularization_strength=0.01)
    """

    slots = (("accumulator", "linear"),)
    takes_rows = True

    @takes_common_arguments
    def __init__(
        self,
        learning_rate=0.001,
        learning_rate_power=-0.5,
        initial_accumulator_value=0.1,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        l2_shrinkage_regularization_strength=0.0,
        beta=0.0,
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        check.number(learning_rate_power, "learning_rate_power", "Ftrl", high=0)
        self.learning_rate_power = learning_rate_power
        for name, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
            ("beta", beta),
        ):
            setattr(self, name, check.number(value, name, "Ftrl", low=0))

    def slot_initializer(self, slot):
        return self.initial_accumulator_value if slot == "accumulator" else "zeros"

    def update_step(self, gradient, variable, learning_rate):
        one = type(learning_rate)
        power = one(-self.learning_rate_power)
        shrinkage = one(2 * self.l2_shrinkage_regularization_strength)
        l1 = one(self.l1_regularization_strength)
        l2 = 2 * (one(self.l2_regularization_strength) + one(self.beta) / (2 * learning_rate))
        for g, square, step, w, n, z in self.pieces(gradient, variable, np.square):
            z += g
            np.multiply(w, shrinkage, out=step)
            z += step
            np.power(n, power, out=step)
            n += square
            np.power(n, power, out=square)
            np.subtract(square, step, out=step)
            step /= learning_rate
            step *= w
            z -= step
            square /= learning_rate
            square += l2
            np.clip(z, -l1, l1, out=w)
            w -= z
            w /= square

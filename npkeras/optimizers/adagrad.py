"""Adagrad."""

import numpy as np

from npkeras.core import check
from npkeras.core.registry import register
from npkeras.optimizers.base import Optimizer, takes_common_arguments


@register("optimizers")
class Adagrad(Optimizer):
    """Gradients divided by the root of the sum of all their squares so far.

        a <- a + g**2
        w <- w - learning_rate * g / sqrt(a + epsilon)

    Rows of an embedding that were not used keep their weights and their sums.

    Args:
        learning_rate: A number, or a schedule.
        initial_accumulator_value: What a begins with.
        epsilon: Keeps the division away from zero.
        **kwargs: The arguments of `Optimizer`.

    Source:
        Duchi et al., 2011, "Adaptive subgradient methods for online learning"

    Example:
        >>> optimizer = npkeras.optimizers.Adagrad(0.01)
    """

    slots = (("accumulator",),)
    takes_rows = True

    @takes_common_arguments
    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.initial_accumulator_value = check.number(
            initial_accumulator_value, "initial_accumulator_value", "Adagrad", low=0
        )
        self.epsilon = check.number(epsilon, "epsilon", "Adagrad", low=0)

    def slot_initializer(self, slot):
        return self.initial_accumulator_value

    def update_step(self, gradient, variable, learning_rate):
        walk = self.pieces(gradient, variable, np.square, touched_only=True)
        for g, square, step, w, a in walk:
            a += square
            np.add(a, self.epsilon, out=square)
            np.sqrt(square, out=square)
            np.multiply(g, learning_rate, out=step)
            step /= square
            w -= step

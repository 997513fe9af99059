"""Adadelta."""

import numpy as np

from npkeras.core import check
from npkeras.core.registry import register
from npkeras.optimizers.base import Optimizer, takes_common_arguments


@register("optimizers")
class Adadelta(Optimizer):
    """Steps as large as those of late, in proportion to gradients of late.

        v <- rho * v + (1 - rho) * g**2
        step = g * sqrt(d + epsilon) / sqrt(v + epsilon)
        d <- rho * d + (1 - rho) * step**2
        w <- w - learning_rate * step

    The paper has a learning rate of 1.

    Args:
        learning_rate: A number, or a schedule.
        rho: How slowly the running means v and d forget, in [0, 1].
        epsilon: Keeps the roots away from zero.
        **kwargs: The arguments of `Optimizer`.

    Source:
        Zeiler, 2012, arxiv.org/abs/1212.5701

    Example:
        >>> optimizer = npkeras.optimizers.Adadelta(1.0)
    """

    slots = (("accumulated_grad", "accumulated_delta_var"),)
    takes_rows = True

    @takes_common_arguments
    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-7, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.rho = check.number(rho, "rho", "Adadelta", low=0, high=1)
        self.epsilon = check.number(epsilon, "epsilon", "Adadelta", low=0)

    def update_step(self, gradient, variable, learning_rate):
        for g, square, step, w, v, d in self.pieces(gradient, variable, np.square):
            v *= self.rho
            square *= 1 - self.rho
            v += square
            np.add(d, self.epsilon, out=step)
            np.sqrt(step, out=step)
            step *= g
            np.add(v, self.epsilon, out=square)
            np.sqrt(square, out=square)
            step /= square
            np.square(step, out=square)
            square *= 1 - self.rho
            d *= self.rho
            d += square
            step *= learning_rate
            w -= step

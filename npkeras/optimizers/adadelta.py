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
        walk = self.pieces(gradient, variable, np.square, spare=2)
        for g, square, ratio, step, w, v, d in walk:
            v *= self.rho
            np.multiply(square, 1 - self.rho, out=step)
            v += step
            np.add(d, self.epsilon, out=ratio)
            np.sqrt(ratio, out=ratio)
            np.add(v, self.epsilon, out=step)
            np.sqrt(step, out=step)
            ratio /= step
            np.multiply(g, ratio, out=step)
            step *= learning_rate
            w -= step
            np.square(ratio, out=ratio)
            square *= ratio  # step**2, or for the rows of an embedding the sum of their squares
            square *= 1 - self.rho
            d *= self.rho
            d += square

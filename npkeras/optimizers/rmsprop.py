"""RMSprop."""

import numpy as np

from npkeras.core import check
from npkeras.core.registry import register
from npkeras.optimizers.base import Optimizer, takes_common_arguments


@register("optimizers", "rmsprop")
class RMSprop(Optimizer):
    """Gradients divided by the root of the running mean of their squares.

        v <- rho * v + (1 - rho) * g**2
        a <- rho * a + (1 - rho) * g                        (only if `centered`)
        step = learning_rate * g / sqrt(v + epsilon)
        step = learning_rate * g / sqrt(v - a**2 + epsilon)   (if `centered`)
        w <- w - step

    With momentum:

        m <- momentum * m + step
        w <- w - m

    Args:
        learning_rate: A number, or a schedule.
        rho: How slowly the running means forget, in [0, 1].
        momentum: How slowly m forgets, in [0, 1].
        epsilon: Keeps the division away from zero.
        centered: Whether to divide by the deviation from the running mean of g.
        **kwargs: The arguments of `Optimizer`.

    Source:
        Tieleman & Hinton, 2012, "Neural Networks for Machine Learning", lecture 6e

    Example:
        >>> optimizer = npkeras.optimizers.RMSprop(1e-3, rho=0.95)
    """

    takes_rows = True

    @takes_common_arguments
    def __init__(
        self, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, **kwargs
    ):
        super().__init__(learning_rate, **kwargs)
        self.rho = check.number(rho, "rho", "RMSprop", low=0, high=1)
        self.momentum = check.number(momentum, "momentum", "RMSprop", low=0, high=1)
        self.epsilon = check.number(epsilon, "epsilon", "RMSprop", low=0)
        self.centered = centered
        self.slots = (("velocity",),)
        if momentum:
            self.slots += (("momentum",),)
        if centered:
            self.slots += (("average_gradient",),)

    def update_step(self, gradient, variable, learning_rate):
        if self.centered and not isinstance(gradient, np.ndarray):
            # else v would hold a sum of squares, a**2 the square of a sum, which may be larger
            gradient = gradient.summed()
        for g, square, step, w, v, *more in self.pieces(gradient, variable, np.square):
            v *= self.rho
            square *= 1 - self.rho
            v += square
            np.add(v, self.epsilon, out=square)
            if self.centered:
                a = more[-1]
                a *= self.rho
                np.multiply(g, 1 - self.rho, out=step)
                a += step
                np.square(a, out=step)
                square -= step
            np.sqrt(square, out=square)
            np.multiply(g, learning_rate, out=step)
            step /= square
            if self.momentum:
                m = more[0]
                m *= self.momentum
                m += step
                w -= m
            else:
                w -= step

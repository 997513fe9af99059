"""Stochastic gradient descent, with and without momentum."""

import numpy as np

from npkeras.core import check
from npkeras.core.registry import register
from npkeras.optimizers.base import Optimizer, takes_common_arguments
from npkeras.optimizers.pieces import PIECE


@register("optimizers")
class SGD(Optimizer):
    """Gradient descent. With g the gradient and w the weights:

        w <- w - learning_rate * g

    With momentum:

        m <- momentum * m - learning_rate * g
        w <- w + m
        w <- w + momentum * m - learning_rate * g     (Nesterov's, instead)

    Args:
        learning_rate: A number, or a schedule.
        momentum: How slowly m forgets, in [0, 1].
        nesterov: Whether to use Nesterov's form of momentum.
        **kwargs: The arguments of `Optimizer`.

    Source:
        Sutskever et al., 2013, "On the importance of initialization and momentum in deep learning"

    Example:
        >>> optimizer = npkeras.optimizers.SGD(0.1, momentum=0.9, clipnorm=1.0)
    """

    takes_rows = True

    @takes_common_arguments
    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.momentum = check.number(momentum, "momentum", "SGD", low=0, high=1)
        self.nesterov = nesterov
        if momentum:
            self.slots = (("momentum",),)

    def update_step(self, gradient, variable, learning_rate):
        if not self.slots:
            if isinstance(gradient, np.ndarray) and gradient.size <= PIECE:
                variable.value -= gradient * learning_rate  # small: scratch would cost more
                return
            for g, step, w in self.pieces(gradient, variable, touched_only=True):
                np.multiply(g, learning_rate, out=step)
                w -= step
            return
        for g, step, w, m in self.pieces(gradient, variable):
            np.multiply(g, learning_rate, out=step)
            m *= self.momentum
            m -= step
            if self.nesterov:
                w -= step
                np.multiply(m, self.momentum, out=step)
                w += step
            else:
                w += m

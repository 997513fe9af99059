"""Lion."""

import numpy as np

from npkeras.core import check
from npkeras.core.registry import register
from npkeras.optimizers.base import Optimizer, rounded, takes_common_arguments


@register("optimizers")
class Lion(Optimizer):
    """Steps of one size, along the sign of a running mean.

        w <- w - learning_rate * sign(beta_1 * m + (1 - beta_1) * g)
        m <- beta_2 * m + (1 - beta_2) * g

    Args:
        learning_rate: A number, or a schedule; a tenth of Adam's is a good start.
        beta_1: The share of m in the step, in (0, 1].
        beta_2: How slowly m forgets, in [0, 1].
        **kwargs: The arguments of `Optimizer`.

    Source:
        Chen et al., 2023, arxiv.org/abs/2302.06675

    Example:
        >>> optimizer = npkeras.optimizers.Lion(1e-4, weight_decay=0.1)
    """

    slots = (("momentum",),)
    takes_rows = True

    @takes_common_arguments
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.99, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = check.number(beta_1, "beta_1", "Lion", low=0, high=1)
        self.beta_2 = check.number(beta_2, "beta_2", "Lion", low=0, high=1)
        if beta_1 == 0:
            raise ValueError(
                "`beta_1` of Lion must be above 0, else only the sign of the gradient is left. "
                f"Received: beta_1={beta_1}"
            )

    def update_step(self, gradient, variable, learning_rate):
        beta_1, beta_2 = rounded(self.beta_1, learning_rate), rounded(self.beta_2, learning_rate)
        for g, goal, step, w, m in self.pieces(gradient, variable, spare=2):
            np.multiply(g, 1 - beta_1, out=goal)
            np.multiply(m, beta_1, out=step)
            step += goal
            np.sign(step, out=step)
            step *= learning_rate
            w -= step
            m *= beta_2
            np.multiply(g, 1 - beta_2, out=step)
            m += step

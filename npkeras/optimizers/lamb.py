"""Lamb."""

import numpy as np

from npkeras.core.registry import register
from npkeras.optimizers.adam import Moments, move_towards
from npkeras.optimizers.base import rounded, takes_common_arguments
from npkeras.optimizers.gradients import norm


@register("optimizers")
class Lamb(Moments):
    """Adam, with each weight array moved in proportion to its own length.

    With m and v as in Adam:

        step = m / (1 - beta_1**t) / (sqrt(v / (1 - beta_2**t)) + epsilon)
        w <- w - learning_rate * |w| / |step| * step

    where |x| is the root of the sum of squares, and |w| / |step| is 1 if either is zero.

    Args:
        learning_rate: A number, or a schedule.
        beta_1, beta_2: How slowly the two running means forget, in [0, 1).
        epsilon: Keeps the division away from zero.
        **kwargs: The arguments of `Optimizer`.

    Source:
        You et al., 2020, arxiv.org/abs/1904.00962

    Example:
        >>> optimizer = npkeras.optimizers.Lamb(1e-3)
    """

    @takes_common_arguments
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **kwargs):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)

    def update_step(self, gradient, variable, learning_rate):
        t = self.count(variable)
        mean_share = 1 - rounded(self.beta_1, t) ** t
        square_share = 1 - rounded(self.beta_2, t) ** t
        weights = variable.value
        direction = self.scratch.like(weights, "direction")
        walk = self.pieces(gradient, variable, np.square, also=(direction,))
        for g, square, step, _, m, v, u in walk:
            move_towards(m, g, 1 - self.beta_1, step)
            move_towards(v, square, 1 - self.beta_2, step)
            np.divide(v, square_share, out=square)
            np.sqrt(square, out=square)
            square += self.epsilon
            np.divide(m, mean_share, out=u)
            u /= square
        lengths = norm(weights), norm(direction)
        ratio = lengths[0] / lengths[1] if all(lengths) else 1.0
        direction *= type(t)(ratio) * learning_rate
        weights -= direction

"""Adam and its kin: AdamW, Adamax, Nadam."""

import numpy as np

from npkeras.core import check
from npkeras.core.registry import register
from npkeras.core.variable import Variable
from npkeras.optimizers.base import Optimizer, rounded, takes_common_arguments


class Moments(Optimizer):
    """The arguments and the running mean that these rules share."""

    slots = (("momentum", "velocity"),)
    takes_rows = True

    def __init__(self, learning_rate, beta_1, beta_2, epsilon, **kwargs):
        super().__init__(learning_rate, **kwargs)
        owner = type(self).__name__
        self.beta_1 = check.number(beta_1, "beta_1", owner, low=0, below=1)
        self.beta_2 = check.number(beta_2, "beta_2", owner, low=0, below=1)
        self.epsilon = check.number(epsilon, "epsilon", owner, low=0)


def move_towards(mean, goal, share, step):
    """`mean <- mean + share * (goal - mean)`, with `step` as scratch."""
    np.subtract(goal, mean, out=step)
    step *= share
    mean += step


@register("optimizers")
class Adam(Moments):
    """Gradient descent along running means.

    With g the gradient, w the weights and t the number of the update, from 1:

        m <- m + (1 - beta_1) (g - m)          the running mean of g
        v <- v + (1 - beta_2) (g**2 - v)       the running mean of g**2
        w <- w - rate * m / (sqrt(v) + epsilon)
        rate = learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)

    `epsilon` is the one the paper calls "epsilon hat", just before its Section 2.1.

    Args:
        learning_rate: A number, or a schedule.
        beta_1, beta_2: How slowly the two running means forget, in [0, 1).
        epsilon: Keeps the division away from zero.
        amsgrad: Whether to divide by the largest v so far.
        **kwargs: The arguments of `Optimizer`.

    Source:
        Kingma & Ba, 2015, arxiv.org/abs/1412.6980; amsgrad: Reddi et al., 2018,
        arxiv.org/abs/1904.09237

    Example:
        >>> optimizer = npkeras.optimizers.Adam(1e-3, global_clipnorm=1.0)
    """

    @takes_common_arguments
    def __init__(
        self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, **kwargs
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)
        self.amsgrad = amsgrad
        if amsgrad:
            self.slots += (("velocity_hat",),)

    def update_step(self, gradient, variable, learning_rate):
        t = self.count(variable)
        beta_1, beta_2 = rounded(self.beta_1, t), rounded(self.beta_2, t)
        rate = learning_rate * np.sqrt(1 - beta_2**t) / (1 - beta_1**t)
        for g, square, step, w, m, v, *peak in self.pieces(gradient, variable, np.square):
            move_towards(m, g, 1 - self.beta_1, step)
            move_towards(v, square, 1 - self.beta_2, step)
            if self.amsgrad:
                v = np.maximum(peak[0], v, out=peak[0])
            np.sqrt(v, out=square)
            square += self.epsilon
            np.multiply(m, rate, out=step)
            step /= square
            w -= step


@register("optimizers", "adamw")
class AdamW(Adam):
    """Adam with weight decay that does not pass through its running means.

        w <- w - learning_rate * weight_decay * w

    comes before Adam's own update; see `Adam`.

    Args:
        learning_rate: A number, or a schedule.
        weight_decay: Which fraction of the weights each step takes away, times learning_rate.
        beta_1, beta_2: How slowly the two running means forget, in [0, 1).
        epsilon: Keeps the division away from zero.
        amsgrad: Whether to divide by the largest v so far.
        **kwargs: The arguments of `Optimizer`.

    Source:
        Loshchilov & Hutter, 2019, arxiv.org/abs/1711.05101

    Example:
        >>> optimizer = npkeras.optimizers.AdamW(1e-3, weight_decay=0.01)
        >>> optimizer.exclude_from_weight_decay(var_names=["bias"])
    """

    @takes_common_arguments
    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        **kwargs,
    ):
        check.number(weight_decay, "weight_decay", type(self).__name__, low=0)
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **kwargs
        )


@register("optimizers")
class Adamax(Moments):
    """Adam with the largest gradient so far, slowly forgotten, in place of the mean square.

        m <- m + (1 - beta_1) (g - m)
        u <- max(beta_2 * u, |g|)
        w <- w - learning_rate / (1 - beta_1**t) * m / (u + epsilon)

    Args:
        learning_rate: A number, or a schedule.
        beta_1, beta_2: How slowly m and u forget, in [0, 1).
        epsilon: Keeps the division away from zero.
        **kwargs: The arguments of `Optimizer`.

    Source:
        Kingma & Ba, 2015, arxiv.org/abs/1412.6980, Section 7

    Example:
        >>> optimizer = npkeras.optimizers.Adamax(2e-3)
    """

    slots = (("momentum", "norm"),)

    @takes_common_arguments
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **kwargs):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)

    def update_step(self, gradient, variable, learning_rate):
        t = self.count(variable)
        rate = 1 - rounded(self.beta_1, t) ** t
        for g, size, step, w, m, u in self.pieces(gradient, variable, np.abs):
            move_towards(m, g, 1 - self.beta_1, step)
            u *= self.beta_2
            np.maximum(u, size, out=u)
            np.add(u, self.epsilon, out=size)
            size *= rate
            np.multiply(m, learning_rate, out=step)
            step /= size
            w -= step


@register("optimizers")
class Nadam(Moments):
    """Adam with Nesterov's look ahead.

    With m and v as in Adam, and a share mu that grows towards beta_1:

        mu(t) = beta_1 * (1 - 0.5 * 0.96**t)
        M(t) = mu(1) * mu(2) * ... * mu(t)
        ahead = mu(t + 1) * m / (1 - M(t + 1)) + (1 - mu(t)) * g / (1 - M(t))
        w <- w - learning_rate * ahead / (sqrt(v / (1 - beta_2**t)) + epsilon)

    Args:
        learning_rate: A number, or a schedule.
        beta_1, beta_2: How slowly the two running means forget, in [0, 1).
        epsilon: Keeps the division away from zero.
        **kwargs: The arguments of `Optimizer`.

    Source:
        Dozat, 2015, "Incorporating Nesterov momentum into Adam"

    Example:
        >>> optimizer = npkeras.optimizers.Nadam(2e-3)
    """

    @takes_common_arguments
    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, **kwargs):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)

    def build(self, variables):
        if self.built:
            return
        variables = list(variables)
        dtype = variables[0].dtype if variables else None
        super().build(variables)
        self._product = Variable(1.0, dtype=dtype, trainable=False)  # M(t)
        self._variables.append(self._product)

    def before_updates(self):
        dtype = self._product.value.dtype.type
        share = self._share(dtype(int(self.iterations.value) + 1))
        self._product.assign(self._product.value * share)

    def _share(self, t):
        """mu(t)."""
        return rounded(self.beta_1, t) * (1 - rounded(0.5, t) * rounded(0.96, t) ** t)

    def update_step(self, gradient, variable, learning_rate):
        t = self.count(variable)
        beta_1, beta_2 = rounded(self.beta_1, t), rounded(self.beta_2, t)
        product = type(t)(self._product.value)
        share, next_share = self._share(t), self._share(t + type(t)(1))
        mean_share = next_share / (1 - product * next_share)
        gradient_share = (1 - share) / (1 - product)
        correction = 1 - beta_2**t
        walk = self.pieces(gradient, variable, np.square, spare=2)
        for g, square, ahead, step, w, m, v in walk:
            move_towards(m, g, 1 - beta_1, step)
            move_towards(v, square, 1 - beta_2, step)
            np.divide(v, correction, out=square)
            np.sqrt(square, out=square)
            square += self.epsilon
            np.multiply(m, mean_share, out=ahead)
            np.multiply(g, gradient_share, out=step)
            ahead += step
            ahead *= learning_rate
            ahead /= square
            w -= ahead

"""Adafactor."""

import math

import numpy as np

from npkeras.core import check
from npkeras.core.registry import register
from npkeras.core.rows import RowGradient
from npkeras.core.variable import Variable
from npkeras.optimizers.base import Optimizer, rounded, takes_common_arguments
from npkeras.optimizers.gradients import norm


@register("optimizers")
class Adafactor(Optimizer):
    """RMSprop with the mean squares of a matrix put together from those of rows and columns.

    With t the number of the update, from 1, and rms(x) the root of the mean of squares:

        share = 1 - t**beta_2_decay
        r <- share * r + (1 - share) * (the means of g**2 + epsilon_1 over each row)
        c <- share * c + (1 - share) * (the means of g**2 + epsilon_1 over each column)
        v <- r c / mean(r)
        step = g / sqrt(v)
        step <- step / max(1, rms(step) / clip_threshold)
        w <- w - rate * max(epsilon_2, rms(w)) * step
        rate = min(learning_rate, 1 / sqrt(t)) if relative_step, else learning_rate

    Rows and columns are the last two axes. Where there is but one, v is its own running mean.

    Args:
        learning_rate: A number, or a schedule.
        beta_2_decay: How fast the running means become slower, below 0.
        epsilon_1: Keeps v away from zero.
        epsilon_2: Keeps the rate of small weights away from zero.
        clip_threshold: The largest rms(step).
        relative_step: Whether the rate falls with the step.
        **kwargs: The arguments of `Optimizer`.

    Source:
        Shazeer & Stern, 2018, arxiv.org/abs/1804.04235

    Example:
        >>> optimizer = npkeras.optimizers.Adafactor(1e-2)
    """

    takes_rows = True
    slots = (("rows", "columns", "velocity"),)

    @takes_common_arguments
    def __init__(
        self,
        learning_rate=0.001,
        beta_2_decay=-0.8,
        epsilon_1=1e-30,
        epsilon_2=1e-3,
        clip_threshold=1.0,
        relative_step=True,
        **kwargs,
    ):
        super().__init__(learning_rate, **kwargs)
        self.beta_2_decay = check.number(beta_2_decay, "beta_2_decay", "Adafactor", high=0)
        self.epsilon_1 = check.number(epsilon_1, "epsilon_1", "Adafactor", low=0)
        self.epsilon_2 = check.number(epsilon_2, "epsilon_2", "Adafactor", low=0)
        self.clip_threshold = check.number(clip_threshold, "clip_threshold", "Adafactor", low=0)
        if clip_threshold == 0:
            raise ValueError(
                "`clip_threshold` of Adafactor must be above 0. "
                f"Received: clip_threshold={clip_threshold}"
            )
        self.relative_step = relative_step

    def make_slots(self, variable, group):
        shape = variable.shape
        if len(shape) < 2:
            rows, columns = (self._placeholder(variable) for _ in range(2))
        else:
            name, dtype = variable.name, variable.dtype
            rows = self.add_variable(shape[:-1], dtype=dtype, name=name)
            columns = self.add_variable(shape[:-2] + shape[-1:], dtype=dtype, name=name)
        return [rows, columns, self.add_variable_from_reference(variable, "velocity")]

    def _placeholder(self, variable):
        """What files hold for a variable without rows and columns."""
        made = Variable(0, dtype="int32", trainable=False, name=variable.name)
        made.path = variable.name
        self._variables.append(made)
        return made

    def update_step(self, gradient, variable, learning_rate):
        r, c, v = self.slots_of(variable)
        t, w = self.count(variable), variable.value
        one = type(t)
        rate = min(learning_rate, 1 / np.sqrt(t)) if self.relative_step else learning_rate
        share = 1 - t ** rounded(self.beta_2_decay, t)
        step = self.scratch.like(w, "step")
        gradient, square = self._with_square(gradient, w)
        if w.ndim < 2:
            v *= share
            np.add(square, one(self.epsilon_1), out=step)
            step *= 1 - share
            v += step
        else:
            for mean, axis in ((r, -1), (c, -2)):
                mean *= share
                mean += (1 - share) * (square.mean(axis=axis) + one(self.epsilon_1))
            rows = r / r.mean(axis=-1, keepdims=True)
            np.multiply(rows[..., :, None], c[..., None, :], out=v)
        np.divide(square, v, out=step)
        excess = max(1.0, math.sqrt(step.mean()) / self.clip_threshold)
        scale = max(self.epsilon_2, norm(w) / math.sqrt(max(1, w.size)))
        np.sqrt(v, out=step)
        np.divide(gradient, step, out=step)
        step /= one(excess)
        step *= one(scale) * rate
        w -= step

    def _with_square(self, gradient, like):
        """The gradient and its square as arrays; of rows, the sum of the squares, as in Keras."""
        if isinstance(gradient, RowGradient):
            squares = RowGradient(gradient.indices, np.square(gradient.rows), gradient.shape)
            return gradient.to_dense(), squares.to_dense()
        return gradient, np.square(gradient, out=self.scratch.like(like, "square"))

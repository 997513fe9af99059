"""Learning rates as functions of the step."""

import math

import numpy as np

from npkeras.core import check, registry
from npkeras.core.registry import Configurable, register
from npkeras.core.tape import plain

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

_ONE = np.float32(1)


class LearningRateSchedule(Configurable):
    """Base of the learning rates that depend on the step.

    Give an instance to an optimizer as its `learning_rate`. A schedule of your own defines
    `__call__`, and `get_config` if its arguments are not kept under their own names.

    Example:
        >>> class Halved(npkeras.optimizers.schedules.LearningRateSchedule):
        ...     def __init__(self, initial_learning_rate):
        ...         self.initial_learning_rate = initial_learning_rate
        ...
        ...     def __call__(self, step):
        ...         return self.initial_learning_rate * 0.5 ** float(step)
        >>> float(Halved(0.4)(1))
        0.2
    """

    def __call__(self, step):
        """The learning rate of step number `step`, the first being 0."""
        raise NotImplementedError(f"{type(self).__name__} must define `__call__(step)`.")


def _steps(step):
    """The step, or several of them, in float32, in which Keras computes schedules."""
    return np.asarray(plain(step)).astype(np.float32)[()]


def _steps_argument(value, name, owner):
    if check.number(value, name, owner) <= 0:
        raise ValueError(f"`{name}` of {owner} must be above 0. Received: {name}={value}")
    return value


def _rate_argument(value, name, owner):
    return check.number(plain(value), name, owner, low=0)


@register("schedules")
class ExponentialDecay(LearningRateSchedule):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`.

    Args:
        initial_learning_rate: The learning rate of step 0.
        decay_steps: After how many steps the rate has been multiplied by `decay_rate`.
        decay_rate: See there.
        staircase: Whether to do so all at once, every `decay_steps` steps.
        name: A name.

    Example:
        >>> float(npkeras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.5)(20))
        0.125
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        decay_rate,
        staircase=False,
        name="ExponentialDecay",
    ):
        owner = "ExponentialDecay"
        self.initial_learning_rate = _rate_argument(
            initial_learning_rate, "initial_learning_rate", owner
        )
        self.decay_steps = _steps_argument(decay_steps, "decay_steps", owner)
        self.decay_rate = check.number(decay_rate, "decay_rate", owner, low=0)
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        periods = _steps(step) / np.float32(self.decay_steps)
        if self.staircase:
            periods = np.floor(periods)
        return np.float32(self.initial_learning_rate) * np.float32(self.decay_rate) ** periods


@register("schedules")
class InverseTimeDecay(LearningRateSchedule):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: The learning rate of step 0.
        decay_steps, decay_rate: How fast it falls.
        staircase: Whether it falls only every `decay_steps` steps.
        name: A name.

    Example:
        >>> float(npkeras.optimizers.schedules.InverseTimeDecay(0.5, 10, 1.0)(10))
        0.25
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        decay_rate,
        staircase=False,
        name="InverseTimeDecay",
    ):
        owner = "InverseTimeDecay"
        self.initial_learning_rate = _rate_argument(
            initial_learning_rate, "initial_learning_rate", owner
        )
        self.decay_steps = _steps_argument(decay_steps, "decay_steps", owner)
        self.decay_rate = check.number(decay_rate, "decay_rate", owner, low=0)
        self.staircase = staircase
        self.name = name

    def __call__(self, step):
        periods = _steps(step) / np.float32(self.decay_steps)
        if self.staircase:
            periods = np.floor(periods)
        return np.float32(self.initial_learning_rate) / (
            _ONE + np.float32(self.decay_rate) * periods
        )


@register("schedules")
class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[0]` up to and with step `boundaries[0]`, then `values[1]`, and so on.

    Args:
        boundaries: The last step of each value but the last, increasing.
        values: Learning rates, one more than boundaries.
        name: A name.

    Example:
        >>> rate = npkeras.optimizers.schedules.PiecewiseConstantDecay([10, 20], [0.5, 0.25, 0.125])
        >>> float(rate(10)), float(rate(11)), float(rate(21))
        (0.5, 0.25, 0.125)
    """

    def __init__(self, boundaries, values, name="PiecewiseConstant"):
        owner = "PiecewiseConstantDecay"
        boundaries, values = list(boundaries), list(values)
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"`values` of {owner} must be one more than `boundaries`. Received: "
                f"{len(boundaries)} boundaries and {len(values)} values"
            )
        for boundary in boundaries:
            check.number(boundary, "boundaries", owner)
        if sorted(boundaries) != boundaries:
            raise ValueError(
                f"`boundaries` of {owner} must increase. "
                f"Received: boundaries={check.shown(boundaries)}"
            )
        self.boundaries = boundaries
        self.values = [_rate_argument(value, "values", owner) for value in values]
        self.name = name

    def __call__(self, step):
        places = np.searchsorted(self.boundaries, np.asarray(plain(step)), side="left")
        return np.asarray(self.values, np.float32)[places]


@register("schedules")
class PolynomialDecay(LearningRateSchedule):
    """From one rate to another along a power of the time that is left.

        (initial_learning_rate - end_learning_rate) * (1 - step / decay_steps) ** power
        + end_learning_rate

    and `end_learning_rate` after `decay_steps` steps.

    Args:
        initial_learning_rate: The learning rate of step 0.
        decay_steps: How long it takes.
        end_learning_rate: The learning rate at the end.
        power: 1 for a straight line.
        cycle: Whether, when the end is reached, `decay_steps` counts twice as much, then three
            times as much, ...: the rate leaps up again, each time less far.
        name: A name.

    Example:
        >>> float(npkeras.optimizers.schedules.PolynomialDecay(1.0, 10, 0.5)(5))
        0.75
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        end_learning_rate=0.0001,
        power=1.0,
        cycle=False,
        name="PolynomialDecay",
    ):
        owner = "PolynomialDecay"
        self.initial_learning_rate = _rate_argument(
            initial_learning_rate, "initial_learning_rate", owner
        )
        self.decay_steps = _steps_argument(decay_steps, "decay_steps", owner)
        self.end_learning_rate = _rate_argument(end_learning_rate, "end_learning_rate", owner)
        self.power = check.number(power, "power", owner)
        self.cycle = cycle
        self.name = name

    def __call__(self, step):
        step = _steps(step)
        length = np.float32(self.decay_steps)
        if self.cycle:
            length = length * np.maximum(np.ceil(step / length), _ONE)
        else:
            step = np.minimum(step, length)
        last = np.float32(self.end_learning_rate)
        drop = np.float32(self.initial_learning_rate) - last
        return drop * (_ONE - step / length) ** np.float32(self.power) + last


@register("schedules")
class CosineDecay(LearningRateSchedule):
    """Down along half a cosine wave, after climbing up in a straight line, if asked to.

        up:    initial_learning_rate + (warmup_target - initial_learning_rate) * step / warmup_steps
        down:  top * (alpha + (1 - alpha) * (1 + cos(pi * done)) / 2)
        done = min((step - warmup_steps) / decay_steps, 1)

    where top is `warmup_target`. Without it there is no way up, whatever `warmup_steps` is, and
    top is the initial learning rate.

    Args:
        initial_learning_rate: The learning rate of step 0.
        decay_steps: How many steps the way down takes.
        alpha: Which fraction of the top is left in the end.
        name: A name.
        warmup_target: Where the climb ends.
        warmup_steps: How many steps the climb takes.

    Source:
        Loshchilov & Hutter, 2017, arxiv.org/abs/1608.03983

    Example:
        >>> CosineDecay = npkeras.optimizers.schedules.CosineDecay
        >>> rate = CosineDecay(0.5, 10, warmup_target=1.0, warmup_steps=2)
        >>> [round(float(rate(step)), 3) for step in (0, 1, 2, 7, 12)]
        [0.5, 0.75, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate,
        decay_steps,
        alpha=0.0,
        name="CosineDecay",
        warmup_target=None,
        warmup_steps=0,
    ):
        owner = "CosineDecay"
        self.initial_learning_rate = _rate_argument(
            initial_learning_rate, "initial_learning_rate", owner
        )
        self.decay_steps = _steps_argument(decay_steps, "decay_steps", owner)
        self.alpha = check.number(alpha, "alpha", owner, low=0)
        self.name = name
        if warmup_target is not None:
            _rate_argument(warmup_target, "warmup_target", owner)
        self.warmup_target = warmup_target
        self.warmup_steps = check.number(warmup_steps, "warmup_steps", owner, low=0)

    def __call__(self, step):
        step = _steps(step)
        first = np.float32(self.initial_learning_rate)
        if self.warmup_target is None:
            return first * self._fall(step)
        top, climb = np.float32(self.warmup_target), np.float32(self.warmup_steps)
        slope = (top - first) / np.maximum(climb, _ONE)
        return np.where(step < climb, first + slope * step, top * self._fall(step - climb))[()]

    def _fall(self, step):
        length, alpha = np.float32(self.decay_steps), np.float32(self.alpha)
        done = np.minimum(step, length) / length
        return (_ONE - alpha) * _half_wave(done) + alpha


@register("schedules")
class CosineDecayRestarts(LearningRateSchedule):
    """Down along half a cosine wave, again and again: SGDR.

    Args:
        initial_learning_rate: The learning rate of step 0.
        first_decay_steps: How many steps the first way down takes.
        t_mul: How many times longer each next one is.
        m_mul: What the top is multiplied by at each restart.
        alpha: Which fraction of the initial learning rate is the least.
        name: A name.

    Source:
        Loshchilov & Hutter, 2017, arxiv.org/abs/1608.03983

    Example:
        >>> rate = npkeras.optimizers.schedules.CosineDecayRestarts(0.5, 10, m_mul=0.5)
        >>> [round(float(rate(step)), 3) for step in (0, 5, 10, 20)]
        [0.5, 0.25, 0.25, 0.125]
    """

    def __init__(
        self,
        initial_learning_rate,
        first_decay_steps,
        t_mul=2.0,
        m_mul=1.0,
        alpha=0.0,
        name="SGDRDecay",
    ):
        owner = "CosineDecayRestarts"
        self.initial_learning_rate = _rate_argument(
            initial_learning_rate, "initial_learning_rate", owner
        )
        self.first_decay_steps = _steps_argument(first_decay_steps, "first_decay_steps", owner)
        self.t_mul = _steps_argument(t_mul, "t_mul", owner)
        self.m_mul = check.number(m_mul, "m_mul", owner, low=0)
        self.alpha = check.number(alpha, "alpha", owner, low=0)
        self.name = name

    def __call__(self, step):
        done = _steps(step) / np.float32(self.first_decay_steps)
        growth = np.float32(self.t_mul)
        if self.t_mul == 1:
            restarts = np.floor(done)
            done = done - restarts
        else:
            # 1 + growth + growth**2 + ... is a geometric sum
            restarts = np.floor(np.log(_ONE - done * (_ONE - growth)) / np.log(growth))
            begun = (_ONE - growth**restarts) / (_ONE - growth)
            done = (done - begun) / growth**restarts
        alpha = np.float32(self.alpha)
        top = np.float32(self.m_mul) ** restarts
        fall = (_ONE - alpha) * (top * _half_wave(done)) + alpha
        return np.float32(self.initial_learning_rate) * fall


def _half_wave(done):
    """From 1 to 0 as `done` goes from 0 to 1."""
    return np.float32(0.5) * (_ONE + np.cos(np.float32(math.pi) * done))


def serialize(learning_rate_schedule):
    """A schedule as JSON can hold it."""
    return registry.serialize(learning_rate_schedule)


def deserialize(config, custom_objects=None):
    """The schedule that `serialize` described."""
    with registry.CustomObjectScope(custom_objects):
        return registry.deserialize(config, custom_objects, "schedules")

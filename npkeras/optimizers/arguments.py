"""Checks of the arguments that all optimizers have."""

import math
import numbers
import warnings

import numpy as np

from npkeras.core import check
from npkeras.core.tape import plain
from npkeras.core.variable import Variable


def refuse_unknown(kwargs, known, owner):
    """Arguments that nobody takes are an error; `decay` is a warning, as in Keras."""
    if kwargs.pop("decay", None) is not None:
        warnings.warn(
            f"{owner} takes no `decay`, which is ignored. What Keras 1 and 2 did with it, "
            "`schedules.InverseTimeDecay(learning_rate, 1, decay)` does as `learning_rate`.",
            stacklevel=5,
        )
    for name, value in kwargs.items():
        advice = check.did_you_mean(name, known)
        if name == "lr":
            advice = " It is called `learning_rate` now."
        raise ValueError(
            f"{owner} takes no argument `{name}`. Received: {name}={check.shown(value)}.{advice}"
        )


def checked_name(name, owner):
    if not isinstance(name, str) or "/" in name:
        raise ValueError(f"`name` of {owner} must be a string without '/'. Received: name={name!r}")
    return name


def optional_number(value, name, owner):
    """None, or a number that is not below 0."""
    return None if value is None else check.number(value, name, owner, low=0)


def checked_steps(steps, owner):
    if steps is None or (check.is_int(steps) and (steps >= 2 or steps == 0)):
        return steps
    raise ValueError(
        f"`gradient_accumulation_steps` of {owner} must be an integer of at least 2, or None. "
        f"Received: gradient_accumulation_steps={check.shown(steps)}"
    )


def checked_rate(rate, owner):
    """A learning rate as a float, if it is a finite number and not below 0."""
    value = plain(rate)
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value.item()
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not 0 <= value < math.inf:
        raise ValueError(
            f"`learning_rate` of {owner} must be a finite number at least 0, a schedule, or a "
            f"function without arguments. Received: learning_rate={check.shown(value)}"
        )
    return float(value)


def check_limits(owner, **limits):
    """At most one way of clipping may be chosen, with a number that makes sense."""
    chosen = {name: limit for name, limit in limits.items() if limit is not None}
    for name, limit in chosen.items():
        check.number(limit, name, owner, low=0)
    if len(chosen) > 1:
        raise ValueError(
            f"{owner} can clip in one way only: `clipnorm`, `global_clipnorm` or `clipvalue`. "
            f"Received: {', '.join(f'{name}={limit}' for name, limit in chosen.items())}"
        )


def checked_pairs(grads_and_vars, owner):
    """Pairs of a gradient and a variable, in a list; a bare list of gradients is none of them."""
    pairs = []
    for pair in grads_and_vars:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not _is_variable(pair[1]):
            raise ValueError(
                f"`apply_gradients` of {owner} expects pairs of (gradient, variable), as "
                f"`zip(gradients, variables)` gives them. Received: {check.shown(plain(pair))} in "
                "place of a pair. Without pairs: `apply(gradients, variables)`."
            )
        pairs.append(tuple(pair))
    if not pairs:
        raise ValueError(f"{owner} received no (gradient, variable) pairs.")
    return pairs


def _is_variable(value):
    return isinstance(value, Variable)

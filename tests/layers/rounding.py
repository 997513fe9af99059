"""Gradients that cancel: is a difference from Keras more than rounding? Double precision knows.

A gradient may be a sum of large numbers that nearly cancel: that of the bias of a key, say, is
exactly zero, and what is found is rounding alone. Two sound engines then differ by more than any
share of the result. The same case in double precision tells how far each of them is from the truth.
"""

import contextlib
import dataclasses
from unittest import mock

import numpy as np

from npkeras.core import random as core_random
from npkeras.core import tree
from npkeras.layers import attention, heads

FEW = 4  # units in the last place of the largest gradient of the call
MANY = 64  # more than a sound engine is away from the truth: TensorFlow's tanh was by 20
TIMES = 4  # as much rounding as that of Keras


def assert_rounded_as_well(found, expected, exact, largest, what):
    """A gradient is as near to the truth as that of Keras, up to a small factor.

    Args:
        found, expected: The gradients of npkeras and of Keras, in single precision.
        exact: The same in double precision.
        largest: The size of the largest gradient of the call, for any weight or input.
        what: What the message is to say.
    """
    assert found.dtype == expected.dtype == np.float32, what
    unit = largest * np.finfo(np.float32).eps
    ours, theirs = (float(np.abs(g - exact).max()) for g in (found, expected))
    wrong = f"{what}: {ours=:.2e} and {theirs=:.2e} away from double precision, {unit=:.2e}"
    assert theirs <= MANY * unit, wrong  # else double precision is what is wrong
    assert ours <= TIMES * theirs + FEW * unit, wrong


def in_double(case, policy):
    """A case in double precision: its inputs, and its layers by `policy(case, dtype)`."""

    def double(x):
        return x.astype("float64") if x.dtype.kind == "f" else x

    return dataclasses.replace(policy(case, "float64"), inputs=tree.map(double, case.inputs))


_HIDDEN = 1e9 * 2**29  # beside it a score is rounded away in double precision


@contextlib.contextmanager
def habits_of_single_precision():
    """Dropout drops in double precision what it drops in single precision.

    And a score that a mask moved far down is lost, as it is beside 1e9 in single precision: a query
    that may see nothing sees all alike.
    """
    draw = core_random.dropout_mask

    def dropout_mask(shape, rate, seed=None, dtype="float32"):
        kept = draw(shape, rate, seed, "float32") != 0
        return (kept / (1 - rate) if rate < 1 else kept * 0.0).astype(dtype)

    with (
        mock.patch.object(core_random, "dropout_mask", dropout_mask),
        mock.patch.object(heads, "dropout_mask", dropout_mask),
        mock.patch.dict(attention._FAR, {"float64": _HIDDEN}),
    ):
        yield

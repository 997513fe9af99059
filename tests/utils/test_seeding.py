"""set_random_seed: everything random repeats itself."""

import random

import numpy as np
import pytest

from npkeras.core import random as core_random
from npkeras.utils import set_random_seed


def draws():
    """A number from each generator."""
    return (
        random.random(),
        np.random.random(),
        np.asarray(core_random.global_seed_generator().next()).tolist(),
    )


def test_all_generators_begin_again():
    set_random_seed(5)
    first = draws()
    assert draws() != first
    set_random_seed(5)
    assert draws() == first
    set_random_seed(6)
    assert all(a != b for a, b in zip(draws(), first, strict=True))


@pytest.mark.parametrize("seed", ["1", 1.5, None, np.int64(3), -1, 2**32])
def test_seed_must_be_an_integer_of_32_bits(seed):
    state = random.getstate()
    with pytest.raises(
        ValueError, match="`seed` of set_random_seed must be an integer from 0"
    ) as told:
        set_random_seed(seed)
    assert f"seed={seed!r} (of type {type(seed).__name__})" in str(told.value)
    assert random.getstate() == state


@pytest.mark.keras
def test_generators_stand_where_keras_puts_them(keras):
    keras.utils.set_random_seed(11)
    numbers = random.random(), np.random.random(3).tolist()
    set_random_seed(11)
    assert (random.random(), np.random.random(3).tolist()) == numbers


@pytest.mark.keras
@pytest.mark.parametrize("seed", ["1", 1.5, None, np.int64(3), -1, 2**32])
def test_keras_refuses_the_same_seeds_with_the_same_kind_of_error(keras, seed):
    with pytest.raises(ValueError):
        keras.utils.set_random_seed(seed)

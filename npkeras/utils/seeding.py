"""One seed for everything that is random."""

from __future__ import annotations

import random

import numpy as np

from npkeras.core import random as core_random

_HIGHEST = 2**32 - 1


def set_random_seed(seed: int) -> None:
    """Make what follows repeatable: initial weights, dropout, shuffling.

    Seeds Python's `random`, from which initializers without a seed draw one, `numpy.random`,
    which shuffles, and the generator behind `npkeras.random`.

    Args:
        seed: An integer from 0 to 2**32 - 1.

    Example:
        >>> set_random_seed(7)
        >>> first = np.random.random()
        >>> set_random_seed(7)
        >>> np.random.random() == first
        True
    """
    if not isinstance(seed, int) or not 0 <= seed <= _HIGHEST:
        raise ValueError(
            f"`seed` of set_random_seed must be an integer from 0 to {_HIGHEST}. "
            f"Received: seed={seed!r} (of type {type(seed).__name__})"
        )
    random.seed(seed)
    np.random.seed(seed)
    core_random.reset_global_seed(seed)

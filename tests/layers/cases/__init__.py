"""Example configs and inputs for every registered layer, for `tests/common/test_layers.py`.

A new layer needs one line in the `CASES` of its family, and a strategy in its `CONFIGURATIONS` if
live Keras is to be asked about every argument. Inputs stay away from kinks, where numeric gradients
say nothing.
"""

from tests.layers.cases import (
    attention,
    augmentation,
    basic,
    categories,
    convolution,
    merging,
    normalization,
    recurrent,
    various,
)

FAMILIES = (
    attention,
    augmentation,
    basic,
    categories,
    convolution,
    merging,
    normalization,
    recurrent,
    various,
)

CASES = [case for family in FAMILIES for case in family.CASES]
CONFIGURATIONS = {k: v for family in FAMILIES for k, v in family.CONFIGURATIONS.items()}

# Layers that are not called on arrays, and why.
NOT_CALLED = {k: v for family in FAMILIES for k, v in getattr(family, "NOT_CALLED", {}).items()}

# Live Keras is asked about these in tests of their own.
ELSEWHERE = {name for family in FAMILIES for name in getattr(family, "ELSEWHERE", ())}

"""GRU and GRUCell: what is particular to them. The rest: `test_recurrent_kinds.py`."""

import pytest

from npkeras.layers.gru import GRU
from tests.layers.recurrent_twins import FEATURES, UNITS, X


@pytest.mark.parametrize(
    "options, shapes",
    [
        ({}, [(FEATURES, 12), (UNITS, 12), (2, 12)]),
        ({"reset_after": False}, [(FEATURES, 12), (UNITS, 12), (12,)]),
        ({"use_bias": False}, [(FEATURES, 12), (UNITS, 12)]),
    ],
)
def test_shapes_of_the_bias(options, shapes):
    layer = GRU(UNITS, **options)
    layer.build(X)
    assert [w.shape for w in layer.weights] == shapes

"""`ops.nn`, `ops.linalg`, `ops.numpy` and `ops.image`: parts of `ops` under their own names."""

import importlib

import numpy as np
import pytest

from npkeras import ops
from tests.public_names import public_names


@pytest.mark.parametrize("name", ["nn", "linalg", "numpy"])
def test_what_is_in_a_part_is_in_ops_as_well(name):
    module = importlib.import_module(f"npkeras.ops.{name}")
    assert module is getattr(ops, name)
    names = public_names(module)
    assert names and all(getattr(module, one) is getattr(ops, one) for one in names)
    assert all(callable(getattr(module, one)) for one in names)
    assert names == {one for one in dir(module) if not one.startswith("_")}


def test_no_name_is_in_two_parts():
    parts = [public_names(module) for module in (ops.nn, ops.linalg, ops.numpy, ops.image)]
    assert sum(map(len, parts)) == len(set.union(*parts))


def test_names_can_be_imported_from_a_part():
    from npkeras.ops.linalg import inv
    from npkeras.ops.nn import relu
    from npkeras.ops.numpy import mean

    assert relu(np.float32(-2)) == 0 and mean(np.arange(3.0)) == 1 and inv([[2.0]]) == 0.5

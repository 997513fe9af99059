"""Diagonals and triangles: values, gradients, shapes."""

import numpy as np
import pytest

from npkeras import KerasTensor, ops
from tests.checks import check_gradients, check_shape_rule

X = np.arange(24.0).reshape(2, 3, 4)
CASES = {
    "tril": (ops.tril, X),
    "triu": (lambda x: ops.triu(x, 1), X),
    "diagonal": (ops.diagonal, X),
    "diagonal above": (lambda x: ops.diagonal(x, 1, 2, 1), X),
    "diagonal below": (lambda x: ops.diagonal(x, -1, 1, 2), X),
    "diagonal out of sight": (lambda x: ops.diagonal(x, 9), X),
    "diag of a row": (lambda x: ops.diag(x, -1), X[0, 0]),
    "diag of a matrix": (lambda x: ops.diag(x, 2), X[0]),
    "diagflat": (lambda x: ops.diagflat(x, 1), X[0]),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_gradient(case):
    check_gradients(*case)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_shape_rule(case):
    check_shape_rule(*case)


def test_values_are_numpys():
    for k in (-2, 0, 1):
        np.testing.assert_array_equal(ops.diag(X[0], k), np.diag(X[0], k))
        np.testing.assert_array_equal(ops.diag(X[0, 0], k), np.diag(X[0, 0], k))
        np.testing.assert_array_equal(ops.tril(X, k), np.tril(X, k))
        np.testing.assert_array_equal(ops.diagonal(X, k, 0, 2), np.diagonal(X, k, 0, 2))


def test_diag_of_a_stack_is_refused():
    with pytest.raises(ValueError, match=r"one or two axes.*\(2, 3, 4\)"):
        ops.diag(KerasTensor((2, 3, 4)))

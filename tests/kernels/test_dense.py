"""Many rows times a small matrix, in pieces, against the formula."""

import numpy as np
import pytest

from npkeras.kernels import dense as module
from npkeras.kernels import threads
from npkeras.kernels.dense import dense_rows, dense_rows_back, is_tall
from tests.checks import numeric_gradient

random = np.random.default_rng(4)


@pytest.fixture(params=[(1, 0), (4, 0), (256, 2**22)], ids=["rows alone", "a few", "at once"])
def pieces(request, monkeypatch):
    few, worth = request.param
    monkeypatch.setattr(module, "_FEW", few)
    monkeypatch.setattr(module, "_PIECE_BYTES", 1)
    monkeypatch.setattr(threads, "WORTH", worth)


@pytest.mark.parametrize("rectify", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_of_the_formula(pieces, rectify, bias):
    x, weights = random.normal(size=(11, 3)), random.normal(size=(3, 2))
    shift = random.normal(size=2) if bias else np.zeros(2)

    def run(x, weights, shift):
        y = np.einsum("ij,jk->ik", x, weights) + shift
        return np.where(y > 0, y, 0) if rectify else y

    y = dense_rows(x, weights, shift if bias else None, rectify)
    np.testing.assert_allclose(y, run(x, weights, shift), rtol=1e-12, atol=1e-14)
    dy = random.normal(size=y.shape)
    found = dense_rows_back(dy, x, weights, y if rectify else None, (True, True, True))
    for i, gradient in enumerate(found):
        expected = numeric_gradient(run, [x, weights, shift], i, [dy])
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("wanted", list(np.ndindex(2, 2, 2)))
def test_only_what_is_wanted_is_computed(wanted):
    x, weights, dy = random.normal(size=(9, 3)), random.normal(size=(3, 2)), np.ones((9, 2))
    found = dense_rows_back(dy, x, weights, None, wanted)
    assert [gradient is not None for gradient in found] == [bool(want) for want in wanted]


def test_what_is_tall():
    x, weights = np.zeros((512, 8), "float32"), np.zeros((8, 4), "float32")
    assert is_tall(x, weights)
    assert not is_tall(x[:511], weights)  # too few rows
    assert not is_tall(x, np.zeros((8, 10_000), "float32"))  # too large a matrix
    assert not is_tall(x, weights.astype("float64"))
    assert not is_tall(x.astype("float16"), weights.astype("float16"))
    assert not is_tall(np.zeros((512, 0), "float32"), np.zeros((0, 4), "float32"))

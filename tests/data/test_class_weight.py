"""Class weights as sample weights."""

import warnings

import numpy as np
import pytest

from npkeras.data.class_weight import ClassWeights


@pytest.mark.parametrize(
    "y",
    [
        [0, 1, 2],
        [[0], [1], [2]],
        [0.0, 1.0, 2.0],
        [[0.9, 0.1, 0], [0, 1, 0], [0.1, 0.2, 0.7]],
    ],
    ids=["whole numbers", "a column", "as floats", "rows of probabilities"],
)
def test_each_sample_has_the_weight_of_its_class(y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weights = ClassWeights({0: 2, np.int64(1): 0.5, 2.0: 0})(np.array(y))
    assert weights.tolist() == [2, 0.5, 0] and weights.dtype == "float32"


@pytest.mark.parametrize("y, missing", [([0, 7, 3], 7), ([-1, 0, 0], -1), ([0, 1.5, 1], 1.5)])
def test_a_class_without_a_weight_counts_one_and_is_said_once(y, missing):
    weigh = ClassWeights({0: 2.0, 1: 4.0})
    with pytest.warns(UserWarning, match=f"lacks a class .*: {missing}. ") as caught:
        first = weigh(np.array(y))
        weigh(np.array(y))
    assert len(caught) == 1
    expected = {0: 2.0, 1: 4.0}
    assert first.tolist() == [expected.get(label, 1.0) for label in y]


def test_no_weights_at_all_are_ones():
    with pytest.warns(UserWarning, match="lacks a class"):
        assert ClassWeights({})(np.arange(3)).tolist() == [1, 1, 1]


@pytest.mark.parametrize("class_weight", [[1, 2], np.ones(3), "balanced"])
def test_weights_come_in_a_dict(class_weight):
    with pytest.raises(TypeError, match="`class_weight` must be a dict"):
        ClassWeights(class_weight)


@pytest.mark.parametrize("key", ["a", -1, 0.5, None, True, 10**9])
def test_keys_are_class_numbers(key):
    with pytest.raises(ValueError, match=f"keys of `class_weight` must be.*Received: {key!r}"):
        ClassWeights({key: 1.0})


@pytest.mark.parametrize("weight", [-1, float("nan"), "a", None])
def test_weights_are_numbers_not_below_zero(weight):
    with pytest.raises(ValueError, match=f"for class 3 must be .*weight={weight!r}"):
        ClassWeights({3: weight})


def test_targets_have_one_class_each():
    with pytest.raises(ValueError, match=r"\(batch, classes\). Received: y of shape \(2, 3, 4\)"):
        ClassWeights({0: 1.0})(np.zeros((2, 3, 4)))

"""What is kept beside arrays lives and dies with them."""

import gc
import weakref

import numpy as np
import pytest

from npkeras.core import attach
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import Traced


@pytest.fixture(autouse=True)
def _no_leak():
    """No test leaves an entry behind for an array that is gone."""
    gc.collect()
    before = len(attach._beside)
    yield
    gc.collect()
    assert len(attach._beside) == before


@pytest.mark.parametrize(
    "make",
    [
        lambda: np.ones(3),
        lambda: np.ones(3)[1:],
        lambda: np.ones(()),
        lambda: Traced(np.ones(3), object()),
        lambda: KerasTensor((2, 3)),
    ],
    ids=["array", "view", "0-d array", "Traced", "KerasTensor"],
)
class TestEachKind:
    def test_what_was_attached_is_there(self, make):
        x = make()
        assert attach.attached(x, "logits") is None
        attach.attach(x, "logits", "these")
        attach.set_mask(x, "that")
        assert attach.attached(x, "logits") == "these"
        assert attach.get_mask(x) == "that"

    def test_the_last_value_counts(self, make):
        x = make()
        attach.set_mask(x, 1)
        attach.set_mask(x, None)
        assert attach.get_mask(x) is None

    def test_another_object_has_nothing(self, make):
        x, other = make(), make()
        attach.set_mask(x, 1)
        assert attach.get_mask(other) is None

    def test_a_value_dies_with_what_it_was_attached_to(self, make):
        x, value = make(), np.ones(4)
        alive = weakref.ref(value)
        attach.set_mask(x, value)
        del value
        gc.collect()
        assert alive() is not None
        del x
        gc.collect()
        assert alive() is None


def test_views_and_copies_have_masks_of_their_own():
    x = np.ones(3)
    attach.set_mask(x, 1)
    assert attach.get_mask(x[:]) is None
    assert attach.get_mask(x.copy()) is None


def test_what_can_carry_nothing_carries_nothing():
    for x in (3.0, np.float32(3), None, [1]):
        attach.set_mask(x, 1)
        assert attach.get_mask(x) is None


def test_a_new_array_at_an_old_address_has_nothing():
    for _ in range(200):
        x = np.ones(3)
        assert attach.get_mask(x) is None
        attach.set_mask(x, True)
        del x


def test_an_array_in_a_cycle_of_garbage_is_forgotten():
    x = np.ones(3)
    cycle = [x]
    cycle.append(cycle)
    attach.set_mask(x, 1)
    del x, cycle  # the fixture sees that nothing is left


def test_a_mask_attached_to_a_mask_goes_with_both():
    x, mask = np.ones(3), np.ones(3, bool)
    attach.set_mask(x, mask)
    attach.set_mask(mask, np.ones(3, bool))

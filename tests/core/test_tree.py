"""Nests: their leaves, their order, and what is rebuilt of them."""

import collections

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.core import tree

Point = collections.namedtuple("Point", "x y")

CASES = {
    "a bare value": 3,
    "None": None,
    "text": "text",
    "a list": [1, [2, None], []],
    "a tuple": (1, (2,), ()),
    "a dict out of order": {"b": 1, "a": [2, None]},
    "an empty dict": {},
    "a namedtuple": Point(1, [2]),
    "an ordered dict": collections.OrderedDict([("b", 1), ("a", 2)]),
    "a default dict": collections.defaultdict(int, {"b": 1, "a": 2}),
    "a deque": collections.deque([1, [2]]),
    "keys of several kinds": {"b": 3, 2: 1, "a": 0, 1: 9},
    "whole numbers as keys": {10: 1, 9: 2},
    "a set, which is a leaf": {1},
    "a range, which is a leaf": range(2),
}


@pytest.mark.parametrize("structure", CASES.values(), ids=CASES.keys())
class TestForms:
    def test_map_keeps_the_form(self, structure):
        again = tree.map(lambda leaf: leaf, structure)
        assert again == structure and type(again) is type(structure)
        if isinstance(structure, dict):
            assert list(again) == list(structure)

    def test_pack_undoes_leaves(self, structure):
        assert tree.pack(structure, tree.leaves(structure)) == structure

    def test_a_nest_has_its_own_form(self, structure):
        assert tree.same(structure, tree.map(lambda leaf: 0, structure))

    @pytest.mark.keras
    def test_leaves_come_in_the_order_of_keras(self, keras, structure):
        assert tree.leaves(structure) == keras.tree.flatten(structure)
        assert tree.is_nested(structure) == keras.tree.is_nested(structure)
        ours = tree.map(lambda leaf: (leaf,), structure)
        assert ours == keras.tree.map_structure(lambda leaf: (leaf,), structure)


nests = st.recursive(
    st.none() | st.integers(0, 9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text("abc", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(nests)
def test_any_nest_comes_back_from_its_leaves(structure):
    leaves = tree.leaves(structure)
    assert tree.pack(structure, leaves) == structure
    numbered = tree.pack(structure, list(range(len(leaves))))
    assert tree.leaves(numbered) == list(range(len(leaves)))


def test_keys_without_any_order_keep_their_own():
    first, second = object(), object()
    assert tree.leaves({second: 1, first: 2}) == [1, 2]


def test_dicts_line_up_by_key():
    pairs = tree.map(lambda a, b: (a, b), {"a": 1, "b": 2}, {"b": 3, "a": 4})
    assert pairs == {"a": (1, 4), "b": (2, 3)}


def test_a_leaf_of_the_first_takes_all_that_is_in_its_place():
    assert tree.map(lambda a, b: (a, b), [1, 2], [3, [4, 5]]) == [(1, 3), (2, [4, 5])]


def test_arrays_are_leaves():
    x = np.arange(3)
    assert tree.leaves([x])[0] is x


@pytest.mark.parametrize(
    "other, received",
    [([3], "list"), ({"a": 1}, "dict"), (3, "int"), ("ab", "str")],
)
def test_map_refuses_another_form(other, received):
    with pytest.raises(ValueError, match=f"expected a list of 2 entries. Received a {received}"):
        tree.map(lambda a, b: a, [1, 2], other)


def test_map_refuses_other_keys():
    with pytest.raises(ValueError, match="the key 'a' is missing"):
        tree.map(lambda a, b: a, {"a": 1}, {"b": 1})


@pytest.mark.parametrize("flat", [[1, 2], [1, 2, 3, 4]])
def test_pack_refuses_another_number_of_values(flat):
    with pytest.raises(ValueError, match=f"pack {len(flat)} values into a structure of 3 leaves"):
        tree.pack({"b": 0, "a": [0, 0]}, flat)


@pytest.mark.parametrize(
    "a, b, alike",
    [
        (1, [], False),
        ([1], [2], True),
        ([1], (2,), True),
        ([1], [2, 3], False),
        ({"a": 1}, {"a": [1]}, False),
        ({"a": 1}, {"b": 1}, False),
        ({"a": 1}, [1], False),
        ({"a": 1, "b": 2}, {"b": 0, "a": 0}, True),
    ],
)
def test_same_compares_forms(a, b, alike):
    assert tree.same(a, b) is alike

"""Nests are taken apart, mapped and compared as Keras does."""

import inspect
import warnings
from collections import OrderedDict, defaultdict, deque, namedtuple

import numpy as np
import pytest

import npkeras
from npkeras import tree

Point = namedtuple("Point", "x y")
Other = namedtuple("Other", "x y")

NESTS = [
    1,
    None,
    "text",
    b"bytes",
    {1},
    range(2),
    [],
    (),
    {},
    [1, 2],
    (1,),
    (None, 3),
    [[[]]],
    {"b": 1, "a": 2},
    {3: 1, 1: 2},
    {"a": 1, 2: 3},
    OrderedDict([("b", 1), ("a", [2])]),
    defaultdict(int, {"z": 1, "c": (2,)}),
    Point(1, [2, 3]),
    deque([1, (2,)]),
    [None, [None]],
    {"a": [1, (2, {"z": 0, "y": None})]},
    {"x": (None, 3), "y": [(1, 2), (3, 4.5)]},
]
PAIRS = [
    (1, 2),
    (1, [1]),
    ([1], 1),
    ([1, 2], [3, 4]),
    ([1, 2], (3, 4)),
    ([1], [1, 2]),
    ({"a": 1}, {"b": 1}),
    ({"a": 1}, OrderedDict(a=1)),
    ({"a": 1, "b": 2}, {"b": 3, "a": 4}),
    (OrderedDict([("a", 1), ("b", 2)]), OrderedDict([("b", 1), ("a", 2)])),
    (defaultdict(int, a=1), {"a": [1]}),
    (Point(1, 2), (1, 2)),
    ((1, 2), Point(1, 2)),
    (Point(1, 2), Point(3, [4])),
    (Point(1, 2), Other(1, 2)),
    (deque([1]), [1]),
    ([], ()),
    ({"a": 1}, ["a"]),
    ([1], None),
    ([1], [None]),
    ((1, 2), {"a": 1, "b": 2}),
    ([1, [2, 3]], [[1, 2], 5]),
    ([1, 2], [None, [None]]),
]
FLAT = [
    (1, [1]),
    (1, []),
    (1, 1),
    ([1, 2], [1]),
    ([1, 2], [1, 2, 3]),
    ([1, 2], np.array([1, 2])),
    ([1, 2], 5),
    ([], []),
    ({"b": 1, "a": (2,)}, (1, 2)),
    ([1, 2], [[3], [4]]),
]


def outcome(function, *args, **kwargs):
    """What a call returns, with its form, or the kind of its error."""
    try:
        result = function(*args, **kwargs)
    except Exception as error:
        return type(error)
    return repr(result)


def doubled(part):
    """Twice a number, the sum of a short list, and nothing for the rest."""
    if isinstance(part, int):
        return part * 2
    return "list" if isinstance(part, list) and len(part) == 1 else None


def alike(keras, name, *args, **kwargs):
    ours, theirs = (getattr(engine.tree, name) for engine in (npkeras, keras))
    assert outcome(ours, *args, **kwargs) == outcome(theirs, *args, **kwargs)


@pytest.mark.keras
@pytest.mark.parametrize("nest", NESTS, ids=repr)
def test_one_nest(keras, nest):
    for name in ("is_nested", "flatten", "flatten_with_path", "lists_to_tuples"):
        alike(keras, name, nest)
    for none_is_leaf in (True, False):
        alike(keras, "map_structure", lambda v: ("m", v), nest, none_is_leaf=none_is_leaf)
    for top_down in (True, False):
        alike(keras, "traverse", doubled, nest, top_down=top_down)
        alike(keras, "traverse", lambda part: None, nest, top_down)
    alike(keras, "map_shape_structure", lambda shape: ("s", shape), nest)
    alike(keras, "pack_sequence_as", nest, list("abcdefgh"[: len(tree.flatten(nest))]))


@pytest.mark.keras
@pytest.mark.parametrize(("a", "b"), PAIRS, ids=repr)
def test_two_nests(keras, a, b):
    alike(keras, "assert_same_structure", a, b)
    alike(keras, "assert_same_paths", a, b)
    for none_is_leaf in (True, False):
        alike(keras, "map_structure", lambda *v: v, a, b, none_is_leaf=none_is_leaf)
    alike(keras, "map_structure_up_to", a, lambda *v: v, b)
    alike(keras, "map_structure_up_to", a, lambda *v: v, a, b)


@pytest.mark.keras
@pytest.mark.parametrize(("nest", "flat"), FLAT, ids=repr)
def test_packing(keras, nest, flat):
    alike(keras, "pack_sequence_as", nest, flat)


@pytest.mark.keras
def test_parts_are_visited_in_the_order_of_keras(keras):
    nest = {"b": [1, 2], "a": Point(3, (4,))}
    for top_down in (True, False):
        ours, theirs = [], []
        tree.traverse(lambda part, seen=ours: seen.append(repr(part)), nest, top_down)
        keras.tree.traverse(lambda part, seen=theirs: seen.append(repr(part)), nest, top_down)
        assert ours == theirs


@pytest.mark.keras
def test_none_for_a_part(keras):
    for engine in (npkeras, keras):
        answers = {1: engine.tree.MAP_TO_NONE, (2,): engine.tree.MAP_TO_NONE}
        for top_down in (True, False):
            done = engine.tree.traverse(
                lambda part, answers=answers: answers.get(part),
                (1, (3, (2,))),
                top_down,
            )
            assert done == (None, (3, None))


@pytest.mark.keras
def test_arguments_have_the_names_of_keras(keras):
    for name in tree.__all__:
        if inspect.isfunction(getattr(tree, name)):
            ours, theirs = (
                list(inspect.signature(getattr(engine.tree, name)).parameters)
                for engine in (npkeras, keras)
            )
            assert ours == theirs, name


def test_where_structures_differ_is_said():
    with pytest.raises(ValueError, match=r"differ at \['a'\]\[1\]: expected a list. Received: 5"):
        tree.assert_same_structure({"a": [1, [2]]}, {"a": [1, 5]})
    with pytest.raises(
        ValueError, match=r"Only in the first: \[\(1,\)\]. Only in the second: \[\]"
    ):
        tree.assert_same_paths([1, 2], [1])
    with pytest.raises(ValueError, match="length 1. Received"):
        tree.map_structure(max, [1], [1, 2])
    with pytest.raises(TypeError, match="`func` of traverse must be a function. Received: func=1"):
        tree.traverse(1, [1])
    with pytest.raises(ValueError, match="map_structure expects at least one structure"):
        tree.map_structure(max)


def test_an_argument_without_effect_makes_a_warning():
    with pytest.warns(DeprecationWarning, match="`check_types`.*assert_same_paths"):
        tree.assert_same_structure([1], [2], check_types=False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree.assert_same_structure([1], [2])


def test_what_differs_from_keras_on_purpose():
    """Keras takes None in the shallow structure for another form, and subclasses for leaves."""
    assert tree.map_structure_up_to([None], lambda part: part, [[1]]) == [[1]]
    assert tree.flatten(type("Mine", (list,), {})([1, 2])) == [1, 2]

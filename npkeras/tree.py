"""`npkeras.tree`: nests of lists, tuples and dicts, taken apart and put together again.

Lists, tuples (with names or without), deques and dicts are nests; all else, None too, is a leaf.
The entries of a dict are walked in the order of their sorted keys, those of an `OrderedDict` in
its own order.
"""

import warnings

from npkeras.core import check, tree
from npkeras.core.tree import is_nested

__all__ = [
    "MAP_TO_NONE",
    "assert_same_paths",
    "assert_same_structure",
    "flatten",
    "flatten_with_path",
    "is_nested",
    "lists_to_tuples",
    "map_shape_structure",
    "map_structure",
    "map_structure_up_to",
    "pack_sequence_as",
    "traverse",
]


class MAP_TO_NONE:
    """What the function given to `traverse` returns to put None in the place of something."""


def flatten(structure):
    """The leaves of a nest in a list. A bare value is its own only leaf.

    Example:
        >>> flatten({"b": 1, "a": [2, (3,)]})
        [2, 3, 1]
    """
    return tree.leaves(structure)


def flatten_with_path(structure):
    """The leaves of a nest, each in a pair with the keys and indices that lead to it.

    Example:
        >>> flatten_with_path({"b": 1, "a": [2, (3,)]})
        [(('a', 0), 2), (('a', 1, 0), 3), (('b',), 1)]
    """
    return list(_walk(structure, ()))


def _walk(structure, path):
    if not is_nested(structure):
        yield path, structure
        return
    for key, item in _entries(structure):
        yield from _walk(item, (*path, key))


def _entries(nest):
    """Pairs of a key or an index and what is there."""
    held = tree.items(nest)
    names = tree.keys(nest) if isinstance(nest, dict) else range(len(held))
    return zip(names, held, strict=True)


def map_structure(func, *structures, none_is_leaf=True):
    """A nest of the same form with `func(leaf, ...)` in place of each leaf.

    Args:
        func: Called with one leaf of each structure.
        structures: One nest or several of the same form.
        none_is_leaf: Whether `func` is also called for None. Otherwise None stays where it is.

    Raises:
        ValueError: If the structures differ in form.

    Example:
        >>> map_structure(lambda a, b: a + b, {"x": [1, 2]}, {"x": [3, 4]})
        {'x': [4, 6]}
    """
    _check_call(func, structures, "map_structure")
    first, *others = structures
    for other in others:
        _expect_like(first, other, none_is_leaf=none_is_leaf)
    if none_is_leaf:
        return tree.map(func, *structures)
    return tree.map(lambda *leaves: None if leaves[0] is None else func(*leaves), *structures)


def map_structure_up_to(shallow_structure, func, *structures):
    """A nest like `shallow_structure` with `func(part, ...)` in place of each of its leaves.

    What the structures hold where the shallow one has a leaf is passed whole.

    Example:
        >>> map_structure_up_to(["a", "b"], len, [[1, 2, 3], (4,)])
        [3, 1]
    """
    _check_call(func, structures, "map_structure_up_to")
    for structure in structures:
        _expect_like(shallow_structure, structure, shallow=True)
    return tree.map(lambda _, *parts: func(*parts), shallow_structure, *structures)


def map_shape_structure(func, structure):
    """A nest of shapes with `func(shape)` in place of each shape.

    A shape is a list or tuple with nothing but whole numbers and None.

    Example:
        >>> map_shape_structure(len, {"x": (None, 3), "y": [(1, 2), (3,)]})
        {'x': 2, 'y': [2, 1]}
    """
    _check_call(func, [structure], "map_shape_structure")
    if _is_shape(structure) or not is_nested(structure):
        return func(structure)
    mapped = [map_shape_structure(func, item) for item in tree.items(structure)]
    return tree.rebuild(structure, mapped)


def _is_shape(value):
    return isinstance(value, (list, tuple)) and all(n is None or isinstance(n, int) for n in value)


def pack_sequence_as(structure, flat_sequence):
    """A nest of the same form, with its leaves taken from a flat list: `flatten` undone.

    Example:
        >>> pack_sequence_as({"b": 0, "a": [0, 0]}, [1, 2, 3])
        {'b': 3, 'a': [1, 2]}
    """
    try:
        flat = list(flat_sequence)
    except TypeError as error:
        raise TypeError(
            "`flat_sequence` of pack_sequence_as must be a list or the like. "
            f"Received: flat_sequence={check.shown(flat_sequence)}"
        ) from error
    return tree.pack(structure, flat)


def traverse(func, structure, top_down=True):
    """A copy of a nest in which `func` may replace every leaf and every nest within.

    Args:
        func: Called with each part: with the whole nest and all that is in it. It returns what
            takes the part's place, None to leave it (and to go on within it), or `MAP_TO_NONE`
            for None.
        structure: The nest.
        top_down: Whether a nest is visited before what is in it, or after.

    Example:
        >>> traverse(lambda part: sum(part) if isinstance(part, tuple) else None, [1, (2, 3)])
        [1, 5]
    """
    _check_call(func, [structure], "traverse")
    if not is_nested(structure):
        return _visited(func, structure)
    if top_down:
        answer = func(structure)
        if answer is not None:
            return None if answer is MAP_TO_NONE else answer
    held = [traverse(func, item, top_down) for item in tree.items(structure)]
    nest = tree.rebuild(structure, held)
    return nest if top_down else _visited(func, nest)


def _visited(func, part):
    answer = func(part)
    if answer is None:
        return part
    return None if answer is MAP_TO_NONE else answer


def lists_to_tuples(structure):
    """The same nest with a tuple in place of each list.

    Example:
        >>> lists_to_tuples({"x": [1, [2]]})
        {'x': (1, (2,))}
    """
    return traverse(
        lambda part: tuple(part) if isinstance(part, list) else None, structure, top_down=False
    )


def assert_same_structure(a, b, check_types=None):
    """Raise a ValueError unless two nests have the same form and the same kinds of nests.

    Kinds of dicts are one kind. `check_types` is taken for Keras' sake and changes nothing; for
    lists to agree with tuples use `assert_same_paths`.
    """
    if check_types is not None:
        warnings.warn(
            "`check_types` of assert_same_structure changes nothing: leave it out. "
            "Lists and tuples agree in `assert_same_paths`.",
            DeprecationWarning,
            stacklevel=2,
        )
    _expect_like(a, b)


def assert_same_paths(a, b):
    """Raise a ValueError unless the same keys and indices lead to the leaves of both nests."""
    mine, others = ({path for path, _ in flatten_with_path(nest)} for nest in (a, b))
    if mine != others:
        raise ValueError(
            "The leaves of the two structures are in different places. "
            f"Only in the first: {sorted(mine - others, key=str)}. "
            f"Only in the second: {sorted(others - mine, key=str)}."
        )


def _expect_like(nest, other, path=(), *, shallow=False, none_is_leaf=True):
    """Refuse what has another form, saying where; with `shallow`, a leaf fits anything."""
    if nest is None and not none_is_leaf and other is not None:
        _differ(path, "None", other)
    if not is_nested(nest):
        absent = other is None and nest is not None and not none_is_leaf
        if absent or is_nested(other) and not shallow:
            _differ(path, "a leaf", other)
        return
    if _kind(nest) is not _kind(other):
        _differ(path, f"a {type(nest).__name__}", other)
    if isinstance(nest, dict):
        if set(nest) != set(other):
            _differ(path, f"a dict with the keys {tree.keys(nest)}", other)
    elif len(nest) != len(other):
        _differ(path, f"a {type(nest).__name__} of length {len(nest)}", other)
    for key, item in _entries(nest):
        _expect_like(item, other[key], (*path, key), shallow=shallow, none_is_leaf=none_is_leaf)


def _kind(value):
    return dict if isinstance(value, dict) else type(value)


def _differ(path, expected, received):
    where = "".join(f"[{key!r}]" for key in path)
    raise ValueError(
        f"The structures differ{' at ' + where if where else ''}: expected {expected}. "
        f"Received: {check.shown(received)}"
    )


def _check_call(func, structures, owner):
    if not callable(func):
        raise TypeError(f"`func` of {owner} must be a function. Received: func={check.shown(func)}")
    if not structures:
        raise ValueError(f"{owner} expects at least one structure after `func`.")

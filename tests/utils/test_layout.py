"""The layout of diagrams: nothing overlaps, whatever the graph."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.utils.diagram import Box, Group
from npkeras.utils.layout import arrange

TITLE = (40.0, 20.0)
TINY = 1e-6


@st.composite
def diagrams(draw):
    """A group of boxes and groups, up to three deep, with arrows at random, also backwards."""
    boxes = []

    def group(path, depth):
        items = []
        for i in range(draw(st.integers(1, 5 - depth))):
            below = (*path, f"n{i}")
            if depth < 3 and draw(st.integers(0, 3)) == 0:
                items.append(group(below, depth + 1))
            else:
                items.append(Box(below, below[-1], "Layer", "layer", []))
                boxes.append(items[-1])
        return Group(path, items, ([], []))

    outermost = group((), 0)
    some = st.sampled_from([box.path for box in boxes])
    arrows = draw(st.lists(st.tuples(some, some), max_size=12, unique=True))
    sizes = {box.path: (draw(st.floats(20, 200)), draw(st.floats(20, 90))) for box in boxes}
    return outermost, arrows, sizes


def laid_out(diagram, beside=True):
    group, arrows, sizes = diagram
    return arrange(group, arrows, lambda box: sizes[box.path], lambda group: (TITLE, beside))


def rectangle(points):
    """The corners of the smallest rectangle around points; curves are within it, too."""
    across, along = zip(*points, strict=True)
    return min(across), min(along), max(across), max(along)


def halfway(points):
    """The middle of a curve, where those that turn around reach farthest."""
    weights = (1, 3, 3, 1) if len(points) == 4 else (1, 1)
    return tuple(
        sum(w * p[axis] for w, p in zip(weights, points, strict=True)) / sum(weights)
        for axis in (0, 1)
    )


def corners(entry):
    _, across, along, width, height = entry
    return across, along, across + width, along + height


def overlap(one, other):
    return (
        one[0] < other[2] - TINY
        and other[0] < one[2] - TINY
        and one[1] < other[3] - TINY
        and other[1] < one[3] - TINY
    )


def is_within(inner, outer):
    return all(a >= b - TINY for a, b in zip(inner[:2], outer[:2], strict=True)) and all(
        a <= b + TINY for a, b in zip(inner[2:], outer[2:], strict=True)
    )


@pytest.mark.parametrize("beside", [True, False])
@settings(max_examples=150, deadline=None)
@given(diagram=diagrams())
def test_nothing_overlaps(beside, diagram):
    placed = laid_out(diagram, beside)
    page = (0.0, 0.0, placed.width, placed.height)
    things = placed.boxes + placed.frames
    assert len(placed.boxes) == len(diagram[2])
    for one, other in itertools.combinations(things, 2):
        a, b = one[0].path, other[0].path
        if a == b[: len(a)]:
            assert is_within(corners(other), corners(one))
        elif b == a[: len(b)]:
            assert is_within(corners(one), corners(other))
        else:
            assert not overlap(corners(one), corners(other))
    for thing in things:
        assert is_within(corners(thing), page)


@pytest.mark.parametrize("beside", [True, False])
@settings(max_examples=150, deadline=None)
@given(diagram=diagrams())
def test_lines_go_around_boxes_and_titles(beside, diagram):
    placed = laid_out(diagram, beside)
    boxes = list(map(corners, placed.boxes))
    titles = [
        (a + 10, d, a + 10 + TITLE[0], d + TITLE[1]) for _, a, d, *_ in placed.frames if beside
    ]
    for points, _, _ in placed.lines:
        assert is_within(halfway(points) * 2, (0.0, 0.0, placed.width, placed.height))
        around = rectangle(points)
        wide = (around[0] - 0.5, around[1], around[2] + 0.5, around[3])  # lines have a width
        for box in boxes:
            assert not overlap(wide, box)
        if len(points) == 2 and points[0][0] == points[1][0]:
            assert not any(overlap(wide, title) for title in titles)


def ends_meet(placed, source, target):
    """Whether lines lead from the lower side of one box to the upper side of the other."""
    where = {item.path: (a, d, w, h) for item, a, d, w, h in placed.boxes}
    a, d, w, h = where[source]
    reached, waiting = set(), [(a + w / 2, d + h)]
    following = {}
    for points, _, _ in placed.lines:
        first, last = ((round(x, 4), round(y, 4)) for x, y in (points[0], points[-1]))
        following.setdefault(first, []).append(last)
    while waiting:
        x, y = waiting.pop()
        point = round(x, 4), round(y, 4)
        if point not in reached:
            reached.add(point)
            waiting += following.get(point, [])
    a, d, w, h = where[target]
    return any(abs(x - a - w / 2) < 1e-3 and abs(y - d) < 1e-3 for x, y in reached)


@settings(max_examples=150, deadline=None)
@given(diagram=diagrams())
def test_every_arrow_is_a_line_without_breaks(diagram):
    placed = laid_out(diagram)
    for source, target in diagram[1]:
        assert ends_meet(placed, source, target)
    with_heads = {(round(p[-1][0], 4), round(p[-1][1], 4)) for p, _, head in placed.lines if head}
    assert len(with_heads) == len({target for _, target in diagram[1]})


def chain(*lengths):
    items = [Box((f"n{i}",), "", "", "layer", []) for i in range(len(lengths))]
    arrows = [(a.path, b.path) for a, b in zip(items, items[1:], strict=False)]
    return Group((), items, ([], [])), arrows, {b.path: n for b, n in zip(items, lengths)}  # noqa: B905


def test_a_chain_is_a_straight_line():
    placed = laid_out(chain((50, 20), (120, 40), (30, 20)))
    middles = {round(across + width / 2, 3) for _, across, _, width, _ in placed.boxes}
    assert len(middles) == 1
    tops = [along for _, _, along, _, _ in placed.boxes]
    assert tops == sorted(tops) and placed.width == 120


def test_an_input_stands_close_to_what_needs_it():
    group, arrows, sizes = chain(*[(50, 20)] * 4)
    late = Box(("late",), "", "", "input", [])
    group.items.insert(0, late)
    arrows.append((late.path, ("n3",)))
    sizes[late.path] = (50, 20)
    along = {item.path: d for item, _, d, _, _ in laid_out((group, arrows, sizes)).boxes}
    assert along["late",] == along["n2",]

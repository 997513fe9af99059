"""Where the boxes of a diagram go: in ranks, groups within frames, arrows around boxes.

Positions are pairs `(across, along)`: `along` is the direction in which the arrows run. A group is
laid out on its own, then it is one large item of the group around it. In each group

1. an item's rank is one more than that of any item before it; an arrow back to an earlier item
   (a layer that is called again) does not count;
2. an arrow that passes ranks by gets a lane in each of them, a narrow place that holds no box;
3. places within a rank are ordered by where their neighbours are, and moved towards these.

Source:
    Sugiyama et al., "Methods for visual understanding of hierarchical system structures" (1981).
"""

from __future__ import annotations

from npkeras.utils.diagram import Box, Group

GAP = 36.0  # between two ranks
SPACE = 22.0  # between two places in a rank
LANE = 8.0  # how wide a lane is
PAD = 16.0  # between a frame and what is in it
_SWEEPS = 8


class Placed:
    """A group with everything in it at its place.

    `boxes` and `frames` hold `(item, across, along, width, height)`, from the lesser corner;
    `lines` paths `(points, curved, ends_in_box)`; `entries` and `exits` where lines cross the
    frame, by the path of the box that they lead to or come from.
    """

    def __init__(self):
        self.width = self.height = 0.0
        self.boxes, self.frames, self.lines = [], [], []
        self.entries, self.exits = {}, {}


class _Place:
    """A place in a rank, for an item or a lane; `at` is its middle."""

    def __init__(self, rank, width, height, item=None, within=None):
        self.rank, self.width, self.height, self.at = rank, width, height, 0.0
        self.item, self.within = item, within
        self.before, self.after = [], []  # pairs (other place, how far apart the middles should be)

    def port(self, ports, path):
        """How far from the middle a line ends."""
        return 0.0 if self.within is None else getattr(self.within, ports)[path] - self.width / 2


def arrange(group, arrows, size_of, title_of):
    """Lay out a diagram.

    Args:
        group: The outermost group.
        arrows: Pairs of paths of boxes.
        size_of: Gives the size of a box, `(across, along)`.
        title_of: Gives the room of a group's title: a size, and whether it is beside the lines
            that enter the frame (True), or before the contents in the direction across.
    """
    return _Level(group, arrows, size_of, title_of).placed


class _Level:
    def __init__(self, group, links, size_of, title_of):
        self.group, self.size_of, self.title_of = group, size_of, title_of
        self.forward, self.back, self.entering, self.leaving = [], [], [], []
        self.lanes = {}  # (path, whether a lane to it, rank) -> place
        within = self._sort(links)
        self.places = {path: self._place(item, within[path]) for path, item in self.items.items()}
        self._rank()
        self._join()
        self._order()
        self._move()
        self.placed = Placed()
        self._put()

    def _sort(self, links):
        """Tell the links of this level apart; what concerns the groups within, by their paths."""
        depth = len(self.group.path) + 1
        self.items = {item.path: item for item in self.group.items}
        position = {path: i for i, path in enumerate(self.items)}
        within = {path: {} for path in self.items}
        for source, target in links:
            u = source and source[:depth]
            v = target and target[:depth]
            if u == v and isinstance(self.items[u], Group):
                within[u][source, target] = True
                continue
            if u:
                within[u][source, None] = True
            if v:
                within[v][None, target] = True
            if not u:
                self.entering.append((v, target))
            elif not v:
                self.leaving.append((u, source))
            elif position[u] < position[v]:
                self.forward.append((u, source, v, target))
            else:
                self.back.append((u, source, v, target))
        return within

    def _place(self, item, links):
        if isinstance(item, Box):
            return _Place(0, *self.size_of(item), item)
        placed = _Level(item, list(links), self.size_of, self.title_of).placed
        return _Place(0, placed.width, placed.height, item, placed)

    def _rank(self):
        sources, targets = {}, {}
        for u, _, v, _ in self.forward:
            sources.setdefault(v, []).append(self.places[u])
            targets.setdefault(u, []).append(self.places[v])
        for path, place in self.places.items():
            place.rank = max([other.rank + 1 for other in sources.get(path, [])], default=0)
        for path, place in self.places.items():
            if path not in sources and path in targets:  # close to what needs it
                place.rank = min(other.rank for other in targets[path]) - 1
        lowest = min((place.rank for place in self.places.values()), default=0)
        for place in self.places.values():
            place.rank -= lowest
        self.last = max((place.rank for place in self.places.values()), default=0)

    def _join(self):
        """Make the lanes; note which places are neighbours, and the hops between them."""
        self.hops, self.ins, self.outs = {}, {}, {}
        for u, source, v, target in self.forward:
            start, end = self.places[u], self.places[v]
            lanes = [self._lane(source, False, r) for r in range(start.rank + 1, end.rank)]
            self._hop([start, *lanes, end], source, target)
        for v, target in self.entering:
            end = self.places[v]
            lanes = [self._lane(target, True, r) for r in range(end.rank)]
            self._hop([*lanes, end], None, target)
            self.ins[target] = (lanes or [end])[0]
        for u, source in self.leaving:
            start = self.places[u]
            lanes = [self._lane(source, False, r) for r in range(start.rank + 1, self.last + 1)]
            self._hop([start, *lanes], source, None)
            self.outs[source] = (lanes or [start])[-1]
        for one, source, other, target in self.hops:
            apart = one.port("exits", source) - other.port("entries", target)
            one.after.append((other, -apart))
            other.before.append((one, apart))

    def _lane(self, path, towards, rank):
        key = (path, towards, rank)
        if key not in self.lanes:
            self.lanes[key] = _Place(rank, LANE, 0.0)
        return self.lanes[key]

    def _hop(self, chain, source, target):
        for one, other in zip(chain, chain[1:], strict=False):
            self.hops[one, source, other, target if other.item is not None else None] = True

    def _order(self):
        self.ranks = [[] for _ in range(self.last + 1)]
        for place in [*self.places.values(), *self.lanes.values()]:
            self.ranks[place.rank].append(place)
        for sweep in range(_SWEEPS):
            for rank in self.ranks:
                for i, place in enumerate(rank):
                    place.at = (i + 0.5) / len(rank)
            down = sweep % 2 == 0
            for rank in self.ranks if down else self.ranks[::-1]:
                keys = {}
                for place in rank:
                    others = [other.at for other, _ in (place.before if down else place.after)]
                    keys[place] = sum(others) / len(others) if others else place.at
                rank.sort(key=keys.__getitem__)
                for i, place in enumerate(rank):
                    place.at = (i + 0.5) / len(rank)

    def _move(self):
        for rank in self.ranks:
            for place in rank:
                place.at = 0.0
            _settle(rank, [0.0] * len(rank))
        for sweep in range(_SWEEPS + 1):
            down = sweep % 2 == 0
            for rank in self.ranks if down else self.ranks[::-1]:
                wanted = []
                for place in rank:
                    near = place.before if down else place.after
                    places = [other.at + apart for other, apart in near]
                    wanted.append(sum(places) / len(places) if places else place.at)
                _settle(rank, wanted)

    def _put(self):
        """Turn ranks and orders into positions, from the corner of the frame on."""
        placed, framed = self.placed, bool(self.group.path)
        everything = [place for rank in self.ranks for place in rank]
        left = min((p.at - p.width / 2 for p in everything), default=0.0)
        right = max((p.at + p.width / 2 for p in everything), default=0.0)
        right += (SPACE - LANE) * bool(self.back) + LANE * len(self.back)
        turn = GAP / 2 if self.back else 0.0
        before, top = (PAD, PAD) if framed else (0.0, 0.0)
        placed.width, placed.height = right - left + 2 * before, 2 * (top + turn)
        if framed:
            before, top = self._room_for_title(before, top, left)
        for place in everything:
            place.at += before - left
        top += turn
        self.begins, self.ends = [], []
        for i, rank in enumerate(self.ranks):
            height = max((place.height for place in rank), default=0.0)
            self.begins.append(top)
            self.ends.append(top + height)
            placed.height += height + (GAP if i else 0.0)
            top += height + GAP
        self._draw(before - left + right)

    def _room_for_title(self, before, top, left):
        (width, height), beside = self.title_of(self.group)
        placed = self.placed
        if beside:  # no line may cross it: the contents move aside
            ports = [p.at + p.port("entries", path) for path, p in self.ins.items()]
            ports += [p.at + p.port("exits", path) for path, p in self.outs.items()]
            aside = max([0.0] + [width + 2 * PAD - (port - left + before) for port in ports])
            placed.width = max(placed.width + aside, width + 2 * PAD)
            placed.height += height
            return before + aside, top + height
        placed.width += width
        placed.height = max(placed.height, height + 2 * PAD)
        return before + width, top

    def _draw(self, right):
        placed = self.placed
        for place in self.places.values():
            self._draw_item(place)
        for one, source, other, target in self.hops:
            a, b = self._from(one, source), self._to(other, target)
            start, end = self.ends[one.rank], self.begins[other.rank]
            self._line([a, (a[0], start)])
            is_box = isinstance(other.item, Box)
            straight = b[1] > end
            self._line([(a[0], start), (b[0], end)], True, is_box and not straight)
            self._line([(b[0], end), b], False, is_box)
        for path, place in self.ins.items():
            end = self._to(place, path)
            placed.entries[path] = end[0]
            self._line([(end[0], 0.0), end], False, isinstance(place.item, Box))
        for path, place in self.outs.items():
            start = self._from(place, path)
            placed.exits[path] = start[0]
            self._line([start, (start[0], placed.height)])
        for i, (u, source, v, target) in enumerate(self.back):
            self._draw_back(u, source, v, target, right - LANE * i - LANE / 2)

    def _draw_item(self, place):
        placed, within = self.placed, place.within
        left, top = place.at - place.width / 2, self._top(place)
        if within is None:
            placed.boxes.append((place.item, left, top, place.width, place.height))
            return
        placed.frames.append((place.item, left, top, place.width, place.height))
        for inner, outer in [(within.boxes, placed.boxes), (within.frames, placed.frames)]:
            outer += [(item, left + a, top + d, *size) for item, a, d, *size in inner]
        for points, curved, ends in within.lines:
            placed.lines.append(([(left + a, top + d) for a, d in points], curved, ends))

    def _draw_back(self, u, source, v, target, column):
        one, other = self.places[u], self.places[v]
        a, b = self._from(one, source), self._to(other, target)
        start, end, turn = self.ends[one.rank], self.begins[other.rank], GAP * 0.6
        is_box, straight = isinstance(other.item, Box), b[1] > end
        self._line([a, (a[0], start)])
        around = [(a[0], start + turn), (column, start + turn), (column, start)]
        self._line([(a[0], start), *around], True)
        self._line([(column, start), (column, end)])
        around = [(column, end - turn), (b[0], end - turn), (b[0], end)]
        self._line([(column, end), *around], True, is_box and not straight)
        self._line([(b[0], end), b], False, is_box)

    def _line(self, points, curved=False, ends_in_box=False):
        if points[0] != points[-1]:
            self.placed.lines.append((points, curved, ends_in_box))

    def _top(self, place):
        begin, end = self.begins[place.rank], self.ends[place.rank]
        room = end - begin - place.height
        return begin if place.item is None or room < 1e-6 else begin + room / 2

    def _from(self, place, path):
        across = place.at + place.port("exits", path)
        return across, self._top(place) + place.height  # a lane is drawn by the hop that leaves it

    def _to(self, place, path):
        return place.at + place.port("entries", path), self._top(place)


def _settle(rank, wanted):
    """Move the places of a rank as near as can be to where they want to be, in order and apart.

    Least squares: places that want to overlap are joined into a block, which goes to its mean.
    """
    offset, offsets = 0.0, []
    for i, place in enumerate(rank):
        if i:
            offset += (rank[i - 1].width + place.width) / 2 + SPACE
        offsets.append(offset)
    blocks = []  # (sum of what is wanted, how many)
    for want, offset in zip(wanted, offsets, strict=True):
        total, count = want - offset, 1
        while blocks and blocks[-1][0] * count >= total * blocks[-1][1]:
            other, others = blocks.pop()
            total, count = total + other, count + others
        blocks.append((total, count))
    means = [total / count for total, count in blocks for _ in range(count)]
    for place, mean, offset in zip(rank, means, offsets, strict=True):
        place.at = mean + offset

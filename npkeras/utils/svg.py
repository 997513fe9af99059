"""Diagrams as SVG, drawn without any other program."""

from __future__ import annotations

import unicodedata

from npkeras.utils.dot import COLORS, escaped
from npkeras.utils.layout import PAD, arrange

_LINE = 20.0  # the height of a row of text
_INDENT = 10.0  # beside a text
_MARGIN = 12.0  # around the picture
_STYLE = """text { font: 13px Helvetica, Arial, sans-serif; fill: #1f2933; }
.name { font-weight: bold; }
.label, .title { fill: #5f6b78; }
.line { fill: none; stroke: #5f6b78; stroke-width: 1.4; }
.box { fill: white; stroke: #7b8794; }
.frame { fill: #7b8794; fill-opacity: 0.06; stroke: #7b8794; stroke-dasharray: 5 4; }"""


def svg_text(group, arrows, rankdir, title):
    """The text of an SVG file.

    Args:
        group: The outermost group of a diagram.
        arrows: Its arrows.
        rankdir: "TB", "LR", "BT" or "RL": which way the arrows run.
        title: What the picture is of.
    """
    picture = _Picture(rankdir)
    return picture.text(arrange(group, arrows, picture.size_of, picture.title_of), title)


class _Picture:
    def __init__(self, rankdir):
        self.sideways = rankdir in ("LR", "RL")
        self.turned = rankdir in ("BT", "RL")

    def size_of(self, box):
        width = _width(_headline(box)) * 1.08 + 2 * _INDENT  # bold
        labels, values = _columns(box)
        width = max(width, labels + values + 3 * _INDENT if box.facts else 0.0)
        height = _LINE * (1 + len(box.facts)) + _INDENT + (_INDENT if box.facts else 0.0)
        return (height, width) if self.sideways else (width, height)

    def title_of(self, group):
        width = _width(group.name)
        return ((_LINE, width) if self.sideways else (width, _LINE)), not self.sideways

    def text(self, placed, title):
        self.length = placed.height  # along the arrows
        width, height = placed.width, placed.height
        if self.sideways:
            width, height = height, width
        width, height = width + 2 * _MARGIN, height + 2 * _MARGIN
        size = f'width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.1f} {height:.1f}"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{escaped(title)}</title>",
            f"<style>{_STYLE}</style>",
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9.5" refY="5" markerWidth="8" '
            'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
            '<path d="M0 0.5 L10 5 L0 9.5 z" fill="#5f6b78"/></marker></defs>',
            f'<rect width="{width:.1f}" height="{height:.1f}" fill="white"/>',
            f'<g transform="translate({_MARGIN:.0f} {_MARGIN:.0f})">',
        ]
        for frame in placed.frames:
            lines += self._frame(*frame)
        lines += list(dict.fromkeys(self._path(*line) for line in placed.lines))
        for box in placed.boxes:
            lines += self._box(*box)
        return "\n".join([*lines, "</g>", "</svg>", ""])

    def _point(self, across, along):
        along = self.length - along if self.turned else along
        return (along, across) if self.sideways else (across, along)

    def _corner(self, across, along, width, height):
        """The upper left corner, and the size, on the page."""
        x, y = self._point(across, along + height if self.turned else along)
        return (x, y, height, width) if self.sideways else (x, y, width, height)

    def _frame(self, group, *where):
        x, y, width, height = self._corner(*where)
        yield f'<rect class="frame" {_rectangle(x, y, width, height)} rx="6"/>'
        below = self.turned and not self.sideways
        baseline = y + height - 10 if below else y + PAD / 2 + 13
        yield _text("title", x + _INDENT, baseline, group.name)

    def _box(self, box, *where):
        x, y, width, height = self._corner(*where)
        head = _LINE + _INDENT
        yield f'<g class="{box.sort}">'
        yield f'<rect class="box" {_rectangle(x, y, width, height)} rx="4"/>'
        yield f'<rect {_rectangle(x + 1, y + 1, width - 2, head - 2)} rx="3" {_fill(box)}/>'
        kind = f'<tspan class="label"> ({escaped(box.kind)})</tspan>' if box.name else ""
        name = f'<tspan class="name">{escaped(box.name or box.kind)}</tspan>{kind}'
        yield f'<text x="{x + _INDENT:.1f}" y="{y + 19.5:.1f}">{name}</text>'
        labels, _ = _columns(box)
        for i, (label, value) in enumerate(box.facts):
            baseline = y + head + _INDENT / 2 + _LINE * i + 14.5
            yield _text("label", x + _INDENT, baseline, label)
            yield _text("value", x + labels + 2 * _INDENT, baseline, value)
        yield "</g>"

    def _path(self, points, curved, ends_in_box):
        points = [self._point(*point) for point in points]
        if curved and len(points) == 2:  # an S that leaves and arrives in the direction of flow
            (x, y), (u, v) = points
            half = ((x + u) / 2, (y + v) / 2)
            first, second = ((half[0], y), (half[0], v))
            if not self.sideways:
                first, second = (x, half[1]), (u, half[1])
            points = [points[0], first, second, points[1]]
        texts = [f"{x:.1f} {y:.1f}" for x, y in points]
        way = f"M{texts[0]} {'C' if curved else 'L'}{', '.join(texts[1:])}"
        head = ' marker-end="url(#head)"' if ends_in_box else ""
        return f'<path class="line" d="{way}"{head}/>'


def _headline(box):
    return f"{box.name} ({box.kind})" if box.name else box.kind


def _columns(box):
    """The widths of the labels and the values."""
    return [max([_width(fact[i]) for fact in box.facts], default=0.0) for i in (0, 1)]


def _width(text):
    """How wide a text is at most, roughly, in the fonts that browsers take."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return 7.9 * (len(text) - wide) + 14.0 * wide


def _rectangle(x, y, width, height):
    return f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'


def _fill(box):
    return f'fill="{COLORS[box.sort]}"'


def _text(kind, x, y, text):
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escaped(text)}</text>'

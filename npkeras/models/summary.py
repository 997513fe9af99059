"""The table of a model's layers."""

import math
import re
import shutil

import numpy as np

from npkeras.core import tree
from npkeras.layers.base import Layer

_WIDEST = 88  # columns, where the terminal is as wide
_COLUMNS = (  # heading, how texts are put into the cell, where the column ends
    ("Layer (type)", str.ljust, 0.45, 0.4),
    ("Output Shape", str.ljust, 0.8, 0.72),
    ("Param #", str.rjust, 1.0, 0.9),
    ("Trainable", lambda text, width: f"{' ' * ((width - len(text)) // 2)}{text}", None, 1.0),
)


def print_summary(
    model,
    line_length=None,
    positions=None,
    print_fn=None,
    expand_nested=False,
    show_trainable=False,
    layer_range=None,
):
    """Print the table of layers, then the totals. The arguments are those of `Model.summary`."""
    columns = _COLUMNS if show_trainable else _COLUMNS[:3]
    if line_length is None:
        widest = _WIDEST + (12 if show_trainable else 0)
        line_length = min(widest, shutil.get_terminal_size().columns - 4)
    if positions is None:
        positions = [column[3 if show_trainable else 2] for column in columns]
    widths = _widths(line_length, positions, len(columns))
    rows = [
        row[: len(columns)]
        for layer in _in_range(model.layers, layer_range)
        for row in _rows(layer, expand_nested, 0)
    ]
    table = _table(columns, rows, widths)
    (print_fn or print)("\n".join([f'Model: "{model.name}"', table, *_totals(model), ""]))


def _widths(line_length, positions, count):
    """The widths of the columns, with a space on either side, for a table of a given width.

    Where the ends of the columns leave no room for the lines between them, each column gives
    up as much as the others; what is left over is shared out in proportion to the widths.
    """
    if len(positions) < count:
        raise ValueError(
            f"`positions` must have {count} entries, one for each column. "
            f"Received: positions={positions}"
        )
    inner = line_length - count - 1
    ends = [0, *(int(position * line_length) for position in positions[:count])]
    widths = [min(ends[i + 1] - ends[i] + 2, inner) for i in range(count)]
    surplus = sum(widths) - inner
    if surplus > 0:
        for i, width in enumerate(widths):
            less = min(width, round(surplus / (count - i)))
            widths[i], surplus = width - less, surplus - less
    else:
        total = sum(widths)
        for i, width in enumerate(widths):
            more = math.ceil(-surplus * width / total) if total else 0
            widths[i], surplus, total = width + more, surplus + more, total - width
    if min(widths) < 3:
        raise ValueError(
            f"A table of width {line_length} with columns that end at {positions} has no room for "
            "its texts. Make `line_length` larger, or let the entries of `positions` rise to 1."
        )
    return widths


def _in_range(layers, layer_range):
    """The layers between the two whose names fit the given names or patterns."""
    if layer_range is None:
        return layers
    if len(layer_range) != 2 or not all(isinstance(pattern, str) for pattern in layer_range):
        raise ValueError(
            f"`layer_range` must hold two names. Received: layer_range={layer_range!r}"
        )
    first, last = (
        [i for i, layer in enumerate(layers) if re.match(pattern, layer.name)]
        for pattern in layer_range
    )
    if not first or not last:
        missing = layer_range[0] if not first else layer_range[1]
        raise ValueError(f"No layer's name fits {missing!r} of `layer_range`.")
    begin, end = min(first), max(last)
    return layers[begin : end + 1] if begin <= end else layers[min(last) : max(first) + 1]


def _rows(layer, expand_nested, depth):
    """The row of a layer and, if asked for, those of the layers of a model within."""
    trainable = ("Y" if layer.trainable else "N") if layer.weights else "-"
    indent = f"{'   ' * depth}└ " if depth else ""
    title = f"{indent}{layer.name} ({type(layer).__name__})"
    yield title, _shape(layer), _count(layer), trainable
    if expand_nested and isinstance(layer, Layer) and hasattr(layer, "layers"):
        for inner in layer.layers:
            yield from _rows(inner, expand_nested, depth + 1)


def _shape(layer):
    """The shape of the outputs, for the inputs the layer was built for; "?" where unknown."""
    if layer._inbound_nodes:
        shapes = tree.map(lambda tensor: tensor.shape, layer._inbound_nodes[-1].outputs)
    elif layer.built and layer._build_shapes:
        try:
            shapes = layer.compute_output_shape(**layer._build_shapes)
        except Exception:  # whatever a `call` raises that is not made for shapes
            return "?"
    else:
        return "?"
    return str(shapes)


def _count(layer):
    return f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"


def _table(columns, rows, widths):
    def rule(left, line, between, right):
        return left + between.join(line * width for width in widths) + right

    def bordered(lines, bar):
        return [bar + bar.join(f" {text} " for text in line) + bar for line in lines]

    headings = _cells([column[0] for column in columns], columns, widths, at_bottom=True)
    lines = [rule("┏", "━", "┳", "┓"), *bordered(headings, "┃"), rule("┡", "━", "╇", "┩")]
    for i, row in enumerate(rows):
        lines += [rule("├", "─", "┼", "┤")] if i else []
        lines += bordered(_cells(row, columns, widths), "│")
    return "\n".join([*lines, rule("└", "─", "┴", "┘")])


def _cells(texts, columns, widths, at_bottom=False):
    """The lines of one row, as lists of texts as wide as the cells."""
    wrapped = [_wrapped(text, width - 2) for text, width in zip(texts, widths, strict=True)]
    height = max(map(len, wrapped))
    filled = []
    for lines, width, (_, align, *_) in zip(wrapped, widths, columns, strict=True):
        empty = [""] * (height - len(lines))
        lines = [*empty, *lines] if at_bottom else [*lines, *empty]
        filled.append([align(line, width - 2).ljust(width - 2) for line in lines])
    return zip(*filled, strict=True)


def _wrapped(text, width):
    """The text in lines between words; words that are too long are cut off."""
    lines = []
    for word in re.findall(r"\s*\S+\s*", text):
        if lines and len((lines[-1] + word).rstrip()) <= width:
            lines[-1] += word
        else:
            lines.append(word)
    lines = [line.rstrip() for line in lines]
    return [line if len(line) <= width else line[: width - 1] + "…" for line in lines]


def _totals(model):
    optimizer = getattr(model, "optimizer", None)
    state = optimizer.variables if optimizer is not None and optimizer.built else []
    trainable, rest = model.trainable_weights, model.non_trainable_weights
    lines = [
        ("Total", [*trainable, *rest, *state]),
        ("Trainable", trainable),
        ("Non-trainable", rest),
    ]
    lines += [("Optimizer", state)] if state else []
    return [f" {name} params: {_size(variables)}" for name, variables in lines]


def _size(variables):
    count = sum(int(np.prod(v.shape)) for v in variables)
    return f"{count:,} ({readable_bytes(sum(v.value.nbytes for v in variables))})"


def readable_bytes(count):
    """1234 -> "1.21 KB"."""
    size, unit = float(count), "B"
    for larger in ("KB", "MB", "GB", "TB"):
        if size < 1024:
            break
        size, unit = size / 1024, larger
    return f"{size:.2f} {unit}"

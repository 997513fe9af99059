"""The table of a model's layers."""

import re
import textwrap

import numpy as np

from npkeras.core import tree

DEFAULT_WIDTH = 76
_HEADINGS = ("Layer (type)", "Output Shape", "Param #")
_SHARES = (0.458, 0.333, 0.209)  # of the width, for the three columns
_SHARES_WITH_TRAINABLE = (0.41, 0.32, 0.17, 0.10)


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
    headings = [*_HEADINGS, *(["Trainable"] if show_trainable else [])]
    widths = _widths(line_length or DEFAULT_WIDTH, positions, len(headings))
    rows = [
        row[: len(headings)]
        for layer in _in_range(model.layers, layer_range)
        for row in _rows(layer, expand_nested, "")
    ]
    text = "\n".join([f'Model: "{model.name}"', _table(headings, rows, widths), *_totals(model)])
    (print_fn or print)(text)


def _widths(line_length, positions, count):
    inner = line_length - count - 1
    if positions is not None:
        if len(positions) != count:
            raise ValueError(
                f"`positions` must have {count} entries, one for each column. "
                f"Received: positions={positions}"
            )
        ends = [int(p * inner) if p <= 1 else int(p) for p in positions]
        return [max(b - a, 4) for a, b in zip([0, *ends], ends, strict=False)]
    shares = _SHARES if count == 3 else _SHARES_WITH_TRAINABLE
    widths = [round(share * inner) for share in shares]
    widths[-1] += inner - sum(widths)
    return widths


def _in_range(layers, layer_range):
    """The layers between the two whose names fit the given names or patterns."""
    if layer_range is None:
        return layers
    if len(layer_range) != 2:
        raise ValueError(f"`layer_range` must hold two names. Received: layer_range={layer_range}")
    first, last = (
        [i for i, layer in enumerate(layers) if re.fullmatch(pattern, layer.name)]
        for pattern in layer_range
    )
    if not first or not last:
        missing = layer_range[0] if not first else layer_range[1]
        raise ValueError(f"No layer's name fits {missing!r} of `layer_range`.")
    return layers[min(first) : max(last) + 1]


def _rows(layer, expand_nested, indent):
    """The row of a layer and, if asked for, those of the layers of a model within."""
    trainable = "Y" if layer.trainable else "N"
    if not layer.weights and not layer.trainable_variables:
        trainable = "-"
    yield (
        f"{indent}{layer.name} ({type(layer).__name__})",
        _shape(layer),
        _count(layer),
        trainable,
    )
    if expand_nested and hasattr(layer, "layers"):
        for inner in layer.layers:
            yield from _rows(inner, expand_nested, f"{indent}└ ")


def _shape(layer):
    """The shape of what the layer made of symbolic inputs; "?" before it saw any."""
    nodes = layer._inbound_nodes
    if not nodes:
        return "?"
    shapes = list(dict.fromkeys(str(t.shape) for t in tree.leaves(nodes[-1].outputs)))
    if len(tree.leaves(nodes[-1].outputs)) == 1:
        return shapes[0]
    return "[" + ", ".join(str(t.shape) for t in tree.leaves(nodes[-1].outputs)) + "]"


def _count(layer):
    if not layer.built:
        return "0 (unbuilt)"
    return f"{layer.count_params():,}"


def _table(headings, rows, widths):
    rule = "─┼"
    lines = [
        "┏" + "┳".join("━" * w for w in widths) + "┓",
        *_cells(headings, widths, "┃"),
        "┡" + "╇".join("━" * w for w in widths) + "┩",
    ]
    between = "├" + rule[1].join(rule[0] * w for w in widths) + "┤"
    for i, row in enumerate(rows):
        lines += [between] if i else []
        lines += _cells(row, widths, "│")
    lines.append("└" + "┴".join("─" * w for w in widths) + "┘")
    return "\n".join(lines)


def _cells(texts, widths, bar):
    """The lines of one row: texts that are too long go on in the next line."""
    columns = [
        textwrap.wrap(text, max(width - 2, 1)) or [""]
        for text, width in zip(texts, widths, strict=True)
    ]
    for i in range(max(map(len, columns))):
        parts = []
        for j, (lines, width) in enumerate(zip(columns, widths, strict=True)):
            text = lines[i] if i < len(lines) else ""
            aligned = text.rjust(width - 2) if j == 2 else text.ljust(width - 2)
            parts.append(f" {aligned} ")
        yield bar + bar.join(parts) + bar


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

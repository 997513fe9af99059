"""The table of a model's layers."""

import math
import re
import shutil

import numpy as np

from npkeras.core import tree
from npkeras.layers.base import Layer

_HEADINGS = {  # how texts are put into the cell
    "Layer (type)": str.ljust,
    "Output Shape": str.ljust,
    "Param #": str.rjust,
    "Connected to": str.ljust,
    "Trainable": lambda text, width: f"{' ' * ((width - len(text)) // 2)}{text}",
}
_ENDS = {  # where the columns end, by whether there are the fourth and the fifth
    (False, False): (0.45, 0.8, 1.0),
    (False, True): (0.4, 0.72, 0.9, 1.0),
    (True, False): (0.3, 0.56, 0.74, 1.0),
    (True, True): (0.27, 0.5, 0.66, 0.9, 1.0),
}


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
    graph = getattr(model, "_connected", None)
    connected = graph is not None and not _is_chain(graph)
    left_out = set() if connected else {"Connected to"}
    left_out |= set() if show_trainable else {"Trainable"}
    columns = [column for column in _HEADINGS.items() if column[0] not in left_out]
    if line_length is None:  # as wide as the terminal, up to a limit
        widest = (108 if connected else 88) + (12 if show_trainable else 0)
        line_length = min(widest, shutil.get_terminal_size().columns - 4)
    if positions is None:
        positions = _ENDS[connected, show_trainable]
    widths = _widths(line_length, positions, len(columns))
    rows = []
    for layer in _in_range(model.layers if graph is None else graph.operations, layer_range):
        for row in _rows(layer, expand_nested, 0, graph):
            rows.append([row[heading] for heading, _ in columns])
    table = _table(columns, rows, widths)
    lines = [f'Model: "{model.name}"', table, *_totals(model)]
    if print_fn is None:
        print("\n".join(lines))
    else:
        print_fn("\n".join([*lines, ""]))  # as Keras hands it over


def _is_chain(graph):
    """Whether each operation has one call, with the output of the operation before."""
    before = None
    for operation in graph.operations:
        nodes = graph.nodes[operation.name]
        tensors = graph.tensors_into(nodes[0])
        sources = [graph.node_of(x) for x in tensors]
        if len(nodes) > 1 or sources != ([] if before is None else [before]):
            return False
        before = nodes[0]
    return True


def _connections(operation, graph):
    """Where the arguments of an operation's calls come from: `dense[0][0]`."""
    found = []
    for node in graph.nodes[operation.name]:
        for x in graph.tensors_into(node):
            source = graph.node_of(x)
            name, call, output = graph.history(x)
            if isinstance(source.operation, Layer):
                call = [id(n) for n in source.operation._inbound_nodes].index(id(source))
            found.append(f"{name}[{call}][{output}]")
    return ", ".join(found) or "-"


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


def _rows(layer, expand_nested, depth, graph=None):
    """The row of a layer and, if asked for, those of the layers of a model within."""
    is_layer = isinstance(layer, Layer)
    indent = f"{'   ' * depth}└ " if depth else ""
    yield {
        "Layer (type)": f"{indent}{layer.name} ({type(layer).__name__})",
        "Output Shape": _shape(layer) if is_layer else _shape_of(graph.nodes[layer.name][0]),
        "Param #": _count(layer) if is_layer else "0",
        "Connected to": _connections(layer, graph) if graph is not None else "-",
        "Trainable": ("Y" if layer.trainable else "N") if is_layer and layer.weights else "-",
    }
    if expand_nested and is_layer and hasattr(layer, "layers"):
        for inner in layer.layers:
            yield from _rows(inner, expand_nested, depth + 1)


def _shape(layer):
    """The shape of the outputs, for the inputs the layer was built for; "?" where unknown."""
    if layer._inbound_nodes:
        return _shape_of(layer._inbound_nodes[-1])
    if getattr(layer, "_connected", None) is not None:
        return _one_or_all(tuple(tensor.shape for tensor in layer.outputs))
    if layer.built and layer._build_shapes:
        shapes = {name: shape for name, shape in layer._build_shapes.items() if shape is not None}
        try:
            return str(layer.compute_output_shape(**shapes))
        except Exception:  # whatever a `call` raises that is not made for shapes
            return "?"
    return "?"


def _shape_of(node):
    shapes = [None if tensor is None else tensor.shape for tensor in tree.leaves(node.outputs)]
    return _one_or_all(shapes)


def _one_or_all(shapes):
    return str(shapes[0] if len(shapes) == 1 else shapes)


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
    for lines, width, (_, align) in zip(wrapped, widths, columns, strict=True):
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

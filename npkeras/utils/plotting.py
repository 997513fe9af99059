"""Pictures of models."""

from __future__ import annotations

import os
import pathlib
import shutil
import sys

from npkeras.core import check
from npkeras.saving import atomic
from npkeras.utils.diagram import Shown, diagram_of
from npkeras.utils.dot import cluster_text, dot_text
from npkeras.utils.svg import svg_text

_DIRECTIONS = ("TB", "LR", "BT", "RL")
_BY_GRAPHVIZ = ("png", "pdf", "jpg", "jpeg", "gif", "ps", "eps", "webp", "bmp", "tif", "tiff")


class Dot:
    """A graph as DOT text, where pydot is not installed."""

    def __init__(self, text):
        self._text = text

    def to_string(self):
        """The text."""
        return self._text

    __str__ = to_string


def model_to_dot(
    model,
    show_shapes=False,
    show_dtype=False,
    show_layer_names=True,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    subgraph=False,
    show_layer_activations=False,
    show_trainable=False,
    splines="ortho",
    **kwargs,
):
    """A model as a graph in the DOT language of Graphviz.

    Boxes are the layers and ops, arrows what flows between them. A model that is made in the
    `call` of a subclass is one box.

    Args:
        model: A built model.
        show_shapes: Whether boxes show the shapes of inputs and outputs.
        show_dtype: Whether boxes show the dtypes of outputs.
        show_layer_names: Whether boxes show names; without, only classes.
        rankdir: Which way the arrows run: "TB" (down), "LR" (right), "BT" (up) or "RL" (left).
        expand_nested: Whether the layers of models within are shown, in a frame.
        dpi: Dots per inch.
        subgraph: Whether to make a part of another graph.
        show_layer_activations: Whether boxes show the activations of layers.
        show_trainable: Whether boxes show if layers are trained.
        splines: How Graphviz draws arrows: "ortho", "polyline", "curved", ...

    Returns:
        A `pydot.Dot` (a `pydot.Cluster` for a subgraph), where pydot is installed. Otherwise an
        object with the text alone: `to_string()` gives it, as does `str`.

    Example:
        >>> model = npkeras.Sequential([npkeras.Input((4,)), Dense(3, name="first")])
        >>> "first" in npkeras.utils.model_to_dot(model).to_string()
        True
    """
    _check(rankdir, kwargs, "model_to_dot")
    shown = Shown(
        show_layer_names,
        show_shapes,
        show_dtype,
        show_layer_activations,
        show_trainable,
        expand_nested,
    )
    group, arrows = diagram_of(model, shown)
    if subgraph:
        text = cluster_text(group, arrows, model.name)
    else:
        text = dot_text(group, arrows, rankdir, dpi, splines)
    try:
        import pydot
    except ImportError:
        return Dot(text)
    if subgraph:
        (part,) = pydot.graph_from_dot_data(f"digraph G {{\n{text}}}")[0].get_subgraphs()
        return pydot.Cluster(obj_dict=part.obj_dict)
    return pydot.graph_from_dot_data(text)[0]


def plot_model(
    model,
    to_file="model.png",
    show_shapes=False,
    show_dtype=False,
    show_layer_names=False,
    rankdir="TB",
    expand_nested=False,
    dpi=200,
    show_layer_activations=False,
    show_trainable=False,
    splines="ortho",
    **kwargs,
):
    """Draw a model into a file.

    The ending of the file's name says how: `.svg` needs nothing installed, and `.dot` is the text
    of the graph. `.png`, `.pdf` and other kinds are drawn by Graphviz, through pydot.

    Args:
        model: A built model.
        to_file: The file to write. One that exists is replaced in one step.
        show_shapes: Whether boxes show the shapes of inputs and outputs.
        show_dtype: Whether boxes show the dtypes of outputs.
        show_layer_names: Whether boxes show names; without, only classes.
        rankdir: Which way the arrows run: "TB" (down), "LR" (right), "BT" (up) or "RL" (left).
        expand_nested: Whether the layers of models within are shown, in a frame.
        dpi: Dots per inch, for Graphviz.
        show_layer_activations: Whether boxes show the activations of layers.
        show_trainable: Whether boxes show if layers are trained.
        splines: How Graphviz draws arrows: "ortho", "polyline", "curved", ...

    Returns:
        The picture to be seen, in a notebook; otherwise None.

    Example:
        >>> model = npkeras.Sequential([npkeras.Input((4,)), Dense(3, activation="relu")])
        >>> npkeras.utils.plot_model(model, "model.svg", show_shapes=True)
    """
    _check(rankdir, kwargs, "plot_model")
    shown = Shown(
        show_layer_names,
        show_shapes,
        show_dtype,
        show_layer_activations,
        show_trainable,
        expand_nested,
    )
    group, arrows = diagram_of(model, shown)
    ending = _ending(to_file)
    if ending == "svg":
        content = svg_text(group, arrows, rankdir, f"Model {model.name}").encode()
    else:
        content = dot_text(group, arrows, rankdir, dpi, splines).encode()
        if ending not in ("dot", "gv"):
            content = _by_graphviz(content.decode(), ending)
    with atomic.replacing(to_file, len(content)) as temporary:
        temporary.write_bytes(content)
    return _for_notebooks(to_file, ending)


def _check(rankdir, kwargs, owner):
    check.one_of(_DIRECTIONS, rankdir, "rankdir", f"`{owner}`")
    if "layer_range" in kwargs:
        raise ValueError(f"`{owner}` takes no `layer_range`, as of Keras 3: it draws whole models.")
    if kwargs:
        raise ValueError(f"`{owner}` does not know the keyword arguments {sorted(kwargs)}.")


def _ending(to_file):
    """What kind of file a name stands for."""
    ending = pathlib.Path(os.fsdecode(to_file)).suffix[1:].lower() or "png"
    kinds = ("svg", "dot", "gv", *_BY_GRAPHVIZ)
    if ending not in kinds:
        raise ValueError(
            f"`to_file` of `plot_model` must end in one of {', '.join('.' + k for k in kinds)}. "
            f"Received: to_file={os.fsdecode(to_file)!r}"
        )
    return ending


def _by_graphviz(text, ending):
    try:
        import pydot
    except ImportError:
        pydot = None
    missing = [] if pydot else ["pydot (`pip install pydot`)"]
    if not shutil.which("dot"):
        missing.append(
            "Graphviz, whose program `dot` must be found (https://graphviz.org/download)"
        )
    if missing:
        raise ImportError(
            f"A .{ending} file is drawn by Graphviz, through pydot. Install {' and '.join(missing)}"
            ". Or give `to_file` the ending .svg, which needs nothing installed."
        )
    return pydot.graph_from_dot_data(text)[0].create(format=ending)


def _for_notebooks(to_file, ending):
    """The picture as IPython shows it, if that is what runs."""
    if "IPython" not in sys.modules or ending not in ("svg", "png", "jpg", "jpeg", "gif"):
        return None
    from IPython import display

    return (display.SVG if ending == "svg" else display.Image)(filename=os.fsdecode(to_file))

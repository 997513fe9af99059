"""Pictures of models: what is in them, what the files hold, and who draws what."""

import os
import pathlib
import re
import sys
import types
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import npkeras
from npkeras.utils import model_to_dot, plot_model
from tests.utils import pictures

L = npkeras.layers
EVERYTHING = {
    "show_shapes": True,
    "show_dtype": True,
    "show_layer_names": True,
    "show_layer_activations": True,
    "show_trainable": True,
}
ODD = 'a<b>&"c"\\'
OTHER_ODD = "d-->]]>{e}|f"


@pytest.fixture(autouse=True)
def no_pydot(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydot", None)


def odd_names():
    inner = npkeras.Sequential([npkeras.Input((4,)), L.Dense(3, name=ODD)], name=OTHER_ODD)
    return npkeras.Sequential([npkeras.Input((4,)), inner, L.Dense(3, name=ODD)])


def svg_of(model, folder, **options):
    plot_model(model, folder / "model.svg", **options)
    return ET.parse(folder / "model.svg").getroot()


def texts_in(svg):
    return ["".join(text.itertext()) for text in svg.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.keras
@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("make", pictures.ALL)
def test_boxes_and_arrows_are_those_of_keras(make, expand, keras, monkeypatch):
    keras.utils.clear_session()
    pictures.Recorder().install(keras, monkeypatch)
    theirs = keras.utils.model_to_dot(make(keras), expand_nested=expand)
    ours = str(model_to_dot(make(npkeras), expand_nested=expand))
    assert sorted(pictures.boxes_in(ours)) == sorted(theirs.boxes)
    assert pictures.arrows_in(ours) == theirs.named_arrows()
    assert ours.count("subgraph") == len(theirs.groups) - 1


def test_arrows_lead_into_and_out_of_the_right_boxes_of_a_model_within():
    arrows = pictures.arrows_in(str(model_to_dot(pictures.nested(npkeras), expand_nested=True)))
    assert {("add", "i"), ("b", "j"), ("o", "head"), ("p", "cat")} <= arrows
    assert not {("add", "j"), ("b", "i"), ("o", "cat"), ("p", "head")} & arrows


def test_inputs_by_name_lead_to_the_boxes_of_these_names():
    p, q = npkeras.Input((2,), name="p"), npkeras.Input((3,), name="q")
    inner = npkeras.Model({"q": q, "p": p}, L.Concatenate(name="cat")([p, q]))
    a, b = npkeras.Input((2,), name="a"), npkeras.Input((3,), name="b")
    model = npkeras.Model([a, b], inner({"p": a, "q": b}))
    arrows = pictures.arrows_in(str(model_to_dot(model, expand_nested=True)))
    assert arrows == {("a", "p"), ("b", "q"), ("p", "cat"), ("q", "cat")}


def test_a_sequential_of_models_joins_all_outputs_to_all_inputs():
    x = npkeras.Input((2,), name="x")
    first = npkeras.Model(x, [L.Dense(2, name="l")(x), L.Dense(3, name="r")(x)])
    p, q = npkeras.Input((2,), name="p"), npkeras.Input((3,), name="q")
    second = npkeras.Model([p, q], L.Concatenate(name="c")([p, q]))
    model = npkeras.Sequential([npkeras.Input((2,)), first, second])
    arrows = pictures.arrows_in(str(model_to_dot(model, expand_nested=True)))
    assert {("l", "p"), ("r", "q")} <= arrows and not {("l", "q"), ("r", "p")} & arrows


def test_facts_are_shown_as_asked(tmp_path):
    model = pictures.plain(npkeras)
    model.layers[0].trainable = False
    texts = texts_in(svg_of(model, tmp_path, **EVERYTHING))
    rows = list(zip(texts, texts[1:], strict=False))
    assert texts[0] == "first (Dense)" and "dropout (Dropout)" in texts
    for row in [
        ("Activation", "relu"),
        ("Input shape", "(None, 4)"),
        ("Output shape", "(None, 3)"),
        ("Output dtype", "float32"),
        ("Trainable", "no"),
    ]:
        assert row in rows
    assert texts.count("Activation") == texts.count("Trainable") == 1  # none for Dropout
    assert texts_in(svg_of(model, tmp_path)) == ["Dense", "Dropout"]


def test_several_shapes():
    text = str(model_to_dot(pictures.nested(npkeras), show_shapes=True, show_dtype=True))
    assert "[(None, 6), (None, 4)]" in text and "[(None, 2), (None, 3)]" in text
    dense = L.Dense(2)
    x, y = npkeras.Input((4,)), npkeras.Input((5, 4))
    text = str(model_to_dot(npkeras.Model([x, y], [dense(x), dense(y)]), show_shapes=True))
    assert "(None, 4) or (None, 5, 4)" in text
    assert "?" in str(model_to_dot(pictures.subclassed(npkeras), show_shapes=True))


def test_shapes_in_a_sequential_are_those_of_its_own_calls():
    dense = L.Dense(2)
    model = npkeras.Sequential([npkeras.Input((4,)), dense])
    dense(npkeras.Input((7, 4)))
    assert "7" not in str(model_to_dot(model, show_shapes=True, dpi=None))


@pytest.mark.parametrize("make", [*pictures.ALL, lambda keras: odd_names()])
@pytest.mark.parametrize("rankdir", ["TB", "LR", "BT", "RL"])
def test_every_box_and_frame_is_in_the_svg(make, rankdir, tmp_path):
    model = make(npkeras)
    svg = svg_of(model, tmp_path, rankdir=rankdir, expand_nested=True, **EVERYTHING)
    text = str(model_to_dot(model, expand_nested=True))
    kinds = [element.get("class") for element in svg.iter()]
    heads = [element for element in svg.iter() if element.get("marker-end")]
    assert kinds.count("box") == len(pictures.boxes_in(text))
    assert kinds.count("frame") == text.count("subgraph")
    pairs = set(re.findall(r"(\S+) -> (\S+);", text))
    assert len({target for _, target in pairs}) <= len(heads) <= len(pairs)
    width, height = (float(svg.get(side)) for side in ("width", "height"))
    for element in svg.iter():
        if element.get("class") in ("box", "frame"):
            x, y, w, h = (float(element.get(k)) for k in ("x", "y", "width", "height"))
            assert 0 <= x and x + w <= width - 20 and 0 <= y and y + h <= height - 20


def test_names_are_escaped(tmp_path):
    svg = svg_of(odd_names(), tmp_path, show_layer_names=True, expand_nested=True)
    assert texts_in(svg) == [OTHER_ODD, f"{ODD} (Dense)", f"{ODD} (Dense)"]
    text = str(model_to_dot(odd_names(), expand_nested=True))
    assert "<b>a&lt;b&gt;&amp;&quot;c&quot;\\</b>" in text
    assert '"a<b>&\\"c\\"\\\\" [label=' in text
    names = npkeras.Sequential([npkeras.Input((4,)), L.Dense(3, name="a\x00\ud800\nb")])
    assert texts_in(svg_of(names, tmp_path, show_layer_names=True)) == ["a\ufffd\ufffd b (Dense)"]


def test_arrows_run_as_asked(tmp_path):
    def middles(rankdir):
        svg = svg_of(pictures.plain(npkeras), tmp_path, rankdir=rankdir)
        boxes = [e for e in svg.iter() if e.get("class") == "box"]
        return [[float(box.get(axis)) for box in boxes] for axis in "xy"]

    assert np.diff(middles("TB")[1]) > 40 and np.diff(middles("LR")[0]) > 40
    assert np.diff(middles("BT")[1]) < -40 and np.diff(middles("RL")[0]) < -40
    assert 'rankdir="LR"' in str(model_to_dot(pictures.plain(npkeras), rankdir="LR"))


def test_a_part_of_another_graph():
    text = model_to_dot(pictures.plain(npkeras), subgraph=True).to_string()
    assert text.startswith('subgraph "cluster_sequential" {') and "digraph" not in text
    assert pictures.arrows_in(text) == {("first", "dropout")}


def test_the_text_in_a_file(tmp_path):
    model = pictures.deep(npkeras)
    options = {"show_layer_names": True, "expand_nested": True, "dpi": 96, "splines": "curved"}
    plot_model(model, str(tmp_path / "m.dot"), **options)
    text = (tmp_path / "m.dot").read_text(encoding="utf-8")
    assert text == model_to_dot(model, **options).to_string()
    assert 'dpi="96"' in text and 'splines="curved"' in text
    assert text.count("{") == text.count("}") == 3


@pytest.mark.parametrize("ending", ["", ".png", ".pdf"])
def test_without_graphviz_it_is_said_what_to_do(ending, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    file = tmp_path / f"model{ending}"
    with pytest.raises(ImportError, match=r"pip install pydot.*Graphviz.*\.svg"):
        plot_model(pictures.plain(npkeras), file)
    assert not os.listdir(tmp_path)


def fake_pydot(monkeypatch):
    class Graph:
        def __init__(self, text):
            self.text = text

        def create(self, format):
            return f"{format} of {self.text}".encode()

    module = types.ModuleType("pydot")
    module.graph_from_dot_data = lambda text: [Graph(text)]
    monkeypatch.setitem(sys.modules, "pydot", module)


def test_graphviz_draws_our_text_through_pydot(tmp_path, monkeypatch):
    fake_pydot(monkeypatch)
    model = pictures.plain(npkeras)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ImportError, match="Install Graphviz"):
        plot_model(model, tmp_path / "m.png")
    monkeypatch.setattr(npkeras.utils.plotting.shutil, "which", lambda name: f"/bin/{name}")
    plot_model(model, tmp_path / "m.PNG", show_layer_names=True)
    text = model_to_dot(model).text
    assert text.startswith("digraph") and '"first" -> "dropout"' in text
    assert (tmp_path / "m.PNG").read_text() == f"png of {text}"


def test_pydot_understands_the_text(monkeypatch):
    monkeypatch.undo()
    pydot = pytest.importorskip("pydot")
    graph = model_to_dot(odd_names(), expand_nested=True, **EVERYTHING)
    assert isinstance(graph, pydot.Dot) and len(graph.get_edges()) == 1
    assert isinstance(model_to_dot(odd_names(), subgraph=True), pydot.Cluster)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    file = tmp_path / "m.svg"
    file.write_text("older")
    with pytest.raises(ValueError, match="not built"):
        plot_model(npkeras.Sequential([L.Dense(3)]), file)
    assert file.read_text() == "older"
    plot_model(pictures.plain(npkeras), file)
    assert file.read_text().startswith("<svg") and os.listdir(tmp_path) == ["m.svg"]
    with pytest.raises(FileNotFoundError, match="no such folder"):
        plot_model(pictures.plain(npkeras), tmp_path / "none" / "m.svg")


def test_a_notebook_is_shown_the_picture(tmp_path, monkeypatch):
    display = types.SimpleNamespace(SVG=lambda filename: ("SVG", filename))
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(display=display))
    file = str(tmp_path / "m.svg")
    assert plot_model(pictures.plain(npkeras), pathlib.Path(file)) == ("SVG", file)
    assert plot_model(pictures.plain(npkeras), tmp_path / "m.dot") is None


@pytest.mark.parametrize("draw", [model_to_dot, plot_model])
@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (lambda: npkeras.Sequential([L.Dense(3)]), {}, "'sequential' is not built.*Call it on"),
        (lambda: L.Dense(3), {}, "'dense' is not built"),
        (lambda: 3, {}, r"Received: 3 \(of type int\)"),
        (lambda: pictures.plain(npkeras), {"rankdir": "XX"}, "one of 'TB'.*'XX'"),
        (lambda: pictures.plain(npkeras), {"layer_range": ["a", "b"]}, "layer_range"),
        (lambda: pictures.plain(npkeras), {"show_shape": True}, "show_shape"),
    ],
)
def test_bad_arguments(draw, model, options, message):
    with pytest.raises(ValueError, match=message):
        draw(model(), **options)


def test_an_unknown_ending():
    with pytest.raises(ValueError, match=r"must end in one of \.svg, .*'m\.docx'"):
        plot_model(pictures.plain(npkeras), "m.docx")


def test_a_deep_model_is_drawn(tmp_path):
    first = x = skip = npkeras.Input((4,))
    for _ in range(100):
        x = L.ReLU()(x)
        x = skip = L.Add()([L.ReLU()(x), skip])
    svg = svg_of(npkeras.Model(first, x), tmp_path)
    assert [element.get("class") for element in svg.iter()].count("box") == 301

"""Diagrams as text in the DOT language, which Graphviz and others draw."""

from __future__ import annotations

import html
import re

from npkeras.utils.diagram import Group

# The colors of headlines, by the sort of box.
COLORS = {"input": "#d5ecd4", "layer": "#d3e3f5", "model": "#e3d8f1", "op": "#fbe3c4"}
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def dot_text(group, arrows, rankdir, dpi, splines):
    """The text of a whole graph."""
    settings = {"rankdir": rankdir, "dpi": dpi, "splines": splines, "concentrate": "true"}
    lines = [f"{key}={_quoted(value)};" for key, value in settings.items() if value is not None]
    lines += ["node [shape=plain, fontname=Helvetica];", "edge [color=gray40];"]
    lines += [line for item in group.items for line in _lines(item)]
    lines += _arrow_lines(arrows)
    return "\n".join(["digraph G {", *_indented(lines), "}", ""])


def cluster_text(group, arrows, name):
    """The text of a graph within another one."""
    return "\n".join([*_cluster(group, name, name, _arrow_lines(arrows)), ""])


def _arrow_lines(arrows):
    return [f"{_key(source)} -> {_key(target)};" for source, target in arrows]


def _lines(item):
    if isinstance(item, Group):
        return _cluster(item, "/".join(item.path), item.name)
    return [f"{_key(item.path)} [label=<{_table(item)}>];"]


def _cluster(group, key, title, more=()):
    lines = [f"label=<{escaped(title)}>;", "labeljust=l;", "style=dashed;", "fontname=Helvetica;"]
    lines += [line for item in group.items for line in _lines(item)]
    return [f"subgraph {_quoted('cluster_' + key)} {{", *_indented([*lines, *more]), "}"]


def _table(box):
    """A box as a table: the headline, then a row for each fact."""
    color = COLORS[box.sort]
    head = f"<b>{escaped(box.name or box.kind)}</b>"
    head += f" ({escaped(box.kind)})" if box.name else ""
    rows = [f'<tr><td colspan="2" bgcolor="{color}">{head}</td></tr>']
    for label, value in box.facts:
        cells = f'<td align="left">{escaped(label)}</td><td align="left">{escaped(value)}</td>'
        rows.append(f"<tr>{cells}</tr>")
    border = 'border="0" cellborder="1" cellspacing="0" cellpadding="6"'
    return f"<table {border}>{''.join(rows)}</table>"


def _indented(lines):
    return ["  " + line for line in lines]


def _key(path):
    return _quoted("/".join(path))


def _quoted(value):
    text = clean(str(value)).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + text.replace("\n", " ").replace("\r", " ") + '"'


def clean(text):
    """The text without characters that XML cannot hold, and that no file in UTF-8 can."""
    return _NO_XML.sub("\ufffd", text)


def escaped(text):
    """A text as it stands between the tags of XML, or within quotes."""
    return html.escape(clean(str(text)).replace("\n", " ").replace("\r", " "))

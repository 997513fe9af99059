"""Models to draw, for any engine, and what stands in their pictures."""

import re

import numpy as np


def plain(keras):
    L = keras.layers
    return keras.Sequential([keras.Input((4,)), L.Dense(3, "relu", name="first"), L.Dropout(0.5)])


def branches(keras):
    L = keras.layers
    x = keras.Input((8,), name="x")
    left = L.Dense(3, name="left")(x)
    right = L.Dense(3, name="right_2")(L.Dense(4, name="right_1")(x))
    both = L.Concatenate(name="both")([left, right, x])
    return keras.Model(x, [L.Dense(1, name="one")(both), both + both])


def nested(keras):
    L = keras.layers
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    inner = keras.Sequential([L.Dense(5, name="i1"), L.Dense(6, name="i2")], name="inner")
    i, j = keras.Input((6,), name="i"), keras.Input((4,), name="j")
    h = L.Dense(4, name="h")(i)
    outputs = [L.Dense(2, name="o")(L.Add(name="sum")([h, j])), L.Dense(3, name="p")(i)]
    two = keras.Model([i, j], outputs, name="two")
    o, p = two([L.Add(name="add")([inner(a), inner(b)]), b])
    return keras.Model(
        [a, b], [L.Dense(1, name="head")(o), L.Concatenate(name="cat")([p, a])], name="outer"
    )


def called_again(keras):
    L = keras.layers
    x = keras.Input((4,), name="x")
    dense, relu = L.Dense(4, name="d"), L.ReLU(name="r")
    return keras.Model(x, dense(relu(dense(dense(x)))))


def deep(keras):
    L = keras.layers
    a, m = keras.Input((4,), name="a"), keras.Input((4,), name="m")
    within = keras.Sequential([keras.Input((4,)), L.Dense(4, name="dense")], name="within")
    middle = keras.Model(m, L.Add(name="add")([within(m), m]), name="middle")
    return keras.Model(a, L.Dense(3, name="end")(middle(middle(a))))


def masked(keras):
    L = keras.layers
    x = keras.Input((None,), name="x")
    e = L.Embedding(5, 3, mask_zero=True, name="e")(x)
    return keras.Model(x, L.LSTM(2, name="l")(e))


def subclassed(keras):
    class Mine(keras.Model):
        def __init__(self):
            super().__init__(name="mine")
            self.dense = keras.layers.Dense(3)

        def call(self, x):
            return self.dense(x)

    model = Mine()
    model(np.ones((2, 4)))
    return model


ALL = [plain, branches, nested, called_again, deep, masked, subclassed]


class Recorder:
    """Stands in for pydot where Keras draws: notes the boxes, the arrows and the groups."""

    def __init__(self, title="", **settings):
        self.title, self.groups = title, [title]
        self.labels, self.boxes, self.arrows = {}, [], []

    def install(self, keras, monkeypatch):
        module = keras.src.utils.model_visualization
        monkeypatch.setattr(module, "pydot", self)
        monkeypatch.setattr(module, "check_pydot", lambda: True)

    @staticmethod
    def Dot(*args, **kwargs):
        return Recorder()

    @staticmethod
    def Cluster(graph_name="", **kwargs):
        return Recorder(graph_name)

    @staticmethod
    def Node(key, label="", **kwargs):
        node = Recorder()
        node.labels[key] = re.search(r"<b>(.*?)</b> \((\w+)\)", label).groups()
        return node

    @staticmethod
    def Edge(source, target, **kwargs):
        edge = Recorder()
        edge.arrows.append((source, target))
        return edge

    def set(self, *args, **kwargs):
        pass

    set_node_defaults = set

    def add_node(self, node):
        self.labels.update(node.labels)
        self.boxes += node.labels.values()

    def add_edge(self, arrow):
        self.arrows += arrow.arrows

    def add_subgraph(self, other):
        self.labels.update(other.labels)
        self.groups += other.groups
        self.boxes += other.boxes
        self.arrows += other.arrows

    def get_edge(self, source, target=None):
        return [a for a in self.arrows if a == (source, target)]

    def named_arrows(self):
        return {(self.labels[a][0], self.labels[b][0]) for a, b in self.arrows}


def boxes_in(dot):
    """Names and classes in DOT text of ours."""
    return re.findall(r"<b>(.*?)</b> \((\w+)\)", dot)


def arrows_in(dot):
    """Pairs of names in DOT text of ours, without the groups that they are in."""
    return {
        (a.split("/")[-1], b.split("/")[-1]) for a, b in re.findall('"([^"]*)" -> "([^"]*)"', dot)
    }

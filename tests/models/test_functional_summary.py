"""The table of a functional model: Keras' text, character by character."""

import pytest

import npkeras
from tests.models.graphs import BUILDERS, nested, shared
from tests.models.test_summary import text

OPTIONS = [
    {},
    {"line_length": 70},
    {"show_trainable": True, "expand_nested": True},
    {"positions": [0.3, 0.6, 0.7, 1.0]},
]


def inner(keras):
    x = keras.Input((4,), name="x")
    hidden = keras.layers.Dense(4, name="a")(x)
    return keras.Model(hidden, keras.layers.Dense(2, name="b")(hidden))


def parts(keras):
    x = keras.Input((6,), name="x")
    first, second = keras.ops.split(x, 2, axis=-1)
    layer = keras.layers.Dense(3, name="d")
    layer(first)
    return keras.Model(x, layer(second) + first)


def twice(keras):
    x = keras.Input((4,), name="x")
    layer = keras.layers.Dense(4, name="d")
    return keras.Model(x, layer(layer(x)))


def product(keras):
    x = keras.Input((4,), name="x")
    return keras.Model(x, x * x)


@pytest.mark.keras
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize(
    "build", [*BUILDERS, inner, parts, twice, product], ids=lambda build: build.__name__
)
def test_the_text_is_keras(keras, build, options):
    keras.utils.clear_session(free_memory=False)
    ours, theirs = build(npkeras), build(keras)
    if "positions" in options and "Connected" not in text(theirs):
        options = {"positions": options["positions"][1:]}
    assert text(ours, **options) == text(theirs, **options)


@pytest.mark.keras
def test_a_range_may_begin_with_an_op(keras):
    keras.utils.clear_session(free_memory=False)
    options = {"layer_range": ["subtract", "sum"]}
    assert text(shared(npkeras), **options) == text(shared(keras), **options)


def test_ops_within_a_model_are_not_listed():
    assert "concatenate" not in text(
        npkeras.Sequential([npkeras.Input((4,)), one_input(nested(npkeras))]), expand_nested=True
    )


def one_input(model):
    x = npkeras.Input((4,))
    return npkeras.Model(x, model([x, x]))

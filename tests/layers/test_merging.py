"""Layers of several inputs: masks, errors, functions. What takes `engine` is true of Keras too."""

import re

import numpy as np
import pytest

import npkeras
from npkeras.layers import Add, Average, Concatenate, Dot, Subtract
from tests.layers.engines import array, mask_of, masked, ones

A = np.array([[[1.0, 2.0], [3.0, 4.0]]], "float32")
B = np.array([[[5.0, -1.0], [0.5, 7.0]]], "float32")
C = np.array([[[0.0, 9.0], [2.0, -3.0]]], "float32")
MASKS = {
    "none": (None, None, None),
    "first": ([[True, False]], None, None),
    "second": (None, [[False, True]], None),
    "two": ([[True, False]], [[False, True]], None),
    "all": ([[True, False]], [[False, False]], [[True, False]]),
}
NAMES = ["Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"]


def inputs(engine, masks):
    return [
        engine.ops.convert_to_tensor(x) if mask is None else masked(engine, x, mask)
        for x, mask in zip((A, B, C), masks, strict=True)
    ]


@pytest.mark.keras
@pytest.mark.parametrize("masks", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("name", [*NAMES, "Concatenate along time"])
def test_outputs_and_masks_of_masked_inputs_are_those_of_keras(keras, name, masks):
    name, _, along = name.partition(" ")
    results = []
    for engine in (npkeras, keras):
        layer = getattr(engine.layers, name)(**({"axis": 1} if along else {}))
        y = layer(inputs(engine, masks))
        results.append((array(y).tolist(), mask_of(y)))
    assert results[0] == results[1]


@pytest.mark.keras
def test_masks_of_two_inputs_are_those_of_keras(keras):
    for name in ("Subtract", "Dot"):
        options = {"axes": 2} if name == "Dot" else {}
        results = []
        for engine in (npkeras, keras):
            y = getattr(engine.layers, name)(**options)(inputs(engine, MASKS["all"])[:2])
            results.append((array(y).tolist(), mask_of(y)))
        assert results[0] == results[1]


@pytest.mark.parametrize("name", NAMES)
def test_compute_mask_wants_lists(engine, name):
    layer = getattr(engine.layers, name)()
    assert layer.compute_mask([A, B], None) is None
    assert layer.compute_mask([A, B], [None, None]) is None
    for pair in (([A, B], A), (A, [A, A]), ([A, B], [A])):
        with pytest.raises(ValueError, match="mask|inputs"):
            layer.compute_mask(*pair)


@pytest.mark.parametrize(
    "name, options", [*((name, {}) for name in NAMES), ("Subtract", {}), ("Dot", {"axes": 2})]
)
def test_functions_do_what_the_layers_do(engine, name, options):
    function = getattr(engine.layers, name.lower())
    layer = getattr(engine.layers, name)(**options)
    y = function([A, B], **options)
    np.testing.assert_array_equal(array(y), array(layer([A, B])))
    assert function([engine.Input((2, 2)), engine.Input((2, 2))], name="n", **options) is not None


def test_symbolic_shapes_meet(engine):
    def shape(layer, *shapes):
        return layer([engine.Input(s) for s in shapes]).shape

    assert shape(engine.layers.Add(), (3, 4), (4,)) == (None, 3, 4)
    assert shape(engine.layers.Concatenate(axis=1), (None, 3), (2, 3)) == (None, None, 3)
    assert shape(engine.layers.Dot(1), (None, 3), (None, 5)) == (None, 3, 5)
    assert shape(engine.layers.Dot((1, 2)), (3, 4, 5), (6, 3)) == (None, 4, 5, 6)
    assert shape(engine.layers.Dot(-1), (3,), (3,)) == (None, 1)


def test_integers_stay_integers(engine):
    x = np.array([[1, 2]], "int32")
    for layer in (engine.layers.Add(), engine.layers.Concatenate(), engine.layers.Dot(1)):
        assert array(layer([x, x])).dtype == "int32"
    assert array(engine.layers.Average()([x, x])).tolist() == [[1, 2]]


def test_cosines(engine):
    y = engine.layers.Dot(-1, normalize=True)([A[0], B[0]])
    lengths = np.linalg.norm(A[0], axis=1) * np.linalg.norm(B[0], axis=1)
    np.testing.assert_allclose(array(y)[:, 0], (A[0] * B[0]).sum(1) / lengths, rtol=1e-6)


def test_an_array_is_not_changed_by_the_mask_of_another():
    x = masked(npkeras, A, [[True, False]])
    y = Add()([x, A])
    assert mask_of(y) is None and mask_of(A) is None and mask_of(x) == [[True, False]]


def refused(engine, layer, given):
    with pytest.raises((ValueError, TypeError, KeyError, IndexError)):
        getattr(engine.layers, layer[0])(*layer[1:])(given)


@pytest.mark.parametrize(
    "layer, shapes",
    [
        (("Add",), [(2, 3), (1, 3)]),
        (("Add",), [(2, 3), (2, 2)]),
        (("Add",), [(2, 3), (2, 3, 4)]),
        (("Add",), []),
        (("Subtract",), [(2, 3)]),
        (("Subtract",), [(2, 3)] * 3),
        (("Concatenate",), [(2, 3), (2, 3, 4)]),
        (("Concatenate",), [(2, 3), (1, 3)]),
        (("Concatenate", 1), [(2, 3, 4), (2, 2, 2)]),
        (("Dot", 1), [(2, 3)]),
        (("Dot", 1), [(2, 3), (2, 2)]),
        (("Dot", 1), [(2, 3), (1, 3)]),
        (("Dot", 0), [(2, 3), (2, 3)]),
        (("Dot", 2), [(2, 3), (2, 3)]),
    ],
    ids=str,
)
def test_shapes_that_do_not_fit_are_refused(engine, layer, shapes):
    refused(engine, layer, [ones(*shape) for shape in shapes])
    if engine is npkeras and shapes:
        with pytest.raises(ValueError, match=rf"\({layer[0]}\).*\(2, 3"):
            getattr(engine.layers, layer[0])(*layer[1:])([ones(*shape) for shape in shapes])


@pytest.mark.parametrize("name", ["Add", "Concatenate"])
def test_a_single_input_is_refused(engine, name):
    refused(engine, (name,), A)
    refused(engine, (name,), {"a": A, "b": A})


def test_a_built_layer_still_checks_its_inputs():
    layer = Add()
    layer([A, B])
    with pytest.raises(ValueError, match=r"\(1, 2, 2\), \(2, 2, 2\)"):
        layer([A, np.concatenate([B, B])])


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Concatenate(axis="a"), "`axis` of Concatenate.*'a'"),
        (lambda: Concatenate(axis=5, name="c")([A, B]), "'c' .*axis 5"),
        (lambda: Dot((1,)), r"`axes` of Dot.*\(1,\)"),
        (lambda: Dot((1, 1.0)), "`axes` of Dot"),
        (lambda: Subtract(name="s")([A]), r"'s' \(Subtract\) takes a list of 2 input"),
        (lambda: Average(name="a").call(A), r"'a' \(Average\) takes a list"),
    ],
)
def test_messages(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("axes", ["a", 1.0, None])
def test_axes_of_another_type_are_a_type_error(engine, axes):
    with pytest.raises(TypeError, match="axes.*" + re.escape(str(axes))):
        engine.layers.Dot(axes)

"""Normalization: moments found and given. What takes `engine` is true of Keras too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npkeras
from npkeras.layers import Normalization
from npkeras.utils import PyDataset
from tests.layers.engines import array, names, ones

DATA = np.random.default_rng(0).normal(3, 2, size=(20, 3, 4))


def batches(data, *cuts):
    return np.split(data, cuts)


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_adapt_finds_what_keras_finds(keras, data):
    axis = data.draw(st.sampled_from([-1, 1, None, (1, 2), 2]))
    dtype = data.draw(st.sampled_from(["float32", "float64", "int32", "float16"]))
    array_like = DATA.astype(dtype)
    cuts = sorted(data.draw(st.sets(st.integers(1, 19), max_size=4)))
    kind = data.draw(st.sampled_from(["array", "list", "generator", "pairs"]))
    fed = {
        "array": lambda: array_like,
        "list": lambda: batches(array_like, *cuts),
        "generator": lambda: iter(batches(array_like, *cuts)),
        "pairs": lambda: ((x, 1) for x in batches(array_like, *cuts)),
    }
    found = []
    for engine in (npkeras, keras):
        layer = engine.layers.Normalization(axis=axis)
        layer.adapt(fed[kind]())
        found.append([array(layer.mean), array(layer.variance), *map(array, layer.weights)])
        found[-1].append(array(layer(array_like)))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)


def test_adapting_again_forgets(engine):
    layer = engine.layers.Normalization()
    layer.adapt(DATA[:, 0])
    layer.adapt(np.array([[1.0] * 4, [3.0] * 4], "float32"))
    assert array(layer.mean).tolist() == [[2] * 4]
    assert array(layer.variance).tolist() == [[1] * 4]
    assert names(layer.weights) == ["mean", "variance", "count"]
    assert layer.trainable_weights == []


def test_a_dataset_is_a_row_of_batches():
    class Data(PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return DATA[5 * i : 5 * i + 5], None

    layer = Normalization()
    layer.adapt(Data())
    np.testing.assert_allclose(layer.adapt_mean, DATA.mean((0, 1)), rtol=1e-6)


def test_moments_are_given_for_all_or_for_each(engine):
    one = engine.layers.Normalization(mean=3.0, variance=4.0)
    np.testing.assert_allclose(array(one(np.full((1, 2), 5.0, "float32"))), [[1, 1]])
    each = engine.layers.Normalization(mean=[1.0, 2.0], variance=[1.0, 4.0], axis=(1, 2))
    assert each(ones(2, 3, 2)).shape == (2, 3, 2)
    assert each.weights == []
    back = engine.layers.Normalization(mean=3.0, variance=4.0, invert=True)
    np.testing.assert_allclose(array(back(ones(1, 2))), [[5, 5]])


def test_a_variance_of_zero_does_not_divide_by_zero(engine):
    layer = engine.layers.Normalization(mean=1.0, variance=0.0)
    assert array(layer(ones(1, 2))).tolist() == [[0, 0]]


def test_set_weights_counts():
    layer = Normalization()
    layer.build((None, 2))
    layer.set_weights([np.array([1.0, 2.0]), np.array([4.0, 4.0]), 0])
    assert layer(np.array([[3.0, 4.0]])).tolist() == [[1, 1]]


@pytest.mark.parametrize(
    "call",
    [
        lambda n: n(mean=1.0),
        lambda n: n(mean=[1.0], variance=[1.0, 2.0]),
        lambda n: n(mean=[[1.0]], variance=[[1.0]]),
        lambda n: n(axis=5).build((2, 3)),
        lambda n: n().build((2, None)),
        lambda n: n(axis=0).build((None, 3)),
        lambda n: n().adapt(iter([])),
        lambda n: n().adapt([ones(2, 2), ones(3, 3)]),
    ],
)
def test_bad_moments_and_shapes_are_refused(engine, call):
    with pytest.raises(ValueError, match=r"axis|mean|incompatible|no data|empty"):
        call(engine.layers.Normalization)


@pytest.mark.parametrize("data", [3, np.float32(3), [[1.0, 2.0]], "text"], ids=str)
def test_what_is_no_data_is_refused(engine, data):
    with pytest.raises(TypeError):
        engine.layers.Normalization().adapt(data)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: Normalization(axis="a"), "`axis` of Normalization.*'a'"),
        (lambda: Normalization(mean=1.0, variance=1.0, name="n").adapt(DATA), "'n' .*was given"),
        (lambda: Normalization(name="n").adapt(DATA[:0]), r"'n' .*no data.*\(0, 3, 4\)"),
        (
            lambda: Normalization(mean=[1.0, 2], variance=[1.0, 2], name="n")(ones(2, 3)),
            r"'n' .*\(2,\).*\(1, 3\)",
        ),
    ],
)
def test_messages(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_inputs_that_do_not_fit_the_moments_are_refused():
    layer = Normalization(name="n")
    layer.adapt(np.ones((4, 2), "float32"))
    with pytest.raises(ValueError, match=r"'n'.* 2 entries along axis -1.*\(5, 3\).*`adapt`"):
        layer(np.ones((5, 3), "float32"))
    assert layer(np.ones((3, 5, 2), "float32")).shape == (3, 5, 2)

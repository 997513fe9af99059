"""Flatten, Reshape, Permute and RepeatVector."""

import numpy as np
import pytest

from npkeras import config
from npkeras.layers import Flatten, Permute, RepeatVector, Reshape
from npkeras.layers.reshaping import data_format_of
from tests.layers.engines import array, ones

# Flatten


@pytest.mark.parametrize(
    "shape, flat",
    [
        ((3,), (3, 1)),
        ((2, 3), (2, 3)),
        ((2, 3, 4), (2, 12)),
        ((0, 3, 4), (0, 12)),
        ((2, 0, 4), (2, 0)),
    ],
)
def test_flatten_keeps_the_batch(engine, shape, flat):
    assert tuple(engine.layers.Flatten()(ones(*shape)).shape) == flat


@pytest.mark.parametrize(
    "shape, flat",
    [
        ((None,), (None, 1)),
        ((None, 3), (None, 3)),
        ((None, 3, 4), (None, 12)),
        ((None, None, 4), (None, None)),
        ((5, 3, 4), (5, 12)),
        ((5, None), (5, None)),
    ],
)
def test_flatten_knows_its_shape(engine, shape, flat):
    assert engine.layers.Flatten()(engine.Input(batch_shape=shape)).shape == flat


def test_channels_come_last_in_both_formats(engine):
    last = np.arange(24).reshape(2, 3, 2, 2)
    first = np.moveaxis(last, -1, 1)
    expected = last.reshape(2, -1)
    np.testing.assert_array_equal(array(engine.layers.Flatten()(last)), expected)
    flatten = engine.layers.Flatten("channels_first")
    np.testing.assert_array_equal(array(flatten(first)), expected)


def test_a_single_number_cannot_be_flattened(engine):
    with pytest.raises(ValueError, match=r"flatten.*\(\)"):
        engine.layers.Flatten()(np.float32(3))


def test_the_data_format_is_one_of_two_or_the_global_one():
    assert Flatten().data_format == "channels_last"
    config.set_image_data_format("channels_first")
    assert Flatten().data_format == data_format_of(None, "Flatten") == "channels_first"
    with pytest.raises(ValueError, match="`data_format` of Flatten.*data_format='first'"):
        Flatten("first")


# Reshape


@pytest.mark.parametrize(
    "target, shape",
    [
        ((24,), (2, 24)),
        ((-1,), (2, 24)),
        ((2, -1), (2, 2, 12)),
        ((4, 3, -1, 1), (2, 4, 3, 2, 1)),
        ([6, 4], (2, 6, 4)),
    ],
)
def test_reshape_keeps_the_batch(engine, target, shape):
    assert tuple(engine.layers.Reshape(target)(ones(2, 4, 6)).shape) == shape


def test_the_entries_stay_in_order(engine):
    x = np.arange(12).reshape(2, 2, 3)
    y = array(engine.layers.Reshape((3, 2))(x))
    np.testing.assert_array_equal(y, x.reshape(2, 3, 2))
    assert y.dtype == x.dtype


@pytest.mark.parametrize("target", [(3, 2), (-1, 2)])
def test_an_empty_batch_can_be_reshaped(engine, target):
    assert tuple(engine.layers.Reshape(target)(ones(0, 6)).shape) == (0, 3, 2)


@pytest.mark.parametrize(
    "target, shape, result",
    [
        ((2, -1), (None, 4, 3), (None, 2, 6)),
        ((2, -1), (None, None, 3), (None, 2, None)),
        ((3, 2), (None, None), (None, 3, 2)),
        ((-1,), (None,), (None, 1)),
        ((), (None, 1), (None,)),
        ((2, -1), (5, 4, 3), (5, 2, 6)),
        ((2, -1), (5, None, 3), (5, 2, None)),
    ],
)
def test_reshape_knows_its_shape(engine, target, shape, result):
    assert engine.layers.Reshape(target)(engine.Input(batch_shape=shape)).shape == result


def test_one_number_is_a_shape_of_one_axis():
    assert Reshape(6).target_shape == (6,)
    assert Reshape(6)(ones(2, 2, 3)).shape == (2, 6)


@pytest.mark.parametrize("target", [(2, 3), (2, -1), (6, -1)])
def test_another_number_of_entries_is_refused(target):
    message = rf"'r' \(Reshape\).*\(5,\).*{target[0]}, {target[1]}.*5 entries"
    for x in (ones(2, 5), __import__("npkeras").Input((5,))):
        with pytest.raises(ValueError, match=message):
            Reshape(target, name="r")(x)


@pytest.mark.parametrize("target", [(-1, -1), (-2, 3)])
def test_only_one_entry_may_be_unknown(engine, target):
    with pytest.raises(ValueError, match=rf"target_shape=\({target[0]}, {target[1]}\)"):
        engine.layers.Reshape(target)


@pytest.mark.parametrize("target", [(None, 2), (2, None), (None,)])
def test_none_is_what_is_left(engine, target):
    layer = engine.layers.Reshape(target)
    assert layer.get_config()["target_shape"] == target
    known = [n for n in target if n]
    rest = 6 // (known or [1])[0]
    shape = tuple(n or rest for n in target)
    assert tuple(layer(ones(5, 2, 3)).shape) == (5, *shape)
    assert layer(engine.Input((None, 3))).shape == (None, *target)
    assert tuple(engine.layers.Reshape(layer.target_shape)(ones(0, 6)).shape) == (0, *shape)


@pytest.mark.parametrize("target", ["a", (2.0, 3), (None, -1), None, ("a",)], ids=str)
def test_a_target_holds_integers(target):
    with pytest.raises(ValueError, match="`target_shape` of Reshape (must|can).*Received"):
        Reshape(target)


# Permute and RepeatVector


def test_axes_are_reordered(engine):
    x = np.arange(24).reshape(2, 3, 4)
    y = array(engine.layers.Permute((2, 1))(x))
    np.testing.assert_array_equal(y, x.transpose(0, 2, 1))
    assert engine.layers.Permute((2, 1))(engine.Input((None, 4))).shape == (None, 4, None)


@pytest.mark.parametrize("dims", [(1, 3), (0, 1), (1, 1), 2, "ab"], ids=str)
def test_each_axis_is_named_once(engine, dims):
    with pytest.raises((ValueError, TypeError)):
        engine.layers.Permute(dims)
    with pytest.raises(ValueError, match="`dims` of Permute.*dims="):
        Permute(dims)


def test_a_sample_is_repeated(engine):
    x = np.arange(6).reshape(2, 3)
    y = array(engine.layers.RepeatVector(2)(x))
    np.testing.assert_array_equal(y, np.stack([x, x], 1))
    assert engine.layers.RepeatVector(3)(engine.Input((None,))).shape == (None, 3, None)


@pytest.mark.parametrize("n", [0, -1, 2.0, True, None])
def test_how_often_is_a_positive_integer(engine, n):
    with pytest.raises((ValueError, TypeError)):
        engine.layers.RepeatVector(n)
    kind = ValueError if type(n) is int else TypeError
    with pytest.raises(kind, match="`n` of RepeatVector.*n="):
        RepeatVector(n)


@pytest.mark.parametrize("n", [2.0, None, "2", (2,)])
def test_what_is_no_integer_is_a_type_error(engine, n):
    with pytest.raises(TypeError):
        engine.layers.RepeatVector(n)


@pytest.mark.parametrize("name, argument", [("Permute", (2, 1)), ("RepeatVector", 2)])
def test_another_number_of_axes_is_refused(engine, name, argument):
    with pytest.raises(ValueError, match="ndim|axes"):
        getattr(engine.layers, name)(argument)(ones(2, 3, 4, 5))

"""Initializers: the weights Keras begins with."""

import random as python_random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import initializers
from npkeras.core.random import SeedGenerator
from npkeras.core.variable import Variable
from tests.checks import check_config

SCALED = ["GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal"]
RANDOM = ["RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal"]
CONSTANT = ["Zeros", "Ones", "Constant", "Identity", "STFT"]
SHAPES = st.lists(st.integers(0, 7), max_size=4).map(tuple)
SEEDS = st.integers(0, 2**31)


def live(keras, name, *args, **kwargs):
    return getattr(keras.initializers, name)(*args, **kwargs)


def mine(name, *args, **kwargs):
    return getattr(initializers, name)(*args, **kwargs)


@pytest.mark.keras
@settings(max_examples=15, deadline=None)
@given(shape=SHAPES, seed=SEEDS, dtype=st.sampled_from(["float16", "float32", "float64"]))
@pytest.mark.parametrize("name", [*SCALED, *RANDOM[:-1]])
def test_random_weights_are_keras(keras, name, shape, seed, dtype):
    expected = np.asarray(live(keras, name, seed=seed)(shape, dtype=dtype))
    y = mine(name, seed=seed)(shape, dtype=dtype)
    rtol = 4 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(y, expected, rtol=rtol, atol=1e-7, strict=True)


@pytest.mark.keras
@settings(max_examples=15, deadline=None)
@given(shape=st.lists(st.integers(1, 9), min_size=2, max_size=4).map(tuple), seed=SEEDS)
@pytest.mark.parametrize("dtype, atol", [("float16", 5e-2), ("float32", 2e-5), ("float64", 1e-12)])
def test_orthogonal_weights_are_keras(keras, dtype, atol, shape, seed):
    expected = np.asarray(live(keras, "Orthogonal", gain=2.0, seed=seed)(shape, dtype=dtype))
    y = mine("Orthogonal", gain=2.0, seed=seed)(shape, dtype=dtype)
    np.testing.assert_allclose(y, expected, atol=atol, strict=True)


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(
    data=st.data(),
    mode=st.sampled_from(["fan_in", "fan_out", "fan_avg"]),
    distribution=st.sampled_from(["truncated_normal", "untruncated_normal", "uniform"]),
    scale=st.sampled_from([1, 0.1, 2.5]),
)
def test_variance_scaling_is_keras_for_all_arguments(keras, data, mode, distribution, scale):
    shape = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    axes = st.none() | st.lists(st.integers(-len(shape), len(shape) - 1), max_size=2)
    options = {"input_axes": data.draw(axes), "output_axes": data.draw(axes)}
    arguments = (scale, mode, distribution, 7)
    expected = np.asarray(live(keras, "VarianceScaling", *arguments, **options)(shape))
    y = mine("VarianceScaling", *arguments, **options)(shape)
    np.testing.assert_allclose(y, expected, rtol=5e-7, atol=1e-7, strict=True)


@pytest.mark.keras
@settings(max_examples=10, deadline=None)
@given(shape=SHAPES)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "bool"])
def test_constants_are_keras(keras, dtype, shape):
    for name, args in (("Zeros", ()), ("Ones", ()), ("Constant", (2.7,)), ("Constant", (True,))):
        expected = np.asarray(live(keras, name, *args)(shape, dtype=dtype))
        np.testing.assert_array_equal(mine(name, *args)(shape, dtype=dtype), expected, strict=True)


@pytest.mark.keras
def test_constant_arrays_broadcast_as_in_keras(keras):
    for value in ([1, 2.0], np.array([[1.0], [2.0], [3.0]])):
        expected = np.asarray(live(keras, "Constant", value)((3, 2)))
        np.testing.assert_array_equal(mine("Constant", value)((3, 2)), expected, strict=True)


@pytest.mark.keras
@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2), (0, 2), (1, 1)])
def test_identity_is_keras(keras, shape):
    for gain in (1.0, 2, 0.5):
        expected = np.asarray(live(keras, "Identity", gain)(shape))
        np.testing.assert_array_equal(mine("Identity", gain)(shape), expected, strict=True)


# Keras' STFT needs SciPy
@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(
    side=st.sampled_from(["real", "imag"]),
    window=st.sampled_from(["hann", "hamming", None]),
    scaling=st.sampled_from(["density", "spectrum", None]),
    periodic=st.booleans(),
    size=st.integers(2, 12),
    frequencies=st.integers(2, 9),
)
def test_stft_is_keras(keras, side, window, scaling, periodic, size, frequencies):
    pytest.importorskip("scipy")
    if size == 2 and not periodic and window == "hann":
        return  # both weights of that window are 0
    shape = (size, 1, frequencies)
    expected = np.asarray(live(keras, "STFT", side, window, scaling, periodic)(shape))
    y = mine("STFT", side, window, scaling, periodic)(shape)
    np.testing.assert_allclose(y, expected, atol=3e-6, strict=True)


def test_stft_without_a_window_holds_the_rows_of_the_fourier_transform():
    size = 8
    real, imaginary = (
        mine("STFT", side, None)((size, 1, 5), "float64") for side in ("real", "imag")
    )
    signal = np.random.default_rng(0).normal(size=size)
    spectrum = np.fft.rfft(signal)
    np.testing.assert_allclose(signal @ real[:, 0], spectrum.real, atol=1e-12)
    np.testing.assert_allclose(signal @ imaginary[:, 0], spectrum.imag, atol=1e-12)


@pytest.mark.keras
@pytest.mark.parametrize("name", [*SCALED, *RANDOM, *CONSTANT[:-1]])
def test_configs_are_keras(keras, name):
    expected = keras.initializers.serialize(live(keras, name))
    if name == "Identity":
        expected["config"] = {"gain": 1.0}  # Keras forgets it
    assert initializers.serialize(mine(name)) == expected


@pytest.mark.keras
def test_seeds_are_drawn_as_in_keras(keras):
    def drawn(module, generator):
        python_random.seed(3)
        first = module.GlorotUniform()
        seeds = [first.seed, first.clone().seed, module.get("he_normal").seed]
        seeds += [module.get(module.RandomNormal).seed, module.get(first).seed]
        seeds += [module.GlorotUniform.from_config(first.get_config()).seed]
        module.Zeros(), module.get("ones"), module.Orthogonal(seed=3), module.get(None)
        module.RandomNormal(seed=generator)
        return [*seeds, python_random.random()]

    theirs = drawn(keras.initializers, keras.random.SeedGenerator(1))
    assert drawn(initializers, SeedGenerator(1)) == theirs


@pytest.mark.keras
@pytest.mark.parametrize("name", [*SCALED, *RANDOM, *CONSTANT])
def test_keras_second_names_are_known(keras, name):
    modules = keras.initializers, initializers
    theirs, own = (
        {n for n in vars(module) if getattr(module, n) is getattr(module, name)}
        for module in modules
    )
    assert theirs <= own
    for n in theirs:
        assert type(initializers.get(n)).__name__ == name


# A random initializer and its seed


def test_one_initializer_makes_the_same_weights_twice():
    initializer = mine("GlorotUniform")
    np.testing.assert_array_equal(initializer((3, 4)), initializer((3, 4)))


def test_a_generator_gives_other_weights_each_time():
    initializer = mine("RandomNormal", seed=SeedGenerator(5))
    first, second = initializer((3, 4)), initializer((3, 4))
    assert (first != second).all()
    np.testing.assert_array_equal(first, mine("RandomNormal", seed=5)((3, 4)))


def test_a_config_with_a_generator_makes_a_new_one_like_it():
    initializer = mine("RandomNormal", seed=SeedGenerator(5))
    first = initializer((3, 4))
    again = initializers.deserialize(initializers.serialize(initializer))
    np.testing.assert_array_equal(again((3, 4)), first)


@pytest.mark.parametrize("seed", ["a", 1.5, True])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ValueError, match=f"`seed` of HeNormal.*seed={seed!r}"):
        mine("HeNormal", seed=seed)


@pytest.mark.parametrize("name", [*SCALED, *RANDOM, *CONSTANT])
def test_configs_go_round(name):
    check_config(mine(name))


def test_identity_keeps_its_gain_in_its_config():
    again = initializers.deserialize(initializers.serialize(mine("Identity", 3.0)))
    np.testing.assert_array_equal(again((2, 2)), 3 * np.eye(2))


# Limits


def test_orthogonal_columns_are_orthogonal_unit_vectors():
    y = mine("Orthogonal", seed=1)((3, 4, 5), "float64").reshape(12, 5)
    np.testing.assert_allclose(y.T @ y, np.eye(5), atol=1e-12)
    y = mine("Orthogonal", gain=2.0, seed=1)((3, 5), "float64")
    np.testing.assert_allclose(y @ y.T, 4 * np.eye(3), atol=1e-12)


@pytest.mark.parametrize("distribution", ["truncated_normal", "untruncated_normal", "uniform"])
def test_the_variance_is_scale_over_fan(distribution):
    y = mine("VarianceScaling", 2.0, "fan_in", distribution, seed=1)((200, 500))
    assert abs(y.var() / (2 / 200) - 1) < 0.02


def test_integers_are_spread_over_whole_bounds():
    y = mine("RandomUniform", 0, 100, seed=7)((6,), dtype="int32")
    np.testing.assert_array_equal(y, [83, 72, 18, 72, 71, 9], strict=False)
    assert y.dtype == "int32"


# Identifiers


def test_get_takes_names_configs_classes_and_objects():
    zeros = mine("Zeros")
    assert initializers.get(None) is None
    assert initializers.get(zeros) is zeros
    for identifier in ("zeros", "Zeros", "zero", initializers.Zeros):
        assert type(initializers.get(identifier)) is initializers.Zeros
    config = {"class_name": "HeNormal", "config": {"seed": 3}}
    assert initializers.get(config).seed == 3


def test_get_takes_functions():
    def ramp(shape, dtype=None):
        return np.arange(np.prod(shape), dtype=dtype).reshape(shape)

    assert initializers.get(ramp) is ramp


@pytest.mark.parametrize("wrap", [np.asarray, Variable])
def test_get_takes_arrays_of_the_weights_own_shape(wrap):
    values = np.array([[1.0, 2.0]], "float32")
    initializer = initializers.get(wrap(values))
    np.testing.assert_array_equal(initializer((1, 2)), values)
    assert initializer((1, 2), dtype="float16").dtype == "float16"
    with pytest.raises(ValueError, match=r"has shape \(1, 2\).*shape=\(3, 2\)"):
        initializer((3, 2))
    again = initializers.deserialize(initializers.serialize(initializer))
    np.testing.assert_array_equal(again((1, 2)), values)


@pytest.mark.parametrize(
    "identifier", ["zerros", 3, 2.5, [1, 2], {"class_name": "A", "config": {}}]
)
def test_get_refuses(identifier):
    with pytest.raises(ValueError, match="Unknown|Expected one of initializers"):
        initializers.get(identifier)


def test_get_names_what_may_have_been_meant():
    with pytest.raises(ValueError, match="'zerros'.*Did you mean 'zeros'"):
        initializers.get("zerros")


# Bad arguments


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"scale": 0}, "`scale` of VarianceScaling must be above 0.*scale=0"),
        ({"scale": -1}, "`scale` of VarianceScaling must be a number at least 0.*scale=-1"),
        ({"scale": "a"}, "`scale` of VarianceScaling must be a number.*scale='a'"),
        ({"mode": "fan"}, "`mode` of VarianceScaling must be one of 'fan_in'.*mode='fan'"),
        ({"distribution": "x"}, "`distribution` of VarianceScaling.*distribution='x'"),
        ({"input_axes": 0}, "`input_axes` of VarianceScaling must be a tuple.*input_axes=0"),
        ({"output_axes": ("a",)}, "`output_axes` of VarianceScaling must be a tuple.*'a'"),
    ],
)
def test_variance_scaling_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        mine("VarianceScaling", **arguments)


@pytest.mark.parametrize(
    "name, arguments, shape, dtype, message",
    [
        ("Identity", {}, (3,), None, r"Identity makes matrices only.*shape=\(3,\)"),
        ("Orthogonal", {}, (3,), None, r"Orthogonal makes arrays of two.*shape=\(3,\)"),
        ("STFT", {}, (6, 4), None, r"STFT makes kernels of shape.*shape=\(6, 4\)"),
        ("Zeros", {}, (None, 2), None, r"Zeros needs a shape without None.*\(None, 2\)"),
        ("Ones", {}, (-1,), None, r"`shape` of Ones.*shape=\(-1,\)"),
        ("Constant", {"value": "a"}, (2,), None, "`value` of Constant must be a number.*'a'"),
        ("Constant", {"value": [1, 2]}, (3,), None, r"value.shape=\(2,\), shape=\(3,\)"),
        ("RandomNormal", {}, (2,), "int32", "RandomNormal makes floats only.*dtype='int32'"),
        ("RandomUniform", {}, (2,), "int32", "needs whole bounds.*minval=-0.05, maxval=0.05"),
        (
            "GlorotUniform",
            {"input_axes": [5], "output_axes": [0]},
            (2, 3),
            None,
            r"axes that are not in the shape.*input_axes=\[5\].*shape=\(2, 3\)",
        ),
    ],
)
def test_calls_refuse(name, arguments, shape, dtype, message):
    with pytest.raises(ValueError, match=message):
        mine(name, **arguments)(shape, dtype=dtype)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"side": "x"}, "`side` of STFT must be one of 'real', 'imag'.*side='x'"),
        ({"scaling": "x"}, "`scaling` of STFT must be one of None.*scaling='x'"),
        ({"window": "foo"}, "Unknown window.*window='foo'"),
        ({"window": ("kaiser",)}, r"'kaiser' takes 1 parameter.*window=\('kaiser',\)"),
    ],
)
def test_stft_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        mine("STFT", **arguments)


def test_the_base_class_says_what_is_missing():
    class Half(initializers.Initializer):
        pass

    with pytest.raises(NotImplementedError, match="Half must define `__call__"):
        Half()((2,))


@pytest.mark.keras
def test_old_configs_call_the_truncated_normal_distribution_normal(keras):
    arguments = {"distribution": "normal", "seed": 7}
    ours = initializers.VarianceScaling(**arguments)
    theirs = keras.initializers.VarianceScaling(**arguments)
    assert ours.get_config() == theirs.get_config()
    np.testing.assert_allclose(ours((3, 2)), theirs((3, 2)), rtol=1e-6)

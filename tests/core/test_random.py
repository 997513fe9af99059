"""From a seed to numbers: those of Keras on TensorFlow."""

import copy
import random as python_random
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.core import config, random

GOLDEN = {
    "uniform": [0.7470788, 0.6721802, 0.05777955, 0.6442132],
    "truncated_normal": [-0.6741728, -0.3586926, -1.8795817, -1.4728931, -0.7252445],
}
SHAPES = st.lists(st.integers(0, 40), max_size=3).map(tuple)
SEEDS = st.one_of(st.integers(0, 2**31), st.integers(-(2**63), 2**63 - 1))
FLOATS = st.sampled_from(["float16", "float32", "float64"])
BOUNDS = st.floats(-100, 100, width=16)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_values(name):
    y = getattr(random, name)((len(GOLDEN[name]),), (7, 0))
    np.testing.assert_allclose(y, GOLDEN[name], rtol=1e-6)


def test_golden_integers():
    y = random.randint((6,), (7, 0), "int32", 0, 100)
    np.testing.assert_array_equal(y, [83, 72, 18, 72, 71, 9])


# Live Keras


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(shape=SHAPES, seed=SEEDS, dtype=FLOATS, low=BOUNDS, high=BOUNDS)
def test_uniform_is_keras_to_the_bit(keras, shape, seed, dtype, low, high):
    expected = keras.random.uniform(shape, low, high, dtype=dtype, seed=seed)
    y = random.uniform(shape, random.draw_seed(seed), dtype, low, high)
    np.testing.assert_array_equal(y, np.asarray(expected), strict=True)


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(shape=SHAPES, seed=SEEDS, dtype=FLOATS, mean=BOUNDS, stddev=BOUNDS)
@pytest.mark.parametrize("name", ["normal", "truncated_normal"])
def test_normal_numbers_are_keras_to_the_last_place(keras, name, shape, seed, dtype, mean, stddev):
    expected = getattr(keras.random, name)(shape, mean, stddev, dtype=dtype, seed=seed)
    y = getattr(random, name)(shape, random.draw_seed(seed), dtype, mean, stddev)
    assert y.dtype == dtype
    ulp = 2 * float(np.finfo(dtype).eps)
    np.testing.assert_allclose(
        y, np.asarray(expected), rtol=ulp, atol=ulp * (abs(mean) + 6 * abs(stddev)), strict=True
    )


@pytest.mark.keras
@pytest.mark.parametrize("dtype", [f"{u}int{bits}" for u in ("", "u") for bits in (8, 16, 32, 64)])
@settings(max_examples=10, deadline=None)
@given(data=st.data(), shape=SHAPES, seed=SEEDS)
def test_integers_are_keras_to_the_bit(keras, dtype, data, shape, seed):
    edge = 2**31 if dtype == "int32" else 2**63
    low = data.draw(st.integers(-edge, edge - 2))
    high = data.draw(st.integers(low + 1, edge - 1))
    expected = keras.random.randint(shape, low, high, dtype=dtype, seed=seed)
    y = random.randint(shape, random.draw_seed(seed), dtype, low, high)
    np.testing.assert_array_equal(y, np.asarray(expected), strict=True)


@pytest.mark.keras
@settings(max_examples=25, deadline=None)
@given(shape=SHAPES, seed=SEEDS, dtype=FLOATS, rate=st.floats(0, 1))
def test_dropout_masks_are_keras_to_the_bit(keras, shape, seed, dtype, rate):
    expected = keras.random.dropout(np.ones(shape, dtype), rate, seed=seed)
    mask = random.dropout_mask(shape, rate, seed, dtype)
    np.testing.assert_array_equal(mask, np.asarray(expected), strict=True)


@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(
    size=st.integers(0, 300),
    seed=st.integers(0, 2**31),
    dtype=FLOATS,
    alpha=st.one_of(st.floats(2**-6, 300, width=16), st.just(1.0)),
)
def test_gamma_numbers_are_keras(keras, size, seed, dtype, alpha):
    expected = keras.random.gamma((size,), alpha, dtype=dtype, seed=seed)
    y = random.gamma((size,), (seed, 0), dtype, alpha)
    rtol = 4 * float(np.finfo(dtype).eps) * max(1, 1 / alpha)
    np.testing.assert_allclose(y, np.asarray(expected), rtol=rtol, strict=True)


@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(
    size=st.integers(0, 300),
    seed=st.integers(0, 2**31),
    dtype=st.sampled_from(["float32", "float64", "int32", "int64"]),
    counts=st.integers(0, 200),
    chance=st.floats(0, 1, width=32),
)
def test_binomial_numbers_are_keras(keras, size, seed, dtype, counts, chance):
    expected = keras.random.binomial((size,), counts, chance, dtype=dtype, seed=seed)
    y = random.binomial((size,), (seed, 0), dtype, counts, chance)
    np.testing.assert_array_equal(y, np.asarray(expected), strict=True)


@pytest.mark.keras
@settings(max_examples=15, deadline=None)
@given(first=st.integers(-(2**62), 2**62), draws=st.integers(0, 3), ordered=st.booleans())
def test_seed_generators_are_keras(keras, first, draws, ordered):
    theirs, mine = keras.random.SeedGenerator(first), random.SeedGenerator(first)
    for _ in range(draws):
        np.testing.assert_array_equal(mine.next(ordered), theirs.next(ordered).numpy().copy())
    np.testing.assert_array_equal(mine.state.value, theirs.state.numpy())
    y = random.uniform((3,), random.draw_seed(mine))
    np.testing.assert_array_equal(y, keras.random.uniform((3,), seed=theirs))


@pytest.mark.keras
def test_the_global_generator_is_keras(keras):
    keras.utils.set_random_seed(42)
    expected = [keras.random.uniform((2,)).numpy() for _ in range(3)]
    left = python_random.random()
    random.reset_global_seed(42)
    y = [random.uniform((2,), random.draw_seed(None)) for _ in range(3)]
    np.testing.assert_array_equal(y, expected)
    assert python_random.random() == left


# Distributions


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_moments(dtype):
    size = 100_000
    bound = 5 / np.sqrt(size)
    u = random.uniform((size,), (1, 0), dtype).astype("float64")
    assert abs(u.mean() - 0.5) < bound
    assert u.min() >= 0
    assert u.max() < 1
    y = random.normal((size,), (1, 0), dtype).astype("float64")
    assert abs(y.mean()) < bound
    assert abs(y.std() - 1) < bound
    y = random.truncated_normal((size,), (1, 0), dtype).astype("float64")
    assert abs(y.std() - 0.87962566103423978) < bound
    assert abs(y).max() <= 2


def test_gamma_and_beta_moments():
    y = random.gamma((50_000,), (1, 0), "float64", 3.0)
    assert abs(y.mean() - 3) < 0.05
    assert abs(y.var() - 3) < 0.15
    y = random.beta((50_000,), (1, 0), "float64", 2.0, 3.0)
    assert abs(y.mean() - 2 / 5) < 0.01
    assert abs(y.var() - 2 * 3 / (25 * 6)) < 0.002


@pytest.mark.parametrize("counts, chance", [(8, 0.3), (8, 0.9), (400, 0.3), (400, 0.7)])
def test_binomial_moments(counts, chance):
    y = random.binomial((50_000,), (1, 0), "float64", counts, chance)
    assert abs(y.mean() - counts * chance) < 0.1
    assert abs(y.var() / (counts * chance * (1 - chance)) - 1) < 0.05


def test_one_number_does_not_depend_on_how_many_are_drawn():
    for draw in (random.uniform, random.normal, random.truncated_normal, random.gamma):
        long = draw((50_001,), (3, 4))
        for size in (1, 2, 3, 20_000):
            np.testing.assert_array_equal(draw((size,), (3, 4)), long[:size])


def test_the_bounds_of_all_integers_of_64_bits():
    y = random.randint((1000,), (7, 0), "int64", -(2**63), 2**63 - 1)
    assert y.min() < -(2**62)
    assert y.max() > 2**62


def test_dtypes_without_numbers_are_refused():
    with pytest.raises(ValueError, match="`dtype` of normal must be one of float16.*dtype='int32'"):
        random.normal((2,), (7, 0), "int32")
    with pytest.raises(ValueError, match="bfloat16, which NumPy lacks"):
        random.uniform((2,), (7, 0), "bfloat16")


# Seeds


@pytest.mark.parametrize("seed", ["a", 1.5, True, [1, 2], 2**63, -(2**63) - 1])
def test_what_is_no_seed_is_refused(seed):
    for owner, take in (("SeedGenerator", random.SeedGenerator), ("a random", random.draw_seed)):
        with pytest.raises(ValueError, match=f"`seed` of {owner}.*Received: seed="):
            take(seed)


def test_unknown_arguments_of_seed_generator_are_refused():
    with pytest.raises(ValueError, match="unknown keyword arguments: speed"):
        random.SeedGenerator(5, speed=3)


def test_state_is_a_variable_that_is_not_trained():
    state = random.SeedGenerator(5, name="dice").state
    assert (state.name, state.path) == ("seed_generator_state", "dice/seed_generator_state")
    assert (state.shape, state.dtype, state.trainable) == ((2,), "int64", False)


def test_a_seed_is_drawn_from_pythons_random():
    python_random.seed(42)
    expected = python_random.Random(42).randint(1, 10**9)
    generator = random.SeedGenerator()
    assert generator.state.value.tolist() == [expected, 0]
    assert generator.get_config() == {"seed": None, "name": "seed_generator"}


def test_config_makes_a_generator_at_the_beginning():
    generator = random.SeedGenerator(5)
    generator.next()
    again = random.SeedGenerator.from_config(generator.get_config())
    assert again.next().tolist() == [5, 0]


def test_a_copy_goes_its_own_way():
    generator = random.SeedGenerator(5)
    twin = copy.deepcopy(generator)
    generator.next()
    assert twin.next().tolist() == [5, 0]


def test_no_seed_is_given_twice_to_several_threads():
    generator = random.SeedGenerator(5)
    counts = []

    def draw():
        counts.extend([int(generator.next()[1]) for _ in range(500)])

    threads = [threading.Thread(target=draw) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == list(range(2000))


def test_threads_draw_the_same_numbers_as_one():
    expected = random.normal((30_000,), (7, 0))
    drawn = [None] * 4

    def draw(i):
        drawn[i] = random.normal((30_000,), (7, 0))

    threads = [threading.Thread(target=draw, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for y in drawn:
        np.testing.assert_array_equal(y, expected)


# Dropout and noise


def test_no_dropout_draws_nothing():
    generator = random.SeedGenerator(5)
    assert random.dropout_mask((2, 3), 0, generator).tolist() == [[1.0] * 3] * 2
    assert generator.state.value.tolist() == [5, 0]


def test_full_dropout_drops_all():
    for stream in ("tensorflow", "numpy"):
        config.set_random_stream(stream)
        assert not random.dropout_mask((20,), 1.0, 7).any()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("stream", ["tensorflow", "numpy"])
def test_masks_drop_the_share_asked_for(stream, dtype):
    config.set_random_stream(stream)
    mask = random.dropout_mask((1000, 100), 0.25, 7, dtype)
    assert mask.dtype == dtype
    assert abs((mask == 0).mean() - 0.25) < 0.01
    assert set(np.unique(mask)) == {0, np.dtype(dtype).type(1 / 0.75)}
    np.testing.assert_array_equal(mask, random.dropout_mask((1000, 100), 0.25, 7, dtype))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("stream", ["tensorflow", "numpy"])
def test_noise_has_the_moments_asked_for(stream, dtype):
    config.set_random_stream(stream)
    y = random.noise((100_000,), 7, dtype, 2.0, 3.0)
    assert y.dtype == dtype
    assert abs(y.astype("float64").mean() - 2) < 0.05
    assert abs(y.astype("float64").std() - 3) < 0.05
    np.testing.assert_array_equal(y, random.noise((100_000,), 7, dtype, 2.0, 3.0))


def test_the_stream_is_chosen_for_dropout_and_noise_alone():
    weights = random.normal((10,), (7, 0))
    masks = [random.dropout_mask((100,), 0.5, 7)]
    noises = [random.noise((100,), 7)]
    config.set_random_stream("numpy")
    masks.append(random.dropout_mask((100,), 0.5, 7))
    noises.append(random.noise((100,), 7))
    np.testing.assert_array_equal(weights, random.normal((10,), (7, 0)))
    assert (masks[0] != masks[1]).any()
    assert (noises[0] != noises[1]).any()

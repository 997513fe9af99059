"""npkeras.random: the public functions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import npkeras.random as random
from npkeras import ops
from npkeras.core import random as core_random
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import GradientTape
from npkeras.core.variable import Variable

SEEDS = st.integers(0, 2**31)
SHAPES = st.lists(st.integers(0, 12), max_size=3).map(tuple)


@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(shape=SHAPES, seed=SEEDS)
@pytest.mark.parametrize("name", ["uniform", "normal", "truncated_normal"])
def test_defaults_are_keras(keras, name, shape, seed):
    expected = np.asarray(getattr(keras.random, name)(shape, seed=seed))
    y = getattr(random, name)(shape, seed=seed)
    np.testing.assert_allclose(y, expected, rtol=3e-7, atol=3e-7, strict=True)


@pytest.mark.keras
def test_bounds_and_moments_may_be_arrays(keras):
    low, high = np.array([[0.0], [10.0]]), np.array([5.0, 15.0, 25.0])
    for name in ("uniform", "normal", "truncated_normal"):
        expected = getattr(keras.random, name)((2, 3), low, high, seed=7)
        y = getattr(random, name)((2, 3), low, high, seed=7)
        np.testing.assert_allclose(y, np.asarray(expected), rtol=1e-6, strict=True)


@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(
    seed=SEEDS,
    rows=st.integers(0, 6),
    classes=st.integers(1, 9),
    samples=st.integers(0, 30),
    dtype=st.sampled_from(["float16", "float32", "float64"]),
)
def test_small_batches_of_classes_are_keras(keras, seed, rows, classes, samples, dtype):
    logits = np.random.default_rng(seed).normal(size=(rows, classes), scale=2).astype(dtype)
    expected = keras.random.categorical(logits, samples, seed=seed)
    y = random.categorical(logits, samples, seed=seed)
    np.testing.assert_array_equal(y, np.asarray(expected), strict=True)


@pytest.mark.keras
def test_classes_without_a_finite_logit_are_never_drawn(keras):
    logits = np.array([[np.nan, 0, 1], [-np.inf, 0, -np.inf], [np.inf, 0, 0]], "float32")
    expected = np.asarray(keras.random.categorical(logits, 20, dtype="int64", seed=7))
    y = random.categorical(logits, 20, dtype="int64", seed=7)
    np.testing.assert_array_equal(y, expected, strict=True)
    assert not (y[0] == 0).any()
    assert (y[1] == 1).all()


def test_frequencies_of_classes():
    logits = np.log([[0.2, 0.3, 0.5]])
    y = random.categorical(logits, 50_000, seed=1)
    np.testing.assert_allclose(np.bincount(y[0]) / 50_000, [0.2, 0.3, 0.5], atol=0.01)


@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(data=st.data(), seed=SEEDS, shape=st.lists(st.integers(0, 9), min_size=1, max_size=3))
def test_shuffles_are_keras(keras, data, seed, shape):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = np.arange(np.prod(shape), dtype="float32").reshape(shape)
    expected = keras.random.shuffle(x, axis=axis, seed=seed)
    np.testing.assert_array_equal(random.shuffle(x, axis, seed), np.asarray(expected), strict=True)


def test_shuffle_passes_gradients_back_to_where_entries_came_from():
    x = Variable(np.arange(5.0))
    with GradientTape() as tape:
        y = ops.sum(random.shuffle(x, seed=7) * np.arange(5.0))
    order = core_random.permutation(5, (7, 0))
    np.testing.assert_array_equal(tape.gradient(y, x), np.argsort(order))


@pytest.mark.keras
@settings(max_examples=20, deadline=None)
@given(
    data=st.data(),
    seed=SEEDS,
    rate=st.one_of(st.just(0), st.just(1), st.floats(0, 1)),
    dtype=st.sampled_from(["float16", "float32", "float64"]),
)
def test_dropout_is_keras(keras, data, seed, rate, dtype):
    shape = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple))
    noise = data.draw(st.sampled_from([None, shape, (1,) * len(shape), (None,) * len(shape)]))
    x = np.linspace(-2, 3, int(np.prod(shape)), dtype=dtype).reshape(shape)
    expected = keras.random.dropout(x, rate, noise, seed)
    np.testing.assert_array_equal(random.dropout(x, rate, noise, seed), np.asarray(expected))


def test_dropout_is_recorded():
    x = Variable(np.ones((50, 4), "float32"))
    with GradientTape() as tape:
        y = random.dropout(x, 0.5, noise_shape=(None, 1), seed=7)
        total = ops.sum(y)
    np.testing.assert_array_equal(tape.gradient(total, x), y.value)
    assert (y.value == y.value[:, :1]).all()


@pytest.mark.keras
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_beta_numbers_are_keras(keras, dtype):
    rtol = 4 * float(np.finfo(dtype).eps)
    arrays = np.array([0.5, 1, 2]), np.array([[2.0], [1.0], [0.5], [3.0]])
    for alpha, beta in ((0.7, 1.3), (1.0, 1.0), (5.0, 0.1), arrays, arrays[::-1], (2.0, arrays[0])):
        expected = keras.random.beta((4, 3), alpha, beta, dtype=dtype, seed=7)
        y = random.beta((4, 3), alpha, beta, dtype=dtype, seed=7)
        np.testing.assert_allclose(y, np.asarray(expected), rtol=rtol, strict=True)


@pytest.mark.keras
def test_gamma_and_binomial_take_a_parameter_for_each_place(keras):
    alpha = np.arange(12.0).reshape(4, 3) / 4
    expected = keras.random.gamma((2, 4, 3), alpha, seed=7)
    y = random.gamma((2, 4, 3), alpha, seed=7)
    np.testing.assert_allclose(y, np.asarray(expected), rtol=1e-6, strict=True)
    counts, chances = np.array([[5], [10], [50], [300]]), np.array([0.5, 0.1, 0.7])
    expected = keras.random.binomial((2, 4, 3), counts, chances, seed=7)
    y = random.binomial((2, 4, 3), counts, chances, seed=7)
    np.testing.assert_array_equal(y, np.asarray(expected), strict=True)


@pytest.mark.keras
def test_a_generator_moves_on_as_in_keras(keras):
    theirs, mine = keras.random.SeedGenerator(5), random.SeedGenerator(5)
    for name, args in {
        "uniform": ((2,),),
        "randint": ((2,), 0, 9),
        "beta": ((2,), 1.0, 1.0),
        "shuffle": (np.arange(4),),
        "dropout": (np.ones(3, "float32"), 0.5),
        "categorical": (np.ones((1, 3), "float32"), 2),
    }.items():
        expected = np.asarray(getattr(keras.random, name)(*args, seed=theirs))
        np.testing.assert_allclose(getattr(random, name)(*args, seed=mine), expected, rtol=1e-6)
        assert mine.state.value.tolist() == theirs.state.numpy().tolist()


@pytest.mark.parametrize("shape", [3, (None, 2), (-1,), (2.5,), "a", None, (True,)])
def test_what_is_no_shape_is_refused(shape):
    calls = {
        "uniform": (),
        "normal": (),
        "truncated_normal": (),
        "randint": (0, 2),
        "gamma": (1.0,),
        "beta": (1.0, 1.0),
        "binomial": (1, 0.5),
    }
    for name, args in calls.items():
        with pytest.raises(ValueError, match=f"`shape` of {name} must be a tuple.*shape="):
            getattr(random, name)(shape, *args)


def test_a_shape_may_be_a_list_or_an_array():
    for shape in ([2, 3], np.array([2, 3]), (2, np.int64(3))):
        assert random.uniform(shape, seed=1).shape == (2, 3)


@pytest.mark.parametrize("name", ["uniform", "normal", "truncated_normal"])
def test_integer_dtypes_are_refused(name):
    with pytest.raises(ValueError, match=f"`dtype` of {name} must be a float.*dtype='int32'"):
        getattr(random, name)((2,), dtype="int32")


@pytest.mark.parametrize(
    "args, dtype, error, message",
    [
        ((0, 9), "float32", ValueError, "`dtype` of randint.*dtype='float32'"),
        ((0, 9), "bool", ValueError, "`dtype` of randint.*dtype='bool'"),
        ((0.5, 9), "int32", TypeError, "`minval` of randint must be an integer.*minval=0.5"),
        ((0, True), "int32", TypeError, "`maxval` of randint must be an integer.*maxval=True"),
        ((5, 5), "int32", ValueError, "below `maxval`.*minval=5, maxval=5"),
        ((0, 2**40), "int32", ValueError, "`maxval` of randint must fit int32.*1099511627776"),
        ((0, 2**64), "uint64", ValueError, "`maxval` of randint must fit int64"),
    ],
)
def test_randint_refuses(args, dtype, error, message):
    with pytest.raises(error, match=message):
        random.randint((2,), *args, dtype=dtype)


def test_categorical_refuses():
    with pytest.raises(ValueError, match=r"shape \(rows, classes\).*logits.shape=\(3,\)"):
        random.categorical(np.ones(3), 2)
    with pytest.raises(ValueError, match=r"logits.shape=\(2, 0\)"):
        random.categorical(np.ones((2, 0)), 2)
    with pytest.raises(ValueError, match="`num_samples` of categorical.*num_samples=-1"):
        random.categorical(np.ones((2, 3)), -1)


def test_dropout_refuses():
    x = np.ones((2, 3), "float32")
    for rate in (-0.1, 1.5, "a", None, np.nan):
        with pytest.raises(ValueError, match="`rate` of dropout must be a number.*rate="):
            random.dropout(x, rate)
    with pytest.raises(ValueError, match="`inputs` of dropout must be floats.*dtype='int64'"):
        random.dropout(x.astype("int64"), 0.5)
    for noise in ((2,), (4, 1), (2, 1, 1), ("a", 1)):
        with pytest.raises(ValueError, match=r"must broadcast.*noise_shape=.*shape=\(2, 3\)"):
            random.dropout(x, 0.5, noise)
    with pytest.raises(TypeError, match="`noise_shape` of dropout must be a tuple.*=5"):
        random.dropout(x, 0.5, 5)


def test_shuffle_refuses():
    for x, axis in ((np.ones((2, 3)), 2), (np.float32(3), 0), (np.ones(3), "a")):
        with pytest.raises(ValueError, match="`axis` of shuffle.*axis="):
            random.shuffle(x, axis)


def test_symbolic_tensors_are_refused():
    x = KerasTensor((None, 3))
    for call in (
        lambda: random.dropout(x, 0.5),
        lambda: random.shuffle(x),
        lambda: random.categorical(x, 2),
    ):
        with pytest.raises(ValueError, match="must be an array.*has no values yet"):
            call()


def test_parameters_of_distributions_are_checked():
    with pytest.raises(ValueError, match="`alpha` of gamma must not be negative.*alpha=-1.0"):
        random.gamma((2,), -1.0)
    with pytest.raises(ValueError, match="`beta` of beta must be finite.*beta=nan"):
        random.beta((2,), 1.0, np.nan)
    with pytest.raises(ValueError, match="`alpha` of beta must be finite.*alpha='a'"):
        random.beta((2,), "a", 1.0)
    with pytest.raises(ValueError, match="`counts` of binomial must be finite.*counts=inf"):
        random.binomial((2,), np.inf, 0.5)
    with pytest.raises(ValueError, match="`dtype` of binomial must be one of.*dtype='int8'"):
        random.binomial((2,), 1, 0.5, dtype="int8")
    with pytest.raises(ValueError, match=r"alpha.shape=\(4, 1\), shape=\(4, 3\)"):
        random.gamma((4, 3), np.ones((4, 1)))
    with pytest.raises(ValueError, match=r"`beta` of beta must broadcast.*beta.shape=\(2,\)"):
        random.beta((4, 3), 1.0, np.ones(2))
    with pytest.raises(ValueError, match=r"counts.shape=\(2,\), probabilities.shape=\(3,\)"):
        random.binomial((4, 3), np.ones(2), np.ones(3) / 2)
    with pytest.raises(ValueError, match=r"counts.shape=\(4, 1\).*shape=\(4, 3\)"):
        random.binomial((4, 3), np.ones((4, 1)), 0.5)


def test_chances_beyond_0_and_1_mean_never_and_always():
    assert random.binomial((3,), 5, -0.1).tolist() == [0, 0, 0]
    assert random.binomial((3,), 5, 1.5).tolist() == [5, 5, 5]

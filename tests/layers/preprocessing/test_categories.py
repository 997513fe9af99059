"""CategoryEncoding and Discretization. What takes `engine` is true of Keras too."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.layers import CategoryEncoding, Discretization
from tests.layers.preprocessing.side_by_side import adapted, assert_same

MODES = ["one_hot", "multi_hot", "count"]
SHAPES = [(), (3,), (1,), (2, 1), (2, 3), (2, 3, 4), (0, 2), (2, 0), (2, 2, 1)]


def encoding(engine, **options):
    return engine.layers.CategoryEncoding(**options)


@pytest.mark.keras
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", [None, "int32", "float64"])
def test_categories_become_the_vectors_of_keras(keras, mode, shape, dtype):
    numbers = np.random.default_rng(0).integers(0, 7, shape)
    options = {"num_tokens": 5, "output_mode": mode, "dtype": dtype}
    assert_same(keras, lambda e: encoding(e, **options)(numbers))
    bins = {"bin_boundaries": [1.0, 2.0, 4.0], "output_mode": mode, "dtype": dtype}
    assert_same(keras, lambda e: e.layers.Discretization(**bins)(numbers))


def test_categories_come_as_lists_and_floats(engine):
    layer = encoding(engine, num_tokens=3)
    for given_as in ([0, 2], [0.5, 2.9], [True, False], 1):
        expected = [[1, 0, 1], [1, 0, 1], [1, 1, 0], [0, 1, 0]]
        index = [[0, 2], [0.5, 2.9], [True, False], 1].index(given_as)
        assert np.asarray(layer(given_as)).tolist() == expected[index]


def test_weights_count(engine):
    layer = encoding(engine, num_tokens=4, output_mode="count")
    weights = np.array([[0.5, 0.25], [1, 2]])
    made = layer(np.array([[0, 0], [1, 2]]), count_weights=weights)
    assert np.asarray(made).tolist() == [[0.75, 0, 0, 0], [0, 1, 2, 0]]


@pytest.mark.parametrize("mode", MODES)
def test_mixed_precision_keeps_vectors_whole(mode):
    layer = CategoryEncoding(num_tokens=3, output_mode=mode, dtype="mixed_float16")
    assert layer(np.array([[1]])).dtype == "float32"


@pytest.mark.parametrize(
    "call",
    [
        lambda e: encoding(e),
        lambda e: encoding(e, num_tokens=0),
        lambda e: encoding(e, num_tokens=4, output_mode="int"),
        lambda e: encoding(e, num_tokens=4)(np.array([1]), count_weights=np.array([1.0])),
        lambda e: e.layers.Discretization(),
        lambda e: e.layers.Discretization(bin_boundaries=[1.0], num_bins=2),
        lambda e: e.layers.Discretization(num_bins=-1),
        lambda e: e.layers.Discretization(num_bins=2, output_mode="tf_idf"),
        lambda e: e.layers.Discretization(num_bins=2, sparse=True),
        lambda e: e.layers.Discretization(num_bins=2)(np.ones(3)),
        lambda e: e.layers.Discretization(bin_boundaries=[1.0]).adapt(np.ones(3)),
    ],
)
def test_bad_arguments_are_refused(engine, call):
    with pytest.raises(ValueError):
        call(engine)


@pytest.mark.parametrize(
    "call, kind, message",
    [
        (lambda: CategoryEncoding(3)([-1]), ValueError, r"0 \.\.\. 2.*-1"),
        (lambda: CategoryEncoding(3)(["a"]), TypeError, "expects integers.*<U1"),
        (lambda: CategoryEncoding(3, sparse=True), ValueError, "no sparse"),
        (
            lambda: CategoryEncoding(3, "count")(np.ones(2), count_weights=np.ones(3)),
            ValueError,
            r"\(2,\).*\(3,\)",
        ),
        (lambda: Discretization([2.0, 1.0]), ValueError, "must rise"),
        (lambda: Discretization(["a"]), ValueError, "list of numbers"),
        (lambda: Discretization([1.0])(["a"]), TypeError, "expects numbers.*<U1"),
        (lambda: Discretization([1.0], sparse=True, output_mode="count"), ValueError, "no sparse"),
    ],
)
def test_messages(call, kind, message):
    with pytest.raises(kind, match=message):
        call()


@pytest.mark.keras
def test_edges_belong_to_the_bins_that_keras_says(keras):
    data = np.array([[-1.0, 0, np.nan, 1, np.inf, -np.inf, 0.1, 16777217.0]])
    for boundaries in ([0.0, 0.1, 1.0], [], [1, 1, 2]):
        for dtype in ("float32", "float64", "float16"):
            assert_same(
                keras,
                lambda e, b, d: e.layers.Discretization(bin_boundaries=b, dtype=d)(data),
                b=boundaries,
                d=dtype,
            )
    assert_same(keras, lambda e: e.layers.Discretization(bin_boundaries=[0.0])(1.0))


def boundaries(engine, batches, **options):
    layer = adapted(engine.layers.Discretization(**options), batches())
    return np.array(list(layer.bin_boundaries), "float32")


@pytest.mark.keras
@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 400), min_size=1, max_size=4),
    num_bins=st.integers(1, 12),
    epsilon=st.sampled_from([0.01, 0.1, 0.3, 0.05]),
)
def test_adapt_finds_the_boundaries_of_keras(keras, sizes, num_bins, epsilon):
    random = np.random.default_rng(sum(sizes))
    parts = [random.normal(size=size).astype("float32") for size in sizes]

    def batches():
        return iter(parts) if len(parts) > 1 else parts[0]

    more = {"batches": batches, "num_bins": num_bins, "epsilon": epsilon}
    assert_same(keras, boundaries, **more)


def test_there_are_no_boundaries_before_adapting(engine):
    layer = engine.layers.Discretization(num_bins=3)
    assert layer.bin_boundaries is None
    again = engine.layers.Discretization.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert np.asarray(adapted(again, np.array([5.0]))(np.array([1.0, 9.0]))).tolist() == [0, 0]


def test_adapting_again_forgets(engine):
    layer = adapted(engine.layers.Discretization(num_bins=4), np.arange(10.0))
    layer.adapt(np.arange(10.0) + 100)
    assert list(layer.bin_boundaries) == [101.5, 104.0, 106.5]
    again = engine.layers.Discretization.from_config(layer.get_config())
    assert list(again.bin_boundaries) == [101.5, 104.0, 106.5]
    assert again.get_config() == layer.get_config()

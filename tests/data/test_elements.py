"""Dataset: elements made when they are asked for, by the names of `tf.data`."""

import itertools

import numpy as np
import pytest

import npkeras
from npkeras.data import Dataset


def numbers(count=7, passes=None):
    """The whole numbers as a Dataset; `passes` gets an entry for each pass that begins."""

    def read():
        if passes is not None:
            passes.append(count)
        return iter(np.arange(count))

    return Dataset(read, count)


def shown(dataset):
    return [np.asarray(element).tolist() for element in dataset]


def test_it_is_read_as_often_as_one_likes():
    data = numbers(3)
    assert shown(data) == shown(data) == shown(data.as_numpy_iterator()) == [0, 1, 2]
    assert len(data) == data.cardinality() == 3


CHAINS = {
    "map": lambda d: d.map(lambda x: x * 2),
    "take": lambda d: d.take(3),
    "take all": lambda d: d.take(-1),
    "take more": lambda d: d.take(30),
    "skip": lambda d: d.skip(5),
    "skip more": lambda d: d.skip(30),
    "batch": lambda d: d.batch(3),
    "batch, whole": lambda d: d.batch(3, drop_remainder=True),
    "batches of batches": lambda d: d.batch(2, drop_remainder=True).batch(2),
    "repeat": lambda d: d.repeat(2),
    "repeat, some": lambda d: d.repeat().take(9),
    "none left": lambda d: d.repeat(0),
    "cache": lambda d: d.cache().repeat(2),
    "prefetch": lambda d: d.prefetch(2),
    "several": lambda d: d.skip(1).map(lambda x: x + 1).batch(2).take(2),
}


@pytest.mark.keras
@pytest.mark.parametrize("name", CHAINS)
def test_elements_and_lengths_are_those_of_tf_data(name, tf):
    ours, theirs = (CHAINS[name](d) for d in (numbers(), tf.data.Dataset.range(7)))
    assert shown(ours) == shown(theirs.as_numpy_iterator())
    assert len(ours) == len(theirs) == ours.cardinality() == int(theirs.cardinality())


@pytest.mark.keras
def test_lengths_that_are_not_known_are_those_of_tf_data(tf):
    chains = [
        lambda d: d.repeat(),
        lambda d: d.repeat(-1).batch(2),
        lambda d: d.repeat().skip(2),
        lambda d: d.batch(2).unbatch(),
        lambda d: d.batch(2).unbatch().take(2),
    ]
    for ours, theirs in zip(chains, chains, strict=True):
        ours, theirs = ours(numbers()), theirs(tf.data.Dataset.range(7))
        assert ours.cardinality() == int(theirs.cardinality())
        with pytest.raises(TypeError, match="This Dataset (has no end|does not know its length)"):
            len(ours)
        first = list(itertools.islice(ours, 2))
        for a, b in zip(first, theirs.as_numpy_iterator(), strict=False):
            np.testing.assert_array_equal(a, b)


def test_a_function_gets_the_parts_of_a_tuple_as_arguments():
    pairs = Dataset(lambda: iter([(np.ones(2), 3), (np.ones(2), 4)]), 2)
    assert shown(pairs.map(lambda x, y: x.sum() * y)) == [6, 8]


def test_nests_are_put_in_batches_and_taken_out_of_them():
    rows = [({"a": np.full(2, i), "b": i}, i * 10) for i in range(3)]
    batches = Dataset(lambda: iter(rows), 3).batch(2)
    x, y = next(iter(batches))
    assert (x["a"].tolist(), x["b"].tolist(), y.tolist()) == ([[0, 0], [1, 1]], [0, 1], [0, 10])
    assert [int(y) for _, y in batches.unbatch()] == [0, 10, 20]


def test_shuffling_gives_each_element_once_in_an_order_by_the_seed():
    data = numbers(20).shuffle(5, seed=1)
    first, second = shown(data), shown(data)
    assert sorted(first) == sorted(second) == list(range(20))
    assert first != second
    assert max(value - place for place, value in enumerate(first)) < 5  # no further ahead
    assert shown(numbers(20).shuffle(5, seed=1)) == first
    same = numbers(20).shuffle(20, seed=1, reshuffle_each_iteration=False)
    assert shown(same) == shown(same)


def test_a_cache_reads_once_and_only_keeps_a_whole_pass():
    passes = []
    data = numbers(4, passes).cache()
    next(iter(data))
    assert shown(data) == shown(data) == [0, 1, 2, 3]
    assert len(passes) == 2


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda d: d.batch(0), "`batch_size` of batch.*batch_size=0"),
        (lambda d: d.take(-2), "`count` of take.*count=-2"),
        (lambda d: d.skip(1.5), "`count` of skip.*count=1.5"),
        (lambda d: d.repeat(-3), "`count` of repeat.*count=-3"),
        (lambda d: d.shuffle(0), "`buffer_size` of shuffle.*buffer_size=0"),
    ],
)
def test_wrong_numbers_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(numbers())


def test_elements_of_several_shapes_make_no_batch():
    ragged = Dataset(lambda: iter([np.zeros(2), np.zeros(3)]), 2)
    with pytest.raises(
        ValueError, match=r"elements of one shape together. Received: .*\(2,\), \(3,\)"
    ):
        list(ragged.batch(2))


def test_models_train_on_it_as_on_its_arrays():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 3)).astype("float32"), rng.normal(size=(10, 1)).astype("float32")
    samples = Dataset(lambda: iter(list(zip(x, y, strict=True))), 10)

    def trained(*data, **options):
        npkeras.utils.set_random_seed(0)
        model = npkeras.Sequential([npkeras.Input((3,)), npkeras.layers.Dense(1)])
        model.compile("sgd", "mse")
        history = model.fit(*data, epochs=2, verbose=0, shuffle=False, **options).history
        return model, history

    model, history = trained(samples.batch(4), validation_data=samples.batch(5))
    _, expected = trained(x, y, batch_size=4, validation_data=(x, y))
    np.testing.assert_allclose(history["loss"], expected["loss"], rtol=1e-6)
    np.testing.assert_allclose(history["val_loss"], expected["val_loss"], rtol=1e-6)
    predicted = model.predict(samples.map(lambda x, y: x).batch(4), verbose=0)
    np.testing.assert_allclose(predicted, model.predict(x, verbose=0), rtol=1e-6)

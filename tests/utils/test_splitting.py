"""split_dataset gives the parts that Keras gives."""

import numpy as np
import pytest

import npkeras
from npkeras.data import Dataset
from npkeras.utils import split_dataset

ROWS = np.arange(10)


def shown(parts):
    return [
        [
            tuple(np.asarray(e).tolist() for e in element)
            if isinstance(element, tuple)
            else np.asarray(element).tolist()
            for element in part
        ]
        for part in parts
    ]


def test_a_fraction_and_the_rest():
    left, right = split_dataset(ROWS, left_size=0.8)
    assert shown((left, right)) == [[0, 1, 2, 3, 4, 5, 6, 7], [8, 9]]
    assert (len(left), len(right)) == (8, 2)


SIZES = [
    *({"left_size": size} for size in (0.25, 0.29, 0.35, 0.5, 1, 9, np.float32(0.3))),
    *({"right_size": size} for size in (0.25, 0.29, 0.35, 3, np.int64(2))),
    *({"left_size": a, "right_size": b} for a, b in ((0.29, 0.39), (3, 2), (0.29, 3))),
]


@pytest.mark.keras
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_sizes_are_those_of_keras(keras, sizes):
    plain = {name: size.item() if hasattr(size, "item") else size for name, size in sizes.items()}
    assert shown(split_dataset(ROWS, **sizes)) == shown(keras.utils.split_dataset(ROWS, **plain))


@pytest.mark.keras
@pytest.mark.parametrize("rows", [(ROWS, ROWS * 2), [ROWS, ROWS * 2]], ids=["tuple", "list"])
def test_samples_of_several_arrays_stay_together(keras, rows):
    options = {"left_size": 4, "shuffle": True, "seed": 3}
    expected = shown(keras.utils.split_dataset(rows, **options))
    assert shown(split_dataset(rows, **options)) == expected


@pytest.mark.keras
def test_the_order_without_a_seed_is_that_of_python(keras):
    results = []
    for package in (npkeras, keras):
        package.utils.set_random_seed(5)
        results.append(shown(package.utils.split_dataset(ROWS, left_size=5, shuffle=True)))
    assert results[0] == results[1]


@pytest.mark.keras
@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_split_by_samples_and_made_again(keras, shuffle):
    results = []
    for package in (npkeras, keras):
        windows = package.utils.timeseries_dataset_from_array(ROWS, ROWS, 3, batch_size=3)
        options = {"left_size": 0.5, "shuffle": shuffle, "seed": 2}
        results.append(shown(package.utils.split_dataset(windows, **options)))
    assert results[0] == results[1]


def test_data_sets_without_batches():
    samples = Dataset(lambda: iter(ROWS), 10)
    assert shown(split_dataset(samples, right_size=2))[1] == [8, 9]


@pytest.mark.keras
def test_data_sets_of_tensorflow_are_split(tf):
    left, right = split_dataset(tf.data.Dataset.range(5), left_size=3)
    assert shown((left, right)) == [[0, 1, 2], [3, 4]]


@pytest.mark.parametrize(
    "options, error, message",
    [
        ({}, ValueError, "needs `left_size` or `right_size`. Received: neither"),
        ({"left_size": 0}, ValueError, "`left_size`.*from 1 to 9.*left_size=0"),
        ({"left_size": 10}, ValueError, "`left_size`.*from 1 to 9.*left_size=10"),
        ({"right_size": 1.0}, ValueError, "`right_size`.*between 0 and 1.*right_size=1.0"),
        ({"left_size": float("nan")}, ValueError, "`left_size`.*left_size=nan"),
        ({"left_size": "a"}, TypeError, "`left_size`.*left_size='a' of type str"),
        ({"left_size": True}, TypeError, "`left_size`.*left_size=True of type bool"),
        ({"left_size": 0.01}, ValueError, "must give each part a sample.*makes 0 and 10"),
        ({"left_size": 8, "right_size": 8}, ValueError, "none to both.*makes 8 and 8"),
        ({"dataset": 5, "left_size": 1}, TypeError, "Received: 5 of type int"),
        ({"dataset": iter(ROWS), "left_size": 1}, TypeError, "must be an array"),
        ({"dataset": {"a": ROWS}, "left_size": 1}, TypeError, "of type dict"),
        ({"dataset": [1, 2], "left_size": 1}, ValueError, r"Received: \[1, 2\]"),
        ({"dataset": (ROWS, ROWS[1:]), "left_size": 1}, ValueError, "lengths 10, 9"),
        (
            {"dataset": Dataset(lambda: iter(ROWS), None), "left_size": 1},
            ValueError,
            "without end. Use `take`",
        ),
    ],
)
def test_what_cannot_be_split_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        split_dataset(**{"dataset": ROWS, **options})

"""Windows over a time series are those of Keras."""

import itertools

import numpy as np
import pytest

from npkeras.utils import set_random_seed, timeseries_dataset_from_array

STEPS = np.arange(10)


def shown(dataset):
    """The elements as lists: of windows, or of (windows, targets)."""
    return [
        tuple(np.asarray(part).tolist() for part in element)
        if isinstance(element, tuple)
        else np.asarray(element).tolist()
        for element in dataset
    ]


def test_windows_and_the_steps_after_them():
    data = timeseries_dataset_from_array(np.arange(6), np.arange(3, 6), 3, batch_size=2)
    assert shown(data) == [([[0, 1, 2], [1, 2, 3]], [3, 4]), ([[2, 3, 4]], [5])]
    assert len(data) == 2


@pytest.mark.keras
def test_windows_are_those_of_keras(keras):
    theirs = keras.utils.timeseries_dataset_from_array
    for length, rate, stride, size, targets in itertools.product(
        (1, 3), (1, 2), (1, 3), (2, None), (None, STEPS * 10, STEPS[:5])
    ):
        options = {"sampling_rate": rate, "sequence_stride": stride, "batch_size": size}
        ours = timeseries_dataset_from_array(STEPS, targets, length, **options)
        expected = theirs(STEPS, targets, length, **options)
        assert shown(ours) == shown(expected)
        assert len(ours) == len(expected)


@pytest.mark.keras
def test_a_part_of_the_data_and_several_features(keras):
    rng = np.random.default_rng(0)
    data, targets = rng.normal(size=(20, 3)).astype("float32"), rng.normal(size=(20, 2))
    options = {"start_index": 2, "end_index": 15, "batch_size": 4}
    ours = list(timeseries_dataset_from_array(data, targets, 5, **options))
    expected = list(keras.utils.timeseries_dataset_from_array(data, targets, 5, **options))
    assert len(ours) == len(expected)
    for batch, other in zip(ours, expected, strict=True):
        for part, same in zip(batch, other, strict=True):
            np.testing.assert_array_equal(part, same)
            assert part.dtype == same.dtype.as_numpy_dtype


def test_shuffling_keeps_windows_and_targets_together():
    data = timeseries_dataset_from_array(STEPS, STEPS, 2, shuffle=True, seed=1, batch_size=4)
    first, second = ([int(y) for _, ys in data for y in ys] for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second) == list(range(9))
    for x, y in data:
        np.testing.assert_array_equal(x, np.stack([y, y + 1], axis=1))


def test_the_order_follows_the_seed_of_all():
    orders = []
    for _ in range(2):
        set_random_seed(3)
        orders.append(shown(timeseries_dataset_from_array(STEPS, None, 2, shuffle=True)))
    assert orders[0] == orders[1]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"sequence_length": 0}, "`sequence_length` of .*sequence_length=0"),
        ({"sequence_length": 2.5}, "`sequence_length` of .*sequence_length=2.5"),
        ({"sequence_length": 20}, "finds no window.*need 20 steps.*Received: 10 steps"),
        ({"sampling_rate": 0}, "`sampling_rate`.*from 1 to 9.*sampling_rate=0"),
        ({"sampling_rate": 10}, "`sampling_rate`.*from 1 to 9.*sampling_rate=10"),
        ({"sequence_stride": 0}, "`sequence_stride`.*from 1 to 9.*sequence_stride=0"),
        ({"start_index": -1}, "`start_index`.*from 0 to 9.*start_index=-1"),
        ({"start_index": 10}, "`start_index`.*from 0 to 9.*start_index=10"),
        ({"end_index": 0}, "`end_index`.*from 1 to 10.*end_index=0"),
        ({"end_index": 11}, "`end_index`.*from 1 to 10.*end_index=11"),
        ({"start_index": 5, "end_index": 5}, "above `start_index`.*start_index=5, end_index=5"),
        ({"batch_size": 0}, "`batch_size` of .*batch_size=0"),
        ({"format": "csv"}, "`format` of .*format='csv'"),
        ({"data": 3.0}, "`data` of .*along an axis. Received: 3.0"),
        ({"targets": np.zeros(0)}, "finds no window.*0 targets"),
    ],
)
def test_what_makes_no_windows_is_refused(options, message):
    options = {"data": STEPS, "targets": None, "sequence_length": 3, **options}
    with pytest.raises(ValueError, match=message):
        timeseries_dataset_from_array(**options)

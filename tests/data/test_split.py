"""Taking data apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras import data
from tests.data.test_arrays import Watched


def test_the_last_rows_are_for_validation():
    x = np.arange(10)
    (train, _), (validation, none) = data.train_validation_split((x, None), 0.2)
    assert (train.tolist(), validation.tolist(), none) == (list(range(8)), [8, 9], None)
    assert np.shares_memory(train, x) and np.shares_memory(validation, x)


def test_nests_and_lists_are_split_alike():
    train, validation = data.train_validation_split(({"a": np.arange(5)}, [1, 2, 3, 4, 5]), 0.4)
    assert (train[0]["a"].tolist(), train[1].tolist()) == ([0, 1, 2], [1, 2, 3])
    assert (validation[0]["a"].tolist(), validation[1].tolist()) == ([3, 4], [4, 5])


def test_a_file_is_split_without_being_read():
    source = Watched(np.arange(10.0))
    (train,), (validation,) = data.train_validation_split((source,), 0.4)
    assert source.reads == []
    assert sum((x.tolist() for x, _, _ in data.adapt(train, batch_size=4)), []) == list(range(6))
    assert [x.tolist() for x, _, _ in data.adapt(validation, batch_size=3)] == [[6, 7, 8], [9]]
    assert source.reads == [slice(0, 4), slice(4, 6), slice(6, 9), slice(9, 10)]


def test_a_part_of_a_file_is_split_again():
    (_, (half,)) = data.train_validation_split((Watched(np.arange(8.0)),), 0.5)
    ((first,), (second,)) = data.train_validation_split((half,), 0.5)
    np.random.seed(0)
    ((x, _, _),) = data.adapt(second, shuffle=True)
    assert sorted(x.tolist()) == [6, 7] and first.shape == (2,)


@pytest.mark.parametrize(
    "split, message",
    [
        (0.0, r"validation_split=0.0` of 4 samples leaves none for validation"),
        (1.0, "none for training"),
        (0.9, "none for training"),
        (-0.1, "none for validation"),
        (1.5, "none for training"),
        ("a", "`validation_split` of `fit` must be a number.*='a'"),
        (float("nan"), "validation_split=nan"),
    ],
)
def test_both_parts_get_something(split, message):
    with pytest.raises(ValueError, match=message):
        data.train_validation_split((np.arange(4),), split)


@pytest.mark.parametrize("x", [iter([1]), object(), data.PyDataset()])
def test_only_arrays_can_be_split(x):
    with pytest.raises(ValueError, match=f"on arrays alone.*{type(x).__name__}"):
        data.train_validation_split((x, np.zeros(3)), 0.5)


@pytest.mark.parametrize(
    "batch, parts",
    [
        (1, (1, None, None)),
        ((1,), (1, None, None)),
        ((1, 2), (1, 2, None)),
        ([1, 2], (1, 2, None)),
        ((1, 2, 3), (1, 2, 3)),
    ],
)
def test_batches_have_three_parts(batch, parts):
    assert data.unpack_x_y_sample_weight(batch) == parts


@pytest.mark.parametrize("batch", [(), (1, 2, 3, 4)])
def test_other_numbers_of_parts_are_refused(batch):
    with pytest.raises(ValueError, match=f"a tuple of {len(batch)} entries"):
        data.unpack_x_y_sample_weight(batch)


PACKED = [
    (((1,)), 1),
    ((1, 2), (1, 2)),
    ((1, 2, 3), (1, 2, 3)),
    ((1, None, 3), 1),
    (([1, 2],), ([1, 2],)),
    (({"a": 1},), {"a": 1}),
]


@pytest.mark.parametrize("parts, batch", PACKED)
def test_packing_is_the_opposite(parts, batch):
    parts = parts if isinstance(parts, tuple) else (parts,)
    assert data.pack_x_y_sample_weight(*parts) == batch


@pytest.mark.keras
@pytest.mark.parametrize("parts, batch", PACKED)
def test_keras_packs_alike(keras, parts, batch):
    parts = parts if isinstance(parts, tuple) else (parts,)
    assert keras.utils.pack_x_y_sample_weight(*parts) == batch
    assert keras.utils.unpack_x_y_sample_weight(batch) == data.unpack_x_y_sample_weight(batch)


@pytest.mark.keras
@settings(max_examples=15, deadline=None)
@given(n=st.integers(2, 30), split=st.floats(0.05, 0.95))
def test_keras_splits_at_the_same_row(keras, n, split):
    seen = []

    class Model(keras.Model):
        def call(self, x):
            return 0.0

        def train_step(self, batch):
            seen.append(np.asarray(batch[0]))
            return {"loss": 0.0}

        def test_step(self, batch):
            seen.append(np.asarray(batch[0]))
            return {"loss": 0.0}

    model = Model()
    model.compile(loss="mse", run_eagerly=True)
    arrays = (np.arange(n), np.arange(n))
    try:
        model.fit(*arrays, validation_split=split, batch_size=n, shuffle=False, verbose=0)
    except ValueError:
        with pytest.raises(ValueError, match="validation_split"):
            data.train_validation_split(arrays, split)
        return
    train, validation = data.train_validation_split(arrays, split)
    assert [train[0].tolist(), validation[0].tolist()] == [part.tolist() for part in seen]

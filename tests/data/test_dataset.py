"""Data sets of other libraries."""

import numpy as np
import pytest

from npkeras import data


class Tensor:
    """A tensor as PyTorch has them."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def detach(self):
        return self

    def cpu(self):
        return self

    def numpy(self):
        return self.array


class DataLoader:
    """A loader as PyTorch has them: lists of tensors."""

    dataset, batch_size, collate_fn = None, 2, None

    def __init__(self, *batches, length=None):
        self.batches, self.length = batches, length

    def __len__(self):
        if self.length is None:
            raise TypeError("an iterable data set has no length")
        return self.length

    def __iter__(self):
        return iter(self.batches)


def test_the_tensors_of_a_loader_become_arrays():
    loader = DataLoader([Tensor([[1.0], [2.0]]), Tensor([0, 1])], length=1)
    adapter = data.adapt(loader)
    assert adapter.num_batches == 1
    for _ in range(2):
        ((x, y, sample_weight),) = adapter
        assert (x.tolist(), y.tolist(), sample_weight) == ([[1.0], [2.0]], [0, 1], None)


def test_a_loader_may_yield_inputs_alone():
    loader = DataLoader(Tensor([[1.0]]), {"a": Tensor([[2.0]])})
    batches = list(data.adapt(loader))
    assert data.adapt(loader).num_batches is None
    assert batches[0][0].tolist() == [[1.0]] and batches[1][0]["a"].tolist() == [[2.0]]


def test_class_weights_become_sample_weights():
    loader = DataLoader([Tensor([[1.0], [2.0]]), Tensor([0, 1])])
    ((_, _, weights),) = data.adapt(loader, class_weight={0: 2.0, 1: 3.0})
    assert weights.tolist() == [2, 3]


def test_class_weights_exclude_sample_weights():
    loader = DataLoader([Tensor([[1.0]]), Tensor([0]), Tensor([1.0])])
    with pytest.raises(ValueError, match="DataLoader gives sample weights, so `class_weight`"):
        list(data.adapt(loader, class_weight={0: 2.0}))


@pytest.mark.parametrize("name", ["y", "sample_weight"])
def test_targets_and_weights_are_part_of_the_data_set(name):
    with pytest.raises(ValueError, match=f"`{name}` may not be given when `x` is a DataLoader"):
        data.adapt(DataLoader(), **{name: np.zeros(2)})


@pytest.mark.keras
def test_a_data_set_of_tensorflow(tf):
    source = tf.data.Dataset.from_tensor_slices(({"a": np.arange(5.0)}, np.arange(5)))
    adapter = data.adapt(source.batch(2))
    assert adapter.num_batches == 3
    for _ in range(2):
        batches = list(adapter)
        assert [y.tolist() for _, y, _ in batches] == [[0, 1], [2, 3], [4]]
        assert batches[0][0]["a"].dtype == "float64" and type(batches[0][1]) is np.ndarray


@pytest.mark.keras
def test_an_endless_data_set_of_tensorflow_serves_steps(tf):
    source = tf.data.Dataset.range(3).batch(1).repeat()
    adapter = data.adapt(source, steps=2)
    assert [[int(x[0]) for x, _, _ in adapter] for _ in range(2)] == [[0, 1], [2, 0]]
    assert data.adapt(source).num_batches is None
    with pytest.raises(ValueError, match="`y` may not be given"):
        data.adapt(source, np.zeros(3))


@pytest.mark.keras
def test_tensors_of_tensorflow_are_arrays(tf):
    ((x, y, _),) = data.adapt(tf.ones((2, 3)), tf.constant([1, 2]))
    assert type(x) is np.ndarray and x.shape == (2, 3) and y.tolist() == [1, 2]

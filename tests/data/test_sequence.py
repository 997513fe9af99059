"""PyDataset: batches by number."""

import os
import random
import threading
import time
import warnings

import numpy as np
import pytest

from npkeras import data


class Numbered(data.PyDataset):
    """Batches that are full of their own number."""

    def __init__(self, count=5, **kwargs):
        super().__init__(**kwargs)
        self.count = count
        self.events = []

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        time.sleep(0.002 * ((index * 7) % 3))  # the later ones may be ready first
        return np.full((2, 1), index), np.full(2, index % 2)

    def on_epoch_begin(self):
        self.events.append("begin")

    def on_epoch_end(self):
        self.events.append("end")


class Processes(Numbered):
    def __getitem__(self, index):
        return np.full((2, 1), index), np.full(2, os.getpid())


def numbers(adapter):
    return [int(x[0, 0]) for x, _, _ in adapter]


@pytest.mark.parametrize("workers, queue", [(0, 10), (1, 10), (2, 10), (4, 1), (3, 2)])
def test_batches_come_in_order_however_many_workers(workers, queue):
    adapter = data.adapt(Numbered(9, workers=workers, max_queue_size=queue))
    assert [numbers(adapter) for _ in range(2)] == [list(range(9))] * 2
    assert adapter.num_batches == 9


def test_workers_are_threads():
    names = set()

    class Threads(Numbered):
        def __getitem__(self, index):
            names.add(threading.current_thread().name)
            return super().__getitem__(index)

    list(data.adapt(Threads(workers=3)))
    assert threading.main_thread().name not in names


def test_workers_may_be_processes():
    adapter = data.adapt(Processes(4, workers=2, use_multiprocessing=True))
    batches = list(adapter)
    assert [int(x[0, 0]) for x, _, _ in batches] == [0, 1, 2, 3]
    assert os.getpid() not in {int(y[0]) for _, y, _ in batches}


def test_no_more_batches_are_made_ahead_than_the_queue_holds():
    made = []

    class Counted(Numbered):
        def __getitem__(self, index):
            made.append(index)
            return super().__getitem__(index)

    batches = iter(data.adapt(Counted(50, workers=2, max_queue_size=3)))
    next(batches)
    time.sleep(0.1)
    assert len(made) <= 4
    batches.close()


def test_an_error_in_a_worker_comes_through():
    class Broken(Numbered):
        def __getitem__(self, index):
            if index == 2:
                raise KeyError("mine")
            return super().__getitem__(index)

    with pytest.raises(KeyError, match="mine"):
        list(data.adapt(Broken(workers=2)))


def test_shuffling_is_that_of_pythons_random():
    adapter = data.adapt(Numbered(9), shuffle=True)
    random.seed(1)
    drawn = [numbers(adapter) for _ in range(2)]
    random.seed(1)
    for order in drawn:
        expected = list(range(9))
        random.shuffle(expected)
        assert order == expected


def test_the_data_set_hears_of_epochs():
    dataset = Numbered()
    adapter = data.adapt(dataset)
    adapter.on_epoch_begin()
    adapter.on_epoch_end()
    assert dataset.events == ["begin", "end"]


def test_a_subclass_need_not_call_the_constructor():
    class Bare(data.PyDataset):
        def __init__(self):
            pass

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return np.zeros((1, 1)), np.zeros(1)

    assert len(list(data.adapt(Bare()))) == 2


def test_what_looks_like_one_is_one():
    class Foreign:
        def __len__(self):
            return 3

        def __getitem__(self, index):
            return [np.full((1, 1), index), np.zeros(1)]

        def on_epoch_end(self):
            pass

    adapter = data.adapt(Foreign())
    adapter.on_epoch_begin()
    assert numbers(adapter) == [0, 1, 2]


def test_a_data_set_may_have_no_end():
    class Endless(Numbered):
        num_batches = None

    adapter = data.adapt(Endless(), steps=7, shuffle=True)
    assert numbers(adapter) == list(range(7))
    assert numbers(adapter) == list(range(7, 14))
    assert next(iter(Endless()))[0][0] == 0


def test_class_weights_become_sample_weights():
    batches = list(data.adapt(Numbered(2), class_weight={0: 2.0, 1: 5.0}))
    assert [weights.tolist() for _, _, weights in batches] == [[2, 2], [5, 5]]


def test_class_weights_exclude_sample_weights():
    class Weighted(Numbered):
        def __getitem__(self, index):
            return (*super().__getitem__(index), np.ones(2))

    with pytest.raises(ValueError, match="gives sample weights, so `class_weight` may not"):
        list(data.adapt(Weighted(), class_weight={0: 1.0}))


def test_targets_are_part_of_the_data_set():
    with pytest.raises(ValueError, match="`y` may not be given when `x` is a PyDataset"):
        data.adapt(Numbered(), np.zeros(3))


def test_a_data_set_without_batches_is_refused():
    with pytest.raises(ValueError, match="at least one batch. Numbered has 0"):
        data.adapt(Numbered(0))


def test_a_queue_holds_something():
    with pytest.raises(ValueError, match="`max_queue_size` of Numbered must be.*=0"):
        list(data.adapt(Numbered(workers=2, max_queue_size=0)))


def test_too_many_parts_are_refused():
    class Four(Numbered):
        def __getitem__(self, index):
            return (np.zeros(2),) * 4

    with pytest.raises(ValueError, match="a tuple of 4 entries"):
        list(data.adapt(Four()))


def test_the_base_says_what_is_missing():
    class Empty(data.PyDataset):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty must define `__getitem__\(index\)`"):
        Empty()[0]
    with pytest.raises(NotImplementedError, match="Empty must define `__len__` or .*num_batches"):
        Empty().num_batches  # noqa: B018


@pytest.mark.keras
def test_keras_reads_and_shuffles_its_own_alike(keras):
    class Theirs(keras.utils.PyDataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            return np.full((2, 1), index), np.full(2, index)

    received = []

    class Model(keras.Model):
        def call(self, x):
            return 0.0

        def train_step(self, batch):
            received.append(int(batch[0][0, 0]))
            return {"loss": 0.0}

    model = Model()
    model.compile(loss="mse", run_eagerly=True)
    random.seed(5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(Theirs(), epochs=2, verbose=0)
    adapter = data.adapt(Theirs(), shuffle=True)
    random.seed(5)
    assert numbers(adapter) + numbers(adapter) == received

"""An epoch: a pass over the data, or a number of steps."""

import warnings

import numpy as np
import pytest

from npkeras import data


def labels(adapter):
    return [batch[1].tolist() for batch in adapter]


@pytest.fixture(autouse=True)
def _no_surprises():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_steps_go_on_where_the_last_epoch_stopped_and_begin_anew_between_epochs():
    adapter = data.adapt(np.zeros(4), np.arange(4), batch_size=1, steps=2)
    assert [sum(labels(adapter), []) for _ in range(3)] == [[0, 1], [2, 3], [0, 1]]
    assert adapter.num_batches == 2


def test_data_that_end_within_an_epoch_end_it_with_a_warning():
    adapter = data.adapt(np.zeros(4), np.arange(4), batch_size=1, steps=3)
    assert labels(adapter) == [[0], [1], [2]]
    with pytest.warns(UserWarning, match="arrays ran out of data: .* 1 of 3 steps"):
        assert labels(adapter) == [[3]]
    assert labels(adapter) == [[0], [1], [2]]


def test_more_steps_than_batches_end_with_the_batches():
    adapter = data.adapt(np.zeros(4), np.arange(4), batch_size=2, steps=9)
    with pytest.warns(UserWarning, match="2 of 9 steps"):
        assert len(labels(adapter)) == 2


def test_reset_begins_at_the_first_batch():
    adapter = data.adapt(np.zeros(4), np.arange(4), batch_size=1, steps=1)
    assert labels(adapter) == [[0]]
    adapter.reset()
    assert labels(adapter) == [[0]]


def test_an_adapter_is_its_own_adapter():
    adapter = data.adapt(np.zeros(4))
    assert data.adapt(adapter) is adapter


def test_an_adapter_of_ones_own_says_how_it_makes_batches():
    class Mine(data.Adapter):
        pass

    with pytest.raises(NotImplementedError, match=r"Mine must define `batches\(\)`"):
        list(Mine())


def test_sequence_is_the_older_name_of_pydataset():
    assert data.Sequence is data.PyDataset


@pytest.mark.keras
def test_epochs_of_steps_are_those_of_keras(keras):
    received = []

    class Model(keras.Model):
        def call(self, x):
            return 0.0

        def train_step(self, batch):
            received.append(int(batch[0][0]))
            return {"loss": 0.0}

    model = Model()
    model.compile(loss="mse", run_eagerly=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(
            np.arange(4), np.arange(4), batch_size=1, steps_per_epoch=3, epochs=4, shuffle=False,
            verbose=0,
        )  # fmt: skip
        adapter = data.adapt(np.arange(4), np.arange(4), batch_size=1, steps=3)
        ours = [label for _ in range(4) for label in sum(labels(adapter), [])]
    assert ours == received

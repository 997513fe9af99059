"""TqdmCallback: bars in tqdm's own style."""

import io

import numpy as np
import pytest

import npkeras
from npkeras.callbacks import TqdmCallback
from tests.callbacks.stage import train, values


class Bars:
    """Notes the bars that are made, in place of tqdm."""

    def __init__(self):
        self.made = []

    def __call__(self, **settings):
        bar = Bar(settings)
        self.made.append(bar)
        return bar


class Bar:
    def __init__(self, settings):
        self.settings, self.n, self.postfix, self.closed = settings, 0, None, False

    def update(self, n):
        self.n += n

    def set_postfix(self, values, refresh):
        self.postfix = values

    def close(self):
        self.closed = True


def test_epochs_and_batches_have_their_bars():
    bars = Bars()
    train(TqdmCallback(tqdm_class=bars, ncols=50), values(3, 2), batches=4)
    epochs, first, second = bars.made
    assert [bar.n for bar in bars.made] == [2, 4, 4] and all(bar.closed for bar in bars.made)
    assert (epochs.settings["total"], epochs.settings["ncols"]) == (2, 50)
    assert (first.settings["desc"], first.settings["leave"]) == ("epoch 1", False)
    assert epochs.postfix == {"loss": 1.0, "val_loss": 2.0}
    assert second.settings["desc"] == "epoch 2"


def test_batches_are_not_shown_with_verbose_0_and_stay_with_2():
    bars = Bars()
    train(TqdmCallback(tqdm_class=bars, verbose=0), values(3, 2))
    assert len(bars.made) == 1
    train(TqdmCallback(tqdm_class=bars, verbose=2), values(3))
    assert bars.made[-1].settings["leave"]


def test_numbers_may_be_given():
    bars = Bars()
    train(TqdmCallback(5, 33, 8, tqdm_class=bars), values(3))
    assert [bar.settings["total"] for bar in bars.made] == [5, 5]


def test_training_that_goes_on_begins_at_its_epoch():
    bars = Bars()
    callback = TqdmCallback(9, tqdm_class=bars, verbose=0)
    callback.on_train_begin()
    callback.on_epoch_begin(4)
    assert bars.made[0].n == 4


def test_an_error_closes_the_bars():
    bars = Bars()
    callback = TqdmCallback(9, tqdm_class=bars)
    callback.on_train_begin()
    callback.on_epoch_begin(0)
    callback.on_train_abandoned()
    assert all(bar.closed for bar in bars.made)


def test_tqdm_draws():
    stream = io.StringIO()
    callback = TqdmCallback(file=stream, ascii=True)
    train(callback, values(3, 2))
    callback.display()
    assert "2/2" in stream.getvalue() and "val_loss=2" in stream.getvalue()


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="both `data_size` and `batch_size`.*data_size=3, b.*None"):
        TqdmCallback(data_size=3)
    with pytest.raises(ValueError, match="`verbose` of TqdmCallback must be one of 0, 1, 2.*=3"):
        TqdmCallback(verbose=3)


@pytest.mark.filterwarnings("ignore:.*ran out of data")
def test_the_bars_are_closed_where_the_data_end_early():
    model = npkeras.Sequential([npkeras.Input((2,)), npkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    callback = TqdmCallback(file=io.StringIO())
    data = ((np.ones((3, 2)), np.ones((3, 1))) for _ in range(2))
    model.fit(data, epochs=3, verbose=0, callbacks=[callback])
    assert callback.batch_bar.disable and callback.epoch_bar.disable

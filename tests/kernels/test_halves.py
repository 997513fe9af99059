"""Recurrent kernels over halves of a batch: the same numbers as over all of it."""

import numpy as np
import pytest

from npkeras.kernels import halves
from npkeras.kernels.gru import gru, gru_backward
from npkeras.kernels.recurrent import lstm, lstm_backward
from npkeras.kernels.simple_rnn import simple_rnn, simple_rnn_backward
from tests.kernels import test_gru, test_simple_rnn
from tests.kernels.test_recurrent import BATCH, DROPOUTS, FEATURES, MASKS, UNITS, arrays_of


def in_halves_and_at_once(forward, backward, arrays, options, monkeypatch):
    """Outputs and gradients, as a list for each way."""
    found = []
    for work in (10**9, 0):
        monkeypatch.setattr(halves, "_WORK", work)
        *outputs, trace = forward(*arrays, **options, keep=True)
        assert isinstance(trace, halves.Halves) == (work == 0)
        dys = [np.cos(np.arange(y.size)).reshape(y.shape) for y in outputs]
        found.append([*outputs, *backward(*dys, trace)])
    for whole, in_halves in zip(*found, strict=True):
        np.testing.assert_allclose(in_halves, whole, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dropout", DROPOUTS)
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("return_sequences", [True, False])
def test_lstm_in_halves(mask, dropout, return_sequences, monkeypatch):
    options = {
        "mask": MASKS[mask],
        "input_dropout": DROPOUTS[dropout][0],
        "recurrent_dropout": DROPOUTS[dropout][1],
        "return_sequences": return_sequences,
    }
    in_halves_and_at_once(lstm, lstm_backward, arrays_of(), options, monkeypatch)


@pytest.mark.parametrize("dropped", [False, True])
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("name", ["gru", "simple_rnn"])
def test_its_kin_in_halves(name, mask, dropped, monkeypatch):
    forward, backward, module = {
        "gru": (gru, gru_backward, test_gru),
        "simple_rnn": (simple_rnn, simple_rnn_backward, test_simple_rnn),
    }[name]
    options = {"mask": MASKS[mask], "return_sequences": True}
    if dropped:
        random = np.random.default_rng(4)
        options["input_dropout"] = 2.0 * random.integers(0, 2, (BATCH, FEATURES))
        options["recurrent_dropout"] = 2.0 * random.integers(0, 2, (BATCH, UNITS))
    in_halves_and_at_once(forward, backward, module.arrays_of(), options, monkeypatch)


def test_what_is_not_wanted_is_not_made(monkeypatch):
    monkeypatch.setattr(halves, "_WORK", 0)
    *outputs, trace = lstm(*arrays_of(), keep=True)
    gradients = lstm_backward(outputs[0], None, None, trace, want_x=False, want_weights=False)
    assert gradients[:4] == (None,) * 4
    assert gradients.h.shape == outputs[1].shape


def test_nothing_is_kept_in_inference(monkeypatch):
    monkeypatch.setattr(halves, "_WORK", 0)
    assert lstm(*arrays_of())[-1] is None


def test_one_row_is_not_cut(monkeypatch):
    monkeypatch.setattr(halves, "_WORK", 0)
    *_, trace = lstm(*arrays_of(batch=1), keep=True)
    assert not isinstance(trace, halves.Halves)

"""Recurrent kernels over halves of a batch: the same numbers as over all of it."""

import numpy as np
import pytest

from npkeras.kernels import halves
from npkeras.kernels.recurrent import lstm, lstm_backward
from tests.kernels.test_recurrent import DROPOUTS, MASKS, arrays_of

BY_ROW = ("x", "h", "c")


@pytest.mark.parametrize("dropout", DROPOUTS)
@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("return_sequences", [True, False])
def test_lstm_in_halves(mask, dropout, return_sequences, monkeypatch):
    arrays = arrays_of()
    options = {
        "mask": MASKS[mask],
        "input_dropout": DROPOUTS[dropout][0],
        "recurrent_dropout": DROPOUTS[dropout][1],
        "return_sequences": return_sequences,
        "keep": True,
    }
    found = {}
    for work in (10**9, 0):  # at once, in halves
        monkeypatch.setattr(halves, "_WORK", work)
        *outputs, trace = lstm(*arrays, **options)
        assert isinstance(trace, halves.Halves) == (work == 0)
        dys = [np.cos(np.arange(y.size)).reshape(y.shape) for y in outputs]
        found[work] = [*outputs, *lstm_backward(*dys, trace)]
    for whole, in_halves in zip(*found.values(), strict=True):
        np.testing.assert_allclose(in_halves, whole, rtol=1e-12, atol=1e-13)


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

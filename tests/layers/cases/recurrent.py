"""Cases of the recurrent layers."""

from tests.layers.cases.common import CELL, RECURRENT, ROWS, SEQUENCES, STEPS, Case, normal

CASES = [
    Case("LSTM", RECURRENT, (SEQUENCES,)),
    Case("LSTM", {**RECURRENT, "return_sequences": True}, (SEQUENCES,), {"mask": STEPS}),
    Case("LSTMCell", RECURRENT, (ROWS, [normal(4, 3), normal(4, 3)])),
    Case("RNN", {"cell": CELL, "return_state": True}, (SEQUENCES,)),
    Case("StackedRNNCells", {"cells": [CELL]}, (ROWS, [[normal(4, 3), normal(4, 3)]])),
]

CONFIGURATIONS = {}

# Live Keras is asked about these in `tests/layers/test_lstm.py` and `test_recurrent.py`.
ELSEWHERE = {"LSTM", "LSTMCell", "RNN", "StackedRNNCells"}

"""SimpleRNN and SimpleRNNCell: what is particular to them. The rest: `test_recurrent_kinds.py`."""

import pytest

from npkeras.layers.simple_rnn import SimpleRNN
from tests.layers.recurrent_twins import UNITS


def test_no_activation_comes_back_from_the_config():
    again = SimpleRNN.from_config(SimpleRNN(UNITS, activation=None).get_config())
    assert again.activation is SimpleRNN(UNITS, activation="linear").activation


def test_it_takes_no_choice_of_implementation():
    with pytest.raises(ValueError, match=r"Unrecognized.*'use_cudnn': True"):
        SimpleRNN(UNITS, use_cudnn=True)

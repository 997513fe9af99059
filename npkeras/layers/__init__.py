"""npkeras.layers: what models are made of."""

from npkeras.core.registry import deserialize as _deserialize
from npkeras.core.registry import serialize as _serialize
from npkeras.layers.activation import Activation, ReLU, Softmax
from npkeras.layers.base import Layer
from npkeras.layers.dense import Dense
from npkeras.layers.embedding import Embedding
from npkeras.layers.input import Input, InputLayer
from npkeras.layers.input_spec import InputSpec
from npkeras.layers.lstm import LSTM, LSTMCell
from npkeras.layers.masking import Masking
from npkeras.layers.pooling import GlobalAveragePooling1D, GlobalMaxPooling1D
from npkeras.layers.recurrent import RNN, StackedRNNCells
from npkeras.layers.regularization import Dropout
from npkeras.layers.reshaping import Flatten, Reshape
from npkeras.layers.wrappers import TimeDistributed, Wrapper

GlobalAvgPool1D = GlobalAveragePooling1D
GlobalMaxPool1D = GlobalMaxPooling1D


def serialize(layer):
    """The config of a layer, with its class, as JSON can hold it."""
    return _serialize(layer)


def deserialize(config, custom_objects=None):
    """The layer that a config describes."""
    return _deserialize(config, custom_objects, "layers")


__all__ = [
    "Activation",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "Input",
    "InputLayer",
    "InputSpec",
    "LSTM",
    "LSTMCell",
    "Layer",
    "Masking",
    "RNN",
    "ReLU",
    "Reshape",
    "Softmax",
    "StackedRNNCells",
    "TimeDistributed",
    "Wrapper",
    "deserialize",
    "serialize",
]

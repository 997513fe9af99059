"""The models of `workloads.py` as one writes them in plain PyTorch. They give logits."""

import numpy as np
import torch
from torch import nn


class Recurrent(nn.Module):
    """An LSTM's outputs at all steps, or at the last. One bias is learned, as in Keras."""

    def __init__(self, inputs, units, last=False):
        super().__init__()
        self.lstm = nn.LSTM(inputs, units, batch_first=True)
        self.last = last
        one_bias(self.lstm.bias_hh_l0)

    def forward(self, x):
        outputs, _ = self.lstm(x)
        return outputs[:, -1] if self.last else outputs


class DroppingRecurrent(nn.Module):
    """An LSTM with dropout on inputs and states, a mask for the whole sequence: step by step."""

    def __init__(self, inputs, units, rate):
        super().__init__()
        self.cell = nn.LSTMCell(inputs, units)
        self.rate = rate
        one_bias(self.cell.bias_hh)

    def forward(self, x):
        rows, steps, inputs = x.shape
        h = c = x.new_zeros(rows, self.cell.hidden_size)
        drop = nn.functional.dropout
        x_mask = drop(x.new_ones(rows, inputs), self.rate, self.training)
        h_mask = drop(torch.ones_like(h), self.rate, self.training)
        outputs = []
        for t in range(steps):
            h, c = self.cell(x[:, t] * x_mask, (h * h_mask, c))
            outputs.append(h)
        return torch.stack(outputs, 1)


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(1)


class Reviews(nn.Module):
    """Takes rows that are padded behind (`padded_behind`): there padding changes nothing before."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(20_000, 50)
        self.recurrent = Recurrent(50, 32)
        self.head = nn.Linear(32, 2)

    def forward(self, tokens):
        real = (tokens != 0).unsqueeze(-1)
        outputs = self.recurrent(self.embedding(tokens)) * real
        return self.head(outputs.sum(1) / real.sum(1))


class RecurrentGates(nn.Module):
    """A GRU's outputs at all steps: two biases, as in Keras."""

    def __init__(self, inputs, units):
        super().__init__()
        self.gru = nn.GRU(inputs, units, batch_first=True)

    def forward(self, x):
        return self.gru(x)[0]


class ChannelsInFront(nn.Module):
    def forward(self, x):
        return x.permute(0, 3, 1, 2)


class ChannelsLast(nn.Module):
    """As Keras flattens them."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)


class Block(nn.Module):
    """A transformer's block."""

    def __init__(self, width=64, heads=4):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.first = nn.LayerNorm(width, eps=1e-6)
        self.hidden = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.second = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x):
        x = self.first(x + self.attention(x, x, x, need_weights=False)[0])
        return self.second(x + self.hidden(x))


def one_bias(bias):
    nn.init.zeros_(bias)
    bias.requires_grad_(False)


def padded_behind(tokens):
    """Rows with their padding moved from the front to the back."""
    order = np.argsort(tokens == 0, axis=1, kind="stable")
    return np.take_along_axis(tokens, order, 1)


def dense_layers(inputs, hidden, outputs=10):
    parts = []
    for units in hidden:
        parts += [nn.Linear(inputs, units), nn.ReLU()]
        inputs = units
    return nn.Sequential(*parts, nn.Linear(inputs, outputs))


def treebank():
    embedding = nn.Embedding(10_000, 50)
    embedding.weight.requires_grad_(False)
    return nn.Sequential(embedding, Recurrent(50, 32), nn.Linear(32, 10_000))


TWINS = {
    "mnist": lambda: nn.Sequential(Recurrent(28, 128), Mean(), nn.Linear(128, 10)),
    "imdb": Reviews,
    "ptb": treebank,
    "mlp": lambda: dense_layers(784, [512, 512]),
    "narrow": lambda: dense_layers(32, [32] * 20),
    "deep_lstm": lambda: nn.Sequential(
        Recurrent(64, 256), Recurrent(256, 256, last=True), nn.Linear(256, 10)
    ),
    "gru": lambda: nn.Sequential(RecurrentGates(28, 128), Mean(), nn.Linear(128, 10)),
    "cnn": lambda: nn.Sequential(
        ChannelsInFront(),
        *(nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2)),
        ChannelsLast(),
        nn.Linear(1600, 10),
    ),
    "transformer": lambda: nn.Sequential(
        nn.Embedding(10_000, 64), Block(), Mean(), nn.Linear(64, 10)
    ),
    "dropout": lambda: nn.Sequential(DroppingRecurrent(28, 128, 0.2), Mean(), nn.Linear(128, 10)),
}


def inputs_for(name, x):
    """The inputs of a workload as its twin takes them."""
    return torch.from_numpy(padded_behind(x) if name == "imdb" else x)


def set_weights(twin, weights):
    """Give a twin the weights of its Keras model."""
    weights = iter([np.array(weight) for weight in weights])

    def take(parameter, change=np.transpose):  # PyTorch keeps matrices the other way round
        parameter.copy_(torch.from_numpy(change(next(weights)).copy()))

    with torch.no_grad():
        for module in twin.modules():
            for kind, fill in FILL.items():
                if type(module) is kind:
                    fill(module, take)
    assert next(weights, None) is None, "the model has more weights than its twin"


def _linear(module, take):
    take(module.weight)
    take(module.bias)


def _gates(module, take):  # in the same order in both
    own = {name.removesuffix("_l0"): p for name, p in module.named_parameters()}
    for part in ("weight_ih", "weight_hh", "bias_ih"):
        take(own[part])


def _gru(module, take):
    """Keras has z, r, n where PyTorch has r, z, n, and both biases in one array."""

    def turned(array):
        z, r, n = np.split(array, 3, axis=-1)
        return np.concatenate([r, z, n], axis=-1)

    take(module.weight_ih_l0, lambda w: turned(w).T)
    take(module.weight_hh_l0, lambda w: turned(w).T)
    both = torch.empty(2, len(module.bias_ih_l0))
    take(both, turned)
    module.bias_ih_l0.copy_(both[0])
    module.bias_hh_l0.copy_(both[1])


def _attention(module, take):
    """Keras has a kernel (width, heads, each) and a bias for each of query, key and value."""
    for weight, bias in zip(
        module.in_proj_weight.chunk(3), module.in_proj_bias.chunk(3), strict=True
    ):
        take(weight, lambda w: w.reshape(len(w), -1).T)
        take(bias, np.ravel)
    take(module.out_proj.weight, lambda w: w.reshape(-1, w.shape[-1]).T)
    take(module.out_proj.bias)


FILL = {
    nn.Embedding: lambda module, take: take(module.weight.T),
    nn.Linear: _linear,
    nn.LayerNorm: _linear,
    nn.LSTM: _gates,
    nn.LSTMCell: _gates,
    nn.GRU: _gru,
    nn.Conv2d: lambda module, take: (
        take(module.weight, lambda w: w.transpose(3, 2, 0, 1)),
        take(module.bias),
    ),
    nn.MultiheadAttention: _attention,
}

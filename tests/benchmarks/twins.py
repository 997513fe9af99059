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
    "dropout": lambda: nn.Sequential(DroppingRecurrent(28, 128, 0.2), Mean(), nn.Linear(128, 10)),
}


def inputs_for(name, x):
    """The inputs of a workload as its twin takes them."""
    return torch.from_numpy(padded_behind(x) if name == "imdb" else x)


def set_weights(twin, weights):
    """Give a twin the weights of its Keras model: gates stand in the same order in both."""
    weights = iter([np.array(weight) for weight in weights])

    def take(parameter):  # PyTorch keeps matrices the other way round
        parameter.copy_(torch.from_numpy(next(weights).T.copy()))

    with torch.no_grad():
        for module in twin.modules():
            if isinstance(module, nn.Embedding):
                take(module.weight.T)
            elif isinstance(module, nn.Linear):
                take(module.weight)
                take(module.bias)
            elif isinstance(module, (nn.LSTM, nn.LSTMCell)):
                own = {name.removesuffix("_l0"): p for name, p in module.named_parameters()}
                for part in ("weight_ih", "weight_hh", "bias_ih"):
                    take(own[part])
    assert next(weights, None) is None, "the model has more weights than its twin"

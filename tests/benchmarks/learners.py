"""How each engine learns, calls, predicts and saves, behind the same few methods.

A learner is made in the process that is measured, and imports what its engine needs.
"""

import importlib
import time

import numpy as np

from tests.benchmarks import engines
from tests.benchmarks.workloads import LOSS, SEED, WORKLOADS


class KerasLearner:
    """npkeras, and Keras on any backend."""

    def __init__(self, engine):
        self.engine = engine
        self.keras = importlib.import_module(engines.ENGINES[engine].module)

    def versions(self):
        backend = engines.ENGINES[self.engine].backend
        found = {self.keras.__name__: self.keras.__version__}
        return {**found, backend: version(backend)} if backend else found

    def learn(self, name):
        """Take up a training workload."""
        workload = WORKLOADS[name]
        self.prepare(workload.compiled(self.keras), workload.arrays(), workload.batch_size)

    def prepare(self, model, arrays, batch_size):
        self.model, self.batch_size = model, batch_size
        self.x, self.y = arrays
        self.clock = _epoch_clock(self.keras)

    def epochs(self, steps, count, verbose=0):
        """Seconds per step of each of `count` epochs of one `fit`."""
        rows = steps * self.batch_size
        self.clock.seconds.clear()
        self.model.fit(
            self.x[:rows],
            self.y[:rows],
            batch_size=self.batch_size,
            epochs=count,
            shuffle=False,
            verbose=verbose,
            callbacks=[self.clock],
        )
        return [seconds / steps for seconds in self.clock.seconds]

    def bare_step(self):
        """A function that makes one update and nothing else; None where there is none."""
        x, y = self.x[: self.batch_size], self.y[: self.batch_size]
        if self.engine == "npkeras":
            return lambda: self.model.train_step((x, y))
        if self.engine == "keras-torch":
            import torch

            batch = torch.from_numpy(x), torch.from_numpy(y)
            return lambda: self.model.train_step(batch)
        if self.engine == "keras-tensorflow":
            import tensorflow as tf

            batches = iter(tf.data.Dataset.from_tensors((x, y)).repeat())
            train = self.model.make_train_function()
            return lambda: train(batches)
        return None  # JAX: the step is a function of the whole state, which `fit` carries along

    def sequential(self, *parts):
        """A model from a description: ("Input", shape), ("Dense", units, activation)..."""
        keras = self.keras
        keras.utils.set_random_seed(SEED)
        kinds = {"Input": keras.Input, "Dense": keras.layers.Dense, "LSTM": keras.layers.LSTM}
        model = keras.Sequential([kinds[kind](*arguments) for kind, *arguments in parts])
        model.compile("sgd", LOSS, metrics=["accuracy"])
        return model

    def of_workload(self, name):
        return WORKLOADS[name].compiled(self.keras)

    def calls(self, model):
        """The ways to get outputs for some rows, by name; each waits until they are there."""
        call = model
        if self.engine == "keras-jax":
            call = lambda x: model(x).block_until_ready()  # noqa: E731
        return {
            "predict": lambda x: model.predict(x, verbose=0),
            "predict_on_batch": model.predict_on_batch,
            "model(x)": call,
        }

    def predict(self, model, x, batch_size):
        return model.predict(x, batch_size=batch_size, verbose=0)

    def save(self, model, path):
        model.save_weights(f"{path}.weights.h5")

    def load(self, model, path):
        model.load_weights(f"{path}.weights.h5")


class TorchLearner:
    """Plain PyTorch: a loop as its tutorials have it, which keeps loss and accuracy."""

    def __init__(self, engine):
        import torch

        from tests.benchmarks import twins

        self.torch, self.twins = torch, twins

    def versions(self):
        return {"torch": self.torch.__version__}

    def learn(self, name):
        workload = WORKLOADS[name]
        self.model, self.batch_size = self.of_workload(name), workload.batch_size
        x, y = workload.arrays()
        self.x = self.twins.inputs_for(name, x)
        self.y = self.torch.from_numpy(y.astype("int64"))
        learned = [p for p in self.model.parameters() if p.requires_grad]
        self.optimizer = self.torch.optim.SGD(learned, workload.learning_rate)

    def epochs(self, steps, count, verbose=0):
        return [self.epoch(steps) / steps for _ in range(count)]

    def epoch(self, steps):
        start = time.perf_counter()
        self.model.train()
        loss_sum = correct = 0
        for first in range(0, steps * self.batch_size, self.batch_size):
            rows = slice(first, first + self.batch_size)
            x, y = self.x[rows], self.y[rows]
            self.optimizer.zero_grad()
            logits = self.model(x)
            loss = self.torch.nn.functional.cross_entropy(logits.flatten(0, -2), y.flatten())
            loss.backward()
            self.optimizer.step()
            loss_sum += loss.detach() * len(x)
            correct += (logits.detach().argmax(-1) == y).sum()
        self.logs = {"loss": float(loss_sum), "correct": float(correct)}
        return time.perf_counter() - start

    def sequential(self, *parts):
        (_, shape), *layers = parts
        return self.twins.dense_layers(shape[-1], [u for _, u, _ in layers[:-1]], layers[-1][1])

    def of_workload(self, name):
        self.torch.manual_seed(SEED)
        return self.twins.TWINS[name]()

    def calls(self, model):
        torch = self.torch
        model.eval()

        def call(x):
            with torch.inference_mode():
                return model(torch.from_numpy(x)).softmax(-1).numpy()

        return {"model(x)": call}

    def predict(self, model, x, batch_size):
        call = self.calls(model)["model(x)"]
        parts = [call(x[i : i + batch_size]) for i in range(0, len(x), batch_size)]
        return np.concatenate(parts)

    def save(self, model, path):
        self.torch.save(model.state_dict(), f"{path}.pt")

    def load(self, model, path):
        model.load_state_dict(self.torch.load(f"{path}.pt", weights_only=True))


class SklearnLearner:
    """scikit-learn's multilayer perceptron, which keeps the loss, not the accuracy."""

    def __init__(self, engine):
        from sklearn.neural_network import MLPClassifier

        self.kind = MLPClassifier

    def versions(self):
        return {"sklearn": version("sklearn")}

    def learn(self, name):
        workload = WORKLOADS[name]
        self.batch_size = workload.batch_size
        self.x, self.y = workload.arrays()
        self.model = self.kind(
            (512, 512),
            solver="sgd",
            alpha=0,
            momentum=0,
            nesterovs_momentum=False,
            batch_size=self.batch_size,
            learning_rate_init=workload.learning_rate,
            shuffle=False,
            random_state=SEED,
        )

    def epochs(self, steps, count, verbose=0):
        rows, seconds = steps * self.batch_size, []
        for _ in range(count):
            start = time.perf_counter()
            self.model.partial_fit(self.x[:rows], self.y[:rows], classes=range(10))
            seconds.append((time.perf_counter() - start) / steps)
        return seconds


def make(engine):
    """The learner of an engine."""
    kinds = {"torch": TorchLearner, "sklearn": SklearnLearner}
    return kinds.get(engine, KerasLearner)(engine)


def version(module):
    return importlib.import_module(module).__version__


def _epoch_clock(keras):
    class EpochClock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.start = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds.append(time.perf_counter() - self.start)

    clock = EpochClock()
    clock.seconds = []
    return clock

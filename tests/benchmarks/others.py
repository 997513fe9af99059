"""What is measured besides training steps.

Each function takes an engine and about how many seconds a turn may last, prepares, and returns
the turn: a function that gives measured values by name. A time is in seconds; names that end in
a unit are in that unit.
"""

import contextlib
import dataclasses
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np

from tests.benchmarks import architectures, engines, learners, memory

KERAS = ("npkeras", "keras-tensorflow", "keras-jax", "keras-torch")
WITH_TORCH = (*KERAS, "torch")
SMALL = ("Input", (16,)), ("Dense", 32, "relu"), ("Dense", 32, "relu"), ("Dense", 4, "softmax")
LARGE = ("Input", (2048,)), *[("Dense", 2048, "relu")] * 2, ("Dense", 2048, "softmax")
MATMUL_SIDE = 2048


@dataclasses.dataclass(frozen=True)
class Other:
    title: str
    prepare: Callable
    engines: tuple = WITH_TORCH
    rounds: int | None = None  # at most so many turns


def timed(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def repeated(seconds, function, *arguments):
    """Times of single calls, for about so long; at least three."""
    times, end = [], time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        times.append(timed(function, *arguments))
    return times


def train(engine, name, seconds):
    """A training workload: seconds per step, over whole epochs of `fit`."""
    learner = learners.make(engine)
    learner.learn(name)
    learner.epochs(2, 2)  # whatever an engine compiles, it compiles now
    steps = 0

    def turn():
        nonlocal steps
        if not steps:  # not while others are still preparing
            (step,) = learner.epochs(3, 1)
            steps = int(min(max(seconds / step, 2), len(learner.x) // learner.batch_size))
        return {"step": learner.epochs(steps, 2)}

    return turn


def predict1(engine, seconds):
    """One row at a time, in a loop: three Dense layers, and the LSTM of `mnist`."""
    learner = learners.make(engine)
    random = np.random.default_rng(0)
    calls = {}
    for title, model, shape in (
        ("Dense", learner.sequential(*SMALL), (1, 16)),
        ("LSTM", learner.of_workload("mnist"), (1, 28, 28)),
    ):
        x = random.random(shape, "float32")
        for way, call in learner.calls(model).items():
            calls[f"{title}, {way}"] = call, x
    for call, x in calls.values():
        for _ in range(3):
            call(x)
    return lambda: {name: repeated(seconds / 3, call, x) for name, (call, x) in calls.items()}


def predict(engine, seconds):
    """100,000 rows at once."""
    learner = learners.make(engine)
    model = learner.sequential(*SMALL)
    x = np.random.default_rng(0).random((100_000, 16), "float32")
    batches = (32, 1_000)
    for batch in batches:
        learner.predict(model, x[:2_000], batch)
    return lambda: {
        f"batches of {batch:,}": [timed(learner.predict, model, x, batch)] for batch in batches
    }


def import_(engine, seconds):
    """Importing what a user imports, NumPy being there already; in a process of its own."""
    module = engines.ENGINES[engine].module
    code = f"import time, numpy; t = time.perf_counter(); import {module}; " + (
        "print(time.perf_counter() - t)"
    )

    def turn():
        done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
        return {"import": [float(done.stdout.split()[-1])]}

    turn()  # so that the files are in the system's cache for everyone
    return turn


def first_fit(engine, seconds):
    """From the start of a process to the end of its first `fit`: ten steps of `mnist`."""
    command = [sys.executable, "-m", "tests.benchmarks.child", engine, "first_fit_alone", "0"]

    def turn():
        start = time.perf_counter()
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        ) as process:
            process.stdout.readline()  # it is prepared, that is, it has trained
            return {"start to end of fit": [time.perf_counter() - start]}

    return turn


def first_fit_alone(engine, seconds):
    learner = learners.make(engine)
    learner.learn("mnist")
    learner.epochs(10, 1)


def loop(engine, seconds):
    """A step of a tiny model with progress bar, one metric and History; and the bare update."""
    learner = learners.make(engine)
    model = learner.sequential(("Input", (4,)), ("Dense", 3, "softmax"))
    random = np.random.default_rng(0)
    steps = 1_000 if seconds > 0.2 else 100
    data = random.random((32 * steps, 4), "float32"), random.integers(0, 3, 32 * steps)
    learner.prepare(model, data, 32)

    def fit(count):
        with tempfile.TemporaryFile("w") as file, contextlib.redirect_stdout(file):
            return learner.epochs(count, 2, verbose=1)

    fit(10)
    bare = learner.bare_step()

    def turn():
        whole = fit(steps)
        if bare is None:
            return {"step in fit": whole}
        alone = repeated(seconds, bare)
        own = [step - float(np.median(alone)) for step in whole]
        return {"step in fit": whole, "bare step": alone, "the loop's own": own}

    if bare is not None:
        bare()
    return turn


def growth(engine, seconds):
    """What 10,000 predicts of changing shapes leave behind; fewer where they take too long."""
    learner = learners.make(engine)
    model = learner.sequential(("Input", (None, 8)), ("LSTM", 16), ("Dense", 4, "softmax"))
    random = np.random.default_rng(0)

    def some(count, limit):
        end = time.perf_counter() + limit
        for done in range(count):
            shape = *random.integers(1, 41, 2), 8
            model.predict(random.random(shape, "float32"), verbose=0)
            if time.perf_counter() > end:
                return done + 1
        return count

    some(20, seconds)

    def turn():
        before = memory.now()
        count = some(10_000, 120 * seconds)
        return {"growth (MB)": [memory.now() - before], "predicts (count)": [count]}

    return turn


def save_load(engine, seconds):
    """The weights of a model of 50 MB to a file and back."""
    learner = learners.make(engine)
    model = learner.sequential(*LARGE)
    folder = tempfile.TemporaryDirectory()
    path = pathlib.Path(folder.name, "model")
    learner.save(model, path)
    learner.load(model, path)

    def turn(folder=folder):  # which lives as long as the turn does
        return {
            "save": [timed(learner.save, model, path) for _ in range(2)],
            "load": [timed(learner.load, model, path) for _ in range(2)],
        }

    return turn


def applications(engine, seconds):
    """Eight images through each of some well-known architectures."""
    learner = learners.make(engine)
    random = np.random.default_rng(0)
    calls = {}
    for name, model in architectures.models(learner):
        side = architectures.SIDES[name]
        x = random.uniform(-1, 1, (8, side, side, 3)).astype("float32")
        for way in ("predict_on_batch", "model(x)"):
            calls[f"{name}, {way}"] = call, _ = learner.calls(model)[way], x
            call(x)
    each = seconds / len(calls)
    return lambda: {name: repeated(each, call, x) for name, (call, x) in calls.items()}


def matmul(engine, seconds):
    """The rate that every floor is reckoned with: NumPy's product of two large matrices."""
    a, b = np.random.default_rng(0).random((2, MATMUL_SIDE, MATMUL_SIDE), "float32")
    out = a @ b
    return lambda: {"product": [timed(np.matmul, a, b, out) for _ in range(3)]}


OTHERS = {
    "predict1": Other("one row in a loop: Dense 16-32-32-4; LSTM of mnist", predict1),
    "predict": Other("100,000 rows through Dense 16-32-32-4", predict, rounds=3),
    "import": Other("import, beyond NumPy's own", import_, (*WITH_TORCH, "sklearn")),
    "first_fit": Other("cold start to the end of a first fit, 10 steps of mnist", first_fit),
    "loop": Other("step of Dense 4-3 with progress bar and metric, batch 32", loop, KERAS),
    "memory": Other("growth over predicts of changing shapes, LSTM(16)", growth, KERAS, rounds=1),
    "save_load": Other("weights of 50 MB to a file and back", save_load),
    "applications": Other(
        "8 images of 64 pixels (Xception: 71) through well-known architectures",
        applications,
        KERAS[:2],
    ),
}
INNER = {"matmul": Other("", matmul), "first_fit_alone": Other("", first_fit_alone)}

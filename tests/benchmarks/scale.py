"""How time and memory grow with batch, time steps, units, vocabulary and rows of data.

    python -m tests.benchmarks.scale                # measure, print the table
    python -m tests.benchmarks.scale --write        # and put it, and the picture, into docs/

Each point is a process of its own, so that its peak of memory is its own. What is shown as memory
is what the process held beyond what it held before the model and the data were made.
"""

import argparse
import json
import math
import subprocess
import sys
import time

from tests.benchmarks import memory
from tests.benchmarks.measure import ROOT, Settings, machine

PAGE, PICTURE = ROOT / "docs" / "speed.md", ROOT / "docs" / "scale.png"
BEGIN, END = "<!-- scale -->", "<!-- end of scale -->"
SECONDS = 1.0  # how long a point is measured, at least


def lstm(keras, batch=32, steps=28, units=64):
    return _text(keras, [keras.Input((steps, 28)), keras.layers.LSTM(units)], 10), (steps, 28), 10


def words(keras, vocabulary):
    layers = [
        keras.Input((20,), dtype="int32"),
        keras.layers.Embedding(vocabulary, 50),
        keras.layers.LSTM(32, return_sequences=True),
    ]
    return _text(keras, layers, vocabulary), (20,), vocabulary


def mlp(keras):
    return _text(keras, [keras.Input((100,)), keras.layers.Dense(64, "relu")], 10), (100,), 10


def _text(keras, layers, classes):
    model = keras.Sequential([*layers, keras.layers.Dense(classes, activation="softmax")])
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return model


# For each axis: what it stands for, its values over two decades, and (model, batch, rows).
AXES = {
    "batch": ("rows of a batch", (8, 25, 80, 250, 800), lambda n: ({}, n, 4 * n)),
    "steps": ("time steps", (10, 32, 100, 320, 1000), lambda n: ({"steps": n}, 32, 128)),
    "units": ("units of the LSTM", (8, 25, 80, 250, 800), lambda n: ({"units": n}, 32, 128)),
    "vocabulary": ("words known", (500, 1_600, 5_000, 16_000, 50_000), lambda n: (n, 32, 128)),
    "rows": ("rows of data", (3_200, 10_000, 32_000, 100_000, 320_000), lambda n: (None, 32, n)),
}
# By which power of n time and memory should grow at the end, and why it is not 1.
EXPECTED = {
    "batch": "linear; below 80 rows a step is calls more than arithmetic",
    "steps": "linear",
    "units": "time: quadratic in the end, as every state meets every gate; memory: weights "
    "quadratic, states linear",
    "vocabulary": "linear; from 1,024 words on the softmax works in blocks, and memory is that of "
    "the two tables and their gradients",
    "rows": "time linear; memory is that of the data",
}


def point(axis, n):
    """Seconds of a step (of an epoch for "rows"), and MB beyond those of an empty process."""
    import numpy as np

    import npkeras as keras

    keras.utils.set_random_seed(1)
    before = memory.now()
    given, batch, rows = AXES[axis][2](n)
    if axis == "vocabulary":
        model, shape, classes = words(keras, given)
    else:
        model, shape, classes = mlp(keras) if given is None else lstm(keras, **given)
    random = np.random.default_rng(1)
    if axis == "vocabulary":
        x, y = random.integers(0, n, (2, rows, *shape), dtype="int32")
    else:
        x, y = random.random((rows, *shape), "float32"), random.integers(0, classes, rows)
    times, start = [], time.perf_counter()
    while len(times) < 4 or time.perf_counter() - start < SECONDS:
        begun = time.perf_counter()
        model.fit(x, y, batch_size=batch, verbose=0, shuffle=False)
        times.append(time.perf_counter() - begun)
    steps = 1 if axis == "rows" else rows // batch
    return {"seconds": float(np.median(times[1:])) / steps, "mb": memory.peak() - before}


def measure(axes):
    """{axis: [[n, seconds, MB], ...]}"""
    found = {}
    for axis in axes:
        found[axis] = []
        for n in AXES[axis][1]:
            command = [sys.executable, "-m", "tests.benchmarks.scale", "--point", axis, str(n)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            values = json.loads(done.stdout.splitlines()[-1])
            found[axis].append([n, values["seconds"], values["mb"]])
            shown = f"{1e3 * values['seconds']:.2f} ms, {values['mb']:.0f} MB"
            print(f"{axis} {n}: {shown}", flush=True)
    return found


def power(points, column):
    """By which power of n the last decade grows: 1 is linear."""
    (n0, *low), (n1, *high) = points[-3], points[-1]
    if min(low[column], high[column]) <= 0:
        return math.nan
    return math.log(high[column] / low[column]) / math.log(n1 / n0)


def table(found):
    """Everything, as Markdown."""
    lines = ["| axis | | | | | | power of the last decade | expected |", "|" + " --- |" * 8]
    for axis, points in found.items():
        unit = "an epoch" if axis == "rows" else "a step"
        cells = [
            [AXES[axis][0], *(f"{n:,}" for n, _, _ in points), "", EXPECTED[axis]],
            [f"ms {unit}", *(f"{1e3 * s:.3g}" for _, s, _ in points), f"{power(points, 0):.2f}"],
            ["MB", *(f"{mb:.3g}" for _, _, mb in points), f"{power(points, 1):.2f}"],
        ]
        lines += ["| " + " | ".join([*row, *[""] * (8 - len(row))]) + " |" for row in cells]
    return "\n".join(lines)


def draw(found):
    """Time and memory over each axis, both scales logarithmic, with a line of slope 1."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as pyplot

    figure, axes = pyplot.subplots(2, len(found), figsize=(13, 5), layout="constrained")
    for column, (axis, points) in enumerate(found.items()):
        ns = [n for n, _, _ in points]
        for row, (what, scale) in enumerate((("ms", 1e3), ("MB", 1.0))):
            values = [scale * p[1 + row] for p in points]
            place = axes[row][column]
            place.loglog(ns, values, "o-", label="measured")
            linear = [values[-1] * n / ns[-1] for n in ns]
            place.loglog(ns, linear, ":", color="gray", label="linear")
            place.set(xlabel=AXES[axis][0], ylabel=what if column == 0 else "")
            place.grid(alpha=0.3)
    axes[0][0].legend()
    figure.savefig(PICTURE, dpi=110)


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale")
    parser.add_argument("axes", nargs="*", help=f"out of {', '.join(AXES)}; all if none is named")
    parser.add_argument("--point", nargs=2, metavar=("AXIS", "N"), help="one point, as JSON")
    parser.add_argument("--write", action="store_true", help="into docs/speed.md and scale.png")
    options = parser.parse_args()
    if options.point:
        axis, n = options.point
        print(json.dumps(point(axis, int(n))))
        return
    found = measure(options.axes or list(AXES))
    where = machine(Settings())
    text = f"{table(found)}\n\n{where['processor']}, measured on {where['date']}."
    print("\n" + text)
    if options.write:
        draw(found)
        page = PAGE.read_text()
        before, rest = page.split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()

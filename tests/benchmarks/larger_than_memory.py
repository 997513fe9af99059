"""`fit` on features that are larger than the memory it holds: one table.

    python -m tests.benchmarks.larger_than_memory                  # 10 GB, twice on disk
    python -m tests.benchmarks.larger_than_memory --gigabytes 1 --write

The features lie in a file that is mapped (`np.memmap`), in an HDF5 dataset, or come from a
`PyDataset` with workers that makes them up as they are asked for. Each way is a process of its own,
trained for one epoch; what counts is the most it ever held, its libraries included.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from tests.benchmarks import memory
from tests.benchmarks.measure import ROOT, Settings, machine

PAGE = ROOT / "docs" / "speed.md"
BEGIN, END = "<!-- larger -->", "<!-- end of larger -->"
FEATURES, BATCH, BLOCK = 1_000, 256, 8_192  # 4,000 bytes a row
WAYS = {
    "memmap": "`np.memmap`, in order",
    "memmap-shuffled": "`np.memmap`, shuffled",
    "h5py": '`h5py.Dataset`, `shuffle="batch"`',
    "workers": "`PyDataset` with 2 workers",
}


def rows_of(gigabytes):
    return int(gigabytes * 1e9) // (4 * FEATURES) // BATCH * BATCH


def blocks(rows):
    import numpy as np

    random = np.random.default_rng(1)
    block = random.random((BLOCK, FEATURES), "float32")
    for start in range(0, rows, BLOCK):
        np.roll(block, 1, axis=1)
        yield start, block[: min(BLOCK, rows - start)]


def write_files(folder, rows):
    """The same features in both kinds of file."""
    import h5py
    import numpy as np

    mapped = np.memmap(folder / "x.bin", "float32", "w+", shape=(rows, FEATURES))
    with h5py.File(folder / "x.h5", "w") as file:
        stored = file.create_dataset("x", (rows, FEATURES), "float32")
        for start, block in blocks(rows):
            mapped[start : start + len(block)] = block
            stored[start : start + len(block)] = block
    mapped.flush()


def train(way, folder, rows):
    """Seconds of an epoch, and the most memory held, in MB."""
    import numpy as np

    import npkeras as keras

    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.SGD(0.01), "mse")
    y = np.random.default_rng(2).random((rows, 1), "float32")
    options = {"batch_size": BATCH, "shuffle": way == "memmap-shuffled", "verbose": 0}
    start = time.perf_counter()
    if way.startswith("memmap"):
        x = np.memmap(folder / "x.bin", "float32", "r", shape=(rows, FEATURES))
        history = model.fit(x, y, **options)
    elif way == "h5py":
        import h5py

        with h5py.File(folder / "x.h5", "r") as file:
            history = model.fit(file["x"], y, **{**options, "shuffle": "batch"})
    else:
        history = model.fit(made_up(keras, rows, y), verbose=0)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "mb": memory.peak(), "loss": history.history["loss"][-1]}


def made_up(keras, rows, y):
    import numpy as np

    class MadeUp(keras.utils.PyDataset):
        def __len__(self):
            return rows // BATCH

        def __getitem__(self, index):
            x = np.random.default_rng(index).random((BATCH, FEATURES), "float32")
            return x, y[index * BATCH : (index + 1) * BATCH]

    return MadeUp(workers=2, max_queue_size=10)


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.larger_than_memory")
    parser.add_argument("--gigabytes", type=float, default=10.0, help="how large the features are")
    parser.add_argument("--write", action="store_true", help="the table into docs/speed.md")
    parser.add_argument(
        "--train", nargs=3, metavar=("WAY", "FOLDER", "ROWS"), help="one way, as JSON"
    )
    options = parser.parse_args()
    if options.train:
        way, folder, rows = options.train
        print(json.dumps(train(way, pathlib.Path(folder), int(rows))))
        return
    rows = rows_of(options.gigabytes)
    lines = ["| data | GB | most held, MB | s an epoch | MB a second |", "|" + " --- |" * 5]
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        write_files(pathlib.Path(folder), rows)
        for way, title in WAYS.items():
            command = [sys.executable, "-m", "tests.benchmarks.larger_than_memory"]
            command += ["--train", way, folder, str(rows)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
            found = json.loads(done.stdout.splitlines()[-1])
            size = rows * FEATURES * 4
            cells = [title, f"{size / 1e9:.1f}", f"{found['mb']:.0f}", f"{found['seconds']:.0f}"]
            lines.append("| " + " | ".join([*cells, f"{size / 1e6 / found['seconds']:.0f}"]) + " |")
            print(lines[-1], flush=True)
    where = machine(Settings())
    text = "\n".join(lines) + f"\n\n{where['processor']}, measured on {where['date']}."
    print("\n" + text)
    if options.write:
        before, rest = PAGE.read_text().split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()

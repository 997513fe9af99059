"""Well-known architectures with random weights, as `keras.applications` builds them.

    python -m tests.benchmarks.architectures FOLDER NAME...

Run by an interpreter that has Keras, it writes them as `.keras` files. npkeras, which has no such
functions, reads these.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

from tests.benchmarks.engines import ENGINES

SIDES = {
    "MobileNet": 64,
    "MobileNetV2": 64,
    "ResNet50": 64,
    "VGG16": 64,
    "DenseNet121": 64,
    "Xception": 71,  # the smallest that it takes
}
PYTHON = "BENCHMARK_KERAS_PYTHON"  # in the environment: the interpreter that has Keras


def build(keras, name):
    side = SIDES[name]
    make = getattr(keras.applications, name)
    return make(weights=None, input_shape=(side, side, 3), classes=10)


def models(learner):
    """Each architecture, by name, made one after the other."""
    if learner.engine != "npkeras":
        for name in SIDES:
            yield name, build(learner.keras, name)
        return
    with tempfile.TemporaryDirectory() as folder:
        written_by_keras(folder)
        for name in SIDES:
            path = pathlib.Path(folder, f"{name}.keras")
            yield name, learner.keras.saving.load_model(path)


def written_by_keras(folder):
    command = [os.environ.get(PYTHON, sys.executable), "-m", __name__, folder, *SIDES]
    done = subprocess.run(
        command,
        env=ENGINES["keras-tensorflow"].environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"Keras wrote no models: {done.stderr[-200:]}")


def main(folder, *names):
    import keras

    for name in names:
        build(keras, name).save(pathlib.Path(folder, f"{name}.keras"))


if __name__ == "__main__":
    main(*sys.argv[1:])

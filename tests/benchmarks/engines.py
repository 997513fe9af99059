"""The engines that are compared: what they need, and where. Nothing of theirs is imported here."""

import dataclasses
import os
import subprocess
import sys


@dataclasses.dataclass(frozen=True)
class Engine:
    module: str  # what a user imports
    needs: tuple  # the packages that must be installed for it
    backend: str = ""  # of Keras

    @property
    def environment(self):
        """The variables under which its processes run: on the CPU, without chatter."""
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
        return {**os.environ, **quiet, "KERAS_BACKEND": self.backend or "tensorflow"}


ENGINES = {
    "npkeras": Engine("npkeras", ("numpy", "npkeras")),
    "keras-tensorflow": Engine("keras", ("keras", "tensorflow"), "tensorflow"),
    "keras-jax": Engine("keras", ("keras", "jax"), "jax"),
    "keras-torch": Engine("keras", ("keras", "torch"), "torch"),
    "torch": Engine("torch", ("torch",)),
    "sklearn": Engine("sklearn.neural_network", ("sklearn",)),
}

FIND = """
import importlib.util, sys
print(*[name for name in sys.argv[1:] if importlib.util.find_spec(name) is None])
"""


def missing(engine, python, folder):
    """What an engine needs and that interpreter does not have, in words; "" if nothing."""
    command = [python, "-c", FIND, *ENGINES[engine].needs]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    except OSError as error:
        return str(error)
    return done.stdout.strip() or done.stderr.strip()[-200:]


def interpreters(given):
    """Which interpreter runs each engine, from options like `torch,keras-torch=/path/to/python`."""
    chosen = dict.fromkeys(ENGINES, sys.executable)
    for option in given:
        names, _, path = option.partition("=")
        for name in names.split(","):
            if name not in ENGINES or not path:
                raise SystemExit(
                    f"--python takes NAME=PATH, with names out of {', '.join(ENGINES)}. "
                    f"Received: {option}"
                )
            chosen[name] = path
    return chosen

"""Freed memory is kept, where the C library can be told to."""

import ctypes
import platform
import subprocess
import sys

import pytest

from npkeras.kernels import memory

STEPS = """
import resource, sys
import numpy as np
if sys.argv[1] == "keep":
    from npkeras.kernels.memory import keep_freed_memory
    assert keep_freed_memory()

def faults_of_a_step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    arrays = [np.ones(2**20, "float32") for _ in range(8)]
    del arrays
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

print(min(faults_of_a_step() for _ in range(5)))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs the GNU C library")
def test_the_pages_of_a_training_step_are_used_again():
    run = subprocess.run(
        [sys.executable, "-c", STEPS, "keep"],
        capture_output=True, text=True, check=True, env={"PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert int(run.stdout) < 100  # of 8192 pages


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_the_environment_has_the_last_word(monkeypatch, name):
    monkeypatch.setenv(name, "1")
    assert memory.keep_freed_memory() is False


def test_other_c_libraries_are_left_alone(monkeypatch):
    for name in list(memory.os.environ):
        if name.startswith(("MALLOC_", "GLIBC_TUNABLES")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert memory.keep_freed_memory() is False

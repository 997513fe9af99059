"""One process per engine and workload; the processes take turns, so that all see the same machine.

Every process is prepared first (its imports, its compilation, a first `fit`), then each in turn
measures for a while and waits again. What disturbs the machine disturbs them all.
"""

import dataclasses
import json
import os
import pathlib
import platform
import subprocess
import tempfile
import threading
import time

from tests.benchmarks import others
from tests.benchmarks.engines import ENGINES
from tests.benchmarks.workloads import WORKLOADS

ROOT = pathlib.Path(__file__).parent.parent.parent
PATIENCE = 1_800  # seconds for one answer of a process, after which it is given up


class Failed(Exception):
    """A process ended before its time."""


@dataclasses.dataclass(frozen=True)
class Settings:
    rounds: int = 7
    seconds: float = 1.0  # about how long an epoch lasts


class Process:
    """A child, seen from outside."""

    def __init__(self, engine, workload, python, settings):
        self.name = "matmul" if workload == "matmul" else engine
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [python, "-m", "tests.benchmarks.child", engine, workload, str(settings.seconds)],
            cwd=ROOT,
            env=ENGINES[engine].environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )

    def answer(self):
        timer = threading.Timer(PATIENCE, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line:
            self.process.wait()
            self.errors.seek(0)
            said = self.errors.read().strip().splitlines()
            raise Failed(said[-1] if said else f"it ended with {self.process.returncode}")
        return json.loads(line)

    def take_turn(self):
        try:
            self.process.stdin.write("turn\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the answer says why
        return self.answer()

    def result(self):
        self.process.stdin.close()
        return self.answer()

    def end(self):
        self.process.kill()
        self.process.wait()
        for file in (self.process.stdin, self.process.stdout, self.errors):
            file.close()


def measure(workload, pythons, settings, say=print):
    """The results of the engines on a workload, and of the matmul beside it, as JSON can hold them.

    `pythons` maps the engines to compare to the interpreters that run them.
    """
    processes = []
    results = []
    try:
        for engine, python in pythons.items():
            if engine in runs(workload):
                processes.append(Process(engine, workload, python, settings))
        if workload in WORKLOADS:
            python = pythons.get("npkeras") or next(iter(pythons.values()))
            processes.append(Process("npkeras", "matmul", python, settings))
        alive = each(processes, Process.answer, workload, say)
        limit = getattr(others.OTHERS.get(workload), "rounds", None) or settings.rounds
        for _ in range(min(settings.rounds, limit)):
            alive = each(alive, Process.take_turn, workload, say)
        each(alive, lambda process: results.append(process.result()), workload, say)
    finally:
        for process in processes:
            process.end()
    return results


def each(processes, action, workload, say):
    """Do it with each process in turn; those with which it can be done."""
    alive = []
    for process in processes:
        try:
            action(process)
            alive.append(process)
        except Failed as failure:
            say(f"{workload}: {process.name} failed and is left out: {failure}")
    return alive


def runs(workload):
    """The engines that can run a workload."""
    if workload in WORKLOADS:
        return [e for e in ENGINES if e != "sklearn" or workload == "mlp"]
    return others.OTHERS[workload].engines


def machine(settings):
    """Where and how it was measured."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
        processor = text.split("model name")[1].split("\n")[0].strip("\t :")
    except (OSError, IndexError):
        processor = platform.processor()
    return {
        "processor": processor,
        "system": platform.platform(terse=True),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "date": time.strftime("%Y-%m-%d"),
        **dataclasses.asdict(settings),
    }

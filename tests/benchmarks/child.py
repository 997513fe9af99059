"""The process that is measured: one engine, one workload.

    python -m tests.benchmarks.child ENGINE WORKLOAD SECONDS

It prepares, says so, and then takes a turn for each line that it is sent. When no more come it
prints one line of JSON: what was measured, the peak of its memory, the versions.
"""

import contextlib
import json
import os
import platform
import sys
import warnings

import numpy as np

from tests.benchmarks import learners, memory, others
from tests.benchmarks.workloads import WORKLOADS


def main(engine, workload, seconds):
    answers = os.fdopen(os.dup(1), "w")  # for our answers alone: what engines print goes elsewhere
    os.dup2(2, 1)
    warnings.simplefilter("ignore")

    def say(answer):
        print(json.dumps(answer), file=answers, flush=True)

    seconds = float(seconds)
    if workload in WORKLOADS:
        turn = others.train(engine, workload, seconds)
    else:
        turn = {**others.OTHERS, **others.INNER}[workload].prepare(engine, seconds)
    say("ready")
    measured = {}
    while sys.stdin.readline():
        for name, values in turn().items():
            measured.setdefault(name, []).extend(values)
        say("done")
    say(
        {
            "engine": engine,
            "workload": workload,
            "measured": {name: summary(values) for name, values in measured.items()},
            "peak_mb": memory.peak(),
            "versions": versions(engine, workload),
            "threads": threads(),
        }
    )


def summary(values):
    return {
        "median": float(np.median(values)),
        "minimum": float(np.min(values)),
        "values": len(values),
    }


def versions(engine, workload):
    own = {} if workload == "matmul" else learners.make(engine).versions()
    return {"python": platform.python_version(), "numpy": np.__version__, **own}


def threads():
    """How many cores this process may use, and how many threads its libraries take."""
    known = hasattr(os, "sched_getaffinity")
    found = {"cores": len(os.sched_getaffinity(0)) if known else os.cpu_count()}
    limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    found |= {name: os.environ[name] for name in limits if name in os.environ}
    if "torch" in sys.modules:
        found["torch"] = sys.modules["torch"].get_num_threads()
    with contextlib.suppress(ImportError):
        import threadpoolctl

        found |= {p["internal_api"]: p["num_threads"] for p in threadpoolctl.threadpool_info()}
    return dict(sorted(found.items()))


if __name__ == "__main__":
    main(*sys.argv[1:])

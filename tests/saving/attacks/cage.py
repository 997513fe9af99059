"""A process that opens files while everything it does to the system is written down.

`opened(jobs)` runs this file as a program, which opens one file after another and says of each
how that ended, how long it took, how much memory it asked for, and what else it tried: other
files, imports, code, sockets, processes.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).parent.parent.parent.parent
SECONDS_EACH = 20
MARK = os.path.join(tempfile.gettempdir(), "npkeras-attack.mark")  # what attacks would write
_SILENT = ("object.", "sys.", "gc.", "array.", "builtins.id", "cpython.", "time.sleep", "signal.")
_KNOWN = ("os.listdir", "os.scandir", "os.fwalk", "os.walk")  # which read names only


def job(path, call="load_model", **options):
    """What is to be done with a file, or with a config that stands in one."""
    return {"path": str(path), "call": call, **options}


def opened(jobs, under=()):
    """What came of each job.

    Args:
        jobs: A dict from names to jobs.
        under: A command that is to run the process, such as a tracer.
    """
    result = subprocess.run(
        [*under, sys.executable, __file__],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"},
        timeout=600,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout.splitlines()[-1])


def assert_harmless(outcome, file_bytes=0):
    """Nothing was done but reading the file, in bounded time and memory."""
    assert outcome["events"] == []
    assert outcome["mark"] is False
    assert outcome["unchanged"]
    assert outcome["grown"] <= 50e6 + 2 * file_bytes, outcome
    assert outcome["seconds"] <= outcome["slowness"] * (1 + 20e-9 * file_bytes), outcome


def assert_refused(outcome, file_bytes=0, kinds=("ValueError",), words=""):
    """The file was refused, in a sentence that can be read."""
    assert_harmless(outcome, file_bytes)
    assert outcome["error"], "it was loaded"
    assert set(kinds) & set(outcome["error"]), outcome
    assert len(outcome["message"]) <= 450, outcome["message"]
    assert outcome["message"].isprintable(), ascii(outcome["message"])
    assert words in outcome["message"]


class Watch:
    """Notes down what a job does besides reading the file it was given."""

    def __init__(self):
        self.allowed = None
        self.events = []
        sys.addaudithook(self)

    def __call__(self, event, args):
        if self.allowed is None or event.startswith(_SILENT) or event in _KNOWN:
            return
        if event == "open":
            path = os.path.realpath(args[0]) if isinstance(args[0], (str, bytes)) else None
            if path is None or os.fspath(path).startswith(self.allowed):
                return
        elif event == "import" and args[0] in sys.modules:
            return
        self.events.append(f"{event} {args!r:.200}")


def _main():
    import encodings.ascii  # noqa: F401  (h5py asks for it to name a dtype)
    import resource
    import signal

    jobs = json.loads(sys.stdin.read())
    tools = _tools()
    with tempfile.TemporaryDirectory() as scratch:
        _warm_up(tools, scratch)
    watch = Watch()
    here = resource.getrlimit(resource.RLIMIT_AS)[1]
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, here))

    def too_long(*_):
        raise TimeoutError("took too long")

    signal.signal(signal.SIGALRM, too_long)
    signal.signal(signal.SIGPROF, too_long)
    print(json.dumps({name: _outcome(one, tools, watch) for name, one in jobs.items()}))


def _outcome(one, tools, watch):
    """Do a job, and say how it ended and what it did."""
    import resource
    import signal
    import time
    import warnings

    model = tools["model"]()
    before = [w.tobytes() for w in model.get_weights()]
    outcome = {"error": [], "message": ""}
    signal.alarm(10 * SECONDS_EACH)  # where it waits for what never comes
    signal.setitimer(signal.ITIMER_PROF, SECONDS_EACH)
    start, memory = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    watch.events, watch.allowed = [], os.path.realpath(one["path"])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            tools[one["call"]](one, model)
        except BaseException as error:
            outcome["error"] = [cls.__name__ for cls in type(error).__mro__]
            outcome["message"] = str(error)
        watch.allowed = None
    signal.alarm(0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    outcome["seconds"] = time.process_time() - start
    outcome["slowness"] = _slowness() if outcome["seconds"] > 0.5 else 1
    outcome["grown"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory) * 1024
    outcome["warnings"] = [str(w.message) for w in told]
    outcome["events"] = watch.events
    outcome["mark"] = os.path.exists(MARK)
    after = [w.tobytes() for w in model.get_weights()]
    outcome["unchanged"] = not outcome["error"] or before == after
    return outcome


def _slowness():
    """How many times longer than on the machine where the bounds were set this one takes.

    At least 1, found by the kind of work that a hostile config makes: text to dicts and lists.
    """
    import time

    text = json.dumps([{"name": str(i), "config": {"units": i}} for i in range(20_000)])
    start = time.process_time()
    for _ in range(4):
        json.loads(text)
    return max(1, (time.process_time() - start) / 0.05)


def _tools():
    """What a job can ask for, by name."""
    import npkeras
    from tests.saving.attacks.victims import victim

    def clone_model(one, _):
        if "config" in one:
            model = npkeras.Sequential.from_config(one["config"])
        else:
            model = npkeras.saving.load_model(one["path"])
        npkeras.models.clone_model(model, recursive=True)

    def describe(one, _):
        npkeras.saving.describe(one["path"])

    def deserialize(one, _):
        npkeras.layers.deserialize(one["config"])

    def deserialize_object(one, _):
        npkeras.saving.deserialize_keras_object(one["config"], safe_mode=one.get("safe_mode"))

    def from_config(one, _):
        npkeras.Sequential.from_config(one["config"])

    def from_json(one, _):
        npkeras.models.model_from_json(json.dumps(one["config"]))

    def load_model(one, _):
        npkeras.saving.load_model(one["path"], safe_mode=one.get("safe_mode", True))

    def load_weights(one, model):
        model.load_weights(one["path"])

    return {
        "model": victim,
        "clone_model": clone_model,
        "describe": describe,
        "deserialize": deserialize,
        "deserialize_object": deserialize_object,
        "from_config": from_config,
        "from_json": from_json,
        "load_model": load_model,
        "load_weights": load_weights,
    }


def _warm_up(tools, scratch):
    """Import all that loading needs, so that what an attack imports stands out."""
    import numpy as np

    import npkeras

    for name in ("model.keras", "model.h5", "model"):
        path = os.path.join(scratch, name)
        tools["model"]().save(path, zipped=name != "model")
        again = npkeras.saving.load_model(path)
        again.train_on_batch(np.ones((2, 4)), np.ones((2, 2)))
    for call in ("load_model", "load_weights"):
        with open(os.path.join(scratch, "empty.h5"), "wb"):
            pass
        try:
            tools[call]({"path": os.path.join(scratch, "empty.h5")}, tools["model"]())
        except ValueError as error:
            str(error)


if __name__ == "__main__":
    _main()

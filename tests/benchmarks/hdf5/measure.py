"""Sizes, times and memory of both readers. Every measurement is a process of its own."""

import importlib.metadata
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from tests.benchmarks import memory
from tests.benchmarks.hdf5 import fuzz
from tests.benchmarks.hdf5.switch import BARE, READERS, reading_by
from tests.benchmarks.measure import ROOT, Settings, machine

SMALL = ROOT / "npkeras" / "saving" / "h5read"
IMPORTS = {"h5py": "h5py", "small": "npkeras.saving.h5read"}
TURNS = ("import", "read large", "read many", "describe large", "describe many", "serve")


def everything(rounds, files, say=print):
    """All that is measured, as JSON can hold it."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write_files(pathlib.Path(folder))
        times = {}
        for number in range(rounds):
            for what in TURNS:
                for reader in READERS:
                    times.setdefault(what, {}).setdefault(reader, []).append(
                        run_turn(reader, what, paths)
                    )
            say(f"round {number + 1} of {rounds}")
        return {
            "machine": machine(Settings(rounds=rounds)),
            "versions": versions(),
            "sizes": sizes(),
            "times": {what: {r: _medians(v) for r, v in by.items()} for what, by in times.items()},
            "attacks": {reader: attacks(reader) for reader in READERS},
            "fuzz": spoilt(pathlib.Path(folder), files, say),
            "files": files,
        }


def write_files(folder):
    """Weights of 50 MB in three layers; of 200 small layers; a small model."""
    import npkeras

    L = npkeras.layers
    large = npkeras.Sequential([npkeras.Input((2048,)), *(L.Dense(2048) for _ in range(3))])
    many = npkeras.Sequential([npkeras.Input((16,)), *(L.Dense(16) for _ in range(200))])
    small = npkeras.Sequential([npkeras.Input((16,)), L.Dense(32, "relu"), L.Dense(4, "softmax")])
    paths = {name: folder / f"{name}.weights.h5" for name in ("large", "many")}
    paths["small"] = folder / "small.keras"
    large.save_weights(paths["large"])
    many.save_weights(paths["many"])
    small.save(paths["small"])
    return paths


def run_turn(reader, what, paths):
    """One process; what it says, and the time of the processor that all of it took."""
    path = paths.get(what.split()[-1], paths["small"])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.hdf5", "--turn", reader, what, str(path)]
        if what != "serve"
        else [sys.executable, "-c", _serving(reader), str(path)],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(done.stdout.splitlines()[-1])
    if what == "serve":
        found["ms"] = 1e3 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return found


def _serving(reader):
    """The program that loads a model and answers once."""
    begin = (
        "import json, sys\nimport numpy as np\nimport npkeras\nfrom tests.benchmarks import memory"
    )
    load = "model = npkeras.saving.load_model(sys.argv[1])"
    if reader == "h5py":
        begin += "\nfrom tests.benchmarks.hdf5.switch import h5py_reads"
        load = f"with h5py_reads():\n    {load}"
    answer = "model.predict_on_batch(np.ones((1, 16), 'float32'))"
    own = "'h5py' in sys.modules"
    return f"{begin}\n{load}\n{answer}\nprint(json.dumps({{'mb': memory.peak(), 'h5py': {own}}}))"


def turn(reader, what, path):
    """What is measured within a process: milliseconds of the processor, MB that were added."""
    import npkeras
    from npkeras.saving import hdf5

    path = pathlib.Path(path)
    if what == "import":
        action = _imports(reader)
    else:
        importlib.import_module(IMPORTS[reader])
        action = (_read if what.startswith("read") else _describe)(npkeras, hdf5, path)
    with reading_by(reader):
        if what != "import":
            path.read_bytes()  # so that the file is in the system's cache
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")  # the peak of memory begins anew
        held, start = memory.now(), time.process_time()
        action()
        spent = time.process_time() - start
        print(json.dumps({"ms": 1e3 * spent, "mb": memory.peak() - held}))


def _imports(reader):
    """What imports the reader, as if for the first time; npkeras is there already."""
    for name in [n for n in sys.modules if n.startswith("npkeras.saving.h5read")]:
        del sys.modules[name]
    return lambda: importlib.import_module(IMPORTS[reader])


def _read(npkeras, hdf5, path):
    def action():
        with hdf5.open_file(path) as file:
            held = hdf5.tree_of(file)
            for group, names in held.items():
                for name in names:
                    dataset = file[group][name]
                    hdf5.read(dataset, dataset.shape, f"{group}/{name}")

    return action


def _describe(npkeras, hdf5, path):
    return lambda: npkeras.saving.describe(path)


def _medians(values):
    return {key: statistics.median(one[key] for one in values) for key in ("ms", "mb")}


def versions():
    import h5py

    return {"h5py": h5py.__version__, "HDF5": h5py.version.hdf5_version}


def sizes():
    """Bytes on disk, and lines of code of ours."""
    from tests.test_sizes import code_lines

    files = importlib.metadata.files("h5py") or []
    own = list(SMALL.glob("*.py"))
    return {
        "h5py": {
            "bytes": sum(f.locate().stat().st_size for f in files if f.locate().is_file()),
            "lines": len(code_lines(ROOT / "tests" / "benchmarks" / "hdf5" / "by_h5py.py")),
        },
        "small": {
            "bytes": sum(path.stat().st_size for path in own),
            "lines": sum(len(code_lines(path)) for path in own),
        },
    }


def attacks(reader):
    """How the hostile files of tests/saving/attacks end: how many are refused, how many harm."""
    from tests.saving.attacks import cage, test_hdf5

    with tempfile.TemporaryDirectory() as folder:
        jobs = test_hdf5.make_all(pathlib.Path(folder), test_hdf5.ALL)
        under = (sys.executable, "-m", "tests.benchmarks.hdf5.caged", reader)
        found = cage.opened(jobs, under=under)
        harmful = 0
        for name, outcome in found.items():
            try:
                cage.assert_harmless(outcome, pathlib.Path(jobs[name]["path"]).stat().st_size)
            except AssertionError:
                harmful += 1
    refused = sum(bool(outcome["error"]) for outcome in found.values())
    return {"files": len(found), "refused": refused, "harmful": harmful}


def spoilt(folder, files, say):
    """How spoilt files end, by kind and reader; and where both load one, whether they agree."""
    found = {}
    for kind, path in fuzz.write_sound(folder).items():
        ends = {reader: fuzz.outcomes(reader, path, files, say) for reader in READERS}
        both = [[ends[reader][seed]["digest"] for reader in READERS] for seed in range(files)]
        found[kind] = {
            **{reader: fuzz.summary(ends[reader]) for reader in READERS},
            "both load": sum(None not in pair for pair in both),
            "differ": sum(None not in pair and pair[0] != pair[1] for pair in both),
            "only h5py": sum(a is not None and b is None for a, b in both),
            "only small": sum(a is None and b is not None for a, b in both),
            "small alone, other": sum(a is None and b not in (None, both[0][1]) for a, b in both),
            "errors": {r: sorted({e["error"] for e in ends[r].values() if e["error"]})[:20]
                       for r in READERS},
        }  # fmt: skip
        say(f"{kind}: {found[kind]}")
    return found


def bare(files, say=print):
    """How spoilt files end where nothing of npkeras lies between the HDF5 library and the bytes."""
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind, path in fuzz.write_sound(folder).items():
            found[kind] = fuzz.summary(fuzz.outcomes(BARE, path, files, say))
            say(f"{kind}: {found[kind]}")
    return found

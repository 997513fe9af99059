"""Sound files with bytes changed, opened by each reader in processes that may die of it.

Of every file it is written down whether it was refused, in which way, or loaded; and whether the
process crashed, hung, or took memory that neither the model nor the file needs.
"""

import collections
import hashlib
import json
import os
import pathlib
import random
import select
import signal
import subprocess
import sys
import tempfile

from npkeras.saving.h5read import headers
from tests.benchmarks import memory
from tests.benchmarks.hdf5.switch import reading_by
from tests.benchmarks.measure import ROOT

SECONDS_EACH = 5  # of the processor's time, after which a file has made its reader hang
PATIENCE = 600  # seconds without a word, which is the same
LARGEST_GROWTH = 50  # MB
SLOW = 1.0  # seconds of the processor's time
KINDS = {
    "weights": "`.weights.h5`",
    "older": "`.h5` of a whole model",
    "packed": "`.weights.h5` in chunks, with gzip and shuffle",
    "newer": '`.weights.h5` in the layout `libver="latest"`, checksums put right',
}
_ODD = (0, 1, 2, 7, 8, 255, 1 << 16, 1 << 31, 1 << 32, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)


def write_sound(folder):
    """A sound file of each kind, with the same small model."""
    import h5py

    from tests.saving.attacks import victims

    paths = {kind: pathlib.Path(folder, f"{kind}.weights.h5") for kind in KINDS}
    paths["older"] = pathlib.Path(folder, "older.h5")
    model = victims.victim()
    model.save_weights(paths["weights"])
    model.save(paths["older"])
    with h5py.File(paths["weights"]) as source:
        for kind, libver in (("packed", "earliest"), ("newer", "latest")):
            with h5py.File(paths[kind], "w", libver=libver) as file:
                _copy(source, file, packed=kind == "packed")
    return paths


def _copy(source, target, packed):
    target.attrs.update(source.attrs)
    for name, member in source.items():
        if hasattr(member, "keys"):
            _copy(member, target.create_group(name), packed)
        else:
            pack = packed and member.ndim > 0
            options = {"chunks": True, "compression": "gzip", "shuffle": True} if pack else {}
            target.create_dataset(name, data=member[()], **options)


def mutated(data, seed, sums=()):
    """The bytes of a file with a few of them changed, one way or another.

    Args:
        data: The bytes.
        seed: Says which and how; 0 that nothing is changed.
        sums: Where checksums lie, which are put right: pairs of the start and end of what they
            are of.
    """
    if seed == 0:
        return data
    choose = random.Random(seed)
    changed = bytearray(data)
    for _ in range(choose.choice((1, 1, 1, 2, 4, 8))):
        _change(changed, choose)
    for start, end in sums:
        changed[end : end + 4] = headers.checksum(bytes(changed[start:end])).to_bytes(4, "little")
    if choose.random() < 0.03:
        del changed[choose.randrange(len(changed)) :]
    return bytes(changed)


def _change(changed, choose):
    at = choose.randrange(len(changed) - 8)
    if choose.random() < 0.7:  # most of a file is unused room
        for _ in range(50):
            if changed[at]:
                break
            at = choose.randrange(len(changed) - 8)
    way = choose.randrange(5)
    if way == 0:
        changed[at] ^= 1 << choose.randrange(8)
    elif way == 1:
        changed[at] = choose.randrange(256)
    elif way == 2:
        size = choose.choice((2, 4, 8))
        value = choose.choice((*_ODD, len(changed), choose.randrange(len(changed))))
        at -= at % size
        changed[at : at + size] = (value % (1 << 8 * size)).to_bytes(size, "little")
    elif way == 3:  # a field becomes another field: addresses lead to where others lead
        source = choose.randrange(0, len(changed) - 8, 8)
        at -= at % 8
        changed[at : at + 8] = changed[source : source + 8]
    else:
        size = choose.choice((16, 32, 64))
        source = choose.randrange(0, len(changed) - size)
        at = min(at, len(changed) - size)
        changed[at : at + size] = changed[source : source + size]


def places_of_sums(data):
    """Where the checksums of the newer layout lie: of the superblock, and of headers."""
    if data[8] < 2:
        return []
    found, at = [(0, 44)], data.find(b"OHDR\2")
    while at >= 0:
        flags = data[at + 5]
        start = at + 6 + (16 if flags & 32 else 0) + (4 if flags & 16 else 0)
        width = 1 << (flags & 3)
        end = start + width + int.from_bytes(data[start : start + width], "little")
        if end + 4 <= len(data):
            found.append((at, end))
        at = data.find(b"OHDR\2", at + 4)
    return found


# -- The process that opens them -----------------------------------------------------------------


def open_all(reader, path, start, count):
    """Open the files `start` to `count`; before each and after each, say so."""
    import resource
    import warnings

    from tests.saving.attacks import victims

    warnings.simplefilter("ignore")
    data = pathlib.Path(path).read_bytes()
    sums = places_of_sums(data)
    model = victims.victim()
    first = [w + 1 for w in model.get_weights()]
    folder = tempfile.TemporaryDirectory()
    target = pathlib.Path(folder.name, pathlib.Path(path).name)
    with reading_by(reader):
        target.write_bytes(data)
        _outcome(target, model, first)  # so that all is imported
        held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (held + 2**30, hard))
        signal.signal(signal.SIGPROF, signal.SIG_DFL)  # it ends the process, whatever it is at
        for seed in range(start, count):
            print(json.dumps({"seed": seed}), flush=True)
            target.write_bytes(mutated(data, seed, sums))
            signal.setitimer(signal.ITIMER_PROF, SECONDS_EACH)
            outcome = _outcome(target, model, first)
            signal.setitimer(signal.ITIMER_PROF, 0)
            print(json.dumps({"seed": seed, **outcome}), flush=True)


def _outcome(path, model, first):
    import time

    import npkeras
    from npkeras.saving.errors import CorruptFileError, WeightsMismatchError

    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")  # the peak of memory begins anew
    model.set_weights(first)
    before, start = memory.now(), time.process_time()
    found = {"digest": None, "error": None}
    try:
        if path.name.endswith(".weights.h5"):
            model.load_weights(path)
            weights = [w.value for w in (*model.variables, *model.optimizer.variables)]
        else:
            loaded = npkeras.saving.load_model(path)
            weights = [w.value for w in loaded.variables]
        digest = hashlib.sha256()
        for weight in weights:
            digest.update(f"{weight.dtype} {weight.shape}".encode() + weight.tobytes())
        found |= {"how": "loaded", "digest": digest.hexdigest()[:16]}
    except (CorruptFileError, WeightsMismatchError):
        found["how"] = "refused"
    except MemoryError:
        found["how"] = "memory"
    except Exception as error:
        found |= {"how": "other error", "error": f"{type(error).__name__}: {error}"[:200]}
    if memory.peak() - before > LARGEST_GROWTH:
        found["how"] = "memory"
    elif time.process_time() - start > SLOW:
        found["how"] = "slow"
    return found


# -- The process that watches --------------------------------------------------------------------


def outcomes(reader, path, count, say=lambda line: None):
    """What came of each of so many files: a dict from seeds."""
    found, start = {}, 0
    while start < count:
        command = [sys.executable, "-m", "tests.benchmarks.hdf5", "--open"]
        process = subprocess.Popen(
            [*command, reader, str(path), str(start), str(count)],
            cwd=ROOT,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        seed = _follow(process, found)
        process.kill()
        code = process.wait()
        process.stdout.close()
        if seed is None:
            break
        if seed < start:
            raise RuntimeError(f"The process that opens files by {reader} ended before the first.")
        hung = code in (-signal.SIGPROF, -signal.SIGKILL)
        found[seed] = {"how": "hang" if hung else "crash", "digest": None, "error": f"{code}"}
        say(f"{reader}, {path.name}, seed {seed}: {found[seed]['how']} ({code})")
        start = seed + 1
    return found


def _follow(process, found):
    """Write down what a process says. The seed at which it ended too early, or None."""
    begun, rest = -1, b""
    while True:
        ready = select.select([process.stdout], [], [], PATIENCE)[0]
        piece = process.stdout.read(1 << 16) if ready else b""
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            said = json.loads(line)
            begun = said.pop("seed")
            if said:
                found[begun] = said
        if not piece:
            return None if begun in found and process.wait() == 0 else begun


def summary(found):
    """How many files ended in each way."""
    return collections.Counter(one["how"] for one in found.values())

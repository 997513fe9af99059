"""Saves that are killed, or that the system fails: the older model stays, or the newer is there."""

import errno
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import npkeras
from npkeras.saving import atomic

ROOT = pathlib.Path(__file__).parent.parent.parent
FORMATS = ["model.keras", "folder", "model.h5", "model.weights.h5", "model.weights.json"]


def model_of(value, width=8):
    model = npkeras.Sequential([npkeras.Input((width,)), npkeras.layers.Dense(40)], name="m")
    model.compile("sgd", "mse")
    for variable in model.weights:
        variable.assign(np.full(variable.shape, value, "float32"))
    return model


def save(model, path):
    if path.name.endswith(".weights.json"):
        largest = max(variable.value.nbytes for variable in model.weights)
        model.save_weights(path, max_shard_size=(largest + 8) / 2**30)
    elif path.name.endswith(".weights.h5"):
        model.save_weights(path)
    else:
        model.save(path, zipped=path.name != "folder")


def value_in(path, width=8):
    """The one number that all weights have; a mixture of two saves is an error."""
    if ".weights." in path.name:
        model = model_of(0, width)
        model.load_weights(path)
    else:
        model = npkeras.saving.load_model(path)
    values = np.concatenate([variable.value.ravel() for variable in model.weights])
    assert (values == values[0]).all(), "two saves are mixed"
    return values[0]


def entries(folder):
    return sorted(entry.name for entry in folder.iterdir())


CALLS = ["fsync", "replace", "rename", "link", "open", "mkdir", "unlink", "close", "statvfs"]


def failing_at(monkeypatch, number, code):
    """The numbered call to the system fails; the list returned names those made."""
    made = []

    def wrapped(name, original):
        def call(*args, **kwargs):
            made.append(name)
            if len(made) == number:
                raise OSError(code, os.strerror(code))
            return original(*args, **kwargs)

        return call

    for name in CALLS:
        monkeypatch.setattr(os, name, wrapped(name, getattr(os, name)))
    return made


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_whichever_call_to_the_system_fails(tmp_path, monkeypatch, name, code):
    path = tmp_path / name
    save(model_of(1), path)
    number, made, failed = 0, [1], 0
    while number < len(made) + 1:
        number += 1
        with monkeypatch.context() as patch:
            made = failing_at(patch, number, code)
            try:
                save(model_of(2), path)
                done = True
            except OSError as error:
                assert error.errno == code
                done = False
                failed += 1
        assert value_in(path) in ((2,) if done else (1, 2))
        save(model_of(1), path)
        assert value_in(path) == 1
        if len(made) < number:
            break
    assert failed >= 3
    assert not [entry for entry in entries(tmp_path) if "npkeras" in entry or "-" in entry]


FULL_DISK = """
    import pathlib, resource, signal, sys
    from tests.saving.test_interrupted import entries, model_of, save, value_in
    path = pathlib.Path(sys.argv[1])
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    save(model_of(1, 2000), path)
    before = entries(path.parent)
    refused = 0
    for limit in range(1000, 400_000, 37_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        value = 2
        try:
            save(model_of(2, 2000), path)
        except OSError as error:
            assert error.filename and path.stem in error.filename, error
            refused, value = refused + 1, 1
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        assert entries(path.parent) == before, entries(path.parent)
        assert value_in(path, 2000) == value
    print(refused)
"""


@pytest.mark.parametrize("name", FORMATS[:4])
def test_a_disk_that_ends_anywhere(tmp_path, name):
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL_DISK), str(tmp_path / name)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert result.returncode == 0, result.stderr[-2000:]
    assert int(result.stdout) >= 8
    assert not result.stderr


SAVER = """
    import pathlib, sys
    from tests.saving.test_interrupted import model_of, save
    number = 0
    while True:
        number += 1
        save(model_of(number, 3000), pathlib.Path(sys.argv[1]))
        print(number, flush=True)
"""


@pytest.mark.parametrize("name", FORMATS)
def test_a_killed_save_leaves_the_older_model_or_the_newer(tmp_path, name):
    path = tmp_path / name
    rng = np.random.default_rng(0)
    for _ in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(SAVER), str(path)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        last = 1 + len(process.communicate()[0].split())
        assert value_in(path, 3000) in (last, last + 1)
    save(model_of(1, 3000), path)
    usual = [name] if name != "model.weights.json" else None
    if usual:
        assert entries(tmp_path) == usual
    else:
        assert not [entry for entry in entries(tmp_path) if "-" in entry or entry[0] == "."]


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace")
@pytest.mark.parametrize("name", FORMATS)
def test_all_is_on_disk_before_it_gets_its_name(tmp_path, name):
    script = """
        import pathlib, sys
        from tests.saving.test_interrupted import model_of, save
        for value in (1, 2):
            save(model_of(value), pathlib.Path(sys.argv[1]))
    """
    log = tmp_path / "log"
    folder = tmp_path / "here"
    folder.mkdir()
    calls = "trace=fsync,rename,renameat,renameat2,write,pwrite64"
    command = ["strace", "-f", "-y", "-qq", "-s", "0", "-e", calls, "-o", str(log)]
    command += [sys.executable, "-c", textwrap.dedent(script), str(folder / name)]
    subprocess.run(command, check=True, cwd=ROOT)
    written, synced, renamed = set(), set(), 0
    for line in log.read_text().splitlines():
        called, _, rest = line.split(maxsplit=1)[1].partition("(")
        if called in ("write", "pwrite64", "fsync"):
            path = rest[rest.index("<") + 1 : rest.index(">")]
            if called == "fsync":
                synced.add(path)
            elif path.startswith(str(folder)):
                written.add(path)
                synced.discard(path)
        elif f'"{folder}' in rest:
            renamed += 1
            source = rest.split('"')[1]
            own = {p for p in written if p == source or p.startswith(f"{source}/")}
            assert own <= synced, f"{own - synced} were not on disk"
            synced.discard(str(folder))
    assert renamed >= 2
    assert str(folder) in synced, "the folder was not written after the last change of a name"


class NoExchange:
    """A C library without `renameat2`, or one of a file system that cannot do it."""

    def __init__(self, found):
        if found:
            self.renameat2 = lambda *arguments: -1


@pytest.mark.parametrize("found", [False, True], ids=["no such call", "a call that fails"])
def test_a_folder_is_replaced_where_two_names_cannot_be_exchanged(tmp_path, monkeypatch, found):
    path = tmp_path / "folder"
    with monkeypatch.context() as patch:
        patch.setattr(atomic.ctypes, "CDLL", lambda name: NoExchange(found))
        for value in (1, 2, 3):
            save(model_of(value), path)
            assert value_in(path) == value
            assert entries(tmp_path) == ["folder"]


def renaming(number, error, lasting):
    """A rename whose call of that number fails; `lasting`: all later ones too."""
    made = []

    def rename(*names, original=os.rename):
        made.append(names)
        if len(made) == number or (lasting and len(made) > number):
            raise error
        return original(*names)

    return rename


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("killed", [True, False], ids=["killed", "failed"])
def test_a_replacement_in_two_steps_may_end_between_them(tmp_path, monkeypatch, number, killed):
    """The folder is moved away, then the new one takes its name: either step may be the last."""
    path = tmp_path / "folder"
    save(model_of(1), path)
    error = KeyboardInterrupt() if killed else OSError(errno.EIO, "I/O error")
    with monkeypatch.context() as patch:
        patch.setattr(atomic, "_exchange_at_once", lambda one, other: False)
        patch.setattr(os, "rename", renaming(number, error, lasting=killed))
        with pytest.raises(type(error)):
            save(model_of(2), path)
    assert path.exists() == (number == 1 or not killed)
    assert value_in(path) == 1
    model = model_of(0)
    model.load_weights(path)
    assert model.get_weights()[0][0, 0] == 1
    assert npkeras.saving.describe(path).parameters == 360
    save(model_of(3), path)
    assert value_in(path) == 3
    assert entries(tmp_path) == ["folder"]

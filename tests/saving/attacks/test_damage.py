"""HDF5 files whose own tables are damaged: the HDF5 library fails at some, or never ends."""

import os
import zipfile

import h5py
import numpy as np
import pytest

from tests.saving.attacks import victims
from tests.saving.attacks.cage import assert_refused, job, opened

MARK = b"GCOL\1\0\0\0"  # a heap of texts begins so


def heap_objects(data, begin):
    """Where the parts of a heap of texts begin, and the number of each; 0 is what is free."""
    end = begin + int.from_bytes(data[begin + 8 : begin + 16], "little")
    at = begin + 16
    while at + 16 <= end:
        number = int.from_bytes(data[at : at + 2], "little")
        size = int.from_bytes(data[at + 8 : at + 16], "little")
        yield at, number
        at += size if number == 0 else 16 + -(-size // 8) * 8


def with_free_size(size):
    """The size of what is free in the first heap; 0 keeps the library where it is for ever."""

    def change(data):
        at = next(at for at, number in heap_objects(data, data.index(MARK)) if number == 0)
        data[at + 8 : at + 16] = size.to_bytes(8, "little")
        return data

    return change


def with_heap_size(size):
    def change(data):
        at = data.index(MARK)
        data[at + 8 : at + 16] = size.to_bytes(8, "little")
        return data

    return change


def many_heaps(data):
    """Heaps within each other, so that to look through all of them would take hours."""
    one = MARK + (1 << 20).to_bytes(8, "little") + (1).to_bytes(8, "little") + bytes(8)
    at = data.index(MARK)
    data[at : at + len(one)] = one
    return data + one * 200_000


def without_marks(mark, first=0):
    def change(data):
        at = -1
        for _ in range(first + 1):
            at = data.index(mark, at + 1)
        while at >= 0:
            data[at : at + 4] = b"\0\0\0\0"
            at = data.find(mark, at + 1)
        return data

    return change


def cut_in_half(data):
    return data[: len(data) // 2]


UNREAD = {  # what is free is nothing that anybody has to read
    "free texts of no size": with_free_size(0),
    "free texts that end too far": with_free_size(2**40),
    "free texts that end before they begin": with_free_size(2**64 - 64),
}
HEAPS = {
    "a heap beyond the end": (with_heap_size(2**50), "outside of it"),
    "heaps within each other": (many_heaps, "not a sound HDF5 file"),
}
TABLES = {
    "no table of names": (without_marks(b"SNOD"), "does not begin as it should"),
    "a later table of names is none": (without_marks(b"SNOD", 2), "does not begin as it should"),
    "no heap of names": (without_marks(b"HEAP", 1), "does not begin as it should"),
    "no tree": (without_marks(b"TREE", 1), "does not begin as it should"),
    "half of it": (cut_in_half, "cut short"),
}


def changed(path, change):
    path.write_bytes(bytes(change(bytearray(path.read_bytes()))))
    return path


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    folder, jobs = tmp_path_factory.mktemp("damage"), {}
    changes = {name: change for name, (change, _) in {**HEAPS, **TABLES}.items()}
    for number, (name, change) in enumerate({**UNREAD, **changes}.items()):
        path = changed(victims.hdf5_model(folder, str(number), lambda config: None), change)
        for call in ("load_model", "load_weights", "describe"):
            jobs[f"{name}, {call}"] = job(path, call)
    for number, (name, (change, _)) in enumerate(TABLES.items()):
        path = changed(victims.weights(folder, str(number), lambda file, _: None), change)
        jobs[f"{name}, weights"] = job(path, "load_weights")
        inner = path.read_bytes()
        archive = victims.archive(
            folder, f"a{number}", members=lambda held, new=inner: {**held, "model.weights.h5": new}
        )
        with zipfile.ZipFile(archive) as file:
            assert file.testzip() is None
        jobs[f"{name}, keras"] = job(archive)
    return jobs


@pytest.fixture(scope="module")
def outcomes(jobs):
    return opened(jobs)


@pytest.mark.parametrize("name", UNREAD)
def test_damage_where_nothing_is_does_no_harm(outcomes, name):
    for call in ("load_model", "load_weights", "describe"):
        outcome = outcomes[f"{name}, {call}"]
        assert not outcome["error"] and outcome["seconds"] < 1 and outcome["events"] == []


@pytest.mark.parametrize("name", [*HEAPS, *TABLES])
def test_a_damaged_file_is_refused_and_nothing_hangs(jobs, outcomes, name):
    own = [key for key in jobs if key.startswith(f"{name}, ")]
    assert len(own) == (5 if name in TABLES else 3)
    for key in own:
        size = os.path.getsize(jobs[key]["path"])
        assert_refused(outcomes[key], size, ("CorruptFileError",), {**HEAPS, **TABLES}[name][1])


def test_names_in_messages_can_be_printed(tmp_path):
    def rename(file, _):
        file["model_weights/first"].attrs["weight_names"] = ["\x1b[2J", "b"]

    path = victims.hdf5_model(tmp_path, "m", lambda config: None)
    with h5py.File(path, "a") as file:
        rename(file, None)
    links = victims.weights(
        tmp_path, "w", lambda file, _: file.__setitem__("layers/\x08", h5py.SoftLink("/"))
    )
    outcomes = opened({"names": job(path), "a link": job(links, "load_weights")})
    assert_refused(outcomes["names"], words="\\x1b[2J is missing")
    assert_refused(outcomes["a link"], words="'\\x08', a link to another place")


def test_a_pipe_is_not_waited_for(tmp_path):
    path = tmp_path / "m.h5"
    os.mkfifo(path)
    outcome = opened({"pipe": job(path), "weights": job(path, "load_weights")})
    assert_refused(outcome["pipe"], words="a pipe or a device")
    assert_refused(outcome["weights"], words="a pipe or a device")


def test_numbers_that_look_like_a_heap_are_numbers(tmp_path):
    """A weight may hold any bytes; one that looks like the beginning of a sound heap is read."""
    model = victims.victim()
    kernel = np.array(model.layers[0].kernel)
    kernel.reshape(-1)[:4] = np.frombuffer(MARK + (16).to_bytes(8, "little"), "float32")
    model.layers[0].kernel.assign(kernel)
    for path in (tmp_path / "m.weights.h5", tmp_path / "m.keras", tmp_path / "m.h5"):
        (model.save_weights if "weights" in path.name else model.save)(path)
        other = victims.victim()
        other.load_weights(path)
        np.testing.assert_array_equal(other.layers[0].kernel, kernel)

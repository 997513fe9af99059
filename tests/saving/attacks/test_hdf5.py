"""Arrays that are not what they seem: links, bombs, other kinds of numbers, other shapes."""

import shutil

import h5py
import numpy as np
import pytest

from tests.saving.attacks import victims
from tests.saving.attacks.cage import assert_harmless, assert_refused, job, opened
from tests.saving.test_weights_h5 import ATTACKS, replaced

PLACE = "layers/dense/vars/0"


def without(file, place=PLACE):
    del file[place]
    return file["layers/dense/vars"]


def link_at_the_top(file, folder):
    with h5py.File(folder / "other.h5", "w") as other:
        other["dense/vars/0"] = np.ones((4, 3), "float32")
    file["more"] = h5py.ExternalLink(str(folder / "other.h5"), "/")


def link_to_a_device(file, folder):
    without(file)["0"] = h5py.ExternalLink("/dev/zero", "/x")


def soft_link_to_itself(file, folder):
    without(file)["0"] = h5py.SoftLink("/" + PLACE)


def virtual_from_a_device(file, folder):
    virtual = h5py.VirtualLayout((4, 3), "f4")
    virtual[:] = h5py.VirtualSource("/dev/zero", "x", (4, 3))
    without(file).create_virtual_dataset("0", virtual)


def many_bombs(file, folder):
    group = file["layers/dense/vars"]
    for i in range(2, 40):
        group.create_dataset(str(i), (2**30,), "f4", chunks=(2**20,), compression="gzip")


def bombs_elsewhere(file, folder):
    for i in range(40):
        file.create_dataset(f"more/vars/{i}", (2**30,), "f4", chunks=(2**20,), compression="gzip")
    del file["layers/dense/vars/0"]


def packed_bomb(file, folder):
    """Zeros that are really there, packed a thousand times smaller."""
    group = without(file)
    group.create_dataset("0", data=np.zeros((2**20, 16), "f4"), compression="gzip", shuffle=True)


def unknown_filter(file, folder):
    group = without(file)
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_chunk((4, 3))
    made.set_filter(32099, h5py.h5z.FLAG_OPTIONAL)
    space = h5py.h5s.create_simple((4, 3))
    array = h5py.h5d.create(group.id, b"0", h5py.h5t.IEEE_F32LE, space, made)
    array.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ones((4, 3), "f4"))


def deep(file, folder):
    group = file
    for _ in range(200):
        group = group.create_group("g")


def cycle(file, folder):
    file["layers/loop"] = file["layers"]


def named_type(file, folder):
    without(file)
    file["layers/dense/vars/0"] = np.dtype("f4")


def references(file, folder):
    group = without(file)
    array = group.create_dataset("0", (4, 3), dtype=h5py.ref_dtype)
    array[...] = file["layers"].ref


def of_any_length(file, folder):
    without(file).create_dataset("0", (4, 3), dtype=h5py.vlen_dtype(np.float32))


def texts(file, folder):
    array = without(file).create_dataset("0", (4, 3), dtype=h5py.string_dtype())
    array[...] = "x"


def false_bfloat16(file, folder):
    group = without(file)
    group["0"] = np.zeros((4, 3), "V4")
    group["0"].attrs["dtype"] = "bfloat16"


def dates(file, folder):
    without(file).create_dataset("0", data=np.zeros((4, 3), "i8").view("V8"))


def one_row(file, folder):
    values = file[PLACE][()]
    without(file)["0"] = values[:1]


def scalar(file, folder):
    without(file)["0"] = np.float32(1)


def empty_group(file, folder):
    del file["layers"]
    file.create_group("layers")


def array_for_a_group(file, folder):
    del file["layers"]
    file["layers"] = np.zeros(3)


MORE = {
    "a link at the top": link_at_the_top,
    "a link to a device": link_to_a_device,
    "a soft link to itself": soft_link_to_itself,
    "a virtual array from a device": virtual_from_a_device,
    "many bombs": many_bombs,
    "bombs elsewhere": bombs_elsewhere,
    "a packed bomb": packed_bomb,
    "an unknown filter": unknown_filter,
    "200 groups within each other": deep,
    "a cycle": cycle,
    "a type for an array": named_type,
    "references": references,
    "arrays of any length": of_any_length,
    "texts": texts,
    "a false bfloat16": false_bfloat16,
    "bytes": dates,
    "one row": one_row,
    "a scalar": scalar,
    "an empty group": empty_group,
    "an array for a group": array_for_a_group,
}
ALL = {**ATTACKS, **MORE}


def extra_group(file, folder):
    file["layers/more/vars/0"] = np.ones((4, 3), "float32")


LOADED = {"an extra group": extra_group, "not finite": replaced(np.full((4, 3), np.nan, "f4"))}


def make_all(folder, attacks):
    jobs = {}
    for number, (name, change) in enumerate(attacks.items()):
        own = folder / str(number)
        own.mkdir()
        weights = victims.weights(own, "w", change)
        jobs[f"{name}, weights"] = job(weights, "load_weights")
        jobs[f"{name}, keras"] = job(_around(own, weights))
    return jobs


def _around(folder, weights):
    return victims.archive(
        folder, "m", members=lambda held: {**held, "model.weights.h5": weights.read_bytes()}
    )


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    return make_all(tmp_path_factory.mktemp("attacks"), {**ALL, **LOADED})


@pytest.fixture(scope="module")
def outcomes(jobs):
    return opened(jobs)


@pytest.mark.parametrize("form", ["weights", "keras"])
@pytest.mark.parametrize("name", list(ALL))
def test_such_a_file_is_refused(outcomes, jobs, name, form):
    size = victims.pathlib.Path(jobs[f"{name}, {form}"]["path"]).stat().st_size
    kinds = ("CorruptFileError", "WeightsMismatchError")
    assert_refused(outcomes[f"{name}, {form}"], size, kinds)


@pytest.mark.parametrize("form", ["weights", "keras"])
def test_what_has_no_place_in_the_model_is_told(outcomes, form):
    outcome = outcomes[f"an extra group, {form}"]
    assert_harmless({**outcome, "unchanged": True})
    assert any("no place for: layers/more/vars" in text for text in outcome["warnings"])


@pytest.mark.parametrize("form", ["weights", "keras"])
def test_what_is_not_finite_is_told(outcomes, form):
    outcome = outcomes[f"not finite, {form}"]
    assert_harmless({**outcome, "unchanged": True})
    assert any("not finite" in text and "'first'" in text for text in outcome["warnings"])


FOLLOWED = [name for name in ALL if "link" in name or "external" in name or "virtual" in name]


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace")
def test_the_hdf5_library_opens_no_other_file_either(tmp_path):
    """Hooks of Python do not see what a library in C opens; a tracer does."""
    log = tmp_path / "log"
    tracer = ("strace", "-f", "-qq", "-e", "trace=openat,connect,execve", "-o", str(log))
    folder = tmp_path / "files"
    folder.mkdir()
    outcomes = opened(make_all(folder, {name: ALL[name] for name in FOLLOWED}), under=tracer)
    assert all(outcome["error"] for outcome in outcomes.values())
    lines = log.read_text().splitlines()
    begins = next(i for i, line in enumerate(lines) if f"{folder}/0/w.weights.h5" in line)
    for suspect in ("other.h5", "raw.bin", "/dev/zero", "connect(", "execve("):
        assert not [line for line in lines[begins:] if suspect in line]

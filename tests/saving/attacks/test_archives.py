"""Archives and folders that lie about what is in them, and files that are no models at all."""

import io
import json
import os
import stat
import struct
import warnings
import zipfile

import numpy as np
import pytest

from tests.saving.attacks import victims
from tests.saving.attacks.cage import assert_refused, job, opened

MB = 2**20


def with_members(*more, compression=zipfile.ZIP_STORED):
    """The sound archive, and more members: pairs of a name or `ZipInfo`, and bytes."""

    def make(folder, name):
        path = victims.archive(folder, name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile tells of names that are there already
            with zipfile.ZipFile(path, "a", compression) as file:
                for member, data in more:
                    file.writestr(member, data)
        return path

    return make


def replacing(member, data, compression=zipfile.ZIP_STORED):
    """The sound archive with other bytes in a member."""

    def make(folder, name):
        sound = victims.archive(folder, f"{name}-sound")
        path = sound.with_name(f"{name}.keras")
        with zipfile.ZipFile(sound) as old, zipfile.ZipFile(path, "w", compression) as new:
            for entry in old.infolist():
                new.writestr(entry.filename, data if entry.filename == member else old.read(entry))
        sound.unlink()
        return path

    return make


def patched(change):
    """The sound archive after a change of its bytes."""

    def make(folder, name):
        path = victims.archive(folder, name)
        path.write_bytes(change(bytearray(path.read_bytes())))
        return path

    return make


def bomb(member, size):
    """A member of spaces that was packed a thousand times smaller."""

    def make(folder, name):
        sound = victims.archive(folder, f"{name}-sound")
        path = sound.with_name(f"{name}.keras")
        with zipfile.ZipFile(sound) as old, zipfile.ZipFile(path, "w") as new:
            for entry in old.infolist():
                if entry.filename != member:
                    new.writestr(entry.filename, old.read(entry))
            with new.open(_packed(member), "w") as file:
                for _ in range(size // MB):
                    file.write(b" " * MB)
        sound.unlink()
        return path

    return make


def _packed(name):
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def link_named(name, target):
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry, target


def at_table(field, value, width="H", member=1):
    """Change a field of a member's entry in the table of the archive."""

    def change(data):
        at = -1
        for _ in range(member + 1):
            at = data.index(b"PK\1\2", at + 1)
        struct.pack_into(f"<{width}", data, at + field, value)
        return data

    return patched(change)


def wrong_checksum(data):
    at = data.index(b'"units": 3')
    data[at + 9 : at + 10] = b"4"
    return data


def damaged_weights(data):
    data[data.index(b"\x89HDF") + 3000] ^= 0xFF
    return data


def prepended(data):
    return b"#!/bin/sh\nexit\n" + bytes(data)


def cut(fraction):
    return patched(lambda data: data[: int(len(data) * fraction)])


def overlapping(data):
    """The entry of the weights leads to where the config lies."""
    first, second = data.index(b"PK\1\2"), data.rindex(b"PK\1\2")
    data[second + 42 : second + 46] = data[first + 42 : first + 46]
    return data


def npz(folder, name):
    held = io.BytesIO()
    np.savez(held, a=np.array([{"x": 1}], dtype=object))
    return victims.archive(
        folder,
        name,
        members=lambda m: {
            **{k: v for k, v in m.items() if not k.endswith("h5")},
            "model.weights.npz": held.getvalue(),
        },
    )


def bytes_of(content):
    def make(folder, name):
        path = folder / f"{name}.keras"
        path.write_bytes(content)
        return path

    return make


ARCHIVES = {
    "empty": (bytes_of(b""), "0 bytes"),
    "a text": (bytes_of(b"hello, I am a model. Really." * 10), "does not end as a zip archive"),
    "an HDF5 file": (bytes_of(b"\x89HDF\r\n\x1a\n" + bytes(500)), "does not end as a zip"),
    "half": (cut(0.5), "cut short"),
    "all but the last byte": (cut(0.9999), "cut short"),
    "only the end of an archive": (bytes_of(b"PK\5\6" + bytes(18)), "config.json"),
    "no weights": (replacing("model.weights.h5", b""), "HDF5"),
    "weights that are a text": (replacing("model.weights.h5", b"x" * 900), "HDF5"),
    "weights as pickled arrays": (npz, "model.weights.h5"),
    "config.json twice": (with_members(("config.json", "{}")), "two members"),
    "weights twice": (with_members(("model.weights.h5", b"")), "two members"),
    "a member that climbs": (with_members(("../outside.txt", b"x")), "no plain name"),
    "an asset that climbs": (with_members(("assets/../../outside.txt", b"x")), "no plain name"),
    "an absolute member": (with_members(("/tmp/outside.txt", b"x")), "no plain name"),
    "a backslash": (with_members(("assets\\..\\x", b"x")), "no plain name"),
    "a drive": (with_members(("C:x", b"x")), "no plain name"),
    "a name with escape codes": (with_members(("assets/\x1b[2J", b"x")), "no plain name"),
    "a link": (with_members(link_named("assets/link", "/etc/passwd")), "a link"),
    "a link for the config": (
        with_members(link_named("assets/config.json", "/etc/passwd")),
        "a link",
    ),
    "a config with a wrong checksum": (patched(wrong_checksum), "checksum"),
    "weights with a wrong checksum": (patched(damaged_weights), "checksum"),
    "something before the archive": (patched(prepended), "does not lie where it should"),
    "something behind the archive": (patched(lambda d: d + b"x"), "does not end as a zip"),
    "an encrypted config": (at_table(8, 1), "encrypted"),
    "an unknown way of packing": (at_table(10, 99), "encrypted, or packed"),
    "a config that claims 3 GB": (at_table(24, 3 * 2**30, "L"), "two sizes"),
    "a config that claims to be packed from 3 GB": (at_table(20, 3 * 2**30, "L"), ""),
    "another place": (at_table(42, 7, "L"), "does not lie where it should"),
    "beyond the end": (at_table(42, 2**31, "L"), "does not lie where it should"),
    "on another disk": (at_table(34, 1), "lies in another file"),
    "two members at one place": (patched(overlapping), "differ"),
    "a bomb of a config": (bomb("config.json", 128 * MB), "would grow"),
    "a bomb of weights": (bomb("model.weights.h5", 128 * MB), "would grow"),
    "a bomb of an asset": (bomb("assets/layers/dense/vocabulary.txt", 128 * MB), "would grow"),
    "a bomb of metadata": (bomb("metadata.json", 128 * MB), "would grow"),
    "metadata of 1 MB": (replacing("metadata.json", b'"' + b"x" * MB + b'"'), "are allowed"),
    "metadata that are a list": (replacing("metadata.json", b"[]"), "Expected a dict"),
    "12,000 members": (with_members(*((f"assets/{i}", b"") for i in range(12_000))), "members"),
}


def linked(member, to_what="file"):
    """A folder in which a member is a link to a file elsewhere."""

    def make(folder, name):
        path = victims.folder_model(folder, name)
        elsewhere = folder / f"{name}-elsewhere"
        target = path / member
        if to_what == "folder":
            elsewhere.mkdir()
        elif target.exists():
            os.rename(target, elsewhere)
        else:
            elsewhere.write_text("secret")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(elsewhere)
        return path

    return make


def fifo(member):
    def make(folder, name):
        path = victims.folder_model(folder, name)
        (path / member).unlink()
        os.mkfifo(path / member)
        return path

    return make


def folder_for(member):
    def make(folder, name):
        path = victims.folder_model(folder, name)
        (path / member).unlink()
        (path / member).mkdir()
        return path

    return make


def large_config(folder, name):
    path = victims.folder_model(folder, name)
    with open(path / "config.json", "wb") as file:
        file.truncate(2**33)  # a hole in the file: it takes no room
    return path


def without(member):
    def make(folder, name):
        path = victims.folder_model(folder, name)
        (path / member).unlink()
        return path

    return make


FOLDERS = {
    "a linked config": (linked("config.json"), "is a link"),
    "linked weights": (linked("model.weights.h5"), "is a link"),
    "linked metadata": (linked("metadata.json"), "is a link"),
    "a config that is a pipe": (fifo("config.json"), "is a link or a device"),
    "weights that are a pipe": (fifo("model.weights.h5"), "is a link or a device"),
    "weights that are a folder": (folder_for("model.weights.h5"), "is a link or a device"),
    "a config of 8 GB": (large_config, "are allowed"),
    "no weights in a folder": (without("model.weights.h5"), "is not there"),
}
ALL = {**ARCHIVES, **FOLDERS}


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("attacks")
    return {name: job(make(folder, str(i))) for i, (name, (make, _)) in enumerate(ALL.items())}


@pytest.fixture(scope="module")
def outcomes(jobs):
    weights = {f"{name}, weights": {**one, "call": "load_weights"} for name, one in jobs.items()}
    return opened({**jobs, **weights})


def size_of(one):
    path = victims.pathlib.Path(one["path"])
    return path.stat().st_size if path.is_file() else 0


@pytest.mark.parametrize("name", list(ALL))
def test_such_a_file_is_refused(outcomes, jobs, name):
    assert_refused(outcomes[name], size_of(jobs[name]), ("CorruptFileError",), ALL[name][1])


@pytest.mark.parametrize("name", [n for n in ALL if "config" not in n and "metadata" not in n])
def test_it_is_refused_as_a_source_of_weights_too(outcomes, jobs, name):
    assert_refused(outcomes[f"{name}, weights"], size_of(jobs[name]), ("CorruptFileError",))


def test_nothing_is_written_outside(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    path = with_members(("../outside.txt", b"x"))(inner, "climbs")
    assert_refused(opened({"climbs": job(path)})["climbs"])
    assert [entry.name for entry in tmp_path.iterdir()] == ["inner"]
    assert [entry.name for entry in inner.iterdir()] == ["climbs.keras"]


def test_an_archive_that_was_packed_again_is_read(tmp_path):
    path = victims.archive(tmp_path, "sound")
    with zipfile.ZipFile(path) as file:
        held = {entry.filename: file.read(entry) for entry in file.infolist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for member, data in held.items():
            file.writestr(member, data)
        file.writestr("assets/", b"")
    outcome = opened({"packed": job(path)})["packed"]
    assert outcome["error"] == [] == outcome["events"], outcome
    assert json.loads(held["metadata.json"])["keras_version"].startswith("3.")

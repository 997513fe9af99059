"""Fashion-MNIST: four files in the cache, checked as MNIST's is."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from npkeras.datasets import DataUnavailableError, fashion_mnist

NAMES = list(fashion_mnist._FILES)


def idx(array, word=None, shape=None):
    """An array of bytes as an IDX file."""
    shape = array.shape if shape is None else shape
    word = 0x800 + array.ndim if word is None else word
    content = struct.pack(f">{1 + len(shape)}I", word, *shape) + array.tobytes()
    return gzip.compress(content, mtime=0)


def keep(monkeypatch, home, contents):
    """Put the files into the cache, as the right ones."""
    folder = home / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        remote = fashion_mnist._FILES[name]._replace(file_hash=digest)
        monkeypatch.setitem(fashion_mnist._FILES, name, remote)
    return folder


@pytest.fixture
def arrays():
    pictures = np.random.RandomState(0).randint(0, 256, (5, 28, 28)).astype("uint8")
    labels = np.array([3, 1, 4, 1, 5], "uint8")
    parts = labels[:3], pictures[:3], labels[3:], pictures[3:]
    return dict(zip(NAMES, parts, strict=True))


def test_files_in_the_cache_are_read(home, monkeypatch, no_network, arrays):
    keep(monkeypatch, home, {name: idx(array) for name, array in arrays.items()})
    (x_train, y_train), (x_test, y_test) = fashion_mnist.load_data()
    parts = y_train, x_train, y_test, x_test
    for array, expected in zip(parts, arrays.values(), strict=True):
        np.testing.assert_array_equal(array, expected)
        assert array.dtype == "uint8" and array.flags.writeable


def test_each_file_is_downloaded_once(site, home, monkeypatch, arrays):
    for name, array in arrays.items():
        content = idx(array)
        origin = site.serve(name, content)
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        remote = fashion_mnist._FILES[name]._replace(origin=origin, file_hash=digest)
        monkeypatch.setitem(fashion_mnist._FILES, name, remote)
    for _ in range(2):
        assert len(fashion_mnist.load_data()[0][0]) == 3
    assert len(site.requests) == 4
    assert sorted(p.name for p in (home / "datasets" / "fashion-mnist").iterdir()) == sorted(NAMES)


def test_files_that_are_not_the_published_ones_are_not_used(home, no_network, arrays):
    folder = home / "datasets" / "fashion-mnist"
    folder.mkdir(parents=True)
    for name, array in arrays.items():
        (folder / name).write_bytes(idx(array))
    with pytest.raises(DataUnavailableError, match="no network.*fashion-mnist.train-labels-idx1"):
        fashion_mnist.load_data()


LABELS, PICTURES = NAMES[:2]


@pytest.mark.parametrize(
    "name, content, reason",
    [
        (LABELS, b"no archive", "is no whole IDX file"),
        (LABELS, gzip.compress(b"", mtime=0), "is no whole IDX file"),
        (LABELS, idx(np.zeros(3, "uint8"))[:-9], "is no whole IDX file"),
        (LABELS, idx(np.zeros((3, 28, 28), "uint8")), "with 1 axes. Received: .* with 0x803"),
        (PICTURES, idx(np.zeros(3, "uint8"), shape=(3, 1, 1)), "Received: .* with 0x801"),
        (PICTURES, idx(np.zeros((3, 28, 28), "uint8"), 0xD03), "Received: .* with 0xd03"),
        (LABELS, idx(np.zeros(3, "uint8"), shape=(4,)), r"tells shape \(4,\), with 3 bytes"),
        (LABELS, idx(np.zeros(3, "uint8"), shape=(2,)), r"tells shape \(2,\), with 3 bytes"),
        (PICTURES, idx(np.zeros(0, "uint8"), 0x803, (2**31, 2**31, 4)), "with 0 bytes"),
        (PICTURES, idx(np.zeros((2, 28, 28), "uint8")), r"expected train .* \(2, 28, 28\)"),
        (PICTURES, idx(np.zeros((3, 28, 27), "uint8")), r"expected train .* \(3, 28, 27\)"),
    ],
)
def test_other_files_are_refused(home, monkeypatch, no_network, arrays, name, content, reason):
    contents = {name: idx(array) for name, array in arrays.items()}
    keep(monkeypatch, home, {**contents, name: content})
    with pytest.raises(ValueError, match=reason):
        fashion_mnist.load_data()


def test_file_that_inflates_without_end_is_refused(home, monkeypatch, no_network, arrays):
    monkeypatch.setattr(fashion_mnist, "_LARGEST", 1000)
    contents = {name: idx(array) for name, array in arrays.items()}
    bomb = idx(np.zeros(2000, "uint8"))
    keep(monkeypatch, home, {**contents, LABELS: bomb})
    with pytest.raises(ValueError, match=r"shape \(2000,\), with 993 bytes"):
        fashion_mnist.load_data()


@pytest.mark.keras
def test_files_and_results_are_those_of_keras(keras, home, monkeypatch, no_network, arrays):
    from keras.src.datasets import fashion_mnist as theirs

    asked = []

    def get_file(fname, origin, cache_subdir):
        asked.append((cache_subdir.replace("datasets/", "") + "/" + fname, origin))
        return str(home / cache_subdir / fname)

    monkeypatch.setattr(theirs, "get_file", get_file)
    keep(monkeypatch, home, {name: idx(array) for name, array in arrays.items()})
    ours, expected = fashion_mnist.load_data(), theirs.load_data()
    assert sorted(asked) == sorted(remote[:2] for remote in fashion_mnist._FILES.values())
    for part, part_keras in zip(ours, expected, strict=True):
        for array, array_keras in zip(part, part_keras, strict=True):
            np.testing.assert_array_equal(array, array_keras)
            assert array.dtype == array_keras.dtype

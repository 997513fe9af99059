"""CIFAR-10 and CIFAR-100: the layout of their archives, hostile ones, and Keras' results."""

import hashlib
import io
import pickle
import pickletools
import struct
import tarfile

import numpy as np
import pytest

from npkeras.core import config
from npkeras.datasets import DataUnavailableError, cifar, cifar10, cifar100, fetch

TEN = [f"cifar-10-batches-py/{name}" for name in ("test_batch", "batches.meta")]
TEN[:0] = [f"cifar-10-batches-py/data_batch_{i}" for i in (4, 2, 1, 3, 5)]  # in no good order
HUNDRED = [f"cifar-100-python/{name}" for name in ("file.txt~", "train", "test", "meta")]
LOADERS = [(cifar10, {}), (cifar100, {}), (cifar100, {"label_mode": "coarse"})]
IDS = ["10", "100", "100, coarse"]


def text(value):
    """A string as Python 2 writes it."""
    if len(value) < 256:
        return b"U" + bytes([len(value)]) + value
    return b"T" + struct.pack("<I", len(value)) + value


def number(value):
    return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)


def listed(values):
    return b"](" + b"".join(number(v) if type(v) is int else text(v) for v in values) + b"e"


def array(rows, raw=None):
    """An array of bytes as NumPy 1 wrote it for Python 2."""
    shape = b"".join(map(number, rows.shape)) + (b"\x86" if rows.ndim == 2 else b"\x85")
    return (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x05cnumpy\nndarray\nq\x06K\x00\x85U\x01b\x87R"
        b"q\x07(K\x01" + shape + b"cnumpy\ndtype\nq\x08U\x02u1K\x00K\x01\x87Rq\x09(K\x03U\x01|NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89" + text(raw or rows.tobytes()) + b"tb"
    )


def pickled(pictures, **lists):
    """A batch as it lies in the archives."""
    items = text(b"batch_label") + text(b"batch 1 of 1") + text(b"data") + array(pictures)
    for name, values in lists.items():
        items += text(name.encode()) + listed(values)
    return b"\x80\x02}q\x01(" + items + text(b"filenames") + listed([b"a.png", b"b.png"]) + b"u."


def archive(names, count=1):
    """A .tar.gz with batches of random pictures."""
    generator = np.random.RandomState(0)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as file:
        for name in names:
            pictures = generator.randint(0, 256, (count, 3072)).astype("uint8")
            classes = {"labels": 10, "fine_labels": 100, "coarse_labels": 20}
            if "batches" in name:
                classes = {"labels": 10}
            labels = {k: generator.randint(0, n, count).tolist() for k, n in classes.items()}
            content = pickled(pictures, **labels)
            member = tarfile.TarInfo(name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def keep(monkeypatch, loader, home, content):
    """Put an archive into the cache, as the right one."""
    remote = loader._FILE._replace(file_hash=hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(loader, "_FILE", remote)
    (home / "datasets").mkdir(parents=True, exist_ok=True)
    (home / "datasets" / remote.name).write_bytes(content)
    return home / "datasets" / remote.name


@pytest.mark.parametrize("count", [0, 1, 7])
def test_batches_are_put_together_in_the_order_of_their_numbers(
    home, monkeypatch, no_network, count
):
    path = keep(monkeypatch, cifar10, home, archive(TEN, count))
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
    assert x_train.shape == (5 * count, 32, 32, 3) and x_test.shape == (count, 32, 32, 3)
    assert y_train.shape == (5 * count, 1) and y_test.shape == (count, 1)
    assert {a.dtype.name for a in (x_train, y_train, x_test, y_test)} == {"uint8"}
    with tarfile.open(path) as file:
        for i in range(1, 6):
            batch = pickle.load(file.extractfile(TEN[0][:-1] + str(i)), encoding="bytes")
            part = slice((i - 1) * count, i * count)
            expected = batch[b"data"].reshape(count, 3, 1024).transpose(0, 2, 1)
            np.testing.assert_array_equal(x_train[part].reshape(count, 1024, 3), expected)
            assert y_train[part, 0].tolist() == batch[b"labels"]
    assert x_train.flags.writeable and x_train.flags.c_contiguous


def test_fine_and_coarse_labels_are_different_ones(home, monkeypatch, no_network):
    keep(monkeypatch, cifar100, home, archive(HUNDRED, 40))
    fine, coarse = cifar100.load_data(), cifar100.load_data("coarse")
    np.testing.assert_array_equal(fine[0][0], coarse[0][0])
    assert fine[0][1].max() > 20 > coarse[0][1].max()
    assert fine[1][1].shape == (40, 1) and fine[1][1].dtype == "int64"
    with pytest.raises(ValueError, match="`label_mode` of cifar100.load_data must be one of"):
        cifar100.load_data("medium")


@pytest.mark.parametrize("loader, options", LOADERS, ids=IDS)
def test_channels_come_first_if_wanted(home, monkeypatch, no_network, loader, options):
    keep(monkeypatch, loader, home, archive(TEN + HUNDRED, 2))
    last = loader.load_data(**options)
    monkeypatch.setattr(config, "image_data_format", lambda: "channels_first")
    first = loader.load_data(**options)
    for (x, y), (x_last, y_last) in zip(first, last, strict=True):
        np.testing.assert_array_equal(x, x_last.transpose(0, 3, 1, 2))
        np.testing.assert_array_equal(y, y_last)
        assert x.flags.writeable and x.flags.c_contiguous


@pytest.mark.parametrize("loader", [cifar10, cifar100])
def test_archive_that_is_not_the_published_one_is_not_used(home, no_network, loader):
    (home / "datasets").mkdir(parents=True)
    (home / "datasets" / loader._FILE.name).write_bytes(archive(TEN + HUNDRED))
    with pytest.raises(DataUnavailableError, match="no network.* put the file at"):
        loader.load_data()


def test_archive_is_downloaded_once(site, home, monkeypatch):
    content = archive(TEN)
    origin = site.serve("cifar.tar.gz", content)
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(cifar10, "_FILE", fetch.Remote(cifar10._FILE.name, origin, digest))
    for _ in range(2):
        assert len(cifar10.load_data()[0][0]) == 5
    assert len(site.requests) == 1


def damaged(kind):
    content = archive(TEN)
    if kind == "cut":
        return content[:-3000]
    if kind == "no archive":
        return b"nothing of the kind"
    if kind == "incomplete":
        return archive(TEN[1:])
    if kind == "twice":
        return archive(TEN + TEN[:1])
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as file:
        for name in TEN:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
            file.addfile(member)
    return stream.getvalue()


@pytest.mark.parametrize(
    "kind, reason",
    [
        ("cut", "is no whole .tar.gz archive"),
        ("no archive", "is no whole .tar.gz archive"),
        ("incomplete", "Missing: cifar-10-batches-py/data_batch_4"),
        ("twice", "'cifar-10-batches-py/data_batch_4' must be in .* once"),
        ("links", "must be in .* once, as a file"),
    ],
)
def test_other_archives_are_refused(home, monkeypatch, no_network, kind, reason):
    keep(monkeypatch, cifar10, home, damaged(kind))
    with pytest.raises(ValueError, match=reason):
        cifar10.load_data()


def read(content, key="labels", classes=10):
    return cifar.batch(content, "Batch 'a'", key, classes)


ROWS = np.arange(2 * 3072).reshape(2, 3072).astype("uint8")


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("key", ["labels", b"labels"])
def test_batches_that_python_3_wrote_are_read(protocol, order, key):
    data = "data" if type(key) is str else b"data"
    held = {key: [3, 9], data: np.array(ROWS, order=order)}
    pictures, labels = read(pickle.dumps(held, protocol))
    assert labels.tolist() == [3, 9]
    np.testing.assert_array_equal(pictures.transpose(0, 3, 1, 2).reshape(2, 3072), ROWS)


class Gadget:
    """Makes a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize("name", ["batch_label", "labels", "data"])
def test_gadget_does_nothing(tmp_path, protocol, name):
    marker = tmp_path / "marker"
    held = {"labels": [1, 2], "data": ROWS, name: Gadget(str(marker))}
    with pytest.raises(ValueError, match=r"Batch 'a' .* names _?io\.open, which is not allowed"):
        read(pickle.dumps(held, protocol))
    assert not marker.exists()


@pytest.mark.parametrize(
    "held, reason",
    [
        ([1], "it is no dict"),
        ({"labels": [1, 2]}, "must have 'data' and 'labels', and has .'labels'."),
        ({"data": ROWS}, "must have 'data' and 'labels', and has .'data'."),
        ({"data": ROWS, "labels": (1, 2)}, "'labels' is no list of whole numbers"),
        ({"data": ROWS, "labels": [1, "2"]}, "'labels' is no list of whole numbers"),
        ({"data": ROWS, "labels": [1, True]}, "'labels' is no list of whole numbers"),
        ({"data": ROWS, "labels": [1]}, "1 labels and 2 pictures"),
        ({"data": ROWS, "labels": [1, 10]}, "labels must be from 0 to 9"),
        ({"data": ROWS, "labels": [-1, 1]}, "labels must be from 0 to 9"),
        ({"data": ROWS[:, 1:], "labels": [1, 2]}, "not of 3072 bytes for each picture"),
        ({"data": ROWS.ravel(), "labels": [1, 2]}, r"no shape \(n, 3072\)"),
        ({"data": ROWS.astype("int8"), "labels": [1, 2]}, "numpy dtype with other arguments"),
        ({"data": np.array([[1], [2]], object), "labels": [1, 2]}, "numpy dtype with other"),
        ({"data": [1], "labels": [1, 2]}, "its 'data' is no array"),
        ({"data": np.dtype("u1"), "labels": [1, 2]}, "its 'data' is no array"),
        ({3: 4}, "a name in its dict is no text"),
        ({(): 4}, "a name in its dict is no text"),
        ({"a": 1.5}, "opcode BINFLOAT"),
    ],
)
def test_other_batches_are_refused(held, reason):
    with pytest.raises(ValueError, match=f"Batch 'a' holds something else: .*{reason}"):
        read(pickle.dumps(held, 3))


START = array(ROWS).split(b"(K\x01")[0]
DTYPE = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"


@pytest.mark.parametrize(
    "made, reason",
    [
        (START, "no array"),
        (START + b"(K\x01tb", "described in another way"),
        (START + b"(K\x01(K\x02M\x00\x0ctNNU\x00tb", "has no dtype"),
        (START + b"(K\x01(K\x02M\x00\x0ct" + START + b"NU\x00tb", "has no dtype"),
        (START + b"(K\x01(K\x02M\x00\x0ct" + DTYPE + b"NNtb", "not of 3072 bytes"),
        (START + b"(K\x01(J\xff\xff\xff\xffM\x00\x0ct" + DTYPE + b"NU\x00tb", "not of 3072 bytes"),
        (START + b"(K\x01]" + DTYPE + b"NU\x00tb", r"no shape \(n, 3072\)"),
        (array(ROWS, ROWS.tobytes()[1:]), "not of 3072 bytes for each picture"),
    ],
)
def test_arrays_that_do_not_fit_their_bytes_are_refused(made, reason):
    program = b"\x80\x02}(" + text(b"data") + made + text(b"labels") + listed([1, 2]) + b"u."
    with pytest.raises(ValueError, match=f"Batch 'a' holds something else: .*{reason}"):
        read(program)


@pytest.mark.parametrize(
    "program", [b"]K\x01K\x02s.", b"}(K\x01u.", b"}(U\x01au.", b"K\x01(U\x01aK\x01u."]
)
def test_only_dicts_take_names(program):
    with pytest.raises(ValueError, match="Batch 'a' holds something else: .*(no dict|no text)"):
        read(b"\x80\x02" + program)


def test_no_beginning_of_a_batch_is_one():
    content = pickled(ROWS, labels=[1, 2])
    for end in [*range(400), *range(400, len(content), 101)]:
        with pytest.raises(ValueError, match="Batch 'a' "):
            read(content[:end])


def test_changed_bytes_give_numbers_or_an_error():
    content = bytearray(pickled(ROWS, labels=[1, 2]))
    generator = np.random.RandomState(0)
    frame = [*range(260), *range(len(content) - 80, len(content))]  # what is around the pixels
    for place in generator.choice(frame, 3000):
        changed = content.copy()
        changed[place] = generator.randint(256)
        try:
            pictures, labels = read(bytes(changed))
        except ValueError as error:
            assert str(error).startswith("Batch 'a' ")
        else:
            assert len(pictures) == len(labels)


ALLOWED = set(
    "EMPTY_DICT SETITEM SETITEMS BINSTRING BINBYTES PROTO FRAME MARK STOP BININT BININT1 BININT2 "
    "LONG1 NONE NEWTRUE NEWFALSE SHORT_BINBYTES SHORT_BINSTRING BINUNICODE SHORT_BINUNICODE "
    "EMPTY_LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 BINPUT LONG_BINPUT MEMOIZE "
    "BINGET LONG_BINGET GLOBAL STACK_GLOBAL REDUCE BUILD".split()
)


@pytest.mark.parametrize("opcode", pickletools.opcodes, ids=lambda opcode: opcode.name)
def test_every_other_opcode_is_refused(opcode):
    with pytest.raises(ValueError) as caught:
        read(b"\x80\x03" + opcode.code.encode("latin-1") + bytes(20))
    refused = f"the opcode {opcode.name} at byte 2" in str(caught.value)
    assert refused == (opcode.name not in ALLOWED)


@pytest.mark.keras
@pytest.mark.parametrize("loader, options", LOADERS, ids=IDS)
def test_equal_to_keras(keras, home, tmp_path, monkeypatch, no_network, loader, options):
    from importlib import import_module

    theirs = import_module(f"keras.src.datasets.{loader.__name__.split('.')[-1]}")
    path = keep(monkeypatch, loader, home, archive(TEN + HUNDRED))
    with tarfile.open(path) as file:
        file.extractall(tmp_path / "batches", filter="data")
    monkeypatch.setattr(theirs, "get_file", lambda *a, **k: str(tmp_path / "batches"))
    ours, expected = loader.load_data(**options), theirs.load_data(**options)
    for (x, y), (x_keras, y_keras) in zip(ours, expected, strict=True):
        assert (x.dtype, y.dtype) == (x_keras.dtype, y_keras.dtype)
        # Keras fills the room of 10,000 pictures with each batch
        step = 10_000 if len(x_keras) == 50_000 else 1
        np.testing.assert_array_equal(x, x_keras[::step])
        np.testing.assert_array_equal(y, y_keras[::step])


@pytest.mark.keras
@pytest.mark.parametrize("loader", [cifar10, cifar100])
def test_address_hash_and_name_are_those_of_keras(keras, home, monkeypatch, loader):
    from importlib import import_module

    theirs = import_module(f"keras.src.datasets.{loader.__name__.split('.')[-1]}")
    asked = {}

    def get_file(**options):
        asked.update(options)
        raise InterruptedError

    monkeypatch.setattr(theirs, "get_file", get_file)
    with pytest.raises(InterruptedError):
        theirs.load_data()
    assert (asked["origin"], asked["file_hash"]) == loader._FILE[1:]
    # what is in the cache serves Keras without a download
    path = keep(monkeypatch, loader, home, archive(TEN + HUNDRED))
    asked.update(origin="file:///nowhere", file_hash=loader._FILE.file_hash)
    folder = keras.utils.get_file(**asked, cache_dir=str(home))
    with tarfile.open(path) as file:
        names = [name for name in file.getnames() if "batch_" in name or name.endswith("train")]
    from pathlib import Path

    assert names and all(Path(folder, name).is_file() for name in names)

"""The small reader of HDF5: it finds what h5py finds, or refuses."""

import io
import pathlib
import random

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import npkeras
from npkeras.saving import CorruptFileError
from npkeras.saving.h5read import Dataset, File, Group, headers
from tests.benchmarks.hdf5 import fuzz, table
from tests.benchmarks.hdf5.switch import h5py_reads
from tests.saving.attacks import test_hdf5, victims
from tests.saving.test_every_layer import CHOSEN, FILES, model_of
from tests.saving.whole_models import MODELS

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
LIBVERS = ["earliest", "v108", "v110", "latest"]


def assert_same_value(found, expected):
    if isinstance(expected, h5py.Empty):
        assert found is None
        return
    assert type(found) is type(expected)
    np.testing.assert_array_equal(found, expected)
    if isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype and found.shape == expected.shape


def assert_same(found, expected):
    """Two open groups hold the same: names, arrays to the bit, attributes. How many arrays."""
    assert list(found) == sorted(expected.keys())
    assert sorted(found.attrs) == sorted(expected.attrs)
    for name in expected.attrs:
        assert_same_value(found.attrs[name], expected.attrs[name])
    count = 0
    for name, member in expected.items():
        if isinstance(member, h5py.Group):
            assert isinstance(found[name], Group)
            count += assert_same(found[name], member)
            continue
        own = found[name]
        assert isinstance(own, Dataset) and sorted(own.attrs) == sorted(member.attrs)
        for key in member.attrs:
            assert_same_value(own.attrs[key], member.attrs[key])
        assert (own.shape, own.dtype, own.nbytes) == (member.shape, member.dtype, member.nbytes)
        assert own.read().tobytes() == np.asarray(member[()], member.dtype).tobytes()
        count += 1
    return count


def assert_reads_as_h5py(path):
    with h5py.File(path) as expected, File(path) as found:
        return assert_same(found, expected)


# What Keras, tf-keras and npkeras write.


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", CHOSEN)
def test_files_of_every_layer_written_here(tmp_path, name):
    model = model_of(npkeras, CHOSEN[name])
    for file in FILES[1:]:
        path = tmp_path / file
        (model.save_weights if file.endswith(".weights.h5") else model.save)(path)
        assert assert_reads_as_h5py(path) >= len(model.weights)


@pytest.mark.slow
@pytest.mark.keras
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_files_of_every_layer_written_by_keras(keras, tmp_path):
    for name in CHOSEN:
        model = model_of(keras, CHOSEN[name])
        for file in FILES[1:]:
            (model.save_weights if "weights" in file else model.save)(str(tmp_path / file))
            assert assert_reads_as_h5py(tmp_path / file) >= len(model.weights)


OPTIMIZERS = ["Adam", "AdamW", "Adamax", "Adagrad", "Adadelta", "Ftrl", "Lamb", "Lion", "Nadam",
              "RMSprop", "SGD", "Adafactor", "Muon"]  # fmt: skip

NOT_IN_H5 = ("Adafactor", "Muon")  # of which two variables have one path, for Keras too


@pytest.mark.keras
@pytest.mark.parametrize("engine", ["keras", "npkeras", "tf_keras"])
def test_the_state_of_every_optimizer(keras, keras_2, tmp_path, engine):
    k = {"keras": keras, "npkeras": npkeras, "tf_keras": keras_2}[engine]
    for name in OPTIMIZERS:
        if not hasattr(k.optimizers, name):
            continue
        model = k.Sequential([k.Input((4,)), k.layers.Dense(3), k.layers.Dense(2)])
        model.compile(getattr(k.optimizers, name)(), "mse")
        model.optimizer.build(model.trainable_variables)
        files = ["m.h5"] if engine == "tf_keras" else FILES[1:]
        if name in NOT_IN_H5:
            files = FILES[2:]
        for file in files:
            (model.save_weights if "weights" in file else model.save)(str(tmp_path / file))
            assert assert_reads_as_h5py(tmp_path / file) >= 5


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", MODELS)
def test_files_of_whole_models(tmp_path, name):
    model = MODELS[name][0](npkeras)
    model.save_weights(tmp_path / "m.weights.h5")
    assert_reads_as_h5py(tmp_path / "m.weights.h5")
    model.save(tmp_path / "m.keras")
    with h5py_reads():
        again = npkeras.saving.load_model(tmp_path / "m.keras")
        described = npkeras.saving.describe(tmp_path / "m.keras")
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert str(described) == str(npkeras.saving.describe(tmp_path / "m.keras"))


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("*.h5")), ids=lambda path: path.stem)
def test_files_of_older_generations(path):
    assert assert_reads_as_h5py(path) > 0


def test_lists_of_names_that_are_split(tmp_path):
    layers = [npkeras.layers.Dense(1, name=f"{'long' * 20}_{i}") for i in range(250)]
    model = npkeras.Sequential([npkeras.Input((1,)), *layers])
    model.save(tmp_path / "m.h5")
    assert assert_reads_as_h5py(tmp_path / "m.h5") == 500


# Any tree of groups and arrays.

NAMES = st.text(st.characters(exclude_characters="/.\0", exclude_categories=["Cs"]), min_size=1,
                max_size=9)  # fmt: skip
DTYPES = st.sampled_from(["f2", "f4", "f8", ">f4", ">f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4",
                          "u8", ">i4", "?", "V2", "S3"])  # fmt: skip
SHAPES = st.lists(st.integers(0, 5), max_size=4).map(tuple)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
VALUES = st.one_of(
    TEXTS,
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False),
    st.booleans(),
    st.lists(TEXTS, min_size=1, max_size=12),
    st.just([]),
    st.lists(st.binary(min_size=1, max_size=5).map(lambda b: b.strip(b"\0") or b"x"), min_size=1),
)
TREES = st.recursive(
    st.tuples(DTYPES, SHAPES, st.sampled_from(["whole", "chunks", "compact"])),
    lambda inner: st.dictionaries(NAMES, inner, max_size=10),
    max_leaves=12,
)


def put(group, tree, values):
    for name, value in values.items():
        texts = isinstance(value, list) and value and isinstance(value[0], bytes)
        group.attrs[name] = np.array(value) if texts else value
    for name, member in tree.items():
        if isinstance(member, dict):
            put(group.create_group(name), member, {})
        else:
            put_array(group, name, *member)


def put_array(group, name, dtype, shape, layout):
    count = int(np.prod(shape)) * np.dtype(dtype).itemsize
    data = np.random.default_rng(count).integers(1, 255, count, "u1")
    data = data % 2 if dtype == "?" else data
    data = data.view(dtype).reshape(shape)
    if layout == "chunks" and data.size and shape:
        chunks = tuple(max(1, n // 2) for n in shape)
        group.create_dataset(name, data=data, chunks=chunks, compression="gzip", shuffle=True)
    elif layout == "compact":
        made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        made.set_layout(h5py.h5d.COMPACT)
        kind, space = h5py.h5t.py_create(data.dtype, logical=True), h5py.h5s.create_simple(shape)
        array = h5py.h5d.create(group.id, name.encode(), kind, space, made)
        array.write(h5py.h5s.ALL, h5py.h5s.ALL, data)
    else:
        group[name] = data


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    tree=st.dictionaries(NAMES, TREES, max_size=10),
    values=st.dictionaries(NAMES, VALUES, max_size=12),
    libver=st.sampled_from(LIBVERS),
    order=st.booleans(),
)
def test_any_tree_is_read_as_h5py_reads_it(tmp_path_factory, tree, values, libver, order):
    path = tmp_path_factory.mktemp("tree") / "f.h5"
    newest = libver != "earliest"  # whose chunks are found in another way, which is refused
    with h5py.File(path, "w", libver=libver, track_order=order) as file:
        put(file, _without_chunks(tree) if newest else tree, values)
    assert_reads_as_h5py(path)


def _without_chunks(tree):
    if isinstance(tree, dict):
        return {name: _without_chunks(member) for name, member in tree.items()}
    return (*tree[:2], "whole" if tree[2] == "chunks" else tree[2])


@pytest.mark.parametrize("libver", LIBVERS)
def test_many_members_and_many_attributes(tmp_path, libver):
    with h5py.File(tmp_path / "f.h5", "w", libver=libver) as file:
        for i in range(900):
            file[f"layers/{'n' * (i % 40)}{i}"] = np.float32(i)
        for i in range(200):
            file["layers"].attrs[f"name{i}"] = i
    assert assert_reads_as_h5py(tmp_path / "f.h5") == 900


def test_checksums_are_those_of_lookup3():
    # The examples at the end of lookup3.c, for the first word of the hash, begun with 0.
    assert headers.checksum(b"") == 0xDEADBEEF
    assert headers.checksum(b"Four score and seven years ago") == 0x17770551


# What is not of that kind.


@pytest.mark.parametrize("name", test_hdf5.ALL)
def test_hostile_files_are_refused(tmp_path, name):
    path = victims.weights(tmp_path, "w", test_hdf5.ALL[name])
    model = victims.victim()
    before = [w.tobytes() for w in model.get_weights()]
    with pytest.raises(ValueError) as error:
        model.load_weights(path)
    assert [w.tobytes() for w in model.get_weights()] == before
    assert len(str(error.value)) <= 450 and str(error.value).isprintable()


def spoilt_once(data, at, value):
    changed = bytearray(data)
    changed[at % len(data)] = value
    return bytes(changed)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    paths = fuzz.write_sound(tmp_path_factory.mktemp("sound"))
    return {kind: path.read_bytes() for kind, path in paths.items()}


def read_all(data):
    """Read all that there is, in whatever order; how many arrays."""
    file = File(io.BytesIO(data), "f.h5")
    waiting, count = [file], 0
    while waiting:
        one = waiting.pop()
        [one.attrs[name] for name in one.attrs]
        if isinstance(one, Group):
            waiting += [one[name] for name in one]
        else:
            count += 1
            if one.dtype.kind != "O" and one.shape is not None:
                one.read()
    return count


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_spoilt_files_are_read_or_refused_in_one_way(sound, kind):
    assert read_all(sound[kind]) > 10
    sums = fuzz.places_of_sums(sound[kind])
    refused = 0
    for seed in range(1, 150):
        try:
            read_all(fuzz.mutated(sound[kind], seed, sums))
        except CorruptFileError as error:
            refused += 1
            assert len(str(error)) < 400 and str(error).isprintable()
    assert refused > 20


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(list(fuzz.KINDS)), st.integers(0, 1 << 16), st.integers(0, 255))
@example("weights", 8, 1)
def test_any_byte_may_be_wrong(sound, kind, at, value):
    try:
        read_all(spoilt_once(sound[kind], at, value))
    except CorruptFileError as error:
        assert str(error).startswith("'f.h5' is not a sound HDF5 file: ")


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_a_file_that_is_cut_short_is_refused(sound, kind):
    whole = sound[kind]
    for length in random.Random(1).sample(range(len(whole)), 40):
        with pytest.raises(CorruptFileError):
            read_all(whole[:length])


def test_a_tree_that_leads_to_itself_is_refused(sound):
    data = bytearray(sound["weights"])
    at = data.find(b"TREE\0")
    data[at + 5] = 1  # its children are trees, and the first of them is itself
    data[at + 32 : at + 40] = at.to_bytes(8, "little")
    with pytest.raises(CorruptFileError, match="levels out of order"):
        read_all(bytes(data))


def test_parts_on_top_of_each_other_do_not_take_time(sound):
    """Each of 500 names leads to one and the same large header."""
    with h5py.File(held := io.BytesIO(), "w") as file:
        group = file.create_group("g")
        for i in range(500):
            group.create_group(str(i)).attrs["x"] = np.zeros(8000)
    data = bytearray(held.getvalue())
    at, places = data.find(b"SNOD"), []
    while at >= 0:
        count = int.from_bytes(data[at + 6 : at + 8], "little")
        if count > 1:  # it is not that of the outermost group
            places += [at + 8 + 40 * i + 8 for i in range(count)]
        at = data.find(b"SNOD", at + 4)
    target = data[places[-1] : places[-1] + 8]
    for place in places:
        data[place : place + 8] = target
    with pytest.raises(CorruptFileError, match="is the same as"):
        read_all(bytes(data))


def test_bytes_that_describe_arrays_are_counted(sound):
    file = File(io.BytesIO(sound["weights"]), "f.h5")
    with pytest.raises(CorruptFileError, match="on top of each other"):
        for _ in range(100):
            file.source.read(0, len(sound["weights"]), "it")


def test_names_of_a_file_are_printed_without_what_moves_a_cursor():
    with h5py.File(held := io.BytesIO(), "w") as file:
        file["\x1b[2J"] = h5py.SoftLink("/x")
    with pytest.raises(CorruptFileError, match="a link to another place") as error:
        read_all(held.getvalue())
    assert str(error.value).isprintable()


def test_millions_of_empty_messages_are_refused():
    with h5py.File(held := io.BytesIO(), "w") as file:
        file["0"] = np.float32(1)
    data = bytearray(held.getvalue())
    root = int.from_bytes(data[64:72], "little")
    size = 1 << 20
    data[root + 8 : root + 12] = size.to_bytes(4, "little")  # of a header, all else being zeros
    data[root + 16 :] = bytes(size)
    data[40:48] = len(data).to_bytes(8, "little")
    with pytest.raises(CorruptFileError, match="more parts than it says"):
        read_all(bytes(data))


@pytest.mark.parametrize("length", [2**41, 2**45, 2**62])
def test_shapes_that_no_array_can_have_are_refused(length):
    with h5py.File(held := io.BytesIO(), "w") as file:
        file.create_dataset("0", (0, 7), "S1048575")
    data = held.getvalue()
    assert read_all(data) == 1
    at = data.find((7).to_bytes(8, "little"))
    changed = data.replace((7).to_bytes(8, "little"), length.to_bytes(8, "little"))
    assert at > 0 and changed != data
    if length < 2**42:
        assert read_all(changed) == 1  # it has no rows
        return
    with pytest.raises(CorruptFileError, match="claims the shape"):
        read_all(changed)


def test_numbers_that_are_not_stored_are_refused(tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.create_dataset("0", (2**40,), "f4", chunks=(2**20,), compression="gzip")
        file.create_dataset("1", (3, 4), "f4")  # to which nothing was written
    with File(tmp_path / "f.h5") as found:
        for name in "01":
            with pytest.raises(CorruptFileError):
                found[name].read()


def test_a_name_that_is_missing_is_a_key_error(sound):
    file = File(io.BytesIO(sound["weights"]), "f.h5")
    assert file["layers/dense/vars/0"] is file["/layers"]["dense"]["vars"]["0"]
    for name in ("", "layers/none", "layers/dense/vars/0/x"):
        with pytest.raises(KeyError, match="has no member"):
            file[name]


# The measurement.


def test_spoilt_files_are_opened_in_processes_of_their_own(sound, tmp_path):
    path = tmp_path / "weights.weights.h5"
    path.write_bytes(sound["weights"])
    for reader in ("h5py", "small"):
        found = fuzz.outcomes(reader, path, 8)
        assert sorted(found) == list(range(8))
        assert found[0]["how"] == "loaded"
        assert sum(fuzz.summary(found).values()) == 8


def test_the_page_has_a_place_for_the_table():
    page = table.PAGE.read_text(encoding="utf-8")
    assert page.count(table.BEGIN) == page.count(table.END) == 1

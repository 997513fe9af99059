"""Pickled lists of numbers: read without unpickling, and nothing else is."""

import pickle
import pickletools
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.datasets import object_arrays
from npkeras.datasets.npz import Member


def objects(rows):
    array = np.empty(len(rows), object)
    for i, row in enumerate(rows):
        array[i] = row
    return array


def member(data, length=1):
    return Member("Array 'x'", (length,), False, np.dtype(object), memoryview(data))


def read(data, length=1):
    """The lists in a pickle."""
    values, lengths = object_arrays.read(member(data, length))
    ends = np.cumsum(lengths)
    return [values[end - n : end].tolist() for end, n in zip(ends, lengths, strict=True)]


EDGES = [0, 1, 255, 256, 65535, 65536, 2**31 - 1, 2**31, -1, -(2**31), -(2**31) - 1, 2**63 - 1]


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize(
    "rows",
    [
        [],
        [[]],
        [[7]],
        [EDGES],
        [[1, 2], [], [3]],
        [list(range(2500))] * 3,
        [[i] for i in range(3000)],
    ],
    ids=["none", "empty", "one", "edges", "unlike", "long and repeated", "many"],
)
def test_lists_come_back(rows, protocol):
    assert read(pickle.dumps(objects(rows), protocol), len(rows)) == rows


@given(st.lists(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=30), max_size=30))
@settings(max_examples=50, deadline=None)
def test_any_lists_come_back(rows):
    for protocol in (2, 3, 4):
        assert read(pickle.dumps(objects(rows), protocol), len(rows)) == rows


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_module_names_of_numpy_1_and_2_are_known(module):
    data = pickle.dumps(objects([[5]]), 3)
    written = b"numpy._core.multiarray" if b"_core" in data else b"numpy.core.multiarray"
    assert read(data.replace(written, module)) == [[5]]


def test_pickle_written_by_python_2_is_read():
    data = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nq\x01cnumpy\nndarray\nq\x02K\x00\x85U\x01b"
        b"\x87R(K\x01K\x02\x85cnumpy\ndtype\nq\x03U\x02O8K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff"
        b"\xffJ\xff\xff\xff\xffK?tb\x89](](K\x01M\x01\x02e]K\x05aetb."
    )
    assert read(data, 2) == [[1, 513], [5]]


class Gadget:
    """Makes a file when unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_gadget_is_refused_and_does_nothing(tmp_path, protocol):
    marker = tmp_path / "marker"
    for rows in ([Gadget(str(marker))], [[Gadget(str(marker))]]):
        data = pickle.dumps(objects(rows), protocol)
        with pytest.raises(ValueError, match=r"it names _?io\.open, which is not allowed"):
            read(data)
    assert not marker.exists()


@pytest.mark.parametrize(
    "value, reason",
    [
        (1.5, "the opcode BINFLOAT"),
        ({}, "the opcode EMPTY_DICT"),
        ({1}, "the opcode EMPTY_SET"),
        (b"x" * 300, "the opcode BINBYTES"),
        (2**70, "a whole number of 9 bytes"),
        (2**3000, "the opcode LONG4|a whole number of"),
        (np.int64(3), "multiarray.scalar, which is not allowed"),
        (len, "builtins.len, which is not allowed"),
        (int, "builtins.int, which is not allowed"),
        ([1, 2], "."),
        ("text", "."),
        (None, "."),
    ],
)
def test_lists_of_anything_else_are_refused(value, reason):
    with pytest.raises(ValueError, match=f"Array 'x' .*({reason})"):
        read(pickle.dumps(objects([[value]]), 4))


@pytest.mark.parametrize("row", [3, (1, 2), "text", None])
def test_rows_that_are_no_lists_are_refused(row):
    with pytest.raises(ValueError, match="does not hold 1 lists"):
        read(pickle.dumps(objects([row]), 3))


ALLOWED = {
    "PROTO", "FRAME", "MARK", "STOP", "BININT", "BININT1", "BININT2", "LONG1", "NONE", "NEWTRUE",
    "NEWFALSE", "SHORT_BINBYTES", "SHORT_BINSTRING", "BINUNICODE", "SHORT_BINUNICODE",
    "EMPTY_LIST", "APPEND", "APPENDS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3",
    "BINPUT", "LONG_BINPUT", "MEMOIZE", "BINGET", "LONG_BINGET", "GLOBAL", "STACK_GLOBAL",
    "REDUCE", "BUILD",
}  # fmt: skip


@pytest.mark.parametrize("opcode", pickletools.opcodes, ids=lambda opcode: opcode.name)
def test_every_other_opcode_is_refused_by_name(opcode):
    data = b"\x80\x03" + opcode.code.encode("latin-1") + bytes(20)
    with pytest.raises(ValueError) as caught:
        read(data)
    refused = f"the opcode {opcode.name} at byte 2" in str(caught.value)
    assert refused == (opcode.name not in ALLOWED)


@pytest.mark.parametrize("protocol", [0, 1, 5])
def test_other_protocols_are_refused(protocol):
    with pytest.raises(ValueError, match=r"opcode|protocol is 5; 2 to 4"):
        read(pickle.dumps(objects([[1]]), protocol))


def test_every_shortened_file_is_refused():
    data = pickle.dumps(objects([[1, 300], [70_000]]), 3)
    for end in range(len(data)):
        with pytest.raises(ValueError, match="Array 'x'"):
            read(data[:end], 2)


def test_any_altered_byte_gives_lists_of_numbers_or_an_error():
    data = pickle.dumps(objects([[1, 300], [70_000]]), 4)
    generator = np.random.default_rng(0)
    for place in range(len(data)):
        for byte in generator.integers(0, 256, 20):
            altered = bytearray(data)
            altered[place] = byte
            try:
                rows = read(bytes(altered), 2)
            except ValueError as error:
                assert len(str(error)) <= 300
            else:
                assert all(type(value) is int for row in rows for value in row)


def test_list_repeated_beyond_the_size_of_the_file_is_refused():
    rows = [list(range(1000))]
    data = pickle.dumps(objects(rows * 1000), 4)
    assert len(data) < 10_000
    with pytest.raises(ValueError, match=r"repeat each other up to 1000000 values, more than \d+"):
        read(data, 1000)


def test_list_of_itself_is_refused():
    row = []
    row.append(row)
    with pytest.raises(ValueError, match="Array 'x' holds something else"):
        read(pickle.dumps(objects([row]), 3))


@pytest.mark.parametrize("length", [0, 2])
def test_header_must_tell_the_length_of_the_array(length):
    with pytest.raises(ValueError, match=rf"not of the shape \({length},\) that its header tells"):
        read(pickle.dumps(objects([[1]]), 3), length)


@pytest.mark.parametrize(
    "program, reason",
    [
        (b"K\x01.", "ends without an array"),
        (b"K\x01K\x02.", "values left over"),
        (b"K\x01)R.", "REDUCE calls something that is no name"),
        (b"cnumpy\nndarray\n)R.", "REDUCE calls numpy ndarray with other"),
        (b"cnumpy\ndtype\nX\x02\x00\x00\x00f4\x85R.", "REDUCE calls numpy dtype with other"),
        (b"K\x01)b.", "BUILD fills in something that is no array"),
        (b"K\x01K\x02a.", "appended to something that is no list"),
        (b"h\x07.", "refers to what is not there"),
        (b"cos\nsystem\n.", "it names os.system, which is not allowed"),
        (b"K\x01K\x02\x93.", "it names something by what is no text"),
        (b"K\x01\x87.", "too few values for a tuple"),
        (b"X" + struct.pack("<I", 2**31) + b"a.", "ends early"),
        (b"c" + b"a" * 300 + b"\nb\n.", "Array 'x' holds something else"),
    ],
)
def test_programs_that_build_no_array_are_refused(program, reason):
    with pytest.raises(ValueError, match=reason):
        read(b"\x80\x03" + program)


@pytest.mark.parametrize(
    "build", [b"q\x00h\x00\x86" * 200, b"\x85" * 200_000], ids=["doubled 200 times", "nested"]
)
@pytest.mark.parametrize("use", [b"K\x01\x93.", b"cnumpy\ndtype\nq\x01%s\x85R.", b"%s]a.", b"%s."])
def test_values_whose_text_would_fill_the_memory_are_not_shown(build, use):
    value = b")" + build
    program = use.replace(b"%s", value) if b"%s" in use else value + use
    with pytest.raises(ValueError, match="Array 'x' holds something else") as told:
        read(b"\x80\x03" + program)
    assert len(str(told.value)) <= 300


@pytest.mark.parametrize("shape, dtype", [((1, 1), object), ((), object), ((3,), "int64")])
def test_only_a_row_of_objects_is_read(shape, dtype):
    with pytest.raises(ValueError, match="must be a row of lists"):
        object_arrays.read(Member("Array 'x'", shape, False, np.dtype(dtype), memoryview(b"")))


def test_real_reviews_are_what_the_flat_file_holds(data_folder):
    from npkeras.datasets import npz

    flat = np.load(data_folder / "imdb_flat.npz", allow_pickle=False)
    for part in ("train", "test"):
        (reviews,) = npz.read(data_folder / "imdb.npz", [f"x_{part}"], "test").values()
        values, lengths = object_arrays.read(reviews)
        np.testing.assert_array_equal(values, flat[f"{part}_tokens"])
        np.testing.assert_array_equal(np.cumsum(lengths), flat[f"{part}_offsets"][1:])

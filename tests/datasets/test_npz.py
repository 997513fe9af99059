"""Arrays in .npz files: read whole, never believed before they are counted."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest

from npkeras.datasets import npz


def header(shape, dtype="<f4"):
    """The beginning of an .npy file that tells this shape."""
    stream = io.BytesIO()
    layout = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, layout)
    return stream.getvalue()


def archive(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="uint8").reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3, ">i4"),
        np.zeros((0, 4), "float16"),
    ],
    ids=["rows", "columns", "scalar, big end first", "empty"],
)
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_back(tmp_path, array, save):
    save(tmp_path / "a.npz", a=array, other=[1])
    (read,) = npz.read(tmp_path / "a.npz", ["a"], "a loader").values()
    np.testing.assert_array_equal(read.array(), array)
    assert read.array().dtype == array.dtype and read.array().flags.writeable


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(100)])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match=rf"a loader cannot read .*a\.npz.*{len(content)} bytes"):
        npz.read(tmp_path / "a.npz", ["a"], "a loader")


def test_missing_array_is_named(tmp_path):
    np.savez(tmp_path / "a.npz", b=1)
    with pytest.raises(ValueError, match=r"each of the arrays a, c .* Received: b\.npy"):
        npz.read(tmp_path / "a.npz", ["a", "c"], "a loader")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_array_that_comes_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as file:
        for _ in range(2):
            file.writestr("a.npy", header((0,)))
    with pytest.raises(ValueError, match=r"Received: a\.npy, a\.npy"):
        npz.read(tmp_path / "a.npz", ["a"], "a loader")


def test_altered_content_is_noticed(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.arange(100))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[400] ^= 1
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(ValueError, match="no whole .npz file: Bad CRC-32"):
        npz.read(tmp_path / "a.npz", ["a"], "a loader")


@pytest.mark.parametrize("shape", [(2**40,), (1, 1), (3,), (2**32, 2**32)])
def test_header_that_tells_another_size_is_refused_before_anything_is_made(tmp_path, shape):
    path = archive(tmp_path / "a.npz", a=header(shape) + bytes(8))
    (member,) = npz.read(path, ["a"], "a loader").values()
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"is damaged: its header tells shape .* 8 bytes follow"):
        member.array()
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


@pytest.mark.parametrize(
    "content",
    [b"", b"\x93NUMPY", b"\x93NUMPY\x03\x00" + bytes(8), b"\x93NUMPY\x01\x00\x08\x00{'a': 1}"]
    + [header((-1,)), header((2,)).replace(b"'<f4'", b"__e__")],
)
def test_unreadable_header_is_refused(tmp_path, content):
    path = archive(tmp_path / "a.npz", a=content)
    with pytest.raises(ValueError, match="Array 'a' of .* has no readable header"):
        npz.read(path, ["a"], "a loader")


def test_zip_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "_ALWAYS_FITS", 1000)
    path = archive(tmp_path / "a.npz", a=bytes(1 << 22))
    with pytest.raises(ValueError, match="inflates to more than"):
        npz.read(path, ["a"], "a loader")


def test_objects_are_no_numbers(tmp_path):
    np.savez(tmp_path / "a.npz", a=np.array([{}], object))
    (member,) = npz.read(tmp_path / "a.npz", ["a"], "a loader").values()
    with pytest.raises(ValueError, match="Array 'a' of .* holds Python objects .dtype object"):
        member.array()

"""Zip archives: what is written can be read by others, and what others write can be read."""

import io
import zipfile

import pytest

from npkeras.saving import CorruptFileError
from npkeras.saving.archive import Archive, Window, Writer

MEMBERS = {
    "metadata.json": b"{}",
    "assets/ä/wörter.txt": b"a\nb",
    "empty": b"",
    "large": b"x" * 3000,
}


def written(file=None):
    file = file or io.BytesIO()
    archive = Writer(file)
    for name, data in MEMBERS.items():
        archive.add(name, data)
    archive.close()
    return file


def test_the_standard_library_reads_what_is_written():
    with zipfile.ZipFile(written()) as archive:
        assert archive.testzip() is None
        assert {entry.filename: archive.read(entry) for entry in archive.infolist()} == MEMBERS
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_what_the_standard_library_writes_is_read(method):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in MEMBERS.items():
            archive.writestr(name, data)
    archive = Archive(file, "file")
    assert {name: archive.read(name, 10**6) for name in archive.members} == MEMBERS
    assert {name: archive.open(name).read() for name in archive.members} == MEMBERS


def test_a_member_can_be_written_piece_by_piece_and_in_any_order():
    file = io.BytesIO()
    archive = Writer(file)
    with archive.adding("a", 10) as member:
        member.write(b"----world")
        member.seek(0)
        member.write(b"hello")
        member.seek(-2, 2)
        member.write(b"LD and more")
        member.truncate(9)
        member.seek(0)
        assert member.read() == b"helloorLD"
    archive.add("b", b"next")
    archive.close()
    with zipfile.ZipFile(file) as reader:
        assert reader.read("a") == b"helloorLD" and reader.read("b") == b"next"


def test_members_beyond_four_gigabytes(tmp_path):
    """The members lie behind a hole of 4 GB, which takes no room on disk."""
    with open(tmp_path / "large", "w+b") as file:
        file.truncate(2**32 + 100)
        written(file)
        archive = Archive(file, "large")
        assert {name: archive.read(name, 10**6) for name in archive.members} == MEMBERS
        with zipfile.ZipFile(file) as reader:
            assert {entry.filename: reader.read(entry) for entry in reader.infolist()} == MEMBERS


def test_a_member_expected_to_be_large_has_fields_for_large_sizes():
    file = io.BytesIO()
    archive = Writer(file)
    with archive.adding("a", 2**33) as member:
        member.write(b"small after all")
    archive.close()
    with zipfile.ZipFile(file) as reader:
        assert reader.read("a") == b"small after all"
    assert Archive(file, "file").read("a", 100) == b"small after all"


def test_reading_keeps_to_limits_and_checksums():
    file = written()
    archive = Archive(file, "file")
    with pytest.raises(CorruptFileError, match="'large' would have 3,000 bytes; 2,999 are"):
        archive.read("large", 2999)
    with pytest.raises(CorruptFileError, match="it has no 'nothing'"):
        archive.open("nothing")
    place = file.getvalue().index(b"xxxx")
    file.seek(place)
    file.write(b"y")
    for read in (archive.open, lambda name: archive.read(name, 3000)):
        with pytest.raises(CorruptFileError, match="'large' is damaged"):
            read("large")


def test_a_window_ends_where_it_ends():
    window = Window(io.BytesIO(b"0123456789"), 2, 5)
    assert window.read(3) == b"234"
    assert window.tell() == 3
    assert window.read() == b"56"
    assert window.read(1) == b""
    assert window.seek(9) == 9 and window.read() == b""
    assert window.seek(2**70) == 2**70 and window.read(3) == b""
    assert not window.writable()


def test_every_cut_and_every_changed_byte_of_the_tables_is_noticed_or_does_no_harm():
    """Whatever one byte is: the members that are read are the ones that were written."""
    whole = written().getvalue()
    for length in range(len(whole)):
        with pytest.raises(CorruptFileError):
            Archive(io.BytesIO(whole[:length]), "cut")
    for place in [*range(60), *range(len(whole) - 330, len(whole))]:
        for change in (1, 0x80, 0xFF):
            data = bytearray(whole)
            data[place] ^= change
            try:
                archive = Archive(io.BytesIO(data), "changed")
                held = {name: archive.read(name, 10**6) for name in archive.members}
            except CorruptFileError:
                continue
            assert set(held.values()) <= set(MEMBERS.values())


@pytest.mark.parametrize("room", range(0, 40, 3))
def test_a_write_that_fails_is_told_when_all_is_done(room):
    """The HDF5 library must not learn of it: it reads what it wrote, and closes the file."""

    class Full(io.BytesIO):
        def write(self, data):
            if self.tell() + len(data) > 40 + room:
                raise OSError(28, "No space left on device")
            return super().write(data)

    archive = Writer(Full())
    with pytest.raises(OSError, match="No space left"):
        with archive.adding("a", 10) as member:
            for i in range(10):
                assert member.write(bytes([65 + i]) * 6) == 6
            member.seek(20)
            member.write(b"--")
            member.truncate(61)
            member.seek(17)
            assert member.read(8) == b"CDD--DDE"
            assert member.seek(0, 2) == 61

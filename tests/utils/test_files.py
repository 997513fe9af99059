"""get_file: Keras' names in the cache, and archives that cannot write where they should not."""

import inspect
import io
import os
import pathlib
import stat
import tarfile
import zipfile

import pytest

from npkeras.datasets import DataUnavailableError
from npkeras.utils import get_file
from tests.datasets.conftest import CONTENT, MD5, SHA256

FILES = {"inner/a.txt": b"one", "b.txt": b"two"}


def tar(members, compression="gz"):
    """A tar archive of (TarInfo, content) pairs."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{compression}") as archive:
        for info, content in members:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def info(name, kind=tarfile.REGTYPE, link=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


def tar_of(files=FILES, compression="gz"):
    return tar([(info(name), content) for name, content in files.items()], compression)


def zip_of(files=FILES):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def tree(folder):
    """Every file below a folder, with its content."""
    folder = pathlib.Path(folder)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    }


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"file_hash": SHA256},
        {"file_hash": MD5},
        {"md5_hash": MD5},
        {"file_hash": SHA256, "hash_algorithm": "sha256"},
    ],
)
def test_file_is_kept_in_the_cache(site, home, options):
    for _ in range(2):
        path = get_file("data.bin", site.url + "/good", **options)
    assert path == str(home / "datasets" / "data.bin")
    assert pathlib.Path(path).read_bytes() == CONTENT
    assert site.requests == ["/good"]
    get_file("data.bin", site.url + "/good", force_download=True, **options)
    assert site.requests == ["/good", "/good"]


def test_folder_is_made_of_cache_dir_and_cache_subdir(site, home, tmp_path):
    path = get_file("a", site.url + "/good", cache_subdir="x/y", cache_dir=tmp_path / "other")
    assert path == str(tmp_path / "other" / "x" / "y" / "a")
    assert not home.exists()


def test_name_is_the_last_part_of_the_address(site, home):
    origin = site.serve("n.txt", b"text") + "?version=2"
    site.server.files["/good.n.txt?version=2"] = b"text"
    assert get_file(origin=origin) == str(home / "datasets" / "good.n.txt")


def test_wrong_hash_leaves_nothing_to_be_used_later(site, home):
    with pytest.raises(ValueError, match="not the one expected: its sha256 is"):
        get_file("data.bin", site.url + "/altered", file_hash=SHA256)
    assert tree(home) == {}
    path = get_file("data.bin", site.url + "/good")
    assert pathlib.Path(path).read_bytes() == CONTENT


def test_failure_names_address_and_place(home):
    with pytest.raises(DataUnavailableError, match="127.0.0.1:1/x could not be .*datasets/x"):
        get_file("x", "http://127.0.0.1:1/x")


@pytest.mark.parametrize(
    "fname, folder, archive",
    [
        ("data.tar.gz", "data_extracted", "data.tar.gz"),
        ("my.v1.zip", "my_extracted", "my.v1.zip"),
        ("data", "data", "data_archive"),
        (None, "good.d", "good.d_archive"),
    ],
)
@pytest.mark.parametrize("make", [tar_of, zip_of])
@pytest.mark.parametrize("how", ["extract", "untar"])
def test_archive_is_taken_apart_into_the_folder_keras_names(
    site, home, fname, folder, archive, make, how
):
    path = get_file(fname, site.serve("d", make()), **{how: True})
    assert path == str(home / "datasets" / folder)
    assert tree(path) == {name: FILES[name] for name in sorted(FILES)}
    assert sorted(os.listdir(home / "datasets")) == sorted([folder, archive])


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_tar_may_be_compressed_in_any_way(site, home, compression):
    origin = site.serve("d", tar_of(compression=compression))
    path = get_file("d.tar", origin, extract=True, archive_format="tar")
    assert len(tree(path)) == 2


def test_folders_are_made_and_nothing_may_be_executed(site, home):
    members = [(info("empty", tarfile.DIRTYPE), b""), (info("./run"), b"#!")]
    members[1][0].mode = 0o4777
    path = get_file("d.tar", site.serve("d", tar(members)), extract=True)
    assert os.path.isdir(os.path.join(path, "empty"))
    assert not os.stat(os.path.join(path, "run")).st_mode & (stat.S_IXUSR | stat.S_ISUID)


def test_second_time_restores_what_is_missing_and_keeps_what_is_other(site, home):
    origin = site.serve("d", tar_of())
    path = pathlib.Path(get_file("d.tar", origin, extract=True))
    (path / "inner" / "a.txt").unlink()
    (path / "b.txt").write_bytes(b"damaged")
    (path / "mine.txt").write_bytes(b"mine")
    get_file("d.tar", origin, extract=True)
    assert tree(path) == {"b.txt": b"two", "inner/a.txt": b"one", "mine.txt": b"mine"}
    assert len(os.listdir(home / "datasets")) == 2


@pytest.mark.parametrize(
    "archive_format, message",
    [
        ("zip", "it is no zip archive"),
        (["zip"], "it is no zip archive"),
        ("rar", "`archive_format` of get_file .*archive_format='rar'"),
    ],
)
def test_archive_of_another_format_is_an_error(site, home, archive_format, message):
    with pytest.raises(ValueError, match=message):
        get_file("d.tar", site.serve("d", tar_of()), extract=True, archive_format=archive_format)
    assert not (home / "datasets" / "d_extracted").exists()


def test_formats_may_be_listed_or_none(site, home):
    origin = site.serve("d", tar_of())
    path = get_file("d.tar", origin, extract=True, archive_format=["tar", "zip"])
    assert path.endswith("d_extracted") and len(tree(path)) == 2
    path = get_file("e.tar", origin, extract=True, archive_format=None)
    assert path == str(home / "datasets" / "e.tar")


def test_file_that_is_no_archive_is_an_error(site, home):
    with pytest.raises(ValueError, match=r"cannot take .*t\.txt' apart: it is no tar or zip"):
        get_file("t.txt", site.serve("t", b"text"), extract=True)


ATTACKS = {
    "parent": [(info("../outside.txt"), b"x")],
    "parent in between": [(info("a/../../outside.txt"), b"x")],
    "absolute": [(info("/outside.txt"), b"x")],
    "backslash": [(info("..\\outside.txt"), b"x")],
    "drive": [(info("C:outside.txt"), b"x")],
    "symbolic link": [(info("link", tarfile.SYMTYPE, ".."), b"")],
    "file behind a link": [
        (info("link", tarfile.SYMTYPE, ".."), b""),
        (info("link/outside.txt"), b"x"),
    ],
    "link to a link": [
        (info("a", tarfile.SYMTYPE, "."), b""),
        (info("b", tarfile.SYMTYPE, "a/.."), b""),
        (info("b/outside.txt"), b"x"),
    ],
    "hard link": [(info("hard", tarfile.LNKTYPE, "/etc/hostname"), b"")],
    "queue": [(info("fifo", tarfile.FIFOTYPE), b"")],
    "device": [(info("null", tarfile.CHRTYPE), b"")],
    "block device": [(info("disk", tarfile.BLKTYPE), b"")],
    "twice": [(info("a"), b"x"), (info("a"), b"y")],
}


@pytest.mark.parametrize("members", ATTACKS.values(), ids=ATTACKS)
def test_tar_that_leads_out_of_its_folder_is_refused_whole(site, home, members):
    content = tar([(info("good.txt"), b"good"), *members])
    bad = members[0][0].name if len(members) == 1 else "(link|a)"
    with pytest.raises(ValueError, match=r"was not taken apart: its member '.*") as told:
        get_file("d.tar.gz", site.serve("d", content), extract=True)
    assert bad in str(told.value).replace("\\\\", "\\") or len(members) > 1
    assert list(tree(home)) == ["datasets/d.tar.gz"]
    assert os.listdir(home / "datasets") == ["d.tar.gz"]


def test_long_chain_of_links_writes_nothing_outside(site, home):
    """The shape of CVE-2025-4517: a path too long for the system hides where links lead."""
    part, path, members = "d" * 247, "", []
    for step in "abcdefghijklmnop":
        members.append((info(os.path.join(path, part), tarfile.DIRTYPE), b""))
        members.append((info(os.path.join(path, step), tarfile.SYMTYPE, part), b""))
        path = os.path.join(path, part)
    chain = "/".join("abcdefghijklmnop")
    members.append((info(os.path.join(chain, "l" * 254), tarfile.SYMTYPE, "../" * 16), b""))
    members.append((info("escape", tarfile.SYMTYPE, chain + "/" + "l" * 254 + "/../.."), b""))
    members.append((info("escape/outside.txt"), b"x"))
    with pytest.raises(ValueError, match="its member 'a' is neither a file nor a folder"):
        get_file("d.tar.gz", site.serve("d", tar(members)), extract=True)
    assert list(tree(home)) == ["datasets/d.tar.gz"]


def test_sparse_tar_is_refused(site, home):
    content = bytearray(512 * 3)
    member = info("huge")
    member.size = 0
    content[:512] = member.tobuf(tarfile.GNU_FORMAT)
    content[156:157] = tarfile.GNUTYPE_SPARSE
    content[483:495] = b"%011o\0" % (1 << 32)
    content[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(content[:512])
    with pytest.raises(ValueError, match="its member 'huge' is neither a file nor a folder"):
        get_file("d.tar", site.serve("d", bytes(content)), extract=True)
    assert list(tree(home)) == ["datasets/d.tar"]


@pytest.mark.parametrize(
    "name", ["../outside.txt", "/outside.txt", "a/../../b", "..\\outside.txt", "C:\\x", "a\0/../b"]
)
def test_zip_that_leads_out_of_its_folder_is_refused_whole(site, home, name):
    plain = "x" * len(name)
    content = zip_of({"good.txt": b"good", plain: b"x"}).replace(plain.encode(), name.encode())
    with pytest.raises(ValueError, match="(was not taken apart: its member|is damaged)"):
        get_file("d.zip", site.serve("d", content), extract=True)
    assert list(tree(home)) == ["datasets/d.zip"]


def test_zip_with_a_link_is_refused(site, home):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc")
    with pytest.raises(ValueError, match="its member 'link' is neither a file nor a folder"):
        get_file("d.zip", site.serve("d", stream.getvalue()), extract=True)


def test_encrypted_zip_is_refused(site, home):
    content = bytearray(zip_of({"a.txt": b"x"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(signature) + offset] |= 1
    with pytest.raises(ValueError, match="its member 'a.txt' is encrypted"):
        get_file("d.zip", site.serve("d", bytes(content)), extract=True)


def test_shortened_tar_leaves_nothing(site, home):
    content = tar_of({"a.txt": os.urandom(2000)})
    for end in (len(content) // 2, len(content) - 4):
        with pytest.raises(ValueError, match="is damaged"):
            get_file("d.arc", site.serve("d", content[:end]), extract=True, force_download=True)
        assert os.listdir(home / "datasets") == ["d.arc"]


@pytest.mark.parametrize("make", [tar_of, zip_of])
def test_damaged_archive_leaves_nothing(site, home, make):
    files = {f"{i}.txt": os.urandom(2000) for i in range(5)}
    content = bytearray(make(files))
    content[4000] ^= 255
    with pytest.raises(ValueError, match=r"Archive .*d\.arc' is damaged"):
        get_file("d.arc", site.serve("d", bytes(content)), extract=True)
    assert os.listdir(home / "datasets") == ["d.arc"]


@pytest.mark.parametrize(
    "options, message",
    [
        ({}, "get_file needs `origin`, an address. Received: origin=None"),
        ({"fname": "a"}, "get_file needs `origin`"),
        (
            {"fname": "/tmp/a", "origin": "http://127.0.0.1:1/a"},
            "a name, not a path.*fname='/tmp/a'",
        ),
        ({"fname": "../a", "origin": "http://127.0.0.1:1/a"}, r"fname='\.\./a'"),
        ({"fname": "..", "origin": "http://127.0.0.1:1/a"}, r"fname='\.\.'"),
        ({"fname": "", "origin": "http://127.0.0.1:1/a"}, "fname=''"),
        ({"origin": "http://127.0.0.1:1/"}, "cannot tell the file's name from origin='http:"),
        ({"origin": "http://127.0.0.1:1/a/.."}, r"fname='\.\.'"),
        ({"fname": "a", "origin": "nothing"}, "origin='nothing'"),
        ({"origin": "http://127.0.0.1:1/a", "file_hash": "12"}, "file_hash='12'"),
        (
            {"origin": "http://127.0.0.1:1/a", "file_hash": SHA256, "hash_algorithm": "crc"},
            "hash_algorithm='crc'",
        ),
    ],
)
def test_arguments_are_checked(home, options, message):
    with pytest.raises(ValueError, match=message):
        get_file(**options)
    assert not home.exists()


@pytest.mark.keras
def test_arguments_are_those_of_keras(keras):
    ours, theirs = (
        inspect.signature(f).parameters.values() for f in (get_file, keras.utils.get_file)
    )
    assert [(p.name, p.default) for p in ours] == [(p.name, p.default) for p in theirs]


@pytest.mark.keras
@pytest.mark.parametrize(
    "fname, options",
    [
        ("a.txt", {}),
        ("b.tar.gz", {"extract": True}),
        ("b.v2.tar", {"untar": True}),
        ("b", {"extract": True}),
        (None, {"extract": True, "cache_subdir": "deep/er"}),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_files_lie_where_keras_puts_them(keras, tmp_path, fname, options):
    source = tmp_path / "source.tar"
    source.write_bytes(tar_of())
    places = []
    for name, get in (("theirs", keras.utils.get_file), ("ours", get_file)):
        (tmp_path / name).mkdir()
        path = get(fname, source.as_uri(), cache_dir=str(tmp_path / name), **options)
        places.append((os.path.relpath(path, tmp_path / name), tree(tmp_path / name)))
    assert places[0] == places[1]

"""Downloads: whole and checked, or not there."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from npkeras.datasets import fetch
from tests.datasets.conftest import CONTENT, MD5, SHA256


@pytest.fixture
def target(tmp_path):
    return str(tmp_path / "cache" / "data.bin")


def left(target):
    """The names of all files in the target's folder."""
    folder = os.path.dirname(target)
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []


@pytest.mark.parametrize("file_hash", [SHA256, SHA256.upper(), MD5, None])
def test_download_brings_the_content(site, target, file_hash):
    assert fetch.get(site.url + "/good", target, file_hash) == target
    assert pathlib.Path(target).read_bytes() == CONTENT
    assert left(target) == ["data.bin"]


def test_download_follows_a_redirect(site, target):
    fetch.get(site.url + "/redirect", target, SHA256)
    assert site.requests == ["/redirect", "/good"]
    assert pathlib.Path(target).read_bytes() == CONTENT


def test_file_with_the_right_hash_is_not_downloaded_again(site, target):
    for _ in range(2):
        fetch.get(site.url + "/good", target, SHA256)
    assert site.requests == ["/good"]


def test_file_without_a_hash_is_not_downloaded_again(site, target):
    for _ in range(2):
        fetch.get(site.url + "/good", target)
    assert site.requests == ["/good"]


def test_force_downloads_again(site, target):
    fetch.get(site.url + "/good", target, SHA256)
    fetch.get(site.url + "/good", target, SHA256, force=True)
    assert len(site.requests) == 2


@pytest.mark.parametrize("content", [b"", CONTENT[:5], CONTENT + b"more"])
def test_cached_file_with_a_wrong_hash_is_downloaded_again(site, target, content):
    os.makedirs(os.path.dirname(target))
    pathlib.Path(target).write_bytes(content)
    fetch.get(site.url + "/good", target, SHA256)
    assert pathlib.Path(target).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "page, reason",
    [
        ("truncated", "it ended after 1000 of 10240 bytes"),
        ("missing", "404 Not here"),
        ("endless", "302"),
        ("local", "302"),
    ],
)
def test_failed_download_says_why_and_leaves_nothing(site, target, page, reason):
    origin = f"{site.url}/{page}"
    with pytest.raises(fetch.DataUnavailableError) as caught:
        fetch.get(origin, target, SHA256)
    assert origin in str(caught.value) and reason in str(caught.value)
    assert target in str(caught.value)
    assert left(target) == []


def test_truncated_download_without_a_hash_leaves_nothing(site, target):
    with pytest.raises(fetch.DataUnavailableError, match="1000 of 10240"):
        fetch.get(site.url + "/truncated", target)
    assert left(target) == []


@pytest.mark.parametrize("page", ["altered", "short"])
def test_download_of_another_content_leaves_nothing(site, target, page):
    with pytest.raises(ValueError, match=f"its sha256 is [0-9a-f]{{64}}, not {SHA256}"):
        fetch.get(f"{site.url}/{page}", target, SHA256)
    assert left(target) == []


def test_failed_download_keeps_the_file_that_was_there(site, target):
    os.makedirs(os.path.dirname(target))
    pathlib.Path(target).write_bytes(b"old")
    with pytest.raises(ValueError, match="not the one expected"):
        fetch.get(site.url + "/altered", target, SHA256)
    assert pathlib.Path(target).read_bytes() == b"old"
    assert left(target) == ["data.bin"]


def test_stalled_download_ends_with_an_error(site, target, monkeypatch):
    monkeypatch.setattr(fetch, "_PATIENCE", 0.2)
    with pytest.raises(fetch.DataUnavailableError, match="timed out"):
        fetch.get(site.url + "/stalled", target, SHA256)
    assert left(target) == []


def test_refused_connection_names_address_and_place(target):
    with pytest.raises(fetch.DataUnavailableError) as caught:
        fetch.get("http://127.0.0.1:1/data.bin", target, SHA256)
    assert "http://127.0.0.1:1/data.bin" in str(caught.value)
    assert f"put the file at {target!r} yourself" in str(caught.value)


def test_interrupted_download_leaves_nothing(site, target, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch.get(site.url + "/good", target, SHA256)
    assert left(target) == []


@pytest.mark.parametrize("origin", ["data.bin", "gopher://x/y", "javascript:0"])
def test_other_addresses_are_refused(target, origin):
    with pytest.raises(ValueError, match=f"origin='{origin}'"):
        fetch.get(origin, target)


@pytest.mark.parametrize(
    "file_hash, algorithm, received",
    [
        ("abc", "auto", "file_hash='abc'"),
        (SHA256, "md5", "hash_algorithm='md5'"),
        (SHA256, "sha1", "hash_algorithm='sha1'"),
    ],
)
def test_hash_must_be_a_sha256_or_an_md5(target, file_hash, algorithm, received):
    with pytest.raises(ValueError, match=received):
        fetch.get("http://127.0.0.1:1/x", target, file_hash, algorithm)


def test_leftovers_of_killed_downloads_are_removed_once_old(site, target):
    folder = pathlib.Path(target).parent
    folder.mkdir()
    old, new, other = (
        folder / name for name in (".data.bin.1.part", ".data.bin.2.part", ".x.part")
    )
    for part in (old, new, other):
        part.touch()
    (folder / ".data.bin.3.part").mkdir()
    two_days_ago = time.time() - 2 * 24 * 3600
    for part in (old, other, folder / ".data.bin.3.part"):
        os.utime(part, (two_days_ago, two_days_ago))
    fetch.get(site.url + "/good", target, SHA256)
    assert left(target) == [".data.bin.2.part", ".x.part", "data.bin"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
@pytest.mark.parametrize("delay", [0.0, 0.03, 0.1])
def test_next_call_succeeds_after_a_kill(site, target, delay):
    program = (
        "import sys; from npkeras.datasets import fetch; print('begun', flush=True);"
        "fetch.get(*sys.argv[1:])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, site.url + "/slow", target, SHA256],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=pathlib.Path(__file__).parents[2],
    )
    assert process.stdout.readline() == b"begun\n"
    time.sleep(delay)
    process.kill()
    process.wait()
    process.stdout.close()
    assert "data.bin" not in left(target)
    fetch.get(site.url + "/good", target, SHA256)
    assert pathlib.Path(target).read_bytes() == CONTENT


def test_cache_folder_is_below_keras_home(monkeypatch):
    monkeypatch.setenv("KERAS_HOME", "/somewhere")
    assert fetch.cache_folder() == os.path.join("/somewhere", "datasets")


def test_cache_folder_is_below_the_home_folder_otherwise(monkeypatch):
    monkeypatch.delenv("KERAS_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/someone")
    assert fetch.cache_folder() == "/home/someone/.keras/datasets"


@pytest.fixture
def remote(site):
    return fetch.Remote("data.bin", site.url + "/good", SHA256)


@pytest.mark.parametrize("path, name", [(None, "data.bin"), ("data.bin", "data.bin"), ("b", "b")])
def test_bare_name_is_one_in_the_cache(home, remote, path, name):
    assert fetch.find(path, remote, "a loader") == str(home / "datasets" / name)


def test_default_name_means_the_cache_even_if_such_a_file_is_here(
    home, remote, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data.bin").touch()
    assert fetch.find("data.bin", remote, "a loader") == str(home / "datasets" / "data.bin")


def test_own_file_is_taken_as_it_is(home, remote, site, tmp_path, monkeypatch):
    (tmp_path / "mine.bin").touch()
    (tmp_path / "data.bin").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert fetch.find(tmp_path / "mine.bin", remote, "a loader") == str(tmp_path / "mine.bin")
    assert fetch.find("mine.bin", remote, "a loader") == "mine.bin"
    assert fetch.find("~/mine.bin", remote, "a loader") == str(tmp_path / "mine.bin")
    assert fetch.find(tmp_path, remote, "a loader") == str(tmp_path / "data.bin")
    assert fetch.find(".", remote, "a loader") == "./data.bin"
    assert site.requests == [] and not home.exists()


@pytest.mark.parametrize("path", ["nowhere/data.bin", "/nowhere/data.bin", ".."])
def test_missing_own_file_is_an_error(home, remote, site, tmp_path, monkeypatch, path):
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    with pytest.raises(FileNotFoundError, match=f"a loader expected .* path='{path}'"):
        fetch.find(path, remote, "a loader")
    assert site.requests == []


def test_path_must_be_a_path(remote):
    with pytest.raises(TypeError, match="`path` of a loader must be a path. Received: path=3"):
        fetch.find(3, remote, "a loader")

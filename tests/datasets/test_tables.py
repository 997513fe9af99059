"""Boston and California Housing: the rows that Keras gives for the same file and arguments."""

import hashlib
import inspect
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from npkeras.datasets import DataUnavailableError, boston_housing, california_housing

LOADERS = [boston_housing, california_housing]
IDS = ["boston", "california"]
each = pytest.mark.parametrize("loader", LOADERS, ids=IDS)


def keras_module(loader):
    return import_module(f"keras.src.datasets.{loader.__name__.split('.')[-1]}")


def write(path, rows=650, dtype="float64", **arrays):
    generator = np.random.RandomState(0)
    x, y = generator.normal(size=(rows, 4)), generator.normal(size=rows)
    np.savez(path, **{"x": x.astype(dtype), "y": y.astype(dtype), **arrays})
    return path


def parts(data):
    return [array for part in data for array in part]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write(tmp_path_factory.mktemp("tables") / "table.npz")


@each
def test_each_row_is_in_one_part_with_its_target(table, loader):
    (x_train, y_train), (x_test, y_test) = loader.load_data(path=table, test_split=0.25)
    assert (len(x_train), len(x_test)) == (487, 163)
    with np.load(table) as file:
        target = dict(zip(map(tuple, file["x"]), file["y"], strict=True))
    assert len(target) == 650
    for x, y in ((x_train, y_train), (x_test, y_test)):
        assert y.tolist() == [target.pop(tuple(row)) for row in x]
    assert not target


@each
def test_file_is_downloaded_once(site, home, tmp_path, monkeypatch, loader):
    content = write(tmp_path / loader._FILE.name).read_bytes()
    origin = site.serve("table.npz", content)
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(loader, "_FILE", loader._FILE._replace(origin=origin, file_hash=digest))
    for _ in range(2):
        assert len(loader.load_data()[0][0]) == 520
    assert len(site.requests) == 1
    assert (home / "datasets" / loader._FILE.name).read_bytes() == content
    assert len(loader.load_data(path=tmp_path)[0][0]) == 520  # a folder of one's own


@each
def test_without_a_network_the_message_says_what_to_do(home, no_network, loader):
    with pytest.raises(DataUnavailableError) as caught:
        loader.load_data()
    assert loader._FILE.origin in str(caught.value)
    assert str(home / "datasets" / loader._FILE.name) in str(caught.value)


def test_small_version_has_the_first_600_rows(table):
    data = california_housing.load_data("small", table, test_split=0)
    with np.load(table) as file:
        assert sorted(data[0][1]) == sorted(file["y"][:600])
    with pytest.raises(ValueError, match="`version` of california_housing.load_data must be one"):
        california_housing.load_data("tiny", table)


@each
@pytest.mark.parametrize("test_split", [-0.1, 1, 1.5, float("nan"), "0.2", None, True])
def test_split_must_be_a_fraction(table, loader, test_split):
    name = loader.__name__.split(".")[-1]
    with pytest.raises(ValueError, match=f"`test_split` of {name}.load_data must be a number"):
        loader.load_data(path=table, test_split=test_split)


@each
@pytest.mark.parametrize(
    "arrays, reason",
    [
        ({"x": np.zeros(650)}, r"Array 'x' .* \(rows, columns\). Received: shape \(650,\)"),
        ({"x": np.zeros((650, 4), bool)}, "Array 'x' .*dtype bool"),
        ({"x": np.full((650, 4), None)}, "Array 'x' .*dtype object"),
        ({"y": np.zeros(649)}, r"Array 'y' .*each of 650 rows. Received: shape \(649,\)"),
        ({"y": np.zeros(())}, "Array 'y' .*each of 650 rows"),
        ({"y": np.zeros(650, "U1")}, "Array 'y' .*dtype <U1"),
    ],
)
def test_other_layouts_are_refused(tmp_path, loader, arrays, reason):
    with pytest.raises(ValueError, match=reason):
        loader.load_data(path=write(tmp_path / "a.npz", **arrays))


@pytest.mark.keras
@each
@given(
    rows=st.sampled_from([0, 1, 2, 599, 600, 601, 640]),
    dtype=st.sampled_from(["float64", "float32"]),
    version=st.sampled_from(["small", "large"]),
    test_split=st.floats(0, 1, exclude_max=True) | st.sampled_from([0, 0.2, 0.1, 0.7]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_equal_to_keras(keras, tmp_path_factory, loader, rows, dtype, version, test_split, seed):
    theirs = keras_module(loader)
    path = write(tmp_path_factory.getbasetemp() / "compared.npz", rows, dtype)
    options = {"test_split": test_split, "seed": seed}
    if loader is california_housing:
        options["version"] = version
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theirs, "get_file", lambda *a, **k: str(path))
        expected = parts(theirs.load_data(**options))
    ours = parts(loader.load_data(path=path, **options))
    for array, array_keras in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(array, array_keras)
        assert array.dtype == array_keras.dtype


@pytest.mark.keras
@each
def test_address_hash_and_arguments_are_those_of_keras(keras, monkeypatch, loader):
    theirs = keras_module(loader)
    asked = []

    def get_file(fname, origin, file_hash):
        asked.append((fname, origin, file_hash))
        raise InterruptedError

    monkeypatch.setattr(theirs, "get_file", get_file)
    with pytest.raises(InterruptedError):
        theirs.load_data()
    assert asked == [loader._FILE]
    ours, expected = (
        [(p.name, p.default) for p in inspect.signature(load).parameters.values()]
        for load in (loader.load_data, theirs.load_data)
    )
    assert ours == expected

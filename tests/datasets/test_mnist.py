"""MNIST: the layout, the cache and files of one's own."""

import hashlib

import numpy as np
import pytest

from npkeras.datasets import DataUnavailableError, fetch, mnist

NAMES = ("x_train", "y_train", "x_test", "y_test")


@pytest.fixture
def arrays():
    pictures = np.arange(5 * 28 * 28).reshape(5, 28, 28).astype("uint8")
    digits = np.array([3, 1, 4, 1, 5], "uint8")
    return dict(zip(NAMES, (pictures[:3], digits[:3], pictures[3:], digits[3:]), strict=True))


def check_equal(data, arrays):
    (x_train, y_train), (x_test, y_test) = data
    for name, array in zip(NAMES, (x_train, y_train, x_test, y_test), strict=True):
        np.testing.assert_array_equal(array, arrays[name])
        assert array.dtype == "uint8"


def test_own_file_and_folder_are_read(tmp_path, arrays):
    np.savez(tmp_path / "mnist.npz", **arrays)
    check_equal(mnist.load_data(tmp_path / "mnist.npz"), arrays)
    check_equal(mnist.load_data(str(tmp_path)), arrays)


def test_file_is_downloaded_once_and_kept_where_keras_keeps_it(
    site, home, tmp_path, arrays, monkeypatch
):
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    content = (tmp_path / "a.npz").read_bytes()
    origin = site.serve("mnist.npz", content)
    remote = fetch.Remote("mnist.npz", origin, hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(mnist, "_FILE", remote)
    for _ in range(2):
        check_equal(mnist.load_data(), arrays)
    assert len(site.requests) == 1
    assert (home / "datasets" / "mnist.npz").read_bytes() == content


def test_without_a_network_the_message_says_what_to_do(home, no_network):
    with pytest.raises(DataUnavailableError) as caught:
        mnist.load_data()
    message = str(caught.value)
    assert "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz" in message
    assert str(home / "datasets" / "mnist.npz") in message


def test_file_in_the_cache_that_is_not_mnist_is_not_used(home, no_network, arrays):
    (home / "datasets").mkdir(parents=True)
    np.savez(home / "datasets" / "mnist.npz", **arrays)
    with pytest.raises(DataUnavailableError, match="no network"):
        mnist.load_data()


@pytest.mark.parametrize(
    "name, array, reason",
    [
        ("x_train", np.zeros((3, 28, 27), "uint8"), r"Received: shape \(3, 28, 27\), dtype uint8"),
        ("x_test", np.zeros((2, 28, 28), "float32"), r"\(2, 28, 28\), dtype float32"),
        ("y_train", np.zeros(4, "uint8"), r"of shape \(3,\), one for each .* shape \(4,\)"),
        ("y_test", np.zeros(2), "Received: shape .*dtype float64"),
        ("y_test", np.array([{}, {}], object), "dtype object"),
    ],
)
def test_other_layouts_are_refused(tmp_path, arrays, name, array, reason):
    np.savez(tmp_path / "mnist.npz", **{**arrays, name: array})
    with pytest.raises(ValueError, match=f"Array '{name}' .*{reason}"):
        mnist.load_data(tmp_path)


def test_file_without_an_array_is_refused(tmp_path, arrays):
    del arrays["y_test"]
    np.savez(tmp_path / "mnist.npz", **arrays)
    with pytest.raises(ValueError, match="mnist.load_data expected each of the arrays .*y_test"):
        mnist.load_data(tmp_path)


def test_real_digits_are_what_numpy_reads(data_folder):
    with np.load(data_folder / "mnist.npz", allow_pickle=False) as file:
        check_equal(mnist.load_data(data_folder), file)


@pytest.mark.keras
def test_address_hash_and_name_are_those_of_keras(keras, monkeypatch):
    from keras.src.datasets import mnist as theirs

    asked = {}

    def get_file(fname, origin, file_hash):
        asked.update(fname=fname, origin=origin, file_hash=file_hash)
        raise InterruptedError

    monkeypatch.setattr(theirs, "get_file", get_file)
    with pytest.raises(InterruptedError):
        theirs.load_data()
    assert tuple(asked.values()) == mnist._FILE

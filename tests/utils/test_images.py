"""Pictures: files, pictures of Pillow and arrays give what Keras makes of them."""

import builtins
import io
import pathlib

import numpy as np
import pytest

import npkeras
from npkeras import config, utils

Image = pytest.importorskip("PIL.Image")

FILTERS = ["nearest", "bilinear", "bicubic", "hamming", "box", "lanczos"]


def noise(*shape):
    return np.random.default_rng(0).random(shape)


@pytest.fixture
def folder(tmp_path):
    """Pictures of every kind that `load_img` tells apart."""
    rgb = (noise(20, 31, 3) * 255).astype("uint8")
    Image.fromarray(rgb).save(tmp_path / "rgb.png")
    Image.fromarray(rgb).save(tmp_path / "rgb.jpg")
    Image.fromarray((noise(6, 5, 4) * 255).astype("uint8")).save(tmp_path / "rgba.png")
    Image.fromarray((noise(6, 5) * 255).astype("uint8")).save(tmp_path / "gray.png")
    Image.fromarray((noise(6, 5) * 60000).astype("uint16")).save(tmp_path / "gray16.png")
    Image.fromarray((noise(6, 5) * 60000).astype("int32")).save(tmp_path / "gray32.tif")
    return tmp_path


def test_an_array_in_a_file_comes_back(tmp_path):
    x = np.arange(24, dtype="uint8").reshape(2, 4, 3)
    utils.save_img(tmp_path / "x.png", x, scale=False)
    image = utils.load_img(tmp_path / "x.png")
    assert (image.size, image.mode) == ((4, 2), "RGB")
    np.testing.assert_array_equal(utils.img_to_array(image, dtype="uint8"), x)


def test_scaling_spreads_an_array_from_0_to_255():
    x = np.array([[[-1.0], [0.0], [3.0]]])
    assert np.asarray(utils.array_to_img(x)).tolist() == [[0, 63, 255]]


def test_channels_first(folder):
    image = utils.load_img(folder / "rgb.png")
    first = utils.img_to_array(image, "channels_first")
    assert first.shape == (3, 20, 31)
    again = utils.array_to_img(first, "channels_first", scale=False)
    np.testing.assert_array_equal(np.asarray(again), np.asarray(image))


def test_the_settings_are_those_of_config(folder):
    config.set_image_data_format("channels_first")
    config.set_floatx("float64")
    x = utils.img_to_array(utils.load_img(folder / "rgb.png"))
    assert (x.shape, x.dtype) == ((3, 20, 31), "float64")


def test_files_in_memory(folder):
    data = io.BytesIO((folder / "rgb.png").read_bytes())
    assert utils.load_img(data).size == (31, 20)
    data = io.BytesIO()
    utils.save_img(data, noise(2, 3, 3), file_format="png")
    assert Image.open(data).size == (3, 2)


def test_jpeg_leaves_opacity_out(tmp_path):
    utils.save_img(tmp_path / "x.jpg", noise(4, 5, 4))
    utils.save_img(tmp_path / "x.dat", noise(4, 5, 4), file_format="jpg", quality=30)
    for name in ("x.jpg", "x.dat"):
        assert Image.open(tmp_path / name).mode == "RGB"


@pytest.mark.keras
@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
def test_files_are_read_as_in_keras(folder, keras, color_mode):
    for path in sorted(folder.iterdir()):
        ours, theirs = (
            package.utils.load_img(path, color_mode=color_mode) for package in (npkeras, keras)
        )
        assert ours.mode == theirs.mode, path.name
        np.testing.assert_array_equal(
            utils.img_to_array(ours), keras.utils.img_to_array(theirs), err_msg=path.name
        )


@pytest.mark.keras
@pytest.mark.parametrize("keep", [False, True], ids=["distorted", "cut"])
@pytest.mark.parametrize("interpolation", FILTERS)
def test_files_are_resized_as_in_keras(folder, keras, interpolation, keep):
    for size in [(7, 9), (15, 6), (40, 50), (20, 31), (1, 1)]:
        ours, theirs = (
            package.utils.load_img(folder / "rgb.png", "rgb", size, interpolation, keep)
            for package in (npkeras, keras)
        )
        np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs), err_msg=str(size))


@pytest.mark.keras
@pytest.mark.parametrize(
    "x, options",
    [
        (noise(4, 5, 3) * 3 - 1, {}),
        (noise(4, 5, 1) * 3 - 1, {}),
        (noise(4, 5, 4), {}),
        (noise(3, 4, 5), {"data_format": "channels_first"}),
        (np.ones((2, 2, 3)), {}),
        (noise(4, 5, 1) * 2000 - 1000, {"scale": False}),
        (noise(4, 5, 3) * 255.9, {"scale": False}),
        ((noise(4, 5, 3) * 255).astype("uint8"), {"scale": False, "dtype": "float64"}),
        ([[[1.0, 2.0, 3.0]]], {}),
    ],
    ids=["rgb", "gray", "rgba", "first", "constant", "deep gray", "as it is", "whole", "list"],
)
def test_arrays_become_pictures_as_in_keras(keras, x, options):
    ours, theirs = (p.utils.array_to_img(x, **options) for p in (npkeras, keras))
    assert (ours.mode, ours.size) == (theirs.mode, theirs.size)
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: utils.load_img("x.png", color_mode="cmyk"), "`color_mode` of load_img.*'cmyk'"),
        (lambda: utils.load_img("x.png", interpolation="area"), "`interpolation` of.*'area'"),
        (lambda: utils.load_img("x.png", target_size=9), r"\(height, width\).*target_size=9"),
        (lambda: utils.load_img("x.png", target_size=(0, 2)), "positive integer.*target_size=0"),
        (lambda: utils.img_to_array(noise(2, 2, 2, 2)), r"Received: shape \(2, 2, 2, 2\)"),
        (lambda: utils.img_to_array(noise(2, 2), "last"), "`data_format` of img_to_array.*'last'"),
        (lambda: utils.array_to_img(noise(4, 5)), r"one picture.*Received: shape \(4, 5\)"),
        (lambda: utils.array_to_img(noise(0, 5, 3)), r"not empty.*Received: shape \(0, 5, 3\)"),
        (lambda: utils.array_to_img(noise(4, 5, 2)), "1, 3 or 4 channels. Received: 2 channels"),
        (lambda: utils.array_to_img(np.full((1, 1, 3), np.nan)), "finite numbers.*NaN"),
        (
            lambda: utils.array_to_img(np.array([[[-1.0, 0.0, 256.0]]]), scale=False),
            "from 0 to 255 with scale=False. Received: numbers from -1.0 to 256.0",
        ),
    ],
)
def test_what_is_no_picture_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_what_is_no_path_is_refused(tmp_path):
    with pytest.raises(TypeError, match="path or an `io.BytesIO`.*path=3 of type int"):
        utils.load_img(3)
    with pytest.raises(FileNotFoundError):
        utils.load_img(tmp_path / "none.png")


def test_without_pillow_it_says_what_to_install(monkeypatch, folder):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith("PIL"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    for call in (
        lambda: utils.load_img(pathlib.Path(folder, "rgb.png")),
        lambda: utils.array_to_img(noise(2, 2, 3)),
    ):
        with pytest.raises(ImportError, match="pip install pillow"):
            call()

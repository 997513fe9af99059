"""Pictures in another size have Keras' numbers, and the modules are there under Keras' names."""

import importlib

import numpy as np
import pytest

import npkeras
from npkeras import utils
from npkeras.preprocessing import image
from npkeras.preprocessing.image import smart_resize

RNG = np.random.default_rng(0)


def test_functions_of_utils_are_here_under_the_names_of_keras():
    for name in ("array_to_img", "img_to_array", "load_img", "save_img"):
        assert getattr(image, name) is getattr(utils, name)
    sequence = importlib.import_module("npkeras.preprocessing.sequence")
    assert sequence.pad_sequences is utils.pad_sequences
    for name in ("image_dataset", "text_dataset"):
        name += "_from_directory"
        assert getattr(npkeras.preprocessing, name) is getattr(utils, name)
    theirs = utils.timeseries_dataset_from_array
    assert npkeras.preprocessing.timeseries_dataset_from_array is theirs


@pytest.mark.keras
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic", "lanczos3", "area"])
@pytest.mark.parametrize("size", [(4, 4), (3, 11), (20, 5), [1, 30]])
def test_smart_resize_has_the_numbers_of_keras(keras, size, interpolation):
    for shape in [(9, 14, 3), (2, 8, 6, 1)]:
        x = RNG.random(shape) * 255
        ours = smart_resize(x, size, interpolation)
        theirs = keras.preprocessing.image.smart_resize(x, size, interpolation)
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=2e-3)


@pytest.mark.keras
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float16", "float64"])
def test_smart_resize_has_the_dtype_of_keras(keras, dtype):
    x = (RNG.random((7, 9, 3)) * 255).astype(dtype)
    for interpolation in ("bilinear", "nearest"):
        ours = smart_resize(x, (4, 4), interpolation)
        theirs = keras.preprocessing.image.smart_resize(x, (4, 4), interpolation)
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-3)


def test_smart_resize_cuts_rather_than_distort():
    x = np.zeros((4, 10, 1))
    x[:, 3:7] = 1
    np.testing.assert_array_equal(smart_resize(x, (2, 2)), np.ones((2, 2, 1)))


def test_smart_resize_of_channels_first():
    x = RNG.random((2, 3, 8, 11))
    first = smart_resize(x, (4, 5), data_format="channels_first")
    last = smart_resize(x.transpose(0, 2, 3, 1), (4, 5))
    np.testing.assert_array_equal(first, last.transpose(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"size": (4,)},
            r"`size` of smart_resize must be \(height, width\). Received: size=\(4,\)",
        ),
        ({"size": 4}, "`size` of smart_resize must be"),
        ({"size": (0, 4)}, "size"),
        ({"x": np.ones((3, 3))}, r"expects a picture .* Received: shape \(3, 3\)"),
        ({"interpolation": "cubic"}, "interpolation"),
        ({"data_format": "last"}, "data_format"),
    ],
)
def test_what_smart_resize_cannot_take_is_named(changed, message):
    with pytest.raises(ValueError, match=message):
        smart_resize(**{"x": np.ones((4, 4, 3)), "size": (2, 2), **changed})

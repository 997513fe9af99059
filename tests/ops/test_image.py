"""`ops.image` against live Keras: sizes, edges, patches, colours, and what is refused."""

import numpy as np
import pytest

import npkeras
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import GradientTape, Traced
from npkeras.ops.image import resize
from tests.layers.engines import array

X = np.random.default_rng(0).random((2, 6, 8, 3)).astype("float32")
FIRST = X.transpose(0, 3, 1, 2)
BYTES = (X * 255).astype("uint8")


@pytest.fixture(params=["npkeras", pytest.param("keras", marks=pytest.mark.keras)])
def engine(request):
    """npkeras, or live Keras."""
    return npkeras if request.param == "npkeras" else request.getfixturevalue("keras")


METHODS = ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"]


def both(keras, name, x, *args, rtol=1e-5, **options):
    """Compare an op on an array, with the dtype and the shape that a symbolic call tells."""
    expected = np.asarray(getattr(keras.ops.image, name)(x, *args, **options))
    op = getattr(npkeras.ops.image, name)
    y = op(x, *args, **options)
    np.testing.assert_allclose(y, expected, rtol=rtol, atol=rtol)
    assert y.dtype == expected.dtype
    spec = op(KerasTensor(x.shape, x.dtype), *args, **options)
    assert (spec.shape, spec.dtype) == (y.shape, y.dtype)


@pytest.mark.keras
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(3, 5), (6, 11), (13, 2), (1, 1), (6, 8)])
def test_sizes(keras, size, method, antialias):
    both(keras, "resize", X, size, interpolation=method, antialias=antialias)


@pytest.mark.keras
@pytest.mark.parametrize("way", ["crop_to_aspect_ratio", "pad_to_aspect_ratio"])
@pytest.mark.parametrize("size", [(3, 5), (5, 3), (4, 13), (1, 30), (30, 1)])
def test_the_ratio_can_be_kept(keras, size, way):
    for x, data_format in ((X, "channels_last"), (X[0, :5], None), (FIRST, "channels_first")):
        both(keras, "resize", x, size, **{way: True}, fill_value=0.5, data_format=data_format)


@pytest.mark.keras
@pytest.mark.parametrize("dtype", ["float16", "float64", "uint8", "int16", "int32"])
@pytest.mark.parametrize("method", METHODS)
def test_dtypes_stay(keras, method, dtype):
    x = BYTES.astype(dtype)
    y = resize(x, (5, 9), interpolation=method)
    expected = np.asarray(keras.ops.image.resize(x, (5, 9), interpolation=method))
    assert y.dtype == expected.dtype == dtype
    exact = resize(x.astype("float64"), (5, 9), interpolation=method)
    if np.dtype(dtype).kind == "f":
        np.testing.assert_allclose(
            y, expected, rtol=1e-3 if dtype == "float16" else 1e-5, atol=1e-3
        )
    else:  # a number half way between two may be rounded to either
        half_way = np.abs(exact % 1 - 0.5) < 1e-4
        np.testing.assert_array_equal(y[~half_way], expected[~half_way])
        assert np.abs(y.astype("int64") - expected).max() <= 1


@pytest.mark.keras
def test_the_nearest_entry_is_that_of_tensorflow(tf):
    for length in range(1, 40):
        x = np.arange(length, dtype="int32").reshape(1, length, 1, 1)
        for new in (1, 2, 3, 7, 10, 23, 39, 64):
            expected = np.asarray(tf.image.resize(x, (new, 1), method="nearest"))
            np.testing.assert_array_equal(resize(x, (new, 1), interpolation="nearest"), expected)


@pytest.mark.parametrize("option", [{}, {"crop_to_aspect_ratio": True}])
def test_the_size_is_known_where_that_of_the_images_is_not(option):
    spec = resize(KerasTensor((None, None, None, 3), "uint8"), (4, 5), **option)
    assert (spec.shape, spec.dtype) == ((None, 4, 5, 3), "uint8")


@pytest.mark.parametrize(
    "args, options",
    [
        ((X, (4,)), {}),
        ((X, (0, 4)), {}),
        ((X, (4.0, 5)), {}),
        ((X[0, 0], (4, 5)), {}),
        ((X[None], (4, 5)), {}),
        ((X[:, :0], (4, 5)), {}),
        ((X, (4, 5)), {"interpolation": "NEAREST"}),
        ((X, (4, 5)), {"fill_mode": "reflect"}),
        ((X, (4, 5)), {"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}),
        ((X, (4, 5)), {"data_format": "last"}),
    ],
)
def test_what_cannot_be_resized(args, options):
    with pytest.raises(ValueError, match="Received"):
        resize(*args, **options)


def test_a_size_is_a_pair(engine):
    for size in (4, None):
        with pytest.raises(TypeError):
            engine.ops.image.resize(X, size)


EDGES = [
    {"top": 1, "left": 2, "bottom": 0, "right": 1},
    {"top": 1, "left": 2, "target_height": 3, "target_width": 5},
    {"bottom": 1, "right": 2, "target_height": 3, "target_width": 5},
]


def edges(kind, given, more=0):
    """Arguments of `pad_images` or `crop_images`."""
    targets = {k: v + more for k, v in given.items() if k.startswith("target")}
    return {f"{k}_{kind}": v for k, v in given.items() if k not in targets} | targets


@pytest.mark.keras
@pytest.mark.parametrize("given", EDGES)
@pytest.mark.parametrize("x", [X, X[0], BYTES, FIRST], ids=["batch", "one", "bytes", "first"])
def test_edges(keras, x, given):
    options = {"data_format": "channels_first"} if x is FIRST else {}
    both(keras, "crop_images", x, **edges("cropping", given), **options)
    both(keras, "pad_images", x, **edges("padding", given, 9), **options)


@pytest.mark.parametrize("kind, name", [("padding", "pad_images"), ("cropping", "crop_images")])
@pytest.mark.parametrize(
    "given",
    [
        {},
        {"top": 1, "left": 1},
        {"top": 1, "bottom": 1, "target_height": 3, "left": 0, "right": 0},
        {"top": -1, "bottom": 1, "left": 0, "right": 0},
        {"top": 9, "target_height": 6, "left": 9, "target_width": 8},
    ],
)
def test_edges_that_say_too_little_or_too_much(engine, kind, name, given):
    inputs = engine.Input((6, 8, 3))
    with pytest.raises(ValueError):
        getattr(engine.ops.image, name)(inputs, **edges(kind, given))
    with pytest.raises(ValueError, match="_images` "):
        getattr(npkeras.ops.image, name)(X, **edges(kind, given))


def test_edges_of_images_of_unknown_size():
    x = KerasTensor((None, None, 8, 3))
    padded = npkeras.ops.image.pad_images(x, 1, 1, 1, 1)
    cropped = npkeras.ops.image.crop_images(x, 1, 1, target_height=4, target_width=4)
    assert (padded.shape, cropped.shape) == ((None, None, 10, 3), (None, 4, 4, 3))


@pytest.mark.keras
@pytest.mark.parametrize(
    "size, options",
    [
        (3, {}),
        ((3, 2), {}),
        (3, {"strides": (1, 2)}),
        (2, {"strides": 1, "dilation_rate": 2}),
        (3, {"padding": "same"}),
        (3, {"padding": "same", "strides": 2}),
    ],
)
def test_patches(keras, size, options):
    both(keras, "extract_patches", X, size, **options)
    both(keras, "extract_patches", X[0], size, **options)
    both(keras, "extract_patches", FIRST, size, **options, data_format="channels_first")


@pytest.mark.keras
@pytest.mark.parametrize("options", [{}, {"padding": "same", "strides": 1}])
def test_patches_of_volumes(keras, options):
    x = np.random.default_rng(1).random((2, 4, 5, 4, 3)).astype("float32")
    for volumes in (x, x[0]):
        both(keras, "extract_patches_3d", volumes, (2, 1, 2), **options)
        both(keras, "extract_patches", volumes, (2, 1, 2), **options)


def test_patches_that_are_refused(engine):
    patches = engine.ops.image.extract_patches
    for size in (3.0, None):
        with pytest.raises(TypeError):
            patches(X, size)
    for size, options in (((3,), {}), (3, {"strides": 2, "dilation_rate": 2})):
        with pytest.raises(ValueError):
            patches(X, size, **options)
    with pytest.raises(ValueError):
        patches(X[0, 0], 3)
    with pytest.raises(TypeError):
        engine.ops.image.extract_patches_3d(X[None], (2, 2))


SPECIAL = np.array(
    [[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.1], [0.1, 0.5, 0.5], [0.5, 0.1, 0.5], [1, 0, 0]]
)


@pytest.mark.keras
@pytest.mark.parametrize("name", ["rgb_to_grayscale", "rgb_to_hsv", "hsv_to_rgb"])
def test_colors(keras, name):
    x = X.copy()
    x[0, 0, :6] = SPECIAL
    both(keras, name, x)
    both(keras, name, x[0])
    both(keras, name, x.transpose(0, 3, 1, 2), data_format="channels_first")
    both(keras, name, x.astype("float16"), rtol=2e-3)
    both(keras, name, x.astype("float64"))
    if name == "rgb_to_grayscale":
        both(keras, name, BYTES)
        both(keras, name, X[..., :1])


def test_there_and_back_again():
    image = npkeras.ops.image
    np.testing.assert_allclose(image.hsv_to_rgb(image.rgb_to_hsv(X)), X, atol=1e-6)


def test_colors_that_are_refused(engine):
    image = engine.ops.image
    with pytest.raises(ValueError):
        image.rgb_to_grayscale(X[..., :2])
    for function in (image.rgb_to_hsv, image.hsv_to_rgb):
        for x in (BYTES, X[0, 0]):
            with pytest.raises(ValueError):
                function(x)
    with pytest.raises(ValueError, match="3 channels"):
        npkeras.ops.image.rgb_to_hsv(X[..., :2])


def test_a_model_with_images_is_remade_from_its_config(engine):
    """Each op is one node of the graph, under the name that Keras has for it."""
    inputs = engine.Input((6, 8, 3))
    x = engine.ops.image.resize(inputs, (4, 4), interpolation="bicubic")
    x = engine.ops.image.rgb_to_grayscale(x)
    x = engine.ops.image.extract_patches(x, 2)
    model = engine.Model(inputs, x)
    config = model.get_config()
    names = [layer["class_name"] for layer in config["layers"]]
    assert names == ["InputLayer", "Resize", "RGBToGrayscale", "ExtractPatches"]
    again = engine.Model.from_config(config)
    np.testing.assert_array_equal(array(again(X)), array(model(X)))


MOVES = np.random.default_rng(5).normal(size=(2, 8)) * [1, 0.5, 3, 0.5, 1, 3, 0.01, 0.01]


@pytest.mark.keras
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8", "int32", "int64"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "wrap", "reflect"])
def test_moved_images_are_those_of_keras_to_the_bit(keras, fill_mode, interpolation, dtype):
    ways = {"fill_mode": fill_mode, "interpolation": interpolation, "fill_value": 7.5}
    x = BYTES.astype(dtype)
    moves = MOVES.astype("float32")
    both(keras, "affine_transform", x, moves, rtol=0, **ways)
    both(keras, "affine_transform", x[0], moves[0], rtol=0, **ways)
    first = x.transpose(0, 3, 1, 2)
    both(keras, "affine_transform", first, moves[:1], rtol=0, data_format="channels_first", **ways)


@pytest.mark.keras
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("fill_mode", ["constant", "nearest", "wrap", "reflect"])
def test_gradients_of_moved_images_are_those_of_keras(keras, tf, fill_mode, interpolation):
    ways = {"fill_mode": fill_mode, "interpolation": interpolation, "fill_value": 7.5}
    angle = np.linspace(0.3, 2, 2)
    cos, sin, zero = np.cos(angle), np.sin(angle), 0 * angle
    moves = np.stack([cos, -sin, 2.7 + zero, sin, cos, 0.4 + zero, zero, zero], 1).astype("float32")
    dy = np.random.default_rng(6).normal(size=X.shape).astype("float32")
    theirs, given = tf.constant(X), tf.constant(moves)
    with tf.GradientTape() as tape:
        tape.watch([theirs, given])
        y = keras.ops.image.affine_transform(theirs, given, **ways)
    expected, none = tape.gradient(y, [theirs, given], dy)
    ours, traced = Traced(X, object()), Traced(moves, object())
    with GradientTape() as tape:
        y = npkeras.ops.image.affine_transform(ours, traced, **ways)
    found, also_none = tape.gradient(y, [ours, traced], dy)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5)
    assert none is None
    assert also_none is None or not np.any(also_none)


@pytest.mark.parametrize(
    "images, transform, options, message",
    [
        (X, MOVES[:, :7], {}, r"eight numbers.*\(2, 7\)"),
        (X, np.ones((2, 3, 3)), {}, r"eight numbers.*\(2, 3, 3\)"),
        (X, np.ones((3, 8)), {}, r"one for each image.*\(3, 8\)"),
        (X[0, 0], MOVES, {}, r"expects one image.*\(8, 3\)"),
        (X, MOVES, {"fill_mode": "mirror"}, "`fill_mode` of `affine_transform`.*'mirror'"),
        (X, MOVES, {"interpolation": "cubic"}, "`interpolation`.*'cubic'"),
        (X, MOVES, {"data_format": "last"}, "`data_format`.*'last'"),
    ],
)
def test_moves_that_are_refused(images, transform, options, message):
    with pytest.raises(ValueError, match=message):
        npkeras.ops.image.affine_transform(images, transform, **options)


def test_only_numbers_are_moved():
    with pytest.raises(TypeError, match="images of numbers.*bool"):
        npkeras.ops.image.affine_transform(X > 0.5, MOVES)

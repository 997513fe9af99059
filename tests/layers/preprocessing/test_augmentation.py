"""Layers that change images at random: seeds, modes, dicts, models, files, what is refused."""

import random

import numpy as np
import pytest

import npkeras
from npkeras import Input, layers
from npkeras.core.tape import GradientTape, Traced
from npkeras.data.elements import Dataset
from tests.layers.engines import array, name_of_dtype, ones

X = np.random.default_rng(0).uniform(0, 255, (4, 8, 9, 3)).astype("float32")
BYTES = X.astype("uint8")
CLASSES = (X[..., :1] / 50).astype("uint8")
FIRST = {"data_format": "channels_first"}

ARGUMENTS = {
    "RandomFlip": {},
    "RandomRotation": {"factor": 0.2},
    "RandomZoom": {"height_factor": 0.2, "width_factor": (-0.3, 0.1)},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.3},
    "RandomContrast": {"factor": 0.3},
    "RandomBrightness": {"factor": 0.3},
    "RandomCrop": {"height": 4, "width": 5},
}
MOVES = ["RandomRotation", "RandomZoom", "RandomTranslation"]
every = pytest.mark.parametrize("name", ARGUMENTS)


def made(which, engine=npkeras, **more):
    return getattr(engine.layers, which)(**{"seed": 7, **ARGUMENTS[which], **more})


def close(y, expected):
    """To a part in 100,000 of the range of pixels: the sine may differ in the last place."""
    expected = np.asarray(expected)
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=2.5e-3)
    assert y.dtype == expected.dtype


# Keras' numbers


@pytest.mark.keras
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int32"])
@every
def test_the_same_seed_gives_the_images_of_keras_call_after_call(keras, name, dtype):
    if name == "RandomContrast" and "int" in dtype:
        pytest.skip("Keras on TensorFlow takes no integers here")
    theirs, ours = made(name, keras), made(name)
    for x in (X, X[0], X[:1], X[:0], X):
        x = x.astype(dtype)
        for mode in ({}, {"training": True}, {"training": False}, {"training": None}):
            close(ours(x, **mode), theirs(x, **mode))


@pytest.mark.keras
@every
def test_channels_may_come_first(keras, name):
    theirs, ours = made(name, keras, **FIRST), made(name, **FIRST)
    for x in (X.transpose(0, 3, 1, 2), X[0].transpose(2, 0, 1)):
        close(ours(x), theirs(x))


@pytest.mark.keras
@pytest.mark.parametrize("policy", ["float16", "float64", "mixed_float16"])
@every
def test_other_dtypes(keras, name, policy):
    for x in (X, BYTES):
        if name == "RandomContrast" and x is BYTES:
            continue  # TensorFlow cannot do it
        y, expected = made(name, dtype=policy)(x), np.asarray(made(name, keras, dtype=policy)(x))
        assert y.dtype == expected.dtype
        atol = 0.5 if "16" in policy and y.dtype != "uint8" else 2.5e-3
        np.testing.assert_allclose(y.astype("float64"), expected.astype("float64"), atol=atol)


@pytest.mark.keras
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("fill_mode", ["reflect", "wrap", "constant", "nearest"])
@pytest.mark.parametrize("name", MOVES)
def test_all_ways_to_fill(keras, name, fill_mode, interpolation):
    ways = {"fill_mode": fill_mode, "interpolation": interpolation, "fill_value": 3.5}
    close(made(name, **ways)(X), made(name, keras, **ways)(X))


@pytest.mark.keras
@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_all_ways_to_flip(keras, mode):
    close(made("RandomFlip", mode=mode)(X), made("RandomFlip", keras, mode=mode)(X))


@pytest.mark.keras
@pytest.mark.parametrize(
    "size", [(4, 5), (8, 9), (8, 5), (4, 9), (10, 5), (4, 12), (11, 12), (20, 1), (1, 1)]
)
def test_parts_of_large_and_of_small_images(keras, size):
    height, width = size
    options = {"height": height, "width": width}
    close(made("RandomCrop", **options)(X), made("RandomCrop", keras, **options)(X))


@pytest.mark.keras
@every
def test_labels_and_masks_are_as_in_keras(keras, name):
    data = {"images": X, "segmentation_masks": CLASSES, "labels": ones(4, 2), "other": ones(3)}
    expected = made(name, keras)(dict(data), training=True)
    y = made(name)(data, training=True)
    assert set(y) == set(expected) == set(data)
    for key in data:
        close(y[key], expected[key])
    assert data["images"] is X


@pytest.mark.keras
def test_models_train_alike_and_read_each_others_files(keras, tmp_path):
    histories, models = [], []
    for engine in (keras, npkeras):
        model = engine.Sequential([engine.Input((8, 9, 3)), engine.layers.Rescaling(1 / 255)])
        for name in ARGUMENTS:
            tones = (
                {"value_range": (0, 1)} if name in ("RandomContrast", "RandomBrightness") else {}
            )
            more = {"height": 8, "width": 9} if name == "RandomCrop" else {}
            model.add(made(name, engine, **tones, **more))
        initializer = engine.initializers.GlorotUniform(seed=1)
        model.add(engine.layers.Flatten())
        model.add(engine.layers.Dense(2, kernel_initializer=initializer))
        model.compile(engine.optimizers.SGD(0.001), "mse")
        y = np.arange(8, dtype="float32").reshape(4, 2)
        history = model.fit(X, y, epochs=3, batch_size=3, shuffle=False, verbose=0).history
        histories.append(history["loss"])
        models.append(model)
    np.testing.assert_allclose(histories[1], histories[0], rtol=1e-4)
    for source, reader in zip(models, (npkeras, keras), strict=True):
        source.save(tmp_path / "model.keras")
        other = reader.saving.load_model(tmp_path / "model.keras")
        expected = source.predict(X, verbose=0)
        np.testing.assert_allclose(other.predict(X, verbose=0), expected, rtol=1e-4, atol=1e-4)


# Both engines alike


@every
def test_seeds_make_runs_repeatable(engine, name):
    layer = made(name, engine)
    first, second = array(layer(X)), array(layer(X))
    np.testing.assert_array_equal(array(made(name, engine)(X)), first)
    assert not np.array_equal(first, second)
    assert not np.array_equal(array(made(name, engine, seed=8)(X)), first)


def test_images_stay_as_they_are_outside_training(engine):
    for name in ARGUMENTS:
        layer = made(name, engine)
        np.testing.assert_array_equal(array(layer(X, training=False)), X)
        state = array(layer.generator.state.value)
        assert state.tolist() == [7, 0]  # nothing was drawn


def test_predict_and_evaluate_are_not_in_training(engine):
    flips = engine.layers.RandomFlip(seed=1)
    model = engine.Sequential([engine.Input((8, 9, 3)), flips])
    np.testing.assert_array_equal(model.predict(X, verbose=0), X)
    assert not np.array_equal(array(model(X, training=True)), X)


def test_bytes_become_floats_where_they_are_computed_with(engine):
    kept = {"RandomBrightness"}
    for name in set(ARGUMENTS) - {"RandomContrast"}:
        dtype = name_of_dtype(made(name, engine)(BYTES))
        assert dtype == ("uint8" if name in kept else "float32"), name


def test_brighter_bytes_wrap_around(engine):
    layer = engine.layers.RandomBrightness((0.5, 0.5))
    np.testing.assert_array_equal(array(layer(np.full((1, 1, 1), 200, "uint8"))), 71)
    layer = engine.layers.RandomBrightness((0.5, 0.5), value_range=(0, 1))
    np.testing.assert_array_equal(array(layer(np.full((1, 1, 1), 0.8, "float32"))), 1)


def test_shapes_are_known_where_those_of_images_are_not(engine):
    for name in ARGUMENTS:
        y = made(name, engine)(engine.Input((None, None, 3), dtype="uint8"))
        size = (4, 5) if name == "RandomCrop" else (None, None)
        assert (tuple(y.shape), name_of_dtype(y)) == ((None, *size, 3), "float32")


def test_a_crop_without_a_seed_says_which_it_took(engine):
    assert isinstance(engine.layers.RandomCrop(2, 2).get_config()["seed"], int)
    assert engine.layers.RandomFlip().get_config()["seed"] is None


# Ours


def test_flips_happen_half_of_the_time_and_to_each_image_on_its_own():
    flags = np.concatenate(
        [
            layers.RandomFlip("horizontal", seed=s)(np.tile(X[:1], (50, 1, 1, 1)))[:, 0, 0, 0]
            == X[0, 0, 0, 0]
            for s in range(20)
        ]
    )
    assert 430 < flags.sum() < 570  # 4.4 standard deviations around 500


def test_factors_are_spread_evenly_over_their_range():
    images = ones(2000, 2, 3, 1)
    zoom = made("RandomZoom").get_random_transformation(images)
    shift = made("RandomTranslation").get_random_transformation(images)["translations"]
    angle = made("RandomRotation").get_random_transformation(images)["angle"]
    for drawn, low, high in (
        (zoom["height_zoom"], 0.8, 1.2),
        (zoom["width_zoom"], 0.7, 1.1),
        (shift[:, 1], -0.4, 0.4),
        (shift[:, 0], -0.9, 0.9),
        (angle, -72, 72),
    ):
        places = np.sort((drawn.ravel() - low) / (high - low))
        steps = np.arange(2000) / 2000
        assert np.abs(places - steps).max() < 0.045  # Kolmogorov and Smirnov, 1 in 1000


def test_contrast_of_bytes_is_that_of_floats():
    np.testing.assert_array_equal(
        made("RandomContrast")(BYTES), made("RandomContrast")(BYTES + 0.0)
    )


def test_gradients_pass_through():
    x = Traced(X, object())
    with GradientTape() as tape:
        y = made("RandomCrop")(x, training=True)
    (gradient,) = tape.gradient(y, [x])
    assert gradient.sum() == y.shape[0] * 4 * 5 * 3
    assert set(np.unique(gradient)) == {0, 1}


def test_within_a_dataset():
    images = Dataset(lambda: iter(X), len(X)).batch(2)
    flip, same = made("RandomFlip"), made("RandomFlip")
    y = np.concatenate(list(images.map(lambda x: flip(x, training=True))))
    expected = np.concatenate([same(X[:2]), same(X[2:])])
    np.testing.assert_array_equal(y, expected)
    assert not np.array_equal(y, X)


def test_a_dict_of_symbolic_tensors():
    data = {"images": Input((8, 9, 3)), "segmentation_masks": Input((8, 9, 1))}
    y = made("RandomCrop")(data)
    assert y["images"].shape == (None, 4, 5, 3)
    assert y["segmentation_masks"].shape == (None, 4, 5, 1)


@every
def test_what_is_no_image_is_refused(name):
    layer = made(name, name="r")
    for x in (ones(6, 8), ones(1, 1, 6, 8, 3), Input((8,))):
        with pytest.raises(ValueError, match=rf"'r' \({name}\) expects one image"):
            layer(x)
    with pytest.raises(KeyError, match=rf"'r' \({name}\) takes images.*with 'x'"):
        layer({"x": X})
    with pytest.raises(NotImplementedError, match=rf"'r' \({name}\).*bounding boxes"):
        layer({"images": X, "bounding_boxes": ones(4, 1, 4)})


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("RandomFlip", {"mode": "diagonal"}, "`mode` of RandomFlip.*'diagonal'"),
        ("RandomFlip", {"data_format": "last"}, "`data_format` of RandomFlip.*'last'"),
        ("RandomFlip", {"seed": 1.5}, "`seed`.*1.5"),
        ("RandomRotation", {"factor": 1.5}, "`factor` of RandomRotation.*-1 to 1.*1.5"),
        ("RandomRotation", {"factor": (0.1, 0.2, 0.3)}, "`factor`.*two of them"),
        ("RandomRotation", {"factor": (1.5, 2)}, r"`factor`.*\(1.5, 2\)"),
        ("RandomRotation", {"factor": "much"}, "`factor`.*'much'"),
        ("RandomRotation", {"factor": float("nan")}, "`factor`.*nan"),
        ("RandomZoom", {"height_factor": -1}, "`height_factor` of RandomZoom.*above -1.*=-1"),
        ("RandomZoom", {"width_factor": (0, 2)}, r"`width_factor`.*\(0, 2\)"),
        ("RandomTranslation", {"height_factor": -2}, "`height_factor`.*at least -1.*-2"),
        ("RandomTranslation", {"width_factor": (0.1,)}, r"`width_factor`.*\(0.1,\)"),
        ("RandomContrast", {"factor": -0.5}, "`factor` of RandomContrast.*0 to 1.*-0.5"),
        ("RandomContrast", {"value_range": (1, 0)}, r"`value_range`.*in this order.*\(1, 0\)"),
        ("RandomBrightness", {"value_range": 255}, "`value_range` of RandomBrightness.*255"),
        ("RandomCrop", {"height": 0}, "`height` of RandomCrop.*height=0"),
        ("RandomCrop", {"width": 2.5}, "`width` of RandomCrop.*width=2.5"),
    ],
)
def test_arguments_that_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        made(name, **options)


@pytest.mark.parametrize("argument", ["fill_mode", "interpolation"])
@pytest.mark.parametrize("name", MOVES)
def test_unknown_ways_are_not_implemented(engine, name, argument):
    with pytest.raises(NotImplementedError, match="mirror"):
        made(name, engine, **{argument: "mirror"})


@pytest.mark.keras
def test_a_crop_without_a_seed_cuts_as_in_keras_also_after_it_was_saved(keras):
    keras.utils.set_random_seed(1)
    theirs = keras.layers.RandomCrop(3, 4)
    after = random.random()
    npkeras.utils.set_random_seed(1)
    ours = layers.RandomCrop(3, 4)
    assert ours.get_config()["seed"] == theirs.get_config()["seed"] == 144272510
    assert random.random() == after
    again = layers.RandomCrop.from_config(ours.get_config())
    their_again = keras.layers.RandomCrop.from_config(theirs.get_config())
    x = np.arange(128, dtype="float32").reshape(1, 8, 16, 1)
    for _ in range(4):
        np.testing.assert_array_equal(ours(x), theirs(x))
        np.testing.assert_array_equal(again(x), their_again(x))

"""Well-known architectures as Keras builds them: read here, the same answers, and read back."""

import dataclasses
import functools
import math
import pathlib

import numpy as np
import pytest

import npkeras

pytestmark = pytest.mark.keras

SIDES = {"Xception": 71}  # the smallest that it takes; the others see 64 pixels
OPTIONS = {"VGG16": {"include_top": False, "pooling": "max"}}  # its Dense layers are too large
NAMES = "MobileNet", "MobileNetV2", "ResNet50", "VGG16", "DenseNet121", "Xception"
WRITTEN_BACK = "MobileNetV2", "Xception"
TOLERANCE = 1e-4

by_name = pytest.mark.parametrize("name", NAMES)


@dataclasses.dataclass
class Known:
    """A model of Keras in files, what it answers and what it says of itself."""

    folder: pathlib.Path
    images: np.ndarray
    answers: np.ndarray
    summary: str
    parameters: int

    @functools.cached_property
    def read(self):
        return npkeras.saving.load_model(self.folder / "model.keras")


@pytest.fixture(scope="module")
def known(keras, tmp_path_factory):
    """Makes each architecture once, with random weights that keep images apart to the end."""

    @functools.cache
    def make(name):
        random = np.random.default_rng(len(name))
        folder, side = tmp_path_factory.mktemp(name), SIDES.get(name, 64)
        options = {"classes": 10, "classifier_activation": None, **OPTIONS.get(name, {})}
        model = getattr(keras.applications, name)(
            weights=None, input_shape=(side, side, 3), **options
        )
        for weight in model.weights:
            weight.assign(random_weight(random, weight.name, weight.shape))
        model.save(folder / "model.keras")
        model.save(folder / "model.h5")
        images = random.uniform(-1, 1, (2, side, side, 3)).astype("float32")
        answers = np.asarray(model(images))
        return Known(folder, images, answers, text(model), model.count_params())

    return make


def random_weight(random, name, shape):
    if name in ("moving_variance", "gamma"):
        return random.uniform(0.7, 1.4, shape)
    if name in ("moving_mean", "beta", "bias"):
        return random.normal(0, 0.2, shape)
    depthwise = shape[-1] == 1  # a kernel (rows, columns, channels, 1) sees one channel at a time
    seen = math.prod(shape[:2] if depthwise else shape[:-1])
    return random.normal(0, math.sqrt(2 / seen), shape)


def text(model):
    """The summary of a model; Keras cuts it off where the terminal ends."""
    lines = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "124")
        model.summary(print_fn=lambda line, **_: lines.append(line))
    return "\n".join(lines)


def assert_same(answers, expected):
    """Equal, and told apart from other answers: those of two images are not the same."""
    limit = TOLERANCE * np.abs(expected).max()
    assert np.abs(expected[0] - expected[1]).max() > 10 * limit
    np.testing.assert_allclose(answers, expected, rtol=0, atol=limit)


@by_name
def test_it_answers_as_in_keras(name, known):
    model = known(name)
    assert_same(model.read.predict(model.images, verbose=0), model.answers)


@by_name
def test_the_older_file_holds_the_same_model(name, known):
    model = known(name)
    read = npkeras.saving.load_model(model.folder / "model.h5")
    assert_same(read.predict_on_batch(model.images), model.answers)
    assert read.get_config() == model.read.get_config()


@by_name
def test_the_summary_is_that_of_keras(name, known):
    assert text(known(name).read) == known(name).summary


@by_name
def test_its_files_are_described(name, known):
    for file in ("model.keras", "model.h5"):
        found = npkeras.saving.describe(known(name).folder / file)
        assert found.parameters == known(name).parameters
        assert name.lower() in str(found).lower()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("name", WRITTEN_BACK)
def test_keras_reads_what_is_written_here(name, suffix, known, keras, tmp_path):
    model = known(name)
    path = tmp_path / f"again{suffix}"
    model.read.save(path)
    again = keras.saving.load_model(path)
    assert_same(np.asarray(again(model.images)), model.answers)
    assert text(again) == model.summary

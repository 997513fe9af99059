"""Models that read strings: as layers of models, and in files of npkeras and of live Keras."""

import zipfile

import numpy as np
import pytest

import npkeras
from npkeras import layers
from npkeras.data import Dataset
from tests.layers.engines import array
from tests.layers.preprocessing.side_by_side import adapted

TEXTS = np.array([["a b q"], ["a"], ["b \u00e9"]])
WORDS = np.array([["a"], ["q"], ["\u00e9"]])
KINDS = {
    "words": lambda e: adapted(e.layers.StringLookup(), ["a", "\u00e9", "a"]),
    "masked": lambda e: adapted(e.layers.StringLookup(mask_token=""), ["a", "\u00e9", "a"]),
    "weighted words": lambda e: adapted(
        e.layers.StringLookup(output_mode="tf_idf"), ["a", "\u00e9", "a"]
    ),
    "given words": lambda e: e.layers.StringLookup(vocabulary=["q", "a"], output_mode="count"),
    "given weights": lambda e: e.layers.StringLookup(
        vocabulary=["q", "a"], output_mode="tf_idf", idf_weights=[0.5, 2.0]
    ),
    "texts": lambda e: adapted(e.layers.TextVectorization(), ["a b a", "\u00e9"]),
    "weighted texts": lambda e: adapted(
        e.layers.TextVectorization(output_mode="tf_idf", ngrams=2), ["a b a", "\u00e9"]
    ),
    "given texts": lambda e: e.layers.TextVectorization(
        vocabulary=["a b", "a"], ngrams=2, output_sequence_length=4
    ),
    "integers": lambda e: adapted(e.layers.IntegerLookup(mask_token=0), [3, 4, 4]),
    "bins": lambda e: adapted(e.layers.Discretization(num_bins=3), np.arange(9.0)),
    "categories": lambda e: e.layers.CategoryEncoding(num_tokens=5, output_mode="one_hot"),
}


def model_and_data(engine, kind):
    layer = KINDS[kind](engine)
    is_text = type(layer).__name__ in ("StringLookup", "TextVectorization")
    inputs = engine.Input((1,), dtype="string" if is_text else "int64")
    model = engine.Sequential([inputs, layer])
    if not is_text:
        return model, np.array([[3], [4], [0]])
    return model, TEXTS if type(layer).__name__ == "TextVectorization" else WORDS


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_model_knows_its_vocabulary(tmp_path, kind):
    model, data = model_and_data(npkeras, kind)
    model.save(tmp_path / "model.keras")
    again = npkeras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again(data), model(data))
    assert again.layers[0].get_config() == model.layers[0].get_config()


@pytest.mark.keras
@pytest.mark.parametrize("kind", KINDS)
def test_files_of_keras_are_read_and_those_of_npkeras_are_read_by_keras(keras, tmp_path, kind):
    theirs, data = model_and_data(keras, kind)
    theirs.save(tmp_path / "theirs.keras")
    ours = npkeras.models.load_model(tmp_path / "theirs.keras")
    expected = array(theirs(data))
    np.testing.assert_allclose(ours(data), expected, rtol=1e-6)

    model, _ = model_and_data(npkeras, kind)
    model.save(tmp_path / "ours.keras")
    back = keras.models.load_model(tmp_path / "ours.keras")
    np.testing.assert_allclose(array(back(data)), expected, rtol=1e-6)
    found = [zipfile.ZipFile(tmp_path / name) for name in ("ours.keras", "theirs.keras")]
    ours, theirs = ({n: f.read(n) for n in f.namelist() if "assets/" in n} for f in found)
    assert ours == theirs


def test_tokens_of_several_lines_do_not_fit_a_file(tmp_path):
    model = npkeras.Sequential(
        [npkeras.Input((1,), dtype="string"), adapted(layers.StringLookup(), ["a\nb"])]
    )
    with pytest.raises(ValueError, match=r"several lines.*a\\nb.*`vocabulary`"):
        model.save(tmp_path / "model.keras")
    model = npkeras.Sequential(
        [npkeras.Input((1,), dtype="string"), layers.StringLookup(vocabulary=["a\nb"])]
    )
    model.save(tmp_path / "model.keras")
    again = npkeras.models.load_model(tmp_path / "model.keras")
    assert again(np.array([["a\nb"]])).tolist() == [[1]]


def test_a_vocabulary_set_later_is_what_a_file_keeps(tmp_path):
    layer = layers.StringLookup(vocabulary=["a"])
    layer.set_vocabulary(["b", "c"])
    model = npkeras.Sequential([npkeras.Input((1,), dtype="string"), layer])
    model.save(tmp_path / "model.keras")
    again = npkeras.models.load_model(tmp_path / "model.keras").layers[0]
    assert again.get_vocabulary() == ["[UNK]", "b", "c"]


def classifier():
    words = adapted(layers.TextVectorization(output_sequence_length=4), ["good film", "bad film"])
    inputs = npkeras.Input((1,), dtype="string")
    y = layers.Embedding(words.vocabulary_size(), 4)(words(inputs))
    y = layers.Dense(1, activation="sigmoid")(layers.Flatten()(y))
    return npkeras.Model(inputs, y)


def test_a_model_learns_from_texts():
    model = classifier()
    texts, targets = np.array([["a good film"], ["a bad film"]] * 8), np.array([[1.0], [0.0]] * 8)
    data = Dataset(lambda: iter([(texts, targets)]), 1)
    model.compile(npkeras.optimizers.Adam(0.1), "binary_crossentropy", metrics=["accuracy"])
    model.fit(data, epochs=30, verbose=0)
    assert model.evaluate(data, verbose=0)[1] == 1
    predicted = model.predict(Dataset(lambda: iter([texts[:2]]), 1), verbose=0)
    np.testing.assert_allclose(predicted, model(texts[:2]), rtol=1e-5)
    np.testing.assert_allclose(model(texts[:2].astype("S")), predicted, rtol=1e-5)
    np.testing.assert_allclose(model(texts[:2, 0]), predicted, rtol=1e-5)


def test_models_keep_strings_and_numbers_apart():
    with pytest.raises(ValueError, match="Strings do not become numbers.*<U5.*float32"):
        npkeras.Sequential([npkeras.Input((1,)), layers.Dense(1)])(TEXTS)
    with pytest.raises(ValueError, match="nor numbers strings.*int64.*string"):
        classifier()(np.array([[1]]))


@pytest.mark.parametrize("name", ["StringLookup", "IntegerLookup", "TextVectorization"])
def test_a_config_opens_no_file(name, tmp_path):
    (tmp_path / "secret.txt").write_text("1")
    config = {**getattr(layers, name)().get_config(), "vocabulary": str(tmp_path / "secret.txt")}
    with pytest.raises(ValueError, match="no file that a config names is read"):
        getattr(layers, name).from_config(config)
    with pytest.raises(ValueError, match="no file that a config names is read"):
        layers.deserialize({"class_name": name, "config": config, "module": "keras.layers"})


@pytest.mark.parametrize("mode", ["int", "tf_idf"])
def test_places_for_unknown_tokens_cost_nothing_before_they_are_used(mode):
    weights = {"idf_weights": [1.0]} if mode == "tf_idf" else {}
    layer = layers.StringLookup(
        vocabulary=["a"], num_oov_indices=10**15, output_mode=mode, **weights
    )
    assert layer.vocabulary_size() == 10**15 + 1
    assert layers.StringLookup.from_config(layer.get_config()).get_config() == layer.get_config()


def test_weights_that_do_not_fit_the_vocabulary_are_refused(tmp_path):
    model, data = model_and_data(npkeras, "weighted words")
    model.layers[0]._idf = model.layers[0]._idf[0], np.ones(7, "float32")
    model.save(tmp_path / "model.keras")
    again = npkeras.models.load_model(tmp_path / "model.keras")
    with pytest.raises(ValueError, match="8 weights.*3 tokens"):
        again(data)

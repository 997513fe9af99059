"""What layers keep beside their weights."""

import zipfile

import numpy as np
import pytest

import npkeras

FORMS = {"file": ("model.keras", True), "folder": ("model", False)}


def classes(k):
    register = k.saving.register_keras_serializable("assets")

    @register
    class Words(k.layers.Layer):
        """Keeps a list of words in a file."""

        words = ()

        def call(self, inputs):
            return inputs * float(len(self.words))

        def save_assets(self, dir_path):
            with open(f"{dir_path}/words.txt", "w") as file:
                file.write("\n".join(self.words))

        def load_assets(self, dir_path):
            with open(f"{dir_path}/words.txt") as file:
                self.words = file.read().split("\n")

    @register
    class Silent(k.layers.Layer):
        """Has nothing to keep, though it might."""

        def call(self, inputs):
            return inputs

        def save_assets(self, dir_path):
            pass

        def load_assets(self, dir_path):
            pass

    return Words, Silent


def model_of(k, words=()):
    Words, Silent = classes(k)
    inner = k.Sequential([Words(), Silent()])
    model = k.Sequential([k.Input((2,)), Words(), inner, k.layers.Dense(1)])
    model.layers[0].words = list(words)
    inner.layers[0].words = [*words, "one more"]
    return model


@pytest.mark.keras
@pytest.mark.parametrize("writer, reader", [("keras", "npkeras"), ("npkeras", "keras")])
@pytest.mark.parametrize("form", list(FORMS))
def test_they_come_back_in_the_other_one(keras, tmp_path, form, writer, reader):
    engines = {"keras": keras, "npkeras": npkeras}
    name, zipped = FORMS[form]
    model = model_of(engines[writer], ["a", "b"])
    model.save(str(tmp_path / name), zipped=zipped)
    classes(engines[reader])
    again = engines[reader].saving.load_model(str(tmp_path / name))
    assert again.layers[0].words == ["a", "b"]
    assert again.layers[1].layers[0].words == ["a", "b", "one more"]
    x = np.ones((3, 2), "float32")
    np.testing.assert_allclose(again.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-6)


@pytest.mark.parametrize("form", list(FORMS))
def test_they_come_back(tmp_path, form):
    name, zipped = FORMS[form]
    model_of(npkeras, ["a"]).save(tmp_path / name, zipped=zipped)
    again = npkeras.saving.load_model(tmp_path / name)
    assert again.layers[0].words == ["a"]
    assert again.layers[1].layers[0].words == ["a", "one more"]


def test_only_what_is_there_is_written(tmp_path):
    model_of(npkeras, ["a"]).save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        names = [name for name in archive.namelist() if name.startswith("assets")]
    assert names == [
        "assets/layers/sequential/layers/words/words.txt",
        "assets/layers/words/words.txt",
    ]


def test_a_layer_that_fails_to_read_its_files_is_told(tmp_path):
    model_of(npkeras, ["a"]).save(tmp_path / "model", zipped=False)
    (tmp_path / "model/assets/layers/words/words.txt").unlink()
    with pytest.raises(FileNotFoundError, match="words.txt"):
        npkeras.saving.load_model(tmp_path / "model")


def test_links_among_the_assets_are_refused(tmp_path):
    model_of(npkeras, ["a"]).save(tmp_path / "model", zipped=False)
    (tmp_path / "secret").write_text("s")
    file = tmp_path / "model/assets/layers/words/words.txt"
    file.unlink()
    file.symlink_to(tmp_path / "secret")
    with pytest.raises(npkeras.saving.CorruptFileError, match="'words.txt' is a link"):
        npkeras.saving.load_model(tmp_path / "model")


def test_no_scratch_folder_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    model_of(npkeras, ["a"]).save(tmp_path / "model.keras")
    npkeras.saving.load_model(tmp_path / "model.keras")
    assert not list((tmp_path / "scratch").iterdir())

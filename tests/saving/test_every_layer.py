"""Every layer in a functional model: each kind of file, from Keras to npkeras and back."""

import dataclasses
import random
import warnings

import numpy as np
import pytest

import npkeras
from npkeras.core import tree
from tests.layers.cases import CASES, NOT_CALLED
from tests.layers.cases.common import inner

pytestmark = [
    pytest.mark.keras,
    pytest.mark.filterwarnings("ignore::UserWarning"),
]
CELLS = {"LSTMCell", "GRUCell", "SimpleRNNCell", "StackedRNNCells"}  # within layers: see RNN
# Keras cannot read its own file.
NOT_READ_BY_KERAS = {("Attention", "model.h5"): '`score_mode="dot"` becomes the function `dot`'}
CHOSEN = {}
for _case in CASES:
    if _case.name == "GroupQueryAttention":  # Keras wants one width of symbolic inputs
        _case = dataclasses.replace(_case, inputs=_case.inputs[:1] * 2)
    if _case.name not in {*NOT_CALLED, *CELLS} and not _case.call and _case.keras:
        CHOSEN.setdefault(_case.name, _case)
FILES = ["model.keras", "model.h5", "model.weights.h5"]


def arrays_of(case):
    return tree.map(lambda x: x.astype("float32") if x.dtype.kind == "f" else x, case.inputs)


def model_of(engine, case):
    """The layer between inputs and outputs, with the same weights each time."""
    random.seed(4)
    engine.utils.clear_session()
    inputs = tree.map(lambda x: engine.Input(x.shape[1:], dtype=str(x.dtype)), arrays_of(case))
    layer = engine.layers.deserialize(inner(case.name, name="layer", **case.options))
    model = engine.Model(tree.leaves(inputs), layer(*inputs))
    model.compile("adam", engine.losses.MeanSquaredError())  # Keras cannot read "mse" from `.h5`
    return model


def predictions(model, case):
    x = tree.leaves(arrays_of(case))
    found = model.predict(x if len(x) > 1 else x[0], verbose=0)
    return [np.asarray(y, "float64") for y in tree.leaves(found)]


def assert_close(found, expected):
    for y, expected_y in zip(found, expected, strict=True):
        np.testing.assert_allclose(y, expected_y, rtol=1e-5, atol=1e-5)


def stepped(model, case, targets):
    """The predictions after one more step of training, where that can be had."""
    x = tree.leaves(arrays_of(case))
    if len(targets) == 1 and model.trainable_weights:
        model.train_on_batch(x if len(x) > 1 else x[0], targets[0].astype("float32") + 1)
    return predictions(model, case)


def read(engine, path, case):
    if not path.name.endswith(".weights.h5"):
        return engine.saving.load_model(str(path))
    model = model_of(engine, case)
    model.load_weights(str(path))
    return model


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("name", CHOSEN)
def test_a_file_of_keras_is_read_here_and_what_is_written_here_there(keras, tmp_path, name, file):
    case = CHOSEN[name]
    source = model_of(keras, case)
    expected = predictions(source, case)
    save = "save_weights" if file.endswith(".weights.h5") else "save"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        getattr(source, save)(str(tmp_path / file))
        model = read(npkeras, tmp_path / file, case)
        assert_close(predictions(model, case), expected)
        (tmp_path / "back").mkdir()
        getattr(model, save)(str(tmp_path / "back" / file))
        if (name, file) in NOT_READ_BY_KERAS:
            with pytest.raises(TypeError):
                keras.saving.load_model(str(tmp_path / file))
            return
        again = read(keras, tmp_path / "back" / file, case)
    assert_close(predictions(again, case), expected)
    if name not in DRAWS:
        assert_close(stepped(model, case, expected), stepped(source, case, expected))


# Their random numbers in training begin where the engine's generator is.
DRAWS = {
    name
    for name in CHOSEN
    if "Dropout" in name or "Noise" in name or CHOSEN[name].options.get("dropout")
}


def test_there_are_many():
    assert len(CHOSEN) >= 60

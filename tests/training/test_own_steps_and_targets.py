"""Targets for some outputs alone, models that a user's step calls in its own way, texts."""

import pathlib

import numpy as np
import pytest

import npkeras
from tests.layers.engines import array

X, Y = np.ones((8, 4), "float32"), np.ones(8)


def two_outputs(engine, loss, metrics=None):
    inputs = engine.Input((4,))
    layers = engine.layers
    outputs = [layers.Dense(3, "softmax", name="a")(inputs), layers.Dense(2, name="b")(inputs)]
    model = engine.Model(inputs, outputs)
    model.compile(engine.optimizers.SGD(0.1), loss, metrics=metrics)
    return model


@pytest.mark.filterwarnings("ignore:.*no gradient:UserWarning")
@pytest.mark.filterwarnings("ignore:Gradients do not exist:UserWarning")
@pytest.mark.parametrize(
    "loss, targets, metrics",
    [
        (["sparse_categorical_crossentropy", None], Y, None),
        (["sparse_categorical_crossentropy", None], [Y], [["accuracy"], []]),
        (["sparse_categorical_crossentropy", None], Y, ["accuracy", None]),
        ([None, "mse"], np.ones((8, 2)), None),
    ],
)
def test_targets_for_the_outputs_with_a_loss_are_enough(engine, loss, targets, metrics):
    model = two_outputs(engine, loss, metrics)
    history = model.fit(X, targets, epochs=2, verbose=0, validation_split=0.25).history
    assert len(history) == (2 if metrics is None else 4)
    assert np.isfinite(model.evaluate(X, targets, verbose=0)).all()
    assert np.isfinite(model.train_on_batch(X, targets)).all()


def test_a_loss_without_targets_is_still_missed():
    model = two_outputs(npkeras, ["mse", "mse"])
    with pytest.raises(ValueError, match="The model has 2 outputs. Received targets for 1"):
        model.fit(X, Y, verbose=0)


def Paired(engine):
    class Paired(engine.Model):
        def __init__(self):
            super().__init__()
            self.dense = engine.layers.Dense(1)

        def call(self, inputs):
            a, b = inputs
            return self.dense(a) * b

        def train_step(self, data):
            return {"loss": engine.ops.mean(self(data))}

        test_step = train_step

    return Paired()


def test_a_step_may_call_the_model_in_its_own_way(engine):
    model = Paired(engine)
    model.compile("sgd", "mse")
    history = model.fit(np.ones((5, 3)), np.zeros((5, 1)), verbose=0).history
    assert history["loss"] == [0.0]
    assert model.evaluate(np.ones((5, 3)), np.zeros((5, 1)), verbose=0) == 0


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_a_model_with_its_own_steps_must_be_compiled_too(engine, method):
    with pytest.raises(ValueError, match=r"call `compile\(\)` before"):
        getattr(Paired(engine), method)(np.ones((5, 3)), np.zeros((5, 1)))


@pytest.mark.parametrize("name", ["Reshape", "Flatten", "Identity", "Dropout"])
def test_predictions_may_be_written_to(engine, name):
    x = np.ones((2, 2), "float32")
    layer = {
        "Reshape": lambda: engine.layers.Reshape((2,)),
        "Dropout": lambda: engine.layers.Dropout(0.5),
    }.get(name, getattr(engine.layers, name))()
    model = engine.Sequential([engine.Input((2,)), layer])
    for predicted in (model.predict(x, verbose=0), model.predict_on_batch(x)):
        predicted[0, 0] = 77
        assert (x == 1).all()


TEXTS = [
    np.array(["a", "z"], object),
    np.array([b"a", b"z"], object),
    np.array([b"a", b"z"]),
    np.array(["a", "z"]),
]


@pytest.mark.parametrize("texts", TEXTS, ids=["objects", "objects of bytes", "bytes", "strings"])
def test_models_of_texts_take_whatever_holds_texts(texts):
    inputs = npkeras.Input((), dtype="string")
    lookup = npkeras.layers.StringLookup(vocabulary=["a", "b"])
    for model in (npkeras.Model(inputs, lookup(inputs)), npkeras.Sequential([lookup])):
        assert model(texts).tolist() == [1, 0]


def test_objects_that_are_no_texts_are_refused():
    with pytest.raises(ValueError, match="expects arrays of numbers"):
        npkeras.layers.Dense(1)(np.array([[None, 1]], object))
    with pytest.raises(ValueError):
        npkeras.layers.Dense(1)(np.array([["a"]], object))


def test_a_model_takes_texts_from_a_folder_to_the_end(tmp_path):
    for name, text in (("ham", "see you at noon"), ("spam", "you won")):
        pathlib.Path(tmp_path, name).mkdir()
        pathlib.Path(tmp_path, name, "1.txt").write_text(text)
    read = npkeras.utils.text_dataset_from_directory
    data = read(tmp_path, label_mode="binary", verbose=False)
    layers = npkeras.layers
    numbers = layers.TextVectorization(output_sequence_length=4)
    numbers.adapt(data.map(lambda x, y: x))
    inputs = npkeras.Input((1,), dtype="string")
    x = layers.GlobalAveragePooling1D()(layers.Embedding(10, 3)(numbers(inputs)))
    model = npkeras.Model(inputs, layers.Dense(1, "sigmoid")(x))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    assert len(model.fit(data, verbose=0).history["loss"]) == 1
    assert len(model.evaluate(data, verbose=0)) == 2
    assert array(model.predict(data, verbose=0)).shape == (2, 1)

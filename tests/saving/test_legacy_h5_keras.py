"""`.h5` files both ways with Keras 3, and from Keras 2: layout, predictions, further training."""

import json

import h5py
import numpy as np
import pytest

import npkeras
from npkeras.saving import legacy_h5

pytestmark = pytest.mark.keras


X = np.random.default_rng(0).integers(0, 10, (6, 5))
Y = np.random.default_rng(1).uniform(0, 1, (6, 2)).astype("float32")


def sequential(engine):
    L = engine.layers
    within = engine.Sequential(
        [engine.Input((5, 4)), L.Dense(3, name="a", trainable=False), L.Dense(3, name="b")],
        name="within",
    )
    return engine.Sequential(
        [
            engine.Input((5,), dtype="int32"),
            L.Embedding(10, 3, name="words"),
            L.LSTM(4, return_sequences=True, name="reader"),
            within,
            L.GlobalAveragePooling1D(name="mean"),
            L.Dense(2, name="out"),
        ],
        name="chain",
    )


def functional(engine):
    L = engine.layers
    entry = engine.Input((5,), dtype="int32", name="entry")
    words = L.Embedding(10, 3, name="words")(entry)
    read, h, c = L.LSTM(3, return_sequences=True, return_state=True, name="reader")(words)
    again = L.LSTM(3, name="again")(read, initial_state=[h, c])
    shared = L.Dense(3, activation="tanh", name="shared")
    joined = L.Concatenate(name="joined")([shared(again), shared(h)])
    return engine.Model(entry, L.Dense(2, name="out")(joined), name="net")


MODELS = {"sequential": sequential, "functional": functional}


def trained(engine, make, x=X, y=Y):
    engine.utils.set_random_seed(7)
    model = make(engine)
    model.compile("adam", engine.losses.MeanSquaredError(), metrics=["mae"])
    for _ in range(3):
        model.train_on_batch(x, y)
    return model


# Each word once: Adam of Keras 2 adds up the squares of the gradients of a word that comes twice,
# where Keras 3 squares their sum.
ONCE = np.random.default_rng(2).permutation(10).reshape(2, 5)


def layout(path):
    """Groups, arrays and attributes; the JSON among them parsed."""
    found = {}

    def visit(name, item):
        shape = (item.shape, item.dtype.str) if isinstance(item, h5py.Dataset) else None
        attributes = {}
        for key, value in item.attrs.items():
            if key.endswith("_config"):
                value = json.loads(value)
            attributes[key] = value.tolist() if isinstance(value, np.ndarray) else value
        found[name] = (shape, attributes)

    with h5py.File(path) as file:
        visit("/", file)
        file.visititems(visit)
    return found


@pytest.mark.parametrize("kind", MODELS)
def test_the_file_is_laid_out_as_keras_lays_it_out(keras, tmp_path, kind):
    layouts = []
    for engine in (npkeras, keras):
        engine.backend.clear_session()
        path = str(tmp_path / f"{engine.__name__}.h5")
        trained(engine, MODELS[kind]).save(path)
        layouts.append(layout(path))
    ours, theirs = layouts
    assert ours.keys() == theirs.keys()
    for name in theirs:
        assert ours[name] == theirs[name], name


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("reader, writer", [("npkeras", "keras"), ("keras", "npkeras")])
def test_the_other_one_reads_the_whole_model(keras, tmp_path, kind, reader, writer):
    engines = {"keras": keras, "npkeras": npkeras}
    source = trained(engines[writer], MODELS[kind])
    path = str(tmp_path / "model.h5")
    source.save(path)
    load = keras.models.load_model if reader == "keras" else npkeras.saving.load_model
    model = load(path)
    np.testing.assert_allclose(np.array(model(X)), np.array(source(X)), atol=1e-6)
    if reader == "keras":
        return  # which does not read the state of the optimizer
    for a, b in zip(model.optimizer.variables, source.optimizer.variables, strict=True):
        np.testing.assert_array_equal(np.array(a), np.array(b))
    for one in (model, source):
        one.train_on_batch(X, Y)
    np.testing.assert_allclose(np.array(model(X)), np.array(source(X)), atol=1e-5)


@pytest.mark.parametrize("kind", MODELS)
def test_a_model_of_keras_2_goes_on_here_and_from_here_in_keras_3(keras, keras_2, tmp_path, kind):
    source = trained(keras_2, MODELS[kind], ONCE, Y[:2])
    source.save(tmp_path / "model.h5")
    source.save(tmp_path / "model.keras")
    before, models = np.array(source(X)), []
    for name in ("model.h5", "model.keras"):
        models.append(npkeras.saving.load_model(tmp_path / name))
        np.testing.assert_allclose(np.array(models[-1](X)), before, atol=1e-6)
        models[-1].save(tmp_path / f"again_{name}")
        there = keras.models.load_model(tmp_path / f"again_{name}", compile=False)
        np.testing.assert_allclose(np.array(there(X)), before, atol=1e-6)
    for model in [source, *models]:
        model.train_on_batch(ONCE, Y[:2])
    for model in models:
        assert int(model.optimizer.iterations) == 4
        np.testing.assert_allclose(np.array(model(X)), np.array(source(X)), atol=1e-5)


def small(engine):
    layers = [engine.layers.Dense(3, name="d"), engine.layers.Dense(2, name="e")]
    return engine.Sequential([engine.Input((5,)), *layers])


OPTIMIZERS = {
    "SGD": lambda o: o.SGD(0.05),
    "SGD with momentum": lambda o: o.SGD(0.05, momentum=0.9, nesterov=True),
    "Adam": lambda o: o.Adam(0.01, amsgrad=True),
    "AdamW": lambda o: o.AdamW(0.01),
    "Adamax": lambda o: o.Adamax(0.01),
    "Nadam": lambda o: o.Nadam(0.01),
    "RMSprop": lambda o: o.RMSprop(0.01, centered=True, momentum=0.5),
    "Adagrad": lambda o: o.Adagrad(0.01),
    "Adadelta": lambda o: o.Adadelta(0.1),
    "Ftrl": lambda o: o.Ftrl(0.01),
    "Lion": lambda o: o.Lion(0.01),
    "schedule": lambda o: o.Adam(o.schedules.ExponentialDecay(1e-2, 2, 0.5)),
    "averages": lambda o: o.Adam(0.01, use_ema=True),
    "older SGD": lambda o: o.legacy.SGD(0.05, momentum=0.9),
    "older Adam": lambda o: o.legacy.Adam(0.01, amsgrad=True, decay=0.1),
    "older Adamax": lambda o: o.legacy.Adamax(0.01),
    "older RMSprop": lambda o: o.legacy.RMSprop(0.01, centered=True, momentum=0.5),
    "older Adagrad": lambda o: o.legacy.Adagrad(0.01),
    "older Adadelta": lambda o: o.legacy.Adadelta(0.1),
    "older Ftrl": lambda o: o.legacy.Ftrl(0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_of_keras_2_goes_on(keras_2, tmp_path, name):
    keras_2.utils.set_random_seed(3)
    source = small(keras_2)
    source.compile(OPTIMIZERS[name](keras_2.optimizers), "mse", run_eagerly=True)
    for _ in range(2):
        source.train_on_batch(X / 10, Y)
    files = [tmp_path / "model.h5"]
    if not name.startswith("older"):
        files.append(tmp_path / "model.keras")
    for path in files:
        source.save(path)
    source.train_on_batch(X / 10, Y)
    for path in files:
        model = npkeras.saving.load_model(path)
        model.train_on_batch(X / 10, Y)
        for a, b in zip(model.get_weights(), source.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, atol=2e-6, err_msg=path.name)


def test_weights_alone_of_keras_2_fit_a_model_made_here(keras_2, tmp_path):
    source = trained(keras_2, sequential)
    source.save_weights(tmp_path / "old.h5")
    source.save_weights(tmp_path / "new.weights.h5")
    for name in ("old.h5", "new.weights.h5"):
        model = sequential(npkeras)
        model.compile("adam", "mse")
        model.load_weights(tmp_path / name)
        np.testing.assert_allclose(np.array(model(X)), np.array(source(X)), atol=1e-6)


LOSSES = ["mse", "SparseCategoricalCrossentropy", "Huber", "BinaryCrossentropy"]


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_and_metrics_of_keras_2_are_those_of_today(keras_2, tmp_path, loss):
    keras_2.utils.set_random_seed(4)
    model = small(keras_2)
    given = loss if loss == "mse" else getattr(keras_2.losses, loss)()
    metrics = ["accuracy", "mae", keras_2.metrics.MeanSquaredError(name="q")]
    target = np.array([0, 1, 1, 0, 1, 0]) if loss.startswith("Sparse") else np.round(Y)
    model.add(keras_2.layers.Softmax())
    model.compile("sgd", given, metrics=metrics[: 1 if loss.startswith("Sparse") else 3])
    theirs = model.train_on_batch(X / 10, target)
    model.save(tmp_path / "model.h5")
    theirs = model.evaluate(X / 10, target, verbose=0, return_dict=True)
    ours = legacy_h5.load_model(tmp_path / "model.h5")
    ours = ours.evaluate(X / 10, target, verbose=0, return_dict=True)
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=1e-5)

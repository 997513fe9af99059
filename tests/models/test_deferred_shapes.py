"""Models built by their first data: for which number of rows, as Keras shows it."""

import numpy as np
import pytest

import npkeras

X, Y = np.ones((20, 4), "float32"), np.ones((20, 1), "float32")


def deferred(keras):
    L = keras.layers
    model = keras.Sequential([L.Dense(2), L.BatchNormalization(), L.Dense(1)])
    model.compile("sgd", "mse")
    return model


def subclassed(keras):
    L = keras.layers

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            start = keras.Input((2,))
            self.first = L.Dense(2)
            self.within = keras.Sequential([L.Dense(3), L.Dense(2)])
            self.graph = keras.Model(start, L.Dense(2)(start))
            self.two = keras.Model(start, [L.Dense(2)(start), L.Dense(3)(start)])
            self.steps = L.LSTM(2, return_sequences=True)
            self.last = L.Dense(1)

        def call(self, x):
            x = self.two(self.graph(self.within(self.first(x))))[0]
            return self.last(self.steps(keras.ops.expand_dims(x, 1))[:, 0])

    model = Model()
    model.compile("sgd", "mse")
    return model


def with_a_step_of_its_own(keras):
    class Model(keras.Sequential):
        def train_step(self, data):
            return super().train_step(data)

    model = Model([keras.layers.Dense(2), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def generator(rows=(10, 10)):
    return ((X[:n], Y[:n]) for n in rows)


WAYS = {
    "fit": lambda m: m.fit(X, Y, batch_size=8, verbose=0),
    "fit, batches alike": lambda m: m.fit(X, Y, batch_size=10, verbose=0),
    "fit, one batch": lambda m: m.fit(X, Y, verbose=0),
    "fit, batches alike after a split": lambda m: m.fit(
        X, Y, batch_size=8, validation_split=0.2, verbose=0
    ),
    "fit, some of the batches": lambda m: m.fit(X, Y, batch_size=8, steps_per_epoch=2, verbose=0),
    "fit, a generator": lambda m: m.fit(generator(), verbose=0),
    "fit, then a call": lambda m: (m.fit(X, Y, batch_size=8, verbose=0), m(X)),
    "fit after a call": lambda m: (m(X[:3]), m.fit(X, Y, batch_size=8, verbose=0)),
    "fit, eager": lambda m: (
        m.compile("sgd", "mse", run_eagerly=True),
        m.fit(X, Y, batch_size=8, verbose=0),
    ),
    "evaluate": lambda m: m.evaluate(X, Y, batch_size=8, verbose=0),
    "evaluate, batches alike": lambda m: m.evaluate(X, Y, batch_size=10, verbose=0),
    "evaluate, a generator": lambda m: m.evaluate(generator(), verbose=0),
    "predict": lambda m: m.predict(X, batch_size=8, verbose=0),
    "predict, a generator": lambda m: m.predict(generator(), verbose=0),
    "train_on_batch": lambda m: m.train_on_batch(X, Y),
    "test_on_batch": lambda m: m.test_on_batch(X, Y),
    "predict_on_batch": lambda m: m.predict_on_batch(X),
    "a call": lambda m: m(X),
}


def shapes(model):
    """The output shapes in the summary, those of layers within included."""
    printed = []
    options = {"line_length": 120, "expand_nested": True}
    model.summary(print_fn=lambda text, **_: printed.append(text), **options)
    rows = [line for line in "\n".join(printed).splitlines() if line.startswith("│")]
    return [row.split("│")[2].strip() for row in rows]


def seen(make, way, keras):
    model = make(keras)
    WAYS[way](model)
    inner = getattr(model, "within", model)
    return (
        shapes(model),
        inner.input_shape,
        inner.inputs[0].shape,
        inner.output_shape,
        model.get_build_config(),
        [layer.get_build_config() for layer in inner.layers],
    )


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [deferred, subclassed, with_a_step_of_its_own])
def test_the_number_of_rows_is_kept_where_keras_keeps_it(keras, make, way):
    assert seen(make, way, npkeras) == seen(make, way, keras)


def test_rows_that_differ_from_batch_to_batch_reach_nothing_made_of_the_model():
    model = deferred(npkeras)
    model.fit(X, Y, batch_size=8, verbose=0)
    assert shapes(model) == ["(None, 2)", "(None, 2)", "(None, 1)"]
    assert npkeras.Model(model.inputs, model.layers[0].output).output_shape == (None, 2)
    assert npkeras.models.clone_model(model).input_shape == (None, 4)
    assert npkeras.Sequential([model]).input_shape == (None, 4)


@pytest.mark.keras
@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("batch_size", [8, 10])
def test_files_of_such_models_go_both_ways(keras, tmp_path, ending, batch_size):
    for writer, reader in [(keras, npkeras), (npkeras, keras)]:
        model = deferred(writer)
        model.fit(X, Y, batch_size=batch_size, verbose=0)
        path = str(tmp_path / f"{writer.__name__}{ending}")
        model.save(path)
        loaded = reader.models.load_model(path, compile=False)
        assert loaded.input_shape == (None if batch_size == 8 else 10, 4)
        expected = model.predict(X[:10], verbose=0)
        np.testing.assert_allclose(loaded.predict(X[:10], verbose=0), expected, rtol=1e-5)


def test_layers_with_states_are_built_for_the_rows_of_the_first_batch():
    model = npkeras.Sequential([npkeras.layers.LSTM(2, stateful=True), npkeras.layers.Dense(1)])
    model.compile("sgd", "mse")
    steps = ((X[:10, None], Y[:10]) for _ in range(2))
    model.fit(steps, verbose=0)
    assert model.input_shape == (10, 1, 4)


def test_what_is_not_a_row_for_each_sample_keeps_its_length():
    class Model(npkeras.Model):
        def __init__(self):
            super().__init__()
            self.table, self.last = npkeras.layers.Dense(4), npkeras.layers.Dense(1)

        def call(self, x):
            return self.last(x + npkeras.ops.sum(self.table(np.ones((5, 3), "float32"))))

    model = Model()
    model.compile("sgd", "mse")
    model.fit(X, Y, batch_size=8, verbose=0)
    assert shapes(model) == ["(5, 4)", "(None, 1)"]


@pytest.mark.keras
def test_a_data_set_of_tensorflow_says_how_many_rows_there_will_be(keras):
    tensorflow = pytest.importorskip("tensorflow")
    whole = tensorflow.data.Dataset.from_tensor_slices((X, Y))
    for batches, rows in [(whole.batch(10), None), (whole.batch(8, drop_remainder=True), 8)]:
        for engine in (npkeras, keras):
            model = deferred(engine)
            model.fit(batches, verbose=0)
            assert model.input_shape == (rows, 4)

"""Code of others within a layer: what it does to its arguments stays its own business."""

import numpy as np
import pytest

import npkeras
from npkeras import GradientTape, ops
from tests.layers.engines import array


def Doubling(engine):
    class Doubling(engine.layers.Layer):
        def call(self, inputs):
            x = inputs
            x *= 2.0
            return x + inputs

    return Doubling()


def test_signs_in_place_give_a_name_to_something_new(engine):
    """`engine` is npkeras, and Keras where it is installed."""
    x = np.ones((2, 3), "float32")
    assert array(Doubling(engine)(x)).tolist() == [[3.0] * 3] * 2
    inputs = engine.Input((3,))
    hidden = engine.layers.Dense(3, kernel_initializer="ones")(inputs)
    model = engine.Model(inputs, [hidden, Doubling(engine)(hidden)])
    found = [array(y).tolist() for y in model.predict(x, verbose=0)]
    assert found == [[[3.0] * 3] * 2, [[9.0] * 3] * 2]
    model = engine.Sequential([Doubling(engine), engine.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, np.ones((2, 1)), epochs=2, verbose=0)
    assert (x == 1).all()


@pytest.mark.parametrize("sign", ["+", "-", "*", "/", "**", "@", "//", "%"])
def test_signs_in_place_of_arrays_take_recorded_values(sign):
    variable = npkeras.Variable(np.full((2, 2), 3.0, "float32"))
    with GradientTape() as tape:
        x = ops.ones((2, 2)) * 2
        names = {"x": x, "variable": variable}
        exec(f"x {sign}= variable", names)
        exec(f"y = (2 * np.ones((2, 2), 'float32')) {sign} variable", {**names, "np": np}, names)
        total = ops.sum(names["x"])
    np.testing.assert_array_equal(array(names["x"]), array(names["y"]))
    assert (x == 2).all()  # the array itself stays
    if sign != "//":
        assert tape.gradient(total, variable).shape == (2, 2)


class Writing(npkeras.layers.Layer):
    def call(self, inputs):
        y = ops.reshape(inputs, (-1,))
        y += 1
        return y


class Indexing(npkeras.layers.Layer):
    def call(self, inputs):
        inputs[0] = 0
        return inputs


@pytest.mark.parametrize("layer", [Writing, Indexing])
def test_writing_into_what_was_given_is_refused(layer):
    x = np.ones((2, 3), "float32")
    with pytest.raises(ValueError, match="writes into an array that it was given.*Make a new one"):
        layer(name="mine")(x)
    assert (x == 1).all() and x.flags.writeable


def test_results_are_plain_arrays_that_may_be_written_to():
    x = np.ones((2, 3), "float32")
    for function in (lambda z: z * 2, np.exp, lambda z: ops.reshape(z, (3, 2)), lambda z: z[:1]):
        y = npkeras.layers.Lambda(function)(x)
        assert type(y) is np.ndarray and y.flags.writeable
        y[0, 0] = 7
        assert (x == 1).all()
    assert npkeras.layers.Lambda(lambda z: z)(x) is x


def test_masks_and_watched_arrays_stay_known():
    class Within(npkeras.layers.Layer):
        supports_masking = True

        def __init__(self):
            super().__init__()
            self.recurrent = npkeras.layers.LSTM(3)

        def call(self, x, mask=None):
            return self.recurrent(x)

    x = npkeras.layers.Masking()(np.array([[[1.0], [0.0]], [[1.0], [2.0]]], "float32"))
    layer = Within()
    np.testing.assert_array_equal(layer(x), layer.recurrent(x))

    class Slope(npkeras.Model):
        def call(self, x):
            with GradientTape() as tape:
                tape.watch(x)
                y = ops.sum(x**2 if isinstance(x, npkeras.KerasTensor) else ops.square(x))
            return tape.gradient(y, x)

    x = np.arange(3.0, dtype="float32")[None]
    np.testing.assert_array_equal(Slope()(x), 2 * x)

"""Layers that say themselves what a file keeps of them."""

import h5py
import numpy as np
import pytest

import npkeras
from npkeras.saving import WeightsMismatchError


def model_with_a_table(keras, factor=1.0):
    class Table(keras.layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(2,), initializer="ones", name="scale")
            self.table = factor * np.arange(3.0, dtype="float32")
            super().build(input_shape)

        def call(self, inputs):
            return inputs * self.scale

        def save_own_variables(self, store):
            store["scale"] = self.scale.numpy()
            store["table"] = self.table

        def load_own_variables(self, store):
            arrays = {key: np.array(store[key]) for key in store.keys()}  # noqa: SIM118
            self.scale.assign(arrays["scale"])
            self.table = arrays["table"]

    return keras.Sequential([keras.Input((2,)), Table(), keras.layers.Dense(1)])


@pytest.mark.parametrize("writer", ["keras", "npkeras"])
@pytest.mark.parametrize("reader", ["keras", "npkeras"])
@pytest.mark.keras
def test_a_layer_with_its_own_way_of_saving_is_asked_for_it(keras, tmp_path, reader, writer):
    engines = {"keras": keras, "npkeras": npkeras}
    path = tmp_path / "model.weights.h5"
    saved = model_with_a_table(engines[writer], factor=2.0)
    saved.layers[0].scale.assign([3.0, 4.0])
    saved.save_weights(path)
    model = model_with_a_table(engines[reader])
    model.load_weights(path)
    assert model.layers[0].table.tolist() == [0, 2, 4]
    for a, b in zip(saved.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_a_layer_of_ones_own_cannot_load_is_told_and_changes_nothing(tmp_path):
    path = tmp_path / "model.weights.h5"
    model_with_a_table(npkeras).save_weights(path)
    with h5py.File(path, "a") as file:
        file["layers/table/vars/scale"][...] = 5
        del file["layers/table/vars/table"]
    model = model_with_a_table(npkeras)
    before = model.get_weights()
    with pytest.raises(
        WeightsMismatchError, match=r"\(Table\): its `load_own_variables` raised KeyError: 'table'"
    ):
        model.load_weights(path)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)

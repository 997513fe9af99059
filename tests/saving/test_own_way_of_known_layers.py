"""Layers derived from known ones, with one weight more, which files keep as in Keras."""

import h5py
import numpy as np
import pytest

import npkeras
from npkeras.saving import WeightsMismatchError

CASES = {
    "Dense": ((3,), {"units": 2}),
    "EinsumDense": ((3,), {"equation": "ab,bc->ac", "output_shape": 2, "bias_axes": "c"}),
    "Embedding": ((3,), {"input_dim": 4, "output_dim": 2}),
    "Conv1D": ((5, 3), {"filters": 2, "kernel_size": 2}),
    "Conv2D": ((5, 5, 3), {"filters": 2, "kernel_size": 2, "use_bias": False}),
    "Conv3D": ((3, 3, 3, 2), {"filters": 2, "kernel_size": 2}),
    "DepthwiseConv1D": ((5, 3), {"kernel_size": 2}),
    "DepthwiseConv2D": ((5, 5, 3), {"kernel_size": 2}),
    "SeparableConv1D": ((5, 3), {"filters": 2, "kernel_size": 2}),
    "SeparableConv2D": ((5, 5, 3), {"filters": 2, "kernel_size": 2}),
    "Conv1DTranspose": ((5, 3), {"filters": 2, "kernel_size": 2}),
    "Conv2DTranspose": ((5, 5, 3), {"filters": 2, "kernel_size": 2}),
    "BatchNormalization": ((3,), {}),
    "LayerNormalization": ((3,), {}),
}
NAMED = ["Dense", "EinsumDense", "Embedding", "Conv1D", "Conv2D", "Conv3D"]


def scaled(engine, kind, says_how=True):
    """A class derived from a known layer that has a weight more, and may say how it is kept."""
    base = getattr(engine.layers, kind)

    class Scaled(base):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.factor = self.add_weight(shape=(1,), initializer="ones", name="factor")

    if not says_how:
        return Scaled

    class Telling(Scaled):
        def save_own_variables(self, store):
            super().save_own_variables(store)
            store["factor"] = self.factor.numpy()

        def load_own_variables(self, store):
            super().load_own_variables(store)
            self.factor.assign(store["factor"])

    return Telling


def model_of(engine, kind, scale=1.0, says_how=True):
    shape, arguments = CASES[kind]
    layer = scaled(engine, kind, says_how)(**arguments, name="scaled")
    model = engine.Sequential([engine.Input(shape), layer])
    for i, variable in enumerate(layer.weights):
        variable.assign(np.full(variable.shape, scale + i, "float32"))
    return model


def arrays_in(path):
    with h5py.File(path) as file:
        group = file["layers"]["scaled" if "scaled" in file["layers"] else "telling"]["vars"]
        return {name: group[name][()] for name in group}


@pytest.mark.keras
@pytest.mark.parametrize("kind", CASES)
def test_a_subclass_with_a_weight_more_is_kept_as_in_keras(keras, tmp_path, kind):
    found = []
    for name, engine in (("keras", keras), ("npkeras", npkeras)):
        path = tmp_path / f"{name}.weights.h5"
        model_of(engine, kind, scale=5.0).save_weights(path)
        found.append(arrays_in(path))
    assert list(found[0]) == list(found[1])
    for key, array in found[0].items():
        np.testing.assert_array_equal(found[1][key], array)


@pytest.mark.keras
@pytest.mark.parametrize("kind", NAMED)
@pytest.mark.parametrize("writer", ["keras", "npkeras"])
@pytest.mark.parametrize("reader", ["keras", "npkeras"])
def test_a_subclass_that_says_how_is_read_by_both(keras, tmp_path, kind, writer, reader):
    engines = {"keras": keras, "npkeras": npkeras}
    path = tmp_path / "model.weights.h5"
    saved = model_of(engines[writer], kind, scale=5.0)
    saved.save_weights(path)
    model = model_of(engines[reader], kind)
    model.load_weights(path)
    for a, b in zip(saved.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("kind", NAMED)
@pytest.mark.parametrize("ending", [".weights.h5", ".keras", ".h5"])
def test_a_subclass_that_does_not_say_how_loses_nothing(tmp_path, kind, ending):
    path = tmp_path / f"model{ending}"
    saved = model_of(npkeras, kind, scale=5.0, says_how=False)
    if ending == ".weights.h5":
        saved.save_weights(path)
        *known, extra = arrays_in(path).values()
        assert extra == saved.layers[0].factor.value
        assert len(known) == len(saved.get_weights()) - 1
        model = model_of(npkeras, kind, says_how=False)
        model.load_weights(path)
    else:
        saved.save(path)
        known = {"Scaled": type(saved.layers[0])}
        model = npkeras.saving.load_model(path, custom_objects=known)
    for a, b in zip(saved.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.keras
@pytest.mark.parametrize("kind", NAMED)
def test_keras_reads_what_it_keeps_itself_of_such_a_subclass(keras, tmp_path, kind):
    path = tmp_path / "model.weights.h5"
    saved = model_of(npkeras, kind, scale=5.0, says_how=False)
    saved.save_weights(path)
    model = model_of(keras, kind, says_how=False)
    model.load_weights(path)
    for name in saved.layers[0].weights_in_files:
        ours, theirs = (getattr(m.layers[0], name, None) for m in (saved, model))
        if ours is not None:
            np.testing.assert_array_equal(ours.value, theirs.numpy())


@pytest.mark.keras
def test_a_file_of_keras_without_the_weight_more_is_refused_as_there(keras, tmp_path):
    path = tmp_path / "model.weights.h5"
    model_of(keras, "Dense", says_how=False).save_weights(path)
    with pytest.raises(ValueError, match="3 variables"):
        model_of(keras, "Dense", says_how=False).load_weights(path)
    with pytest.raises(WeightsMismatchError, match="Keras keeps only kernel, bias"):
        model_of(npkeras, "Dense", says_how=False).load_weights(path)


def test_what_is_read_in_the_layers_own_way_must_have_the_right_shape(tmp_path):
    path = tmp_path / "model.weights.h5"
    model_of(npkeras, "Dense").save_weights(path)
    with h5py.File(path, "a") as file:
        del file["layers/telling/vars/0"]
        file["layers/telling/vars/0"] = np.ones((7, 7))
    model = model_of(npkeras, "Dense")
    before = model.get_weights()
    with pytest.raises(WeightsMismatchError, match=r"Telling.*load_own_variables"):
        model.load_weights(path)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)

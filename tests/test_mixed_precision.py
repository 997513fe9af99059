"""The global policy under all its names, and policies as configs."""

import json

import pytest

import npkeras
from npkeras import config, dtype_policies, mixed_precision
from npkeras.optimizers import LossScaleOptimizer


def test_the_policy_of_all_layers():
    mixed_precision.set_global_policy("mixed_float16")
    assert mixed_precision.global_policy() == config.dtype_policy()
    assert npkeras.layers.Dense(2).compute_dtype == "float16"
    mixed_precision.set_dtype_policy(mixed_precision.Policy("float32"))
    assert mixed_precision.dtype_policy().name == "float32"
    assert mixed_precision.LossScaleOptimizer is LossScaleOptimizer


@pytest.mark.keras
@pytest.mark.parametrize("kind", ["DTypePolicy", "FloatDTypePolicy"])
def test_policies_have_the_configs_of_keras(keras, kind):
    ours, theirs = (
        engine.dtype_policies.serialize(getattr(engine, kind)("mixed_float16"))
        for engine in (npkeras, keras)
    )
    assert json.dumps(ours) == json.dumps(theirs)
    for back in (dtype_policies.deserialize(theirs), dtype_policies.get(theirs)):
        assert type(back).__name__ == kind
        assert back == npkeras.DTypePolicy("mixed_float16")


@pytest.mark.keras
@pytest.mark.parametrize("given", [None, "float16", bool, "mixed_float16"])
def test_get_understands_what_keras_does(keras, given):
    assert dtype_policies.get(given).name == keras.dtype_policies.get(given).name
    assert repr(dtype_policies.get(given)) == repr(keras.dtype_policies.get(given))


def test_what_is_no_config_comes_back():
    assert dtype_policies.deserialize("float16") == "float16"
    assert dtype_policies.deserialize(None) is None


@pytest.mark.parametrize("name", ["int8_from_float32", "gptq/4/-1_from_float32"])
def test_policies_of_quantized_layers_are_refused(name):
    expected = "quantized layers are not supported.*Use that of the weights: 'float32'"
    with pytest.raises(ValueError, match=expected):
        dtype_policies.get(name)
    with pytest.raises(ValueError, match=expected):
        npkeras.layers.Dense(2, dtype=name)


@pytest.mark.keras
def test_a_layer_with_the_older_name_of_a_policy_is_read(keras, tmp_path):
    policy = keras.FloatDTypePolicy("mixed_float16")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, dtype=policy)])
    model.save(tmp_path / "model.keras")
    ours = npkeras.models.load_model(tmp_path / "model.keras")
    assert ours.layers[-1].compute_dtype == "float16"

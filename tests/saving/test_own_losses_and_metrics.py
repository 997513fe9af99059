"""Losses and metrics of the user's own in files: found when the file is read."""

import numpy as np
import pytest

import npkeras

X = np.arange(12, dtype="float32").reshape(4, 3)
Y = np.ones((4, 1), "float32")


def functions_of(engine):
    def rmse(y, p):
        return engine.ops.sqrt(engine.ops.mean(engine.ops.square(y - p)))

    def distance(y, p):
        return engine.ops.mean(engine.ops.abs(y - p), axis=-1)

    return {"rmse": rmse, "distance": distance}


def model_of(engine, metrics):
    own = functions_of(engine)
    layer = engine.layers.Dense(1, kernel_initializer="ones", name="a")
    model = engine.Sequential([engine.Input((3,)), layer])
    given = {
        "alone": [own["rmse"]],
        "with others": [own["rmse"], "mae"],
        "by output": {"a": [own["rmse"], "mse"]},
    }[metrics]
    model.compile("sgd", own["distance"], metrics=given)
    model.evaluate(X, Y, verbose=0)
    return model


@pytest.mark.keras
@pytest.mark.parametrize("writer", ["keras", "npkeras"])
@pytest.mark.parametrize("ending", [".h5", ".keras"])
@pytest.mark.parametrize("metrics", ["alone", "with others", "by output"])
def test_functions_of_ones_own_are_found_when_the_file_is_read(
    keras, tmp_path, writer, ending, metrics
):
    path = tmp_path / f"model{ending}"
    saved = model_of({"keras": keras, "npkeras": npkeras}[writer], metrics)
    saved.save(path)
    model = npkeras.saving.load_model(path, custom_objects=functions_of(npkeras))
    expected = saved.evaluate(X, Y, verbose=0, return_dict=True)
    for _ in range(2):
        found = model.evaluate(X, Y, verbose=0, return_dict=True)
        assert list(found) == list(expected)
        np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-5)


def test_a_file_read_and_written_again_names_the_functions(tmp_path):
    model_of(npkeras, "with others").save(tmp_path / "one.h5")
    own = functions_of(npkeras)
    model = npkeras.saving.load_model(tmp_path / "one.h5", custom_objects=own)
    model.save(tmp_path / "two.keras")
    again = npkeras.saving.load_model(tmp_path / "two.keras", custom_objects=own)
    assert again.evaluate(X, Y, verbose=0) == model.evaluate(X, Y, verbose=0)
    config = model.get_compile_config()
    assert (config["loss"]["config"], config["metrics"][0]["config"]) == ("distance", "rmse")


def test_an_unknown_metric_is_refused_when_the_file_is_read(tmp_path):
    model_of(npkeras, "alone").save(tmp_path / "model.h5")
    known = {"distance": functions_of(npkeras)["distance"]}
    with pytest.raises(ValueError, match="'rmse'"):
        npkeras.saving.load_model(tmp_path / "model.h5", custom_objects=known)

"""Programs in the manner of Keras' tutorials: only the import differs, the numbers do not."""

import importlib
import pkgutil
import warnings

import numpy as np
import pytest

import npkeras
from tests.workflows import tutorials

NAMES = [m.name for m in pkgutil.iter_modules(tutorials.__path__) if m.name != "engines"]
_results = {}


def program(name):
    return importlib.import_module(f"{tutorials.__name__}.{name}").program


def ours(name):
    """What a program gives on npkeras, run once, with every warning an error."""
    if name not in _results:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            _results[name] = program(name)(npkeras)
    return _results[name]


@pytest.mark.parametrize("name", NAMES)
def test_runs_in_silence_and_gives_finite_numbers(name, capfd):
    results = ours(name)
    assert capfd.readouterr() == ("", "")
    for key, values in results.items():
        assert np.isfinite(np.asarray(values)).all(), key


@pytest.mark.parametrize("name", NAMES)
def test_what_was_saved_is_what_comes_back(name):
    results = ours(name)
    for key in [key for key in results if key.endswith("restored")]:
        saved = results[key.replace("restored", "predicted")]
        np.testing.assert_array_equal(results[key], saved)


@pytest.mark.keras
@pytest.mark.filterwarnings("ignore:.build... was called on layer:UserWarning")  # by Keras
@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_those_of_keras(name, keras):
    results, expected = ours(name), program(name)(keras)
    assert sorted(results) == sorted(expected)
    for key, values in expected.items():
        np.testing.assert_allclose(
            np.asarray(results[key]), np.asarray(values), rtol=1e-4, atol=1e-4, err_msg=key
        )

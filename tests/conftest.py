"""What every test may ask for: a live Keras to compare with, and real data."""

import os
import pathlib

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")

ENFORCED = os.environ.get("NPKERAS_REQUIRE_KERAS") == "1"


def pytest_configure(config):
    config.addinivalue_line("markers", "keras: compares with a live Keras on TensorFlow")
    config.addinivalue_line("markers", "slow: takes more than a few seconds")


def pytest_make_parametrize_id(config, val, argname):
    """Bytes get the argument's name: a file's content, with its time, is no name for a test.

    Processes that share the tests between them must agree on the names.
    """
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def keras():
    """Keras on TensorFlow; the test is skipped where it is not installed."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        import keras
        import tensorflow  # noqa: F401
    except ImportError as error:
        if ENFORCED:
            raise
        pytest.skip(f"Keras on TensorFlow is not installed ({error}): nothing to compare with")
    return keras


@pytest.fixture(params=["npkeras", pytest.param("keras", marks=pytest.mark.keras)])
def engine(request):
    """npkeras, or live Keras: what a test with it says is true of both."""
    if request.param == "npkeras":
        import npkeras

        return npkeras
    keras = request.getfixturevalue("keras")
    keras.utils.clear_session(free_memory=False)  # collecting garbage takes half a second
    return keras


@pytest.fixture(scope="session")
def tf(keras):
    import tensorflow

    return tensorflow


@pytest.fixture(scope="session")
def keras_2(keras):
    """Keras 2, as tf-keras keeps it; the test is skipped where it is not installed."""
    try:
        import tf_keras
    except ImportError as error:
        if ENFORCED:
            raise
        pytest.skip(f"tf-keras is not installed ({error}): no Keras 2 to write files")
    return tf_keras


@pytest.fixture(scope="session")
def data_folder():
    """A folder of real data, named by the environment variable NPKERAS_TEST_DATA."""
    folder = os.environ.get("NPKERAS_TEST_DATA")
    if not folder or not pathlib.Path(folder).is_dir():
        pytest.skip("NPKERAS_TEST_DATA names no folder of real data")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def doctest_namespace():
    """What the examples in docstrings take as known."""
    import numpy as np

    import npkeras

    layers = {name: getattr(npkeras.layers, name) for name in npkeras.layers.__all__}
    return {"np": np, "npkeras": npkeras, "ops": npkeras.ops, **layers}


@pytest.fixture(autouse=True)
def _fresh_state():
    """Every test begins with the settings and names of a fresh process."""
    from npkeras.core import config, dtypes, names

    names.reset()
    saved, policy = dict(config._settings), dtypes._global_policy[0]
    yield
    config._settings.update(saved)
    dtypes._global_policy[0] = policy

"""Names of Keras 2."""

import importlib
import re

import pytest

import npkeras
from npkeras.optimizers import legacy


@pytest.mark.parametrize("name", legacy.__all__)
def test_an_optimizer_of_keras_2_is_refused_with_the_name_of_its_successor(name):
    optimizer = getattr(importlib.import_module("npkeras.optimizers.legacy"), name)
    expected = re.escape(f"no `optimizers.legacy.{name}`, as there is none in Keras 3. ")
    with pytest.raises(ImportError, match=f"{expected}Use `optimizers.{name}`."):
        optimizer(learning_rate=0.1)
    assert hasattr(npkeras.optimizers, name)


def test_a_line_that_imports_one_runs():
    from npkeras.optimizers.legacy import Adam  # noqa: F401

    assert not hasattr(legacy, "Other")


@pytest.mark.keras
def test_keras_refuses_them_when_they_are_called_too(keras):
    for name in set(legacy.__all__) & set(dir(keras.optimizers.legacy)):
        with pytest.raises(ImportError):
            getattr(keras.optimizers.legacy, name)(learning_rate=0.1)

"""The registry of kernels: chosen by the type of the first array, replaced by importing."""

import sys
import types

import numpy as np
import pytest

from npkeras import kernels


@pytest.fixture
def double():
    @kernels.kernel
    def double(x):
        return 2 * x

    yield double
    del kernels.KERNELS["double"]


class OtherArray:
    pass


def test_a_kernel_is_chosen_by_the_type_of_its_first_array(double):
    double.register(OtherArray)(lambda x: "other")
    assert double(OtherArray()) == "other"
    assert double(np.float32(2)) == 4
    assert double.dispatch(object)(3) == 6
    assert kernels.KERNELS["double"] is double


def test_a_set_of_kernels_is_loaded_by_name(monkeypatch):
    module = types.ModuleType("npkeras.kernels.spare_kernels")
    module.__spec__ = types.SimpleNamespace(name=module.__name__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    kernels.use("spare")


@pytest.mark.parametrize("name", ["nothing", "../evil", ""])
def test_unknown_sets_of_kernels_are_refused(name):
    with pytest.raises(ValueError, match="knows no set of kernels.*" + repr(name)):
        kernels.use(name)

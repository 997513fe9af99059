"""The public lists: what they name exists, what is registered is in them, and Keras agrees."""

import importlib
import inspect
import pathlib
import pickle
import subprocess
import sys

import pytest

import npkeras
from npkeras.core import absent, registry
from tests import public_names

ROOT = pathlib.Path(__file__).parent.parent
LISTED = {
    "activations": npkeras.activations,
    "callbacks": npkeras.callbacks,
    "constraints": npkeras.constraints,
    "initializers": npkeras.initializers,
    "layers": npkeras.layers,
    "losses": npkeras.losses,
    "metrics": npkeras.metrics,
    "models": npkeras.models,
    "optimizers": npkeras.optimizers,
    "regularizers": npkeras.regularizers,
}


@pytest.mark.parametrize("kind", list(LISTED))
def test_what_is_registered_is_public(kind):
    missing = [n for n in registry.members(kind) if not hasattr(LISTED[kind], n)]
    assert not missing


@pytest.mark.parametrize("dotted", public_names.MODULES)
def test_what_is_listed_exists(dotted):
    module = public_names.module_of(npkeras, dotted)
    missing = [name for name in getattr(module, "__all__", []) if not hasattr(module, name)]
    assert not missing


@pytest.mark.keras
@pytest.mark.parametrize("dotted", public_names.MODULES)
def test_names_are_those_of_keras_or_ours_by_intent(keras, dotted):
    ours = public_names.public_names(public_names.module_of(npkeras, dotted))
    theirs = public_names.public_names(public_names.module_of(keras, dotted))
    assert ours - theirs <= public_names.OWN.get(dotted, set())


@pytest.mark.keras
@pytest.mark.parametrize("dotted", absent.NAMES)
def test_what_keras_has_alone_is_known_as_such(keras, dotted):
    ours = public_names.module_of(npkeras, dotted)
    module = public_names.module_of(keras, dotted)
    theirs = public_names.public_names(module) | public_names.inner_modules(module)
    assert absent.NAMES[dotted] == {name for name in theirs if not hasattr(ours, name)}


def test_every_public_module_says_what_it_lacks():
    assert set(absent.NAMES) == {*public_names.MODULES, "datasets"}
    for dotted in absent.NAMES:
        module = public_names.module_of(npkeras, dotted)
        with pytest.raises(AttributeError, match=f"^module '{module.__name__}' has no attribute"):
            module.nothing_of_this_name  # noqa: B018


def test_asking_for_what_keras_alone_has_says_so():
    expected = "'npkeras.layers' has no attribute 'TFSMLayer'. Keras has it, npkeras does not"
    with pytest.raises(AttributeError, match=expected):
        npkeras.layers.TFSMLayer  # noqa: B018
    with pytest.raises(ImportError, match=expected):
        from npkeras.layers import TFSMLayer  # noqa: F401
    with pytest.raises(ImportError, match="'npkeras' has no attribute 'legacy'. Keras has it"):
        from npkeras import legacy  # noqa: F401
    with pytest.raises(AttributeError, match="see docs/compatibility.md. Pictures are arrays"):
        npkeras.visualization  # noqa: B018
    with pytest.raises(ImportError, match="see docs/compatibility.md. Layers are not quantized"):
        from npkeras.dtype_policies import Int4DTypePolicy  # noqa: F401


def test_advice_is_given_only_for_names_that_are_absent():
    known = {
        f"{dotted}.{name}".strip(".") for dotted in absent.NAMES for name in absent.NAMES[dotted]
    }
    assert set(absent._ADVICE) <= known


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(AttributeError, match="'Dens'. Did you mean 'Dense'?"):
        npkeras.layers.Dens  # noqa: B018
    with pytest.raises(ImportError, match="'Adamm'. Did you mean 'Adam'?"):
        from npkeras.optimizers import Adamm  # noqa: F401
    with pytest.raises(AttributeError, match="no attribute '_Dense'$"):
        npkeras.layers._Dense  # noqa: B018


def test_what_is_not_there_is_simply_not_there_for_python():
    assert not hasattr(npkeras.layers, "TFSMLayer")
    assert getattr(npkeras, "Dens", None) is None
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("npkeras.legacy")
    stranger = type("TFSMLayer", (), {"__module__": "npkeras.layers"})
    with pytest.raises(pickle.PicklingError):
        pickle.dumps(stranger)


@pytest.mark.keras
def test_signatures_are_those_of_keras(keras):
    compared = public_names.compare(npkeras, keras)
    wrong = {
        f"{dotted}.{name}": what
        for (dotted, name), what in compared.items()
        if what is not None and (dotted, name) not in public_names.DIFFERENT
    }
    assert not wrong


@pytest.mark.keras
def test_methods_of_models_and_layers_have_the_signatures_of_keras(keras):
    methods = [
        (name, method)
        for name, members in {
            "Model": "compile fit evaluate predict train_on_batch test_on_batch predict_on_batch "
            "summary get_layer save_weights load_weights train_step test_step predict_step "
            "compute_loss compute_metrics reset_metrics get_metrics_result get_compile_config "
            "compile_from_config to_json",
            "Sequential": "add pop build",
            "Layer": "add_weight add_loss build get_weights set_weights get_config from_config "
            "count_params compute_mask get_build_config build_from_config save_own_variables "
            "load_own_variables",
        }.items()
        for method in members.split()
    ]
    wrong = {}
    for name, method in methods:
        ours, theirs = (getattr(getattr(engine, name), method) for engine in (npkeras, keras))
        what = public_names.difference(ours, theirs)
        if what is not None:
            wrong[f"{name}.{method}"] = what
    assert not wrong


def test_import_loads_only_numpy():
    code = "import npkeras, sys; print([m for m in ('h5py', 'tqdm', 'matplotlib', 'pandas', "
    code += "'tensorflow', 'keras', 'rich') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.keras
@pytest.mark.parametrize("dotted", [*public_names.MODULES[1:], "datasets", "data"])
def test_a_star_brings_in_public_names_only(keras, dotted):
    def starred(package):
        names = {}
        exec(f"from {package}.{dotted} import *", names)
        return {n for n in names if not n.startswith("_")}

    ours = starred("npkeras")
    module = public_names.module_of(npkeras, dotted)
    inner = {n for n in ours if inspect.ismodule(getattr(module, n))}
    assert ours - inner == public_names.public_names(module)
    own = {"glove", "ptb", "stand_in"} if dotted == "datasets" else set()
    assert inner - own <= (starred("keras") if inner else set())

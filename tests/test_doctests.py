"""Every example runs and prints what it says: in docstrings, in the README, in the tour."""

import doctest
import importlib
import io
import pathlib
import pkgutil
import re
import warnings

import numpy as np
import pytest

import npkeras

ROOT = pathlib.Path(__file__).parent.parent
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
MODULES = ["npkeras"] + sorted(
    module.name for module in pkgutil.walk_packages(npkeras.__path__, "npkeras.")
)


def examples_of(module, namespace):
    """The docstrings with examples: of modules, classes, functions, and of ops, which are objects.

    A name that a module merely imports is left to where it is defined.
    """
    globs = {**vars(module), **namespace}
    tests = doctest.DocTestFinder().find(module, module.__name__, globs=globs)
    yield from (test for test in tests if test.examples)
    for name, thing in vars(module).items():
        text = getattr(thing, "__doc__", None)
        if (
            not callable(thing)
            or not isinstance(text, str)
            or ">>>" not in text
            or doctest.inspect.isroutine(thing)
            or doctest.inspect.isclass(thing)
            or getattr(thing, "__module__", None) != module.__name__
        ):
            continue
        yield doctest.DocTestParser().get_doctest(
            text, globs, f"{module.__name__}.{name}", module.__file__, None
        )


def run(test):
    out = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    with warnings.catch_warnings(), np.printoptions(legacy=False):
        warnings.simplefilter("error")
        runner.run(test, out=out.write)
    assert not runner.failures, out.getvalue()


@pytest.mark.parametrize("name", MODULES)
def test_docstrings(name, doctest_namespace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for test in examples_of(importlib.import_module(name), doctest_namespace):
        npkeras.utils.set_random_seed(0)
        run(test)


def test_examples_are_found_in_all_kinds_of_things(doctest_namespace):
    named = {
        test.name
        for name in MODULES
        for test in examples_of(importlib.import_module(name), doctest_namespace)
    }
    assert {
        "npkeras.layers.dense.Dense",  # a class
        "npkeras.losses.get",  # a function
        "npkeras.losses.classification.binary_crossentropy",
    } <= named
    assert any(isinstance(vars_of(name), npkeras.ops.relu.__class__) for name in named)


def vars_of(name):
    module, _, last = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), last, None)
    except ImportError:
        return None


def python_blocks(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_the_readme_trains_and_saves(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (block,) = python_blocks("README.md")
    scope = {}
    exec(compile(block, "README.md", "exec"), scope)
    assert (tmp_path / "model.weights.h5").exists()
    history = scope["model"].history.history
    assert len(history["val_accuracy"]) == 5
    assert history["loss"][-1] < history["loss"][0]


@pytest.mark.keras
def test_the_readme_runs_alike_on_keras(keras, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (block,) = python_blocks("README.md")
    scope = {}
    exec(compile(block.replace("import npkeras as", "import"), "README.md", "exec"), scope)
    theirs = scope["model"].history.history
    exec(compile(block, "README.md", "exec"), scope)
    ours = scope["model"].history.history
    assert sorted(ours) == sorted(theirs)
    np.testing.assert_allclose(ours["loss"], theirs["loss"], rtol=0.15)  # shuffled otherwise


@pytest.mark.parametrize(
    "page", sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
)
def test_sessions_in_the_pages(page, doctest_namespace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for i, block in enumerate(python_blocks(page)):
        if ">>>" in block:
            test = doctest.DocTestParser().get_doctest(
                block, dict(doctest_namespace), f"{page}, block {i + 1}", page, None
            )
            run(test)
        else:
            compile(block, page, "exec")


def test_one_training_step_of_the_tour_runs():
    (block, *_) = python_blocks("docs/tour.md")
    model = npkeras.Sequential([npkeras.Input((4,)), npkeras.layers.Dense(3, "softmax")])
    before = model.get_weights()[0]
    scope = {
        "GradientTape": npkeras.GradientTape,
        "model": model,
        "compiled_loss": npkeras.losses.SparseCategoricalCrossentropy(),
        "optimizer": npkeras.optimizers.SGD(0.1),
        "x": np.ones((2, 4), "float32"),
        "y": np.array([0, 1]),
    }
    exec(compile(block, "docs/tour.md", "exec"), scope)
    assert not np.array_equal(model.get_weights()[0], before)

"""What every op, layer and configurable object must satisfy, written once."""

import gc
import inspect
import itertools
import weakref

import numpy as np

from npkeras.core import tree
from npkeras.core.dtypes import dtype_of
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import GradientTape, Traced, plain


def parts(structure):
    """The arrays in a result: one, or several where an op has several outputs."""
    return [np.asarray(plain(part)) for part in tree.leaves(structure)]


def numeric_gradient(function, arrays, i, dys, step=1e-6):
    """Central differences of sum(function(*arrays) * dy), with respect to `arrays[i]`."""
    gradient = np.zeros(arrays[i].shape, "float64")
    for position in np.ndindex(arrays[i].shape):
        sides = []
        for sign in (1, -1):
            moved = arrays[i].copy()
            moved[position] += sign * step
            results = parts(function(*arrays[:i], moved, *arrays[i + 1 :]))
            sides.append(sum(float((y * dy).sum()) for y, dy in zip(results, dys, strict=True)))
        gradient[position] = (sides[0] - sides[1]) / (2 * step)
    return gradient


def recorded_gradients(function, arrays, dys=None):
    """What the tape gives for `arrays`, and the weights of the outputs that were used."""
    traced = [Traced(array, object()) for array in arrays]
    with GradientTape() as tape:
        outputs = tree.leaves(function(*traced))
    if dys is None:
        random = np.random.default_rng(0)
        dys = [
            random.normal(size=y.shape).astype(y.dtype if isinstance(y, Traced) else "float64")
            for y in outputs
        ]
    recorded = [(y, dy) for y, dy in zip(outputs, dys, strict=True) if isinstance(y, Traced)]
    gradients = tape.gradient([y for y, _ in recorded], traced, [dy for _, dy in recorded])
    dys = [dy if isinstance(y, Traced) else 0 * dy for y, dy in zip(outputs, dys, strict=True)]
    return gradients, dys


def check_gradients(function, *arrays, rtol=1e-6, atol=1e-7, step=1e-6, without=()):
    """Recorded gradients equal the numeric ones, in the shape and dtype of their arrays.

    `without` names by position the arguments to which no gradient is meant to flow.
    """
    for dtype in ("float64", "float32"):
        arrays = [np.asarray(array, dtype) for array in arrays]
        copies = [array.copy() for array in arrays]
        gradients, dys = recorded_gradients(function, arrays)
        for array, copy in zip(arrays, copies, strict=True):
            np.testing.assert_array_equal(array, copy, "an argument was written into")
        for i, gradient in enumerate(gradients):
            if i in without:
                assert gradient is None
                continue
            assert gradient is not None, f"no gradient for argument {i}"
            assert (gradient.shape, gradient.dtype) == (arrays[i].shape, arrays[i].dtype)
            if dtype == "float64":
                expected = numeric_gradient(function, arrays, i, dys, step)
                np.testing.assert_allclose(gradient, expected, rtol, atol)


def shapes_agree(inferred, result):
    """Whether an inferred shape says the same as a found one; None agrees with any length."""
    return len(inferred) == len(result) and all(
        a is None or a == b for a, b in zip(inferred, result, strict=True)
    )


def check_shape_rule(function, *arrays, unknown=True, dtype=True, **options):
    """Symbolic calls give the shapes and dtypes that calls on arrays give.

    With `unknown`, again with each axis in turn of unknown length. A rule may then be unable
    to say more than None, but it must not say anything wrong.
    """
    results = [np.asarray(plain(r)) for r in tree.leaves(function(*arrays, **options))]

    def check(*specs):
        inferred = tree.leaves(function(*specs, **options))
        assert len(inferred) == len(results)
        for spec, result in zip(inferred, results, strict=True):
            assert isinstance(spec, KerasTensor)
            assert shapes_agree(spec.shape, result.shape), (spec.shape, result.shape)
            assert not dtype or spec.dtype == dtype_of(result), (spec.dtype, result.dtype)
        return inferred

    shapes = [np.shape(array) for array in arrays]
    dtypes = [dtype_of(array) for array in arrays]
    for spec, result in zip(check(*map(KerasTensor, shapes, dtypes)), results, strict=True):
        assert spec.shape == result.shape, (spec.shape, result.shape)
    if unknown:
        for i, shape in enumerate(shapes):
            for axis in range(len(shape)):
                changed = list(shapes)
                changed[i] = (*shape[:axis], None, *shape[axis + 1 :])
                check(*map(KerasTensor, changed, dtypes))


def check_config(thing):
    """An object is rebuilt from its config: same class, same config, every argument in it."""
    config = thing.get_config()
    again = type(thing).from_config(config)
    assert type(again) is type(thing)
    assert again.get_config() == config
    for name, parameter in inspect.signature(type(thing).__init__).parameters.items():
        if name != "self" and parameter.kind not in (
            parameter.VAR_KEYWORD,
            parameter.VAR_POSITIONAL,
        ):
            assert name in config, f"`{name}` is missing from the config"
    return again


def kept_after_forward(function, *arrays):
    """Which arrays live on between the forward and the backward pass.

    Returns `{"input": ..., "output": ...}` for the first array, and the tape that keeps them.
    """
    inputs = [np.array(array) for array in arrays]
    references = {"input": weakref.ref(inputs[0])}
    with GradientTape() as tape:
        traced = [Traced(array, object()) for array in inputs]
        y = function(*traced)
        references["output"] = weakref.ref(y.value)
    del inputs, traced, y
    gc.collect()
    return {name: reference() is not None for name, reference in references.items()}, tape


def all_pairs(values):
    """Every pair, in both orders and with itself."""
    return list(itertools.product(values, repeat=2))

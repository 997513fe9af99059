"""What every op must satisfy: values, gradients, shapes, dtypes, symbolic use, Keras' numbers."""

import numpy as np
import pytest

from npkeras import ops
from npkeras.core import op as core_op
from npkeras.core import tree
from npkeras.core.dtypes import dtype_of
from npkeras.core.op import OPS
from npkeras.core.symbolic import KerasTensor, nodes_between, replay
from npkeras.core.tape import GradientTape, Traced
from tests.checks import check_gradients, parts, recorded_gradients, shapes_agree
from tests.ops.cases import CASES, ELSEWHERE

by_case = pytest.mark.parametrize("case", CASES, ids=str)
SILENT = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def function_of(name):
    return getattr(ops, name, None) or OPS[name]


def is_float(x):
    return isinstance(x, np.ndarray) and x.dtype.kind == "f"


def in_dtype(arrays, dtype):
    return [x.astype(dtype) if is_float(x) else x for x in arrays]


def places(case, dtype="float64"):
    """Positions of the arguments to which gradients flow, and a function of just those."""
    wanted = [i for i, x in enumerate(case.arrays) if is_float(x) and i not in case.constant]

    def function(*floats):
        arrays = in_dtype(case.arrays, dtype)
        for i, x in zip(wanted, floats, strict=True):
            arrays[i] = x
        return function_of(case.name)(*arrays, **case.options)

    return wanted, function


def test_every_op_has_a_case():
    public = {name for name in OPS if not name.startswith("_")} - ELSEWHERE
    missing = sorted(public - {case.name for case in CASES})
    assert missing == [], "give each of them a line in tests/ops/cases.py"


@SILENT
@by_case
def test_gradients_are_the_numeric_ones(case):
    wanted, function = places(case)
    if not (case.differentiable and wanted):
        pytest.skip("nothing to differentiate here")
    check_gradients(function, *[case.arrays[i] for i in wanted], rtol=2e-5, atol=1e-6)


@SILENT
@by_case
def test_no_gradient_flows_to_constants(case):
    for i in case.constant:
        arrays = in_dtype(case.arrays, "float32")
        source = arrays[i] = Traced(arrays[i], object())
        with GradientTape() as tape:
            y = function_of(case.name)(*arrays, **case.options)
        recorded = [part for part in tree.leaves(y) if isinstance(part, Traced)]
        assert tape.gradient(recorded, source) is None


def specs_of(case, arrays, unknown=None):
    """Symbolic tensors for the array arguments, with one axis of unknown length."""
    specs = list(arrays)
    for i, x in enumerate(arrays):
        if isinstance(x, np.ndarray):
            shape = list(x.shape)
            if unknown and unknown[0] == i:
                shape[unknown[1]] = None
            specs[i] = KerasTensor(shape, dtype_of(x))
    return specs


@SILENT
@by_case
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_shape_rule_tells_what_comes_out(case, dtype):
    arrays = in_dtype(case.arrays, dtype)
    function = function_of(case.name)
    results = parts(function(*arrays, **case.options))
    inferred = tree.leaves(function(*specs_of(case, arrays), **case.options))
    assert [s.dtype for s in inferred] == [dtype_of(r) for r in results]
    for spec, result in zip(inferred, results, strict=True):
        assert spec.shape == result.shape or not case.unknown
        assert shapes_agree(spec.shape, result.shape)
    axes = [(i, k) for i, x in enumerate(arrays) for k in range(np.ndim(x)) if is_array(x)]
    for unknown in axes if case.unknown and dtype == "float32" else ():
        inferred = tree.leaves(function(*specs_of(case, arrays, unknown), **case.options))
        for spec, result in zip(inferred, results, strict=True):
            assert shapes_agree(spec.shape, result.shape), (unknown, spec.shape, result.shape)
            assert spec.dtype == dtype_of(result)


def is_array(x):
    return isinstance(x, np.ndarray)


@SILENT
@by_case
def test_a_symbolic_call_replayed_gives_the_same(case):
    arrays = in_dtype(case.arrays, "float32")
    function = function_of(case.name)
    specs = specs_of(case, arrays)
    inputs = [spec for spec in specs if isinstance(spec, KerasTensor)]
    outputs = tree.leaves(function(*specs, **case.options))
    nodes = nodes_between(inputs, outputs)
    values = {id(s): x for s, x in zip(specs, arrays, strict=True) if isinstance(s, KerasTensor)}
    found = replay(nodes, values)
    expected = parts(function(*arrays, **case.options))
    if case.name == "empty_like":
        return
    for spec, y in zip(outputs, expected, strict=True):
        np.testing.assert_array_equal(found[id(spec)], y)


@SILENT
@by_case
def test_recorded_values_give_what_plain_arrays_give(case):
    arrays = in_dtype(case.arrays, "float32")
    copies = [np.array(x) if is_array(x) else x for x in arrays]
    function = function_of(case.name)
    expected = parts(function(*arrays, **case.options))
    traced = [Traced(x, object()) if is_float(x) else x for x in arrays]
    with GradientTape():
        found = parts(function(*traced, **case.options))
    if case.name != "empty_like":
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
    for array, copy in zip(arrays, copies, strict=True):
        if is_array(array):
            np.testing.assert_array_equal(array, copy, "an argument was written into")


@SILENT
@by_case
def test_float16_is_kept_and_near(case):
    if not case.half or not any(map(is_float, case.arrays)):
        pytest.skip("not tried in float16")
    halves = in_dtype(case.arrays, "float16")
    function = function_of(case.name)
    found = parts(function(*halves, **case.options))
    wide = parts(function(*in_dtype(halves, "float64"), **case.options))
    for a, b in zip(found, wide, strict=True):
        assert a.dtype == "float16" or b.dtype != "float64"
        with np.errstate(over="ignore"):
            np.testing.assert_allclose(a.astype("float64"), b, rtol=0.02, atol=0.02)
    if case.differentiable:
        wanted, narrow = places(case, "float16")
        gradients, _ = recorded_gradients(narrow, [halves[i] for i in wanted])
        assert all(g.dtype == "float16" for g in gradients)


# NumPy's own functions ---------------------------------------------------------------------------

ROUTED = {op.__name__: f for f, op in core_op._BY_NUMPY.items() if not isinstance(f, np.ufunc)}
OWN_SIGNATURE = {  # NumPy takes these arguments in another way than Keras
    *"average clip einsum pad searchsorted take take_along_axis unique cross".split(),
    *"rot90 repeat tile full_like argpartition broadcast_to roll diff reshape qr".split(),
    *"cholesky svd trapezoid lstsq pinv matrix_rank bincount unravel_index".split(),
    *"quantile percentile nanquantile nanpercentile".split(),
}


@SILENT
@by_case
def test_numpys_function_calls_the_op(case):
    function = core_op._BY_NUMPY and {o.__name__: f for f, o in core_op._BY_NUMPY.items()}.get(
        case.name
    )
    if function is None or case.name in OWN_SIGNATURE:
        pytest.skip("no function of NumPy with this signature")
    arrays = in_dtype(case.arrays, "float32")
    expected = parts(function_of(case.name)(*arrays, **case.options))
    traced = [Traced(x, object()) if is_float(x) else x for x in arrays]
    if not any(isinstance(x, Traced) for x in traced):
        pytest.skip("no floats to record")
    with GradientTape():
        found = function(*traced, **case.options)
    for a, b in zip(parts(found), expected, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


# Keras -------------------------------------------------------------------------------------------


def keras_results(keras, tf, case, arrays, dys=None):
    """Keras' results, and its gradients for the float arguments."""
    function = getattr(keras.ops, case.name, None) or getattr(keras.ops.image, case.name)
    given = [tf.constant(x) if is_array(x) else x for x in arrays]
    sources = [x for x, a in zip(given, arrays, strict=True) if is_float(a)]
    options = dict(case.options)
    first = [options.pop("subscripts")] if case.name == "einsum" else []
    with tf.GradientTape() as tape:
        tape.watch(sources)
        y = function(*first, *given, **options)
        floats = [part for part in tf.nest.flatten(y) if part.dtype.is_floating]
        weighted = [part * tf.constant(dy) for part, dy in zip(floats, dys or [], strict=False)]
    gradients = tape.gradient(weighted, sources) if weighted else None
    return [np.asarray(part) for part in tf.nest.flatten(y)], gradients


@SILENT
@pytest.mark.keras
@by_case
def test_values_and_gradients_are_those_of_keras(case, keras, tf):
    if not case.keras:
        pytest.skip("not the same in Keras, or not there")
    arrays = in_dtype(case.arrays, "float32")
    results = parts(function_of(case.name)(*arrays, **case.options))
    expected, _ = keras_results(keras, tf, case, arrays)
    for a, b in zip(results, expected, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=case.rtol, atol=case.rtol)
    wanted, function = places(case, "float32")
    if not (case.differentiable and wanted):
        return
    gradients, dys = recorded_gradients(function, [arrays[i] for i in wanted])
    dys = [dy for dy, y in zip(dys, results, strict=True) if y.dtype.kind == "f"]
    _, theirs = keras_results(keras, tf, case, arrays, dys)
    floats = [i for i, x in enumerate(arrays) if is_float(x)]
    for i, gradient in zip(wanted, gradients, strict=True):
        other = theirs[floats.index(i)]
        if other is not None:
            other = tf.convert_to_tensor(other).numpy()
            np.testing.assert_allclose(gradient, other, rtol=10 * case.rtol, atol=10 * case.rtol)

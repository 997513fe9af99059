"""What every layer must satisfy: Keras' numbers, gradients, shapes, configs, dtypes, masks."""

import copy
import dataclasses
import pickle
import random
import re

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from npkeras import layers, ops
from npkeras.core import registry, tree
from npkeras.core.attach import get_mask
from npkeras.core.dtypes import dtype_of
from npkeras.core.symbolic import KerasTensor
from npkeras.core.tape import GradientTape, Traced, plain
from npkeras.layers.signatures import build_arguments
from tests.checks import check_gradients, shapes_agree
from tests.layers.cases import CASES, CONFIGURATIONS, ELSEWHERE, NOT_CALLED
from tests.layers.cases.common import inner
from tests.layers.rounding import assert_rounded_as_well, habits_of_single_precision, in_double

CALLED = [case for case in CASES if case.name not in NOT_CALLED]
by_case = pytest.mark.parametrize("case", CASES, ids=str)
by_called_case = pytest.mark.parametrize("case", CALLED, ids=str)


def made(case, engine=layers, **more):
    """The layer of a case, of ours or of Keras."""
    return engine.deserialize(inner(case.name, **{**case.options, **more}))


def built(case, engine=layers):
    """The layer of a case with weights, whose numbers are the same each time."""
    random.seed(1)
    layer = made(case, engine)
    shapes = tree.map(np.shape, case.inputs)
    layer.build(*shapes[: len(build_arguments(type(layer)))])
    return layer


def in_policy(case, dtype):
    """The case with a dtype, which holds for the layers within too."""
    return dataclasses.replace(case, options=options_in_policy(case.options, dtype))


def options_in_policy(options, dtype):
    def within(layer):
        return {**layer, "config": options_in_policy(layer["config"], dtype)}

    options = dict(options)
    for name in {"layer", "backward_layer", "cell"} & set(options):
        options[name] = within(options[name])
    if "cells" in options:
        options["cells"] = [within(cell) for cell in options["cells"]]
    return {**options, "dtype": dtype}


def in_dtype(inputs, dtype):
    return tree.map(lambda x: x.astype(dtype) if x.dtype == "float64" else x, inputs)


def called(layer, case, inputs=None):
    return layer(*(in_dtype(case.inputs, "float32") if inputs is None else inputs), **case.call)


def values(structure):
    return [np.asarray(plain(leaf)) for leaf in tree.leaves(structure)]


def assert_same(found, expected):
    for y, expected_y in zip(found, expected, strict=True):
        np.testing.assert_array_equal(y, expected_y)
        assert y.dtype == expected_y.dtype


def test_every_layer_has_a_case():
    registered = set(registry.members("layers"))
    assert registered == {case.name for case in CASES}
    assert registered == set(CONFIGURATIONS) | ELSEWHERE | set(NOT_CALLED)


# Live Keras


@pytest.mark.keras
@pytest.mark.parametrize("case", [c for c in CASES if c.name != "TextVectorization"], ids=str)
def test_making_a_layer_without_a_seed_draws_as_many_as_in_keras(keras, case):
    unseeded = {name: value for name, value in case.options.items() if name != "seed"}
    states = []
    for engine in (keras.layers, layers):
        random.seed(1)
        made(dataclasses.replace(case, options=unseeded), engine)
        states.append(random.getstate())
    assert states[0] == states[1]


def in_numpy(structure):
    return [None if x is None else np.asarray(x) for x in structure]


def run_keras(keras, tf, layer, case):
    """Outputs, losses, the mask of the output, and gradients, of a layer of Keras."""
    inputs = tree.map(tf.constant, case.inputs)
    call = tree.map(lambda v: tf.constant(v) if isinstance(v, np.ndarray) else v, case.call)
    layer(*inputs, **call) if not layer.built else None
    weights = [v.value for v in layer.trainable_variables]
    with tf.GradientTape() as tape:
        watched = [x for x in tree.leaves(inputs) if x.dtype.is_floating]
        tape.watch(watched)
        outputs = tree.leaves(layer(*inputs, **call))
        losses = list(layer.losses)
        parts = [part for part in (*outputs, *losses) if part.dtype.is_floating]
        factors = [tf.cast(weighting(part), part.dtype) for part in parts]
        sums = [tf.reduce_sum(part * f) for part, f in zip(parts, factors, strict=True)]
        total = sum([tf.cast(one, "float64") for one in sums], tf.constant(0.0, "float64"))
    gradients = tape.gradient(total, [*watched, *weights])
    gradients = [None if g is None else tf.convert_to_tensor(g) for g in gradients]
    mask = getattr(outputs[0], "_keras_mask", None)
    return in_numpy(outputs), in_numpy(losses), mask, in_numpy(gradients)


def weighting(y):
    """Some weights for the entries of an output, so that each has its own part in a gradient."""
    return np.cos(np.arange(int(np.prod(y.shape)))).reshape(y.shape).astype("float32")


def run_ours(layer, case, weighting=weighting):
    inputs = tree.map(lambda x: Traced(x, object()) if x.dtype.kind == "f" else x, case.inputs)
    with GradientTape() as tape:
        outputs = tree.leaves(layer(*inputs, **case.call))
        losses = list(layer.losses)
    sources = [x for x in tree.leaves(inputs) if isinstance(x, Traced)] + layer.trainable_variables
    targets = [part for part in (*outputs, *losses) if isinstance(part, Traced)]
    gradients = tape.gradient(targets, sources, [weighting(part) for part in targets])
    mask = get_mask(outputs[0])
    return [plain(y) for y in outputs], in_numpy(losses), mask, in_numpy(gradients)


def close(found, expected, what):
    if found is None or expected is None:  # no gradient, or one that is zero
        assert not np.any(found) and not np.any(expected), what
        return
    scale = float(np.abs(expected).max(initial=0.1)) if expected.dtype.kind == "f" else 1
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-6 * scale, err_msg=what)
    assert found.dtype == expected.dtype, what


def with_weights(layer, weights):
    layer.set_weights([w.astype(v.dtype) for w, v in zip(weights, layer.weights, strict=True)])
    return layer


def in_double_precision(case, weights):
    """The gradients in double precision, and how large the gradients of such a call are.

    That is the largest of them, also where the outputs count with other signs, by which a sum
    that happens to cancel does not; and those of the outputs are 1, where all the others begin.
    """
    case = in_double(case, in_policy)
    signs = np.random.default_rng(0)

    def gradients(weighting):
        return run_ours(with_weights(built(case), weights), case, weighting)[3]

    def jumbled(y):
        return weighting(y) * signs.choice([-1.0, 1.0], y.shape)

    with habits_of_single_precision():
        exact, others = gradients(weighting), gradients(jumbled)
    return exact, max(np.abs(g).max(initial=1) for g in (*exact, *others) if g is not None)


def assert_double_precision_is_that_of_keras(keras, tf, case, weights):
    case = in_double(case, in_policy)
    theirs, ours = (with_weights(built(case, e), weights) for e in (keras.layers, layers))
    try:
        expected = run_keras(keras, tf, theirs, case)[3]
    except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError):
        return  # TensorFlow has no such kernel for a CPU
    for gradient, expected_gradient in zip(run_ours(ours, case)[3], expected, strict=True):
        if gradient is not None and expected_gradient is not None:
            # Keras rounds some constants to single precision, such as the scale of scores.
            np.testing.assert_allclose(gradient, expected_gradient, rtol=1e-6, atol=1e-7)


def are_apart(x):
    """Whether no two numbers are so near that TensorFlow, along three axes, pools both as largest.

    There every entry within 1e-5 of the largest gets the gradient; in npkeras the largest does.
    """
    return not isinstance(x, np.ndarray) or x.size < 2 or np.diff(np.sort(x.ravel())).min() > 2e-5


def assert_gradients_close(keras, tf, case, weights, found, expected):
    """Gradients are those of Keras, or what cancels in them is rounded as well as there."""
    exact = largest = None
    for i, (gradient, expected_gradient) in enumerate(zip(found, expected, strict=True)):
        try:
            close(gradient, expected_gradient, "gradient")
        except AssertionError:
            if gradient is None or expected_gradient is None:
                raise
            if exact is None:
                assert_double_precision_is_that_of_keras(keras, tf, case, weights)
                exact, largest = in_double_precision(case, weights)
            assert_rounded_as_well(gradient, expected_gradient, exact[i], largest, f"gradient {i}")


@pytest.mark.keras
@pytest.mark.parametrize("name", CONFIGURATIONS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_values_losses_masks_and_gradients_are_those_of_keras(keras, tf, name, data):
    case = data.draw(CONFIGURATIONS[name])
    assume(not ("Max" in name and "3D" in name) or are_apart(case.inputs[0]))
    theirs, ours = built(case, keras.layers), built(case)
    for our_weight, their_weight in zip(ours.weights, theirs.weights, strict=True):
        close(our_weight.value, np.asarray(their_weight), "initial weight")
    weights = theirs.get_weights()
    ours.set_weights(weights)
    found, expected = run_ours(ours, case), run_keras(keras, tf, theirs, case)
    for what, ys, expected_ys in zip(("outputs", "losses"), found[:2], expected[:2], strict=True):
        assert len(ys) == len(expected_ys), what
        for y, expected_y in zip(ys, expected_ys, strict=True):
            close(y, expected_y, what)
    assert (found[2] is None) == (expected[2] is None)
    if found[2] is not None:
        np.testing.assert_array_equal(found[2], expected[2])
    assert_gradients_close(keras, tf, case, weights, found[3], expected[3])


def paths_of(layer):
    """Where a layer's variables are, without the numbers that count all random generators."""
    return [re.sub(r"seed_generator_\d+", "seed_generator", v.path) for v in layer.variables]


@pytest.mark.keras
@pytest.mark.parametrize("name", CONFIGURATIONS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_configs_are_those_of_keras(keras, name, data):
    case = data.draw(CONFIGURATIONS[name])
    theirs, ours = made(case, keras.layers, name="one"), made(case, name="one")
    assert ours.get_config() == theirs.get_config()
    tuples = {k for k, v in theirs.get_config().items() if isinstance(v, tuple)}
    assert {k for k, v in ours.get_config().items() if isinstance(v, tuple)} == tuples
    for layer in (theirs, ours):
        layer.build(*tree.map(np.shape, case.inputs))
    assert ours.get_build_config() == theirs.get_build_config()
    assert paths_of(ours) == paths_of(theirs)
    assert ours.supports_masking == theirs.supports_masking


@pytest.mark.keras
@pytest.mark.parametrize("policy", ["float16", "float64", "mixed_float16"])
@by_called_case
def test_output_and_weight_dtypes_are_those_of_keras(keras, case, policy):
    if not case.keras:
        pytest.skip("TensorFlow has no such kernel for a CPU")
    inputs = in_dtype(case.inputs, "float32")
    case = in_policy(case, policy)
    theirs, ours = made(case, keras.layers), made(case)
    expected = theirs(*inputs, **case.call)
    y = ours(*inputs, **case.call)
    for part, expected_part in zip(tree.leaves(y), keras.tree.flatten(expected), strict=True):
        assert dtype_of(part) == keras.backend.standardize_dtype(expected_part.dtype)
        assert np.shape(part) == tuple(expected_part.shape)
    assert [v.dtype for v in ours.variables] == [v.dtype for v in theirs.variables]
    assert (ours.dtype, ours.compute_dtype) == (theirs.dtype, theirs.compute_dtype)


# Without Keras


def floats_of(case):
    """The float inputs of a case, and a function that puts others in their places."""
    leaves = tree.leaves(case.inputs)
    places = [i for i, x in enumerate(leaves) if x.dtype == "float64"]

    def replaced(arrays):
        new = list(leaves)
        for i, array in zip(places, arrays, strict=True):
            new[i] = array
        return tree.pack(case.inputs, new)

    return [leaves[i] for i in places], replaced


@by_called_case
def test_gradients_are_the_numeric_ones(case):
    if not case.differentiable:
        pytest.skip("random, or with jumps")
    floats, replaced = floats_of(case)
    twins = {dtype: made(in_policy(case, dtype)) for dtype in ("float64", "float32")}
    for layer in twins.values():
        called(layer, case, in_dtype(case.inputs, layer.dtype))
    weights = [v.value.astype("float64") for v in twins["float64"].trainable_weights]

    def function(*arrays):
        inputs, values = arrays[: len(floats)], arrays[len(floats) :]
        dtype = dtype_of(arrays[0])
        layer = twins[dtype]
        for variable, value in zip(layer.trainable_weights, values, strict=True):
            variable.value = plain(value)
            variable.slot = value.slot if isinstance(value, Traced) else object()
        outputs = called(layer, case, replaced(inputs))
        return [*tree.leaves(outputs), *layer.losses]

    check_gradients(function, *floats, *weights, rtol=1e-5, atol=1e-6)


def specs_of(inputs, unknown=()):
    def spec(x):
        shape = [None if axis in unknown else n for axis, n in enumerate(x.shape)]
        return KerasTensor(shape, dtype_of(x))

    return tree.map(spec, inputs)


@pytest.mark.parametrize("unknown", [(), (0,), (0, 1)], ids=["known", "batch", "batch and steps"])
@by_called_case
def test_symbolic_outputs_have_the_shape_and_dtype_of_real_ones(case, unknown):
    inputs = in_dtype(case.inputs, "float32")
    if 1 in unknown and tree.leaves(inputs)[0].ndim < 3:
        pytest.skip("no axis of steps")
    if 1 in unknown and case.options.get("data_format") == "channels_first":
        unknown = (0, 2)
    layer = made(case)
    results = tree.leaves(layer(*inputs, **case.call))
    calls = len(layer._inbound_nodes)
    given = tree.map(lambda v: specs_of(v, unknown) if isinstance(v, np.ndarray) else v, case.call)
    inferred = tree.leaves(layer(*specs_of(inputs, unknown), **given))
    assert len(layer._inbound_nodes) == calls + 1
    for spec, result in zip(inferred, results, strict=True):
        assert isinstance(spec, KerasTensor)
        assert shapes_agree(spec.shape, result.shape), (spec.shape, result.shape)
        assert unknown or spec.shape == result.shape
        assert spec.dtype == dtype_of(result)


@pytest.mark.parametrize("policy", ["float16", "float64", "mixed_float16"])
@by_called_case
def test_symbolic_outputs_have_the_dtype_of_real_ones_under_every_policy(case, policy):
    layer = made(in_policy(case, policy))
    inputs = in_dtype(case.inputs, "float32")
    results = layer(*inputs, **case.call)
    given = tree.map(lambda v: specs_of(v) if isinstance(v, np.ndarray) else v, case.call)
    inferred = layer(*specs_of(inputs), **given)
    dtypes = [spec.dtype for spec in tree.leaves(inferred)]
    assert dtypes == [dtype_of(y) for y in tree.leaves(results)]


@by_called_case
def test_the_shape_is_known_before_building_and_nothing_is_left_behind(case):
    inputs = in_dtype(case.inputs, "float32")
    layer = made(case)
    built, attributes = layer.built, set(vars(layer))
    shapes = tree.map(np.shape, inputs)
    if len(inputs) == 1 and all(x.dtype.kind == "f" for x in tree.leaves(inputs)):
        inferred = layer.compute_output_shape(*shapes)
        results = made(case)(*inputs)
        assert tree.map(np.shape, results) == inferred
    layer.compute_output_spec(*specs_of(inputs))
    assert (layer.built, set(vars(layer))) == (built, attributes)
    assert not layer._inbound_nodes
    assert built or not layer.weights


@by_case
def test_a_layer_is_remade_from_its_config(case):
    layer = made(case)
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert type(again) is type(layer)
    assert again.get_config() == config
    through_registry = layers.deserialize(layers.serialize(layer))
    assert through_registry.get_config() == config


@by_called_case
def test_a_layer_can_be_built_from_its_build_config(case):
    layer = made(case)
    called(layer, case)
    again = made(case)
    again.build_from_config(layer.get_build_config())
    assert [v.shape for v in again.weights] == [v.shape for v in layer.weights]
    again.set_weights(layer.get_weights())
    if not any("seed_generator" in v.path for v in layer.variables):
        assert_same(values(called(again, case)), values(called(layer, case)))


@by_called_case
def test_weights_can_be_read_and_replaced(case):
    layer = made(case)
    called(layer, case)
    before = layer.get_weights()
    layer.set_weights([w + 1 for w in before])
    for weight, old in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(weight.value, old + 1)
    assert layer.count_params() == sum(w.size for w in before)


ops_are_shared = pytest.mark.skipif(
    copy.deepcopy(ops.tanh) is not ops.tanh, reason="ops cannot be copied or pickled by name"
)


@ops_are_shared
@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
@by_called_case
def test_a_copy_computes_the_same_and_shares_nothing(case, way):
    layer = made(case)
    called(layer, case)
    copied = copy.deepcopy(layer) if way == "deepcopy" else pickle.loads(pickle.dumps(layer))
    assert copied.name == layer.name
    assert [v.path for v in copied.variables] == [v.path for v in layer.variables]
    assert not {id(v) for v in copied.variables} & {id(v) for v in layer.variables}
    assert_same(values(called(copied, case)), values(called(layer, case)))
    for variable in copied.trainable_variables:
        variable.assign(variable.value + 1)
    for variable, own in zip(copied.trainable_variables, layer.trainable_variables, strict=True):
        np.testing.assert_array_equal(variable.value, own.value + 1)


@ops_are_shared
@by_called_case
def test_a_copy_can_be_trained(case):
    layer = made(case)
    called(layer, case)
    copied = pickle.loads(pickle.dumps(copy.deepcopy(layer)))
    with GradientTape() as tape:
        outputs = [y for y in tree.leaves(called(copied, case)) if isinstance(y, Traced)]
    gradients = tape.gradient(outputs, copied.trainable_variables)
    assert all(gradient is not None for gradient in gradients)


def rows_of(case, rows):
    return tree.map(lambda x: x[rows], in_dtype(case.inputs, "float32"))


def call_of(case, rows):
    size = tree.leaves(case.inputs)[0].shape[0]

    def part(v):
        return v[rows] if isinstance(v, np.ndarray) and v.shape[0] == size else v

    return tree.map(part, case.call)


@by_called_case
def test_an_empty_batch_gives_an_empty_output(case):
    layer = made(case)
    results = tree.leaves(called(layer, case))
    nothing = slice(0, 0)
    empty = layer(*rows_of(case, nothing), **call_of(case, nothing))
    for y, result in zip(tree.leaves(empty), results, strict=True):
        assert y.shape == (0, *result.shape[1:])
        assert dtype_of(y) == dtype_of(result)


@by_called_case
def test_one_row_gives_the_first_row_of_many(case):
    if not case.per_sample:
        pytest.skip("rows are drawn together")
    layer = made(case)
    results = tree.leaves(called(layer, case))
    one = layer(*rows_of(case, slice(0, 1)), **call_of(case, slice(0, 1)))
    for y, result in zip(tree.leaves(one), results, strict=True):
        np.testing.assert_allclose(y, result[:1], rtol=1e-5, atol=1e-6)


@by_called_case
def test_inputs_are_left_alone(case):
    inputs = in_dtype(case.inputs, "float32")
    copies = tree.map(np.copy, inputs)
    layer = made(case)
    with GradientTape() as tape:
        outputs = [y for y in tree.leaves(called(layer, case, inputs)) if isinstance(y, Traced)]
    tape.gradient(outputs, layer.trainable_variables)
    assert_same(tree.leaves(inputs), tree.leaves(copies))
    assert all(get_mask(x) is None for x in tree.leaves(inputs))


@pytest.mark.parametrize("order", ["read-only", "Fortran", "reversed", "big-endian"])
@by_called_case
def test_the_layout_of_the_inputs_does_not_matter(case, order):
    changes = {
        "read-only": np.copy,
        "Fortran": lambda x: np.array(x, order="F"),
        "reversed": lambda x: x[::-1].copy()[::-1],
        "big-endian": lambda x: x.astype(x.dtype.newbyteorder(">")),
    }
    inputs = tree.map(changes[order], in_dtype(case.inputs, "float32"))
    for x in tree.leaves(inputs):
        x.flags.writeable = False
    expected, found = called(built(case), case), called(built(case), case, inputs)
    for y, result in zip(values(found), values(expected), strict=True):
        np.testing.assert_allclose(y, result, rtol=1e-6, atol=1e-7)
        assert y.dtype == result.dtype

"""Attention by heads: masks, axes, dropout, files, messages."""

import numpy as np
import pytest

import npkeras
from npkeras import GradientTape
from npkeras.core.tape import Traced
from npkeras.layers import GroupQueryAttention, MultiHeadAttention
from tests.layers.engines import array, mask_of, masked, ones

RANDOM = np.random.default_rng(0)
QUERY = RANDOM.normal(size=(2, 4, 6)).astype("float32")
VALUE = RANDOM.normal(size=(2, 3, 5)).astype("float32")
QUERY_MASK = np.array([[True, True, False, True], [False, True, True, True]])
VALUE_MASK = np.array([[True, True, False], [True, False, False]])
BLIND = np.array([[True, True, False], [False, False, False]])  # nothing to see in one sample

KINDS = {
    "MultiHeadAttention": {"num_heads": 2, "key_dim": 3},
    "GroupQueryAttention": {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2},
}
by_kind = pytest.mark.parametrize("name", KINDS)


def layer_of(engine, kind, **options):
    return getattr(engine.layers, kind)(**{**KINDS[kind], **options})


def twins(keras, name, query=QUERY, value=VALUE, **options):
    """A layer of ours and one of Keras with the same weights."""
    theirs, ours = (layer_of(engine, name, **options) for engine in (keras, npkeras))
    theirs.build(query.shape, value.shape)
    ours.build(query.shape, value.shape)
    ours.set_weights([w + 0.1 for w in theirs.get_weights()])
    theirs.set_weights(ours.get_weights())
    return ours, theirs


def assert_alike(found, expected):
    if not isinstance(found, tuple):
        found, expected = (found,), (expected,)
    for y, expected_y in zip(found, expected, strict=True):
        np.testing.assert_allclose(array(y), array(expected_y), rtol=1e-4, atol=1e-5)


@by_kind
@pytest.mark.parametrize("scores", [True, False])
@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_a_query_that_may_see_nothing(engine, name, scores, dropout):
    layer = layer_of(engine, name, dropout=dropout)
    y = layer(QUERY, VALUE, value_mask=BLIND, return_attention_scores=scores)
    y = array(y[0] if scores else y)[1]
    zero = scores or dropout > 0
    assert (not y.any()) if zero else (y.all() and np.allclose(y, y[:1], rtol=1e-5, atol=1e-6))


@pytest.mark.keras
@by_kind
@pytest.mark.parametrize("scores", [True, False])
@pytest.mark.parametrize("causal", [True, False])
def test_masks_that_come_along_are_those_of_keras(keras, name, scores, causal):
    ours, theirs = twins(keras, name)
    results = []
    for engine, layer in ((npkeras, ours), (keras, theirs)):
        query, value = masked(engine, QUERY, QUERY_MASK), masked(engine, VALUE, VALUE_MASK)
        y = layer(query, value, return_attention_scores=scores, use_causal_mask=causal)
        results.append(y)
        assert mask_of(y[0] if scores else y) == QUERY_MASK.tolist()
    assert_alike(*results)


@pytest.mark.keras
@by_kind
@pytest.mark.parametrize("mask", ["query_mask", "value_mask", "key_mask"])
def test_masks_that_are_given_are_those_of_keras(keras, name, mask):
    ours, theirs = twins(keras, name)
    given = {mask: QUERY_MASK if mask == "query_mask" else VALUE_MASK}
    assert_alike(ours(QUERY, VALUE, **given), theirs(QUERY, VALUE, **given))


@pytest.mark.keras
@by_kind
@pytest.mark.parametrize("shape", [(2, 4, 3), (1, 4, 3), (4, 3), (2, 1, 4, 3), (2, 1, 3)])
@pytest.mark.parametrize("dtype", ["bool", "int32", "float32"])
def test_an_attention_mask_may_be_broadcast(keras, name, shape, dtype):
    ours, theirs = twins(keras, name)
    mask = (np.random.default_rng(1).random(shape) < 0.7).astype(dtype)
    mask[..., 0] = 1
    given = {"attention_mask": mask}
    assert_alike(ours(QUERY, VALUE, **given), theirs(QUERY, VALUE, **given))


@pytest.mark.keras
@by_kind
@pytest.mark.parametrize("scores", [True, False])
def test_dropout_drops_what_keras_drops(keras, name, scores):
    ours, theirs = twins(keras, name, dropout=0.4, seed=3)
    for _ in range(2):
        options = {"training": True, "return_attention_scores": scores}
        assert_alike(ours(QUERY, VALUE, **options), theirs(QUERY, VALUE, **options))


@pytest.mark.keras
@pytest.mark.parametrize("axes", [None, 1, 2, -2, (1, 2), (2, 1), [1]])
def test_attention_along_other_axes_is_that_of_keras(keras, axes):
    x = RANDOM.normal(size=(2, 3, 4, 6)).astype("float32")
    ours, theirs = twins(
        keras, "MultiHeadAttention", x, x, attention_axes=axes, output_shape=(2, 3)
    )
    options = {"return_attention_scores": True}
    assert_alike(ours(x, x, **options), theirs(x, x, **options))
    assert ours.get_config()["attention_axes"] == theirs.get_config()["attention_axes"]


@pytest.mark.keras
def test_a_mask_for_attention_along_several_axes(keras):
    x = RANDOM.normal(size=(2, 3, 2, 6)).astype("float32")
    ours, theirs = twins(keras, "MultiHeadAttention", x, x, attention_axes=(1, 2))
    mask = np.random.default_rng(2).random((2, 3, 2, 3, 2)) < 0.7
    assert_alike(ours(x, x, attention_mask=mask), theirs(x, x, attention_mask=mask))


@pytest.mark.keras
@by_kind
@pytest.mark.parametrize("way", ["ours to theirs", "theirs to ours"])
def test_files_of_weights_go_both_ways(keras, tmp_path, name, way):
    models = []
    for engine in (npkeras, keras):
        layer = layer_of(engine, name, use_gate=True, dropout=0.1)
        model = engine.Sequential([engine.Input((4, 6)), Around(engine, layer)])
        models.append(model)
    source, target = models if way == "ours to theirs" else models[::-1]
    for weight in source.weights:
        weight.assign(np.random.default_rng(0).normal(size=tuple(weight.shape)))
    source.save_weights(tmp_path / "w.weights.h5")
    target.load_weights(tmp_path / "w.weights.h5")
    for a, b in zip(source.weights, target.weights, strict=True):
        np.testing.assert_array_equal(array(a), array(b))


def Around(engine, layer):
    """Self-attention in a layer of one input."""

    class SelfAttention(engine.layers.Layer):
        def __init__(self):
            super().__init__()
            self.attention = layer

        def build(self, input_shape):
            self.attention.build(input_shape, input_shape)

        def call(self, x):
            return self.attention(x, x)

    return SelfAttention()


@by_kind
def test_layers_within_have_the_names_of_keras(engine, name):
    layer = layer_of(engine, name, use_gate=True, name="a")
    layer(QUERY, VALUE)
    assert [weight.path for weight in layer.weights] == [
        f"a/{within}/{kind}"
        for within in ("query", "key", "gate", "value", "attention_output")
        for kind in ("kernel", "bias")
    ]
    within = ("_query_dense", "_key_dense", "_gate_dense", "_value_dense", "_output_dense")
    assert [getattr(layer, attribute).name for attribute in within] == [
        "query", "key", "gate", "value", "attention_output"
    ]  # fmt: skip


def test_the_name_of_a_group_query_layer_is_that_of_keras(engine):
    layer = layer_of(engine, "GroupQueryAttention")
    assert layer.name == "grouped_query_attention"
    assert engine.layers.serialize(layer)["class_name"] == "GroupQueryAttention"


@by_kind
def test_the_call_leaves_masks_on_its_inputs(name):
    query = masked(npkeras, QUERY, QUERY_MASK)
    layer_of(npkeras, name)(query, VALUE)
    assert mask_of(query) == QUERY_MASK.tolist()


@by_kind
def test_inference_gives_what_a_tape_sees(name):
    layer = layer_of(npkeras, name)
    y = layer(QUERY, VALUE)
    with GradientTape():
        np.testing.assert_array_equal(array(layer(QUERY, VALUE)), y)


def test_penalties_are_on_the_outputs_of_the_layers_within(engine):
    counts = []
    for name in KINDS:
        layer = layer_of(engine, name, activity_regularizer="l2")
        layer(QUERY, VALUE)
        counts.append(len(layer.losses))
    assert counts == [4, 5]  # Keras penalizes the outputs of group query attention twice


def test_scores_have_the_shape_of_symbolic_ones():
    query, value = npkeras.Input((4, 6)), npkeras.Input((None, 5))
    _, scores = layer_of(npkeras, "MultiHeadAttention")(query, value, return_attention_scores=True)
    assert scores.shape == (None, 2, 4, None)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: MultiHeadAttention(0, 3), "`num_heads` of MultiHeadAttention.*num_heads=0"),
        (lambda: MultiHeadAttention(2, -3), "`key_dim` of MultiHeadAttention.*key_dim=-3"),
        (lambda: MultiHeadAttention(2, 3, 0), "`value_dim` of MultiHeadAttention.*value_dim=0"),
        (lambda: MultiHeadAttention(2, 3, dropout=2), "`dropout` of MultiHeadA.*dropout=2"),
        (lambda: MultiHeadAttention(2, 3, sliding_window=0), "`sliding_window` of.*=0"),
        (lambda: MultiHeadAttention(2, 3, attention_axes=1.0), "`attention_axes` of.*axes=1.0"),
        (lambda: MultiHeadAttention(2, 3, output_shape=4.0), "`output_shape` of.*shape=4.0"),
        (lambda: MultiHeadAttention(2, 3, flash_attention=True), "flash_attention=True"),
        (lambda: GroupQueryAttention(3, 4, 3), "multiple of.*heads=4, num_key_value_heads=3"),
        (lambda: GroupQueryAttention(-3, 4, 2), "`head_dim` of GroupQueryAttention.*-3"),
        (lambda: GroupQueryAttention(3, 4, 2, dropout=-1), "`dropout` of GroupQuery.*dropout=-1"),
    ],
)
def test_bad_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    "inputs, message",
    [
        ([ones(2, 4), ones(2, 4)], r"three or more.*\(2, 4\) and \(2, 4\)"),
        ([ones(2, 4, 3), ones(2, 4, 3, 3)], r"same number of axes.*\(2, 4, 3\) and \(2, 4, 3, 3\)"),
        ([ones(2, 4, 3), ones(2, 5, 3), ones(2, 4, 3)], r"value and key of the same shape"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(inputs, message):
    with pytest.raises(ValueError, match=rf"'m' \(MultiHeadAttention\).*{message}"):
        MultiHeadAttention(2, 3, name="m")(*inputs)
    with pytest.raises(ValueError, match=r"'g' \(GroupQueryAttention\)"):
        GroupQueryAttention(2, 3, 1, name="g")(*inputs)


@pytest.mark.parametrize(
    "axes, shapes, message",
    [
        (None, [(2, 4, 3), (3, 5, 3)], r"same lengths.*\(1,\)\. .*\(2, 4, 3\) and \(3, 5, 3\)"),
        (1, [(2, 4, 3, 3), (2, 5, 2, 3)], r"same lengths.*\(1,\)\. .*\(2, 5, 2, 3\)"),
        (2, [(2, 4, 3), (2, 4, 3)], r"along the last axis.*attention_axes=\(2,\), .*3 axes"),
        ((1, -1), [(2, 4, 3, 3)] * 2, r"along the last axis.*\(1, -1\), .*4 axes"),
    ],
)
def test_axes_that_do_not_fit_are_refused(axes, shapes, message):
    layer = MultiHeadAttention(2, 3, attention_axes=axes, name="m")
    with pytest.raises(ValueError, match=rf"'m' \(MultiHeadAttention\).*{message}"):
        layer(*(ones(*shape) for shape in shapes))


@pytest.mark.keras
@by_kind
@pytest.mark.parametrize("inputs", [(ones(2, 4, 3), ones(2, 0, 3)), (ones(2, 0, 3), ones(2, 5, 3))])
def test_without_values_or_queries_numbers_are_those_of_keras_and_gradients_zero(
    keras, name, inputs
):
    ours, theirs = twins(keras, name, *inputs)
    with GradientTape() as tape:
        found = ours(*inputs)
        total = npkeras.ops.sum(found)
    assert_alike(found, theirs(*inputs))
    for gradient in tape.gradient(total, ours.trainable_variables)[:-1]:
        np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


@by_kind
@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 2, 4, 3, 1), (4,)])
def test_masks_that_do_not_fit_are_refused(name, shape):
    with pytest.raises(ValueError, match=rf"'a' \({name}\) expects masks that broadcast.*4, 3\)"):
        layer_of(npkeras, name, name="a")(QUERY, VALUE, attention_mask=np.zeros(shape, bool))


def test_masks_of_steps_do_not_fit_several_axes():
    x = ones(2, 3, 4, 6)
    layer = MultiHeadAttention(2, 3, name="m")
    with pytest.raises(
        ValueError, match=r"'m' \(MultiHeadAttention\) attends to the axes \(1, 2\)"
    ):
        layer(x, x, use_causal_mask=True)


CALLS = {
    "itself": lambda layer, x, y: layer(x, x),
    "another": lambda layer, x, y: layer(x, y),
    "three": lambda layer, x, y: layer(x, y, y * 0.5),
    "key is query": lambda layer, x, y: layer(x, x * 0.5, x),
    "value is query": lambda layer, x, y: layer(x, x, x * 0.5),
    "no gradient to the value": lambda layer, x, y: layer(x, npkeras.ops.stop_gradient(x)),
    "masks": lambda layer, x, y: layer(x, y, query_mask=QUERY_MASK, value_mask=VALUE_MASK),
    "causal": lambda layer, x, y: layer(x, x, use_causal_mask=True),
    "dropout": lambda layer, x, y: layer(x, y, training=True),
}


@by_kind
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("options", [{}, {"use_bias": False}, {"dropout": 0.3, "seed": 1}])
def test_all_at_once_is_layer_by_layer(name, call, options, monkeypatch):
    """`attention_by_heads` against the layers within, one after another, with gradients."""
    x, y = QUERY.astype("float64"), RANDOM.normal(size=(2, 3, 6))
    results = []
    for fits in (True, False):
        npkeras.utils.set_random_seed(0)
        layer = layer_of(npkeras, name, dtype="float64", **options)
        layer.build(x.shape, x.shape)
        if not fits:
            monkeypatch.setattr(layer, "_fits", lambda *inputs: False)
        with GradientTape(persistent=True) as tape:
            inputs = tape.watch(x), tape.watch(y)
            outputs = CALLS[call](layer, x, y)
            loss = npkeras.ops.sum(npkeras.ops.sin(outputs))
        del inputs
        sources = [x, y, *layer.trainable_weights]
        results.append([array(outputs), *tape.gradient(loss, sources)])
    for found, expected in zip(*results, strict=True):
        if expected is None:
            assert found is None
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@by_kind
def test_weights_that_are_frozen_get_no_gradient(name):
    layer = layer_of(npkeras, name)
    layer.build(QUERY.shape, QUERY.shape)
    layer._key_dense.trainable = False
    with GradientTape() as tape:
        loss = npkeras.ops.sum(layer(QUERY, QUERY) ** 2)
    gradients = tape.gradient(loss, layer.weights)
    frozen = {id(weight) for weight in layer._key_dense.weights}
    for weight, gradient in zip(layer.weights, gradients, strict=True):
        assert (gradient is None) == (id(weight) in frozen)


def test_layers_within_may_be_replaced():
    """A layer that is no plain product is called as it is."""
    layer = MultiHeadAttention(2, 3)
    layer.build(QUERY.shape, QUERY.shape)
    before = layer(QUERY, QUERY)
    layer.value_dense.activation = npkeras.activations.relu
    assert not np.allclose(layer(QUERY, QUERY), before)


def test_one_array_may_stand_for_two_values():
    """Each of them has a gradient of its own, and together they have that of one for both."""
    layer = MultiHeadAttention(2, 3)
    layer.build(QUERY.shape, QUERY.shape)
    gradients = []
    for query, value in ((Traced(QUERY, object()), Traced(QUERY, object())),) * 2:
        value = value if not gradients else query
        with GradientTape() as tape:
            loss = npkeras.ops.sum(layer(query, value) ** 2)
        gradients.append(tape.gradient(loss, [query, value]))
    (one, two), (both, _) = gradients
    np.testing.assert_allclose(one + two, both, rtol=1e-5, atol=1e-5)
    assert np.abs(two).max() > 1e-3
